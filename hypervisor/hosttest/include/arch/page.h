/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Memory of the host tests: an arena whose first byte has machine address 0. */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include <arch/pte.h>
#include <hosttest/machine.h>
#include <hv/lib.h>
#include <hv/mm.h>

static inline void *paddr_to_virt(paddr_t pa)
{
	return ht_ram + pa;
}

static inline paddr_t virt_to_paddr(const void *va)
{
	return (paddr_t)((const char *)va - ht_ram);
}

static inline void *mfn_to_virt(mfn_t mfn)
{
	return paddr_to_virt(mfn_x(mfn) << PAGE_SHIFT);
}

static inline mfn_t virt_to_mfn(const void *va)
{
	return _mfn(virt_to_paddr(va) >> PAGE_SHIFT);
}

static inline struct page_info *virt_to_page(const void *va)
{
	return mfn_to_page(virt_to_mfn(va));
}

static inline void *page_to_virt(const struct page_info *pg)
{
	return mfn_to_virt(page_to_mfn(pg));
}

void clear_page(void *p);
void copy_page(void *dst, const void *src);

#define INVALID_M2P_ENTRY (~0UL)

static inline void m2p_set(mfn_t mfn, unsigned long pfn)
{
	ht_m2p[mfn_x(mfn)] = pfn;
}

static inline unsigned long m2p_get(mfn_t mfn)
{
	return ht_m2p[mfn_x(mfn)];
}

/* Flushes are counted (ht_tlb_flushes), and move the clock. */
uint32_t tlb_clock(void);
struct cpumask;
void tlb_filter(struct cpumask *m, uint32_t stamp);
void tlb_flush_mask(const struct cpumask *m);
void tlb_flush_mask_one(const struct cpumask *m, unsigned long va);
void tlb_flush_local(void);
void tlb_flush_local_one(unsigned long va);
void write_cr3(unsigned long cr3);
unsigned long tlb_root_of(unsigned int cpu);

extern uint64_t *idle_l4;
int map_pages(unsigned long va, mfn_t mfn, unsigned long nr, uint64_t flags);
void unmap_pages(unsigned long va, unsigned long nr);
void *ioremap(paddr_t pa, size_t len);
int paging_show(uint64_t *l4, unsigned long va, unsigned long nr, uint64_t flags);
int paging_share_l1(uint64_t *l4, unsigned long va);
uint64_t *paging_l1_of(unsigned long va);

#endif
