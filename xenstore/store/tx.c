/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Transactions. One starts by taking a reference to the root and works on its
 * own root from then on; the tree itself keeps both apart (node.h). Beside
 * that it notes which paths it has touched and how, and which changes it made.
 *
 * Commit: if the store's root is still the one it started from, its own root
 * becomes the store's. If not, each touched path is compared between then and
 * now: if any of them differs in what the transaction relied on, it is a
 * conflict; if none does, the changes are made again on top of the present
 * tree. A transaction that changed nothing has seen one consistent tree and
 * always succeeds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

#define FIRST_BUCKETS 16
#define OPS_A_NODE    4 /* so many changes for each node that it may touch */

static void charge(struct tx *tx, size_t bytes)
{
	tx->bytes += bytes;
	store_client_charge(tx->client, (long)bytes);
}

struct tx *tx_create(struct store_client *c, uint32_t id)
{
	struct store *s = c->store;
	struct tx *tx = store_zalloc(sizeof(*tx));

	tx->client = c;
	tx->id = id;
	tx->base = node_get(s->root);
	tx->root = node_get(s->root);
	tx->touched_end = &tx->touched;
	tx->nr_buckets = FIRST_BUCKETS;
	tx->bucket = store_zalloc(tx->nr_buckets * sizeof(*tx->bucket));
	tx->next = c->txs;
	c->txs = tx;
	c->nr_txs++;
	c->account->transactions++;
	s->nr_txs++;
	charge(tx, sizeof(*tx) + tx->nr_buckets * sizeof(*tx->bucket));
	note_tx(tx, true);
	return tx;
}

void tx_restart(struct tx *tx)
{
	struct store *s = tx->client->store;

	node_put(&s->perms, tx->base);
	node_put(&s->perms, tx->root);
	tx->base = node_get(s->root);
	tx->root = node_get(s->root);
}

int tx_start(struct store_client *c, uint32_t *ret_id)
{
	struct store *s = c->store;
	uint64_t max = quota_of(s, c->account, QUOTA_transactions);

	if (!store_client_privileged(c) && max && c->account->transactions >= max) {
		return -ENOSPC;
	}
	do {
		c->next_tx++;
	} while (c->next_tx == 0 || tx_by_id(c, c->next_tx));

	*ret_id = tx_create(c, c->next_tx)->id;
	return 0;
}

struct tx *tx_by_id(struct store_client *c, uint32_t id)
{
	struct tx *tx = c->txs;

	while (tx && tx->id != id) {
		tx = tx->next;
	}
	return tx;
}

static void op_fini(struct tx *tx, struct tx_op *op)
{
	node_put(&tx->client->store->perms, op->removed);
	free(op->list);
	free(op->value);
}

static void tx_free(struct tx *tx)
{
	struct store_client *c = tx->client;
	struct store *s = c->store;
	struct tx **pp = &c->txs;

	note_tx(tx, false);
	while (*pp != tx) {
		pp = &(*pp)->next;
	}
	*pp = tx->next;
	c->nr_txs--;
	c->account->transactions--;
	s->nr_txs--;
	store_client_charge(c, -(long)tx->bytes);

	for (uint32_t i = 0; i < tx->nr_ops; i++) {
		op_fini(tx, &tx->ops[i]);
	}
	free(tx->ops);
	for (struct tx_touch *t = tx->touched, *later; t; t = later) {
		later = t->later;
		free(t);
	}
	free(tx->bucket);
	deltas_clear(&tx->deltas);
	node_put(&s->perms, tx->root);
	node_put(&s->perms, tx->base);
	free(tx);
}

void tx_abort(struct tx *tx)
{
	tx_free(tx);
}

/* ---- what it touches ----------------------------------------------------- */

static struct tx_touch *touch_find(struct tx *tx, const char *path, uint32_t hash)
{
	struct tx_touch *t = tx->bucket[hash & (tx->nr_buckets - 1)];

	while (t && (t->hash != hash || strcmp(t->path, path) != 0)) {
		t = t->next;
	}
	return t;
}

static uint32_t touch_hash(const char *path)
{
	return hash_final(hash_bytes(HASH_INIT, path, strlen(path)));
}

