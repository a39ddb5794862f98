/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Address conversions, the hypervisor's mappings, the M2P, the TLB of x86-64. */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include <arch/layout.h>
#include <arch/pte.h>
#include <hv/lib.h>
#include <hv/mm.h>

/* Whole pages, at the speed that plain stores reach on real CPUs and on emulated ones. */
void clear_page(void *p);
void copy_page(void *dst, const void *src);

static inline void *paddr_to_virt(paddr_t pa)
{
	return (void *)(DIRECTMAP_VIRT_START + pa);
}

static inline paddr_t virt_to_paddr(const void *va)
{
	return (unsigned long)va - DIRECTMAP_VIRT_START;
}

static inline void *mfn_to_virt(mfn_t mfn)
{
	return paddr_to_virt(mfn_x(mfn) << PAGE_SHIFT);
}

/* Direct-map addresses only. */
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

/* ---- the hypervisor's own mappings (mm/own_tables.c) ---------------------- */

/* Maps frames in our part of the address space (PTE_HV_* flags). -ENOMEM. */
int map_pages(unsigned long va, mfn_t mfn, unsigned long nr, uint64_t flags);
void unmap_pages(unsigned long va, unsigned long nr);
/* The L1 entry of one of our addresses; its neighbours follow up to the next 2 MiB. */
uint64_t *paging_l1_of(unsigned long va);

/*
 * Another root than our own, @l4: shows @nr pages there at the same place, with @flags;
 * or has our L1 table of @va, with what comes into it later. -ENOMEM.
 */
int paging_show(uint64_t *l4, unsigned long va, unsigned long nr, uint64_t flags);
int paging_share_l1(uint64_t *l4, unsigned long va);

/* Device registers, uncached; any alignment. NULL: out of space. */
void *ioremap(paddr_t pa, size_t len);

extern uint64_t *idle_l4;

/* ---- machine to physical table -------------------------------------------- */

#define INVALID_M2P_ENTRY (~0UL)
#define m2p_table         ((unsigned long *)M2P_VIRT_START)

static inline void m2p_set(mfn_t mfn, unsigned long pfn)
{
	WRITE_ONCE(m2p_table[mfn_x(mfn)], pfn);
}

static inline unsigned long m2p_get(mfn_t mfn)
{
	return READ_ONCE(m2p_table[mfn_x(mfn)]);
}

/* ---- TLB (mm/tlb.c) -------------------------------------------------------- */

/*
 * The flush clock ticks with each flush of all non-global entries of a CPU.
 * tlb_filter() leaves of a mask the CPUs that have not flushed since @stamp.
 */
uint32_t tlb_clock(void);
struct cpumask;
void tlb_filter(struct cpumask *m, uint32_t stamp);

void tlb_flush_local(void); /* non-global entries */
void tlb_flush_local_all(void); /* global ones too */
void tlb_flush_local_one(unsigned long va);
void tlb_flush_mask(const struct cpumask *m); /* waits until all have; interrupts on */
void tlb_flush_mask_one(const struct cpumask *m, unsigned long va);

void write_cr3(unsigned long cr3); /* counts as a flush */
/* What is in CR3 of a CPU, while that is in the hypervisor. */
unsigned long tlb_root_of(unsigned int cpu);
void tlb_flush_interrupt(void);

#endif
