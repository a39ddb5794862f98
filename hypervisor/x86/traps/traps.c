/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Exceptions and interrupts, after entry.S has saved the registers. From a
 * guest: emulate or hand on. From ourselves: fix up through the table, or die.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/mca.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/traps.h>
#include <arch/xpti.h>

void do_trap(struct cpu_user_regs *regs);
void do_irq(struct cpu_user_regs *regs);
void guest_iret_failed(void); /* in entry.S */

static const char *const names[32] = {"divide error",
				      "debug",
				      "NMI",
				      "breakpoint",
				      "overflow",
				      "bound range",
				      "invalid opcode",
				      "device not available",
				      "double fault",
				      NULL,
				      "invalid TSS",
				      "segment not present",
				      "stack fault",
				      "general protection fault",
				      "page fault",
				      NULL,
				      "x87 error",
				      "alignment check",
				      "machine check",
				      "SIMD error",
				      NULL,
				      "control protection"};

static __noreturn void fatal_trap(const struct cpu_user_regs *regs, unsigned long cr2)
{
	const char *name = regs->entry_vector < 32 ? names[regs->entry_vector] : NULL;

	if (regs->entry_vector == TRAP_PF)
		panic_at(regs, "page fault at %#lx, error %#x", cr2, regs->error_code);
	panic_at(regs, "%s (vector %u, error %#x)", name ? name : "unknown exception",
		 regs->entry_vector, regs->error_code);
}

/* ---- from the hypervisor ---------------------------------------------------------- */

static bool in_ldt_window(unsigned long cr2)
{
	unsigned long start = LDT_WIN((unsigned long)smp_processor_id());

	return cr2 >= start && cr2 < start + LDT_WIN_PAGES * PAGE_SIZE;
}

static bool ldt_window_fault(unsigned long cr2, uint32_t error)
{
	struct vcpu *v = current;

	return in_ldt_window(cr2) && !is_idle_vcpu(v) &&
	       pv_ldt_fault(v, cr2 - LDT_WIN((unsigned long)smp_processor_id()), error);
}

static void own_trap(struct cpu_user_regs *regs, unsigned long cr2)
{
	unsigned long fixup;

	if (regs->entry_vector == TRAP_DB) {
		/* A guest's data breakpoint or single step that hit on the way in: not ours. */
		regs->rflags &= ~X86_EFLAGS_TF;
		return;
	}
	if (regs->entry_vector == TRAP_PF && ldt_window_fault(cr2, regs->error_code))
		return;
	fixup = extable_search(regs->rip);
	if (!fixup)
		fatal_trap(regs, cr2);
	if (fixup == (unsigned long)guest_iret_failed) {
		cpu_info()->iret_fault.vector = regs->entry_vector;
		cpu_info()->iret_fault.error = regs->error_code;
	}
	regs->rip = fixup;
}

/* ---- from a guest ------------------------------------------------------------------ */

static void guest_page_fault(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2)
{
	uint32_t error = regs->error_code;

	if (unlikely(xpti_stale(v)))
		return;
	if (unlikely(in_hypervisor_range(cr2))) {
		/* The LDT window; with the fault moved to the guest's own LDT if it can't be. */
		if (ldt_window_fault(cr2, error))
			return;
		if (in_ldt_window(cr2))
			cr2 = v->arch.ldt_base + (cr2 - LDT_WIN((unsigned long)smp_processor_id()));
	} else if ((error & (PFEC_P | PFEC_W | PFEC_RSVD)) == (PFEC_P | PFEC_W)) {
		if ((v->arch.in_kernel && pv_emulate_pt_write(regs, cr2)) ||
		    pv_drop_io_write(regs, cr2))
			return;
	} else if ((error & (PFEC_P | PFEC_U | PFEC_RSVD)) == PFEC_P && cpu_has_smap) {
		if (pv_emulate_far_return(regs))
			return;
	}
	pv_inject_page_fault(v, cr2, error);
}

/*
 * (X2) INT n, with rip at it. A gate that isn't there, or not for user mode, is a #GP
 * of the guest's: no program of it ends it by that.
 */
