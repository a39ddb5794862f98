/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest's page tables are used as they are, so isolation rests on their
 * types: a frame is writable, or a table of one level, never both, and a table
 * holds only what its owner may map. What breaks this is refused, and leaves
 * everything as it was. Tries R1, R2, R3, R4.
 */
#include "lib/guest.h"

const char test_title[] = "Page tables: pinning, types, mmu_update";

#define FREE_VA 0x3fe00000UL /* no table covers it, but its L2 exists */

static long mmuext(unsigned int cmd, unsigned long mfn)
{
	struct mmuext_op op = {.cmd = cmd};

	op.arg1.mfn = mfn;
	return hypercall(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static long update(uint64_t ptr, uint64_t val)
{
	struct mmu_update req = {.ptr = ptr, .val = val};

	return hypercall(mmu_update, &req, 1, 0, DOMID_SELF);
}

static uint64_t pte_maddr(const void *va)
{
	return virt_to_maddr(pte_of(va));
}

static void pinning(void)
{
	uint64_t *table = alloc_page();
	unsigned long mfn = virt_to_mfn(table);

	/* Writable somewhere: no table */
	expect(mmuext(MMUEXT_PIN_L1_TABLE, mfn) < 0);
	expect_eq(make_readonly(table), 0);
	expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, mfn), 0);
	/* A table: writable nowhere, of no other level, pinned once */
	expect(make_writable(table) < 0);
	expect_eq(*pte_of(table) & PTE_W, 0);
	expect(mmuext(MMUEXT_PIN_L1_TABLE, mfn) < 0);
	expect(mmuext(MMUEXT_PIN_L2_TABLE, mfn) < 0);
	expect_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0);
	expect(mmuext(MMUEXT_UNPIN_TABLE, mfn) < 0);
	/* Free for another type */
	expect_eq(mmuext(MMUEXT_PIN_L2_TABLE, mfn), 0);
	expect_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0);
	expect_eq(make_writable(table), 0);
	table[0] = 0;
	/* Frames that are not ours, or not there */
	expect(mmuext(MMUEXT_PIN_L1_TABLE, 0) < 0);
	expect(mmuext(MMUEXT_PIN_L1_TABLE, 0xffffffffffUL) < 0);
	expect(mmuext(MMUEXT_PIN_L1_TABLE, ~0UL) < 0);
	expect(mmuext(MMUEXT_UNPIN_TABLE, 0xffffffffffUL) < 0);
}

/* Tries a table with this one entry, at a level. */
static long try_entry(unsigned int cmd, uint64_t entry)
{
	static uint64_t *table;
	long ret;

	if (!table)
		table = alloc_page();
	expect_eq(make_writable(table), 0);
	table[7] = entry;
	expect_eq(make_readonly(table), 0);
	ret = mmuext(cmd, virt_to_mfn(table));
	if (ret == 0)
		expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table)), 0);
	expect_eq(make_writable(table), 0);
	table[7] = 0;
	return ret;
}

static void entries(void)
{
	char *page = alloc_page();
	uint64_t own = virt_to_maddr(page), l4 = virt_to_maddr((void *)start_info->pt_base);

	expect_eq(try_entry(MMUEXT_PIN_L1_TABLE, own | PTE_RW), 0);
	expect_eq(try_entry(MMUEXT_PIN_L1_TABLE, own | PTE_RW | PTE_NX), 0);
	expect_eq(try_entry(MMUEXT_PIN_L1_TABLE, own | PTE_RO | 7UL << 9), 0);
	expect_eq(try_entry(MMUEXT_PIN_L1_TABLE, 0x123456789abcdef0UL & ~PTE_P), 0);
	expect_eq(try_entry(MMUEXT_PIN_L1_TABLE, l4 | PTE_RO), 0);
	expect(try_entry(MMUEXT_PIN_L1_TABLE, l4 | PTE_RW) < 0); /* a table, writable */
	expect(try_entry(MMUEXT_PIN_L1_TABLE, 0x100000UL | PTE_RO) < 0); /* not ours */
	expect(try_entry(MMUEXT_PIN_L1_TABLE, PTE_FRAME | PTE_RO) < 0); /* not there */
	expect(try_entry(MMUEXT_PIN_L2_TABLE, own | PTE_RW) < 0); /* writable as L1 */
	expect(try_entry(MMUEXT_PIN_L2_TABLE, (own & ~0x1fffffUL) | PTE_RW | PTE_PS) < 0);
	expect(try_entry(MMUEXT_PIN_L3_TABLE, PTE_RW | PTE_PS) < 0);
	expect(try_entry(MMUEXT_PIN_L3_TABLE, own | PTE_RW) < 0);
	expect(try_entry(MMUEXT_PIN_L4_TABLE, own | PTE_RW) < 0);
	/* Nothing of all that has left a reference behind. */
	expect_eq(make_readonly(page), 0);
	expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(page)), 0);
	expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(page)), 0);
	expect_eq(make_writable(page), 0);
}

