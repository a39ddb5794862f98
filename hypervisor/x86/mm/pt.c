/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a guest's page-table entries may be, and what each holds (R3, R4, R11).
 *
 *   L1 entry, present   a reference to the frame it maps, if that is RAM; and
 *                       PGT_writable if it is writable
 *   L2-L4, present      a reference and the type one level down
 *
 * All guest mappings get the user bit (a PV kernel runs in ring 3) and lose the
 * global bit. Superpages and tables in a table's own tree are refused (the
 * latter by the types themselves: an L4 can't be an L3, too). L4 slots 256-271
 * are filled in by us, whatever is there.
 *
 * Everything here runs under the pt_lock of the tables' owner.
 */
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/spec_ctrl.h>

#define L1_ALLOWED                                                                       \
	(PTE_P | PTE_RW | PTE_US | PTE_PWT | PTE_PCD | PTE_A | PTE_D | PTE_PAT | PTE_G | \
	 PTE_AVAIL | PTE_AVAIL_HIGH | PTE_NX | PTE_ADDR_MASK)
#define TABLE_ALLOWED                                                                      \
	(PTE_P | PTE_RW | PTE_US | PTE_PWT | PTE_PCD | PTE_A | PTE_D | PTE_G | PTE_AVAIL | \
	 PTE_AVAIL_HIGH | PTE_NX | PTE_ADDR_MASK)

static bool address_ok(uint64_t pte)
{
	return !((pte & PTE_ADDR_MASK) >> cpu_paddr_bits);
}

bool spec_l1tf __ro_after_init;

/* What a processor looks at in an entry that isn't present: not more than this. */
#define L1TF_ADDR_MASK (PTE_ADDR_MASK & ((1UL << 46) - 1))

/* (R10) May an entry that is not present say this? */
static int absent_ok(uint64_t pte)
{
	uint64_t addr = pte & L1TF_ADDR_MASK;

	if (likely(!spec_l1tf) || !addr || addr >= max_page << PAGE_SHIFT)
		return 0;
	return (int)hv_err(-EINVAL, "entry %#lx isn't present but names RAM (L1TF)", pte);
}

/*
 * (R11) May an entry of @d's have these cache attributes? We clear and copy memory
 * through mappings that are cached, so a guest's own are, too: else it could look past
 * the caches at what was in a frame before. Registers of a device are never cached. The
 * domain that drives the machine is trusted with both: its drivers need them.
 */
static bool cache_ok(const struct domain *d, uint64_t pte, bool ram)
{
	/* By the PAT that features.c loads: WB, WT, UC-, UC, WC, WP, UC, UC */
	static const uint8_t uncached = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7;
	unsigned int i =
		(pte & PTE_PWT ? 1 : 0) | (pte & PTE_PCD ? 2 : 0) | (pte & PTE_PAT ? 4 : 0);

	return d->is_hardware || (ram ? !i : (uncached >> i & 1));
}

bool pt_slot_is_guest(unsigned int level, unsigned int idx)
{
	return level != 4 || idx < HV_L4_FIRST || idx > HV_L4_LAST;
}

uint64_t pt_adjust(unsigned int level, uint64_t pte)
{
	if (!(pte & PTE_P))
		return pte;
	/* Device registers that domains may only look at. */
	if (level == 1 && (pte & PTE_RW) && iomem_read_only(pte_mfn(pte)))
		pte &= ~PTE_RW;
	return (pte | PTE_US) & ~PTE_G;
}

int pt_l1e_get(struct domain *d, struct domain *owner, uint64_t pte)
{
	mfn_t mfn = pte_mfn(pte);
	struct page_info *pg = mfn_to_page(mfn);

	if (!(pte & PTE_P))
		return absent_ok(pte);
	if ((pte & ~L1_ALLOWED) || !address_ok(pte))
		return (int)hv_err(-EINVAL, "bad bits in L1 entry %#lx", pte);
	if (!mfn_valid(mfn)) {
		/* Devices and firmware: by permission, with nothing to count. */
		if (!iomem_access_ok(d, mfn) && !iomem_access_ok(owner, mfn))
			return (int)hv_err(-EPERM, "no access to MMIO frame %#lx", mfn_x(mfn));
		if (!cache_ok(d, pte, false))
			return (int)hv_err(-EINVAL, "L1 entry %#lx has MMIO cached", pte);
		return 0;
	}
	if (unlikely(!cache_ok(d, pte, true)))
		return (int)hv_err(-EINVAL, "L1 entry %#lx has RAM uncached", pte);
	if (!page_get(pg, owner))
		return (int)hv_err(-EINVAL, "frame %#lx is d%u's, not d%u's", mfn_x(mfn),
				   page_owner_id(pg), owner->id);
	if (pte & PTE_RW) {
		int rc = owner == d ? page_type_clear_partial(pg) : 0;

		rc = rc ? rc : page_type_get(pg, PGT_writable);
		if (rc) {
			page_put(pg);
			if (rc == -ERESTART)
				return rc;
			return (int)hv_err(rc, "frame %#lx is in use as %s (%u)", mfn_x(mfn),
					   page_type_name(page_type(pg)), page_type_count(pg));
		}
	}
	return 0;
}

