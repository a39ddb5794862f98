/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The frames of the grant table and its status frames are the hypervisor's, lent to
 * the guest. It maps them, and tries everything else: as a page table, as a GDT, to
 * give them back, exchange them, grant them on, keep them over a change of version.
 * They stay what they are as long as the domain lives, and what a guest saw of them
 * once is never another's. Tries R1, R2, R9, G5; the classes of XSA-26, -255, -379, -382,
 * -384, -517.
 */
#include "lib/guest.h"

const char test_title[] = "Frames of the grant table";

#define MAX_FRAMES 8

static uint64_t status_frames[4 * MAX_FRAMES];
static xen_pfn_t shared_frames[MAX_FRAMES];

static long set_version(uint32_t version)
{
	struct gnttab_set_version op = {.version = version};

	return hypercall(grant_table_op, GNTTABOP_set_version, &op, 1);
}

static int get_shared(uint32_t nr)
{
	struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = nr};

	set_xen_guest_handle(op.frame_list, shared_frames);
	if (hypercall(grant_table_op, GNTTABOP_setup_table, &op, 1))
		return GNTST_general_error;
	return op.status;
}

static int get_status(uint32_t nr)
{
	struct gnttab_get_status_frames op = {.dom = DOMID_SELF, .nr_frames = nr};

	set_xen_guest_handle(op.frame_list, status_frames);
	if (hypercall(grant_table_op, GNTTABOP_get_status_frames, &op, 1))
		return GNTST_general_error;
	return op.status;
}

/* A frame that isn't ours in the sense of memory_op and page tables */
static void abuse(unsigned long mfn, uint64_t *window)
{
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
	struct xen_memory_exchange x = {.nr_exchanged = 0};
	xen_pfn_t frame = mfn, out = (uintptr_t)window / PAGE_SIZE;
	unsigned int level;

	expect_eq(set_pte(window, mfn * PAGE_SIZE | PTE_RO), 0);
	for (level = 1; level <= 4; level++)
		expect(mmu_ext(MMUEXT_PIN_L1_TABLE + level - 1, mfn, 0) < 0);
	expect(hypercall(set_gdt, &frame, 1) < 0);
	set_xen_guest_handle(r.extent_start, &frame);
	hypercall(memory_op, XENMEM_decrease_reservation, &r);
	set_xen_guest_handle(x.in.extent_start, &frame);
	set_xen_guest_handle(x.out.extent_start, &out);
	x.in.nr_extents = x.out.nr_extents = 1;
	x.in.domid = x.out.domid = DOMID_SELF;
	expect(hypercall(memory_op, XENMEM_exchange, &x) < 0);
	/* Still there, and the same */
	expect_eq(*pte_of(window) & PTE_FRAME, mfn * PAGE_SIZE);
	expect(PROBE("mov (%0), %%rax", : : "r"(window) : "rax"));
	expect_eq(set_pte(window, home), 0);
}

/* Granted to ourselves, mapped, and withdrawn: no way to keep or change one either. */
static void grant_on(struct grant_entry_v1 *table, unsigned long mfn, uint64_t *window)
{
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	struct gnttab_map_grant_ref op;

	grant_v1(&table[20], own_domid(), mfn, GTF_permit_access | GTF_readonly);
	op = grant_map(own_domid(), 20, (uintptr_t)window, GNTMAP_host_map | GNTMAP_readonly);
	if (op.status == GNTST_okay)
		expect_eq(grant_unmap((uintptr_t)window, op.handle), GNTST_okay);
	table[20].flags = 0;
	expect_eq(set_pte(window, home), 0);
}

static void too_many(void)
{
	struct gnttab_query_size size = {.dom = DOMID_SELF};

	expect_eq(hypercall(grant_table_op, GNTTABOP_query_size, &size, 1), 0);
	expect(get_shared(size.max_nr_frames + 1) < 0);
	expect(get_shared(~0U) < 0);
	expect(get_shared(1U << 31) < 0);
	expect(get_status(~0U) < 0);
	expect(get_status(1U << 30) < 0);
}

/* Over several changes of version, with the old frames mapped all the time */
static void versions(uint64_t *window, uint64_t *other)
{
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	unsigned long first = status_frames[0];
	unsigned int i, k;

	for (i = 0; i < 10; i++) {
		expect_eq(get_status(1), GNTST_okay);
		if (set_pte(window, status_frames[0] * PAGE_SIZE | PTE_RO)) {
			expect_ours(false);
			continue;
		}
		/* The first eight are the tools', and may be in use. */
		for (k = 8 * sizeof(grant_status_t) / 8; k < 512; k++)
			expect_eq(((volatile uint64_t *)window)[k], 0);
		/* In use: it may be refused, or the frame stays. */
		if (set_version(1) == 0) {
			expect(get_status(1) < 0);
			(void)PROBE("mov (%0), %%rax", : : "r"(window) : "rax");
		}
		expect_eq(set_pte(window, home), 0);
		expect_eq(set_version(1), 0);
		expect_eq(set_version(2), 0);
	}
	expect_eq(get_status(1), GNTST_okay);
	printf("status frame %#lx, then %#lx\n", first, status_frames[0]);
	/* The reference frees what nobody holds, and refuses to map it for a while. */
	if (beyond_abi())
		abuse(status_frames[0], other);
}

void test_main(void)
{
	uint64_t *window = alloc_page(), *other = alloc_page();
	struct grant_entry_v1 *table = grant_table_v1(1);

	evtchn_mask_all();
	expect_eq(get_shared(2), GNTST_okay);
	abuse(shared_frames[1], window);
	grant_on(table, shared_frames[1], window);
	too_many();
	expect(get_status(1) < 0); /* version 1 has none */
	if (set_version(2))
		skip("this domain has version 1 only");
	expect_eq(get_status(1), GNTST_okay);
	/* Written by the hypervisor alone; the reference lets a guest write there, too. */
	expect_ours(set_pte(window, status_frames[0] * PAGE_SIZE | PTE_RW) < 0);
	abuse(status_frames[0], window);
	versions(window, other);
}
