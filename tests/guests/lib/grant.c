/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Grants, for tests that need some. */
#include "lib/guest.h"

struct grant_entry_v1 *grant_table_v1(unsigned int nr_frames)
{
	static xen_pfn_t frames[32];
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = nr_frames};
	char *table = NULL;
	unsigned int i;

	if (nr_frames > ARRAY_SIZE(frames))
		error("grant table of %u frames", nr_frames);
	set_xen_guest_handle(setup.frame_list, frames);
	if (hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status)
		error("setup_table: %d", setup.status);
	for (i = 0; i < nr_frames; i++) {
		char *page = alloc_page(); /* each after the other */

		table = table ?: page;
		if (set_pte(page, frames[i] * PAGE_SIZE | PTE_RW))
			error("the grant table can't be mapped");
	}
	return (struct grant_entry_v1 *)table;
}

void grant_v1(struct grant_entry_v1 *entry, domid_t to, unsigned long mfn, uint16_t flags)
{
	entry->domid = to;
	entry->frame = (uint32_t)mfn;
	__atomic_store_n(&entry->flags, flags, __ATOMIC_SEQ_CST);
}

struct gnttab_map_grant_ref grant_map(domid_t from, grant_ref_t ref, uint64_t where, uint32_t flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = where, .flags = flags, .ref = ref, .dom = from, .status = 99};

	if (hypercall(grant_table_op, GNTTABOP_map_grant_ref, &op, 1))
		op.status = GNTST_general_error;
	return op;
}

int grant_unmap(uint64_t where, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref op = {.host_addr = where, .handle = handle, .status = 99};

	if (hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1))
		return GNTST_general_error;
	return op.status;
}
