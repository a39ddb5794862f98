/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest's GDT and LDT. Their frames have type PGT_seg: nobody maps them
 * writable, and every descriptor in them was checked. They are shown in the CPU's
 * window (arch/layout.h) while the vCPU is loaded.
 *
 * The LDT is mapped page by page on first use: a fault in the window promotes
 * the guest's page to PGT_seg and holds it until the LDT changes.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/setup.h>
#include <arch/traps.h>

#define DESC_P          (1ULL << 47)
#define DESC_S          (1ULL << 44)
#define DESC_CODE       (1ULL << 43)
#define DESC_CONFORMING (1ULL << 42)
#define DESC_DPL        (3ULL << 45)
#define DESC_L          (1ULL << 53)
#define DESC_DB         (1ULL << 54)
#define DESCS_PER_PAGE  512

/*
 * (X1) Code or data, for ring 3 only: then a segment can reach nothing that paging
 * doesn't allow. Made so where the guest asks for less.
 */
static bool fix_descriptor(uint64_t *d)
{
	uint64_t v = *d;

	if (!(v & DESC_P))
		return true;
	if (!(v & DESC_S))
		return false; /* gates, TSS, LDT */
	v |= DESC_DPL;
	if (v & DESC_CODE) {
		if ((v & DESC_CONFORMING) || ((v & DESC_L) && (v & DESC_DB)))
			return false;
	}
	*d = v;
	return true;
}

int arch_seg_validate(struct page_info *pg)
{
	uint64_t *d = page_to_virt(pg);

	for (unsigned int i = 0; i < DESCS_PER_PAGE; i++) {
		uint64_t v = READ_ONCE(d[i]);

		if (!fix_descriptor(&v))
			return (int)hv_err(-EINVAL, "descriptor %u (%#lx) is neither code nor data",
					   i, d[i]);
		if (v != d[i])
			WRITE_ONCE(d[i], v);
	}
	return 0;
}

/* ---- GDT --------------------------------------------------------------------------- */

void pv_drop_gdt(struct vcpu *v)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(v->arch.gdt_frames); i++) {
		if (mfn_x(v->arch.gdt_frames[i]))
			page_put_and_type_simple(mfn_to_page(v->arch.gdt_frames[i]));
		v->arch.gdt_frames[i] = _mfn(0);
	}
	v->arch.gdt_entries = 0;
}

int pv_set_gdt(struct vcpu *v, const unsigned long *frames, unsigned int nr, unsigned int entries)
{
	struct domain *d = v->domain;
	unsigned int i;
	int rc = 0;

	if (entries > FIRST_RESERVED_GDT_ENTRY || nr > ARRAY_SIZE(v->arch.gdt_frames))
		return -EINVAL;
	spin_lock(&d->pt_lock);
	for (i = 0; i < nr; i++) {
		rc = mfn_valid(_mfn(frames[i]))
			     ? page_get_and_type(mfn_to_page(_mfn(frames[i])), d, PGT_seg)
			     : -EINVAL;
		if (rc)
			break;
	}
	if (rc) {
		while (i--)
			page_put_and_type_simple(mfn_to_page(_mfn(frames[i])));
	} else {
		pv_drop_gdt(v);
		for (i = 0; i < nr; i++)
			v->arch.gdt_frames[i] = _mfn(frames[i]);
		v->arch.gdt_entries = entries;
	}
	spin_unlock(&d->pt_lock);
	return rc;
}

static void show_gdt(struct vcpu *v, unsigned int cpu)
{
	/* Beyond the guest's own there are no descriptors: zeros, not a page fault. */
	static const uint64_t none[DESCS_PER_PAGE] __aligned(PAGE_SIZE);
	uint64_t *pte = desc_gdt_ptes(cpu);

	for (unsigned int i = 0; i < ARRAY_SIZE(v->arch.gdt_frames); i++) {
		mfn_t mfn = v->arch.gdt_frames[i];

		/* Not global: the next CR3 load forgets them. */
		WRITE_ONCE(pte[i], mfn_x(mfn) ? pte_make(mfn, PTE_HV_RW & ~PTE_G)
					      : pte_make(_mfn(PFN_DOWN(image_paddr(none))),
							 PTE_HV_RO & ~PTE_G));
	}
}

static void show_ldt(struct vcpu *v, unsigned int cpu)
{
	uint64_t *pte = desc_gdt_ptes(cpu) + GDT_WIN_PAGES;

	for (unsigned int i = 0; i < LDT_WIN_PAGES; i++) {
		const struct page_info *pg = v->arch.ldt_pages[i];

		WRITE_ONCE(pte[i], pg ? pte_make(page_to_mfn(pg), PTE_HV_RW & ~PTE_G) : 0);
	}
}

void pv_load_descriptor_tables(struct vcpu *v, unsigned int cpu)
{
	show_gdt(v, cpu);
	show_ldt(v, cpu);
	/* The window's entries are cached by nobody: CR3 is loaded after this. */
	desc_set_ldt(cpu, v->arch.ldt_entries);
}

