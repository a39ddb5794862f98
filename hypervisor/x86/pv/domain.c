/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * PV domains and vCPUs: making, contexts (VCPUOP_initialise, setvcpucontext),
 * and taking apart.
 *
 * A context's frames (GDT, roots) are taken before anything of the vCPU changes,
 * so a bad context leaves it as it was.
 */
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/xpti.h>

#define DR6_DEFAULT 0xffff0ff0UL
#define DR7_DEFAULT 0x400UL

int arch_domain_create(struct domain *d, const struct xen_domctl_createdomain *config)
{
	int rc = permissions_init_domain(d);

	if (rc)
		return rc;
	d->arch.xpti = xpti_wanted(d);
	d->arch.cpuid = cpuid_policy_new(d);
	return d->arch.cpuid ? 0 : -ENOMEM;
}

void arch_domain_destroy(struct domain *d)
{
	pv_forget_domain(d);
	permissions_fini_domain(d);
	cpuid_policy_free(d->arch.cpuid);
	hv_free(d->arch.e820);
}

int arch_vcpu_create(struct vcpu *v)
{
	v->arch.loaded_cpu = NO_CPU;
	v->arch.in_kernel = true;
	v->arch.debugreg[6] = DR6_DEFAULT;
	v->arch.debugreg[7] = DR7_DEFAULT;
	v->arch.cr4 = pv_cr4_default(v);
	if (is_idle_vcpu(v))
		return 0;
	v->arch.traps = hyp_page_alloc();
	if (!v->arch.traps)
		return -ENOMEM;
	return xstate_init_vcpu(v);
}

void arch_vcpu_destroy(struct vcpu *v)
{
	hyp_page_free(v->arch.traps);
	v->arch.traps = NULL;
	xstate_fini_vcpu(v);
}

/* ---- contexts -------------------------------------------------------------------- */

static int take_root(struct domain *d, unsigned long cr3, bool optional, struct page_info **ret_pg)
{
	mfn_t mfn = _mfn(xen_cr3_to_pfn(cr3));
	int rc;

	*ret_pg = NULL;
	if (!mfn_x(mfn) && optional)
		return 0;
	if (!mfn_valid(mfn))
		return (int)hv_err(-EINVAL, "page-table root %#lx is no RAM", cr3);
	spin_lock(&d->pt_lock);
	rc = page_get_and_type(mfn_to_page(mfn), d, PGT_l4);
	spin_unlock(&d->pt_lock);
	if (!rc)
		*ret_pg = mfn_to_page(mfn);
	return rc;
}

/* Drops what take_root took: others hold the root, or the domain is dropped soon. */
static int drop_root(struct domain *d, struct page_info **slot)
{
	int rc = 0;

	if (!*slot)
		return 0;
	spin_lock(&d->pt_lock);
	rc = page_type_put(*slot);
	spin_unlock(&d->pt_lock);
	if (!rc) {
		page_put(*slot);
		*slot = NULL;
	}
	return rc;
}

/*
 * The same for a root that @v doesn't get or loses: in slices, before the caller's
 * guest goes on, or before @v does.
 */
static void drop_root_later(struct vcpu *v, struct page_info *pg)
{
	struct vcpu *caller = current;

	if (!pg)
		return;
	if (caller && pt_can_defer(caller))
		pt_defer_put(caller, pg);
	else if (caller && pt_can_defer(v))
		pt_defer_put(v, pg);
	else
		while (drop_root(v->domain, &pg))
			;
}

static void set_registers(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct cpu_user_regs *r = &v->arch.regs;

	*r = c->user_regs;
	r->entry_vector = 0;
	r->error_code = 0;
	r->cs = pv_fix_selector(r->cs);
	r->ss = pv_fix_selector(r->ss);
	r->ds = pv_fix_selector(r->ds);
	r->es = pv_fix_selector(r->es);
	r->fs = pv_fix_selector(r->fs);
	r->gs = pv_fix_selector(r->gs);
	r->rflags = pv_fix_rflags(r->rflags);
	v->arch.iopl = (unsigned int)(c->user_regs.rflags >> 12) & 3;
	v->arch.in_kernel = c->flags & VGCF_in_kernel;
	v->arch.fs_base = c->fs_base;
	v->arch.gs_base_kernel = c->gs_base_kernel;
	v->arch.gs_base_user = c->gs_base_user;
	if (c->flags & VGCF_I387_VALID)
		xstate_set_fxsave(v, &c->fpu_ctxt);
}

