/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Edit distance with swaps (optimal string alignment). Pure. */
#include "dom0-tools/xl/suggest.h"

#include <limits.h>
#include <string.h>

#define MAX_WORD 63

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned int suggest_distance(const char *a, const char *b)
{
	unsigned int rows[3][MAX_WORD + 2], *before = rows[0], *last = rows[1], *now = rows[2], *t;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > MAX_WORD || lb > MAX_WORD)
		return UINT_MAX;
	for (j = 0; j <= lb; j++)
		last[j] = (unsigned int)j;
	memset(before, 0, sizeof(rows[0]));
	for (i = 1; i <= la; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= lb; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1,
				      last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		t = before;
		before = last;
		last = now;
		now = t;
	}
	return last[lb];
}

const char *suggest_nearest(const char *word, size_t count,
			    const char *(*name_at)(const void *arg, size_t i), const void *arg)
{
	/* A third of the letters may be wrong, and one always. */
	unsigned int limit = (unsigned int)strlen(word) / 3 + 1, distance;
	const char *best = NULL, *name;
	size_t i;

	for (i = 0; i < count; i++) {
		name = name_at(arg, i);
		if (!name)
			continue;
		distance = suggest_distance(word, name);
		if (distance < limit || (distance == limit && !best)) {
			limit = distance;
			best = name;
		}
	}
	return best;
}
