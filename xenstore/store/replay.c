/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store's side of a journal: noting changes, applying them again, and
 * snapshots that are written bit by bit while requests go on.
 *
 * Applying trusts nothing: a record is checked like a request is, and one that
 * makes no sense is refused and changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

void store_record_on(struct store *s, bool on)
{
	s->recording = on;
	s->batch.len = 0;
}

struct rec *store_batch(struct store *s)
{
	return &s->batch;
}

/* ---- noting -------------------------------------------------------------- */

void note_write(struct store_client *c, const char *path, const void *value, size_t len)
{
	struct rec *r = &c->store->batch;

	if (!c->store->recording) {
		return;
	}
	rec_begin(r, 'W');
	rec_u16(r, store_client_privileged(c) ? RECORD_INHERIT : c->domid);
	rec_str(r, path);
	rec_bytes(r, value, len);
	rec_end(r);
}

void note_rm(struct store *s, const char *path)
{
	if (!s->recording) {
		return;
	}
	rec_begin(&s->batch, 'R');
	rec_str(&s->batch, path);
	rec_end(&s->batch);
}

static void put_perms(struct rec *r, const struct wire_perm *list, unsigned int nr)
{
	rec_u16(r, nr);
	for (unsigned int i = 0; i < nr; i++) {
		rec_u16(r, list[i].domid);
		rec_u8(r, list[i].access);
	}
}

void note_perms(struct store *s, const char *path, const struct wire_perm *list, unsigned int nr)
{
	if (!s->recording) {
		return;
	}
	rec_begin(&s->batch, 'P');
	rec_str(&s->batch, path);
	put_perms(&s->batch, list, nr);
	rec_end(&s->batch);
}

static void put_special(struct store *s, struct rec *r, int which)
{
	rec_begin(r, 'S');
	rec_u8(r, (unsigned int)which);
	put_perms(r, s->special[which]->list, s->special[which]->nr);
	rec_end(r);
}

void note_special(struct store *s, int which)
{
	if (s->recording) {
		put_special(s, &s->batch, which);
	}
}

void note_forget(struct store *s, uint16_t domid, bool keep)
{
	if (!s->recording) {
		return;
	}
	rec_begin(&s->batch, 'F');
	rec_u16(&s->batch, domid);
	rec_u8(&s->batch, keep);
	rec_end(&s->batch);
}

static void put_quota(struct rec *r, const char *name, uint64_t value)
{
	rec_begin(r, 'Q');
	rec_str(r, name);
	rec_u64(r, value);
	rec_end(r);
}

void note_quota(struct store *s, const char *name, uint64_t value)
{
	if (s->recording) {
		put_quota(&s->batch, name, value);
	}
}

static void put_own_quota(struct rec *r, const struct account *a, enum quota q)
{
	rec_begin(r, 'q');
	rec_u16(r, a->domid);
	rec_str(r, quota_name(q));
	rec_u64(r, a->quota[q]);
	rec_end(r);
}

void note_own_quota(struct store *s, const struct account *a, enum quota q)
{
	if (s->recording) {
		put_own_quota(&s->batch, a, q);
	}
}

static void put_own_quotas(struct store *s, struct rec *r)
{
	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		for (struct account *a = s->account[i]; a; a = a->next) {
			for (enum quota q = 0; q < NR_QUOTAS; q++) {
				if (a->quota_set & (1u << q)) {
					put_own_quota(r, a, q);
				}
			}
		}
	}
}

static void put_watch(struct rec *r, char type, uint16_t domid, const struct watch *w)
{
	rec_begin(r, type);
	rec_u16(r, domid);
	rec_u16(r, w->skip);
	rec_u32(r, (uint32_t)w->depth);
	rec_str(r, w->path);
	rec_str(r, w->token);
	rec_end(r);
}

void note_watch(const struct watch *w, bool added)
{
	struct store *s = w->client->store;

	if (s->recording && w->client->durable) {
		put_watch(&s->batch, added ? 'a' : 'd', w->client->domid, w);
	}
}

static void put_tx(struct rec *r, char type, const struct tx *tx)
{
	rec_begin(r, type);
	rec_u16(r, tx->client->domid);
	rec_u32(r, tx->id);
	rec_end(r);
}

