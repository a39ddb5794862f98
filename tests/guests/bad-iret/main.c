/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A kernel may put anything into the frame of the iret hypercall. What the CPU
 * cannot return to becomes a #GP of the guest, with the impossible frame for
 * its origin; it neither kills the guest nor runs it elsewhere. Tries X2.
 */
#include "lib/guest.h"

const char test_title[] = "Impossible iret frames";

static struct context back;
static unsigned int vector;
static struct regs seen;

static bool come_back(struct regs *regs)
{
	vector = (unsigned int)regs->vector;
	seen = *regs;
	resume_context(&back);
}

static void expect_gp(uint16_t cs, uint64_t rip, uint16_t ss, uint64_t error_code)
{
	struct regs regs = {
		.rip = rip,
		.cs = cs,
		.rflags = 2,
		.rsp = 0x123450,
		.ss = ss,
		.rbx = 0xb0b,
	};

	vector = 0;
	if (save_context(&back) == 0)
		enter_regs(&regs);
	expect_eq(vector, 13);
	expect_eq(seen.error_code, error_code);
	expect_eq(seen.rip, rip);
	expect_eq(seen.cs & 0xfffc, cs & 0xfffc);
	expect_eq(seen.rsp, 0x123450);
	expect_eq(seen.rbx, 0xb0b);
}

void test_main(void)
{
	trap_hook = come_back;
	/* No such descriptor; a data segment; a stack that does not exist */
	expect_gp(0x1238, (uintptr_t)test_main, FLAT_KERNEL_SS64, 0x1238);
	expect_gp(FLAT_RING3_DS32 & ~3, (uintptr_t)test_main, FLAT_KERNEL_SS64,
		  FLAT_RING3_DS32 & ~3);
	expect_gp(FLAT_KERNEL_CS64 & ~3, (uintptr_t)test_main, 0x1238, 0x1238);
	expect_gp(FLAT_KERNEL_CS64 & ~3, 0x8000000000000000UL, FLAT_KERNEL_SS64, 0);
	trap_hook = NULL;
}
