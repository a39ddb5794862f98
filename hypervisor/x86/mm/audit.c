/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What page tables and vCPUs hold of frames, for the audit (hv/audit.h). */
#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/memory.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/xpti.h>

static void leaf(const struct page_info *table, unsigned int i, uint64_t pte)
{
	const struct page_info *pg = mfn_to_page(pte_mfn(pte));

	/* Devices' are not counted. */
	if (!mfn_valid(pte_mfn(pte)))
		return;
	audit_hold(pg, pte & PTE_RW);
	if ((pte & PTE_RW) && page_type(pg) != PGT_writable)
		audit_differs("L1 %#lx entry %u of d%u maps frame %#lx writable: it is d%u's, %s",
			      mfn_x(page_to_mfn(table)), i, table->owner, mfn_x(page_to_mfn(pg)),
			      pg->owner, page_type_name(page_type(pg)));
	if (!(pte & PTE_US) || (pte & PTE_G))
		audit_differs("L1 %#lx entry %u is %#lx: not a guest's", mfn_x(page_to_mfn(table)),
			      i, pte);
	/* (R11) */
	if ((pte & PTE_CACHE) && (!hardware_domain || table->owner != hardware_domain->id))
		audit_differs("L1 %#lx entry %u is %#lx: not cached", mfn_x(page_to_mfn(table)), i,
			      pte);
}

/* @going: the release of @table has stopped in this one. */
static void branch(const struct page_info *table, unsigned int level, unsigned int i, uint64_t pte,
		   bool going)
{
	const struct page_info *pg = mfn_to_page(pte_mfn(pte));

	if (!mfn_valid(pte_mfn(pte)) || (pte & PTE_PSE)) {
		audit_differs("L%u %#lx entry %u is %#lx: no table", level,
			      mfn_x(page_to_mfn(table)), i, pte);
		return;
	}
	audit_hold(pg, true);
	if (page_type(pg) != level - 1 || pg->owner != table->owner)
		audit_differs("L%u %#lx entry %u of d%u refers to frame %#lx of d%u, %s", level,
			      mfn_x(page_to_mfn(table)), i, table->owner, mfn_x(page_to_mfn(pg)),
			      pg->owner, page_type_name(page_type(pg)));
	if (!going && pg->aux != PTES_PER_TABLE)
		audit_differs("L%u %#lx entry %u refers to frame %#lx, which is checked up to %u",
			      level, mfn_x(page_to_mfn(table)), i, mfn_x(page_to_mfn(pg)),
			      page_table_checked(pg));
}

void arch_audit_table(const struct page_info *pg, unsigned int level)
{
	const uint64_t *t = page_to_virt(pg);
	unsigned int held = page_table_checked(pg) + page_table_releasing(pg);

	for (unsigned int i = 0; i < held; i++) {
		if (!pt_slot_is_guest(level, i)) {
			if (pg->aux == PTES_PER_TABLE && t[i] != idle_l4[i])
				audit_differs("L4 %#lx slot %u is %#lx, not the hypervisor's %#lx",
					      mfn_x(page_to_mfn(pg)), i, t[i], idle_l4[i]);
		} else if (t[i] & PTE_P) {
			if (level == 1)
				leaf(pg, i, t[i]);
			else
				branch(pg, level, i, t[i], i == page_table_checked(pg));
		}
	}
}

void arch_audit(void)
{
	xpti_audit();
	pv_audit_loaded();
}

static void hold_typed(const struct page_info *pg)
{
	if (pg)
		audit_hold(pg, true);
}

void arch_audit_holds(const struct domain *d)
{
	const struct vcpu *v;

	hold_typed(d->arch.pirq_eoi_page);
	for_each_vcpu (d, v) {
		hold_typed(v->arch.root);
		hold_typed(v->arch.user_root);
		hold_typed(v->arch.old_root);
		for (unsigned int i = 0; i < ARRAY_SIZE(v->arch.gdt_frames); i++) {
			if (mfn_x(v->arch.gdt_frames[i]))
				audit_hold(mfn_to_page(v->arch.gdt_frames[i]), true);
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(v->arch.ldt_pages); i++)
			hold_typed(v->arch.ldt_pages[i]);
	}
}
