/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The table of permission lists. Single-threaded like all of the store.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/perms.h>
#include <xenstore/store/util.h>

#define FIRST_BUCKETS 64

void perms_table_init(struct perms_table *t)
{
	t->nr_buckets = FIRST_BUCKETS;
	t->nr = 0;
	t->dead = NULL;
	t->bucket = store_zalloc(t->nr_buckets * sizeof(*t->bucket));
}

void perms_table_fini(struct perms_table *t)
{
	assert(t->nr == 0);
	free(t->bucket);
	t->bucket = NULL;
}

static uint32_t hash_list(const struct wire_perm *list, unsigned int nr)
{
	uint32_t h = HASH_INIT;

	for (unsigned int i = 0; i < nr; i++) {
		h = hash_byte(h, (unsigned char)list[i].domid);
		h = hash_byte(h, (unsigned char)(list[i].domid >> 8));
		h = hash_byte(h, list[i].access);
	}
	return hash_final(h);
}

static bool equal(const struct perms *p, const struct wire_perm *list, unsigned int nr)
{
	if (p->nr != nr) {
		return false;
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (p->list[i].domid != list[i].domid || p->list[i].access != list[i].access) {
			return false;
		}
	}
	return true;
}

static void link_in(struct perms_table *t, struct perms *p)
{
	struct perms **head = &t->bucket[p->hash & (t->nr_buckets - 1)];

	p->next = *head;
	*head = p;
}

static void unlink(struct perms_table *t, struct perms *p)
{
	struct perms **pp = &t->bucket[p->hash & (t->nr_buckets - 1)];

	while (*pp != p) {
		pp = &(*pp)->next;
	}
	*pp = p->next;
}

static void grow(struct perms_table *t)
{
	struct perms **old = t->bucket;
	uint32_t nr_old = t->nr_buckets;

	t->nr_buckets *= 2;
	t->bucket = store_zalloc(t->nr_buckets * sizeof(*t->bucket));
	for (uint32_t i = 0; i < nr_old; i++) {
		for (struct perms *p = old[i], *next; p; p = next) {
			next = p->next;
			link_in(t, p);
		}
	}
	free(old);
}

struct perms *perms_make(struct perms_table *t, const struct wire_perm *list, unsigned int nr)
{
	uint32_t hash = hash_list(list, nr);
	struct perms *p;

	for (p = t->bucket[hash & (t->nr_buckets - 1)]; p; p = p->next) {
		if (p->hash == hash && equal(p, list, nr)) {
			return perms_get(p);
		}
	}
	p = store_alloc(sizeof(*p) + nr * sizeof(*list));
	p->refs = 1;
	p->hash = hash;
	p->nr = (uint16_t)nr;
	memcpy(p->list, list, nr * sizeof(*list));
	if (++t->nr > t->nr_buckets) {
		grow(t);
	}
	link_in(t, p);
	return p;
}

void perms_put(struct perms_table *t, struct perms *p)
{
	if (!p || --p->refs) {
		return;
	}
	unlink(t, p);
	t->nr--;
	free(p);
}

struct perms *perms_with_owner(struct perms_table *t, struct perms *p, uint16_t owner)
{
	struct perms *made;
	struct wire_perm *list;

	if (perms_owner(p) == owner) {
		return perms_get(p);
	}
	list = store_alloc(p->nr * sizeof(*list));
	memcpy(list, p->list, p->nr * sizeof(*list));
	list[0].domid = owner;
	made = perms_make(t, list, p->nr);
	free(list);
	return made;
}

static bool strike(struct perms *p, uint16_t domid)
{
	uint16_t kept = 1;

	for (uint16_t i = 1; i < p->nr; i++) {
		if (p->list[i].domid != domid) {
			p->list[kept++] = p->list[i];
		}
	}
	if (kept == p->nr) {
		return false;
	}
	p->nr = kept;
	return true;
}

void perms_forget(struct perms_table *t, uint16_t domid)
{
	struct perms *changed = NULL, *p;

	/* Out of the table first: a changed list belongs to another bucket. */
	for (uint32_t i = 0; i < t->nr_buckets; i++) {
		struct perms **pp = &t->bucket[i];

		while ((p = *pp)) {
			if (!strike(p, domid)) {
				pp = &p->next;
				continue;
			}
			*pp = p->next;
			p->next = changed;
			changed = p;
		}
	}
	while ((p = changed)) {
		changed = p->next;
		p->hash = hash_list(p->list, p->nr);
		link_in(t, p);
	}
}
