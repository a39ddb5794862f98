/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86/dev/vector.c: every device vector is given out exactly once, the guests'
 * 0x80 and our own never; what is freed comes again; neighbours in time have
 * different priorities.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/lib.h>
#include <arch/apic.h>
#include <arch/irq.h>

__noreturn void assert_failed(const char *expr, const char *file, int line)
{
	abort();
}

static void each_once(void **state)
{
	struct vector_map m = {.next = 0};
	bool seen[NR_VECTORS] = {false};
	int v, n = 0, last = 0;

	while ((v = vector_alloc(&m)) > 0) {
		assert_in_range(v, VECTOR_FIRST_DEVICE, VECTOR_LAST_DEVICE);
		assert_int_not_equal(v, 0x80);
		assert_false(seen[v]);
		assert_int_not_equal(v >> 4, last >> 4);
		seen[v] = true;
		last = v;
		n++;
	}
	assert_int_equal(v, -ENOSPC);
	assert_int_equal(n, VECTOR_LAST_DEVICE - VECTOR_FIRST_DEVICE + 1 - 1);
	assert_int_equal(n, MAX_MSI_IRQS);
	vector_free(&m, 0x55);
	assert_int_equal(vector_alloc(&m), 0x55);
	assert_int_equal(vector_alloc(&m), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
