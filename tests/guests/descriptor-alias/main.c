/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Descriptor tables whose frames are something else, too: mapped writable elsewhere or
 * by a grant, used as a page table, twice in one GDT, GDT and LDT at once; LDTs whose
 * pages appear, vanish and change under them, lie in the hypervisor or across the end
 * of the address space. No descriptor gets in unchecked, and what is checked isn't
 * changed behind the hypervisor's back, from another vCPU neither. Tries R1, R2, F2, X1,
 * X5; the classes of XSA-298 and -212.
 */
#include "lib/guest.h"

const char test_title[] = "Descriptor tables under other names";

#define DATA32_DPL3    0x00cff3000000ffffUL
#define CALL_GATE      0x0000ec0000080000UL
#define INTERRUPT_GATE 0x0000ee0000100000UL

static uint64_t *table, *page;

static long set_gdt(const void *first, const void *second, unsigned int entries)
{
	xen_pfn_t frames[2] = {virt_to_mfn(first), virt_to_mfn(second)};

	return hypercall(set_gdt, frames, entries);
}

static long set_ldt(uint64_t where, unsigned long entries)
{
	return mmu_ext(MMUEXT_SET_LDT, where, entries);
}

static bool load_es(uint16_t selector)
{
	bool ok = PROBE("mov %0, %%es", : : "r"(selector));

	__asm__ volatile("mov %0, %%es" : : "r"(0));
	return ok;
}

/* No other use while it is a GDT; free for any other afterwards. */
static void gdt_and_others(void)
{
	struct grant_entry_v1 *grants = grant_table_v1(1);
	const uint64_t home = virt_to_maddr(page) | PTE_RW;
	struct gnttab_map_grant_ref map;
	unsigned int level;

	memset(table, 0, PAGE_SIZE);
	table[3] = DATA32_DPL3;
	expect_eq(make_readonly(table), 0);
	expect_eq(set_gdt(table, table, 1024), 0); /* twice is fine */
	expect(load_es(3 << 3 | 3));
	expect(load_es((512 + 3) << 3 | 3));
	expect(set_pte(page, virt_to_maddr(table) | PTE_RW) < 0);
	for (level = 1; level <= 4; level++)
		expect(pin_table(table, level) < 0);
	grant_v1(&grants[20], own_domid(), virt_to_mfn(table), GTF_permit_access);
	map = grant_map(own_domid(), 20, (uintptr_t)page, GNTMAP_host_map);
	expect(map.status < 0);
	expect(mmu_ext(MMUEXT_CLEAR_PAGE, virt_to_mfn(table), 0) < 0);
	expect(mmu_ext(MMUEXT_COPY_PAGE, virt_to_mfn(table), virt_to_mfn(page)) < 0);
	/* As data, by an entry in it: a gate does not get in. */
	expect(pt_write(virt_to_maddr(&table[5]), INTERRUPT_GATE) < 0);
	expect_eq(table[5], 0);
	/* As the LDT as well */
	expect_eq(set_ldt((uintptr_t)table, 512), 0);
	expect(load_es(3 << 3 | 7));
	expect_eq(set_gdt(table, table, 0), 0);
	expect(make_writable(table) < 0); /* the LDT's still */
	expect_eq(set_ldt(0, 0), 0);
	grants[20].flags = 0;
	expect_eq(set_pte(page, home), 0);
	expect(is_unused(table));
}

/* One in use as a page table isn't one for descriptors, whatever it contains. */
static void tables_as_descriptors(void)
{
	uint64_t *root = (uint64_t *)start_info->pt_base;

	expect(set_gdt(root, root, 512) < 0);
	expect_eq(set_ldt((uintptr_t)root, 512), 0); /* looked at when it is used */
	expect(!load_es(0 << 3 | 7));
	expect(!load_es(272 << 3 | 7));
	expect_eq(set_ldt(0, 0), 0);
	expect_eq(make_readonly(table), 0);
	expect_eq(pin_table(table, 1), 0);
	expect(set_gdt(table, table, 512) < 0);
	expect_eq(unpin_table(table), 0);
	expect(is_unused(table));
}

