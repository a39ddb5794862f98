/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* hv/rangeset.h: an array that is searched by bisection. */
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/rangeset.h>

#define ROOM_FIRST 8

struct rangeset *rangeset_new(void)
{
	struct rangeset *rs = hv_zalloc(sizeof(*rs));

	if (rs)
		spin_lock_init(&rs->lock, RANK_NONE);
	return rs;
}

void rangeset_free(struct rangeset *rs)
{
	if (!rs)
		return;
	hv_free(rs->r);
	hv_free(rs);
}

/* Index of the first range that ends at or after @v; nr if there is none. */
static unsigned int lookup(const struct rangeset *rs, unsigned long v)
{
	unsigned int lo = 0, hi = rs->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (rs->r[mid].last < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Room for one range more. */
static int make_room(struct rangeset *rs)
{
	unsigned int room = rs->room ? rs->room * 2 : ROOM_FIRST;
	struct range *r;

	if (rs->nr < rs->room)
		return 0;
	if (rs->nr >= RANGESET_MAX)
		return -ENOSPC;
	r = hv_zalloc_array(room, sizeof(*r));
	if (!r)
		return -ENOMEM;
	if (rs->nr)
		memcpy(r, rs->r, rs->nr * sizeof(*r));
	hv_free(rs->r);
	rs->r = r;
	rs->room = room;
	return 0;
}

/* Replaces ranges [from, to) by @n (at most one more than there were) of @with. */
static void splice(struct rangeset *rs, unsigned int from, unsigned int to,
		   const struct range *with, unsigned int n)
{
	memmove(&rs->r[from + n], &rs->r[to], (rs->nr - to) * sizeof(*rs->r));
	for (unsigned int i = 0; i < n; i++)
		rs->r[from + i] = with[i];
	rs->nr = rs->nr - (to - from) + n;
}

static int add_locked(struct rangeset *rs, struct range new)
{
	/* Neighbours that merely touch are merged too. */
	unsigned int from = lookup(rs, new.first ? new.first - 1 : 0), to = from;
	int rc = make_room(rs);

	while (to < rs->nr && (new.last == ~0UL || rs->r[to].first <= new.last + 1)) {
		new.first = min(new.first, rs->r[to].first);
		new.last = max(new.last, rs->r[to].last);
		to++;
	}
	if (from == to && rc)
		return rc;
	splice(rs, from, to, &new, 1);
	return 0;
}

static int remove_locked(struct rangeset *rs, struct range out)
{
	unsigned int from = lookup(rs, out.first), to = from, n = 0;
	struct range rest[2];
	int rc = make_room(rs);

	while (to < rs->nr && rs->r[to].first <= out.last)
		to++;
	if (from == to)
		return 0;
	if (rs->r[from].first < out.first)
		rest[n++] = (struct range){rs->r[from].first, out.first - 1};
	if (rs->r[to - 1].last > out.last)
		rest[n++] = (struct range){out.last + 1, rs->r[to - 1].last};
	if (n > to - from && rc)
		return rc;
	splice(rs, from, to, rest, n);
	return 0;
}

int rangeset_add(struct rangeset *rs, unsigned long first, unsigned long last)
{
	int rc;

	if (first > last)
		return -EINVAL;
	spin_lock(&rs->lock);
	rc = add_locked(rs, (struct range){first, last});
	spin_unlock(&rs->lock);
	return rc;
}

int rangeset_remove(struct rangeset *rs, unsigned long first, unsigned long last)
{
	int rc;

	if (first > last)
		return -EINVAL;
	spin_lock(&rs->lock);
	rc = remove_locked(rs, (struct range){first, last});
	spin_unlock(&rs->lock);
	return rc;
}

bool rangeset_contains(struct rangeset *rs, unsigned long first, unsigned long last)
{
	unsigned int i;
	bool yes;

	if (!rs || first > last)
		return false;
	spin_lock(&rs->lock);
	i = lookup(rs, first);
	yes = i < rs->nr && rs->r[i].first <= first && rs->r[i].last >= last;
	spin_unlock(&rs->lock);
	return yes;
}

bool rangeset_overlaps(struct rangeset *rs, unsigned long first, unsigned long last)
{
	unsigned int i;
	bool yes;

	if (!rs || first > last)
		return false;
	spin_lock(&rs->lock);
	i = lookup(rs, first);
	yes = i < rs->nr && rs->r[i].first <= last;
	spin_unlock(&rs->lock);
	return yes;
}

bool rangeset_nth(struct rangeset *rs, unsigned int n, struct range *ret_range)
{
	bool yes;

	if (!rs)
		return false;
	spin_lock(&rs->lock);
	yes = n < rs->nr;
	if (yes)
		*ret_range = rs->r[n];
	spin_unlock(&rs->lock);
	return yes;
}
