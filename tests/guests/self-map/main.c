/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Page tables that contain themselves or others of their level: an L4 that is its
 * own L3, linear tables, an L1 that maps itself. Writable they are refused. Read-only
 * an L1 may map any of them; the reference accepts read-only entries of the upper levels
 * that lead to the same level, too, if the table isn't used otherwise. We don't: to us a
 * table has one level. Whatever was accepted, nothing is held when it is gone. Refused are the hypervisor's slots of an L4, whatever a guest has written there before.
 * Tries R1, R3, R5; the classes of XSA-148, -167, -176, -182, -185, -240.
 */
#include "lib/guest.h"

const char test_title[] = "Recursive and linear page tables";

#define FIRST_HV_SLOT 256
#define LAST_HV_SLOT  271

static uint64_t *table, *lower;

/* Whether a table of this level may have this in one slot. */
static bool accepts(unsigned int level, unsigned int slot, uint64_t entry)
{
	bool ok;

	expect_eq(make_writable(table), 0);
	memset(table, 0, PAGE_SIZE);
	table[slot] = entry;
	expect_eq(make_readonly(table), 0);
	ok = pin_table(table, level) == 0;
	if (ok)
		expect_eq(unpin_table(table), 0);
	return ok;
}

static void self_references(void)
{
	uint64_t own = virt_to_maddr(table);
	unsigned int level;

	for (level = 2; level <= 4; level++) {
		expect(!accepts(level, 3, own | PTE_RW));
		expect_ours(!accepts(level, 511, own | PTE_RO));
		expect_ours(!accepts(level, 511, own | PTE_P));
		/* As a superpage: its own 2 MiB, 1 GiB */
		expect(!accepts(level, 3, (own & ~0x1fffffUL) | PTE_RW | PTE_PS));
		expect(!accepts(level, 3, (own & ~0x3fffffffUL) | PTE_RO | PTE_PS));
	}
	expect(!accepts(1, 3, own | PTE_RW));
	expect(accepts(1, 3, own | PTE_RO));
	expect(is_unused(table));
}

/* Another table of the same level, in use as that */
static void linear(void)
{
	unsigned int level;

	for (level = 2; level <= 4; level++) {
		expect_eq(make_readonly(lower), 0);
		expect_eq(pin_table(lower, level), 0);
		expect(!accepts(level, 0, virt_to_maddr(lower) | PTE_RW));
		expect_ours(!accepts(level, 0, virt_to_maddr(lower) | PTE_RO));
		expect(!accepts(1, 0, virt_to_maddr(lower) | PTE_RW));
		expect_eq(unpin_table(lower), 0);
	}
	expect(is_unused(lower));
	expect(is_unused(table));
}

/* The root that is loaded: as an entry of itself, of a lower level, written through itself */
static void live(void)
{
	uint64_t *root = (uint64_t *)start_info->pt_base;
	uint64_t own = virt_to_maddr(root);
	unsigned int slot;

	for (slot = 1; slot < 512; slot = slot * 2 + 1) {
		expect(pt_write(virt_to_maddr(&root[slot]), own | PTE_RW) < 0);
		if (pt_write(virt_to_maddr(&root[slot]), own | PTE_RO) == 0) {
			expect_ours(false);
			expect_eq(pt_write(virt_to_maddr(&root[slot]), 0), 0);
		}
	}
	/* Its L1s may show it, but nobody writes through that. */
	expect_eq(set_pte(table, own | PTE_RO), 0);
	expect_eq(table[0], root[0]);
	expect(set_pte(table, own | PTE_RW) < 0);
	/* Bits that make an entry look harmless to change */
	expect(set_pte(table, own | PTE_RO | PTE_W) < 0);
	expect_fault(PROBE("movq $0, %0", : "=m"(table[1])), 14, 3);
	expect_eq(make_writable(table), 0);
}

/* What is in the hypervisor's slots is neither taken nor kept. */
static void reserved_slots(void)
{
	unsigned int slot;

	expect_eq(make_readonly(lower), 0);
	expect_eq(make_writable(table), 0);
	memset(table, 0, PAGE_SIZE);
	for (slot = FIRST_HV_SLOT; slot <= LAST_HV_SLOT; slot++)
		table[slot] = virt_to_maddr(slot % 2 ? lower : table) | PTE_RW;
	expect_eq(make_readonly(table), 0);
	expect_eq(pin_table(table, 4), 0);
	for (slot = FIRST_HV_SLOT; slot <= LAST_HV_SLOT; slot++) {
		expect((table[slot] & PTE_FRAME) != virt_to_maddr(lower));
		expect_ours((table[slot] & PTE_FRAME) != virt_to_maddr(table));
		expect(pt_write(virt_to_maddr(&table[slot]), virt_to_maddr(lower) | PTE_RW) < 0);
		expect(pt_write(virt_to_maddr(&table[slot]), 0) < 0);
	}
	/* Running on it, they are the hypervisor's. */
	expect_eq(pt_write(virt_to_maddr(&table[0]), *(uint64_t *)start_info->pt_base), 0);
	expect_eq(mmu_ext(MMUEXT_NEW_BASEPTR, virt_to_mfn(table), 0), 0);
	expect(*(unsigned long *)MACH2PHYS_VIRT_START || true);
	expect_eq(mmu_ext(MMUEXT_NEW_BASEPTR, virt_to_mfn((void *)start_info->pt_base), 0), 0);
	expect_eq(unpin_table(table), 0);
	expect(is_unused(lower));
	expect(is_unused(table));
}

void test_main(void)
{
	table = alloc_page();
	lower = alloc_page();
	self_references();
	linear();
	live();
	reserved_slots();
}
