/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Operations on a view of the tree: permissions, quotas, then the change.
 * Everything that can fail is checked before anything is touched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

static bool is_me(const struct store_client *c, uint16_t domid)
{
	return c->domid == domid || c->target == domid;
}

unsigned int client_access(const struct store_client *c, const struct perms *p)
{
	const unsigned int all = ACCESS_READ | ACCESS_WRITE | ACCESS_OWNER;

	if (store_client_privileged(c) || is_me(c, perms_owner(p))) {
		return all;
	}
	for (unsigned int i = 1; i < p->nr; i++) {
		if (is_me(c, p->list[i].domid)) {
			return p->list[i].access;
		}
	}
	return p->list[0].access;
}

static bool allowed(const struct store_client *c, const struct node *n, unsigned int access)
{
	return (client_access(c, n->perms) & access) == access;
}

/* A missing node is a secret of whoever owns what it would be in. */
static int missing(const struct view *v, const struct tree_find *f, unsigned int access)
{
	return allowed(v->client, f->node, access & ~(unsigned int)ACCESS_OWNER) ? -ENOENT
										 : -EACCES;
}

int op_get(struct view *v, const char *path, unsigned int access, struct node **ret_node)
{
	struct tree_find f = tree_find(v->root, path);

	if (!f.whole) {
		return missing(v, &f, access);
	}
	if (!allowed(v->client, f.node, access)) {
		return -EACCES;
	}
	*ret_node = f.node;
	return 0;
}

/* ---- quotas -------------------------------------------------------------- */

static bool over(uint64_t quota, uint64_t value)
{
	return quota && value > quota;
}

/* May @owner have @nodes and @bytes more? Only the one who asks is held to it. */
static int check_owner(const struct view *v, uint16_t owner, int64_t nodes, int64_t bytes)
{
	const struct store_client *c = v->client;
	const struct store *s = c->store;
	const struct account *a;
	struct delta d;

	if (store_client_privileged(c) || owner == 0) {
		return 0;
	}
	a = account_of(c->store, owner);
	d = deltas_of(v->deltas, owner);
	if (nodes > 0 &&
	    over(quota_of(s, a, QUOTA_nodes), a->nodes + (uint64_t)(d.nodes + nodes))) {
		return -ENOSPC;
	}
	if (bytes > 0 &&
	    over(quota_of(s, a, QUOTA_memory), account_memory(a) + (uint64_t)(d.bytes + bytes))) {
		return -ENOSPC;
	}
	return 0;
}

/* One node's own size: what Debian's daemons count as its record, roughly. */
static int check_size(const struct view *v, size_t value_len, unsigned int nr_perms)
{
	const struct store *s = v->client->store;
	const struct account *a = v->client->account;

	if (store_client_privileged(v->client)) {
		return 0;
	}
	if (over(quota_of(s, a, QUOTA_perms), nr_perms) ||
	    over(quota_of(s, a, QUOTA_node_size), 24 + value_len + 8ull * nr_perms)) {
		return -ENOSPC;
	}
	return 0;
}

/* ---- creating ------------------------------------------------------------ */

/* How many nodes are missing, and what they will cost. */
static unsigned int count_missing(const char *rest, size_t value_len, int64_t *ret_bytes)
{
	unsigned int n = 0;

	*ret_bytes = (int64_t)value_len;
	while (*rest) {
		size_t len = (size_t)(strchrnul(rest, '/') - rest);

		*ret_bytes += (int64_t)node_bytes(len, 0);
		rest += len;
		rest += *rest == '/';
		n++;
	}
	return n;
}

/* Makes what @f found missing; the last one gets the value. */
static int create(struct view *v, const char *path, const struct tree_find *f, const void *value,
		  size_t len)
{
	struct store *s = v->client->store;
	bool privileged = store_client_privileged(v->client);
	uint16_t owner = privileged ? perms_owner(f->node->perms) : v->client->domid;
	const char *name = f->rest;
	struct perms *perms;
	struct node **place;
	unsigned int n;
	int64_t bytes;
	int rc;

	if (!allowed(v->client, f->node, ACCESS_WRITE)) {
		return -EACCES;
	}
	if (privileged && v->client->create_as >= 0) {
		owner = (uint16_t)v->client->create_as;
	}
	n = count_missing(name, len, &bytes);
	rc = check_owner(v, owner, n, bytes);
	rc = rc ? rc : check_size(v, len, f->node->perms->nr);
	if (rc) {
		return rc;
	}

	perms = perms_with_owner(&s->perms, f->node->perms, owner);
	place = tree_own_found(&s->perms, v->root, path, f);
	s->gen++;
	while (*name) {
		size_t name_len = (size_t)(strchrnul(name, '/') - name);

		place = tree_add(place, name, name_len, perms_get(perms), s->gen);
		name += name_len;
		name += *name == '/';
	}
	tree_set_value(place, value, len);
	perms_put(&s->perms, perms);
	deltas_add(v->deltas, owner, n, bytes);
	return 0;
}