void note_tx(const struct tx *tx, bool started)
{
	struct store *s = tx->client->store;

	if (s->recording && tx->client->durable) {
		put_tx(&s->batch, started ? 't' : 'e', tx);
	}
}

/* ---- applying ------------------------------------------------------------ */

static struct store_client *durable(struct store *s, uint16_t domid)
{
	struct store_client *c = s->clients;

	while (c && !(c->durable && c->domid == domid)) {
		c = c->next;
	}
	return c;
}

static const char *get_path(struct rec_in *in)
{
	const char *path = rec_get_str(in);

	if (in->bad || path[0] != '/' || !wire_path_valid(path, strlen(path))) {
		in->bad = true;
		return "/";
	}
	return path;
}

/* The list is the caller's to free; NULL: damaged. */
static struct wire_perm *get_perms(struct rec_in *in, unsigned int *ret_nr)
{
	unsigned int nr = rec_get_u16(in);
	struct wire_perm *list;

	*ret_nr = 0;
	if (in->bad || !nr || nr > in->left / 3) {
		in->bad = true;
		return NULL;
	}
	list = store_zalloc(nr * sizeof(*list));
	for (unsigned int i = 0; i < nr; i++) {
		list[i].domid = (uint16_t)rec_get_u16(in);
		list[i].access = (uint8_t)(rec_get_u8(in) & 3u);
	}
	*ret_nr = nr;
	return list;
}

static int apply_write(struct store *s, struct rec_in *in)
{
	struct store_client god = store_nobody(s);
	struct deltas deltas = {NULL};
	struct view v = {&god, &s->root, &deltas};
	unsigned int owner = rec_get_u16(in);
	const char *path = get_path(in);
	size_t len;
	const void *value = rec_get_bytes(in, &len);
	int rc;

	if (in->bad || len > XENSTORE_PAYLOAD_MAX) {
		return -EINVAL;
	}
	god.create_as = owner == RECORD_INHERIT ? -1 : (int)owner;
	rc = op_write(&v, path, value, len);
	deltas_apply(s, &deltas);
	deltas_clear(&deltas);
	return rc;
}

static int apply_rm(struct store *s, struct rec_in *in)
{
	struct store_client god = store_nobody(s);
	struct view v = {&god, &s->root, NULL};
	const char *path = get_path(in);
	struct node *removed = NULL;
	int rc = in->bad ? -EINVAL : op_rm(&v, path, &removed);

	if (removed) {
		job_gone(s, path, removed, false, false);
		store_settle(s);
	}
	/* A domain's end removes all of its nodes here, and then each of them. */
	return rc == -ENOENT ? 0 : rc;
}

static int apply_perms(struct store *s, struct rec_in *in)
{
	struct store_client god = store_nobody(s);
	struct deltas deltas = {NULL};
	struct view v = {&god, &s->root, &deltas};
	const char *path = get_path(in);
	unsigned int nr;
	struct wire_perm *list = get_perms(in, &nr);
	int rc = in->bad ? -EINVAL : op_set_perms(&v, path, list, nr);

	deltas_apply(s, &deltas);
	deltas_clear(&deltas);
	free(list);
	return rc;
}

static int apply_special(struct store *s, struct rec_in *in)
{
	unsigned int which = rec_get_u8(in), nr;
	struct wire_perm *list = get_perms(in, &nr);

	if (in->bad || which >= NR_SPECIAL) {
		free(list);
		return -EINVAL;
	}
	perms_put(&s->perms, s->special[which]);
	s->special[which] = perms_make(&s->perms, list, nr);
	free(list);
	return 0;
}

static int apply_watch(struct store *s, int type, struct rec_in *in)
{
	struct store_client *c = durable(s, (uint16_t)rec_get_u16(in));
	unsigned int skip = rec_get_u16(in);
	int depth = (int)rec_get_u32(in);
	const char *path = rec_get_str(in), *token = rec_get_str(in);
	int rc;

	if (in->bad || !c || skip > strlen(path) ||
	    strlen(path) + strlen(token) > 2 * XENSTORE_PAYLOAD_MAX) {
		return -EINVAL;
	}
	rc = type == 'a' ? watch_add(c, path, skip, token, depth) : watch_del(c, path, token);
	return rc == -EEXIST || rc == -ENOENT ? 0 : rc;
}

