/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPU 1 has written to a page, and its TLB remembers it. vCPU 0 takes the write
 * permission away without any flush, and has the frame become a page table or a
 * descriptor table. From that moment nothing that vCPU 1 writes may arrive; before, it
 * does. Tries R1, F2; the classes of XSA-286, -401, -402, -408.
 */
#include "lib/guest.h"

const char test_title[] = "Writing to tables through another vCPU's TLB";

static uint64_t *page;
static volatile uint64_t *hot;
static unsigned long stale, arrived;

/* Small even numbers: entries and descriptors that aren't present */
static void write_to_table(void)
{
	uint64_t before = *hot;

	write_again(before + 2);
	arrived += *hot != before;
}

static void as_table(unsigned int level)
{
	expect_eq(pin_table(page, level), 0);
	write_to_table();
	expect_eq(unpin_table(page), 0);
}

static void as_gdt(void)
{
	xen_pfn_t frame = virt_to_mfn(page);

	expect_eq(hypercall(set_gdt, &frame, 512), 0);
	write_to_table();
	expect_eq(hypercall(set_gdt, &frame, 0), 0);
}

static void retype(unsigned long turn)
{
	expect_eq(make_writable(page), 0);
	memset(page, 0, PAGE_SIZE); /* the reference leaves its slots of an L4 there */
	remember(hot);
	expect_eq(hypercall(update_va_mapping, page, virt_to_maddr(page) | PTE_RO, UVMF_NONE), 0);
	stale += write_again(2);
	if (turn % 4 == 3)
		as_gdt();
	else
		as_table(2 + turn % 4);
}

void test_main(void)
{
	uint64_t begin = system_time();
	unsigned long rounds;

	evtchn_mask_all();
	page = alloc_page();
	hot = &page[17];
	for (rounds = 0; still_trying(begin, stale); rounds++)
		retype(rounds);
	printf("%lu rounds, %lu times through the TLB\n", rounds, stale);
	expect_ours(stale > 0);
	expect_eq(arrived, 0);
	expect(is_unused(page));
}
