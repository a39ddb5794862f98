/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The arithmetic of layout.h: pure functions of numbers, so that tests can
 * check every kernel shape without a hypervisor. No state, no locks.
 */
#include <errno.h>
#include <string.h>

#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"
#include "dom0-tools/libdomain/layout.h"

/* What stays free and mapped behind the last structure, and its rounding. */
#define MAP_SLACK (512 * 1024UL)
#define MAP_ALIGN (4 * DOM_MIB)

#define PT_PRESENT  0x001u
#define PT_WRITE    0x002u
#define PT_USER     0x004u
#define PT_ACCESSED 0x020u
#define PT_DIRTY    0x040u
#define PT_TABLE    (PT_PRESENT | PT_WRITE | PT_USER | PT_ACCESSED | PT_DIRTY)
#define PT_PAGE     (PT_PRESENT | PT_WRITE | PT_ACCESSED | PT_DIRTY)

/* The number of a page within the 48 bits that are translated. */
static uint64_t va_page(uint64_t va)
{
	return (va & ((1ULL << 48) - 1)) >> DOM_PAGE_SHIFT;
}

uint64_t pt_range_tables(uint64_t va, uint64_t nr_pages, uint64_t ret_nr[3])
{
	uint64_t first = va_page(va), last = first + nr_pages - 1, sum = 0;

	for (int level = 0; level < 3; level++) {
		unsigned int shift = 9u * (unsigned int)(level + 1);

		ret_nr[level] = nr_pages ? (last >> shift) - (first >> shift) + 1 : 0;
		sum += ret_nr[level];
	}
	return sum;
}

static uint64_t pages(uint64_t bytes)
{
	return (bytes + DOM_PAGE_SIZE - 1) >> DOM_PAGE_SHIFT;
}

/*
 * The tables map themselves, so their number depends on itself: start with
 * none and add until it is enough.
 */
static void place_tables(struct pv_layout *l, uint64_t *next)
{
	uint64_t need = 0;

	l->l4_pfn = *next;
	do {
		uint64_t end;

		l->nr_pt = need;
		l->stack_pfn = l->l4_pfn + l->nr_pt;
		end = l->virt_base + ((l->stack_pfn + 1) << DOM_PAGE_SHIFT) + MAP_SLACK;
		end = (end + MAP_ALIGN - 1) & ~(MAP_ALIGN - 1);
		l->base.nr_pages = (end - l->virt_base) >> DOM_PAGE_SHIFT;
		need = 1 + pt_range_tables(l->virt_base, l->base.nr_pages, l->base.nr_tables);
	} while (need > l->nr_pt);
	l->base.va = l->virt_base;
	l->base.first_pfn = 0;
	l->base.table_pfn = l->l4_pfn + 1;
	*next = l->base.nr_pages;
}

static void place_initrd(struct pv_layout *l, bool mapped, uint64_t *next)
{
	l->initrd_pfn = *next;
	l->initrd_mapped = mapped;
	*next += l->initrd_pages;
}

static void place_p2m_inside(struct pv_layout *l, uint64_t *next)
{
	l->p2m_pfn = *next;
	l->p2m_va = pv_layout_va(l, l->p2m_pfn);
	*next += l->p2m_pages;
}

static void place_p2m_outside(struct pv_layout *l, uint64_t va, uint64_t *next)
{
	l->p2m_outside = true;
	l->p2m_pfn = *next;
	l->p2m_va = va;
	l->p2m.va = va;
	l->p2m.first_pfn = l->p2m_pfn;
	l->p2m.nr_pages = l->p2m_pages;
	l->p2m.table_pfn = l->p2m_pfn + l->p2m_pages;
	*next += l->p2m_pages + pt_range_tables(va, l->p2m_pages, l->p2m.nr_tables);
}

/* L4 slots first..last of a mapping. */
static bool slots_overlap(const struct pt_range *a, const struct pt_range *b)
{
	uint64_t a0 = va_page(a->va) >> 27, a1 = (va_page(a->va) + a->nr_pages - 1) >> 27;
	uint64_t b0 = va_page(b->va) >> 27, b1 = (va_page(b->va) + b->nr_pages - 1) >> 27;

	return a0 <= b1 && b0 <= a1;
}

/* Slots 256 to 271 belong to the hypervisor. */
static bool slots_reserved(const struct pt_range *r)
{
	uint64_t first = va_page(r->va) >> 27, last = (va_page(r->va) + r->nr_pages - 1) >> 27;

	return first <= 271 && last >= 256;
}

