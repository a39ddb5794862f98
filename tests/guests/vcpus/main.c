/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A second vCPU: counted, started from a context, interrupted, put to sleep for
 * good and woken where it was.
 */
#include "lib/guest.h"

const char test_title[] = "Bringing up a second vCPU";

static struct vcpu_guest_context context;
static char stack[2 * PAGE_SIZE] __attribute__((aligned(16)));
static volatile unsigned int stage, got_event;
static volatile uint64_t seen_flags, seen_arg;

static long vcpu_op(unsigned int cmd, unsigned int vcpu, const void *arg)
{
	return hypercall(vcpu_op, cmd, vcpu, arg);
}

static bool wait_for(volatile unsigned int *what, unsigned int value)
{
	uint64_t end = system_time() + 5000000000UL;

	while (*what != value && system_time() < end)
		hypercall(sched_op, SCHEDOP_yield, 0);
	return *what == value;
}

static bool wait_until_down(void)
{
	uint64_t end = system_time() + 5000000000UL;

	while (vcpu_op(VCPUOP_is_up, 1, NULL) == 1 && system_time() < end)
		hypercall(sched_op, SCHEDOP_yield, 0);
	return vcpu_op(VCPUOP_is_up, 1, NULL) == 0;
}

/* vCPU 1's life. Its upcalls stay masked; it sees its events by looking. */
static void __attribute__((used, noreturn)) second_vcpu(uint64_t arg)
{
	uint64_t flags;

	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	seen_flags = flags;
	seen_arg = arg;
	stage = 1;
	while (!shared_info->vcpu_info[1].evtchn_upcall_pending)
		hypercall(sched_op, SCHEDOP_yield, 0);
	shared_info->vcpu_info[1].evtchn_upcall_pending = 0;
	got_event = 1;
	hypercall(vcpu_op, VCPUOP_down, 1, 0);
	stage = 2; /* after it was brought up again */
	for (;;)
		hypercall(vcpu_op, VCPUOP_down, 1, 0);
}

static void fill_context(void)
{
	context.flags = VGCF_IN_KERNEL;
	context.user_regs.rip = (uintptr_t)second_vcpu;
	context.user_regs.rsp = (uintptr_t)stack + sizeof(stack) - 8;
	context.user_regs.rdi = 0x5ec0d;
	context.user_regs.rflags = 0x1000;
	context.kernel_ss = FLAT_KERNEL_SS;
	context.kernel_sp = context.user_regs.rsp;
	context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn((void *)start_info->pt_base));
	context.user_regs.cs = FLAT_KERNEL_CS;
	context.user_regs.ss = FLAT_KERNEL_SS;
}

void test_main(void)
{
	struct evtchn_bind_ipi ipi = {.vcpu = 1};

	evtchn_mask_all();
	expect_eq(vcpu_op(VCPUOP_is_up, 0, NULL), 1);
	expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
	expect_eq(vcpu_op(VCPUOP_is_up, 2, NULL), -XEN_ENOENT);
	expect_eq(vcpu_op(VCPUOP_is_up, 0x10000, NULL), -XEN_ENOENT);
	expect_eq(vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL); /* not initialised */
	fill_context();
	context.ctrlreg[3] = xen_pfn_to_cr3(0x100UL); /* not our table */
	expect(vcpu_op(VCPUOP_initialise, 1, &context) < 0);
	fill_context();
	expect_eq(vcpu_op(VCPUOP_initialise, 1, &context), 0);
	expect_eq(vcpu_op(VCPUOP_initialise, 1, &context), -XEN_EEXIST);
	expect_eq(vcpu_op(VCPUOP_initialise, 2, &context), -XEN_ENOENT);
	expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
	shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
	shared_info->vcpu_info[1].evtchn_upcall_pending = 0;
	expect_eq(vcpu_op(VCPUOP_up, 1, NULL), 0);
	expect(wait_for(&stage, 1));
	expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
	expect_eq(seen_arg, 0x5ec0d);
	expect(seen_flags & RFLAGS_IF);

	expect_eq(hypercall(event_channel_op, EVTCHNOP_bind_ipi, &ipi), 0);
	expect_eq(evtchn_unmask(ipi.port), 0);
	expect_eq(evtchn_send(ipi.port), 0);
	expect(wait_for(&got_event, 1));
	expect(evtchn_pending(ipi.port));
	evtchn_clear(ipi.port);

	expect(wait_until_down());
	expect_eq(stage, 1);
	expect_eq(vcpu_op(VCPUOP_up, 1, NULL), 0);
	expect(wait_for(&stage, 2));
	expect(wait_until_down());
}
