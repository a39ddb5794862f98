/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grant table version 2: wider entries, in-use flags in frames of their own,
 * sub-page grants for copies, and changing the version. Tries G2, G5.
 */
#include "lib/guest.h"

const char test_title[] = "Grants, version 2";

#define REF 20

static union grant_entry_v2 *table;
static volatile grant_status_t *status;
static domid_t self;

static long set_version(uint32_t v, uint32_t *ret_now)
{
	struct gnttab_set_version op = {.version = v};
	long ret = hypercall(grant_table_op, GNTTABOP_set_version, &op, 1);

	*ret_now = op.version;
	return ret;
}

static void set_up(void)
{
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
	struct gnttab_get_status_frames frames = {.dom = DOMID_SELF, .nr_frames = 1};
	xen_pfn_t frame = 0;
	uint64_t status_frame = 0;

	set_xen_guest_handle(setup.frame_list, &frame);
	expect_eq(hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0);
	expect_eq(setup.status, GNTST_okay);
	set_xen_guest_handle(frames.frame_list, &status_frame);
	expect_eq(hypercall(grant_table_op, GNTTABOP_get_status_frames, &frames, 1), 0);
	if (setup.status || frames.status)
		error("no frames: %d, %d", setup.status, frames.status);
	table = alloc_page();
	status = alloc_page();
	if (set_pte(table, frame * PAGE_SIZE | PTE_RW) ||
	    set_pte((void *)status, status_frame * PAGE_SIZE | PTE_RO))
		error("cannot map the grant table");
	self = own_domid();
}

/* An entry that is in use keeps the version. */
static void mapping(grant_ref_t ref)
{
	struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .ref = ref, .dom = self};
	struct gnttab_unmap_grant_ref unmap = {.dev_bus_addr = 0};
	uint32_t version;
	uint64_t *window = alloc_page(), *granted = alloc_page();
	const uint64_t home = virt_to_maddr(window) | PTE_RW;

	granted[9] = 0x99;
	table[ref].full_page.hdr.domid = self;
	table[ref].full_page.frame = virt_to_mfn(granted);
	__atomic_store_n(&table[ref].hdr.flags, GTF_permit_access, __ATOMIC_SEQ_CST);
	map.host_addr = unmap.host_addr = (uintptr_t)window;
	expect_eq(hypercall(grant_table_op, GNTTABOP_map_grant_ref, &map, 1), 0);
	expect_eq(map.status, GNTST_okay);
	expect_eq(status[ref], GTF_reading | GTF_writing);
	expect_eq(table[ref].hdr.flags, GTF_permit_access);
	expect_eq(((volatile uint64_t *)window)[9], 0x99);
	expect_eq(set_version(1, &version), -XEN_EBUSY);
	unmap.handle = map.handle;
	expect_eq(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
	expect_eq(unmap.status, GNTST_okay);
	expect_eq(status[ref], 0);
	expect_eq(set_pte(window, home), 0);
}

static int copy(unsigned int from, void *to, unsigned int len)
{
	struct gnttab_copy op = {.flags = GNTCOPY_source_gref, .len = (uint16_t)len, .status = 99};

	op.source.u.ref = REF + 1;
	op.source.domid = DOMID_SELF;
	op.source.offset = (uint16_t)from;
	op.dest.u.gmfn = virt_to_mfn(to);
	op.dest.domid = DOMID_SELF;
	expect_eq(hypercall(grant_table_op, GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

/* A part of a page is good for copies within it, and not for mapping. */
static void sub_pages(void)
{
	struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .ref = REF + 1, .dom = self};
	char *granted = alloc_page(), *to = alloc_page();

	memset(granted + 64, 0x5c, 128);
	table[REF + 1].sub_page.hdr.domid = self;
	table[REF + 1].sub_page.page_off = 64;
	table[REF + 1].sub_page.length = 128;
	table[REF + 1].sub_page.frame = virt_to_mfn(granted);
	__atomic_store_n(&table[REF + 1].hdr.flags, GTF_permit_access | GTF_sub_page | GTF_readonly,
			 __ATOMIC_SEQ_CST);
	expect_eq(copy(64, to, 128), GNTST_okay);
	expect_eq(memcmp(to, granted + 64, 128), 0);
	expect(copy(63, to, 8) < 0);
	expect(copy(64, to, 129) < 0);
	map.host_addr = (uintptr_t)alloc_page();
	expect_eq(hypercall(grant_table_op, GNTTABOP_map_grant_ref, &map, 1), 0);
	expect(map.status < 0);
	expect_eq(status[REF + 1], 0);
}

void test_main(void)
{
	struct gnttab_get_version get = {.dom = DOMID_SELF};
	uint32_t now;

	evtchn_mask_all();
	expect_eq(hypercall(grant_table_op, GNTTABOP_get_version, &get, 1), 0);
	expect_eq(get.version, 1);
	if (set_version(2, &now))
		skip("this domain has version 1 only");
	expect_eq(now, 2);
	expect_eq(hypercall(grant_table_op, GNTTABOP_get_version, &get, 1), 0);
	expect_eq(get.version, 2);
	expect_eq(set_version(3, &now), -XEN_EINVAL);
	set_up();
	mapping(GNTTAB_NR_RESERVED_ENTRIES);
	mapping(REF);
	mapping(PAGE_SIZE / sizeof(*table) - 1);
	sub_pages();
}
