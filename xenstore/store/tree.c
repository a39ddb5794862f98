/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Nodes and paths through them. See node.h for who may change what when.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/node.h>
#include <xenstore/store/util.h>

#define REAP_AT_ONCE 256

/* How much of a node is in front of it, and all of it from there on. */
static inline size_t front(const struct node *n)
{
	return n->parent ? offsetof(struct parent, node) : 0;
}

static inline size_t whole(const struct node *n)
{
	return front(n) + sizeof(*n) + n->name_len + 1 + n->value_len;
}

static inline char *start(struct node *n)
{
	return (char *)n - front(n);
}

struct node *node_make(const char *name, size_t name_len, struct perms *perms)
{
	struct node *n = store_alloc(sizeof(*n) + name_len + 1);

	n->refs = 1;
	n->name_len = (uint16_t)(name_len & 0x7fff);
	n->parent = false;
	n->value_len = 0;
	n->perms = perms;
	memcpy(n->data, name, name_len);
	n->data[name_len] = '\0';
	return n;
}

/* Where one's children are to go; *@place is ours alone. */
static struct kids **make_parent(struct node **place)
{
	struct node *n = *place, *old = n;
	size_t size = whole(old);
	struct parent *p;

	if (!n->parent) {
		p = store_alloc(offsetof(struct parent, node) + size);
		n = &p->node;
		memcpy(n, old, size);
		free(old);
		n->parent = true;
		p->kids = NULL;
		*place = n;
	}
	return parent_kids(n);
}

static void bury(struct perms_table *t, struct node *n)
{
	perms_put(t, n->perms);
	n->next_dead = t->dead;
	t->dead = n;
}

void tree_reap(struct perms_table *t, unsigned int max)
{
	struct node *n;

	while ((n = t->dead) && max) {
		unsigned int nr = 0;

		if (node_kids(n)) {
			nr = kids_peel(parent_kids(n), t, bury);
		} else {
			t->dead = n->next_dead;
			free(start(n));
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
	char *copy;

	if (old->refs == 1) {
		return old;
	}
	copy = store_alloc(whole(old));
	memcpy(copy, start(old), whole(old));
	n = (struct node *)(void *)(copy + front(old));
	n->refs = 1;
	perms_get(n->perms);
	if (node_kids(n)) {
		node_kids(n)->refs++;
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

		child = kids_place(node_kids(f.node), name, len, &shared);
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
		place = kids_own(parent_kids(*place), name, len);
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

void tree_set_value(struct node **place, const void *value, size_t len)
{
	struct node *n = *place;

	if (n->value_len != len) {
		size_t before = front(n);

		n = (struct node *)(void *)((char *)store_realloc(start(n),
								  whole(n) - n->value_len + len) +
					    before);
		n->value_len = (uint16_t)len;
		*place = n;
	}
	if (len) {
		memcpy(n->data + n->name_len + 1, value, len);
	}
}

void tree_set_perms(struct perms_table *t, struct node **place, struct perms *perms)
{
	struct node *n = *place;
	struct perms *old = n->perms;

	n->perms = perms_get(perms);
	perms_put(t, old);
}

struct node **tree_add(struct node **place, const char *name, size_t len, struct perms *perms,
		       uint64_t gen)
{
	struct kids **kids = make_parent(place);

	kids_insert(kids, node_make(name, len, perms));
	kids_stamp(kids, gen);
	return kids_own(kids, name, len);
}

struct node *tree_remove(struct perms_table *t, struct node **root, const char *path, uint64_t gen)
{
	const char *name = strrchr(path, '/') + 1;
	size_t parent_len = (size_t)(name - path);
	char *parent = store_memdup0(path, parent_len);
	struct kids **kids;
	struct node *n;

	/* "/a/" finds "/a": names are what is between slashes. */
	kids = parent_kids(*tree_own(t, root, parent));
	free(parent);
	n = kids_remove(kids, name, strlen(name));
	kids_stamp(kids, gen);
	return n;
}