static void soft_interrupt(struct vcpu *v, struct cpu_user_regs *regs, uint8_t vector)
{
	const struct trap_info *t = &v->arch.traps[vector];

	/* A PV kernel counts as ring 1 here. */
	if (!t->address || TI_GET_DPL(t) < (v->arch.in_kernel ? 1 : 3)) {
		pv_inject_trap(v, TRAP_GP, (uint32_t)vector << 3 | 2);
		return;
	}
	regs->rip += 2;
	pv_bounce(v, t->address, TI_GET_IF(t), false, 0);
}

/* INT n through a gate that isn't there for ring 3. */
static bool guest_soft_interrupt(struct vcpu *v, struct cpu_user_regs *regs)
{
	uint8_t insn[2];

	/* The error code's vector is wrong in some emulators: the instruction tells. */
	if (guest_copy_in(insn, regs->rip, sizeof(insn)) || insn[0] != 0xcd)
		return false;
	soft_interrupt(v, regs, insn[1]);
	return true;
}

static void guest_gp(struct vcpu *v, struct cpu_user_regs *regs)
{
	if ((regs->error_code & 2) && guest_soft_interrupt(v, regs))
		return;
	if (!regs->error_code && pv_emulate_privileged(regs))
		return;
	pv_inject_trap(v, TRAP_GP, regs->error_code);
}

static void guest_debug(struct vcpu *v, unsigned long dr6)
{
	v->arch.debugreg[6] |= dr6 & ~0xffff0ff0UL;
	v->arch.debugreg[6] |= 0xffff0ff0UL;
	pv_inject_trap(v, TRAP_DB, 0);
}

static void guest_trap(struct cpu_user_regs *regs, unsigned long cr2, unsigned long dr6)
{
	struct vcpu *v = current;

	switch (regs->entry_vector) {
	case TRAP_PF:
		guest_page_fault(v, regs, cr2);
		break;
	case TRAP_GP:
		guest_gp(v, regs);
		break;
	case TRAP_UD:
		if (!pv_emulate_forced_cpuid(regs))
			pv_inject_trap(v, TRAP_UD, 0);
		break;
	case TRAP_DB:
		guest_debug(v, dr6);
		break;
	case TRAP_NM:
		/* The ABI's promise: TS is clear when the handler runs. */
		pv_set_ts(v, false);
		pv_inject_trap(v, TRAP_NM, 0);
		break;
	default:
		pv_inject_trap(v, regs->entry_vector, regs->error_code);
		break;
	}
}

void do_trap(struct cpu_user_regs *regs)
{
	unsigned long cr2 = 0, dr6 = 0;

	ASSERT(!smap_is_open());
	switch (regs->entry_vector) {
	case TRAP_NMI:
		return; /* nothing here sends any: a watchdog's or a bus's, and not for us */
	case TRAP_MC:
		if (mca_exception())
			fatal_trap(regs, 0);
		/* It may have come on the way out, with a flush answered meanwhile. */
		if (xpti_active && !is_idle_vcpu(current))
			xpti_sync(current);
		return;
	case TRAP_DF:
		fatal_trap(regs, 0);
	case TRAP_PF:
		cr2 = read_cr2();
		break;
	case TRAP_DB:
		__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
		__asm__ volatile("mov %0, %%db6" ::"r"(0xffff0ff0UL));
		break;
	default:
		break;
	}
	if (!guest_mode(regs)) {
		own_trap(regs, cr2);
		return;
	}
	local_irq_enable();
	guest_trap(regs, cr2, dr6);
}

void do_irq(struct cpu_user_regs *regs)
{
	unsigned int vector = regs->entry_vector;

	ASSERT(!smap_is_open());
	switch (vector) {
	case 0x80: /* our gate lets user mode through */
		local_irq_enable();
		regs->rip -= 2;
		soft_interrupt(current, regs, 0x80);
		break;
	case VECTOR_TIMER:
		apic_eoi();
		softirq_raise(SOFTIRQ_TIMER);
		break;
	case VECTOR_EVENT_CHECK:
		apic_eoi();
		break;
	case VECTOR_FLUSH_TLB:
		apic_eoi();
		tlb_flush_interrupt();
		break;
	case VECTOR_CALL_FUNCTION:
		apic_eoi();
		call_function_interrupt();
		break;
	case VECTOR_SPURIOUS:
		break;
	case VECTOR_ERROR:
		apic_eoi();
		pr_err("CPU %u: local APIC error\n", smp_processor_id());
		break;
	default:
		irq_dispatch(vector);
		break;
	}
}
