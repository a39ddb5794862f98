/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Per-CPU state is found from the stack pointer: struct cpu_info stands at the
 * top of every CPU's stack area (also when an IST stack of that area is in use),
 * so the guest's segment bases are never needed.
 */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include <arch/layout.h>
#include <hv/compiler.h>
#include <hv/types.h>
#include <public/xen.h>

struct vcpu;

/* The task state segment of 64-bit mode: only where the stacks are. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap_base;
} __packed;

/* Offsets are known to entry.S through x86/asm-offsets.c. */
struct cpu_info {
	/*
	 * The registers of the guest while we are in the hypervisor on its behalf.
	 * es, ds, fs, gs are filled in by a context switch only.
	 */
	struct cpu_user_regs guest_regs;
	unsigned int cpu;
	unsigned int preempt_count;
	struct vcpu *vcpu;
	long percpu_offset;
	/* RAX for the few instructions in which SYSCALL's entry has no stack. */
	uint64_t syscall_rax;
	struct tss tss __aligned(8);
	/*
	 * Roots (arch/xpti.h): this CPU's for guests; the one to take when a guest goes on,
	 * 0 for the one that is there; ours while a guest is on the first.
	 */
	uint64_t xpti_cr3, xpti_exit_cr3, xpti_own_cr3;
	uint64_t padding;
	/* What the IRET into the guest faulted with; until interrupts are on again. */
	struct {
		unsigned int vector;
		uint32_t error;
	} iret_fault;
};

/* The CPU aligns the stack to 16 before it pushes; the frame has to end at guest_regs.es. */
_Static_assert((sizeof(struct cpu_info) - offsetof(struct cpu_user_regs, es)) % 16 == 0,
	       "exception frames land in guest_regs");

static always_inline struct cpu_info *cpu_info(void)
{
	unsigned long sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct cpu_info *)((sp | (STACK_SIZE - 1)) + 1) - 1;
}

#define smp_processor_id()  (cpu_info()->cpu)
#define arch_current()      (cpu_info()->vcpu)
#define arch_set_current(v) (cpu_info()->vcpu = (v))
#define guest_regs()        (&cpu_info()->guest_regs)

extern long percpu_offset_of[];

#define PERCPU_SECTION          __attribute__((section(".bss.percpu")))
#define arch_percpu_ptr(p, cpu) ((__typeof__(p))((char *)(p) + percpu_offset_of[cpu]))
#define arch_this_cpu_ptr(p)    ((__typeof__(p))((char *)(p) + cpu_info()->percpu_offset))

#endif
