/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Page-table entries and addresses of x86-64: the format alone, no machine. */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include <arch/layout.h>
#include <hv/lib.h>
#include <hv/types.h>

#define PTE_P          (1UL << 0)
#define PTE_RW         (1UL << 1)
#define PTE_US         (1UL << 2)
#define PTE_PWT        (1UL << 3)
#define PTE_PCD        (1UL << 4)
#define PTE_A          (1UL << 5)
#define PTE_D          (1UL << 6)
#define PTE_PSE        (1UL << 7)
#define PTE_PAT        (1UL << 7) /* in an L1 entry */
#define PTE_G          (1UL << 8)
#define PTE_AVAIL      (7UL << 9)
#define PTE_AVAIL_HIGH (0x7ffUL << 52)
#define PTE_NX         (1UL << 63)
#define PTE_ADDR_MASK  0x000ffffffffff000UL
#define PTE_CACHE      (PTE_PWT | PTE_PCD | PTE_PAT) /* of an L1 entry; 0: write-back */

#define PTES_PER_TABLE      512
#define L1_SHIFT            12
#define L2_SHIFT            21
#define L3_SHIFT            30
#define L4_SHIFT            39
#define pt_index(va, level) (((va) >> (12 + 9 * ((level)-1))) & 511)

/* What hypervisor mappings are made of. */
#define PTE_HV       (PTE_P | PTE_A | PTE_D | PTE_G)
#define PTE_HV_RW    (PTE_HV | PTE_RW | PTE_NX)
#define PTE_HV_RO    (PTE_HV | PTE_NX)
#define PTE_HV_RX    PTE_HV
#define PTE_HV_UC    (PTE_HV_RW | PTE_PCD | PTE_PWT)
#define PTE_HV_TABLE (PTE_P | PTE_RW | PTE_A | PTE_D)

static inline mfn_t pte_mfn(uint64_t pte)
{
	return _mfn((pte & PTE_ADDR_MASK) >> PAGE_SHIFT);
}

static inline uint64_t pte_make(mfn_t mfn, uint64_t flags)
{
	return (mfn_x(mfn) << PAGE_SHIFT) | flags;
}

static inline bool is_canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

static inline bool in_hypervisor_range(uint64_t va)
{
	return va >= HYPERVISOR_START && va < HYPERVISOR_END;
}

#endif
