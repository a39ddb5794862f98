/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The console ring against guests good and hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dom0-tools/consoled/ring.h"

static struct xencons_interface ring;

static void guest_writes(const char *s)
{
	while (*s)
		ring.out[ring.out_prod++ % RING_OUT_SIZE] = *s++;
}

static void test_output_across_the_wrap(void **state)
{
	char buf[RING_OUT_SIZE];

	/* The free-running indices wrap at 2^32, the positions at the size. */
	ring = (struct xencons_interface){.out_cons = -3u, .out_prod = -3u};
	assert_int_equal(ring_peek(&ring, buf, sizeof(buf)), 0);
	guest_writes("abcdefgh");
	assert_int_equal(ring_peek(&ring, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "abcdefgh", 8);
	ring_consume(&ring, 5);
	assert_int_equal(ring_peek(&ring, buf, 2), 2);
	assert_memory_equal(buf, "fg", 2);
	ring_consume(&ring, 3);
	assert_int_equal(ring.out_cons, ring.out_prod);
}

static void test_a_full_ring(void **state)
{
	char buf[2 * RING_OUT_SIZE];

	ring = (struct xencons_interface){.out_cons = 100, .out_prod = 100};
	for (size_t i = 0; i < RING_OUT_SIZE; i++)
		guest_writes("x");
	assert_int_equal(ring_peek(&ring, buf, sizeof(buf)), RING_OUT_SIZE);
}

static void test_indices_without_sense(void **state)
{
	char buf[RING_OUT_SIZE];

	ring = (struct xencons_interface){.out_cons = 0, .out_prod = RING_OUT_SIZE + 1};
	assert_int_equal(ring_peek(&ring, buf, sizeof(buf)), -EPROTO);
	ring = (struct xencons_interface){.out_cons = 1, .out_prod = 0};
	assert_int_equal(ring_peek(&ring, buf, sizeof(buf)), -EPROTO);
	ring = (struct xencons_interface){.in_cons = 1, .in_prod = 0};
	assert_int_equal(ring_space(&ring), 0);
}

static void test_input(void **state)
{
	ring = (struct xencons_interface){.in_cons = -2u, .in_prod = -2u};
	assert_int_equal(ring_space(&ring), RING_IN_SIZE);
	ring_put(&ring, "hello", 5);
	assert_int_equal(ring_space(&ring), RING_IN_SIZE - 5);
	assert_int_equal(ring.in[RING_IN_SIZE - 2], 'h');
	assert_int_equal(ring.in[2], 'o');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_across_the_wrap),
		cmocka_unit_test(test_a_full_ring),
		cmocka_unit_test(test_indices_without_sense),
		cmocka_unit_test(test_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