/* A whole new level below an existing table, used and taken away again */
static void hooking(void)
{
	uint64_t *l1 = alloc_page(), *page = alloc_page();
	volatile uint64_t *window = (uint64_t *)FREE_VA;
	uint64_t pde = virt_to_maddr(pde_of((void *)FREE_VA)), x;

	*page = 0xfeedUL;
	l1[0] = virt_to_maddr(page) | PTE_RW;
	expect_fault(PROBE("mov %1, %0", : "=r"(x) : "m"(*window)), 14, 0);
	expect(update(pde, virt_to_maddr(l1) | PTE_RW) < 0); /* still writable */
	expect_eq(make_readonly(l1), 0);
	/* Not as what the entries of a superpage would be: neither now nor by a change */
	expect(update(pde, virt_to_maddr(l1) | PTE_RW | PTE_PS) < 0);
	expect_eq(update(pde, virt_to_maddr(l1) | PTE_RW), 0);
	expect(update(pde, virt_to_maddr(l1) | PTE_RW | PTE_PS) < 0);
	expect_eq(*window, 0xfeed);
	*window = 0xbeef;
	expect_eq(*page, 0xbeef);
	expect(make_writable(l1) < 0);
	expect_eq(hypercall(update_va_mapping, FREE_VA, 0, UVMF_INVLPG), 0);
	expect_fault(PROBE("mov %1, %0", : "=r"(x) : "m"(*window)), 14, 0);
	expect_eq(hypercall(update_va_mapping, FREE_VA, virt_to_maddr(page) | PTE_RO,
			    UVMF_TLB_FLUSH | UVMF_ALL),
		  0);
	expect_fault(PROBE("movq $1, %0", : "=m"(*window)), 14, 3);
	expect(hypercall(update_va_mapping, FREE_VA, 0x100000UL | PTE_RO, 0) < 0);
	expect_eq(*window, 0xbeef);
	expect_eq(update(pde, 0), 0);
	expect_eq(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
	expect_fault(PROBE("mov %1, %0", : "=r"(x) : "m"(*window)), 14, 0);
	expect_eq(make_writable(l1), 0);
	expect(hypercall(update_va_mapping, 0x8000000000000000UL, 0, 0) < 0);
	expect(hypercall(update_va_mapping, HYPERVISOR_VIRT_START, 0, 0) < 0);
}

/* A list stops at the first bad request, and says how many were done. */
static void lists(void)
{
	char *page = alloc_page();
	struct mmu_update req[3];
	unsigned int done = 99;

	req[0].ptr = pte_maddr(page);
	req[0].val = virt_to_maddr(page) | PTE_RO;
	req[1].ptr = pte_maddr(page);
	req[1].val = 0x100000UL | PTE_RW;
	req[2].ptr = pte_maddr(page);
	req[2].val = virt_to_maddr(page) | PTE_RW;
	expect(hypercall(mmu_update, req, 3, &done, DOMID_SELF) < 0);
	expect_eq(done, 1);
	expect_eq(*pte_of(page) & PTE_W, 0);
	req[1] = req[2];
	expect_eq(hypercall(mmu_update, req, 2, &done, DOMID_SELF), 0);
	expect_eq(done, 2);
	expect(*pte_of(page) & PTE_W);
	expect_eq(hypercall(mmu_update, req, 0, 0, DOMID_SELF), 0);
	/* A frame that is no table may not be written through this. */
	req[0].ptr = 0x100000;
	expect(hypercall(mmu_update, req, 1, &done, DOMID_SELF) < 0);
	expect_eq(done, 0);
	expect_eq(hypercall(mmu_update, req, 1, 0, 0x7000), -XEN_ESRCH);
}

static void other_updates(void)
{
	char *page = alloc_page();
	unsigned long mfn = virt_to_mfn(page), pfn = (uintptr_t)page / PAGE_SIZE;
	volatile unsigned long *m2p = (unsigned long *)MACH2PHYS_VIRT_START;
	uint64_t pte;

	expect_eq(m2p[mfn], pfn);
	expect_eq(update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, 0x4242), 0);
	expect_eq(m2p[mfn], 0x4242);
	expect_eq(update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, pfn), 0);
	expect_eq(m2p[mfn], pfn);
	expect(update(0x100000UL | MMU_MACHPHYS_UPDATE, 1) < 0);

	/* Accessed and dirty stay, even if the new entry lacks them. */
	page[0] = 1;
	pte = *pte_of(page);
	expect_eq(pte & (PTE_A | PTE_D), PTE_A | PTE_D);
	expect_eq(update(pte_maddr(page) | MMU_PT_UPDATE_PRESERVE_AD, pte & ~(PTE_A | PTE_D)), 0);
	expect_eq(*pte_of(page) & (PTE_A | PTE_D), PTE_A | PTE_D);
	expect_eq(update(pte_maddr(page), pte & ~(PTE_A | PTE_D)), 0);
	expect_eq(*pte_of(page) & (PTE_A | PTE_D), 0);
	expect_eq(mmuext(MMUEXT_TLB_FLUSH_ALL, 0), 0);
	page[0] = 2;
	expect_eq(*pte_of(page) & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void clear_and_copy(void)
{
	uint64_t *from = alloc_page(), *to = alloc_page();
	struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE};

	from[0] = from[511] = 0x77;
	op.arg1.mfn = virt_to_mfn(to);
	op.arg2.src_mfn = virt_to_mfn(from);
	expect_eq(hypercall(mmuext_op, &op, 1, 0, DOMID_SELF), 0);
	expect_eq(to[0] + to[511], 0x77 * 2);
	expect_eq(mmuext(MMUEXT_CLEAR_PAGE, virt_to_mfn(to)), 0);
	expect_eq(to[0] + to[511], 0);
	expect(mmuext(MMUEXT_CLEAR_PAGE, virt_to_mfn((void *)start_info->pt_base)) < 0);
	expect(mmuext(MMUEXT_CLEAR_PAGE, 0x100) < 0);
	expect_eq(mmuext(99, 0), -XEN_ENOSYS);
}

