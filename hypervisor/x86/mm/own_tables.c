/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The tables of the hypervisor's own address space: slots 256-271 of idle_l4, copied
 * into every guest L4 when it is validated. The L3 tables below them exist from the
 * start and never change place, so that a copy stays true for ever. And what a CPU's
 * root for guests (arch/xpti.h) shows of that.
 *
 * Locks: map_lock for the tables below; the vmap area is handed out once, from
 * bottom to top (device registers and stacks: nothing that comes and goes).
 */
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/spinlock.h>
#include <arch/page.h>
#include <arch/setup.h>
#include "paging.h"

uint64_t *idle_l4;
bool paging_allocator_ready;

static struct spinlock map_lock = SPINLOCK_INIT(RANK_NONE);
static unsigned long vmap_next = VMAP_VIRT_START;

uint64_t *paging_new_table(void)
{
	void *p = paging_allocator_ready ? hyp_page_alloc()
					 : paddr_to_virt(boot_alloc(PAGE_SIZE, PAGE_SIZE));

	if (p && !paging_allocator_ready)
		memset(p, 0, PAGE_SIZE);
	return p;
}

/* The entry for @va at @level (1..3) below @table, an L4; tables made on the way. NULL: no memory. */
static uint64_t *walk(uint64_t *table, unsigned long va, unsigned int level)
{
	for (unsigned int l = 4; l > level; l--) {
		uint64_t *e = &table[pt_index(va, l)];

		if (!(*e & PTE_P)) {
			uint64_t *t = paging_new_table();

			if (!t)
				return NULL;
			/* Only the M2P window is for guests' eyes; leaves decide. */
			WRITE_ONCE(*e, pte_make(virt_to_mfn(t), PTE_HV_TABLE | PTE_US));
		}
		BUG_ON(*e & PTE_PSE);
		table = mfn_to_virt(pte_mfn(*e));
	}
	return &table[pt_index(va, level)];
}

uint64_t *paging_entry(unsigned long va, unsigned int level)
{
	return walk(idle_l4, va, level);
}

int map_pages(unsigned long va, mfn_t mfn, unsigned long nr, uint64_t flags)
{
	int rc = 0;

	ASSERT(in_hypervisor_range(va));
	spin_lock(&map_lock);
	for (; nr; nr--, va += PAGE_SIZE, mfn = mfn_add(mfn, 1)) {
		uint64_t *e = paging_entry(va, 1);

		if (!e) {
			rc = -ENOMEM;
			break;
		}
		WRITE_ONCE(*e, pte_make(mfn, flags));
	}
	spin_unlock(&map_lock);
	return rc;
}

void unmap_pages(unsigned long va, unsigned long nr)
{
	spin_lock(&map_lock);
	for (; nr; nr--, va += PAGE_SIZE)
		WRITE_ONCE(*paging_entry(va, 1), 0);
	spin_unlock(&map_lock);
}

uint64_t *paging_l1_of(unsigned long va)
{
	return paging_entry(va, 1);
}

int __init paging_show(uint64_t *l4, unsigned long va, unsigned long nr, uint64_t flags)
{
	for (; nr; nr--, va += PAGE_SIZE) {
		uint64_t *e = walk(l4, va, 1);

		if (!e)
			return -ENOMEM;
		*e = pte_make(pte_mfn(*paging_entry(va, 1)), flags);
	}
	return 0;
}

int __init paging_share_l1(uint64_t *l4, unsigned long va)
{
	uint64_t *e = walk(l4, va, 2);

	if (!e)
		return -ENOMEM;
	*e = *paging_entry(va, 2);
	return 0;
}

unsigned long vmap_reserve(unsigned long pages)
{
	unsigned long va;

	spin_lock(&map_lock);
	va = vmap_next;
	/* One page stays unmapped between neighbours. */
	if (pages < (VMAP_VIRT_END - va) / PAGE_SIZE)
		vmap_next += (pages + 1) * PAGE_SIZE;
	else
		va = 0;
	spin_unlock(&map_lock);
	return va;
}

void *ioremap(paddr_t pa, size_t len)
{
	unsigned long off = pa & (PAGE_SIZE - 1), pages = PFN_UP(off + len), va;

	va = vmap_reserve(pages);
	if (!va || map_pages(va, _mfn(PFN_DOWN(pa)), pages, PTE_HV_UC))
		return NULL;
	return (void *)(va + off);
}
