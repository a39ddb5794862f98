/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Memory for the store. Owns nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/util.h>

static void *check(void *p, size_t size)
{
	if (!p) {
		fprintf(stderr, "xenstored: out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

void *store_alloc(size_t size)
{
	return check(malloc(size), size);
}

void *store_zalloc(size_t size)
{
	return check(calloc(1, size), size);
}

void *store_realloc(void *p, size_t size)
{
	return check(realloc(p, size), size);
}

char *store_memdup0(const char *p, size_t len)
{
	char *copy = store_alloc(len + 1);

	memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}
