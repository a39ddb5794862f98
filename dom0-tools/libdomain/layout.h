/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Where everything lies in a new PV domain, in pseudo-physical frames and in
 * the address space that it starts with.
 *
 *   PFN 0      kernel                                            nr_pages
 *    |  hole | image [initrd] [P2M] start store console tables stack pad |...
 *    +-------+-----------------------------------------------------------+...
 *    ^ virt_base         all of this is mapped, 4 KiB pages              ^ mapped_pfns
 *
 *   then, unmapped: [initrd] and [P2M list, its tables], if the kernel takes
 *   them there; then the rest of memory.
 *
 * The P2M list must be above all that the base mapping covers, because Linux
 * takes its first frame for the end of that mapping. The tables begin with the
 * L4, then L3s, L2s and L1s, because Linux takes back an initial L4, L3 and L2
 * that follow each other.
 */
#ifndef PAVISE_LIBDOMAIN_LAYOUT_H
#define PAVISE_LIBDOMAIN_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct dom_ctx;
struct dom_kernel;

#define PT_LEVELS  4
#define PT_ENTRIES 512u

/* A contiguous mapping and the tables that make it, L4 apart. */
struct pt_range {
	uint64_t va; /* of the first page */
	uint64_t first_pfn; /* mapped there */
	uint64_t nr_pages;
	uint64_t table_pfn; /* the first L3; L2s and L1s follow */
	uint64_t nr_tables[3]; /* L1s, L2s, L3s */
};

struct pv_layout {
	uint64_t nr_pages;
	uint64_t virt_base;
	uint64_t kernel_pfn, kernel_pages;
	uint64_t initrd_pfn, initrd_pages; /* 0 pages: none */
	bool initrd_mapped;
	uint64_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
	uint64_t l4_pfn, nr_pt; /* the L4 and the base mapping's tables */
	struct pt_range base;
	uint64_t p2m_va, p2m_pfn, p2m_pages; /* the list itself */
	bool p2m_outside; /* it has a mapping of its own: p2m */
	struct pt_range p2m;
	uint64_t used_pfns; /* all of the above */
};

/*
 * @initrd_len: bytes. -ENOMEM with a message that says how much is needed: it
 * doesn't fit into @nr_pages; -ENOEXEC: no room in the kernel's address space.
 */
int pv_layout_compute(struct dom_ctx *ctx, const struct dom_kernel *kernel, uint64_t initrd_len,
		      uint64_t nr_pages, struct pv_layout *ret_layout);

/* Tables that a mapping of @nr_pages from @va takes on each level, L4 apart. */
uint64_t pt_range_tables(uint64_t va, uint64_t nr_pages, uint64_t ret_nr[3]);

/* The virtual address of a frame in the base mapping. */
static inline uint64_t pv_layout_va(const struct pv_layout *l, uint64_t pfn)
{
	return l->virt_base + pfn * 4096;
}

/*
 * Writes the entries of @range: @tables are the pages from range->table_pfn
 * on, @l4 is the L4, @p2m gives each PFN's MFN. Frames ro_first .. +ro_nr are
 * mapped read-only (page tables must be).
 */
void pt_range_fill(const struct pt_range *range, uint64_t *l4, uint64_t *tables,
		   const uint64_t *p2m, uint64_t ro_first, uint64_t ro_nr);

#endif
