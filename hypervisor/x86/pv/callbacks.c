/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a guest tells us about itself: trap table, callbacks, kernel stack,
 * segment bases, debug registers, TS, assists. All on the current vCPU.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <public/callback.h>
#include <public/nmi.h>
#include <arch/cpu.h>
#include <arch/debugreg.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/traps.h>

static bool address_ok(unsigned long addr)
{
	return is_canonical(addr);
}

long do_set_trap_table(uint64_t traps)
{
	struct vcpu *v = current;
	struct trap_info t;

	if (!traps) {
		memset(v->arch.traps, 0, 256 * sizeof(*v->arch.traps));
		return 0;
	}
	for (;; traps += sizeof(t)) {
		if (guest_copy_in(&t, traps, sizeof(t)))
			return -EFAULT;
		if (!t.address)
			return 0;
		if (!address_ok(t.address))
			return -EINVAL;
		t.cs = FLAT_KERNEL_CS;
		v->arch.traps[t.vector] = t;
		if (hypercall_preempt_check()) {
			unsigned long next = traps + sizeof(t);

			return hypercall_continue(__HYPERVISOR_set_trap_table, 1, &next);
		}
	}
}

long do_stack_switch(unsigned long ss, unsigned long sp)
{
	struct vcpu *v = current;

	v->arch.kernel_ss = pv_fix_selector((uint16_t)ss);
	v->arch.kernel_sp = sp;
	return 0;
}

static struct pv_callback *callback_slot(struct vcpu *v, unsigned int type)
{
	switch (type) {
	case CALLBACKTYPE_event:
		return &v->arch.event_cb;
	case CALLBACKTYPE_failsafe:
		return &v->arch.failsafe_cb;
	case CALLBACKTYPE_syscall:
		return &v->arch.syscall_cb;
	default:
		/* SYSENTER and 32-bit SYSCALL are not offered: guests use int 0x80. */
		return NULL;
	}
}

/* The NMI callback is gate 2 by another name. */
static int set_nmi_handler(struct vcpu *v, unsigned long addr)
{
	struct trap_info t = {.vector = TRAP_NMI, .cs = FLAT_KERNEL_CS, .address = addr};

	if (!address_ok(addr))
		return -EINVAL;
	TI_SET_IF(&t, 1);
	v->arch.traps[TRAP_NMI] = t;
	return 0;
}

static long register_callback(uint64_t arg)
{
	struct callback_register r;
	struct pv_callback *cb;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.type == CALLBACKTYPE_nmi)
		return set_nmi_handler(current, r.address);
	cb = callback_slot(current, r.type);
	if (!cb)
		return -ENOSYS;
	if (!address_ok(r.address))
		return -EINVAL;
	cb->addr = r.address;
	cb->mask_events = r.type == CALLBACKTYPE_event || (r.flags & CALLBACKF_mask_events);
	return 0;
}

static long unregister_callback(uint64_t arg)
{
	struct callback_unregister u;

	if (guest_copy_in(&u, arg, sizeof(u)))
		return -EFAULT;
	/* The others are there for good: a guest can't run without. */
	if (u.type != CALLBACKTYPE_nmi)
		return u.type == CALLBACKTYPE_event || u.type == CALLBACKTYPE_failsafe ||
				       u.type == CALLBACKTYPE_syscall
			       ? -EINVAL
			       : -ENOSYS;
	return set_nmi_handler(current, 0);
}

long do_callback_op(int cmd, uint64_t arg)
{
	switch (cmd) {
	case CALLBACKOP_register:
		return register_callback(arg);
	case CALLBACKOP_unregister:
		return unregister_callback(arg);
	default:
		return -ENOSYS;
	}
}

long do_set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall)
{
	struct vcpu *v = current;

	if (!address_ok(event) || !address_ok(failsafe) || !address_ok(syscall))
		return -EINVAL;
	v->arch.event_cb = (struct pv_callback){event, true};
	v->arch.failsafe_cb = (struct pv_callback){failsafe, false};
	v->arch.syscall_cb = (struct pv_callback){syscall, false};
	return 0;
}

long do_nmi_op(unsigned int cmd, uint64_t arg)
{
	struct xennmi_callback cb;

	switch (cmd) {
	case XENNMI_register_callback:
		if (guest_copy_in(&cb, arg, sizeof(cb)))
			return -EFAULT;
		return set_nmi_handler(current, cb.handler_address);
	case XENNMI_unregister_callback:
		return set_nmi_handler(current, 0);
	default:
		return -ENOSYS;
	}
}

void pv_set_ts(struct vcpu *v, bool set)
{
	v->arch.cr0_ts = set;
	if (set)
		write_cr0(read_cr0() | X86_CR0_TS);
	else
		clear_cr0_ts();
}

