/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Big changes are done in slices: at once for whoever looks, bit by bit in what
 * they leave to be done, and with events in the order of the changes.
 */
#include "harness.h"

#define NODES 5000

struct fix {
	struct store *s;
	struct test_client *dom0, *other, *g3;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	char text[64];

	f->s = store_create(&test_hooks, NULL);
	f->dom0 = client_new(f->s, 0);
	f->other = client_new(f->s, 0);
	f->g3 = client_new(f->s, 3);
	for (int i = 0; i < NODES; i++) {
		sprintf(text, "/big/%03d/%03d|v", i / 100, i % 100);
		assert_req(f->dom0, 0, XS_WRITE, text, "OK|");
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	assert_sound(f->s);
	client_free(f->dom0);
	client_free(f->other);
	client_free(f->g3);
	store_destroy(f->s);
	free(f);
	return 0;
}

static uint64_t nodes_of(struct store *s, uint16_t domid)
{
	return account_of(s, domid)->nodes;
}

/* How many slices of @max there are; each must have done no more than that. */
static unsigned int slices(struct store *s, unsigned int max)
{
	unsigned int nr = 1;
	uint64_t before = nodes_of(s, 0);

	while (store_work(s, max)) {
		assert_true(before - nodes_of(s, 0) <= max);
		before = nodes_of(s, 0);
		nr++;
	}
	return nr;
}

static void removal(void **state)
{
	struct fix *f = *state;
	uint64_t before = nodes_of(f->s, 0);

	assert_req(f->other, 0, XS_WATCH, "/big/049/099|deep|", "OK|");
	assert_req(f->other, 0, XS_WATCH, "/big/049|dir|", "OK|");
	assert_req(f->other, 0, XS_WATCH, "/|root|", "OK|");
	f->other->events[0] = '\0';
	assert_req(f->dom0, 0, XS_RM, "/big|", "OK|");
	/* Gone for everybody, but not all is cleared up. */
	assert_req(f->g3, 0, XS_READ, "/big/000/000|", "EACCES");
	assert_req(f->other, 0, XS_READ, "/big|", "ENOENT");
	assert_true(nodes_of(f->s, 0) > before - NODES);
	assert_true(store_client_busy(f->dom0->c));
	assert_false(store_client_busy(f->other->c));
	assert_string_equal(f->other->events, "");
	/* What happens now is told after it, and not of a watch that is younger. */
	assert_req(f->other, 0, XS_WRITE, "/big/049|again", "OK|");
	assert_req(f->other, 0, XS_WATCH, "/big/049|young|", "OK|");
	assert_events(f->other, "/big/049|young ");
	assert_true(slices(f->s, 100) >= NODES / 2 / 100);
	assert_events(f->other, "/big/049/099|deep /big/049|dir /big|root "
				"/big/049|dir /big/049|root ");
	assert_int_equal(nodes_of(f->s, 0), before - NODES - 50 + 1);
	assert_false(store_client_busy(f->dom0->c));
}

static void unwatched_meanwhile(void **state)
{
	struct fix *f = *state;
	struct test_client *gone = client_new(f->s, 0);

	assert_req(f->other, 0, XS_WATCH, "/big/049/099|deep|", "OK|");
	assert_req(f->other, 0, XS_WATCH, "/big|top|", "OK|");
	assert_req(gone, 0, XS_WATCH, "/big|top|", "OK|");
	f->other->events[0] = '\0';
	assert_req(f->dom0, 0, XS_RM, "/big|", "OK|");
	assert_req(f->other, 0, XS_UNWATCH, "/big/049/099|deep|", "OK|");
	client_free(gone);
	store_settle(f->s);
	assert_events(f->other, "/big|top ");
}

/* While its own removal is going on. */
static void client_goes(void **state)
{
	struct fix *f = *state;
	struct test_client *c = client_new(f->s, 0);

	assert_req(c, 0, XS_RM, "/big|", "OK|");
	assert_true(store_client_busy(c->c));
	client_free(c);
	assert_true(store_work(f->s, 1));
	store_settle(f->s);
}

static void in_transaction(void **state)
{
	struct fix *f = *state;
	uint64_t before = nodes_of(f->s, 0);
	uint32_t tx = tx_begin(f->dom0);

	assert_req(f->other, 0, XS_WATCH, "/big/049|dir|", "OK|");
	f->other->events[0] = '\0';
	assert_req(f->dom0, tx, XS_RM, "/big|", "OK|");
	assert_req(f->dom0, tx, XS_WRITE, "/big/049|new", "OK|");
	assert_req(f->other, 0, XS_WRITE, "/elsewhere|v", "OK|"); /* so that it is made again */
	assert_req(f->dom0, tx, XS_TRANSACTION_END, "T|", "OK|");
	assert_req(f->dom0, 0, XS_READ, "/big/049|", "new");
	store_settle(f->s);
	assert_events(f->other, "/big/049|dir /big/049|dir ");
	assert_int_equal(nodes_of(f->s, 0), before - NODES - 50 + 2);
}

/* So many events that they don't all go out at once. */
static void many_events(void **state)
{
	struct fix *f = *state;
	uint32_t tx = tx_begin(f->dom0);
	char text[64];
	size_t nr = 0;

	assert_req(f->other, 0, XS_WATCH, "/n|t|", "OK|");
	f->other->events[0] = '\0';
	for (int i = 0; i < 3000; i++) {
		sprintf(text, "/n/%d|v", i);
		assert_req(f->dom0, tx, XS_WRITE, text, "OK|");
	}
	assert_req(f->dom0, tx, XS_TRANSACTION_END, "T|", "OK|");
	assert_true(store_client_busy(f->dom0->c));
	store_settle(f->s);
	assert_false(store_client_busy(f->dom0->c));
	for (const char *p = f->other->events; *p; nr++) {
		sprintf(text, "/n/%zu|t ", nr);
		assert_int_equal(strncmp(p, text, strlen(text)), 0);
		p += strlen(text);
	}
	assert_int_equal(nr, 3000);
}

/* A domain's nodes where nobody expects them. */
static void domain_gone(void **state)
{
	struct fix *f = *state;
	unsigned int nr;

	assert_req(f->dom0, 0, XS_WRITE, "/local/domain/3/a/b|v", "OK|");
	for (const char *const *p =
		     (const char *const[]){"/local/domain/3", "/local/domain/3/a",
					   "/local/domain/3/a/b", "/big/030", "/big/041/007", NULL};
	     *p; p++) {
		char text[64];

		sprintf(text, "%s|n3|", *p);
		assert_req(f->dom0, 0, XS_SET_PERMS, text, "OK|");
	}
	client_free(f->g3);
	f->g3 = client_new(f->s, 4);
	store_domain_forget(f->s, 3, false);
	assert_req(f->dom0, 0, XS_READ, "/local/domain/3|", "ENOENT");
	assert_req(f->dom0, 0, XS_READ, "/big/041/007|", "v");
	nr = slices(f->s, 50);
	assert_true(nr >= NODES * 3 / 4 / 50);
	assert_req(f->dom0, 0, XS_READ, "/big/041/007|", "ENOENT");
	assert_req(f->dom0, 0, XS_READ, "/big/030|", "ENOENT");
	assert_req(f->dom0, 0, XS_READ, "/big/041/008|", "v");
	assert_int_equal(nodes_of(f->s, 3), 0);
}

/* The next one with the number has begun while the last is being cleared up. */
static void domain_again(void **state)
{
	struct fix *f = *state;

	assert_req(f->dom0, 0, XS_SET_PERMS, "/big/041|n3|", "OK|");
	assert_req(f->dom0, 0, XS_SET_PERMS, "/big/042|n3|", "OK|");
	store_domain_forget(f->s, 3, false);
	store_domain_introduced(f->s, 3);
	assert_req(f->dom0, 0, XS_SET_PERMS, "/big/042|n3|", "OK|");
	store_settle(f->s);
	assert_req(f->dom0, 0, XS_READ, "/big/041|", "ENOENT");
	assert_req(f->dom0, 0, XS_READ, "/big/042|", "");
}

/* One node written again and again is one change; others are bounded in number. */
static void changes_of_a_transaction(void **state)
{
	struct fix *f = *state;
	uint32_t tx;
	const char *got = "OK|";
	int i;

	assert_req(f->dom0, 0, XS_WRITE, "/g|", "OK|");
	assert_req(f->dom0, 0, XS_SET_PERMS, "/g|n3|", "OK|");
	assert_req(f->dom0, 0, XS_CONTROL, "quota|set|transaction-nodes|100|", "OK|");
	tx = tx_begin(f->g3);
	for (i = 0; i < 10000; i++) {
		assert_req(f->g3, tx, XS_WRITE, i & 1 ? "/g|a" : "/g|bb", "OK|");
	}
	assert_req(f->g3, tx, XS_WRITE, "/g|last", "OK|");
	for (i = 0; i < 1000 && strcmp(got, "OK|") == 0; i++) {
		got = req(f->g3, tx, i & 1 ? XS_RM : XS_WRITE, i & 1 ? "/g/x|" : "/g/x|v");
	}
	assert_string_equal(got, "ENOSPC");
	assert_int_equal(i, 400);
	assert_req(f->g3, tx, XS_READ, "/g|", "last");
	assert_req(f->g3, tx, XS_TRANSACTION_END, "T|", "OK|");
	assert_req(f->g3, 0, XS_READ, "/g|", "last");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(removal),      TEST(unwatched_meanwhile),
		TEST(client_goes),  TEST(in_transaction),
		TEST(many_events),  TEST(domain_gone),
		TEST(domain_again), TEST(changes_of_a_transaction),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
