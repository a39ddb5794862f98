/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The tree: immutable where it is shared, changed in place where it isn't.
 *
 * Each node and each block of children counts its references. Somebody who
 * holds a reference to a node (a transaction to the root it started from) sees
 * that node and everything below it unchanged for ever, because whoever wants
 * to change something calls tree_own() first, and that copies every node on
 * the path that has more than one reference. So a snapshot is one increment;
 * and as long as there is no snapshot, a change copies nothing.
 *
 *   root --kids--> [ local | tool | vm ]		a block of up to KIDS_MAX
 *		        |				children, sorted by name;
 *		        +--kids--> [ domain ]		more than that become a
 *						        B-tree of blocks
 *
 * Invariants: a node's kids is NULL or has at least one child; children of one
 * node have different names, in increasing byte order; a reachable node has
 * refs >= 1. The gen of a node's first block changes with its set of children
 * and is never used twice in one store.
 *
 * Most nodes never have children: only those that had some have room for the
 * pointer, in front of them. Nothing is in a node that it can do without, for
 * there are a great many.
 */
#ifndef PAVISE_STORE_NODE_H
#define PAVISE_STORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore/store/perms.h>

#define KIDS_MAX 32

struct kids {
	uint32_t refs;
	uint8_t level; /* 0: slots are nodes, else blocks of the level below */
	uint8_t nr, cap;
	uint64_t gen; /* of the set of children; in a node's first block only */
	void *slot[]; /* where level > 0, sums of lengths of names follow: kids.c */
};

struct node {
	uint32_t refs;
	uint16_t name_len : 15;
	uint16_t parent : 1; /* it is in a struct parent */
	uint16_t value_len;
	union {
		struct perms *perms;
		struct node *next_dead; /* when nobody refers to it any more */
	};
	char data[]; /* name, NUL, value */
};

struct parent {
	struct kids *kids;
	struct node node;
};

static inline const char *node_name(const struct node *n)
{
	return n->data;
}

static inline const char *node_value(const struct node *n)
{
	return n->data + n->name_len + 1;
}

/* What a node costs its owner: its head, the allocator's, a slot in a block; and the bytes. */
#define NODE_COST 32

static inline size_t node_bytes(size_t name_len, size_t value_len)
{
	return NODE_COST + name_len + 1 + value_len;
}

/* Of a node that is a parent. */
static inline struct kids **parent_kids(struct node *n)
{
	return &((struct parent *)(void *)((char *)n - offsetof(struct parent, node)))->kids;
}

static inline struct kids *node_kids(const struct node *n)
{
	return n->parent ? *parent_kids((struct node *)(uintptr_t)n) : NULL;
}

/* 0: it has none. */
static inline uint64_t node_gen(const struct node *n)
{
	const struct kids *k = node_kids(n);

	return k ? k->gen : 0;
}

static inline struct node *node_get(struct node *n)
{
	n->refs++;
	return n;
}

/* A node with no value, no children and one reference. Takes over @perms. */
struct node *node_make(const char *name, size_t name_len, struct perms *perms);

/* Takes NULL. The last one gone, node and all below are freed, if they are many bit by bit. */
void node_put(struct perms_table *t, struct node *n);

/* Frees about @max of those that are to be freed. */
void tree_reap(struct perms_table *t, unsigned int max);

/* ---- children (kids.c) --------------------------------------------------- */

struct node *kids_find(const struct kids *k, const char *name, size_t len);

/* Where it is, or NULL; *@shared becomes true if a block on the way is. */
struct node **kids_place(struct kids *k, const char *name, size_t len, bool *shared);

/*
 * Those below change the block *@k and take a *@k with other references
 * apart from them first; the children themselves are not copied.
 */
struct node **kids_own(struct kids **k, const char *name, size_t len); /* must exist */
void kids_insert(struct kids **k, struct node *n); /* must not; takes over n */
struct node *kids_remove(struct kids **k, const char *name, size_t len); /* must; hands over */
void kids_stamp(struct kids **k, uint64_t gen); /* *k may be NULL */

/*
 * Lets go of the last block of leaves, or of more if they are others' too: *@k
 * becomes NULL with the last. Calls @dead for each child without a reference
 * left. Returns how many children were looked at.
 */
unsigned int kids_peel(struct kids **k, struct perms_table *t,
		       void (*dead)(struct perms_table *t, struct node *n));

/* In order of names. Ends early with what @fn returns if that isn't 0. */
int kids_walk(const struct kids *k, int (*fn)(struct node *n, void *arg), void *arg);

/*
 * The same, from the first name on that begins at or behind byte @skip of them
 * all, each with its NUL, one after the other. *@pos is to be 0 at first. What
 * is skipped costs next to nothing.
 */
int kids_walk_from(const struct kids *k, size_t skip, size_t *pos,
		   int (*fn)(struct node *n, void *arg), void *arg);

/*
 * Whether they have the same names. What they share isn't looked at; where a
 * great many have become others and back, the answer may be a wrong no.
 */
bool kids_same_names(const struct kids *a, const struct kids *b);

/* False if the invariants above don't hold. */
bool kids_valid(const struct kids *k);

/* ---- whole trees (tree.c) ------------------------------------------------ */

/* @path is valid and absolute in all of these; "/" is the root itself. */

struct tree_find {
	struct node *node; /* the deepest that exists */
	struct node **place; /* where that is */
	bool shared; /* it, or something on the way to it: *place mustn't be changed */
	bool whole; /* it is the one asked for */
	const char *rest; /* else: the rest of the path, from a name on */
};

struct tree_find tree_find(struct node **root, const char *path);

/* NULL if there is none. */
struct node *tree_lookup(struct node *root, const char *path);

/*
 * The place of an existing node, with the node and all on the way to it
 * unshared, so that it may be changed and replaced.
 */
struct node **tree_own(struct perms_table *t, struct node **root, const char *path);

/* The same for the node that @f is about, which was found from @root with @path. */
struct node **tree_own_found(struct perms_table *t, struct node **root, const char *path,
			     const struct tree_find *f);

/* The three below work on a place that one of these has returned. */
void tree_set_value(struct node **place, const void *value, size_t len);
void tree_set_perms(struct perms_table *t, struct node **place, struct perms *perms);
struct node **tree_add(struct node **place, const char *name, size_t len, struct perms *perms,
		       uint64_t gen);

/* Takes an existing node other than the root out; the reference is the caller's. */
struct node *tree_remove(struct perms_table *t, struct node **root, const char *path, uint64_t gen);

#endif
