/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A client's watches and transactions, for another daemon that has the same
 * tree (from the journal) and goes on in our place.
 *
 * A transaction is told as what turns the present tree into the one it started
 * from, what it has touched, and what it has done. Where both trees are the
 * same node there is nothing to tell, so this costs what was changed since, not
 * what there is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

/* ---- the difference of two trees ----------------------------------------- */

struct diff {
	struct rec *r;
	char path[XENSTORE_ABS_PATH_MAX + 2];
	size_t len;
};

/* Item V: the node has this value and these permissions, and exists. */
static void put_node(struct diff *d, const struct node *n)
{
	d->path[d->len] = '\0';
	rec_begin(d->r, 'V');
	rec_str(d->r, d->len ? d->path : "/");
	rec_u16(d->r, n->perms->nr);
	for (unsigned int i = 0; i < n->perms->nr; i++) {
		rec_u16(d->r, n->perms->list[i].domid);
		rec_u8(d->r, n->perms->list[i].access);
	}
	rec_bytes(d->r, node_value(n), n->value_len);
	rec_end(d->r);
}

static size_t enter(struct diff *d, const struct node *n)
{
	size_t len = d->len;

	d->path[d->len++] = '/';
	memcpy(d->path + d->len, n->data, n->name_len);
	d->len += n->name_len;
	return len;
}

static int put_subtree(struct node *n, void *arg)
{
	struct diff *d = arg;
	size_t len = enter(d, n);

	put_node(d, n);
	kids_walk(node_kids(n), put_subtree, d);
	d->len = len;
	return 0;
}

static void put_removed(struct diff *d, const struct node *n)
{
	size_t len = enter(d, n);

	d->path[d->len] = '\0';
	rec_begin(d->r, 'R');
	rec_str(d->r, d->path);
	rec_end(d->r);
	d->len = len;
}

struct list {
	struct node **n;
	size_t nr, cap;
};

static int collect(struct node *n, void *arg)
{
	struct list *l = arg;

	if (l->nr == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->n = store_realloc(l->n, l->cap * sizeof(struct node *));
	}
	l->n[l->nr++] = n;
	return 0;
}

static int by_name(const struct node *a, const struct node *b)
{
	return strcmp(a->data, b->data);
}

static void put_diff(struct diff *d, struct node *now, struct node *then);

static void put_kids(struct diff *d, struct kids *now, struct kids *then)
{
	struct list a = {NULL}, b = {NULL};
	size_t i = 0, k = 0;

	kids_walk(now, collect, &a);
	kids_walk(then, collect, &b);
	while (i < a.nr || k < b.nr) {
		int c = i == a.nr ? 1 : k == b.nr ? -1 : by_name(a.n[i], b.n[k]);

		if (c < 0) {
			put_removed(d, a.n[i++]);
		} else if (c > 0) {
			put_subtree(b.n[k++], d);
		} else {
			size_t len = enter(d, a.n[i]);

			put_diff(d, a.n[i++], b.n[k++]);
			d->len = len;
		}
	}
	free(a.n);
	free(b.n);
}

/* What has to be done to @now to make @then of it. */
static void put_diff(struct diff *d, struct node *now, struct node *then)
{
	if (now == then) {
		return;
	}
	if (now->perms != then->perms || now->value_len != then->value_len ||
	    memcmp(node_value(now), node_value(then), now->value_len) != 0) {
		put_node(d, then);
	}
	if (node_kids(now) != node_kids(then)) {
		put_kids(d, node_kids(now), node_kids(then));
	}
}

/* ---- giving -------------------------------------------------------------- */

static void put_tx(struct rec *r, struct tx *tx)
{
	struct diff *d = store_zalloc(sizeof(*d));

	rec_begin(r, 'T');
	rec_u32(r, tx->id);
	rec_u8(r, tx->doomed);
	rec_end(r);
	d->r = r;
	put_diff(d, tx->client->store->root, tx->base);
	free(d);
	rec_begin(r, 'B');
	rec_end(r);
	for (struct tx_touch *t = tx->touched; t; t = t->later) {
		rec_begin(r, 'U');
		rec_u8(r, t->what);
		rec_str(r, t->path);
		rec_end(r);
	}
	for (uint32_t i = 0; i < tx->nr_ops; i++) {
		struct tx_op *op = &tx->ops[i];
		size_t size = op->type == TX_OP_SET_PERMS ? sizeof(*op->list) : 1;

		rec_begin(r, 'O');
		rec_u8(r, op->type);
		rec_str(r, op->touch->path);
		rec_bytes(r, size == 1 ? (const void *)op->value : op->list, op->len * size);
		rec_end(r);
	}
}

