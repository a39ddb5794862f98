/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Conflicting cache attributes. A frame that one mapping has cached and another hasn't
 * may be read as it was before it was cleared, on processors that don't look into their
 * caches for it: another domain's old contents. A guest without devices has its memory
 * cached, and nothing else: what asks for another attribute by PWT, PCD or PAT, in an
 * entry of its own, in a table, on a grant's mapping, through any of the ways to write
 * an entry, is refused and changes nothing. Its caches it can't flush, nor another's,
 * and device registers it has none. The classes of XSA-154, -402. Tries R11.
 */
#include "lib/guest.h"

const char test_title[] = "Conflicting cache attributes";

#define PTE_PWT 0x8UL
#define PTE_PCD 0x10UL
#define PTE_PAT 0x80UL
#define CACHE   (PTE_PWT | PTE_PCD | PTE_PAT)
#define FREE_VA 0x3fe00000UL /* no table covers it, but its L2 exists */

static uint64_t attribute(unsigned int n)
{
	return (n & 1 ? PTE_PWT : 0) | (n & 2 ? PTE_PCD : 0) | (n & 4 ? PTE_PAT : 0);
}

/* The page is mapped, cached, and can be used. */
static void check_entry(volatile uint64_t *page, uint64_t home)
{
	uint64_t pte = *pte_of((void *)page);

	/* Xen shows the global bit, and one of those that nobody uses. */
	expect_eq(pte & (PTE_FRAME | PTE_P | PTE_W | PTE_U | CACHE | PTE_NX),
		  home & ~(PTE_A | PTE_D));
	page[3]++;
}

static void by_hypercalls(void)
{
	uint64_t *page = alloc_page(), home = virt_to_maddr(page) | PTE_RW;
	struct mmu_update req = {.ptr = pte_maddr_of(page) | MMU_PT_UPDATE_PRESERVE_AD};

	for (unsigned int n = 1; n < 8; n++) {
		/* Whatever else changes with it */
		for (unsigned int other = 0; other < 4; other++) {
			uint64_t pte = (home | attribute(n)) & ~(other & 1 ? PTE_W : 0);

			pte |= other & 2 ? PTE_NX : 0;
			expect_eq(set_pte(page, pte), -XEN_EINVAL);
			check_entry(page, home);
			expect_eq(pt_write(pte_maddr_of(page), pte), -XEN_EINVAL);
			check_entry(page, home);
			req.val = pte;
			expect_eq(hypercall(mmu_update, &req, 1, 0, DOMID_SELF), -XEN_EINVAL);
			check_entry(page, home);
		}
		/* What isn't there has no attribute. */
		expect_eq(set_pte(page, (home | attribute(n)) & ~PTE_P), 0);
		expect_eq(set_pte(page, home | attribute(n)), -XEN_EINVAL);
		expect_eq(set_pte(page, home), 0);
	}
	expect(is_unused(page));
}

/* As Linux does it when it thinks that it is alone: a plain store to the table. */
static void by_stores(void)
{
	uint64_t *page = alloc_page(), home = virt_to_maddr(page) | PTE_RW;
	volatile uint64_t *entry = pte_of(page);

	for (unsigned int n = 1; n < 8; n++) {
		expect(!PROBE("movq %1, %0", : "=m"(*entry) : "r"(home | attribute(n))));
		expect(!PROBE("movb %1, %0",
			      : "=m"(*(volatile uint8_t *)entry)
			      : "q"((uint8_t)(home | attribute(n)))));
		expect(!PROBE("lock; orq %1, %0", : "=m"(*entry) : "r"(attribute(n))));
		mmu_ext(MMUEXT_INVLPG_LOCAL, (uintptr_t)page, 0);
		check_entry(page, home);
	}
	expect_eq(set_pte(page, home), 0);
	expect(is_unused(page));
}