static int check_space(struct dom_ctx *ctx, const struct pv_layout *l)
{
	uint64_t bytes = l->base.nr_pages << DOM_PAGE_SHIFT;

	/* Up to the end of its half of the address space, or of all. */
	if ((l->virt_base && bytes > 0 - l->virt_base) || bytes > 1ULL << 47 ||
	    slots_reserved(&l->base)) {
		return dom_err(ctx, -ENOEXEC,
			       "kernel and ramdisk don't fit into the address space above %#llx "
			       "(make the ramdisk smaller)",
			       (unsigned long long)l->virt_base);
	}
	if (l->p2m_outside && (slots_overlap(&l->base, &l->p2m) || slots_reserved(&l->p2m))) {
		return dom_err(ctx, -ENOEXEC,
			       "the kernel wants its P2M list at %#llx, which is taken (a broken "
			       "INIT_P2M note)",
			       (unsigned long long)l->p2m_va);
	}
	return 0;
}

int pv_layout_compute(struct dom_ctx *ctx, const struct dom_kernel *kernel, uint64_t initrd_len,
		      uint64_t nr_pages, struct pv_layout *ret_layout)
{
	struct pv_layout l = {.nr_pages = nr_pages, .virt_base = kernel->virt_base};
	uint64_t next;
	int rc;

	l.kernel_pfn = kernel->paddr_start >> DOM_PAGE_SHIFT;
	next = pages(kernel->paddr_end);
	l.kernel_pages = next - l.kernel_pfn;
	l.initrd_pages = pages(initrd_len);
	l.p2m_pages = pages(nr_pages * sizeof(uint64_t));

	if (l.initrd_pages && !kernel->mod_start_pfn) {
		place_initrd(&l, true, &next);
	}
	if (!kernel->has_init_p2m) {
		place_p2m_inside(&l, &next);
	}
	l.start_info_pfn = next++;
	l.store_pfn = next++;
	l.console_pfn = next++;
	place_tables(&l, &next);
	if (l.initrd_pages && kernel->mod_start_pfn) {
		place_initrd(&l, false, &next);
	}
	if (kernel->has_init_p2m) {
		place_p2m_outside(&l, kernel->init_p2m, &next);
	}
	l.used_pfns = next;

	rc = check_space(ctx, &l);
	if (!rc && l.used_pfns > nr_pages) {
		rc = dom_err(ctx, -ENOMEM,
			     "too little memory: this kernel with its ramdisk needs at least %llu "
			     "MiB to start, the domain has %llu MiB (raise memory=)",
			     (unsigned long long)((l.used_pfns >> 8) + 1),
			     (unsigned long long)(nr_pages >> 8));
	}
	if (!rc) {
		*ret_layout = l;
	}
	return rc;
}

static uint64_t entry(uint64_t mfn, uint64_t flags)
{
	return mfn << DOM_PAGE_SHIFT | flags;
}

/*
 * Level @level's tables (2: L3s, 1: L2s) point to the next lower level's. Both
 * are counted from the first one of the range.
 */
static void link_tables(const struct pt_range *r, int level, uint64_t *upper, const uint64_t *p2m,
			uint64_t lower_pfn)
{
	unsigned int shift = 9u * (unsigned int)level;
	uint64_t first = va_page(r->va) >> shift;
	uint64_t first_upper = first >> 9;

	for (uint64_t i = 0; i < r->nr_tables[level - 1]; i++) {
		uint64_t n = first + i;
		uint64_t *table = upper + ((n >> 9) - first_upper) * PT_ENTRIES;

		table[n % PT_ENTRIES] = entry(p2m[lower_pfn + i], PT_TABLE);
	}
}

void pt_range_fill(const struct pt_range *range, uint64_t *l4, uint64_t *tables,
		   const uint64_t *p2m, uint64_t ro_first, uint64_t ro_nr)
{
	const uint64_t *nr = range->nr_tables;
	uint64_t first = va_page(range->va);
	uint64_t l3_pfn = range->table_pfn, l2_pfn = l3_pfn + nr[2], l1_pfn = l2_pfn + nr[1];
	uint64_t *l3 = tables, *l2 = l3 + nr[2] * PT_ENTRIES, *l1 = l2 + nr[1] * PT_ENTRIES;

	for (uint64_t i = 0; i < nr[2]; i++) {
		l4[((first >> 27) + i) % PT_ENTRIES] = entry(p2m[l3_pfn + i], PT_TABLE);
	}
	link_tables(range, 2, l3, p2m, l2_pfn);
	link_tables(range, 1, l2, p2m, l1_pfn);
	for (uint64_t i = 0; i < range->nr_pages; i++) {
		uint64_t pfn = range->first_pfn + i;
		uint64_t flags =
			pfn >= ro_first && pfn - ro_first < ro_nr ? PT_PAGE & ~PT_WRITE : PT_PAGE;
		uint64_t *table = l1 + (((first + i) >> 9) - (first >> 9)) * PT_ENTRIES;

		table[(first + i) % PT_ENTRIES] = entry(p2m[pfn], flags);
	}
}
