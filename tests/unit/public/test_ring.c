/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The ring macros, and the few other statements of the public headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <public/io/blkif.h>
#include <public/xen.h>

static union {
	blkif_sring_t sring;
	unsigned char bytes[4096];
} page;

static blkif_front_ring_t front;
static blkif_back_ring_t back;

static int connect_at(RING_IDX start)
{
	memset(&page, 0xa5, sizeof(page));
	SHARED_RING_INIT(&page.sring);
	page.sring.req_prod = page.sring.rsp_prod = start;
	page.sring.req_event = page.sring.rsp_event = start + 1;
	FRONT_RING_ATTACH(&front, &page.sring, start, sizeof(page));
	BACK_RING_ATTACH(&back, &page.sring, start, sizeof(page));
	return 0;
}

/* Indices that are about to wrap, so that every test crosses it */
static int connect(void **state)
{
	return connect_at((RING_IDX)-40);
}

static void initial_state(void **state)
{
	unsigned int i;

	memset(&page, 0xa5, sizeof(page));
	XEN_FRONT_RING_INIT(&front, &page.sring, sizeof(page));
	BACK_RING_INIT(&back, &page.sring, sizeof(page));
	assert_int_equal(page.sring.req_prod, 0);
	assert_int_equal(page.sring.rsp_prod, 0);
	assert_int_equal(page.sring.req_event, 1);
	assert_int_equal(page.sring.rsp_event, 1);
	for (i = 16; i < 64; i++)
		assert_int_equal(page.bytes[i], 0);
	assert_int_equal(RING_SIZE(&front), 32);
	assert_int_equal(RING_SIZE(&back), 32);
	assert_int_equal(RING_FREE_REQUESTS(&front), 32);
	assert_false(RING_HAS_UNCONSUMED_REQUESTS(&back));
	assert_false(RING_HAS_UNCONSUMED_RESPONSES(&front));
}

static int push_request(uint64_t id)
{
	int notify;

	RING_GET_REQUEST(&front, front.req_prod_pvt)->id = id;
	front.req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front, notify);
	return notify;
}

static int answer(uint64_t *ret_id)
{
	struct blkif_request req;
	int notify;

	RING_COPY_REQUEST(&back, back.req_cons, &req);
	back.req_cons++;
	*ret_id = req.id;
	RING_GET_RESPONSE(&back, back.rsp_prod_pvt)->id = req.id + 1000;
	back.rsp_prod_pvt++;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
	return notify;
}

static void to_and_fro(void **state)
{
	struct blkif_response rsp;
	unsigned int i;
	uint64_t id;
	int work;

	for (i = 0; i < 200; i++) {
		assert_true(push_request(i)); /* the other end sleeps */
		assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 1);
		assert_true(answer(&id));
		assert_int_equal(id, i);
		RING_FINAL_CHECK_FOR_REQUESTS(&back, work);
		assert_false(work);
		assert_int_equal(XEN_RING_NR_UNCONSUMED_RESPONSES(&front), 1);
		RING_COPY_RESPONSE(&front, front.rsp_cons, &rsp);
		front.rsp_cons++;
		assert_int_equal(rsp.id, i + 1000);
		RING_FINAL_CHECK_FOR_RESPONSES(&front, work);
		assert_false(work);
	}
}

static void full_ring(void **state)
{
	unsigned int i;
	uint64_t id;
	int work;

	for (i = 0; i < 32; i++) {
		assert_false(RING_FULL(&front));
		assert_int_equal(push_request(i), i == 0); /* it is awake after the first */
	}
	assert_true(RING_FULL(&front));
	assert_int_equal(RING_FREE_REQUESTS(&front), 0);
	for (i = 0; i < 32; i++) {
		answer(&id);
		assert_int_equal(id, i);
	}
	assert_false(RING_HAS_UNCONSUMED_REQUESTS(&back));
	assert_int_equal(XEN_RING_NR_UNCONSUMED_RESPONSES(&front), 32);
	/* Responses that nobody took yet keep their places. */
	assert_true(RING_FULL(&front));
	front.rsp_cons += 32;
	assert_int_equal(RING_FREE_REQUESTS(&front), 32);
	/* Work that came between the look and the request for an event */
	RING_GET_REQUEST(&front, front.req_prod_pvt)->id = 7;
	front.req_prod_pvt++;
	RING_PUSH_REQUESTS(&front);
	RING_FINAL_CHECK_FOR_REQUESTS(&back, work);
	assert_true(work);
}

static void hostile_peer(void **state)
{
	page.sring.req_prod += 33;
	assert_true(RING_REQUEST_PROD_OVERFLOW(&back, page.sring.req_prod));
	/* Even so, no more is offered than can be answered. */
	assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 32);
	page.sring.req_prod--;
	assert_false(RING_REQUEST_PROD_OVERFLOW(&back, page.sring.req_prod));
	assert_false(RING_REQUEST_CONS_OVERFLOW(&back, back.req_cons + 31));
	assert_true(RING_REQUEST_CONS_OVERFLOW(&back, back.req_cons + 32));
	page.sring.rsp_prod += 33;
	assert_true(RING_RESPONSE_PROD_OVERFLOW(&front, page.sring.rsp_prod));
	page.sring.rsp_prod--;
	assert_false(RING_RESPONSE_PROD_OVERFLOW(&front, page.sring.rsp_prod));
}

static void handles_and_traps(void **state)
{
	XEN_GUEST_HANDLE(uint32) handle;
	struct trap_info trap = {.flags = 0};
	uint32_t value = 5, *p;

	set_xen_guest_handle(handle, &value);
	assert_ptr_equal(handle.p, &value);
	get_xen_guest_handle(p, handle);
	assert_ptr_equal(p, &value);
	TI_SET_DPL(&trap, 3);
	TI_SET_IF(&trap, 1);
	assert_int_equal(trap.flags, 7);
	assert_int_equal(TI_GET_DPL(&trap), 3);
	assert_int_equal(TI_GET_IF(&trap), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initial_state),
		cmocka_unit_test_setup(to_and_fro, connect),
		cmocka_unit_test_setup(full_ring, connect),
		cmocka_unit_test_setup(hostile_peer, connect),
		cmocka_unit_test(handles_and_traps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