/* In a table that is looked at when it is hooked in, and in what refers to it. */
static void in_tables(void)
{
	uint64_t *l1 = alloc_page(), *page = alloc_page();
	uint64_t pde = virt_to_maddr(pde_of((void *)FREE_VA));

	for (unsigned int n = 1; n < 8; n++) {
		expect_eq(make_writable(l1), 0);
		l1[3] = virt_to_maddr(page) | PTE_RW;
		l1[500] = virt_to_maddr(page) | PTE_RW | attribute(n);
		expect_eq(make_readonly(l1), 0);
		expect_eq(pt_write(pde, virt_to_maddr(l1) | PTE_RW), -XEN_EINVAL);
		expect_eq(pin_table(l1, 1), -XEN_EINVAL);
	}
	expect_eq(make_writable(l1), 0);
	l1[500] = 0;
	expect_eq(make_readonly(l1), 0);
	for (unsigned int n = 1; n < 4; n++) {
		expect_eq(pt_write(pde, virt_to_maddr(l1) | PTE_RW | attribute(n)), -XEN_EINVAL);
		expect_eq(pt_write(pde, virt_to_maddr(l1) | PTE_RW), 0);
	}
	/* PAT's place in a table's entry is the superpage bit. */
	expect(pt_write(pde, virt_to_maddr(l1) | PTE_RW | PTE_PAT) < 0);
	expect_eq(pt_write(pde, 0), 0);
	mmu_ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
	expect(is_unused(l1));
	expect(is_unused(page));
}

/* A granted frame: its mapping is cached, and stays so. */
static void with_grants(void)
{
	struct grant_entry_v1 *table = grant_table_v1(1);
	uint64_t *page = alloc_page(), *window = alloc_page();
	uint64_t home = virt_to_maddr(window) | PTE_RW;
	struct gnttab_map_grant_ref map;

	grant_v1(&table[20], own_domid(), virt_to_mfn(page), GTF_permit_access);
	map = grant_map(own_domid(), 20, (uintptr_t)window,
			GNTMAP_host_map | 7U << 16 /* ours to use */);
	expect_eq(map.status, GNTST_okay);
	if (map.status)
		return;
	expect_eq(*pte_of(window) & CACHE, 0);
	for (unsigned int n = 1; n < 8; n++) {
		expect(set_pte(window, *pte_of(window) | attribute(n)) < 0);
		expect_eq(*pte_of(window) & CACHE, 0);
	}
	window[1] = 0x99;
	expect_eq(page[1], 0x99);
	expect_eq(grant_unmap((uintptr_t)window, map.handle), GNTST_okay);
	expect_eq(set_pte(window, home), 0);
	expect(is_unused(page));
}

/* Caches are everybody's. */
static void flushing(void)
{
	struct gnttab_cache_flush op = {.length = 64, .op = GNTTAB_CACHE_CLEAN};

	expect(mmu_ext(MMUEXT_FLUSH_CACHE, 0, 0) < 0);
	expect(mmu_ext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0) < 0);
	op.a.dev_bus_addr = virt_to_maddr(alloc_page());
	expect_ours(hypercall(grant_table_op, GNTTABOP_cache_flush, &op, 1) < 0);
	/* Executed, these are privileged; what they do for a kernel is nothing. */
	(void)PROBE("wbinvd", : :);
}

/* However they would be cached */
static void device_registers(void)
{
	static const uint64_t places[] = {0xfee00000, 0xfec00000, 0xfed00000, 0xb8000, 0xf0000};
	void *page = alloc_page();

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		for (unsigned int n = 0; n < 8; n++)
			expect(set_pte(page, places[i] | PTE_RO | attribute(n)) < 0);
	}
}

void test_main(void)
{
	uint32_t lo, hi;

	evtchn_mask_all();
	/* WB, WT, UC-, UC, WC, WP: what the attributes mean is not ours to say. */
	if (PROBE("rdmsr", : "=a"(lo), "=d"(hi) : "c"(0x277))) {
		expect_eq(lo, 0x00070406);
		expect_eq(hi, 0x00000501);
	}
	(void)PROBE("wrmsr", : : "c"(0x277), "a"(0x06060606), "d"(0x06060606));
	if (PROBE("rdmsr", : "=a"(lo), "=d"(hi) : "c"(0x277)))
		expect_eq(lo, 0x00070406);
	by_hypercalls();
	by_stores();
	in_tables();
	with_grants();
	flushing();
	device_registers();
}
