/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See store.h. */
#include "lib/guest.h"
#include "lib/store.h"

char store_reply[STORE_TEXT], store_event[STORE_TEXT];
unsigned int store_events;
struct xenstore_domain_interface *store_ring;

static uint32_t next_id = 100;

void store_connect(void)
{
	store_ring = mfn_to_virt(start_info->store_mfn);
}

static void notify(void)
{
	expect_eq(evtchn_send(start_info->store_evtchn), 0);
}

static void send_bytes(const void *data, size_t len)
{
	const char *bytes = data;

	while (len--) {
		uint32_t prod = store_ring->req_prod;

		while (prod - __atomic_load_n(&store_ring->req_cons, __ATOMIC_ACQUIRE) >=
		       XENSTORE_RING_SIZE)
			sleep_ns(1000000);
		store_ring->req[MASK_XENSTORE_IDX(prod)] = *bytes++;
		__atomic_store_n(&store_ring->req_prod, prod + 1, __ATOMIC_RELEASE);
	}
}

static void receive_bytes(void *data, size_t len)
{
	uint64_t end = system_time() + 10000000000UL;
	char *bytes = data;

	while (len--) {
		uint32_t cons = store_ring->rsp_cons;

		while (__atomic_load_n(&store_ring->rsp_prod, __ATOMIC_ACQUIRE) == cons) {
			if (system_time() > end)
				error("the store does not answer");
			sleep_ns(1000000);
		}
		*bytes++ = store_ring->rsp[MASK_XENSTORE_IDX(cons)];
		__atomic_store_n(&store_ring->rsp_cons, cons + 1, __ATOMIC_RELEASE);
	}
}

/* An event may come at any time between replies. */
struct xsd_sockmsg store_receive(void)
{
	struct xsd_sockmsg head;
	char *to;

	receive_bytes(&head, sizeof(head));
	if (head.len >= STORE_TEXT)
		error("a message of %u bytes", head.len);
	to = head.type == XS_WATCH_EVENT ? store_event : store_reply;
	receive_bytes(to, head.len);
	to[head.len] = 0;
	store_events += head.type == XS_WATCH_EVENT;
	notify();
	return head;
}

uint32_t store_request(uint32_t type, const char *a, const char *b, bool terminate_b)
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
		answer = store_receive();
	} while (answer.type == XS_WATCH_EVENT);
	expect_eq(answer.req_id, head.req_id);
	expect_eq(answer.tx_id, 0);
	return answer.type;
}