static int apply_tx(struct store *s, int type, struct rec_in *in)
{
	struct store_client *c = durable(s, (uint16_t)rec_get_u16(in));
	uint32_t id = rec_get_u32(in);
	struct tx *tx;

	if (in->bad || !c || !id) {
		return -EINVAL;
	}
	tx = tx_by_id(c, id);
	if (type == 't' && !tx) {
		tx = tx_create(c, id);
		tx->doomed = true;
		c->next_tx = id;
	} else if (type == 'e' && tx) {
		tx_abort(tx);
	}
	return 0;
}

static int apply_own_quota(struct store *s, struct rec_in *in)
{
	uint16_t domid = (uint16_t)rec_get_u16(in);
	enum quota q = quota_by_name(rec_get_str(in));
	uint64_t value = rec_get_u64(in);
	struct account *a;

	if (in->bad || q == NR_QUOTAS) {
		return -EINVAL;
	}
	a = account_of(s, domid);
	a->quota_set |= 1u << q;
	a->quota[q] = value;
	return 0;
}

/* One node of a snapshot: goes below the last one that was one level up. */
static int apply_node(struct store *s, struct rec_in *in)
{
	unsigned int depth = rec_get_u16(in), nr;
	struct wire_perm *list = get_perms(in, &nr);
	const char *name = rec_get_str(in);
	size_t len, name_len = strlen(name);
	const void *value = rec_get_bytes(in, &len);
	struct loading *l = &s->loading;
	struct node **place;
	struct perms *perms;
	int rc = -EINVAL;

	if (in->bad || len > XENSTORE_PAYLOAD_MAX || depth > l->depth ||
	    depth >= XENSTORE_ABS_PATH_MAX || (!depth && name_len) ||
	    (depth && (!wire_path_valid(name, name_len) || strchr(name, '/')))) {
		goto out;
	}
	perms = perms_make(&s->perms, list, nr);
	if (!depth) {
		place = tree_own(&s->perms, &s->root, "/");
		account_move(s, *place, -1);
		tree_set_perms(&s->perms, place, perms);
		perms_put(&s->perms, perms);
	} else {
		place = l->at[depth - 1];
		if (kids_find(node_kids(*place), name, name_len)) {
			perms_put(&s->perms, perms);
			goto out;
		}
		place = tree_add(place, name, name_len, perms, ++s->gen);
	}
	tree_set_value(place, value, len);
	account_move(s, *place, 1);
	if (depth >= l->cap) {
		l->cap = depth + 16;
		l->at = store_realloc(l->at, l->cap * sizeof(*l->at));
	}
	l->at[depth] = place;
	l->depth = depth + 1;
	rc = 0;
out:
	free(list);
	return rc;
}

int store_apply(struct store *s, int type, struct rec_in *in)
{
	struct store_client *c;
	uint16_t domid;
	const char *name;
	uint64_t value;

	/* Anything else may move nodes that loading.at points to. */
	if (type != 'N') {
		s->loading.depth = 0;
	}
	switch (type) {
	case 'N':
		return apply_node(s, in);
	case 'W':
		return apply_write(s, in);
	case 'R':
		return apply_rm(s, in);
	case 'P':
		return apply_perms(s, in);
	case 'S':
		return apply_special(s, in);
	case 'a':
	case 'd':
		return apply_watch(s, type, in);
	case 't':
	case 'e':
		return apply_tx(s, type, in);
	case 'x':
		c = durable(s, (uint16_t)rec_get_u16(in));
		if (in->bad || !c) {
			return -EINVAL;
		}
		store_client_reset(c);
		return 0;
	case 'F':
		domid = (uint16_t)rec_get_u16(in);
		value = rec_get_u8(in);
		if (in->bad || !domid) {
			return -EINVAL;
		}
		store_domain_forget(s, domid, value != 0);
		store_settle(s);
		return 0;
	case 'q':
		return apply_own_quota(s, in);
	case 'Q':
		name = rec_get_str(in);
		value = rec_get_u64(in);
		return in->bad ? -EINVAL : store_quota_change(s, name, value);
	default:
		return 1;
	}
}

