/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grant table version 1, granting to ourselves: mapping by address and by page
 * table entry, in-use flags that show as long as the last mapping lives, copies,
 * and the status of everything that must be refused.
 */
#include "lib/guest.h"

const char test_title[] = "Grants, version 1";

#define REF 20

static struct grant_entry_v1 *table;
static char *granted;
static domid_t self;

static void set_up(void)
{
	struct gnttab_set_version version = {.version = 1};
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
	struct gnttab_query_size size = {.dom = DOMID_SELF};
	xen_pfn_t frame = 0;

	expect_eq(hypercall(grant_table_op, GNTTABOP_query_size, &size, 1), 0);
	expect_eq(size.status, GNTST_okay);
	expect(size.max_nr_frames >= 4 && size.nr_frames <= size.max_nr_frames);
	expect_eq(hypercall(grant_table_op, GNTTABOP_set_version, &version, 1), 0);
	expect_eq(version.version, 1);
	set_xen_guest_handle(setup.frame_list, &frame);
	expect_eq(hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0);
	if (setup.status)
		error("setup_table: %d", setup.status);
	table = alloc_page();
	if (set_pte(table, frame * PAGE_SIZE | PTE_RW))
		error("cannot map the grant table");
	granted = alloc_page();
	self = own_domid();
}

static void grant(unsigned int ref, const void *page, uint16_t flags)
{
	table[ref].domid = self;
	table[ref].frame = (uint32_t)virt_to_mfn(page);
	__atomic_store_n(&table[ref].flags, flags, __ATOMIC_SEQ_CST);
}

/* A map names the granting domain by its id: DOMID_SELF is not one. */
static struct gnttab_map_grant_ref map(const void *va, unsigned int ref, uint32_t flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = (uintptr_t)va,
		.flags = flags,
		.ref = ref,
		.dom = self,
		.status = 99,
	};

	expect_eq(hypercall(grant_table_op, GNTTABOP_map_grant_ref, &op, 1), 0);
	return op;
}

static int unmap(uint64_t host_addr, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref op = {.host_addr = host_addr, .handle = handle, .status = 99};

	expect_eq(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1), 0);
	return op.status;
}

static void mapping(void)
{
	uint64_t *window = alloc_page(), *other = alloc_page(), entry;
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	const uint64_t its_home = virt_to_maddr(other) | PTE_RW;
	struct gnttab_map_grant_ref a, b;
	volatile uint64_t *page = (volatile uint64_t *)granted;

	grant(REF, granted, GTF_permit_access);
	*page = 0x1111;
	a = map(window, REF, GNTMAP_host_map);
	expect_eq(a.status, GNTST_okay);
	expect_eq(a.dev_bus_addr, virt_to_maddr(granted));
	expect_eq(table[REF].flags, GTF_permit_access | GTF_reading | GTF_writing);
	expect_eq(*(volatile uint64_t *)window, 0x1111);
	*(volatile uint64_t *)window = 0x2222;
	expect_eq(*page, 0x2222);

	/* A second mapping, read-only, into a page table entry */
	entry = virt_to_maddr(pte_of(other));
	b = map((void *)entry, REF,
		GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly |
			3U << _GNTMAP_guest_avail0);
	expect_eq(b.status, GNTST_okay);
	expect_eq(*pte_of(other) & 0x600, 0x600);
	expect_eq(*(volatile uint64_t *)other, 0x2222);
	expect_fault(PROBE("movq $0, %0", : "=m"(*other)), 14, 3);
	expect_eq(unmap((uintptr_t)window, a.handle), GNTST_okay);
	expect_eq(*pte_of(window), 0);
	/* Only the reader is left. */
	expect_eq(table[REF].flags, GTF_permit_access | GTF_reading);
	expect_eq(unmap(entry, b.handle), GNTST_okay);
	expect_eq(*pte_of(other), 0);
	expect_eq(table[REF].flags, GTF_permit_access);
	expect_eq(set_pte(other, its_home), 0);
	expect_eq(unmap((uintptr_t)window, a.handle), GNTST_bad_handle);
	expect_eq(set_pte(window, home), 0);
}

