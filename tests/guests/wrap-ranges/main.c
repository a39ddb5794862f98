/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Numbers that no caller means: counts and orders up to the last bit, lists that end
 * beyond the address space or in the hypervisor's half, frame numbers that wrap with
 * what is added to them, addresses whose upper half is wrong. All are refused, quickly,
 * and change nothing. Tries X5, S2, R2; the classes of XSA-15, -16, -20, -29, -31, -77,
 * -84, -158, -212, -231, -327, -385.
 */
#include "lib/guest.h"

#include <public/physdev.h>

const char test_title[] = "Ranges that are too long or wrap";

static const uint64_t numbers[] = {
	0x7fffffffUL,         0x80000000UL,
	0xffffffffUL,         0x100000000UL,
	0x1ffffffffUL,        0x3ffffffffffffffUL,
	0x400000000000000UL,  0x1fffffffffffffffUL,
	0x2000000000000000UL, 0x3fffffffffffffffUL,
	0x7fffffffffffffffUL, 0x8000000000000000UL,
	0xfffffffffffffff0UL, ~0UL,
};

static const uint64_t addresses[] = {
	0x00007ffffffffff8UL, /* ends in what isn't canonical */
	0x0000800000000000UL,    0xffff7ffffffffff8UL,
	HYPERVISOR_VIRT_START,   HYPERVISOR_VIRT_START + 0x2000000000UL,
	HYPERVISOR_VIRT_END - 8, 0x8000000000000000UL,
	0xfffffffffffffff8UL,    ~0UL,
};

static long before;

static long current_pages(void)
{
	domid_t self = DOMID_SELF;

	return hypercall(memory_op, XENMEM_current_reservation, &self);
}

static void unchanged(const char *what, uint64_t number)
{
	long now = current_pages();

	if (now != before)
		failure("%s, %#lx: %ld pages, not %ld", what, number, now, before);
	before = now;
}

/* ---- memory ------------------------------------------------------------------- */

static long reservation(unsigned long cmd, uint64_t list, uint64_t n, uint32_t order,
			uint32_t flags)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .mem_flags = flags, .domid = DOMID_SELF};

	set_xen_guest_handle(r.extent_start, (void *)list);
	return hypercall(memory_op, cmd, &r);
}

static void reservations(void)
{
	static const unsigned long cmds[] = {XENMEM_increase_reservation,
					     XENMEM_decrease_reservation, XENMEM_populate_physmap};
	xen_pfn_t frames[2];
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(cmds); c++) {
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			/* None done: the first is no frame of ours, or too large. */
			frames[0] = frames[1] = numbers[i];
			expect(reservation(cmds[c], (uintptr_t)frames, 1, 10 + i * 20, 0) <= 0);
			expect(reservation(cmds[c], (uintptr_t)frames, 1,
					   (uint32_t)~numbers[i] | 32, 0) <= 0);
			expect(reservation(cmds[c], 0x7f0000000000UL, numbers[i], 0, 0) <= 0 ||
			       cmds[c] == XENMEM_increase_reservation);
			if (cmds[c] == XENMEM_increase_reservation)
				before = current_pages(); /* it needs no list */
			unchanged("reservation", numbers[i]);
		}
		for (i = 1; i < ARRAY_SIZE(addresses); i++)
			expect(reservation(cmds[c], addresses[i], 1, 0, 0) <= 0 ||
			       cmds[c] == XENMEM_increase_reservation);
		before = current_pages();
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		frames[0] = numbers[i];
		expect_eq(reservation(XENMEM_decrease_reservation, (uintptr_t)frames, 1, 0, 0), 0);
	}
	/* The number done is kept in the command: more than there are, of nothing */
	for (i = 6; i < 64; i++) {
		frames[0] = ~0UL;
		reservation(XENMEM_decrease_reservation | 1UL << i, (uintptr_t)frames, 1, 0, 0);
		reservation(XENMEM_populate_physmap | 1UL << i, (uintptr_t)frames, 1, 0, 0);
	}
	unchanged("continued reservation", 0);
}

/* Widths of addresses and nodes: all there are. What comes is given back. */
static void flags(void)
{
	unsigned int bits;

	for (bits = 0; bits < 256; bits++) {
		xen_pfn_t frame = 5;

		if (reservation(XENMEM_increase_reservation, (uintptr_t)&frame, 1, 0,
				bits | bits << 8 | (bits & 7) << 16) == 1)
			expect_eq(reservation(XENMEM_decrease_reservation, (uintptr_t)&frame, 1, 0,
					      0),
				  1);
	}
	unchanged("flags", 0);
}

