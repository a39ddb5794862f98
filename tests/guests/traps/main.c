/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Exceptions of a PV kernel arrive at the handlers of its trap table, with the
 * frame, error code and cr2 that the hardware would give it at ring 0, and with
 * events masked if the gate says so.
 */
#include "lib/guest.h"

const char test_title[] = "Exceptions: vectors, error codes, frames";

static void vectors(void)
{
	volatile uint64_t *unmapped = (uint64_t *)0x7f0000001238UL;
	uint64_t *readonly = (uint64_t *)start_info->pt_base;
	uint64_t x;
	uint16_t bad = 0x1238;

	expect_fault(TRAP_PROBE("int3"), 3, 0);
	expect_fault(TRAP_PROBE("int $0x80"), 128, 0);
	expect_fault(PROBE("ud2"), 6, 0);
	expect_fault(PROBE("div %%ecx", : : "a"(1), "d"(0), "c"(0)), 0, 0);

	expect_fault(PROBE("mov %1, %0", : "=r"(x) : "m"(*unmapped)), 14, 0);
	expect_eq(last_trap.cr2, (unsigned long)unmapped);
	expect_fault(PROBE("mov %1, %0", : "=m"(*unmapped) : "r"(0UL)), 14, 2);
	expect_eq(last_trap.cr2, (unsigned long)unmapped);
	/* A page table mapped read-only; entries of level 4 are not emulated. */
	expect_fault(PROBE("movq $0, %0", : "=m"(*readonly)), 14, 3);
	expect_eq(last_trap.cr2, (unsigned long)readonly);
	/* Non-canonical addresses, and selectors outside of the table */
	expect_fault(PROBE("mov (%1), %0", : "=r"(x) : "r"(0x8000000000000000UL)), 13, 0);
	expect_fault(PROBE("mov %0, %%es", : : "r"(bad)), 13, 0x1238);
}

/* INT of a gate with DPL 0 is a general protection fault. */
static void protected_gates(void)
{
	bool ok = PROBE("int $0x20");

	expect(!ok);
	expect_eq(last_trap.vector, 13);
	expect(last_trap.error_code & 2);
	ok = PROBE("int $14");
	expect(!ok);
	expect_eq(last_trap.vector, 13);
}

static void frames(void)
{
	uint64_t rsp;

	expect(!TRAP_PROBE("mov %%rsp, %0; int3", : "=r"(rsp)));
	expect_eq(last_trap.regs.cs, FLAT_KERNEL_CS & ~3);
	expect_eq(last_trap.regs.rsp, rsp);
	expect_eq(last_trap.regs.ss & ~3UL, FLAT_KERNEL_SS64 & ~3);
	expect_eq(last_trap.regs.saved_upcall_mask, 1);
	expect_eq(last_trap.regs.rflags & RFLAGS_IF, 0);
	expect_eq(last_trap.regs.rflags & (RFLAGS_TF | RFLAGS_NT), 0);

	interrupts_on();
	expect(!TRAP_PROBE("int3"));
	expect_eq(last_trap.regs.saved_upcall_mask, 0);
	expect(last_trap.regs.rflags & RFLAGS_IF);
	expect_eq(shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
	interrupts_off();
	expect(!TRAP_PROBE("int3"));
	expect_eq(shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
}

static uint8_t mask_in_handler;

static bool look_at_mask(struct regs *regs)
{
	mask_in_handler = shared_info->vcpu_info[0].evtchn_upcall_mask;
	regs->rip += 2;
	return true;
}

/* Bit 2 of a gate's flags masks events in the handler, and iret restores them. */
static void gate_masks_events(void)
{
	struct trap_info gates[] = {
		{6, 0, FLAT_KERNEL_CS, (unsigned long)trap_6},
		{0, 0, 0, 0},
	};

	trap_hook = look_at_mask;
	interrupts_on();
	__asm__ volatile("ud2" : : : "memory");
	expect_eq(mask_in_handler, 1);
	expect_eq(shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
	expect_eq(hypercall(set_trap_table, gates), 0);
	__asm__ volatile("ud2" : : : "memory");
	expect_eq(mask_in_handler, 0);
	interrupts_off();
	trap_hook = NULL;
}

/* Registers at the exception come back unchanged by iret. */
static void registers(void)
{
	uint64_t rcx, r11, rax;

	expect(!TRAP_PROBE("int3",
			   : "=c"(rcx), "=a"(rax)
			   : "0"(0x1111222233334444UL), "1"(0x5555666677778888UL)));
	expect_eq(rcx, 0x1111222233334444UL);
	expect_eq(rax, 0x5555666677778888UL);
	expect_eq(last_trap.regs.rcx, 0x1111222233334444UL);
	__asm__ volatile("mov %1, %%r11\nint3\n3: mov %%r11, %0\n"
			 ".pushsection .ex_table, \"a\"\n.quad 3b, 3b\n.popsection\n"
			 : "=r"(r11)
			 : "r"(0x9999aaaabbbbccccUL)
			 : "r11", "memory");
	expect_eq(r11, 0x9999aaaabbbbccccUL);
	expect_eq(last_trap.regs.r11, 0x9999aaaabbbbccccUL);
}

/* Trap flag: a #DB after each instruction, cleared in the handler. */
static unsigned int steps;

static bool count_step(struct regs *regs)
{
	if (regs->vector != 1)
		return false;
	steps++;
	return true;
}

static void single_step(void)
{
	trap_hook = count_step;
	__asm__ volatile("pushf; pushf; orl $0x100, (%%rsp); popf\n"
			 "nop; nop; nop\n"
			 "popf\n"
			 :
			 :
			 : "memory", "cc");
	expect_eq(steps, 4);
	trap_hook = NULL;
}

static void bad_tables(void)
{
	struct trap_info gates[] = {
		{6, 0, FLAT_KERNEL_CS, 0x8000000000000000UL},
		{0, 0, 0, 0},
	};

	expect_eq(hypercall(set_trap_table, gates), -XEN_EINVAL);
	expect_eq(hypercall(set_trap_table, 0x7f0000000000UL), -XEN_EFAULT);
}

void test_main(void)
{
	vectors();
	protected_gates();
	frames();
	gate_masks_events();
	registers();
	single_step();
	bad_tables();
}
