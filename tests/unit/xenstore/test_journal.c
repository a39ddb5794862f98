/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Records: a store that is made from what another one noted is the same store;
 * so is one made from a snapshot, taken bit by bit while requests go on, and
 * what was noted since; packed in blocks, too. Damage is refused.
 *
 * usage: test_journal [STEPS [SEED]]
 */
#include "harness.h"

#include <xenstore/daemon/block.h>

static unsigned long steps = 20000;
static uint32_t seed = 88172645u;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Everything that counts, as text. */
static void dump_node(struct node *n, const char *path, FILE *f);

struct walk {
	const char *path;
	FILE *f;
};

static int dump_kid(struct node *n, void *arg)
{
	struct walk *w = arg;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", w->path, n->data);
	dump_node(n, path, w->f);
	return 0;
}

static void dump_node(struct node *n, const char *path, FILE *f)
{
	struct walk w = {path, f};

	fprintf(f, "%s = %.*s", path, (int)n->value_len, node_value(n));
	for (unsigned int i = 0; i < n->perms->nr; i++) {
		fprintf(f, " %u:%u", n->perms->list[i].domid, n->perms->list[i].access);
	}
	fputc('\n', f);
	kids_walk(node_kids(n), dump_kid, &w);
}

static char *dump(struct store *s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	dump_node(s->root, "", f);
	for (struct store_client *c = s->clients; c; c = c->next) {
		for (struct watch *w = c->durable ? c->watches : NULL; w; w = w->client_next) {
			fprintf(f, "%u watches %s %s %u %d\n", c->domid, w->path, w->token, w->skip,
				w->depth);
		}
	}
	fprintf(f, "quota %llu\n", (unsigned long long)s->quota.nodes);
	fclose(f);
	return text;
}

static void apply(struct store *s, const char *data, size_t len)
{
	struct rec_in in = {data, len}, item;
	int type;

	while ((type = rec_next(&in, &item)) > 0) {
		assert_int_equal(store_apply(s, type, &item), 0);
	}
	assert_int_equal(type, 0);
}

/* ---- random requests ----------------------------------------------------- */

#define NR_CLIENT 3

static struct test_client *client[NR_CLIENT];
static uint32_t tx[NR_CLIENT][3];

static void clients(struct store *s, struct test_client **c)
{
	for (uint16_t i = 0; i < NR_CLIENT; i++) {
		c[i] = client_new(s, i);
		store_client_set_durable(c[i]->c);
	}
}

static void path(char *p)
{
	unsigned int depth = 1 + rnd(4);

	*p = '\0';
	for (unsigned int i = 0; i < depth; i++) {
		sprintf(p + strlen(p), "/%c", 'a' + (int)rnd(i ? 6 : 3));
	}
}