static void touch_grow(struct tx *tx)
{
	struct tx_touch **old = tx->bucket;
	uint32_t nr_old = tx->nr_buckets;

	tx->nr_buckets *= 2;
	tx->bucket = store_zalloc(tx->nr_buckets * sizeof(*tx->bucket));
	charge(tx, nr_old * sizeof(*tx->bucket));
	for (uint32_t i = 0; i < nr_old; i++) {
		for (struct tx_touch *t = old[i], *next; t; t = next) {
			struct tx_touch **head = &tx->bucket[t->hash & (tx->nr_buckets - 1)];

			next = t->next;
			t->next = *head;
			*head = t;
		}
	}
	free(old);
}

int tx_note(struct tx *tx, const char *path, unsigned int what)
{
	const struct store_client *c = tx->client;
	uint64_t max =
		store_client_privileged(c) ? 0 : quota_of(c->store, c->account, QUOTA_tx_nodes);
	uint32_t hash = touch_hash(path);
	struct tx_touch *t = touch_find(tx, path, hash), **head;
	size_t len;

	if ((what & TX_CHANGED) && max && tx->nr_ops >= OPS_A_NODE * max) {
		return -ENOSPC;
	}
	if (t) {
		t->what |= what;
		return 0;
	}
	if (max && tx->nr_touched >= max) {
		return -ENOSPC;
	}
	if (tx->nr_touched >= tx->nr_buckets) {
		touch_grow(tx);
	}
	len = strlen(path);
	t = store_alloc(sizeof(*t) + len + 1);
	t->hash = hash;
	t->what = what;
	t->last_op = 0;
	t->told = false;
	memcpy(t->path, path, len + 1);
	head = &tx->bucket[hash & (tx->nr_buckets - 1)];
	t->next = *head;
	*head = t;
	t->later = NULL;
	*tx->touched_end = t;
	tx->touched_end = &t->later;
	tx->nr_touched++;
	charge(tx, sizeof(*t) + len + 1);
	return 0;
}

struct tx_op *tx_record(struct tx *tx, enum tx_op_type type, const char *path, const void *data,
			size_t len, struct node *removed)
{
	struct tx_touch *touch = touch_find(tx, path, touch_hash(path));
	struct tx_op *op = touch->last_op ? &tx->ops[touch->last_op - 1] : NULL;

	/* Nothing was removed since it was last written: only the last value counts. */
	if (type == TX_OP_WRITE && op && op->type == TX_OP_WRITE && touch->last_op > tx->last_rm) {
		if (op->len < len) {
			charge(tx, len - op->len);
		}
		free(op->value);
		op->value = len ? store_memdup0(data, len) : NULL;
		op->len = len;
		return op;
	}
	if (!tx->ops || tx->nr_ops == tx->cap_ops) {
		tx->cap_ops = tx->cap_ops ? tx->cap_ops * 2 : 16;
		tx->ops = store_realloc(tx->ops, tx->cap_ops * sizeof(*tx->ops));
	}
	op = &tx->ops[tx->nr_ops++];
	*op = (struct tx_op){
		.type = type,
		.touch = touch,
		.removed = removed,
		.counted = removed && op_uncount(&tx->deltas, removed),
		.len = len,
	};
	if (type == TX_OP_SET_PERMS) {
		op->list = store_alloc(len * sizeof(*op->list));
		memcpy(op->list, data, len * sizeof(*op->list));
	} else if (len) {
		op->value = store_memdup0(data, len);
	}
	touch->last_op = tx->nr_ops;
	if (type == TX_OP_RM) {
		tx->last_rm = tx->nr_ops;
	}
	charge(tx, sizeof(*op) + (op->list ? len * sizeof(*op->list) : len));
	return op;
}

/* ---- commit -------------------------------------------------------------- */

static bool unchanged(struct tx *tx, const struct tx_touch *t)
{
	struct tree_find then = tree_find(&tx->base, t->path);
	struct tree_find now = tree_find(&tx->client->store->root, t->path);

	if (then.node == now.node) {
		return true;
	}
	if (then.whole != now.whole || then.node->perms != now.node->perms) {
		return false;
	}
	if (!then.whole) {
		return true; /* still missing, only its parents have changed */
	}
	if (t->what & TX_SUBTREE) {
		return false;
	}
	if ((t->what & TX_LIST) && !kids_same_names(node_kids(then.node), node_kids(now.node))) {
		return false;
	}
	return !(t->what & (TX_READ | TX_CHANGED)) ||
	       (then.node->value_len == now.node->value_len &&
		memcmp(node_value(then.node), node_value(now.node), now.node->value_len) == 0);
}

