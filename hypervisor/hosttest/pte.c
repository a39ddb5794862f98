/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * arch_grant_* without page tables: a list of addresses, each with a frame. As
 * with real entries, one that maps a frame owns a page reference and, if it is
 * writable, PGT_writable. One list for all domains: use different addresses.
 */
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/grant_table.h>
#include <arch/grant.h>
#include <hosttest/machine.h>

struct ht_pte ht_ptes[HT_PTES];
unsigned int ht_grant_flushes;
bool ht_grant_map_fails;

struct ht_pte *ht_pte_at(uint64_t addr)
{
	for (unsigned int i = 0; i < HT_PTES; i++) {
		if (ht_ptes[i].present && ht_ptes[i].addr == addr)
			return &ht_ptes[i];
	}
	return NULL;
}

static void drop(struct ht_pte *p)
{
	if (p->writable)
		page_put_and_type_simple(mfn_to_page(p->mfn));
	else
		page_put(mfn_to_page(p->mfn));
	p->present = false;
}

int arch_grant_map(uint64_t host_addr, unsigned int flags, mfn_t mfn)
{
	struct ht_pte *p = ht_pte_at(host_addr);

	if (ht_grant_map_fails || !host_addr)
		return GNTST_bad_virt_addr;
	if (p)
		drop(p);
	for (p = ht_ptes; p->present; p++)
		BUG_ON(p == &ht_ptes[HT_PTES - 1]);
	*p = (struct ht_pte){host_addr, mfn, true, !(flags & GNTMAP_readonly)};
	return GNTST_okay;
}

int arch_grant_unmap(uint64_t host_addr, uint64_t new_addr, unsigned int flags, mfn_t mfn)
{
	struct ht_pte *p = ht_pte_at(host_addr), *src = new_addr ? ht_pte_at(new_addr) : NULL;

	if (new_addr && (!src || src == p))
		return GNTST_bad_virt_addr;
	if (!p || !mfn_eq(p->mfn, mfn) || p->writable == !!(flags & GNTMAP_readonly))
		return GNTST_general_error;
	p->present = false;
	if (src)
		src->addr = host_addr;
	return GNTST_okay;
}

void arch_grant_flush(void)
{
	ht_grant_flushes++;
}

void ht_ptes_clear(void)
{
	for (unsigned int i = 0; i < HT_PTES; i++) {
		if (ht_ptes[i].present)
			drop(&ht_ptes[i]);
	}
}
