/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * An exception for which the guest has no handler ends that guest as crashed,
 * at once, and nothing else.
 */
#include "lib/guest.h"

const char test_title[] = "Crash: no handler for an exception";

void test_main(void)
{
	struct trap_info none = {.address = 0};

	/* NULL clears the whole table. */
	expect_eq(hypercall(set_trap_table, &none), 0);
	expect_eq(hypercall(set_trap_table, 0), 0);
	__asm__ volatile("ud2");
	failure("went on after an exception");
}