static bool conflicts(struct tx *tx)
{
	/* In that order neighbours are looked up one after the other. */
	for (struct tx_touch *t = tx->touched; t; t = t->later) {
		if (!unchanged(tx, t)) {
			return true;
		}
	}
	return false;
}

static int op_again(struct view *v, struct tx_op *op)
{
	const char *path = op->touch->path;
	int rc;

	switch (op->type) {
	case TX_OP_WRITE:
		return op_write(v, path, op->value, op->len);
	case TX_OP_MKDIR:
		rc = op_mkdir(v, path);
		return rc > 0 ? 0 : rc;
	case TX_OP_SET_PERMS:
		return op_set_perms(v, path, op->list, (unsigned int)op->len);
	case TX_OP_RM:
		break;
	}
	node_put(&v->client->store->perms, op->removed);
	op->removed = NULL;
	rc = op_rm(v, path, &op->removed);
	op->counted = op->removed && op_uncount(v->deltas, op->removed);
	return rc;
}

int tx_again(struct tx *tx, enum tx_op_type type, const char *path, const void *data, size_t len)
{
	struct view v = {tx->client, &tx->root, &tx->deltas};
	size_t nr = type == TX_OP_SET_PERMS ? len / sizeof(struct wire_perm) : len;

	if (!touch_find(tx, path, touch_hash(path)) || (type == TX_OP_SET_PERMS && !nr)) {
		return -EINVAL;
	}
	return op_again(&v, tx_record(tx, type, path, data, nr, NULL));
}

/* Makes tx->root the present tree with the transaction's changes. */
static int replay(struct tx *tx)
{
	struct store *s = tx->client->store;
	struct view v = {tx->client, &tx->root, &tx->deltas};
	int rc = 0;

	node_put(&s->perms, tx->root);
	tx->root = node_get(s->root);
	tx->deltas.nr = 0;
	for (uint32_t i = 0; i < tx->nr_ops && !rc; i++) {
		rc = op_again(&v, &tx->ops[i]);
	}
	return rc;
}

static void note(struct tx *tx)
{
	for (uint32_t i = 0; i < tx->nr_ops; i++) {
		struct tx_op *op = &tx->ops[i];
		const char *path = op->touch->path;

		switch (op->type) {
		case TX_OP_WRITE:
		case TX_OP_MKDIR:
			note_write(tx->client, path, op->value, op->len);
			break;
		case TX_OP_SET_PERMS:
			note_perms(tx->client->store, path, op->list, (unsigned int)op->len);
			break;
		case TX_OP_RM:
			note_rm(tx->client->store, path);
			break;
		}
	}
}

static void tell(struct tx *tx)
{
	struct store *s = tx->client->store;

	for (uint32_t i = 0; i < tx->nr_ops; i++) {
		struct tx_op *op = &tx->ops[i];

		if (op->type == TX_OP_RM) {
			if (op->removed) {
				job_gone(s, op->touch->path, op->removed, op->counted,
					 op->touch->told);
				op->removed = NULL;
				op->touch->told = true;
			}
		} else if (!op->touch->told) {
			struct node *then = tree_lookup(tx->base, op->touch->path);

			/* Written and removed again: the removal tells. */
			op->touch->told = watch_fire(s, op->touch->path, then ? then->perms : NULL);
		}
	}
}

int tx_commit(struct tx *tx)
{
	struct store *s = tx->client->store;
	struct node *old;

	if (tx->doomed) {
		tx_free(tx);
		return -EAGAIN;
	}
	if (tx->nr_ops == 0) {
		tx_free(tx);
		return 0;
	}
	/* What failed only because others changed something is a conflict too. */
	if (s->root != tx->base && (conflicts(tx) || replay(tx))) {
		tx_free(tx);
		return -EAGAIN;
	}
	old = s->root;
	s->root = node_get(tx->root);
	node_put(&s->perms, old);
	deltas_apply(s, &tx->deltas);
	note(tx);
	tell(tx);
	tx_free(tx);
	return 0;
}