static void set_callbacks(struct vcpu *v, const struct vcpu_guest_context *c)
{
	for (unsigned int i = 0; i < 256; i++) {
		v->arch.traps[i] = c->trap_ctxt[i];
		v->arch.traps[i].vector = (uint8_t)i;
		v->arch.traps[i].cs = FLAT_KERNEL_CS;
		if (!is_canonical(v->arch.traps[i].address))
			v->arch.traps[i].address = 0;
	}
	v->arch.event_cb = (struct pv_callback){c->event_callback_eip, true};
	v->arch.failsafe_cb = (struct pv_callback){c->failsafe_callback_eip,
						   c->flags & VGCF_failsafe_disables_events};
	v->arch.syscall_cb = (struct pv_callback){c->syscall_callback_eip,
						  c->flags & VGCF_syscall_disables_events};
	v->arch.kernel_ss = pv_fix_selector((uint16_t)c->kernel_ss);
	v->arch.kernel_sp = c->kernel_sp;
	v->arch.cr0_ts = c->ctrlreg[0] & X86_CR0_TS;
	v->arch.cr4 = pv_cr4_default(v) | (c->ctrlreg[4] & pv_cr4_allowed(v));
	for (unsigned int i = 0; i < 8; i++)
		(void)pv_set_debugreg(v, i, c->debugreg[i]);
}

static bool context_is_sane(const struct vcpu_guest_context *c)
{
	return is_canonical(c->user_regs.rip) && is_canonical(c->event_callback_eip) &&
	       is_canonical(c->failsafe_callback_eip) && is_canonical(c->syscall_callback_eip) &&
	       is_canonical(c->fs_base) && is_canonical(c->gs_base_kernel) &&
	       is_canonical(c->gs_base_user) && c->gdt_ents <= FIRST_RESERVED_GDT_ENTRY &&
	       pv_ldt_range_ok(c->ldt_base, c->ldt_ents);
}

static int set_descriptors(struct vcpu *v, const struct vcpu_guest_context *c)
{
	unsigned int nr = (unsigned int)((c->gdt_ents + 511) / 512);
	int rc = pv_set_gdt(v, c->gdt_frames, nr, (unsigned int)c->gdt_ents);

	if (rc)
		return rc;
	spin_lock(&v->domain->pt_lock);
	pv_drop_ldt_pages(v);
	v->arch.ldt_base = c->ldt_ents ? c->ldt_base & PAGE_MASK : 0;
	v->arch.ldt_entries = (unsigned int)c->ldt_ents;
	spin_unlock(&v->domain->pt_lock);
	return 0;
}

int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct domain *d = v->domain;
	struct page_info *root = NULL, *user_root = NULL;
	int rc;

	if (!context_is_sane(c))
		return -EINVAL;
	arch_vcpu_sync(v);
	rc = pt_drop_deferred(v);
	if (rc || (current && !pt_can_defer(current)))
		return -ERESTART;
	rc = take_root(d, c->ctrlreg[3], false, &root);
	if (!rc)
		rc = take_root(d, c->ctrlreg[1] & ~1UL, true, &user_root);
	if (!rc && !(c->flags & VGCF_in_kernel) && !user_root)
		rc = -EINVAL;
	if (!rc)
		rc = set_descriptors(v, c);
	if (rc) {
		drop_root_later(v, root);
		drop_root_later(v, user_root);
		return rc;
	}
	/* Of a vCPU that had a context already. */
	drop_root_later(v, v->arch.root);
	drop_root_later(v, v->arch.user_root);
	v->arch.root = root;
	v->arch.user_root = user_root;
	set_registers(v, c);
	set_callbacks(v, c);
	if (v->id == 0)
		d->vm_assist = (uint32_t)c->vm_assist;
	v->initialised = true;
	return 0;
}

void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
	arch_vcpu_sync(v);
	memset(c, 0, sizeof(*c));
	xstate_get_fxsave(v, &c->fpu_ctxt);
	c->flags = VGCF_I387_VALID | (v->arch.in_kernel ? VGCF_in_kernel : 0) |
		   (test_bit(VPF_down, &v->pause_flags) ? 0 : VGCF_online) |
		   (v->arch.failsafe_cb.mask_events ? VGCF_failsafe_disables_events : 0) |
		   (v->arch.syscall_cb.mask_events ? VGCF_syscall_disables_events : 0);
	c->user_regs = v->arch.regs;
	c->user_regs.error_code = 0;
	c->user_regs.entry_vector = 0;
	c->user_regs.saved_upcall_mask = v->vcpu_info->evtchn_upcall_mask;
	c->user_regs.rflags &= ~X86_EFLAGS_IOPL;
	c->user_regs.rflags |= (uint64_t)v->arch.iopl << 12;
	if (v->arch.in_kernel)
		c->user_regs.cs &= (uint16_t)~3;
	memcpy(c->trap_ctxt, v->arch.traps, sizeof(c->trap_ctxt));
	c->ldt_base = v->arch.ldt_base;
	c->ldt_ents = v->arch.ldt_entries;
	for (unsigned int i = 0; i < ARRAY_SIZE(v->arch.gdt_frames); i++)
		c->gdt_frames[i] = mfn_x(v->arch.gdt_frames[i]);
	c->gdt_ents = v->arch.gdt_entries;
	c->kernel_ss = v->arch.kernel_ss;
	c->kernel_sp = v->arch.kernel_sp;
	c->ctrlreg[0] = X86_CR0_PG | X86_CR0_PE | X86_CR0_NE | X86_CR0_WP | X86_CR0_ET |
			X86_CR0_MP | (v->arch.cr0_ts ? X86_CR0_TS : 0);
	if (v->arch.user_root)
		c->ctrlreg[1] = xen_pfn_to_cr3(mfn_x(page_to_mfn(v->arch.user_root)));
	c->ctrlreg[2] = v->arch.cr2;
	if (v->arch.root)
		c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(page_to_mfn(v->arch.root)));
	c->ctrlreg[4] = v->arch.cr4;
	memcpy(c->debugreg, v->arch.debugreg, sizeof(c->debugreg));
	c->event_callback_eip = v->arch.event_cb.addr;
	c->failsafe_callback_eip = v->arch.failsafe_cb.addr;
	c->syscall_callback_eip = v->arch.syscall_cb.addr;
	c->vm_assist = v->domain->vm_assist;
	c->fs_base = v->arch.fs_base;
	c->gs_base_kernel = v->arch.gs_base_kernel;
	c->gs_base_user = v->arch.gs_base_user;
}

