/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPU 1 has written to a page, and its TLB remembers it. vCPU 0 unmaps it without any
 * flush and gives the frame back, or exchanges it. Whoever gets the frame next, here the
 * same guest, sees nothing of what vCPU 1 writes arrive there; and finds it empty (on the
 * reference a guest cleans its frames itself before it gives them back).
 * Tries F1, R2, R8; the classes of XSA-29, -212, -252, -364, -511.
 */
#include "lib/guest.h"

const char test_title[] = "Writing to given-back frames through the TLB";

static char *with, *without; /* two pages: one has a frame */
static unsigned long frame; /* which */
static unsigned long stale, arrived, leftovers, reused;

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

static void write_to_next_owner(volatile uint64_t *page)
{
	uint64_t word = page[17];
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		leftovers += page[i] != 0;
	write_again(word + 1);
	arrived += page[17] != word;
}

static void move(unsigned long turn)
{
	unsigned long old = frame;
	char *page = without;

	remember((uint64_t *)with + 17);
	expect_eq(hypercall(update_va_mapping, with, 0, UVMF_NONE), 0);
	stale += write_again(turn + 1);
	frame = turn % 3 ? give_and_take() : exchange();
	reused += frame == old;
	expect_eq(hypercall(update_va_mapping, page, frame * PAGE_SIZE | PTE_RO, UVMF_NONE), 0);
	write_to_next_owner((volatile uint64_t *)page);
	expect_eq(set_pte(page, frame * PAGE_SIZE | PTE_RW), 0);
	((unsigned long *)start_info->mfn_list)[(uintptr_t)page / PAGE_SIZE] = frame;
	without = with;
	with = page;
}

void test_main(void)
{
	uint64_t begin = system_time();
	unsigned long rounds;
	xen_pfn_t extent;

	evtchn_mask_all();
	with = alloc_page();
	without = alloc_page();
	frame = virt_to_mfn(with);
	extent = virt_to_mfn(without);
	expect_eq(set_pte(without, 0), 0);
	expect_eq(reservation(XENMEM_decrease_reservation, &extent), 1);
	for (rounds = 0; !test_failed() && still_trying(begin, stale); rounds++)
		move(rounds);
	printf("%lu rounds, %lu times through the TLB, %lu times the same frame\n", rounds, stale,
	       reused);
	expect_ours(stale > 0);
	expect_ours(leftovers == 0);
	expect_eq(arrived, 0);
}