/* Transactions are listed newest first; they are made again oldest first. */
static void put_txs(struct rec *r, struct tx *tx)
{
	if (tx) {
		put_txs(r, tx->next);
		put_tx(r, tx);
	}
}

void store_client_give(struct store_client *c, struct rec *r)
{
	for (struct watch *w = c->watches; w; w = w->client_next) {
		rec_begin(r, 'w');
		rec_u64(r, w->seq);
		rec_u16(r, w->skip);
		rec_u32(r, (uint32_t)w->depth);
		rec_str(r, w->path);
		rec_str(r, w->token);
		rec_end(r);
	}
	put_txs(r, c->txs);
	rec_begin(r, 'i');
	rec_u32(r, c->next_tx);
	rec_end(r);
}

/* ---- taking -------------------------------------------------------------- */

static int take_watch(struct store_client *c, struct rec_in *in)
{
	struct store *s = c->store;
	uint64_t next = s->watch_seq;
	unsigned int skip;
	int depth, rc;
	const char *path, *token;

	s->watch_seq = rec_get_u64(in);
	skip = rec_get_u16(in);
	depth = (int)rec_get_u32(in);
	path = rec_get_str(in);
	token = rec_get_str(in);
	rc = in->bad || skip > strlen(path) ? -EINVAL : watch_add(c, path, skip, token, depth);
	s->watch_seq = s->watch_seq > next ? s->watch_seq : next;
	return rc;
}

/* One step towards the tree that the transaction started from. */
static int take_base(struct tx *tx, int type, struct rec_in *in)
{
	struct store *s = tx->client->store;
	const char *path = rec_get_str(in);
	struct wire_perm list[64];
	struct node **place;
	struct tree_find f;
	struct perms *perms;
	const void *value;
	unsigned int nr;
	size_t len;

	if (in->bad || path[0] != '/') {
		return -EINVAL;
	}
	f = tree_find(&tx->base, path);
	if (type == 'R') {
		if (!f.whole || f.node == tx->base) {
			return -EINVAL;
		}
		node_put(&s->perms, tree_remove(&s->perms, &tx->base, path, ++s->gen));
		return 0;
	}
	nr = rec_get_u16(in);
	if (!nr || nr > sizeof(list) / sizeof(list[0]) || (!f.whole && strchr(f.rest, '/'))) {
		return -EINVAL;
	}
	for (unsigned int i = 0; i < nr; i++) {
		list[i].domid = (uint16_t)rec_get_u16(in);
		list[i].access = (uint8_t)rec_get_u8(in);
	}
	value = rec_get_bytes(in, &len);
	if (in->bad) {
		return -EINVAL;
	}
	perms = perms_make(&s->perms, list, nr);
	if (f.whole) {
		place = tree_own(&s->perms, &tx->base, path);
		tree_set_perms(&s->perms, place, perms);
	} else {
		char *up = store_memdup0(path, (size_t)(f.rest - path));

		place = tree_own(&s->perms, &tx->base, up);
		free(up);
		place = tree_add(place, f.rest, strlen(f.rest), perms_get(perms), ++s->gen);
	}
	perms_put(&s->perms, perms);
	tree_set_value(place, value, len);
	return 0;
}

static int take_op(struct tx *tx, struct rec_in *in)
{
	unsigned int type = rec_get_u8(in);
	const char *path = rec_get_str(in);
	size_t len;
	const void *data = rec_get_bytes(in, &len);

	if (in->bad || type > TX_OP_SET_PERMS) {
		return -EINVAL;
	}
	return tx_again(tx, type, path, data, len);
}

int store_client_take(struct store_client *c, int type, struct rec_in *in)
{
	struct tx *tx = c->txs;
	uint32_t id;
	unsigned int what;
	const char *path;

	switch (type) {
	case 'w':
		return take_watch(c, in);
	case 'T':
		id = rec_get_u32(in);
		if (in->bad || !id || tx_by_id(c, id)) {
			return -EINVAL;
		}
		tx_create(c, id)->doomed = rec_get_u8(in) != 0;
		return 0;
	case 'i':
		c->next_tx = rec_get_u32(in);
		return 0;
	default:
		break;
	}
	if (!tx) {
		return -EINVAL;
	}
	switch (type) {
	case 'V':
	case 'R':
		if (take_base(tx, type, in)) {
			tx->doomed = true;
		}
		return 0;
	case 'B':
		node_put(&c->store->perms, tx->root);
		tx->root = node_get(tx->base);
		return 0;
	case 'U':
		what = rec_get_u8(in);
		path = rec_get_str(in);
		return in->bad ? -EINVAL : tx_note(tx, path, what);
	case 'O':
		if (take_op(tx, in)) {
			tx->doomed = true;
		}
		return 0;
	default:
		return -EINVAL;
	}
}