void pt_l1e_put(uint64_t pte)
{
	struct page_info *pg = mfn_to_page(pte_mfn(pte));

	if (!(pte & PTE_P) || !mfn_valid(pte_mfn(pte)))
		return;
	if (pte & PTE_RW)
		page_type_put_simple(pg);
	page_put(pg);
}

int pt_table_entry_get(struct domain *d, unsigned int level, uint64_t pte)
{
	struct page_info *pg = mfn_to_page(pte_mfn(pte));
	int rc;

	if (!(pte & PTE_P))
		return absent_ok(pte);
	if ((pte & ~TABLE_ALLOWED) || !address_ok(pte) || !cache_ok(d, pte, true))
		return (int)hv_err(-EINVAL, "bad bits in L%u entry %#lx", level, pte);
	if (!mfn_valid(pte_mfn(pte)))
		return (int)hv_err(-EINVAL, "L%u entry %#lx refers to no RAM", level, pte);
	rc = page_get_and_type(pg, d, level - 1);
	if (rc && rc != -ERESTART)
		return (int)hv_err(rc, "L%u entry %#lx: frame is d%u's, in use as %s (%u)", level,
				   pte, page_owner_id(pg), page_type_name(page_type(pg)),
				   page_type_count(pg));
	return rc;
}

int pt_table_entry_put(uint64_t pte)
{
	if (!(pte & PTE_P))
		return 0;
	return page_put_and_type(mfn_to_page(pte_mfn(pte)));
}

/* (R5) When a root is complete, before any processor may load it. */
static void set_hypervisor_slots(uint64_t *l4, bool ours)
{
	for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++)
		WRITE_ONCE(l4[i], ours ? idle_l4[i] : 0);
}

static int validate_l1(struct domain *d, struct page_info *pg)
{
	uint64_t *t = page_to_virt(pg);

	for (; pg->aux < PTES_PER_TABLE; pg->aux++) {
		uint64_t pte = READ_ONCE(t[pg->aux]);
		int rc;

		if (!(pte & PTE_P) && likely(!spec_l1tf))
			continue;
		rc = pt_l1e_get(d, d, pte);
		if (rc)
			return rc;
		if (pte != pt_adjust(1, pte))
			WRITE_ONCE(t[pg->aux], pt_adjust(1, pte));
	}
	return 0;
}

int arch_table_validate(struct domain *d, struct page_info *pg, unsigned int level)
{
	uint64_t *t = page_to_virt(pg);

	ASSERT(spin_is_held(&d->pt_lock));
	if (level == 1)
		return validate_l1(d, pg);
	if (page_table_releasing(pg)) {
		unsigned int idx = page_table_checked(pg);
		int rc = page_type_complete(mfn_to_page(pte_mfn(READ_ONCE(t[idx]))));

		if (rc)
			return rc;
		pg->aux = (uint16_t)(idx + 1);
	}
	while (pg->aux < PTES_PER_TABLE) {
		uint64_t pte = READ_ONCE(t[pg->aux]);

		if (pt_slot_is_guest(level, pg->aux) && (pte & PTE_P)) {
			int rc = pt_table_entry_get(d, level, pte);

			if (rc)
				return rc;
			WRITE_ONCE(t[pg->aux], pt_adjust(level, pte));
			pg->aux++;
			if (pg->aux < PTES_PER_TABLE && hypercall_preempt_check())
				return -ERESTART;
			continue;
		}
		if (pt_slot_is_guest(level, pg->aux) && absent_ok(pte))
			return -EINVAL;
		pg->aux++;
	}
	if (level == 4)
		set_hypervisor_slots(t, true);
	return 0;
}

int arch_table_release(struct page_info *pg, unsigned int level)
{
	uint64_t *t = page_to_virt(pg);

	if (level == 4 && pg->aux == PTES_PER_TABLE)
		set_hypervisor_slots(t, false);
	while (pg->aux) {
		unsigned int idx = page_table_checked(pg) - !page_table_releasing(pg);
		uint64_t pte = READ_ONCE(t[idx]);

		if (level == 1) {
			pt_l1e_put(pte);
		} else if (pt_slot_is_guest(level, idx) && (pte & PTE_P)) {
			int rc = pt_table_entry_put(pte);

			pg->aux = (uint16_t)(rc ? idx | AUX_RELEASING : idx);
			if (rc)
				return rc;
			if (pg->aux && hypercall_preempt_check())
				return -ERESTART;
			continue;
		}
		pg->aux = (uint16_t)idx;
	}
	return 0;
}
