/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest's own GDT and LDT: their pages become read-only, only code and data
 * segments of ring 3 get in, whatever the guest asks, and gates never. Tries X1, R1.
 */
#include "lib/guest.h"

const char test_title[] = "GDT and LDT";

#define DATA32_DPL3    0x00cff3000000ffffUL
#define DATA32_DPL0    0x00cf93000000ffffUL
#define CODE64_DPL3    0x00affb000000ffffUL
#define INTERRUPT_GATE 0x0000ee0000100000UL
#define TSS            0x0000890000000067UL
#define LDT            0x0000820000000067UL

static uint64_t *gdt, *ldt;

static long set_gdt(void *page, unsigned int entries)
{
	xen_pfn_t frame = virt_to_mfn(page);

	return hypercall(set_gdt, &frame, entries);
}

static long set_ldt(const void *where, unsigned int entries)
{
	struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};

	op.arg1.linear_addr = (uintptr_t)where;
	op.arg2.nr_ents = entries;
	return hypercall(mmuext_op, &op, 1, 0, DOMID_SELF);
}

static long update(uint64_t *entry, uint64_t value)
{
	return hypercall(update_descriptor, virt_to_maddr(entry), value);
}

static bool load_es(uint16_t selector)
{
	bool ok = PROBE("mov %0, %%es", : : "r"(selector));

	__asm__ volatile("mov %0, %%es" : : "r"(0));
	return ok;
}

static void gdts(void)
{
	gdt = alloc_page();
	gdt[3] = DATA32_DPL3;
	gdt[4] = DATA32_DPL0;
	expect(set_gdt(gdt, 512) < 0); /* writable */
	expect_eq(make_readonly(gdt), 0);
	expect(set_gdt(gdt, FIRST_RESERVED_GDT_ENTRY + 1) < 0);
	expect_eq(set_gdt(gdt, 512), 0);
	expect(make_writable(gdt) < 0);
	expect_fault(PROBE("movq $0, %0", : "=m"(gdt[5])), 14, 3);
	expect(load_es(3 << 3 | 3));
	/* Ring 0 became ring 3. */
	expect_eq(gdt[4] >> 45 & 3, 3);
	expect(load_es(4 << 3 | 3));
	expect_fault(PROBE("mov %0, %%es", : : "r"(6 << 3 | 3)), 13, 6 << 3);

	expect_eq(update(&gdt[6], DATA32_DPL3), 0);
	expect_eq(gdt[6], DATA32_DPL3);
	expect(load_es(6 << 3 | 3));
	expect_eq(update(&gdt[7], DATA32_DPL0), 0);
	expect_eq(gdt[7] >> 45 & 3, 3);
	expect(update(&gdt[8], INTERRUPT_GATE) < 0);
	expect(update(&gdt[8], TSS) < 0);
	expect(update(&gdt[8], LDT) < 0);
	expect_eq(gdt[8], 0);
	expect(hypercall(update_descriptor, virt_to_maddr(&gdt[8]) + 4, 0) < 0);
	expect(hypercall(update_descriptor, 0x100000UL, 0) < 0);
	expect_eq(update(&gdt[6], 0), 0);
	/* The hypervisor's segments are behind ours. */
	expect(load_es(FLAT_RING3_DS32));
}

static void gates_in_tables(void)
{
	uint64_t *page = alloc_page();

	page[9] = INTERRUPT_GATE;
	expect_eq(make_readonly(page), 0);
	expect(set_gdt(page, 512) < 0);
	expect_eq(make_writable(page), 0);
	expect(load_es(3 << 3 | 3)); /* the old one is still in force */
	page[9] = 0;
}

static void ldts(void)
{
	ldt = alloc_page();
	ldt[2] = DATA32_DPL3;
	ldt[3] = CODE64_DPL3;
	expect_eq(make_readonly(ldt), 0);
	expect(set_ldt(ldt, 8193) < 0);
	expect(set_ldt((char *)ldt + 8, 16) < 0); /* not on a page */
	expect_eq(set_ldt(ldt, 512), 0);
	expect(load_es(2 << 3 | 7));
	expect(make_writable(ldt) < 0);
	expect_fault(PROBE("mov %0, %%es", : : "r"(600 << 3 | 7)), 13, 600 << 3 | 4);
	expect_eq(update(&ldt[5], DATA32_DPL3), 0);
	expect(load_es(5 << 3 | 7));
	expect_eq(set_ldt(NULL, 0), 0);
	expect(!load_es(2 << 3 | 7));
	expect_eq(make_writable(ldt), 0);
	ldt[0] = 0;
}

void test_main(void)
{
	gdts();
	gates_in_tables();
	ldts();
	expect_eq(set_gdt(gdt, 0), 0);
	expect_eq(make_writable(gdt), 0);
}