/* The LDT's pages come and go. */
static void lazy(void)
{
	uint64_t *ldt = (uint64_t *)0x10000000000UL;

	expect_eq(map_at((uintptr_t)ldt, 0), 0);
	expect_eq(set_ldt((uintptr_t)ldt, 1024), 0);
	expect(!load_es(2 << 3 | 7)); /* nothing is mapped there */
	expect(!load_es(514 << 3 | 7));
	memset(table, 0, PAGE_SIZE);
	table[2] = DATA32_DPL3;
	expect_eq(set_pte(ldt, virt_to_maddr(table) | PTE_RO), 0);
	expect(!load_es(2 << 3 | 7)); /* still mapped writable by its own name */
	expect_eq(make_readonly(table), 0);
	expect(load_es(2 << 3 | 7));
	/* Mapped elsewhere now: what was loaded stays checked, or goes. */
	expect_eq(set_pte(ldt, virt_to_maddr(page) | PTE_RW), 0);
	(void)load_es(2 << 3 | 7);
	page[2] = INTERRUPT_GATE;
	page[3] = DATA32_DPL3 & ~(3UL << 45);
	(void)load_es(3 << 3 | 7);
	expect_eq(page[3], DATA32_DPL3 & ~(3UL << 45)); /* nobody has touched it */
	expect_eq(set_ldt(0, 0), 0);
	expect_eq(set_pte(ldt, 0), 0);
	/* A page with something bad in it is no LDT. */
	expect_eq(make_readonly(page), 0);
	expect_eq(set_pte(ldt, virt_to_maddr(page) | PTE_RO), 0);
	expect_eq(set_ldt((uintptr_t)ldt, 512), 0);
	expect(!load_es(3 << 3 | 7));
	expect_eq(set_ldt(0, 0), 0);
	expect_eq(set_pte(ldt, 0), 0);
	expect(is_unused(page));
	expect(is_unused(table));
}

/* Where no LDT of a guest can be: set or not, nothing comes from there. */
static void elsewhere(void)
{
	static const uint64_t where[] = {0x7ffffffff000UL,
					 HYPERVISOR_VIRT_START,
					 HYPERVISOR_VIRT_START + 0x8000000000UL,
					 HYPERVISOR_VIRT_START + 0x30000000000UL,
					 HYPERVISOR_VIRT_END - 0x1000,
					 0xffffffffffff0000UL};
	unsigned int i, sel;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		(void)set_ldt(where[i], 8192);
		for (sel = 0; sel < 8192; sel += 511)
			expect(!load_es((uint16_t)(sel << 3 | 7)));
		expect_eq(set_ldt(0, 0), 0);
	}
}

/*
 * vCPU 1 writes to the page through its TLB while vCPU 0 makes a GDT of it: gates that
 * come too late would be used.
 */
static volatile bool is_gdt;
static volatile unsigned long bad;

static void write_gates(unsigned long turn)
{
	/* Valid before; anything after, when it must fault. */
	uint64_t value = is_gdt ? (turn & 1 ? CALL_GATE : INTERRUPT_GATE) : DATA32_DPL3;

	if (!PROBE("movq %1, %0", : "=m"(table[9]) : "r"(value)))
		hypercall(sched_op, SCHEDOP_yield, 0);
}

static void make_gdt(unsigned long turn)
{
	unsigned int i;

	expect_eq(hypercall(update_va_mapping, table, virt_to_maddr(table) | PTE_RO, UVMF_NONE), 0);
	if (set_gdt(table, table, 512) == 0) {
		is_gdt = true;
		for (i = 0; i < 200; i++)
			bad += ((volatile uint64_t *)table)[9] != DATA32_DPL3 &&
			       ((volatile uint64_t *)table)[9] != (DATA32_DPL3 | 1UL << 40);
		is_gdt = false;
		expect_eq(set_gdt(table, table, 0), 0);
	}
	expect_eq(hypercall(update_va_mapping, table, virt_to_maddr(table) | PTE_RW, UVMF_NONE), 0);
	table[9] = DATA32_DPL3;
}

void test_main(void)
{
	evtchn_mask_all();
	table = alloc_page();
	page = alloc_page();
	gdt_and_others();
	tables_as_descriptors();
	lazy();
	elsewhere();
	table[9] = DATA32_DPL3;
	race(400, make_gdt, write_gates);
	expect_eq(bad, 0);
	expect(is_unused(table));
}
