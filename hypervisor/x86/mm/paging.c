/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What is where in the hypervisor's own address space, as it is made at start-up: the
 * image, the direct map, the frame table, the M2P. The tables are own_tables.c's.
 *
 * No locks: one CPU runs; afterwards it is only read.
 */
#include <hv/bitops.h>
#include <hv/bootinfo.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/memory.h>
#include <arch/setup.h>
#include "paging.h"

#define SUPERPAGE_SIZE       (1UL << L2_SHIFT)
#define FRAMES_PER_FT_CHUNK  (SUPERPAGE_SIZE / sizeof(struct page_info))
#define FRAMES_PER_M2P_CHUNK (SUPERPAGE_SIZE / sizeof(unsigned long))

_Static_assert(sizeof(struct page_info) == 16, "the memory budget counts on it");

struct page_info *frame_table = (struct page_info *)FRAMETABLE_VIRT_START;
unsigned long max_page, total_pages;

/* Which 2 MiB pieces of the frame table exist. */
#define MAX_FT_CHUNKS \
	((DIRECTMAP_VIRT_END - DIRECTMAP_VIRT_START) / PAGE_SIZE / FRAMES_PER_FT_CHUNK)
static unsigned long ft_chunks[BITS_TO_LONGS(MAX_FT_CHUNKS)] __ro_after_init;

static void __init map_superpage(unsigned long va, paddr_t pa, uint64_t flags)
{
	*paging_entry(va, 2) = pa | flags | PTE_PSE;
}

/* [start, end) of RAM at its place in the direct map, but not what is in the image's code. */
static void __init map_direct(paddr_t start, paddr_t end)
{
	paddr_t ro_start = HV_PHYS_START, ro_end = image_paddr(__ro_after_init_end);

	for (paddr_t pa = start; pa < end;) {
		unsigned long va = DIRECTMAP_VIRT_START + pa;
		bool image =
			pa < ROUND_UP(ro_end, SUPERPAGE_SIZE) && pa + SUPERPAGE_SIZE > ro_start;

		if (!(pa & (SUPERPAGE_SIZE - 1)) && pa + SUPERPAGE_SIZE <= end && !image) {
			map_superpage(va, pa, PTE_HV_RW);
			pa += SUPERPAGE_SIZE;
			continue;
		}
		if (pa < ro_start || pa >= ro_end)
			*paging_entry(va, 1) = pa | PTE_HV_RW;
		pa += PAGE_SIZE;
	}
}

static void __init map_image_part(const char *from, const char *to, uint64_t flags)
{
	for (; from < to; from += PAGE_SIZE)
		*paging_entry((unsigned long)from, 1) = image_paddr(from) | flags;
}

static void __init map_image(void)
{
	map_image_part(__image_start, __text_ro_start, PTE_HV_RX);
	map_image_part(__text_ro_start, __text_end, PTE_HV_RW);
	map_image_part(__text_end, __rodata_end, PTE_HV_RO);
	map_image_part(__rodata_end, __init_start, PTE_HV_RW);
	map_image_part(__init_start, __init_end, PTE_HV | PTE_RW);
	map_image_part(__init_end, __image_end, PTE_HV_RW);
}

void __init paging_seal_image(void)
{
	map_image_part(__text_ro_start, __text_end, PTE_HV_RX);
	map_image_part(__rodata_end, __ro_after_init_end, PTE_HV_RO);
	map_image_part(__init_start, __init_end, 0);
	for (const char *p = __init_start; p < __init_end; p += PAGE_SIZE)
		*paging_entry((unsigned long)p, 1) = 0;
	tlb_flush_local_all();
}

/* Does a RAM range of the memory map reach into frames [s, e)? */
static bool __init has_ram(unsigned long s, unsigned long e)
{
	for (unsigned int i = 0; i < machine_e820.nr; i++) {
		const struct e820_entry *r = &machine_e820.e[i];

		if (r->type == E820_RAM && PFN_UP(r->addr) < e && PFN_DOWN(r->addr + r->size) > s)
			return true;
	}
	return false;
}

