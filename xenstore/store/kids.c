/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A node's children: a B-tree of blocks without rebalancing. Blocks split when
 * full and go when empty; a block isn't merged with its neighbour, because
 * directories of the store grow and then vanish as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/node.h>
#include <xenstore/store/util.h>

/* With the heads of block and allocation an odd number of slots leaves nothing over. */
#define FIRST_CAP 1
#define MORE_CAP  2

/* How many bytes the names below each slot are, with their NULs; only where level > 0. */
static uint32_t *sums(const struct kids *k)
{
	return (uint32_t *)(uintptr_t)&k->slot[KIDS_MAX];
}

static uint32_t sum_of(const struct kids *k)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < k->nr; i++) {
		sum += k->level ? sums(k)[i] : ((const struct node *)k->slot[i])->name_len + 1u;
	}
	return sum;
}

static struct kids *block_make(unsigned int level, unsigned int cap)
{
	size_t size = sizeof(struct kids) + cap * sizeof(void *);
	struct kids *k = store_alloc(size + (level ? KIDS_MAX * sizeof(uint32_t) : 0));

	k->refs = 1;
	k->level = (uint8_t)level;
	k->nr = 0;
	k->cap = (uint8_t)cap;
	k->gen = 0;
	return k;
}

/* Makes *@pk ours alone: a copy whose slots have one reference more. */
static struct kids *block_own(struct kids **pk)
{
	struct kids *old = *pk, *k;

	if (old->refs == 1) {
		return old;
	}
	k = block_make(old->level, old->cap);
	k->nr = old->nr;
	k->gen = old->gen;
	memcpy(k->slot, old->slot, old->nr * sizeof(k->slot[0]));
	if (k->level) {
		memcpy(sums(k), sums(old), old->nr * sizeof(uint32_t));
	}
	for (unsigned int i = 0; i < k->nr; i++) {
		if (k->level) {
			((struct kids *)k->slot[i])->refs++;
		} else {
			((struct node *)k->slot[i])->refs++;
		}
	}
	old->refs--;
	*pk = k;
	return k;
}

static const struct node *first(const struct kids *k)
{
	while (k->level) {
		k = k->slot[0];
	}
	return k->slot[0];
}

static int compare(const struct node *n, const char *name, size_t len)
{
	size_t common = n->name_len < len ? n->name_len : len;
	int c = common ? (unsigned char)n->data[0] - (unsigned char)*name : 0;

	/* Mostly it is the first letter that tells. */
	c = c || common < 2 ? c : memcmp(n->data + 1, name + 1, common - 1);
	return c ? c : (n->name_len > len) - (n->name_len < len);
}

/*
 * The last slot whose first name is <= @name; -1 if all are greater. @same
 * tells whether it is equal (level 0 only).
 */