long do_set_gdt(uint64_t handle, unsigned int entries)
{
	struct vcpu *v = current;
	unsigned int nr = (entries + DESCS_PER_PAGE - 1) / DESCS_PER_PAGE;
	unsigned long frames[14];
	int rc;

	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	if (guest_copy_in(frames, handle, nr * sizeof(frames[0])))
		return -EFAULT;
	rc = pv_set_gdt(v, frames, nr, entries);
	if (rc == -ERESTART) {
		const unsigned long again[] = {handle, entries};

		return hypercall_continue(__HYPERVISOR_set_gdt, 2, again);
	}
	if (rc)
		return rc;
	local_irq_disable();
	show_gdt(v, smp_processor_id());
	tlb_flush_local();
	local_irq_enable();
	return 0;
}

/* ---- LDT --------------------------------------------------------------------------- */

void pv_drop_ldt_pages(struct vcpu *v)
{
	for (unsigned int i = 0; i < LDT_WIN_PAGES; i++) {
		if (!v->arch.ldt_pages[i])
			continue;
		page_put_and_type_simple(v->arch.ldt_pages[i]);
		v->arch.ldt_pages[i] = NULL;
	}
}

/* (X5) Its pages are looked up in tables whose other half is ours. */
bool pv_ldt_range_ok(unsigned long base, unsigned long entries)
{
	return entries <= 8192 && guest_array_ok(base & PAGE_MASK, entries, sizeof(uint64_t));
}

int pv_set_ldt(struct vcpu *v, unsigned long base, unsigned long entries)
{
	/* With none, the address says nothing. */
	if (!entries)
		base = 0;
	if ((base & (PAGE_SIZE - 1)) || !pv_ldt_range_ok(base, entries))
		return (int)hv_err(-EINVAL, "LDT at %#lx with %lu entries", base, entries);
	if (v->arch.ldt_base == base && v->arch.ldt_entries == entries)
		return 0;
	spin_lock(&v->domain->pt_lock);
	pv_drop_ldt_pages(v);
	v->arch.ldt_base = entries ? base : 0;
	v->arch.ldt_entries = (unsigned int)entries;
	spin_unlock(&v->domain->pt_lock);
	local_irq_disable();
	show_ldt(v, smp_processor_id());
	tlb_flush_local();
	desc_set_ldt(smp_processor_id(), v->arch.ldt_entries);
	local_irq_enable();
	return 0;
}

bool pv_ldt_fault(struct vcpu *v, unsigned long offset, uint32_t error)
{
	struct domain *d = v->domain;
	unsigned int idx = (unsigned int)(offset >> PAGE_SHIFT);
	struct page_info *pg = NULL;
	uint64_t *l1e;
	int rc = 0;

	if ((error & PFEC_P) || offset >= v->arch.ldt_entries * 8UL)
		return false;
	spin_lock(&d->pt_lock);
	l1e = pt_find_l1e(v->arch.root, v->arch.ldt_base + (offset & PAGE_MASK));
	if (l1e && (READ_ONCE(*l1e) & PTE_P) && mfn_valid(pte_mfn(*l1e))) {
		pg = mfn_to_page(pte_mfn(READ_ONCE(*l1e)));
		/* (S2) We may be switching vCPUs: no time to take half a table apart. */
		rc = READ_ONCE(pg->type) & PGT_partial ? -EBUSY : page_get_and_type(pg, d, PGT_seg);
		if (rc)
			pg = NULL;
	}
	if (pg && v->arch.ldt_pages[idx]) {
		page_put_and_type_simple(pg);
	} else if (pg) {
		v->arch.ldt_pages[idx] = pg;
		WRITE_ONCE(desc_gdt_ptes(smp_processor_id())[GDT_WIN_PAGES + idx],
			   pte_make(page_to_mfn(pg), PTE_HV_RW & ~PTE_G));
	}
	spin_unlock(&d->pt_lock);
	/* Not done yet: the guest executes the instruction again. */
	return pg || rc == -ERESTART;
}

/* ---- single descriptors ------------------------------------------------------------- */

long do_update_descriptor(uint64_t maddr, uint64_t desc)
{
	struct domain *d = current->domain;
	mfn_t mfn = _mfn(PFN_DOWN(maddr));
	struct page_info *pg = mfn_to_page(mfn);
	uint64_t *slot;
	int rc;

	if ((maddr & 7) || !fix_descriptor(&desc))
		return -EINVAL;
	if (!mfn_valid(mfn) || !page_get(pg, d))
		return -EINVAL;
	slot = (uint64_t *)((char *)mfn_to_virt(mfn) + (maddr & (PAGE_SIZE - 1)));
	spin_lock(&d->pt_lock);
	if (page_type_is(pg, PGT_seg)) {
		WRITE_ONCE(*slot, desc);
		rc = 0;
	} else {
		rc = page_type_get(pg, PGT_writable);
		if (!rc) {
			WRITE_ONCE(*slot, desc);
			page_type_put_simple(pg);
		}
	}
	spin_unlock(&d->pt_lock);
	page_put(pg);
	return rc;
}