int op_write(struct view *v, const char *path, const void *value, size_t len)
{
	struct store *s = v->client->store;
	struct tree_find f = tree_find(v->root, path);
	struct node **place;
	uint16_t owner;
	int64_t more;
	int rc;

	if (!f.whole) {
		return create(v, path, &f, value, len);
	}
	if (!allowed(v->client, f.node, ACCESS_WRITE)) {
		return -EACCES;
	}
	owner = perms_owner(f.node->perms);
	more = (int64_t)len - f.node->value_len;
	rc = check_size(v, len, f.node->perms->nr);
	rc = rc ? rc : check_owner(v, owner, 0, more);
	if (rc) {
		return rc;
	}
	place = tree_own_found(&s->perms, v->root, path, &f);
	tree_set_value(place, value, len);
	if (more) {
		deltas_add(v->deltas, owner, 0, more);
	}
	return 0;
}

int op_mkdir(struct view *v, const char *path)
{
	struct tree_find f = tree_find(v->root, path);

	if (!f.whole) {
		return create(v, path, &f, NULL, 0);
	}
	return allowed(v->client, f.node, ACCESS_WRITE) ? 1 : -EACCES;
}

/* ---- removing and permissions -------------------------------------------- */

struct uncount {
	struct deltas *ds;
	unsigned int left;
};

static int uncount(struct node *n, void *arg)
{
	struct uncount *u = arg;

	if (!u->left--) {
		return 1;
	}
	deltas_add(u->ds, perms_owner(n->perms), -1,
		   -(int64_t)node_bytes(n->name_len, n->value_len));
	return kids_walk(node_kids(n), uncount, u);
}

bool op_uncount(struct deltas *ds, struct node *n)
{
	struct deltas some = {NULL};
	struct uncount u = {&some, STORE_SLICE};
	bool all = uncount(n, &u) == 0;

	for (unsigned int i = 0; all && i < some.nr; i++) {
		deltas_add(ds, some.d[i].domid, some.d[i].nodes, some.d[i].bytes);
	}
	deltas_clear(&some);
	return all;
}

int op_rm(struct view *v, const char *path, struct node **ret_removed)
{
	struct store *s = v->client->store;
	struct tree_find f = tree_find(v->root, path);

	*ret_removed = NULL;
	if (f.whole) {
		if (f.node == *v->root) {
			return -EINVAL;
		}
		if (!allowed(v->client, f.node, ACCESS_WRITE)) {
			return -EACCES;
		}
		*ret_removed = tree_remove(&s->perms, v->root, path, ++s->gen);
		return 0;
	}
	if (!allowed(v->client, f.node, ACCESS_WRITE)) {
		return -EACCES;
	}
	/* Fine if only the last name is missing. */
	return strchr(f.rest, '/') ? -ENOENT : 0;
}

int op_set_perms(struct view *v, const char *path, const struct wire_perm *list, unsigned int nr)
{
	struct store *s = v->client->store;
	struct node *n, **place;
	struct perms *perms;
	uint16_t owner;
	int64_t bytes;
	int rc;

	rc = op_get(v, path, ACCESS_WRITE | ACCESS_OWNER, &n);
	if (rc) {
		return rc;
	}
	owner = perms_owner(n->perms);
	if (list[0].domid != owner && !store_client_privileged(v->client)) {
		return -EPERM;
	}
	rc = check_size(v, n->value_len, nr);
	if (rc) {
		return rc;
	}
	bytes = (int64_t)node_bytes(n->name_len, n->value_len);
	perms = perms_make(&s->perms, list, nr);
	place = tree_own(&s->perms, v->root, path);
	tree_set_perms(&s->perms, place, perms);
	perms_put(&s->perms, perms);
	if (list[0].domid != owner) {
		deltas_add(v->deltas, owner, -1, -bytes);
		deltas_add(v->deltas, list[0].domid, 1, bytes);
	}
	return 0;
}
