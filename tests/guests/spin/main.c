/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest that never gives up its CPUs by itself, on all vCPUs and with events
 * masked, is preempted: the control domain's tools that run this test get
 * their share all the while, and the guest is charged for what it used.
 */
#include "lib/guest.h"

const char test_title[] = "Spinning on every vCPU";

static struct vcpu_guest_context context;
static char stack[PAGE_SIZE] __attribute__((aligned(16)));

static void __attribute__((noreturn)) spin_for_ever(void)
{
	for (;;)
		barrier();
}

void test_main(void)
{
	struct vcpu_runstate_info before, after;
	uint64_t start = system_time(), end = start + 3000000000UL;

	context.flags = VGCF_IN_KERNEL;
	context.user_regs.rip = (uintptr_t)spin_for_ever;
	context.user_regs.rsp = (uintptr_t)stack + sizeof(stack) - 8;
	context.user_regs.cs = FLAT_KERNEL_CS;
	context.user_regs.ss = FLAT_KERNEL_SS;
	context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn((void *)start_info->pt_base));
	expect_eq(hypercall(vcpu_op, VCPUOP_initialise, 1, &context), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_up, 1, 0), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &before), 0);
	while (system_time() < end)
		barrier();
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &after), 0);
	expect(after.time[RUNSTATE_running] - before.time[RUNSTATE_running] >= 300000000);
	expect(after.time[RUNSTATE_blocked] == before.time[RUNSTATE_blocked]);
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 1, &after), 0);
	expect(after.time[RUNSTATE_running] >= 300000000);
}