static int search(const struct kids *k, const char *name, size_t len, bool *same)
{
	int lo = 0, hi = k->nr;

	*same = false;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		const struct node *n = k->level ? first(k->slot[mid]) : k->slot[mid];
		int c = compare(n, name, len);

		if (c == 0) {
			*same = true;
			return mid;
		}
		if (c < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo - 1;
}

struct node **kids_place(struct kids *k, const char *name, size_t len, bool *shared)
{
	bool same;
	int i;

	if (!k) {
		return NULL;
	}
	for (;;) {
		*shared |= k->refs > 1;
		i = search(k, name, len, &same);
		if (i < 0) {
			return NULL;
		}
		if (!k->level) {
			return same ? (struct node **)&k->slot[i] : NULL;
		}
		k = k->slot[i];
	}
}

struct node *kids_find(const struct kids *k, const char *name, size_t len)
{
	bool shared = false;
	struct node **place = kids_place((struct kids *)k, name, len, &shared);

	return place ? *place : NULL;
}

struct node **kids_own(struct kids **pk, const char *name, size_t len)
{
	for (;;) {
		struct kids *k = block_own(pk);
		bool same;
		int i = search(k, name, len, &same);

		if (!k->level) {
			return (struct node **)&k->slot[i];
		}
		pk = (struct kids **)&k->slot[i];
	}
}

static struct kids *slot_insert(struct kids **pk, int pos, void *what);

/* Moves the upper half to a new right neighbour and inserts into one of them. */
static struct kids *block_split(struct kids **pk, int pos, void *what)
{
	struct kids *k = *pk, *right = block_make(k->level, KIDS_MAX);
	/* Names mostly arrive in order: then leave the left one nearly full. */
	int keep = pos == k->nr ? k->nr - 1 : k->nr / 2;

	right->nr = (uint8_t)(k->nr - keep);
	memcpy(right->slot, k->slot + keep, right->nr * sizeof(k->slot[0]));
	if (k->level) {
		memcpy(sums(right), sums(k) + keep, right->nr * sizeof(uint32_t));
	}
	k->nr = (uint8_t)keep;
	if (pos > keep) {
		slot_insert(&right, pos - keep, what);
	} else {
		slot_insert(pk, pos, what);
	}
	return right;
}

/* *@pk is ours alone. Returns the new right neighbour if it had to split. */
static struct kids *slot_insert(struct kids **pk, int pos, void *what)
{
	struct kids *k = *pk;

	if (k->nr == KIDS_MAX) {
		return block_split(pk, pos, what);
	}
	if (k->nr == k->cap) {
		unsigned int cap = k->cap + MORE_CAP < KIDS_MAX ? k->cap + MORE_CAP : KIDS_MAX;

		k = store_realloc(k, sizeof(*k) + cap * sizeof(k->slot[0]));
		k->cap = (uint8_t)cap;
		*pk = k;
	}
	memmove(k->slot + pos + 1, k->slot + pos, (size_t)(k->nr - pos) * sizeof(k->slot[0]));
	k->slot[pos] = what;
	if (k->level) {
		memmove(sums(k) + pos + 1, sums(k) + pos, (size_t)(k->nr - pos) * sizeof(uint32_t));
		sums(k)[pos] = sum_of(what);
	}
	k->nr++;
	return NULL;
}

static struct kids *insert(struct kids **pk, struct node *n)
{
	struct kids *k = block_own(pk), *sibling;
	bool same;
	int i = search(k, n->data, n->name_len, &same);

	if (!k->level) {
		return slot_insert(pk, i + 1, n);
	}
	if (i < 0) {
		i = 0;
	}
	sibling = insert((struct kids **)&k->slot[i], n);
	sums(k)[i] = sibling ? sum_of(k->slot[i]) : sums(k)[i] + n->name_len + 1u;
	return sibling ? slot_insert(pk, i + 1, sibling) : NULL;
}

void kids_insert(struct kids **pk, struct node *n)
{
	struct kids *right, *top;

	if (!*pk) {
		*pk = block_make(0, FIRST_CAP);
	}
	right = insert(pk, n);
	if (right) {
		top = block_make((*pk)->level + 1u, KIDS_MAX);
		top->nr = 2;
		top->slot[0] = *pk;
		top->slot[1] = right;
		sums(top)[0] = sum_of(*pk);
		sums(top)[1] = sum_of(right);
		*pk = top;
	}
}

static struct node *remove_from(struct kids **pk, const char *name, size_t len)
{
	struct kids *k = block_own(pk), *below;
	struct node *n;
	bool same;
	int i = search(k, name, len, &same);

	if (k->level) {
		n = remove_from((struct kids **)&k->slot[i], name, len);
		below = k->slot[i];
		sums(k)[i] -= (uint32_t)len + 1;
		if (below->nr) {
			return n;
		}
		free(below);
		memmove(sums(k) + i, sums(k) + i + 1, (size_t)(k->nr - 1 - i) * sizeof(uint32_t));
	} else {
		n = k->slot[i];
	}
	k->nr--;
	memmove(k->slot + i, k->slot + i + 1, (size_t)(k->nr - i) * sizeof(k->slot[0]));
	return n;
}

struct node *kids_remove(struct kids **pk, const char *name, size_t len)
{
	struct node *n = remove_from(pk, name, len);
	struct kids *k = *pk;

	while (k->level && k->nr == 1) {
		*pk = k->slot[0];
		free(k);
		k = *pk;
	}
	if (k->nr == 0) {
		free(k);
		*pk = NULL;
	}
	return n;
}

void kids_stamp(struct kids **pk, uint64_t gen)
{
	if (*pk) {
		block_own(pk)->gen = gen;
	}
}

unsigned int kids_peel(struct kids **pk, struct perms_table *t,
		       void (*dead)(struct perms_table *t, struct node *n))
{
	struct kids *k = *pk;
	unsigned int nr = 0;

	if (k->refs > 1) {
		k->refs--;
		*pk = NULL;
		return 0;
	}
	if (k->level) {
		nr = kids_peel((struct kids **)&k->slot[k->nr - 1], t, dead);
		k->nr -= !k->slot[k->nr - 1];
		if (k->nr) {
			return nr;
		}
	}
	for (; nr < k->nr; nr++) {
		struct node *n = k->slot[nr];

		if (!--n->refs) {
			dead(t, n);
		}
	}
	free(k);
	*pk = NULL;
	return nr;
}

int kids_walk(const struct kids *k, int (*fn)(struct node *n, void *arg), void *arg)
{
	int rc = 0;

	for (unsigned int i = 0; k && i < k->nr && !rc; i++) {
		rc = k->level ? kids_walk(k->slot[i], fn, arg) : fn(k->slot[i], arg);
	}
	return rc;
}

int kids_walk_from(const struct kids *k, size_t skip, size_t *pos,
		   int (*fn)(struct node *n, void *arg), void *arg)
{
	int rc = 0;

	for (unsigned int i = 0; k && i < k->nr && !rc; i++) {
		struct node *n = k->slot[i];
		size_t len = k->level ? sums(k)[i] : n->name_len + 1u;

		if (*pos < skip && (!k->level || *pos + len <= skip)) {
			*pos += len;
		} else if (k->level) {
			rc = kids_walk_from(k->slot[i], skip, pos, fn, arg);
		} else {
			*pos += len;
			rc = fn(n, arg);
		}
	}
	return rc;
}

bool kids_same_names(const struct kids *a, const struct kids *b)
{
	bool same = true;

	if (a == b || !a || !b) {
		return a == b;
	}
	if (a->level != b->level || a->nr != b->nr) {
		return false;
	}
	for (unsigned int i = 0; i < a->nr && same; i++) {
		const struct node *n = a->slot[i], *m = b->slot[i];

		if (n == m) {
			continue;
		}
		same = a->level ? kids_same_names(a->slot[i], b->slot[i])
				: n->name_len == m->name_len &&
					  memcmp(n->data, m->data, n->name_len) == 0;
	}
	return same;
}

struct valid_state {
	const struct node *last;
};

static int check_order(struct node *n, void *arg)
{
	struct valid_state *s = arg;

	if (!n->refs || (s->last && compare(s->last, n->data, n->name_len) >= 0)) {
		return 1;
	}
	s->last = n;
	return 0;
}

static bool blocks_valid(const struct kids *k)
{
	if (!k->refs || !k->nr || k->nr > k->cap || k->cap > KIDS_MAX) {
		return false;
	}
	for (unsigned int i = 0; k->level && i < k->nr; i++) {
		const struct kids *below = k->slot[i];

		if (below->level + 1 != k->level || sums(k)[i] != sum_of(below) ||
		    !blocks_valid(below)) {
			return false;
		}
	}
	return true;
}

bool kids_valid(const struct kids *k)
{
	struct valid_state s = {NULL};

	return !k || (blocks_valid(k) && kids_walk(k, check_order, &s) == 0);
}
