/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * User mode executes every INT n while the kernel has few gates, and none for 0x80:
 * that is a #GP for the kernel, which says which gate was missing, and never the end
 * of the guest: a user program must not kill its kernel. Tries X2; the class of
 * XSA-259.
 */
#include "lib/guest.h"

const char test_title[] = "Software interrupts without a gate";

static char *code;

static void set_gate(uint8_t vector, uint8_t flags, const char *entry)
{
	struct trap_info traps[2] = {{vector, flags, FLAT_KERNEL_CS, (unsigned long)entry},
				     {0, 0, 0, 0}};

	if (entry) {
		expect_eq(hypercall(set_trap_table, traps), 0);
		return;
	}
	/* No way to take one out but to clear all */
	hypercall(set_trap_table, NULL);
	traps[0] = (struct trap_info){13, 4, FLAT_KERNEL_CS, (unsigned long)trap_13};
	hypercall(set_trap_table, traps);
	traps[0] = (struct trap_info){14, 4, FLAT_KERNEL_CS, (unsigned long)trap_14};
	hypercall(set_trap_table, traps);
	traps[0] = (struct trap_info){6, 4, FLAT_KERNEL_CS, (unsigned long)trap_6};
	hypercall(set_trap_table, traps);
}

static unsigned int interrupt(unsigned int n)
{
	code[0] = (char)0xcd;
	code[1] = (char)n;
	code[2] = 0x0f; /* ud2 */
	code[3] = 0x0b;
	return run_user(code, 0);
}

void test_main(void)
{
	unsigned int n;

	evtchn_mask_all();
	code = alloc_page();
	set_gate(0, 0, NULL);
	for (n = 0; n < 256; n++) {
		/* Breakpoint and overflow have gates of the hardware's for user mode. */
		if (n == 3 || n == 4)
			continue;
		expect_eq(interrupt(n), 13);
		/* Some emulators give another vector; the reference hands that on. */
		if (last_trap.error_code != (n << 3 | 2))
			expect(!beyond_abi() && last_trap.error_code == (n << 4 | 2));
		expect_eq(last_trap.regs.rip, (uintptr_t)code);
	}
	/* A gate for the kernel only */
	set_gate(32, 4, trap_128);
	expect_eq(interrupt(32), 13);
	set_gate(32, 7, trap_128);
	expect_ours(interrupt(32) == 128);
	set_gate(128, 7, trap_128);
	expect_eq(interrupt(128), 128);
}
