/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Nodes and paths through them. See node.h for who may change what when.
 */
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/node.h>
#include <xenstore/store/util.h>

#define REAP_AT_ONCE 256

struct node *node_make(const char *name, size_t name_len, struct perms *perms, uint64_t gen)
{
	struct node *n = store_alloc(node_bytes(name_len, 0));

	n->refs = 1;
	n->name_len = (uint16_t)name_len;
	n->value_len = 0;
	n->gen = gen;
	n->perms = perms;
	n->kids = NULL;
	memcpy(n->data, name, name_len);
	n->data[name_len] = '\0';
	return n;
}

/* A dead node's gen is of no use any more: it links to the next one. */
static void bury(struct perms_table *t, struct node *n)
{
	n->gen = (uintptr_t)t->dead;
	t->dead = n;
}

void tree_reap(struct perms_table *t, unsigned int max)
{
	struct node *n;

	while ((n = t->dead) && max) {
		unsigned int nr = 0;

		if (n->kids) {
			nr = kids_peel(&n->kids, t, bury);
		} else {
			t->dead = (struct node *)(uintptr_t)n->gen;
			perms_put(t, n->perms);
			free(n);
		}
		max -= nr < max ? nr + 1 : max;
	}
}

void node_put(struct perms_table *t, struct node *n)
{
	if (!n || --n->refs) {
		return;
	}
	bury(t, n);
	/* Whoever makes garbage clears some away, so that it can't pile up. */
	tree_reap(t, REAP_AT_ONCE);
}

static inline struct node *node_own(struct node **place)
{
	struct node *old = *place, *n;
	size_t size;

	if (old->refs == 1) {
		return old;
	}
	size = node_bytes(old->name_len, old->value_len);
	n = store_alloc(size);
	memcpy(n, old, size);
	n->refs = 1;
	perms_get(n->perms);
	if (n->kids) {
		n->kids->refs++;
	}
	old->refs--;
	*place = n;
	return n;
}

/* The next name of a path, NULL at its end; steps *@path over it. */
static const char *next_name(const char **path, size_t *ret_len)
{
	const char *name = *path, *end;

	while (*name == '/') {
		name++;
	}
	if (!*name) {
		return NULL;
	}
	for (end = name + 1; *end && *end != '/'; end++) {
	}
	*ret_len = (size_t)(end - name);
	*path = end;
	return name;
}

struct tree_find tree_find(struct node **root, const char *path)
{
	struct tree_find f = {.node = *root, .place = root, .whole = true};
	struct node **child;
	const char *name;
	size_t len;

	f.shared = f.node->refs > 1;
	while ((name = next_name(&path, &len))) {
		bool shared = false;

		child = kids_place(f.node->kids, name, len, &shared);
		if (!child) {
			f.whole = false;
			f.rest = name;
			break;
		}
		f.place = child;
		f.node = *child;
		f.shared |= shared || f.node->refs > 1;
	}
	return f;
}

struct node *tree_lookup(struct node *root, const char *path)
{
	struct tree_find f = tree_find(&root, path);

	return f.whole ? f.node : NULL;
}

struct node **tree_own(struct perms_table *t, struct node **root, const char *path)
{
	struct node **place = root;
	const char *name;
	size_t len;

	node_own(place);
	while ((name = next_name(&path, &len))) {
		place = kids_own(&(*place)->kids, name, len);
		node_own(place);
	}
	return place;
}

struct node **tree_own_found(struct perms_table *t, struct node **root, const char *path,
			     const struct tree_find *f)
{
	struct node **place;
	size_t len;
	char *have;

	if (!f->shared) {
		return f->place;
	}
	if (f->whole) {
		return tree_own(t, root, path);
	}
	len = (size_t)(f->rest - path);
	have = store_memdup0(path, len);
	place = tree_own(t, root, have);
	free(have);
	return place;
}

void tree_set_value(struct node **place, const void *value, size_t len, uint64_t gen)
{
	struct node *n = *place;

	if (n->value_len != len) {
		n = store_realloc(n, node_bytes(n->name_len, len));
		n->value_len = (uint16_t)len;
		*place = n;
	}
	if (len) {
		memcpy(n->data + n->name_len + 1, value, len);
	}
	n->gen = gen;
}

void tree_set_perms(struct perms_table *t, struct node **place, struct perms *perms, uint64_t gen)
{
	struct node *n = *place;
	struct perms *old = n->perms;

	n->perms = perms_get(perms);
	n->gen = gen;
	perms_put(t, old);
}

struct node **tree_add(struct node **place, const char *name, size_t len, struct perms *perms,
		       uint64_t gen)
{
	struct node *parent = *place;

	kids_insert(&parent->kids, node_make(name, len, perms, gen));
	parent->gen = gen;
	return kids_own(&parent->kids, name, len);
}

struct node *tree_remove(struct perms_table *t, struct node **root, const char *path, uint64_t gen)
{
	const char *name = strrchr(path, '/') + 1;
	size_t parent_len = (size_t)(name - path);
	char *parent = store_memdup0(path, parent_len);
	struct node **place;

	/* "/a/" finds "/a": names are what is between slashes. */
	place = tree_own(t, root, parent);
	free(parent);
	(*place)->gen = gen;
	return kids_remove(&(*place)->kids, name, strlen(name));
}
