/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A second vCPU, and races between the two. Which one executes is told by the
 * stack, so the second one never leaves its own.
 */
#include "lib/guest.h"

#define SECOND_STACK (4 * PAGE_SIZE)

char second_stack[SECOND_STACK] __attribute__((aligned(4096)));
__asm__(".globl second_stack_end\n.set second_stack_end, second_stack + 4 * 4096");

static struct vcpu_guest_context second_context;

/* What vCPU 1 is to do, and up to which number it has done it. */
static void (*volatile job)(unsigned long turn);
static volatile unsigned int job_number, job_done;
static volatile bool job_over;

uint64_t random64(void)
{
	static uint64_t state[2] = {0x9e3779b97f4a7c15UL, 0xbf58476d1ce4e5b9UL};
	uint64_t *s = &state[this_vcpu()];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

void fill_vcpu(struct vcpu_guest_context *context, void (*fn)(void), void *stack_end)
{
	static const struct {
		uint8_t vector;
		const char *entry;
	} traps[] = {{0, trap_0},   {1, trap_1},   {3, trap_3},   {4, trap_4},
		     {5, trap_5},   {6, trap_6},   {7, trap_7},   {8, trap_8},
		     {10, trap_10}, {11, trap_11}, {12, trap_12}, {13, trap_13},
		     {14, trap_14}, {16, trap_16}, {17, trap_17}, {19, trap_19}};
	unsigned int i;

	memset(context, 0, sizeof(*context));
	context->flags = VGCF_IN_KERNEL;
	context->user_regs.rip = (uintptr_t)fn;
	context->user_regs.rsp = (uintptr_t)stack_end - 8;
	context->user_regs.cs = FLAT_KERNEL_CS;
	context->user_regs.ss = FLAT_KERNEL_SS;
	context->kernel_ss = FLAT_KERNEL_SS;
	context->kernel_sp = context->user_regs.rsp;
	context->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn((void *)start_info->pt_base));
	for (i = 0; i < ARRAY_SIZE(traps); i++)
		context->trap_ctxt[traps[i].vector] =
			(struct trap_info){.vector = traps[i].vector,
					   .flags = traps[i].vector == 3 ? 7 : 4,
					   .cs = FLAT_KERNEL_CS,
					   .address = (unsigned long)traps[i].entry};
	context->event_callback_eip = (unsigned long)event_entry;
	context->failsafe_callback_eip = (unsigned long)failsafe_entry;
	context->syscall_callback_eip = (unsigned long)syscall_entry;
}

void start_vcpu(void (*fn)(void))
{
	fill_vcpu(&second_context, fn, second_stack + SECOND_STACK);
	shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
	if (hypercall(vcpu_op, VCPUOP_initialise, 1, &second_context) ||
	    hypercall(vcpu_op, VCPUOP_up, 1, 0))
		error("vCPU 1 does not start");
}

static void work(void)
{
	unsigned int done = 0;
	unsigned long turn;

	for (;;) {
		while (__atomic_load_n(&job_number, __ATOMIC_ACQUIRE) == done)
			hypercall(sched_op, SCHEDOP_yield, 0);
		for (turn = 0; !job_over; turn++)
			job(turn);
		__atomic_store_n(&job_done, ++done, __ATOMIC_RELEASE);
	}
}

void race(unsigned int ms, void (*one)(unsigned long turn), void (*other)(unsigned long turn))
{
	uint64_t end;
	unsigned long turn;

	if (!job_number)
		start_vcpu(work);
	job = other;
	job_over = false;
	__atomic_store_n(&job_number, job_number + 1, __ATOMIC_RELEASE);
	end = system_time() + ms * 1000000UL;
	for (turn = 0; system_time() < end; turn++)
		one(turn);
	job_over = true;
	end = system_time() + 10000000000UL;
	while (__atomic_load_n(&job_done, __ATOMIC_ACQUIRE) != job_number) {
		if (system_time() > end)
			error("vCPU 1 does not come back");
		hypercall(sched_op, SCHEDOP_yield, 0);
	}
}
