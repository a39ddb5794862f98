/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Memory goes back to the hypervisor and comes again, frame by frame (the
 * balloon), and is exchanged for contiguous memory; counts are exact, frames in
 * use are not lost, and a guest sees only its own map. Tries R2, R8.
 */
#include "lib/guest.h"

const char test_title[] = "Memory reservations";

static long reservation(unsigned int cmd, void *list, unsigned long n, unsigned int order)
{
	struct xen_memory_reservation r = {.nr_extents = n, .extent_order = order};

	set_xen_guest_handle(r.extent_start, list);
	r.domid = DOMID_SELF;
	return hypercall(memory_op, cmd, &r);
}

static long current(void)
{
	domid_t self = DOMID_SELF;

	return hypercall(memory_op, XENMEM_current_reservation, &self);
}

static void balloon(void)
{
	xen_pfn_t frames[4], pfns[4];
	char *page[4];
	long before = current();
	unsigned int i;

	for (i = 0; i < 4; i++) {
		page[i] = alloc_page();
		frames[i] = virt_to_mfn(page[i]);
		pfns[i] = (uintptr_t)page[i] / PAGE_SIZE;
		expect_eq(set_pte(page[i], 0), 0);
	}
	expect_eq(reservation(XENMEM_decrease_reservation, frames, 4, 0), 4);
	expect_eq(current(), before - 4);
	/* They are gone: they cannot be mapped, nor given back twice. */
	expect(set_pte(page[0], frames[0] * PAGE_SIZE | PTE_RW) < 0);
	expect_eq(reservation(XENMEM_decrease_reservation, frames, 1, 0), 0);
	expect_eq(reservation(XENMEM_populate_physmap, pfns, 4, 0), 4);
	expect_eq(current(), before);
	for (i = 0; i < 4; i++) {
		unsigned long pfn = (uintptr_t)page[i] / PAGE_SIZE;

		expect_eq(((unsigned long *)MACH2PHYS_VIRT_START)[pfns[i]], pfn);
		expect_eq(set_pte(page[i], pfns[i] * PAGE_SIZE | PTE_RW), 0);
		((unsigned long *)start_info->mfn_list)[pfn] = pfns[i];
		page[i][0] = 1;
	}
	expect_eq(reservation(XENMEM_populate_physmap, pfns, 1, 20), 0);
}

/* A page table is in use, whoever wants to free it. */
static void frames_in_use(void)
{
	xen_pfn_t frame = virt_to_mfn((void *)start_info->pt_base);
	xen_pfn_t not_ours = 0x100;
	long before = current();

	reservation(XENMEM_decrease_reservation, &frame, 1, 0);
	expect_eq(mfn_to_virt(frame), start_info->pt_base);
	expect(PROBE("mov (%0), %0", : : "r"(start_info->pt_base)));
	expect_eq(reservation(XENMEM_decrease_reservation, &not_ours, 1, 0), 0);
	expect(current() >= before - 1);
}

static void exchange(void)
{
	struct xen_memory_exchange x = {.nr_exchanged = 0};
	char *pages[2] = {alloc_page(), alloc_page()};
	xen_pfn_t in[2], out;
	unsigned int i;
	long ret;

	for (i = 0; i < 2; i++) {
		in[i] = virt_to_mfn(pages[i]);
		expect_eq(set_pte(pages[i], 0), 0);
	}
	out = (uintptr_t)pages[0] / PAGE_SIZE;
	set_xen_guest_handle(x.in.extent_start, in);
	x.in.nr_extents = 2;
	x.in.domid = DOMID_SELF;
	set_xen_guest_handle(x.out.extent_start, &out);
	x.out.nr_extents = 1;
	x.out.extent_order = 1;
	x.out.domid = DOMID_SELF;
	ret = hypercall(memory_op, XENMEM_exchange, &x);
	expect_eq(ret, 0);
	if (ret)
		return;
	expect_eq(x.nr_exchanged, 2);
	expect_eq(out & 1, 0);
	for (i = 0; i < 2; i++) {
		unsigned long pfn = (uintptr_t)pages[0] / PAGE_SIZE + i;

		expect_eq(((unsigned long *)MACH2PHYS_VIRT_START)[out + i], pfn);
		expect_eq(set_pte(pages[0] + i * PAGE_SIZE, (out + i) * PAGE_SIZE | PTE_RW), 0);
		((unsigned long *)start_info->mfn_list)[pfn] = out + i;
		pages[0][i * PAGE_SIZE] = 1;
	}
	/* Sums that do not match */
	x.nr_exchanged = 0;
	x.in.nr_extents = 3;
	expect_eq(hypercall(memory_op, XENMEM_exchange, &x), -XEN_EINVAL);
}

static void maps(void)
{
	static struct {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) e820[32];
	struct xen_memory_map map = {.nr_entries = 32};
	struct xen_machphys_mapping m2p;
	domid_t self = DOMID_SELF;

	set_xen_guest_handle(map.buffer, (void *)e820);
	expect_eq(hypercall(memory_op, XENMEM_memory_map, &map), 0);
	expect_eq(map.nr_entries, 1);
	expect_eq(e820[0].addr, 0);
	expect_eq(e820[0].type, 1);
	expect(e820[0].size >= start_info->nr_pages * PAGE_SIZE);
	map.nr_entries = 32;
	expect_eq(hypercall(memory_op, XENMEM_machine_memory_map, &map), -XEN_EPERM);
	expect_eq(hypercall(memory_op, XENMEM_machphys_mapping, &m2p), 0);
	expect_eq(m2p.v_start, MACH2PHYS_VIRT_START);
	expect(m2p.v_end > m2p.v_start && m2p.max_mfn > virt_to_mfn(test_title));
	expect(hypercall(memory_op, XENMEM_maximum_ram_page, 0) > 0);
	expect(hypercall(memory_op, XENMEM_maximum_reservation, &self) >= current());
	self = 0;
	expect_eq(hypercall(memory_op, XENMEM_current_reservation, &self), -XEN_EPERM);
}

void test_main(void)
{
	/* Libxl gives what was asked for, less what is not yet populated. */
	expect(current() >= (long)start_info->nr_pages);
	balloon();
	frames_in_use();
	exchange();
	maps();
}