long do_fpu_taskswitch(int set)
{
	pv_set_ts(current, set != 0);
	return 0;
}

/* Loads a user GS selector; a bad one becomes null. The base follows from it. */
static void load_user_gs(unsigned long sel)
{
	/* In kernel mode the user's base is the one that swapgs brings up. */
	__asm__ volatile("swapgs\n"
			 "1:	mov %w0, %%gs\n"
			 "2:	mfence\n\t"
			 "swapgs\n\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "3:	xor %0, %0\n\t"
			 "jmp 1b\n\t"
			 ".popsection\n\t" EXTABLE(1b, 3b)
			 : "+r"(sel)
			 :
			 : "memory");
}

long do_set_segment_base(unsigned int which, unsigned long base)
{
	struct vcpu *v = current;

	if (which != SEGBASE_GS_USER_SEL && !is_canonical(base))
		return -EINVAL;
	switch (which) {
	case SEGBASE_FS:
		wrmsr(MSR_FS_BASE, base);
		return 0;
	case SEGBASE_GS_USER:
		wrmsr(v->arch.in_kernel ? MSR_KERNEL_GS_BASE : MSR_GS_BASE, base);
		return 0;
	case SEGBASE_GS_KERNEL:
		wrmsr(v->arch.in_kernel ? MSR_GS_BASE : MSR_KERNEL_GS_BASE, base);
		return 0;
	case SEGBASE_GS_USER_SEL:
		local_irq_disable();
		load_user_gs(pv_fix_selector((uint16_t)base));
		local_irq_enable();
		return 0;
	default:
		return -EINVAL;
	}
}

long do_vm_assist(unsigned int cmd, unsigned int type)
{
	const uint32_t known =
		1U << VMASST_TYPE_4gb_segments | 1U << VMASST_TYPE_4gb_segments_notify |
		1U << VMASST_TYPE_writable_pagetables | 1U << VMASST_TYPE_pae_extended_cr3 |
		1U << VMASST_TYPE_runstate_update_flag;
	struct domain *d = current->domain;

	if (type >= 32 || !(known >> type & 1))
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		set_bit(type, &d->vm_assist);
		return 0;
	case VMASST_CMD_disable:
		clear_bit(type, &d->vm_assist);
		return 0;
	default:
		return -ENOSYS;
	}
}

/* ---- debug registers ---------------------------------------------------------------- */

#define DR7_FIXED    0x400UL
#define DR7_ENABLES  0xffUL
#define DR7_RESERVED 0xffffffff0000dc00UL /* bits 11, 12, 14, 15 and the upper half */
#define DR7_GD       0x2000UL
#define DR6_FIXED    0xffff0ff0UL

/* No I/O breakpoints (kind 2 needs CR4.DE, and would be ours). */
static unsigned long fix_dr7(unsigned long v)
{
	v &= ~(DR7_RESERVED | DR7_GD);
	for (unsigned int i = 0; i < 4; i++) {
		if ((v >> (16 + 4 * i) & 3) == 2)
			v &= ~(3UL << (2 * i));
	}
	return v | DR7_FIXED;
}

int pv_set_debugreg(struct vcpu *v, unsigned int reg, unsigned long val)
{
	switch (reg) {
	case 0 ... 3:
		/* A breakpoint inside the hypervisor would be ours to take. */
		if (!is_canonical(val) || in_hypervisor_range(val))
			return -EPERM;
		break;
	case 4:
	case 6:
		reg = 6;
		val = (val & 0xe00f) | DR6_FIXED;
		break;
	case 5:
	case 7:
		reg = 7;
		if (val >> 32)
			return -EPERM;
		val = fix_dr7(val);
		break;
	default:
		return -EINVAL;
	}
	v->arch.debugreg[reg] = val;
	if (v == current)
		pv_load_debugregs(v);
	return 0;
}

void pv_load_debugregs(struct vcpu *v)
{
	if (!(v->arch.debugreg[7] & DR7_ENABLES)) {
		write_dr(7, DR7_FIXED);
		return;
	}
	write_dr(0, v->arch.debugreg[0]);
	write_dr(1, v->arch.debugreg[1]);
	write_dr(2, v->arch.debugreg[2]);
	write_dr(3, v->arch.debugreg[3]);
	write_dr(6, DR6_FIXED);
	write_dr(7, v->arch.debugreg[7]);
}

long do_set_debugreg(int reg, unsigned long val)
{
	return pv_set_debugreg(current, (unsigned int)reg, val);
}

unsigned long do_get_debugreg(int reg)
{
	if (reg == 4)
		reg = 6;
	if (reg == 5)
		reg = 7;
	if (reg < 0 || reg > 7)
		return (unsigned long)-EINVAL;
	return current->arch.debugreg[reg];
}
