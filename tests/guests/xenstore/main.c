/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store as a guest sees it: requests over the ring page that start_info
 * names, replies with their request's id, in order; a domain reads what it
 * should know of itself, and changes only what is its own.
 */
#include "lib/guest.h"
#include "lib/store.h"

const char test_title[] = "The store, over the ring";

static void expect_text(const char *text)
{
	if (strlen(store_reply) != strlen(text) || memcmp(store_reply, text, strlen(text)))
		failure("got '%s', not '%s'", store_reply, text);
}

static void reading(void)
{
	unsigned int domid = own_domid(), value = 0;
	const char *c;

	expect_eq(store_request(XS_READ, "domid", NULL, false), XS_READ);
	for (c = store_reply; *c >= '0' && *c <= '9'; c++)
		value = value * 10 + (unsigned int)(*c - '0');
	expect_eq(value, domid);
	expect_eq(store_request(XS_READ, "name", NULL, false), XS_READ);
	expect_text("test-xenstore");
	expect_eq(store_request(XS_READ, "no/such/node", NULL, false), XS_ERROR);
	expect_text("ENOENT");
	expect_eq(store_request(XS_READ, "/bad//path", NULL, false), XS_ERROR);
	expect_text("EINVAL");
	expect_eq(store_request(XS_DIRECTORY, "control", NULL, false), XS_DIRECTORY);
}

static void writing(void)
{
	expect_eq(store_request(XS_WRITE, "data/test", "hello", false), XS_WRITE);
	expect_text("OK");
	expect_eq(store_request(XS_READ, "data/test", NULL, false), XS_READ);
	expect_text("hello");
	expect_eq(store_request(XS_RM, "data/test", NULL, false), XS_RM);
	expect_eq(store_request(XS_READ, "data/test", NULL, false), XS_ERROR);
	expect_text("ENOENT");
	/* What is not ours */
	expect_eq(store_request(XS_WRITE, "name", "other", false), XS_ERROR);
	expect_text("EACCES");
	expect_eq(store_request(XS_WRITE, "/local/domain/0/test", "x", false), XS_ERROR);
	expect_text("EACCES");
	expect_eq(store_request(XS_INTRODUCE, "1", "2", true), XS_ERROR);
	expect_eq(store_request(9999, "x", NULL, false), XS_ERROR);
	expect_text("ENOSYS");
}

static void expect_event(unsigned int number, const char *path)
{
	while (store_events < number)
		store_receive();
	expect_eq(store_events, number);
	if (memcmp(store_event, path, strlen(path) + 1) ||
	    memcmp(store_event + strlen(path) + 1, "token", 6))
		failure("event '%s', not '%s'", store_event, path);
}

static void watching(void)
{
	expect_eq(store_request(XS_WATCH, "data", "token", true), XS_WATCH);
	expect_event(1, "data"); /* once for registering it */
	expect_eq(store_request(XS_WATCH, "data", "token", true), XS_ERROR);
	expect_text("EEXIST");
	expect_eq(store_request(XS_WRITE, "data/x", "1", false), XS_WRITE);
	expect_event(2, "data/x");
	expect_eq(store_request(XS_UNWATCH, "data", "token", true), XS_UNWATCH);
	expect_eq(store_request(XS_UNWATCH, "data", "token", true), XS_ERROR);
	expect_text("ENOENT");
	expect_eq(store_request(XS_RM, "data/x", NULL, false), XS_RM);
	expect_eq(store_events, 2);
}

void test_main(void)
{
	evtchn_mask_all();
	store_connect();
	expect_eq(store_ring->connection, XENSTORE_CONNECTED);
	reading();
	writing();
	watching();
}
