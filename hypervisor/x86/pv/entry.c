/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Into and out of a PV guest: system calls and hypercalls, callbacks and traps
 * delivered by a frame on its kernel stack ("bounce frame"), the iret hypercall,
 * and what has to be done before each return.
 *
 * ABI of the frames: docs/abi. All of this works on the current vCPU, whose
 * registers are guest_regs().
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/runstate.h>
#include <arch/traps.h>
#include <arch/xpti.h>

void do_syscall(struct cpu_user_regs *regs);
bool prepare_return_to_guest(void);
void do_failed_iret(struct cpu_user_regs *regs);

#define RFLAGS_FIXED 0x2UL
/* What a guest may not choose for itself. */
#define RFLAGS_OURS                                                                         \
	(X86_EFLAGS_IF | X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_NT | X86_EFLAGS_VIF | \
	 X86_EFLAGS_VIP)
/* Cleared when a handler of the guest is entered. */
#define RFLAGS_ENTRY_CLEAR                                                                 \
	(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM | X86_EFLAGS_IOPL | \
	 X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP)

/* (X1) Interrupts on, no right to any port, no mode but this. */
unsigned long pv_fix_rflags(unsigned long f)
{
	return (f & ~RFLAGS_OURS & 0x3fffff) | X86_EFLAGS_IF | RFLAGS_FIXED;
}

void pv_load_root(struct vcpu *v)
{
	const struct page_info *pg = v->arch.in_kernel ? v->arch.root : v->arch.user_root;

	write_cr3(mfn_x(page_to_mfn(pg)) << PAGE_SHIFT);
	xpti_new_root();
}

void pv_toggle_mode(struct vcpu *v)
{
	v->arch.in_kernel = !v->arch.in_kernel;
	/* Which of the two GS bases is active; the other is in the MSR for the swap. */
	__asm__ volatile("swapgs" ::: "memory");
	pv_load_root(v);
	if (v->arch.in_kernel)
		arch_runstate_catch_up(v);
}

/* ---- frames ------------------------------------------------------------------- */

/* The frame from rip up, as the guest's kernel sees it. Returns how many words. */
static unsigned int iret_words(const struct vcpu *v, const struct cpu_user_regs *regs,
			       bool was_kernel, uint64_t *w)
{
	uint8_t masked = READ_ONCE(v->vcpu_info->evtchn_upcall_mask) & 1;

	w[0] = regs->rip;
	w[1] = (was_kernel ? regs->cs & ~3UL : regs->cs) | ((uint64_t)masked << 32);
	w[2] = (regs->rflags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL)) | (masked ? 0 : X86_EFLAGS_IF) |
	       ((uint64_t)v->arch.iopl << 12);
	w[3] = regs->rsp;
	w[4] = regs->ss;
	return 5;
}

/* Pushes words (lowest address first) and has the guest continue at @addr. */
static bool enter_handler(struct vcpu *v, unsigned long addr, bool mask, bool was_kernel,
			  const uint64_t *words, unsigned int n)
{
	struct cpu_user_regs *regs = guest_regs();
	unsigned long sp = was_kernel ? regs->rsp & ~15UL : v->arch.kernel_sp;

	sp -= n * sizeof(*words);
	if (guest_copy_out(sp, words, n * sizeof(*words))) {
		domain_crash(v->domain, "its kernel stack at %#lx is not writable", sp);
		return false;
	}
	regs->rip = addr;
	regs->cs = FLAT_KERNEL_CS;
	regs->rsp = sp;
	regs->ss = FLAT_KERNEL_SS;
	regs->rflags = (regs->rflags & ~RFLAGS_ENTRY_CLEAR) | X86_EFLAGS_IF;
	if (mask)
		WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, 1);
	return true;
}

bool pv_bounce(struct vcpu *v, unsigned long addr, bool mask, bool has_error, uint32_t error)
{
	struct cpu_user_regs *regs = guest_regs();
	bool was_kernel = v->arch.in_kernel;
	uint64_t w[8];
	unsigned int n = 0;

	if (!addr) {
		domain_crash(v->domain, "it has no handler for what happened at %#lx", regs->rip);
		return false;
	}
	if (!was_kernel)
		pv_toggle_mode(v);
	w[n++] = regs->rcx;
	w[n++] = regs->r11;
	if (has_error)
		w[n++] = error;
	n += iret_words(v, regs, was_kernel, w + n);
	return enter_handler(v, addr, mask, was_kernel, w, n);
}

void pv_inject_trap(struct vcpu *v, unsigned int vector, uint32_t error)
{
	const struct trap_info *t = &v->arch.traps[vector];
	bool has_error = vector < 32 && (((uint32_t)TRAP_ERROR_CODE_MASK >> vector) & 1);

	if (!t->address) {
		domain_crash(v->domain, "it has no handler for exception %u", vector);
		return;
	}
	pv_bounce(v, t->address, TI_GET_IF(t), has_error, error);
}

void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, uint32_t error)
{
	/* A guest's kernel believes to be in ring 0. */
	error &= ~PFEC_U;
	if (!v->arch.in_kernel)
		error |= PFEC_U;
	v->arch.cr2 = cr2;
	WRITE_ONCE(v->vcpu_info->arch.cr2, cr2);
	pv_inject_trap(v, TRAP_PF, error);
}