static void step(void)
{
	unsigned int who = rnd(NR_CLIENT), slot = rnd(3);
	struct test_client *t = client[who];
	uint32_t id = rnd(2) ? tx[who][slot] : 0;
	char p[64], text[128];

	path(p);
	t->events[0] = '\0';
	switch (rnd(12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		snprintf(text, sizeof(text), "%s|%u", p, rnd(1000));
		req(t, id, XS_WRITE, text);
		break;
	case 4:
		snprintf(text, sizeof(text), "%s|", p);
		req(t, id, XS_MKDIR, text);
		break;
	case 5:
		snprintf(text, sizeof(text), "%s|", p);
		req(t, id, XS_RM, text);
		break;
	case 6:
		snprintf(text, sizeof(text), "%s|b%u|r%u|", p, rnd(3), rnd(3));
		req(t, id, XS_SET_PERMS, text);
		break;
	case 7:
		snprintf(text, sizeof(text), "%s|t%u|", p, rnd(4));
		req(t, 0, rnd(2) ? XS_WATCH : XS_UNWATCH, text);
		break;
	case 8:
		snprintf(text, sizeof(text), "%s|", p);
		req(t, id, XS_READ, text);
		break;
	case 9:
		if (!tx[who][slot]) {
			tx[who][slot] = (uint32_t)atoi(req(t, 0, XS_TRANSACTION_START, "|"));
		}
		break;
	case 10:
		if (tx[who][slot]) {
			req(t, tx[who][slot], XS_TRANSACTION_END, rnd(4) ? "T|" : "F|");
			tx[who][slot] = 0;
		}
		break;
	default:
		if (!rnd(40)) {
			req(client[0], 0, XS_CONTROL,
			    rnd(2) ? "quota|set|nodes|500|" : "quota|set|nodes|0|");
		} else if (!rnd(40)) {
			store_domain_forget(t->c->store, 7, false);
		} else if (!rnd(100)) {
			req(t, 0, XS_RESET_WATCHES, "|");
			memset(tx[who], 0, sizeof(tx[who]));
		}
	}
}

/* ---- tests --------------------------------------------------------------- */

static void same(struct store *a, struct store *b)
{
	char *x = dump(a), *y = dump(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
	assert_sound(a);
	assert_sound(b);
}

static struct store *copy_make(struct test_client **c)
{
	struct store *s = store_create(&test_hooks, NULL);

	clients(s, c);
	store_load_begin(s);
	return s;
}

static void copy_free(struct store *s, struct test_client **c)
{
	for (int i = 0; i < NR_CLIENT; i++) {
		client_free(c[i]);
	}
	store_destroy(s);
}

/* Watches may be in another order after a snapshot: compare without them. */
static void drop_watches(struct store *s)
{
	for (struct store_client *c = s->clients; c; c = c->next) {
		watch_del_all(c);
	}
}

static void follows(void **state)
{
	struct store *s = store_create(&test_hooks, NULL), *copy, *third;
	struct test_client *c[NR_CLIENT], *c3[NR_CLIENT];
	struct rec snap_bytes = {NULL}, tail = {NULL};
	struct store_snap *snap = NULL;
	unsigned int snaps = 0;

	clients(s, client);
	copy = copy_make(c);
	store_record_on(s, true);
	for (unsigned long i = 0; i < steps; i++) {
		struct rec *batch = store_batch(s);

		step();
		apply(copy, batch->data, batch->len);
		if (snap && batch->len) {
			rec_bytes(&tail, batch->data, batch->len);
		}
		batch->len = 0;
		if (!snap && !rnd(200)) {
			snap = store_snap_begin(s, &snap_bytes);
		}
		if (snap && !store_snap_step(snap, 1 + rnd(4), &snap_bytes)) {
			struct rec_in in = {tail.data, tail.len};

			store_snap_end(snap);
			snap = NULL;
			third = copy_make(c3);
			apply(third, snap_bytes.data, snap_bytes.len);
			while (in.left) {
				size_t len;
				const char *data = rec_get_bytes(&in, &len);

				apply(third, data, len);
			}
			store_load_end(third);
			drop_watches(third);
			{
				char *x = dump(s), *y = dump(third), *cut = strstr(x, " watches ");

				/* Up to the first line about watches. */
				assert_int_equal(
					strncmp(x, y, cut ? (size_t)(cut - x) - 1 : strlen(x)), 0);
				free(x);
				free(y);
			}
			assert_sound(third);
			copy_free(third, c3);
			snap_bytes.len = tail.len = 0;
			snaps++;
		}
		if (i % 500 == 0) {
			same(s, copy);
		}
	}
	store_load_end(copy);
	same(s, copy);
	assert_true(snaps > 5);
	store_snap_end(snap);
	rec_fini(&snap_bytes);
	rec_fini(&tail);
	copy_free(copy, c);
	copy_free(s, client);
	memset(tx, 0, sizeof(tx));
}

/* A transaction that was open works on, and fails at its end. */
static void open_transactions(void **state)
{
	struct store *s = store_create(&test_hooks, NULL), *copy;
	struct test_client *c[NR_CLIENT];
	uint32_t id;

	clients(s, client);
	copy = copy_make(c);
	store_record_on(s, true);
	id = tx_begin(client[0]);
	assert_req(client[0], id, XS_WRITE, "/lost|1", "OK|");
	assert_req(client[0], 0, XS_WRITE, "/kept|2", "OK|");
	apply(copy, store_batch(s)->data, store_batch(s)->len);
	store_load_end(copy);
	assert_req(c[0], id, XS_READ, "/kept|", "2");
	assert_req(c[0], id, XS_WRITE, "/lost|1", "OK|");
	assert_req(c[0], id, XS_TRANSACTION_END, "T|", "EAGAIN");
	assert_req(c[0], id, XS_READ, "/kept|", "ENOENT");
	assert_req(c[0], 0, XS_READ, "/lost|", "ENOENT");
	copy_free(copy, c);
	copy_free(s, client);
}

/* Client and transactions go to another store with the same tree. */
static void handed_over(void **state)
{
	struct store *s = store_create(&test_hooks, NULL), *copy;
	struct test_client *c[NR_CLIENT];
	struct rec r = {NULL};
	struct rec_in in, item;
	uint32_t good, conflict;
	int type;

	clients(s, client);
	copy = copy_make(c);
	store_record_on(s, true);
	assert_req(client[0], 0, XS_WRITE, "/x/old|1", "OK|");
	good = tx_begin(client[0]);
	conflict = tx_begin(client[0]);
	assert_req(client[0], good, XS_WRITE, "/x/good|1", "OK|");
	assert_req(client[0], conflict, XS_READ, "/x/old|", "1");
	assert_req(client[0], conflict, XS_WRITE, "/x/bad|1", "OK|");
	assert_req(client[0], 0, XS_WRITE, "/x/old|2", "OK|");
	assert_req(client[0], 0, XS_WRITE, "/x/more/deep|2", "OK|");
	assert_req(client[0], 0, XS_WATCH, "/x|t|", "OK|");
	apply(copy, store_batch(s)->data, store_batch(s)->len);
	store_load_end(copy);
	store_client_reset(c[0]->c);
	store_client_give(client[0]->c, &r);
	in = (struct rec_in){r.data, r.len};
	while ((type = rec_next(&in, &item)) > 0) {
		assert_int_equal(store_client_take(c[0]->c, type, &item), 0);
	}
	assert_int_equal(type, 0);
	assert_req(c[0], conflict, XS_READ, "/x/old|", "1");
	assert_req(c[0], conflict, XS_READ, "/x/more|", "ENOENT");
	assert_req(c[0], good, XS_READ, "/x/good|", "1");
	c[0]->events[0] = '\0';
	assert_req(c[0], conflict, XS_TRANSACTION_END, "T|", "EAGAIN");
	assert_req(c[0], good, XS_TRANSACTION_END, "T|", "OK|");
	assert_events(c[0], "/x/good|t ");
	assert_req(c[0], 0, XS_READ, "/x/good|", "1");
	assert_req(c[0], 0, XS_READ, "/x/old|", "2");
	assert_sound(copy);
	rec_fini(&r);
	copy_free(copy, c);
	copy_free(s, client);
}

/* Any byte changed: refused or applied, never anything else. */
static void damaged(void **state)
{
	struct store *s = store_create(&test_hooks, NULL);
	struct rec all = {NULL};

	clients(s, client);
	store_record_on(s, true);
	for (int i = 0; i < 60; i++) {
		step();
	}
	store_snap_end(store_snap_begin(s, &all));
	rec_bytes(&all, store_batch(s)->data, store_batch(s)->len);
	for (size_t i = 0; i < store_batch(s)->len; i++) {
		struct test_client *c[NR_CLIENT];
		struct store *copy = copy_make(c);
		char *data = malloc(store_batch(s)->len);
		struct rec_in in = {data, store_batch(s)->len}, item;
		int type;

		memcpy(data, store_batch(s)->data, store_batch(s)->len);
		data[i] ^= (char)(1u << rnd(8));
		while ((type = rec_next(&in, &item)) > 0) {
			store_apply(copy, type, &item);
		}
		store_load_end(copy);
		assert_sound(copy);
		free(data);
		copy_free(copy, c);
	}
	rec_fini(&all);
	copy_free(s, client);
	memset(tx, 0, sizeof(tx));
}

/* A snapshot in blocks: each can be unpacked without the others, and they are all of it. */
static void packed(void **state)
{
	struct store *s = store_create(&test_hooks, NULL), *copy;
	struct test_client *c[NR_CLIENT];
	struct rec items = {NULL}, block = {NULL}, unpacked = {NULL};
	struct rec_in in, one, fields, got;
	struct store_snap *snap;
	char text[2100];
	unsigned int blocks = 0, refused = 0;

	clients(s, client);
	copy = copy_make(c);
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "/dir%d/name%d|%0*u", i / 50, i % 50,
			 i % 100 ? 1 + i % 40 : 2000, rnd(100000));
		req(client[0], 0, XS_WRITE, text);
	}
	snap = store_snap_begin(s, &items);
	while (store_snap_step(snap, 100, &items) || items.len) {
		bool last = items.len < BLOCK_BYTES;

		in = (struct rec_in){items.data, items.len};
		if (!block_pack(&block, &in, last)) {
			assert_true(!last);
			continue;
		}
		memmove(items.data, in.p, in.left);
		items.len = in.left;
		one = (struct rec_in){block.data, block.len};
		assert_int_equal(rec_next(&one, &fields), BLOCK_TYPE);
		assert_int_equal(one.left, 0);
		for (int i = 0; i < 200; i++) {
			struct rec_in bad = fields;
			size_t at = rnd((uint32_t)fields.left);

			/* Anything but a fault of memory */
			((char *)(uintptr_t)fields.p)[at] ^= 0x55;
			refused += !block_unpack(&bad, &unpacked, &got);
			((char *)(uintptr_t)fields.p)[at] ^= 0x55;
		}
		assert_true(block_unpack(&fields, &unpacked, &got));
		assert_true(got.left > 4 * block.len || last);
		apply(copy, got.p, got.left);
		block.len = 0;
		blocks++;
	}
	store_snap_end(snap);
	store_load_end(copy);
	assert_true(blocks > 2 && refused > 0);
	same(s, copy);
	rec_fini(&items);
	rec_fini(&block);
	rec_fini(&unpacked);
	copy_free(copy, c);
	copy_free(s, client);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows),     cmocka_unit_test(open_transactions),
		cmocka_unit_test(handed_over), cmocka_unit_test(packed),
		cmocka_unit_test(damaged),
	};

	if (argc > 1) {
		steps = strtoul(argv[1], NULL, 10);
	}
	if (argc > 2) {
		seed = (uint32_t)strtoul(argv[2], NULL, 10) | 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
