/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Memory before there is an allocator: a list of reserved ranges, and first fit
 * from the top of RAM below 4 GiB (all that the first page tables map).
 * boot_alloc_finish() hands whatever RAM is left to the allocator.
 */
#include <hv/bootinfo.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <arch/page.h>
#include <arch/setup.h>

#define MAX_RESERVED   64
#define LOW_MEMORY_END 0x100000UL
#define BOOT_LIMIT     (1UL << 32)

struct range {
	paddr_t start, end;
};

static struct range reserved[MAX_RESERVED] __initdata;
static unsigned int nr_reserved __initdata;

void __init boot_reserve(paddr_t start, paddr_t end)
{
	start = ROUND_DOWN(start, PAGE_SIZE);
	end = ROUND_UP(end, PAGE_SIZE);
	for (unsigned int i = 0; i < nr_reserved; i++) {
		/* What is taken from the top grows downwards: keep that one range. */
		if (reserved[i].start == end) {
			reserved[i].start = start;
			return;
		}
	}
	if (nr_reserved == MAX_RESERVED)
		panic("Too many reserved ranges at start-up");
	reserved[nr_reserved++] = (struct range){start, end};
}

/* The reserved range that touches [s, e), or NULL. */
static const struct range *__init overlap(paddr_t s, paddr_t e)
{
	for (unsigned int i = 0; i < nr_reserved; i++) {
		if (reserved[i].start < e && reserved[i].end > s)
			return &reserved[i];
	}
	return NULL;
}

paddr_t __init boot_alloc(uint64_t size, uint64_t align)
{
	for (unsigned int i = machine_e820.nr; i--;) {
		const struct e820_entry *e = &machine_e820.e[i];
		paddr_t end = min(e->addr + e->size, BOOT_LIMIT);

		if (e->type != E820_RAM)
			continue;
		while (end >= e->addr + size) {
			paddr_t start = ROUND_DOWN(end - size, align);
			const struct range *r;

			if (start < e->addr)
				break;
			r = overlap(start, start + size);
			if (!r) {
				boot_reserve(start, start + size);
				return start;
			}
			end = r->start;
		}
	}
	panic("No memory for %lu bytes at start-up", size);
}

/* [s, e) less the reserved ranges. */
static void __init add_free(paddr_t s, paddr_t e)
{
	while (s < e) {
		paddr_t next = e;
		const struct range *r = overlap(s, s + PAGE_SIZE);

		if (r) {
			s = r->end;
			continue;
		}
		for (unsigned int i = 0; i < nr_reserved; i++) {
			if (reserved[i].start > s && reserved[i].start < next)
				next = reserved[i].start;
		}
		page_alloc_add(_mfn(PFN_DOWN(s)), _mfn(PFN_DOWN(next)));
		s = next;
	}
}

void __init boot_alloc_finish(void)
{
	for (unsigned int i = 0; i < machine_e820.nr; i++) {
		const struct e820_entry *e = &machine_e820.e[i];
		/* The first MiB counts as the firmware's, for the control domain to look at. */
		paddr_t s = max(ROUND_UP(e->addr, PAGE_SIZE), LOW_MEMORY_END);
		paddr_t t = ROUND_DOWN(e->addr + e->size, PAGE_SIZE);

		if (e->type != E820_RAM || s >= t)
			continue;
		for (paddr_t p = s; p < t; p += PAGE_SIZE)
			frame_table[PFN_DOWN(p)].owner = DOMID_INVALID;
		total_pages += PFN_DOWN(t - s);
		add_free(s, t);
	}
}
