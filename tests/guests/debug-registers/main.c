/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Debug registers work for the guest's own addresses, survive other domains,
 * and never reach into the hypervisor.
 */
#include "lib/guest.h"

const char test_title[] = "Debug registers";

static volatile uint64_t watched __attribute__((aligned(8)));

static long set(unsigned int reg, uint64_t value)
{
	return hypercall(set_debugreg, reg, value);
}

static uint64_t get(unsigned int reg)
{
	return (uint64_t)hypercall(get_debugreg, reg);
}

static void values(void)
{
	unsigned int i;

	expect_eq(get(6), 0xffff0ff0);
	expect_eq(get(7), 0x400);
	for (i = 0; i < 4; i++) {
		expect_eq(set(i, 0x1000 * (i + 1)), 0);
		expect_eq(get(i), 0x1000 * (i + 1));
	}
	for (i = 0; i < 4; i++) {
		expect(set(i, HYPERVISOR_VIRT_START) < 0);
		expect(set(i, HYPERVISOR_VIRT_END - 1) < 0);
		expect(set(i, 0x8000000000000000UL) < 0);
		expect_eq(get(i), 0x1000 * (i + 1));
		expect_eq(set(i, 0), 0);
	}
	expect(set(8, 0) < 0);
	expect(set(99, 0) < 0);
}

/* A write to a watched word stops after it. */
static void watching(void)
{
	expect_eq(set(0, (uintptr_t)&watched), 0);
	expect_eq(set(7, 0xd0001 | 0x400), 0); /* 8 bytes: write, 4 bytes; local 0 */
	expect(!TRAP_PROBE("movl $5, %0", : "=m"(watched)));
	expect_eq(last_trap.vector, 1);
	expect_eq(watched, 5);
	expect_eq(get(6) & 0xf, 1);
	expect_eq(set(6, 0xffff0ff0), 0);
	sleep_ns(20000000);
	expect(!TRAP_PROBE("movl $6, %0", : "=m"(watched)));
	expect_eq(get(7) & 0xf0003, 0xd0001);
	expect_eq(set(7, 0x400), 0);
	expect(TRAP_PROBE("movl $7, %0", : "=m"(watched)));
}

void test_main(void)
{
	values();
	watching();
}
