/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * IRETQ and far RETQ in ring 3, on processors that read their frame with the rights of
 * ring 0: with SMAP that faults on the guest's own stack. QEMU's emulation before 9.1 is
 * such a processor; Linux synchronises its cores by IRETQ. On others the fault that leads
 * here doesn't happen. Owns nothing; the current vCPU; no locks.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <arch/pv.h>
#include <arch/traps.h>

#define REX_W     0x48 /* in 64-bit code only: elsewhere it is an instruction of its own */
#define OP_RETF   0xcb
#define OP_IRET   0xcf
#define FAR_WORDS 2 /* rip, cs */
#define ALL_WORDS 5 /* and rflags, rsp, ss */

static unsigned int words_popped(const struct cpu_user_regs *regs)
{
	uint8_t insn[2];

	if (guest_copy_in(insn, regs->rip, sizeof(insn)) || insn[0] != REX_W)
		return 0;
	return insn[1] == OP_IRET ? ALL_WORDS : insn[1] == OP_RETF ? FAR_WORDS : 0;
}

bool pv_emulate_far_return(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;
	unsigned int n = words_popped(regs);
	uint64_t w[ALL_WORDS];
	unsigned long left;

	if (!n)
		return false;
	left = guest_copy_in(w, regs->rsp, n * sizeof(w[0]));
	if (left) {
		pv_inject_page_fault(v, regs->rsp + n * sizeof(w[0]) - left, 0);
		return true;
	}
	/* No way to another ring by these. What else is bad, our own IRETQ finds (X2). */
	if ((w[1] & 3) != 3 || (n == ALL_WORDS && (w[4] & 3) != 3)) {
		pv_inject_trap(v, TRAP_GP, ((w[1] & 3) != 3 ? w[1] : w[4]) & 0xfffc);
		return true;
	}
	regs->rip = w[0];
	regs->cs = (uint16_t)w[1];
	if (n == FAR_WORDS) {
		regs->rsp += sizeof(w[0]) * FAR_WORDS;
		return true;
	}
	regs->rflags = pv_fix_rflags(w[2]);
	regs->rsp = w[3];
	regs->ss = (uint16_t)w[4];
	return true;
}
