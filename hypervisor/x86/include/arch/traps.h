/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Exceptions and interrupts: vectors, the fixup table, dumps. */
#ifndef ARCH_TRAPS_H
#define ARCH_TRAPS_H

#define TRAP_DE        0
#define TRAP_DB        1
#define TRAP_NMI       2
#define TRAP_BP        3
#define TRAP_OF        4
#define TRAP_BR        5
#define TRAP_UD        6
#define TRAP_NM        7
#define TRAP_DF        8
#define TRAP_TS        10
#define TRAP_NP        11
#define TRAP_SS        12
#define TRAP_GP        13
#define TRAP_PF        14
#define TRAP_MF        16
#define TRAP_AC        17
#define TRAP_MC        18
#define TRAP_XM        19
#define TRAP_CP        21
#define VECTOR_SYSCALL 0x100 /* entry_vector of the SYSCALL instruction */

/* Vectors that push an error code. */
#define TRAP_ERROR_CODE_MASK                                                                  \
	((1 << TRAP_DF) | (1 << TRAP_TS) | (1 << TRAP_NP) | (1 << TRAP_SS) | (1 << TRAP_GP) | \
	 (1 << TRAP_PF) | (1 << TRAP_AC) | (1 << TRAP_CP))

#define PFEC_P    1U
#define PFEC_W    2U
#define PFEC_U    4U
#define PFEC_RSVD 8U
#define PFEC_I    16U

#ifndef __ASSEMBLY__
#include <hv/compiler.h>
#include <hv/types.h>
#include <public/xen.h>

struct vcpu;

/* An instruction at @insn that faults continues at @fixup. */
struct extable_entry {
	int32_t insn, fixup; /* relative to the field's own address */
};

#define EXTABLE(insn, fixup) \
	".pushsection .extable, \"a\"\n\t.long " #insn " - ., " #fixup " - .\n\t.popsection\n"

/* 0: none. */
unsigned long extable_search(unsigned long rip);

void arch_dump_regs(const struct cpu_user_regs *regs);
/* Of the hypervisor, from @regs or, if NULL, from the caller. */
void arch_dump_stack(const struct cpu_user_regs *regs);
__noreturn void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...)
	format_printf(2, 3);

/* Descriptor tables, stacks, syscall entry of a CPU (cpu/desc.c). */
void desc_init_boot(void); /* the IDT, shared by all */
int desc_alloc_cpu(unsigned int cpu); /* its stack, TSS, GDT window; -ENOMEM */
void desc_load_cpu(unsigned int cpu); /* on that CPU */
void *desc_stack_top(unsigned int cpu); /* struct cpu_info */
uint64_t *desc_gdt_ptes(unsigned int cpu); /* of its window: 32 L1 entries */
void desc_set_ldt(unsigned int cpu, unsigned int entries); /* at the window's LDT part */

static inline bool guest_mode(const struct cpu_user_regs *r)
{
	return r->cs & 3;
}
#endif
#endif