/* A mapping for devices ends by its handle, with the address that it had or with none. */
static void for_devices(void)
{
	struct gnttab_unmap_grant_ref end = {.status = 99};
	struct gnttab_map_grant_ref m;

	grant(REF, granted, GTF_permit_access);
	m = map(NULL, REF, GNTMAP_device_map);
	expect_eq(m.status, GNTST_okay);
	expect_eq(m.dev_bus_addr, virt_to_maddr(granted));
	end.handle = m.handle;
	end.dev_bus_addr = m.dev_bus_addr + PAGE_SIZE;
	expect_eq(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &end, 1), 0);
	expect(end.status < 0);
	expect_eq(table[REF].flags, GTF_permit_access | GTF_reading | GTF_writing);
	end.dev_bus_addr = m.dev_bus_addr;
	expect_eq(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &end, 1), 0);
	expect_eq(end.status, GNTST_okay);
	expect_eq(table[REF].flags, GTF_permit_access);
}

static void refusals(void)
{
	uint64_t *window = alloc_page();
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	struct gnttab_map_grant_ref m;

	/* Read-only grants are not mapped writable, withdrawn ones not at all. */
	grant(REF, granted, GTF_permit_access | GTF_readonly);
	m = map(window, REF, GNTMAP_host_map);
	expect(m.status < 0);
	m = map(window, REF, GNTMAP_host_map | GNTMAP_readonly);
	expect_eq(m.status, GNTST_okay);
	expect_eq(table[REF].flags, GTF_permit_access | GTF_readonly | GTF_reading);
	expect_eq(unmap((uintptr_t)window, m.handle), GNTST_okay);
	grant(REF, granted, 0);
	expect(map(window, REF, GNTMAP_host_map).status < 0);
	/* For somebody else; a reference that does not exist; a frame not ours */
	grant(REF, granted, GTF_permit_access);
	table[REF].domid = 0x123;
	expect(map(window, REF, GNTMAP_host_map).status < 0);
	expect_eq(map(window, 0x7fffffff, GNTMAP_host_map).status, GNTST_bad_gntref);
	grant(REF, granted, GTF_permit_access);
	table[REF].frame = 0x100;
	expect(map(window, REF, GNTMAP_host_map).status < 0);
	expect_eq(table[REF].flags & (GTF_reading | GTF_writing), 0);
	/* Where it cannot go: no table there, an entry out of line */
	grant(REF, granted, GTF_permit_access);
	expect(map((void *)0x7f0000000000UL, REF, GNTMAP_host_map).status < 0);
	expect(map((void *)(virt_to_maddr(pte_of(window)) + 4), REF,
		   GNTMAP_host_map | GNTMAP_contains_pte)
		       .status < 0);
	expect(map((void *)virt_to_maddr(window), REF, GNTMAP_host_map | GNTMAP_contains_pte)
		       .status < 0);
	expect_eq(table[REF].flags, GTF_permit_access);
	expect_eq(unmap(0, 0x12345), GNTST_bad_handle);
	expect_eq(set_pte(window, home), 0);
}

static int copy(unsigned int from_ref, unsigned int from, void *to, unsigned int at,
		unsigned int len)
{
	struct gnttab_copy op = {.flags = GNTCOPY_source_gref, .len = (uint16_t)len, .status = 99};

	op.source.u.ref = from_ref;
	op.source.domid = DOMID_SELF;
	op.source.offset = (uint16_t)from;
	op.dest.u.gmfn = virt_to_mfn(to);
	op.dest.domid = DOMID_SELF;
	op.dest.offset = (uint16_t)at;
	expect_eq(hypercall(grant_table_op, GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

static void copying(void)
{
	char *to = alloc_page();
	unsigned int i;

	for (i = 0; i < PAGE_SIZE; i++)
		granted[i] = (char)(i * 7);
	grant(REF, granted, GTF_permit_access | GTF_readonly);
	expect_eq(copy(REF, 100, to, 200, 300), GNTST_okay);
	expect_eq(memcmp(to + 200, granted + 100, 300), 0);
	expect_eq(to[199] + to[500], 0);
	expect_eq(copy(REF, 4000, to, 0, 97), GNTST_bad_copy_arg);
	expect_eq(copy(REF, 0, to, 4095, 2), GNTST_bad_copy_arg);
	expect(copy(REF + 1, 0, to, 0, 8) < 0);
	expect_eq(table[REF].flags, GTF_permit_access | GTF_readonly);
	expect(copy(REF, 0, (void *)start_info->pt_base, 0, 8) < 0);
}

void test_main(void)
{
	evtchn_mask_all();
	set_up();
	mapping();
	for_devices();
	refusals();
	copying();
}
