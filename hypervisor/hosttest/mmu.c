/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The MMU as a guest sees it: rights of all levels together, a TLB that forgets
 * nothing by itself but its oldest entry. What it does not have: A and D bits,
 * superpages, caches of upper levels, no-execute.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <arch/page.h>

static unsigned int next_victim[HT_CPUS];

/* A guest runs in ring 3: without the user bit it has no access. */
static bool walk(const struct vcpu *v, unsigned long va, bool write, mfn_t *ret_mfn)
{
	const struct page_info *root = v->arch.in_kernel ? v->arch.root : v->arch.user_root;
	const uint64_t *t = root ? page_to_virt(root) : NULL;

	for (unsigned int level = 4; t && level; level--) {
		uint64_t e = READ_ONCE(t[pt_index(va, level)]);

		if (!(e & PTE_P) || !(e & PTE_US) || (write && !(e & PTE_RW)))
			return false;
		*ret_mfn = pte_mfn(e);
		if (!mfn_valid(*ret_mfn))
			return false; /* a device: nothing to see here */
		t = mfn_to_virt(*ret_mfn);
	}
	return t;
}

void *ht_mmu_access(unsigned long va, bool write)
{
	struct ht_tlb_entry *tlb = ht_tlb[ht_cpu], *e;
	mfn_t mfn;

	if (!is_canonical(va) || in_hypervisor_range(va))
		return NULL;
	for (e = tlb; e < tlb + HT_TLB; e++) {
		if (e->valid && e->va >> PAGE_SHIFT == va >> PAGE_SHIFT && (!write || e->writable))
			goto found;
	}
	if (!walk(current, va, write, &mfn))
		return NULL;
	e = &tlb[next_victim[ht_cpu]++ % HT_TLB];
	*e = (struct ht_tlb_entry){.valid = true,
				   .writable = write,
				   .owner = page_owner_id(mfn_to_page(mfn)),
				   .va = va,
				   .mfn = mfn};
found:
	return (char *)mfn_to_virt(e->mfn) + (va & (PAGE_SIZE - 1));
}