/* Another root with the same tables below, and back */
static void roots(void)
{
	uint64_t *root = alloc_page(), *old = (uint64_t *)start_info->pt_base, cr3;
	unsigned long old_mfn = virt_to_mfn(old), mfn = virt_to_mfn(root);

	memcpy(root, old, 256 * 8); /* the hypervisor's slots come by themselves */
	expect_eq(make_readonly(root), 0);
	expect(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(alloc_page())) < 0);
	expect_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0);
	expect_eq(mmuext(MMUEXT_NEW_BASEPTR, mfn), 0);
	expect(PROBE("mov %%cr3, %0", : "=r"(cr3)));
	expect_eq(cr3 & PTE_FRAME, mfn * PAGE_SIZE);
	expect_eq(((unsigned long *)MACH2PHYS_VIRT_START)[mfn], (uintptr_t)root / PAGE_SIZE);
	/* The hypervisor's slots are not for us. */
	expect(update(mfn * PAGE_SIZE + 256 * 8, 0) < 0);
	expect(update(mfn * PAGE_SIZE + 271 * 8, 0) < 0);
	expect_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn), 0);
	expect_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
	expect_eq(mmuext(MMUEXT_NEW_BASEPTR, old_mfn), 0);
	expect_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0);
	expect_eq(make_writable(root), 0);
	root[0] = 0;
}

void test_main(void)
{
	pinning();
	entries();
	hooking();
	lists();
	other_updates();
	clear_and_copy();
	roots();
}
