/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPU 1 keeps writing to a page through what its TLB remembers. vCPU 0 unmaps it
 * without any flush and gives the frame back, or exchanges it. Whoever gets the frame
 * next, here the same guest, sees nothing of what vCPU 1 writes arrive there; and finds
 * it empty (on the reference a guest cleans its frames itself before it gives them back). Tries F1, R2, R8; the classes of XSA-29, -212, -252, -364, -511.
 */
#include "lib/guest.h"

const char test_title[] = "Writing to given-back frames through the TLB";

#define LOOKS 300

static char *with, *without; /* two pages: one has a frame */
static unsigned long frame; /* which */
static volatile uint64_t *volatile hot;
static volatile unsigned long changes, leftovers, reused, rounds;

static void writer(unsigned long turn)
{
	uint64_t value = turn | 1;

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

static long reservation(unsigned int cmd, xen_pfn_t *extent)
{
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

	set_xen_guest_handle(r.extent_start, extent);
	return hypercall(memory_op, cmd, &r);
}

/* Back to the hypervisor, and another for the other page */
static unsigned long give_and_take(void)
{
	xen_pfn_t extent = frame;

	expect_eq(reservation(XENMEM_decrease_reservation, &extent), 1);
	extent = (uintptr_t)without / PAGE_SIZE;
	expect_eq(reservation(XENMEM_populate_physmap, &extent), 1);
	return extent;
}

static unsigned long exchange(void)
{
	struct xen_memory_exchange x = {.nr_exchanged = 0};
	xen_pfn_t in = frame, out = (uintptr_t)without / PAGE_SIZE;

	set_xen_guest_handle(x.in.extent_start, &in);
	set_xen_guest_handle(x.out.extent_start, &out);
	x.in.nr_extents = x.out.nr_extents = 1;
	x.in.domid = x.out.domid = DOMID_SELF;
	expect_eq(hypercall(memory_op, XENMEM_exchange, &x), 0);
	return out;
}

static void watch(volatile uint64_t *page)
{
	uint64_t word = page[17];
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		leftovers += page[i] != 0;
	for (i = 0; i < LOOKS; i++)
		changes += page[17] != word;
}

static void move(unsigned long turn)
{
	unsigned long old = frame;
	char *page = without;

	if (test_failed() || !wait_for_writer())
		return;
	rounds++;
	expect_eq(hypercall(update_va_mapping, with, 0, UVMF_NONE), 0);
	frame = turn % 3 ? give_and_take() : exchange();
	reused += frame == old;
	expect_eq(hypercall(update_va_mapping, page, frame * PAGE_SIZE | PTE_RO, UVMF_NONE), 0);
	watch((volatile uint64_t *)page);
	expect_eq(set_pte(page, frame * PAGE_SIZE | PTE_RW), 0);
	((unsigned long *)start_info->mfn_list)[(uintptr_t)page / PAGE_SIZE] = frame;
	without = with;
	with = page;
	hot = (uint64_t *)page + 17;
}

void test_main(void)
{
	xen_pfn_t extent;

	evtchn_mask_all();
	with = alloc_page();
	without = alloc_page();
	frame = virt_to_mfn(with);
	hot = (uint64_t *)with + 17;
	extent = virt_to_mfn(without);
	expect_eq(set_pte(without, 0), 0);
	expect_eq(reservation(XENMEM_decrease_reservation, &extent), 1);
	race(1000, move, writer);
	printf("%lu rounds, %lu times the same frame\n", rounds, reused);
	expect(rounds > 0);
	expect_ours(leftovers == 0);
	expect_eq(changes, 0);
}
