/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The flag AC, which is ring 3's to set, and in ring 0 switches SMAP off: the hypervisor
 * is entered with it in every way there is (debug builds stop when it is still set then),
 * reads and writes our memory, and comes back. The flag is ours in what was interrupted,
 * and clear in the handler, which believes to be in ring 0. Tries X1, X5.
 */
#include "lib/guest.h"

const char test_title[] = "The flag that opens SMAP, set at every way in";

static volatile unsigned int entries, events;
static unsigned int entered_with, interrupted_with;

static uint64_t flags(void)
{
	uint64_t f;

	__asm__ volatile("pushfq; pop %0" : "=r"(f));
	return f;
}

static void set_flag(bool on)
{
	__asm__ volatile("push %0; popfq"
			 :
			 : "r"((flags() & ~RFLAGS_AC) | (on ? RFLAGS_AC : 0))
			 : "cc", "memory");
}

static bool look(struct regs *regs)
{
	entries++;
	events += regs->vector == VECTOR_EVENT;
	entered_with += !!(flags() & RFLAGS_AC);
	interrupted_with += !!(regs->rflags & RFLAGS_AC);
	if (regs->vector == 6)
		regs->rip += 2;
	if (regs->vector == 14)
		regs->rdi = (uintptr_t)&entries;
	if (regs->vector == 1)
		regs->rflags &= ~RFLAGS_TF;
	return true;
}

static void begin(void)
{
	entries = events = entered_with = interrupted_with = 0;
	trap_hook = look;
	set_flag(true);
}

/* @n entries, all of which had it and none of which has it. */
static void end(unsigned int n)
{
	uint64_t after = flags();

	set_flag(false);
	trap_hook = NULL;
	expect(after & RFLAGS_AC);
	expect_eq(entries, n);
	expect_eq(interrupted_with, n);
	expect_eq(entered_with, 0);
}

static void exceptions(void)
{
	uint32_t a = 0x40000000, b, c = 0, d;
	uint64_t cr0;

	begin();
	__asm__ volatile("int3");
	__asm__ volatile("int $0x80");
	__asm__ volatile("ud2");
	__asm__ volatile("mov (%0), %%eax" : : "D"(0x7f0000000000UL) : "rax");
	/* A step, on the debug exception's own stack */
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop" : : "i"(RFLAGS_TF) : "cc");
	/* Emulated: the instruction is read from our memory. */
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	end(5);
	expect(cr0 & 1);
	expect_eq(b, 0x566e6558);
}

static void hypercalls(void)
{
	char changeset[XEN_CHANGESET_INFO_LEN];
	struct multicall_entry calls[2] = {
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_changeset, (uintptr_t)changeset}},
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}},
	};
	unsigned int i;
	long rc[3];

	begin();
	for (i = 0; i < 100; i++) {
		rc[0] = hypercall(xen_version, XENVER_changeset, changeset);
		rc[1] = hypercall(multicall, calls, 2);
		rc[2] = hypercall(sched_op, SCHEDOP_yield, 0);
	}
	end(0);
	expect_eq(rc[0], 0);
	expect_eq(rc[1], 0);
	expect_eq(rc[2], 0);
	expect_eq(calls[0].result, 0);
}

/* The machine's interrupts, and events of a timer of ours */
static void interrupts(void)
{
	evtchn_port_t port = evtchn_virq(VIRQ_TIMER, 0);
	struct vcpu_set_singleshot_timer timer = {0};
	uint64_t end_time = system_time() + 5000000000UL;

	evtchn_unmask(port);
	begin();
	interrupts_on();
	while (events < 20 && system_time() < end_time) {
		unsigned int before = events;

		vcpu_info->evtchn_pending_sel = 0;
		evtchn_clear(port);
		timer.timeout_abs_ns = system_time() + 1000000;
		if (hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 0, &timer))
			break;
		while (events == before && system_time() < end_time)
			barrier();
	}
	interrupts_off();
	set_flag(true);
	end(entries);
	expect_eq(events, 20);
	evtchn_close(port);
}

void test_main(void)
{
	exceptions();
	hypercalls();
	interrupts();
}
