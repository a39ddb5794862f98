/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See fake_store.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/libdomain/fake_hv.h"
#include "tests/unit/libdomain/fake_store.h"
#include "xenstore/client/xsclient.h"

#define NODES 512u

struct node {
	char *path, *value;
	char perms[32];
};

static struct tree {
	struct node node[NODES];
	size_t nr;
} tree, before;

static unsigned int introduced;
static struct xsc {
	int dummy;
} client;

bool store_backend_dead, store_guest_listens;
unsigned int store_open_tx;

/* ---- nodes ----------------------------------------------------------------------- */

static void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		free(t->node[i].path);
		free(t->node[i].value);
	}
	t->nr = 0;
}

static void tree_copy(struct tree *to, const struct tree *from)
{
	tree_free(to);
	for (size_t i = 0; i < from->nr; i++) {
		to->node[i].path = strdup(from->node[i].path);
		to->node[i].value = strdup(from->node[i].value);
		memcpy(to->node[i].perms, from->node[i].perms, sizeof(to->node[i].perms));
	}
	to->nr = from->nr;
}

static struct node *find(const char *path)
{
	for (size_t i = 0; i < tree.nr; i++) {
		if (!strcmp(tree.node[i].path, path)) {
			return &tree.node[i];
		}
	}
	return NULL;
}

static struct node *make(const char *path)
{
	struct node *n = find(path), *parent = NULL;
	const char *slash = strrchr(path, '/');

	if (n) {
		return n;
	}
	if (slash && slash != path) {
		char *up = strndup(path, (size_t)(slash - path));

		parent = make(up);
		free(up);
	}
	if (tree.nr == NODES) {
		abort();
	}
	n = &tree.node[tree.nr++];
	n->path = strdup(path);
	n->value = strdup("");
	snprintf(n->perms, sizeof(n->perms), "%s", parent ? parent->perms : "n0");
	return n;
}

static void set(const char *path, const char *value, size_t len)
{
	struct node *n = make(path);

	free(n->value);
	n->value = strndup(value, len);
}

static bool below(const char *parent, const char *path)
{
	size_t len = strlen(parent);

	return !strncmp(parent, path, len) && (path[len] == '/' || !path[len]);
}

static void cut(const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < tree.nr; i++) {
		if (below(path, tree.node[i].path)) {
			free(tree.node[i].path);
			free(tree.node[i].value);
		} else {
			tree.node[kept++] = tree.node[i];
		}
	}
	tree.nr = kept;
}

void store_reset(void)
{
	tree_free(&tree);
	tree_free(&before);
	introduced = 0;
	store_backend_dead = store_guest_listens = false;
	store_open_tx = 0;
	store_set("/local/domain/0/name", "Domain-0");
	store_set("/vm", "");
	store_set("/libxl", "");
}

const char *store_get(const char *path)
{
	struct node *n = find(path);

	return n ? n->value : NULL;
}

void store_set(const char *path, const char *value)
{
	set(path, value, strlen(value));
}

const char *store_perms(const char *path)
{
	struct node *n = find(path);

	return n ? n->perms : "";
}

size_t store_nr(void)
{
	return tree.nr;
}

bool store_introduced(unsigned int domid)
{
	return introduced == domid;
}

/* ---- the client's functions --------------------------------------------------------- */

int xsc_open(unsigned int flags, struct xsc **ret_c)
{
	*ret_c = &client;
	return 0;
}

void xsc_close(struct xsc *c)
{
}

int xsc_read(struct xsc *c, uint32_t tx, const char *path, char **ret_value, size_t *ret_len)
{
	struct node *n = find(path);

	if (!n) {
		return -ENOENT;
	}
	*ret_value = strdup(n->value);
	if (ret_len) {
		*ret_len = strlen(n->value);
	}
	return 0;
}

int xsc_read_int(struct xsc *c, uint32_t tx, const char *path, long long *ret_value)
{
	struct node *n = find(path);

	if (!n) {
		return -ENOENT;
	}
	*ret_value = strtoll(n->value, NULL, 0);
	return 0;
}

int xsc_write(struct xsc *c, uint32_t tx, const char *path, const void *value, size_t len)
{
	if (fake_fails()) {
		return -ENOSPC;
	}
	set(path, value, len);
	return 0;
}

int xsc_write_str(struct xsc *c, uint32_t tx, const char *path, const char *value)
{
	return xsc_write(c, tx, path, value, strlen(value));
}

int xsc_printf(struct xsc *c, uint32_t tx, const char *path, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return xsc_write_str(c, tx, path, text);
}