void store_load_begin(struct store *s)
{
	s->quiet = true;
}

void store_load_end(struct store *s)
{
	s->quiet = false;
	free(s->loading.at);
	s->loading = (struct loading){NULL};
	/* Nobody's generation from before may come up again. */
	s->gen = (s->gen | 0xffffffffffull) + 1;
	for (struct store_client *c = s->clients; c; c = c->next) {
		for (struct tx *tx = c->txs; tx; tx = tx->next) {
			if (tx->doomed && !tx->nr_touched) {
				tx_restart(tx);
			}
		}
	}
}

void store_client_retell(struct store_client *c)
{
	for (struct watch *w = c->watches; w; w = w->client_next) {
		c->store->hooks->event(c->ctx, w->path + w->skip, w->token);
	}
}

/* ---- snapshots ----------------------------------------------------------- */

#define SNAP_BYTES (64u << 10) /* big values make a step shorter */

/* Where the walk is: the blocks down to the next node. */
struct frame {
	struct kids *k;
	unsigned int pos;
	unsigned int depth;
};

struct store_snap {
	struct store *store;
	struct node *root;
	bool root_done;
	struct frame *stack;
	unsigned int nr, cap;
};

struct store_snap *store_snap_begin(struct store *s, struct rec *r)
{
	struct store_snap *snap = store_zalloc(sizeof(*snap));

	snap->store = s;
	snap->root = node_get(s->root);
#define Q(field, name, value, text)                 \
	if (s->quota_set & (1u << QUOTA_##field)) { \
		put_quota(r, name, s->quota.field); \
	}
	STORE_QUOTAS(Q)
#undef Q
	put_own_quotas(s, r);
	for (int i = 0; i < NR_SPECIAL; i++) {
		put_special(s, r, i);
	}
	for (struct store_client *c = s->clients; c; c = c->next) {
		if (!c->durable) {
			continue;
		}
		for (struct watch *w = c->watches; w; w = w->client_next) {
			put_watch(r, 'a', c->domid, w);
		}
		for (struct tx *tx = c->txs; tx; tx = tx->next) {
			put_tx(r, 't', tx);
		}
	}
	return snap;
}

static void push(struct store_snap *snap, struct kids *k, unsigned int depth)
{
	if (!k) {
		return;
	}
	if (snap->nr == snap->cap) {
		snap->cap = snap->cap ? snap->cap * 2 : 32;
		snap->stack = store_realloc(snap->stack, snap->cap * sizeof(*snap->stack));
	}
	snap->stack[snap->nr++] = (struct frame){k, 0, depth};
}

static void put_node(struct rec *r, const struct node *n, unsigned int depth)
{
	rec_begin(r, 'N');
	rec_u16(r, depth);
	put_perms(r, n->perms->list, n->perms->nr);
	rec_str(r, n->data);
	rec_bytes(r, node_value(n), n->value_len);
	rec_end(r);
}

bool store_snap_step(struct store_snap *snap, unsigned int max, struct rec *r)
{
	if (!snap->root_done) {
		snap->root_done = true;
		put_node(r, snap->root, 0);
		push(snap, node_kids(snap->root), 1);
	}
	while (snap->nr && max && r->len < SNAP_BYTES) {
		struct frame *f = &snap->stack[snap->nr - 1];
		unsigned int depth = f->depth;
		struct kids *k = f->k;
		struct node *n;

		if (f->pos == k->nr) {
			snap->nr--;
			continue;
		}
		if (k->level) {
			push(snap, k->slot[f->pos++], depth);
			continue;
		}
		n = k->slot[f->pos++];
		put_node(r, n, depth);
		push(snap, node_kids(n), depth + 1);
		max--;
	}
	return snap->nr != 0;
}

void store_snap_end(struct store_snap *snap)
{
	if (!snap) {
		return;
	}
	node_put(&snap->store->perms, snap->root);
	free(snap->stack);
	free(snap);
}
