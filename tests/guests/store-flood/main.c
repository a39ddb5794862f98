/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest that takes from the store all it gets: nodes, watches, transactions, long
 * values and deep paths, requests without reading the replies; and at last breaks the
 * protocol. Each has an end, with an error that says so, and what was given back can be
 * had again. tests/system/store-flood.t runs it beside others, which must not notice.
 * The classes of XSA-115, -326, -414 to -421.
 *
 * On the command line: rounds=N (1).
 */
#include "lib/guest.h"
#include "lib/store.h"

const char test_title[] = "A flood of requests to the store";

#define MANY 6000

static char path[STORE_TEXT];

static unsigned int rounds_wanted(void)
{
	const char *line = (const char *)start_info->cmd_line;

	for (; *line; line++) {
		if (!memcmp(line, "rounds=", 7))
			return (unsigned int)(line[7] - '0');
	}
	return 1;
}

static const char *numbered(const char *prefix, unsigned int n)
{
	size_t len = strlen(prefix);
	unsigned int digit;

	memcpy(path, prefix, len);
	for (digit = 10000; digit; digit /= 10)
		path[len++] = (char)('0' + n / digit % 10);
	path[len] = 0;
	return path;
}

static bool is_error(uint32_t type)
{
	return type == XS_ERROR;
}

/* As many of them as there may be, then the error; and one back is one more. */
static void nodes(void)
{
	unsigned int n = 0;

	while (n < MANY &&
	       !is_error(store_request(XS_WRITE, numbered("data/flood/", n), "x", false)))
		n++;
	printf("%u nodes, then %s\n", n, store_reply);
	expect(n > 50 && n < MANY);
	expect(!is_error(store_request(XS_RM, numbered("data/flood/", 0), NULL, false)));
	expect(!is_error(store_request(XS_WRITE, numbered("data/flood/", 0), "y", false)));
	/* No more, where it is nodes that are counted */
	store_request(XS_WRITE, "data/flood/more", "y", false);
	expect(!is_error(store_request(XS_RM, "data/flood", NULL, false)));
	expect(!is_error(store_request(XS_WRITE, "data/last", "z", false)));
	expect(!is_error(store_request(XS_RM, "data/last", NULL, false)));
}

static void watches(void)
{
	unsigned int n = 0;

	while (n < MANY &&
	       !is_error(store_request(XS_WATCH, numbered("data/watch", n), "token", true)))
		n++;
	printf("%u watches, then %s\n", n, store_reply);
	expect(n > 10 && n < MANY);
	/* Each of them fires, many times. */
	while (n--)
		store_request(XS_UNWATCH, numbered("data/watch", n), "token", true);
	expect(!is_error(store_request(XS_WATCH, "data", "token", true)));
	for (n = 0; n < 200; n++)
		store_request(XS_WRITE, "data/fires", "x", false);
	expect(!is_error(store_request(XS_UNWATCH, "data", "token", true)));
	store_request(XS_RM, "data/fires", NULL, false);
}

/* Begun and never ended, as many as there may be */
static void transactions(void)
{
	unsigned int n = 0;

	while (n < MANY && !is_error(store_request(XS_TRANSACTION_START, "", NULL, false)))
		n++;
	printf("%u transactions, then %s\n", n, store_reply);
	expect(n > 0 && n < MANY);
	expect(!is_error(store_request(XS_READ, "domid", NULL, false)));
}

static void sizes(void)
{
	static char value[900];
	unsigned int i;

	memset(value, 'v', sizeof(value) - 1);
	for (i = 0; i < 50; i++)
		store_request(XS_WRITE, numbered("data/long", i), value, false);
	for (i = 0; i < 50; i++)
		store_request(XS_RM, numbered("data/long", i), NULL, false);
	/* As deep as a path may be, and deeper */
	for (i = 0; i + 2 < sizeof(value); i += 2)
		memcpy(value + i, "/d", 2);
	memcpy(value, "data", 4);
	value[400] = 0;
	store_request(XS_WRITE, value, "deep", false);
	store_request(XS_RM, "data/d", NULL, false);
	expect(is_error(store_request(XS_READ, "data//x", NULL, false)));
	value[400] = '/';
	value[898] = 0;
	store_request(XS_WRITE, value, "deep", false);
	store_request(XS_RM, "data/d", NULL, false);
}

/* Requests as fast as they are taken, replies unread; then what came is thrown away. */
static void unread(void)
{
	struct xsd_sockmsg head = {.type = XS_READ, .req_id = 1, .len = 6};
	uint64_t end = system_time() + 1000000000UL;
	const char *bytes = (const char *)&head;
	unsigned int i, sent = 0;

	while (system_time() < end) {
		uint32_t prod = store_ring->req_prod;

		if (prod - __atomic_load_n(&store_ring->req_cons, __ATOMIC_ACQUIRE) + 22 >
		    XENSTORE_RING_SIZE) {
			hypercall(sched_op, SCHEDOP_yield, 0);
			continue;
		}
		for (i = 0; i < 22; i++)
			store_ring->req[MASK_XENSTORE_IDX(prod + i)] =
				i < 16 ? bytes[i] : "domid"[i - 16];
		__atomic_store_n(&store_ring->req_prod, prod + 22, __ATOMIC_RELEASE);
		evtchn_send(start_info->store_evtchn);
		sent++;
	}
	printf("%u requests taken with no reply read\n", sent);
	expect(sent < 1000000);
	for (end = system_time() + 500000000UL; system_time() < end;) {
		store_ring->rsp_cons = store_ring->rsp_prod;
		evtchn_send(start_info->store_evtchn);
		sleep_ns(2000000);
	}
}

/* Nobody has to answer this one any more. */
static void broken(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		memset(store_ring->req, 0xff, sizeof(store_ring->req));
		store_ring->req_prod = (uint32_t)random64();
		store_ring->req_cons = (uint32_t)random64();
		store_ring->rsp_prod = (uint32_t)random64();
		store_ring->rsp_cons = (uint32_t)random64();
		evtchn_send(start_info->store_evtchn);
		sleep_ns(1000000);
	}
}

void test_main(void)
{
	unsigned int round;

	evtchn_mask_all();
	store_connect();
	for (round = 0; round < rounds_wanted(); round++) {
		nodes();
		watches();
		sizes();
	}
	transactions();
	unread();
	broken();
}