int xsc_mkdir(struct xsc *c, uint32_t tx, const char *path)
{
	if (fake_fails()) {
		return -ENOSPC;
	}
	make(path);
	return 0;
}

int xsc_rm(struct xsc *c, uint32_t tx, const char *path)
{
	cut(path);
	return 0;
}

int xsc_rm_tidy(struct xsc *c, uint32_t tx, const char *path)
{
	char *up = strdup(path), *slash;

	cut(path);
	while ((slash = strrchr(up, '/')) && slash != up) {
		size_t children = 0;

		*slash = '\0';
		for (size_t i = 0; i < tree.nr; i++) {
			children += below(up, tree.node[i].path);
		}
		if (children != 1 || tree.node[0].value == NULL || store_get(up)[0]) {
			break;
		}
		cut(up);
	}
	free(up);
	return 0;
}

int xsc_exists(struct xsc *c, uint32_t tx, const char *path)
{
	return find(path) != NULL;
}

int xsc_directory(struct xsc *c, uint32_t tx, const char *path, char ***ret_names, size_t *ret_nr)
{
	size_t len = strlen(path), nr = 0, bytes = 0;
	char **names, *text;

	if (!find(path)) {
		return -ENOENT;
	}
	for (size_t i = 0; i < tree.nr; i++) {
		bytes += strlen(tree.node[i].path) + 1;
	}
	names = calloc(1, (tree.nr + 1) * sizeof(*names) + bytes);
	text = (char *)(names + tree.nr + 1);
	for (size_t i = 0; i < tree.nr; i++) {
		const char *p = tree.node[i].path;

		if (below(path, p) && p[len] == '/' && !strchr(p + len + 1, '/')) {
			names[nr++] = strcpy(text, p + len + 1);
			text += strlen(text) + 1;
		}
	}
	*ret_names = names;
	if (ret_nr) {
		*ret_nr = nr;
	}
	return 0;
}

const char *xsc_pathf(struct xsc_path *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->s, sizeof(p->s), fmt, ap);
	va_end(ap);
	return p->s;
}

int xsc_set_perms(struct xsc *c, uint32_t tx, const char *path, const struct xsc_perm *perms,
		  size_t nr)
{
	static const char letter[] = "nrwb";
	struct node *n = find(path);
	size_t at = 0;

	if (fake_fails()) {
		return -EACCES;
	}
	if (!n) {
		return -ENOENT;
	}
	for (size_t i = 0; i < nr; i++) {
		at += (size_t)snprintf(n->perms + at, sizeof(n->perms) - at, "%s%c%u", i ? "," : "",
				       letter[perms[i].access], perms[i].domid);
	}
	return 0;
}

int xsc_tx_start(struct xsc *c, uint32_t *ret_tx)
{
	if (fake_fails()) {
		return -ENOSPC;
	}
	tree_copy(&before, &tree);
	store_open_tx++;
	*ret_tx = 1;
	return 0;
}

bool xsc_tx_retry(struct xsc *c, uint32_t tx, int *rc)
{
	store_open_tx--;
	if (*rc >= 0 && fake_fails()) {
		*rc = -EIO;
	}
	if (*rc < 0) {
		tree_copy(&tree, &before);
	}
	return false;
}

/* Back-ends of any class, one step each time that somebody waits. */
static void backends(void)
{
	for (size_t i = 0; i < tree.nr; i++) {
		const char *p = tree.node[i].path, *slash = strrchr(p, '/');
		char online[256];

		if (!strstr(p, "/backend/v") || strcmp(slash, "/state")) {
			continue;
		}
		snprintf(online, sizeof(online), "%.*s/online", (int)(slash - p), p);
		if (store_get(online) && store_get(online)[0] == '0') {
			store_set(p, "6");
		} else if (!strcmp(tree.node[i].value, "1")) {
			store_set(p, "2");
		}
	}
}

int xsc_wait(struct xsc *c, const char *path, int timeout_ms, int (*done)(struct xsc *c, void *arg),
	     void *arg)
{
	int rc = done(c, arg);

	if (rc) {
		return rc;
	}
	if (fake_fails()) {
		return -EPIPE;
	}
	if (!store_backend_dead) {
		backends();
	}
	if (store_guest_listens && strstr(path, "/control/shutdown")) {
		store_set(path, "");
	}
	rc = done(c, arg);
	return rc ? rc : -ETIMEDOUT;
}

int xsc_introduce(struct xsc *c, unsigned int domid, uint64_t gfn, unsigned int port)
{
	if (fake_fails()) {
		return -EINVAL;
	}
	introduced = domid;
	return 0;
}
