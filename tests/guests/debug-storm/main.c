/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Debug exceptions where they hurt: a watched word as the operand of MOV SS before a
 * system call or an interrupt, so that the exception is taken on the way in; watched
 * arguments of hypercalls; single steps over hypercalls, into handlers and back by iret;
 * a breakpoint on each handler's first instruction; ICEBP. The hypervisor takes none of
 * them for its own, none is lost in it, and the guest goes on. Tries X1, X2, X3; the
 * classes of XSA-12, -44, -260, -265, -308, -444.
 */
#include "lib/guest.h"

const char test_title[] = "Debug exceptions on the way in";

#define DR7_WRITE_4(n) ((0xdUL << (16 + 4 * (n))) | 1UL << 2 * (n)) /* 4 bytes, write */
#define DR7_ANY_2(n)   ((0x7UL << (16 + 4 * (n))) | 1UL << 2 * (n)) /* 2 bytes, read or write */
#define DR7_ANY_8(n)   ((0xbUL << (16 + 4 * (n))) | 1UL << 2 * (n))
#define DR7_EXEC(n)    (1UL << 2 * (n))

static volatile unsigned int debugs, others;
static unsigned int last_other;

/* Counts; stops single steps when told so. */
static volatile bool keep_stepping;
static volatile unsigned int step_limit;

static bool count(struct regs *regs)
{
	if (regs->vector != 1) {
		others++;
		last_other = (unsigned int)regs->vector;
		return regs->vector == 3 || regs->vector == 128;
	}
	debugs++;
	if (!keep_stepping || debugs > step_limit)
		regs->rflags &= ~RFLAGS_TF;
	regs->rflags |= 1UL << 16; /* RF: an instruction breakpoint isn't hit again */
	return true;
}

static void watch(unsigned int n, const volatile void *what, uint64_t how)
{
	expect_eq(hypercall(set_debugreg, n, what), 0);
	expect_eq(hypercall(set_debugreg, 7, 0x400 | how), 0);
}

static void watch_nothing(void)
{
	expect_eq(hypercall(set_debugreg, 7, 0x400), 0);
	expect_eq(hypercall(set_debugreg, 6, 0xffff0ff0), 0);
}

static bool alive(void)
{
	return hypercall(xen_version, XENVER_version, 0) > 0;
}

/* The exception of MOV SS is held back until after the next instruction. */
static void mov_ss(void)
{
	static volatile uint16_t selector = FLAT_KERNEL_SS;
	unsigned int i;
	long version = 0;

	for (i = 0; i < 20; i++) {
		watch(0, &selector, DR7_ANY_2(0));
		__asm__ volatile("mov %1, %%ss; syscall"
				 : "=a"(version)
				 : "m"(selector), "0"(__HYPERVISOR_xen_version),
				   "D"(XENVER_version), "S"(0)
				 : "rcx", "r11", "memory");
		expect(version > 0);
		__asm__ volatile("mov %0, %%ss; int3" : : "m"(selector));
		__asm__ volatile("mov %0, %%ss; int $0x80" : : "m"(selector));
		__asm__ volatile("mov %0, %%ss; nop" : : "m"(selector));
		watch_nothing();
	}
	expect(debugs > 0);
	expect(others >= 20);
}

/* Arguments and results of hypercalls, and the shared page: the hypervisor reads and writes them. */
static void arguments(void)
{
	static volatile struct vcpu_runstate_info state;
	static volatile struct evtchn_status status;
	struct vcpu_register_runstate_memory_area area = {.addr.v = (void *)&state};
	unsigned int i;

	expect_eq(hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area), 0);
	status.dom = DOMID_SELF;
	status.port = 1;
	for (i = 0; i < 20; i++) {
		watch(1, &state.time[0], DR7_ANY_8(1));
		expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &state), 0);
		hypercall(sched_op, SCHEDOP_yield, 0);
		watch(1, &status, DR7_ANY_8(1));
		hypercall(event_channel_op, EVTCHNOP_status, &status);
		watch(1, &vcpu_info->time.version, DR7_WRITE_4(1));
		sleep_ns(1000000);
		watch(1, &vcpu_info->evtchn_upcall_pending, DR7_ANY_2(1));
		sleep_ns(1000000);
		expect(alive());
	}
	watch_nothing();
}

/* Everything is stepped through: hypercalls, faults, iret. */
static void steps(void)
{
	unsigned int before = debugs;
	uint64_t x;
	long version = 0;

	keep_stepping = true;
	step_limit = debugs + 3000;
	__asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
			 "syscall\n"
			 "pushf; andl $~0x100, (%%rsp); popf\n"
			 : "=a"(version)
			 : "0"(__HYPERVISOR_xen_version), "D"(XENVER_version), "S"(0)
			 : "rcx", "r11", "memory", "cc");
	expect(version > 0);
	expect(debugs > before);
	before = debugs;
	__asm__ volatile("pushf; orl $0x100, (%%rsp); popf" : : : "memory", "cc");
	(void)PROBE("mov %%cr4, %0", : "=r"(x));
	(void)PROBE("mov (%1), %0", : "=r"(x) : "r"(0x7f0000000000UL));
	expect(alive());
	sleep_ns(100000);
	__asm__ volatile("pushf; andl $~0x100, (%%rsp); popf" : : : "memory", "cc");
	keep_stepping = false;
	expect(debugs > before);
}

static void breakpoints(void)
{
	unsigned int before = debugs, i;

	for (i = 0; i < 10; i++) {
		watch(0, trap_3, DR7_EXEC(0));
		__asm__ volatile("int3");
		watch(0, trap_1, DR7_EXEC(0));
		watch_nothing();
		(void)PROBE(".byte 0xf1", : :); /* ICEBP; unknown to some emulators */
	}
	expect(debugs > before);
	expect(alive());
}

/* From user mode the same: it steps and breaks into the kernel. */
extern const char user_steps[];
__asm__(".pushsection .text\nuser_steps: pushf; orl $0x100, (%rsp); popf; syscall; ud2\n"
	".popsection");

static void user(void)
{
	unsigned int i, vector;

	for (i = 0; i < 10; i++) {
		vector = run_user(user_steps, 0);
		expect(vector == 1 || vector == VECTOR_SYSCALL);
		expect_eq(last_trap.regs.cs & 3, 3);
	}
	expect(alive());
}

void test_main(void)
{
	evtchn_mask_all();
	trap_hook = count;
	mov_ss();
	arguments();
	steps();
	breakpoints();
	trap_hook = NULL;
	user();
	watch_nothing();
}