void pv_failsafe(struct vcpu *v, const uint16_t sel[4])
{
	struct cpu_user_regs *regs = guest_regs();
	bool was_kernel = v->arch.in_kernel;
	uint64_t w[11];
	unsigned int n = 0;

	if (!v->arch.failsafe_cb.addr) {
		domain_crash(v->domain,
			     "its context can't be loaded, and it has no failsafe callback");
		return;
	}
	if (!was_kernel)
		pv_toggle_mode(v);
	w[n++] = regs->rcx;
	w[n++] = regs->r11;
	for (unsigned int i = 0; i < 4; i++)
		w[n++] = sel[i];
	n += iret_words(v, regs, was_kernel, w + n);
	enter_handler(v, v->arch.failsafe_cb.addr, v->arch.failsafe_cb.mask_events, was_kernel, w,
		      n);
}

/*
 * (X2) The IRET into the guest faulted: rip, cs, rflags, rsp or ss is bad. The guest
 * gets the exception, as if it came from where it wanted to go.
 */
void do_failed_iret(struct cpu_user_regs *regs)
{
	unsigned int vector = cpu_info()->iret_fault.vector;
	uint32_t error = cpu_info()->iret_fault.error;

	local_irq_enable();
	pv_inject_trap(current, vector, error);
}

/* ---- iret hypercall --------------------------------------------------------------- */

long do_iret(void)
{
	struct vcpu *v = current;
	struct cpu_user_regs *regs = guest_regs();
	struct iret_context c;

	if (guest_copy_in(&c, regs->rsp, sizeof(c))) {
		domain_crash(v->domain, "iret frame at %#lx is not readable", regs->rsp);
		return 0;
	}
	if ((c.cs & 3) == 3) {
		if (!v->arch.user_root) {
			domain_crash(v->domain, "iret to user mode without user page tables");
			return 0;
		}
		pv_toggle_mode(v);
	}
	regs->rip = c.rip;
	regs->cs = pv_fix_selector((uint16_t)c.cs);
	regs->rflags = pv_fix_rflags(c.rflags);
	regs->rsp = c.rsp;
	regs->ss = pv_fix_selector((uint16_t)c.ss);
	if (!(c.flags & VGCF_in_syscall)) {
		regs->r11 = c.r11;
		regs->rcx = c.rcx;
	}
	v->arch.nmi_masked = false;
	WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, !(c.rflags & X86_EFLAGS_IF));
	return (long)c.rax;
}

/* ---- in ------------------------------------------------------------------------------ */

void do_syscall(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;

	ASSERT(!smap_is_open());
	local_irq_enable();
	if (likely(v->arch.in_kernel)) {
		hypercall_dispatch(regs);
		return;
	}
	if (!v->arch.syscall_cb.addr) {
		regs->rip -= 2;
		pv_inject_trap(v, TRAP_UD, 0);
		return;
	}
	pv_bounce(v, v->arch.syscall_cb.addr, v->arch.syscall_cb.mask_events, false, 0);
}

/* ---- out ------------------------------------------------------------------------------ */

static bool event_due(const struct vcpu *v)
{
	return READ_ONCE(v->vcpu_info->evtchn_upcall_pending) &&
	       !READ_ONCE(v->vcpu_info->evtchn_upcall_mask);
}

/* (S2) */
bool hypercall_preempt_check(void)
{
	return softirq_pending(smp_processor_id()) ||
	       (!is_idle_vcpu(current) && event_due(current));
}

static bool nmi_due(const struct vcpu *v)
{
	return v->arch.nmi_pending && !v->arch.nmi_masked && v->arch.traps[TRAP_NMI].address;
}

bool arch_vcpu_event_deliverable(const struct vcpu *v)
{
	return event_due(v) || nmi_due(v);
}

static bool sysret_will_do(const struct cpu_user_regs *r)
{
	return r->rcx == r->rip && r->r11 == r->rflags && r->cs == FLAT_RING3_CS64 &&
	       r->ss == FLAT_RING3_SS64 && is_canonical(r->rip) &&
	       !(r->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF));
}

/*
 * Called by entry.S. Does what is pending until nothing is; each item may have
 * another vCPU run here, and then we never come back. Returns with interrupts
 * off; true: SYSRET is enough.
 */
bool prepare_return_to_guest(void)
{
	struct vcpu *v = current;

	for (;;) {
		local_irq_enable();
		ASSERT(!spin_held_count());
		softirq_run();
		if (unlikely(v->arch.old_root)) {
			pt_drop_deferred(v);
			continue;
		}
		if (unlikely(nmi_due(v))) {
			v->arch.nmi_pending = false;
			v->arch.nmi_masked = true;
			pv_inject_trap(v, TRAP_NMI, 0);
			continue;
		}
		if (event_due(v)) {
			pv_bounce(v, v->arch.event_cb.addr, true, false, 0);
			continue;
		}
		local_irq_disable();
		if (likely(!softirq_pending(smp_processor_id()) && !event_due(v))) {
			if (unlikely(xpti_active))
				xpti_sync(v);
			return sysret_will_do(guest_regs());
		}
	}
}