static void exchanges(void)
{
	xen_pfn_t in = virt_to_mfn(numbers), out = 5;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (k = 0; k < 8; k++) {
			struct xen_memory_exchange x = {.nr_exchanged = 0};

			set_xen_guest_handle(x.in.extent_start, &in);
			set_xen_guest_handle(x.out.extent_start, &out);
			x.in.nr_extents = k & 1 ? numbers[i] : 1;
			x.out.nr_extents = k & 2 ? numbers[i] : 1;
			x.in.extent_order = k & 4 ? (uint32_t)numbers[i] | 16 : 0;
			x.out.extent_order = k == 7 ? 63 - i : x.in.extent_order;
			x.nr_exchanged = k ? numbers[i] : 2;
			x.in.domid = x.out.domid = DOMID_SELF;
			/* All done already: that is no error. */
			expect(hypercall(memory_op, XENMEM_exchange, &x) < 0 || k == 3);
			unchanged("exchange", numbers[i]);
		}
	}
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct xen_memory_exchange x = {.nr_exchanged = 0};

		/* Nothing goes before it is known that the answer can be written. */
		set_xen_guest_handle(x.in.extent_start, (void *)addresses[i]);
		set_xen_guest_handle(x.out.extent_start, &out);
		x.in.nr_extents = x.out.nr_extents = 2;
		x.in.domid = x.out.domid = DOMID_SELF;
		expect(hypercall(memory_op, XENMEM_exchange, &x) < 0);
		unchanged("exchange at", addresses[i]);
	}
}

/* ---- lists and addresses of other hypercalls ----------------------------------- */

static void lists(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		uint64_t a = addresses[i];

		expect(hypercall(mmu_update, a, 2, 0, DOMID_SELF) < 0);
		expect(hypercall(mmu_update, a, 0x7fffffffU, 0, DOMID_SELF) < 0);
		expect(hypercall(mmu_update, a, ~0U, a, DOMID_SELF) < 0);
		expect(hypercall(mmuext_op, a, 2, 0, DOMID_SELF) < 0);
		expect(hypercall(mmuext_op, a, ~0U, a, DOMID_SELF) < 0);
		expect(hypercall(multicall, a, 2) < 0);
		expect(hypercall(multicall, a, ~0U) < 0);
		expect(hypercall(grant_table_op, GNTTABOP_copy, a, 2) < 0);
		expect(hypercall(grant_table_op, GNTTABOP_map_grant_ref, a, 0x7fffffffU) < 0);
		expect(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, a, ~0U) < 0);
		expect(hypercall(set_trap_table, a) < 0);
		expect(hypercall(set_gdt, a, 512) < 0);
		expect(hypercall(set_gdt, a, FIRST_RESERVED_GDT_ENTRY) < 0);
		expect(hypercall(update_va_mapping, a, 0, 0) < 0);
		expect(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, a) < 0);
		expect(hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, a) < 0);
		expect(hypercall(sched_op, SCHEDOP_poll, a) < 0);
		expect(hypercall(memory_op, XENMEM_memory_map, a) < 0);
		expect(hypercall(memory_op, XENMEM_machphys_mapping, a) < 0);
		expect(hypercall(callback_op, CALLBACKOP_register, a) < 0);
		expect(hypercall(physdev_op, PHYSDEVOP_set_iopl, a) < 0);
		expect(mmu_ext(MMUEXT_SET_LDT, a & PAGE_MASK, 16) < 0 || a >> 47 == 0 ||
		       a >= HYPERVISOR_VIRT_END);
		expect(mmu_ext(MMUEXT_SET_LDT, 0, 0) == 0);
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		static struct sched_poll poll;
		xen_pfn_t frame = virt_to_mfn(numbers);

		expect(hypercall(set_gdt, &frame, (uint32_t)numbers[i] | 0x4000) < 0);
		expect(mmu_ext(MMUEXT_SET_LDT, 0x200000, numbers[i] | 0x4000) < 0);
		poll.nr_ports = (uint32_t)numbers[i] | 0x1000;
		expect(hypercall(sched_op, SCHEDOP_poll, &poll) < 0);
		expect(hypercall(vcpu_op, VCPUOP_is_up, numbers[i] | 0x10000, 0) < 0);
		expect(hypercall(xen_version, numbers[i] | 0x100, &poll) < 0);
		hypercall(set_timer_op, numbers[i]);
		hypercall(set_timer_op, 0);
	}
}

/* What is written where: not into the hypervisor, whatever it claims to be */
static void areas(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct vcpu_register_runstate_memory_area area = {.addr.p = addresses[i]};
		struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(&area)};
		struct xen_memory_map map = {.nr_entries = ~0U};

		(void)hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area);
		sleep_ns(2000000);
		info.offset = (uint32_t)addresses[i] | 0xfffff000U;
		expect(hypercall(vcpu_op, VCPUOP_register_vcpu_info, 0, &info) < 0);
		set_xen_guest_handle(map.buffer, (void *)addresses[i]);
		expect(hypercall(memory_op, XENMEM_memory_map, &map) < 0);
	}
}

/* Timers at the ends of time fire late or never, and do not loop. */
static void timers(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct vcpu_set_periodic_timer periodic = {.period_ns = numbers[i]};
		struct vcpu_set_singleshot_timer single = {.timeout_abs_ns = numbers[i]};

		hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &periodic);
		hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 0, &single);
	}
	sleep_ns(5000000);
	hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	hypercall(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0);
}

void test_main(void)
{
	evtchn_mask_all();
	before = current_pages();
	reservations();
	flags();
	exchanges();
	lists();
	areas();
	timers();
}
