/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Permission lists. Most nodes of a store share a handful of them, so each
 * distinct list exists once and nodes hold a reference: a node pays one
 * pointer, and equality is pointer equality.
 *
 * The table is per store. When a domain goes away its entries are struck out
 * of every list in place (perms_forget), so that a later domain with the same
 * id doesn't inherit them; two lists may then be equal without being the same,
 * which costs nothing but the sharing.
 */
#ifndef PAVISE_STORE_PERMS_H
#define PAVISE_STORE_PERMS_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore/proto/wire.h>

struct perms {
	uint32_t refs;
	uint32_t hash;
	struct perms *next; /* in the table's bucket */
	uint16_t nr;
	struct wire_perm list[];
};

struct node;

struct perms_table {
	struct perms **bucket;
	uint32_t nr_buckets, nr;
	struct node *dead; /* nodes that nobody refers to, not freed yet (tree.c) */
};

void perms_table_init(struct perms_table *t);
void perms_table_fini(struct perms_table *t); /* all lists must be gone */

/* The list with these entries (at least one); the reference is the caller's. */
struct perms *perms_make(struct perms_table *t, const struct wire_perm *list, unsigned int nr);

static inline struct perms *perms_get(struct perms *p)
{
	p->refs++;
	return p;
}

void perms_put(struct perms_table *t, struct perms *p);

/* The list with another owner; the reference is the caller's. */
struct perms *perms_with_owner(struct perms_table *t, struct perms *p, uint16_t owner);

/* Strikes @domid out of every list where it isn't the owner. */
void perms_forget(struct perms_table *t, uint16_t domid);

static inline uint16_t perms_owner(const struct perms *p)
{
	return p->list[0].domid;
}

#endif
