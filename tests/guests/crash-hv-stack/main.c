/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A kernel whose stack lies in the hypervisor gets a trap from user mode: the frame
 * is not written there, and the guest is crashed. Tries X5; the class of XSA-183.
 */
#include "lib/guest.h"

const char test_title[] = "A kernel stack in the hypervisor's memory";

extern const char user_trap[];
__asm__(".pushsection .text\nuser_trap: int3; ud2\n.popsection");

static char user_stack[PAGE_SIZE] __attribute__((aligned(16)));

void test_main(void)
{
	struct mmuext_op op = {.cmd = MMUEXT_NEW_USER_BASEPTR};
	struct regs regs = {
		.rip = (uintptr_t)user_trap,
		.cs = FLAT_USER_CS64,
		.rflags = 2,
		.rsp = (uintptr_t)user_stack + PAGE_SIZE,
		.ss = FLAT_USER_SS64,
	};

	op.arg1.mfn = virt_to_mfn((void *)start_info->pt_base);
	expect_eq(hypercall(mmuext_op, &op, 1, 0, DOMID_SELF), 0);
	hypercall(stack_switch, FLAT_KERNEL_SS, HYPERVISOR_VIRT_START + 0x8000001000UL);
	enter_regs(&regs);
}