/* Frame descriptors, 2 MiB of them at a time, where there is RAM to describe. */
static void __init map_frame_table(void)
{
	for (unsigned long f = 0; f < max_page; f += FRAMES_PER_FT_CHUNK) {
		paddr_t pa;
		struct page_info *pg;

		if (!has_ram(f, f + FRAMES_PER_FT_CHUNK))
			continue;
		pa = boot_alloc(SUPERPAGE_SIZE, SUPERPAGE_SIZE);
		pg = paddr_to_virt(pa);
		memset(pg, 0, SUPERPAGE_SIZE);
		for (unsigned long i = 0; i < FRAMES_PER_FT_CHUNK; i++)
			pg[i].owner = DOMID_IO;
		map_superpage((unsigned long)&frame_table[f], pa, PTE_HV_RW);
		__set_bit((unsigned int)(f / FRAMES_PER_FT_CHUNK), ft_chunks);
	}
}

static void __init map_m2p(void)
{
	for (unsigned long f = 0; f < max_page; f += FRAMES_PER_M2P_CHUNK) {
		paddr_t pa;

		if (!has_ram(f, f + FRAMES_PER_M2P_CHUNK))
			continue;
		pa = boot_alloc(SUPERPAGE_SIZE, SUPERPAGE_SIZE);
		memset(paddr_to_virt(pa), 0xff, SUPERPAGE_SIZE);
		map_superpage(M2P_VIRT_START + f * 8, pa, PTE_HV_RW);
		map_superpage(M2P_RO_VIRT_START + f * 8, pa, PTE_HV_RO | PTE_US);
	}
}

bool mfn_valid(mfn_t mfn)
{
	unsigned long f = mfn_x(mfn);

	return f < max_page && test_bit((unsigned int)(f / FRAMES_PER_FT_CHUNK), ft_chunks) &&
	       READ_ONCE(frame_table[f].owner) != DOMID_IO;
}

mfn_t memory_m2p_chunk(unsigned long chunk)
{
	uint64_t e;

	if (chunk * FRAMES_PER_M2P_CHUNK >= max_page)
		return INVALID_MFN;
	e = *paging_entry(M2P_VIRT_START + chunk * SUPERPAGE_SIZE, 2);
	return e & PTE_P ? pte_mfn(e & ~(SUPERPAGE_SIZE - 1)) : INVALID_MFN;
}

void __init paging_init(void)
{
	for (unsigned int i = 0; i < machine_e820.nr; i++) {
		const struct e820_entry *e = &machine_e820.e[i];

		if (e->type == E820_RAM && PFN_DOWN(e->addr + e->size) > max_page)
			max_page = PFN_DOWN(e->addr + e->size);
	}
	idle_l4 = paging_new_table();
	for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++)
		idle_l4[i] = pte_make(virt_to_mfn(paging_new_table()), PTE_HV_TABLE | PTE_US);
	map_image();
	for (unsigned int i = 0; i < machine_e820.nr; i++) {
		const struct e820_entry *e = &machine_e820.e[i];

		if (e->type == E820_RAM || e->type == E820_ACPI)
			map_direct(ROUND_DOWN(e->addr, PAGE_SIZE),
				   ROUND_UP(e->addr + e->size, PAGE_SIZE));
	}
	map_frame_table();
	map_m2p();
	write_cr3(virt_to_paddr(idle_l4));
}

/*
 * The control domain's tools map the M2P as memory of DOMID_XEN, to read it. The
 * locked type keeps it from being mapped writable; the one count is ours, for good.
 */
static void __init share_m2p(void)
{
	for (unsigned long f = 0; f < max_page; f += FRAMES_PER_M2P_CHUNK) {
		mfn_t first = memory_m2p_chunk(f / FRAMES_PER_M2P_CHUNK);

		if (mfn_eq(first, INVALID_MFN))
			continue;
		for (unsigned long i = 0; i < SUPERPAGE_SIZE / PAGE_SIZE; i++) {
			struct page_info *pg = mfn_to_page(mfn_add(first, i));

			pg->owner = DOMID_XEN;
			pg->type = (PGT_locked << PGT_type_shift) | 1;
			pg->count = PGC_hyp | 1;
		}
	}
}

/* From here on tables come from the allocator, and each frame has its descriptor. */
void __init paging_use_allocator(void)
{
	paging_allocator_ready = true;
	share_m2p();
}
