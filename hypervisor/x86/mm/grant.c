/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Mappings of granted frames in a guest's page tables (R4, G4). See arch/grant.h: an
 * entry owns a reference and perhaps PGT_writable; these functions move that
 * ownership between the entry and the grant code.
 *
 * Locks: pt_lock of the current domain.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/grant_table.h>
#include <arch/grant.h>
#include <arch/page.h>
#include <arch/pt.h>

/* Where the guest's own bits are in GNTMAP_ flags and in an entry. */
#define GNTMAP_AVAIL_SHIFT 16
#define PTE_AVAIL_SHIFT    9

/*
 * The entry that @host_addr names, in a table that is in use as L1. With
 * contains_pte, a reference to the table's frame is held (*ret_pg).
 */
static uint64_t *find_entry(struct domain *d, uint64_t host_addr, unsigned int flags,
			    struct page_info **ret_pg)
{
	struct page_info *pg;
	mfn_t mfn;

	*ret_pg = NULL;
	if (!(flags & GNTMAP_contains_pte)) {
		if (!is_canonical(host_addr) || in_hypervisor_range(host_addr))
			return NULL;
		return pt_find_l1e(current->arch.root, host_addr);
	}
	mfn = _mfn(PFN_DOWN(host_addr));
	pg = mfn_to_page(mfn);
	if ((host_addr & 7) || !mfn_valid(mfn) || !page_get(pg, d))
		return NULL;
	if (!page_type_is(pg, PGT_l1)) {
		page_put(pg);
		return NULL;
	}
	*ret_pg = pg;
	return (uint64_t *)((char *)mfn_to_virt(mfn) + (host_addr & (PAGE_SIZE - 1)));
}

static void put_entry(struct page_info *pg)
{
	if (pg)
		page_put(pg);
}

static uint64_t swap(uint64_t *ptr, uint64_t val)
{
	return __atomic_exchange_n(ptr, val, __ATOMIC_SEQ_CST);
}

int arch_grant_map(uint64_t host_addr, unsigned int flags, mfn_t mfn)
{
	struct domain *d = current->domain;
	uint64_t pte = pte_make(mfn, PTE_P | PTE_US | PTE_A | PTE_D), *ptr;
	struct page_info *pg;
	int rc = GNTST_okay;

	if (!(flags & GNTMAP_readonly))
		pte |= PTE_RW;
	pte |= ((uint64_t)(flags >> GNTMAP_AVAIL_SHIFT) & 7) << PTE_AVAIL_SHIFT;
	spin_lock(&d->pt_lock);
	ptr = find_entry(d, host_addr, flags, &pg);
	if (ptr)
		pt_l1e_put(swap(ptr, pte));
	else
		rc = GNTST_bad_virt_addr;
	put_entry(pg);
	spin_unlock(&d->pt_lock);
	return rc;
}

/* Does the entry map the frame with the rights that @flags says? */
static bool entry_matches(uint64_t pte, mfn_t mfn, unsigned int flags)
{
	return (pte & PTE_P) && mfn_eq(pte_mfn(pte), mfn) &&
	       !(pte & PTE_RW) == !!(flags & GNTMAP_readonly);
}

int arch_grant_unmap(uint64_t host_addr, uint64_t new_addr, unsigned int flags, mfn_t mfn)
{
	struct domain *d = current->domain;
	uint64_t *ptr, *src = NULL, val = 0;
	struct page_info *pg, *src_pg = NULL;
	int rc = GNTST_okay;

	spin_lock(&d->pt_lock);
	ptr = find_entry(d, host_addr, flags, &pg);
	if (new_addr)
		src = find_entry(d, new_addr, flags, &src_pg);
	if (!ptr || (new_addr && (!src || src == ptr))) {
		rc = GNTST_bad_virt_addr;
	} else if (!entry_matches(READ_ONCE(*ptr), mfn, flags)) {
		rc = GNTST_general_error;
	} else {
		/* What moves keeps its references; what was there is the caller's now. */
		if (src)
			val = swap(src, 0);
		(void)swap(ptr, val);
	}
	put_entry(src_pg);
	put_entry(pg);
	spin_unlock(&d->pt_lock);
	return rc;
}

void arch_grant_flush(void)
{
	tlb_flush_mask(&current->domain->dirty_cpus);
}
