/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store as a guest sees it: requests over the ring page that start_info
 * names, replies with their request's id, in order; a domain reads what it
 * should know of itself, and changes only what is its own.
 */
#include "lib/guest.h"

#include <public/io/xs_wire.h>

const char test_title[] = "The store, over the ring";

static struct xenstore_domain_interface *ring;
static uint32_t next_id = 100;
static char reply[1024];
static char event[1024]; /* the last watch event */
static unsigned int events;

static void notify(void)
{
	expect_eq(evtchn_send(start_info->store_evtchn), 0);
}

static void send_bytes(const void *data, size_t len)
{
	const char *bytes = data;

	while (len--) {
		uint32_t prod = ring->req_prod;

		while (prod - __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE) >=
		       XENSTORE_RING_SIZE)
			sleep_ns(1000000);
		ring->req[MASK_XENSTORE_IDX(prod)] = *bytes++;
		__atomic_store_n(&ring->req_prod, prod + 1, __ATOMIC_RELEASE);
	}
}

static void receive_bytes(void *data, size_t len)
{
	uint64_t end = system_time() + 10000000000UL;
	char *bytes = data;

	while (len--) {
		uint32_t cons = ring->rsp_cons;

		while (__atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) == cons) {
			if (system_time() > end)
				error("the store does not answer");
			sleep_ns(1000000);
		}
		*bytes++ = ring->rsp[MASK_XENSTORE_IDX(cons)];
		__atomic_store_n(&ring->rsp_cons, cons + 1, __ATOMIC_RELEASE);
	}
}

/* A reply, or an event, which may come at any time between others. */
static struct xsd_sockmsg receive(void)
{
	struct xsd_sockmsg head;
	char *to;

	receive_bytes(&head, sizeof(head));
	if (head.len >= sizeof(reply))
		error("a message of %u bytes", head.len);
	to = head.type == XS_WATCH_EVENT ? event : reply;
	receive_bytes(to, head.len);
	to[head.len] = 0;
	events += head.type == XS_WATCH_EVENT;
	notify();
	return head;
}

/* Sends a request of up to two strings; gives the type of the reply. */
static uint32_t request(uint32_t type, const char *a, const char *b, bool terminate_b)
{
	size_t a_len = strlen(a) + 1, b_len = b ? strlen(b) + terminate_b : 0;
	struct xsd_sockmsg head = {
		.type = type, .req_id = next_id++, .len = (uint32_t)(a_len + b_len)};
	struct xsd_sockmsg answer;

	send_bytes(&head, sizeof(head));
	send_bytes(a, a_len);
	send_bytes(b, b_len);
	notify();
	do {
		answer = receive();
	} while (answer.type == XS_WATCH_EVENT);
	expect_eq(answer.req_id, head.req_id);
	expect_eq(answer.tx_id, 0);
	return answer.type;
}

static void expect_text(const char *text)
{
	if (strlen(reply) != strlen(text) || memcmp(reply, text, strlen(text)))
		failure("got '%s', not '%s'", reply, text);
}

static void reading(void)
{
	unsigned int domid = own_domid(), value = 0;
	const char *c;

	expect_eq(request(XS_READ, "domid", NULL, false), XS_READ);
	for (c = reply; *c >= '0' && *c <= '9'; c++)
		value = value * 10 + (unsigned int)(*c - '0');
	expect_eq(value, domid);
	expect_eq(request(XS_READ, "name", NULL, false), XS_READ);
	expect_text("test-xenstore");
	expect_eq(request(XS_READ, "no/such/node", NULL, false), XS_ERROR);
	expect_text("ENOENT");
	expect_eq(request(XS_READ, "/bad//path", NULL, false), XS_ERROR);
	expect_text("EINVAL");
	expect_eq(request(XS_DIRECTORY, "control", NULL, false), XS_DIRECTORY);
}

static void writing(void)
{
	expect_eq(request(XS_WRITE, "data/test", "hello", false), XS_WRITE);
	expect_text("OK");
	expect_eq(request(XS_READ, "data/test", NULL, false), XS_READ);
	expect_text("hello");
	expect_eq(request(XS_RM, "data/test", NULL, false), XS_RM);
	expect_eq(request(XS_READ, "data/test", NULL, false), XS_ERROR);
	expect_text("ENOENT");
	/* What is not ours */
	expect_eq(request(XS_WRITE, "name", "other", false), XS_ERROR);
	expect_text("EACCES");
	expect_eq(request(XS_WRITE, "/local/domain/0/test", "x", false), XS_ERROR);
	expect_text("EACCES");
	expect_eq(request(XS_INTRODUCE, "1", "2", true), XS_ERROR);
	expect_eq(request(9999, "x", NULL, false), XS_ERROR);
	expect_text("ENOSYS");
}

static void expect_event(unsigned int number, const char *path)
{
	while (events < number)
		receive();
	expect_eq(events, number);
	if (memcmp(event, path, strlen(path) + 1) || memcmp(event + strlen(path) + 1, "token", 6))
		failure("event '%s', not '%s'", event, path);
}

static void watching(void)
{
	expect_eq(request(XS_WATCH, "data", "token", true), XS_WATCH);
	expect_event(1, "data"); /* once for registering it */
	expect_eq(request(XS_WATCH, "data", "token", true), XS_ERROR);
	expect_text("EEXIST");
	expect_eq(request(XS_WRITE, "data/x", "1", false), XS_WRITE);
	expect_event(2, "data/x");
	expect_eq(request(XS_UNWATCH, "data", "token", true), XS_UNWATCH);
	expect_eq(request(XS_UNWATCH, "data", "token", true), XS_ERROR);
	expect_text("ENOENT");
	expect_eq(request(XS_RM, "data/x", NULL, false), XS_RM);
	expect_eq(events, 2);
}

void test_main(void)
{
	evtchn_mask_all();
	ring = mfn_to_virt(start_info->store_mfn);
	expect_eq(ring->connection, XENSTORE_CONNECTED);
	reading();
	writing();
	watching();
}
