/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPU 1 keeps writing to a page through what its TLB remembers. vCPU 0 takes the
 * write permission away without any flush, and has the frame become a page table or
 * a descriptor table. From that moment nothing that vCPU 1 writes may arrive.
 * Tries R1, F2; the classes of XSA-286, -401, -402, -408.
 */
#include "lib/guest.h"

const char test_title[] = "Writing to tables through another vCPU's TLB";

#define LOOKS 300

static uint64_t *page;
static volatile uint64_t *volatile hot;
static volatile unsigned long changes, rounds, pinned;

/* Even numbers below 2^32: entries and descriptors that aren't present */
static void writer(unsigned long turn)
{
	uint64_t value = (turn & 0x7fffffff) << 1;

	if (!PROBE("movq %1, (%0)", : : "r"(hot), "r"(value) : "memory"))
		hypercall(sched_op, SCHEDOP_yield, 0);
}

static bool wait_for_writer(void)
{
	uint64_t before = *hot;
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		if (*hot != before)
			return true;
	}
	return false;
}

static void watch(void)
{
	uint64_t first = *hot;
	unsigned int i;

	for (i = 0; i < LOOKS; i++)
		changes += *hot != first;
}

static void as_table(unsigned int level)
{
	/* The reference refuses while it looks into a fault of vCPU 1's. */
	if (pin_table(page, level)) {
		expect_ours(false);
		return;
	}
	pinned++;
	watch();
	expect_eq(unpin_table(page), 0);
}

static void as_gdt(void)
{
	xen_pfn_t frame = virt_to_mfn(page);

	expect_eq(hypercall(set_gdt, &frame, 512), 0);
	watch();
	expect_eq(hypercall(set_gdt, &frame, 0), 0);
}

static void retype(unsigned long turn)
{
	expect_eq(hypercall(update_va_mapping, page, virt_to_maddr(page) | PTE_RW, UVMF_NONE), 0);
	if (!wait_for_writer())
		return;
	rounds++;
	expect_eq(hypercall(update_va_mapping, page, virt_to_maddr(page) | PTE_RO, UVMF_NONE), 0);
	if (turn % 4 == 3)
		as_gdt();
	else
		as_table(2 + turn % 4);
}

void test_main(void)
{
	evtchn_mask_all();
	page = alloc_page();
	hot = &page[17];
	race(1000, retype, writer);
	printf("%lu rounds\n", rounds);
	expect(pinned > 0);
	expect_eq(changes, 0);
	expect(is_unused(page));
}
