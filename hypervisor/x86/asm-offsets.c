/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Structure offsets for assembly; compiled to text from which asm-offsets.h is made. */
#include <hv/domain.h>
#include <arch/percpu.h>

#define DEFINE(name, val) __asm__ volatile("\n#define " #name " %c0 " : : "i"(val))

void asm_offsets(void);
void asm_offsets(void)
{
	DEFINE(CPU_INFO_SIZE, sizeof(struct cpu_info));
	DEFINE(CPU_INFO_xpti_cr3, offsetof(struct cpu_info, xpti_cr3));
	DEFINE(CPU_INFO_xpti_exit_cr3, offsetof(struct cpu_info, xpti_exit_cr3));
	DEFINE(CPU_INFO_xpti_own_cr3, offsetof(struct cpu_info, xpti_own_cr3));
	DEFINE(CPU_INFO_cpu, offsetof(struct cpu_info, cpu));
	DEFINE(UREGS_r15, offsetof(struct cpu_user_regs, r15));
	DEFINE(UREGS_r11, offsetof(struct cpu_user_regs, r11));
	DEFINE(UREGS_rcx, offsetof(struct cpu_user_regs, rcx));
	DEFINE(UREGS_rax, offsetof(struct cpu_user_regs, rax));
	DEFINE(UREGS_error_code, offsetof(struct cpu_user_regs, error_code));
	DEFINE(UREGS_entry_vector, offsetof(struct cpu_user_regs, entry_vector));
	DEFINE(UREGS_rip, offsetof(struct cpu_user_regs, rip));
	DEFINE(UREGS_cs, offsetof(struct cpu_user_regs, cs));
	DEFINE(UREGS_rflags, offsetof(struct cpu_user_regs, rflags));
	DEFINE(UREGS_rsp, offsetof(struct cpu_user_regs, rsp));
	DEFINE(UREGS_ss, offsetof(struct cpu_user_regs, ss));
	DEFINE(UREGS_es, offsetof(struct cpu_user_regs, es));
}