/* ---- the end ------------------------------------------------------------------------ */

/* Gives back the tables of a vCPU that doesn't run. -ERESTART. */
static int release_vcpu_tables(struct vcpu *v)
{
	struct domain *d = v->domain;
	int rc;

	arch_vcpu_sync(v);
	rc = pt_drop_deferred(v);
	if (!rc)
		rc = drop_root(d, &v->arch.root);
	if (!rc)
		rc = drop_root(d, &v->arch.user_root);
	if (rc)
		return rc;
	spin_lock(&d->pt_lock);
	pv_drop_ldt_pages(v);
	pv_drop_gdt(v);
	spin_unlock(&d->pt_lock);
	v->arch.ldt_entries = 0;
	return 0;
}

int arch_vcpu_reset(struct vcpu *v)
{
	int rc;

	/* Nobody brings it up while its root is half gone. */
	v->initialised = false;
	rc = release_vcpu_tables(v);
	if (rc)
		return rc;
	v->arch.in_kernel = true;
	v->arch.nmi_pending = v->arch.nmi_masked = false;
	v->arch.event_cb = v->arch.failsafe_cb = v->arch.syscall_cb =
		(struct pv_callback){0, false};
	memset(v->arch.traps, 0, PAGE_SIZE);
	return xstate_init_vcpu(v);
}

/* Drops the pin and what a table still holds. -ERESTART: this frame again, later. */
static int unpin_one(struct domain *d, struct page_info *pg)
{
	int rc = 0;

	/* Most are plain memory. Nobody can make a table of one any more. */
	if (!page_type_is_table(page_type(pg)))
		return 0;
	spin_lock(&d->pt_lock);
	if (page_type_set_pinned(pg, false)) {
		rc = page_type_put(pg);
		if (rc)
			page_type_set_pinned(pg, true);
		else
			page_put(pg);
	}
	if (!rc)
		rc = page_type_drop_partial(pg);
	spin_unlock(&d->pt_lock);
	return rc;
}

static int release_one(struct domain *d, struct page_info *pg)
{
	page_release(pg);
	return 0;
}

/*
 * @fn for all frames, going on where the last call stopped: a walk that began anew
 * each time would never end if it took longer than two events are apart.
 */
static int walk_frames(struct domain *d, int (*fn)(struct domain *d, struct page_info *pg))
{
	struct page_info *pg;
	unsigned long pos = d->arch.relinquish_pos;
	unsigned int n = 0;

	while ((pg = domain_next_page(d, &pos)) != NULL) {
		int rc;

		/* One that only others had may go, and be another's, at any moment. (R2) */
		if (!page_get(pg, d))
			continue;
		rc = fn(d, pg);
		page_put(pg);

		d->arch.relinquish_pos = rc ? pos - 1 : pos;
		if (rc || (++n % 128 == 0 && hypercall_preempt_check()))
			return -ERESTART;
	}
	d->arch.relinquish_pos = 0;
	return 0;
}

static int release_vcpus(struct domain *d)
{
	struct vcpu *v;
	int rc;

	for_each_vcpu (d, v) {
		rc = release_vcpu_tables(v);
		if (rc)
			return rc;
	}
	if (d->arch.pirq_eoi_page) {
		page_put_and_type_simple(d->arch.pirq_eoi_page);
		d->arch.pirq_eoi_page = NULL;
		d->arch.pirq_eoi_map = NULL;
	}
	return 0;
}

int arch_domain_relinquish(struct domain *d)
{
	int rc = 0;

	switch (d->arch.relinquish_stage) {
	case 0:
		rc = release_vcpus(d);
		if (rc)
			break;
		d->arch.relinquish_stage++;
		fallthrough;
	case 1:
		rc = walk_frames(d, unpin_one);
		if (rc)
			break;
		d->arch.relinquish_stage++;
		fallthrough;
	case 2:
		rc = walk_frames(d, release_one);
		if (rc)
			break;
		d->arch.relinquish_stage++;
		fallthrough;
	default:
		break;
	}
	return rc;
}
