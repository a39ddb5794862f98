/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The grant table hypercall. Most operations come as arrays. Each element gets a
 * status of its own, GNTST_okay or negative (XSA-316); the hypercall fails only
 * if the array can't be read or written. Between elements the call may be
 * preempted: it is continued with the rest of the array (XSA-226), each element
 * is done exactly once.
 *
 * unmap works in slices, so that the TLBs of the domain are flushed once for
 * many: clear entries, flush, and only then let go of the frames (F3).
 *
 * Transfer (giving a frame away for good) is refused for each element: no kernel
 * of the last decade uses it, and every path by which a frame changes its owner
 * is one more to get wrong. cache_flush is for machines without coherent DMA.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <arch/grant.h>
#include "internal.h"

union grant_arg {
	struct gnttab_map_grant_ref map;
	struct gnttab_copy copy;
	struct gnttab_transfer transfer;
	struct gnttab_swap_grant_ref swap;
	struct gnttab_dump_table dump;
	struct gnttab_setup_table setup;
	struct gnttab_query_size query;
	struct gnttab_get_status_frames status_frames;
	struct gnttab_set_version set_version;
	struct gnttab_get_version get_version;
};

static long op_map(union grant_arg *a)
{
	grant_map(&a->map);
	return 0;
}

static long op_copy(union grant_arg *a)
{
	grant_copy(&a->copy);
	return 0;
}

static long op_transfer(union grant_arg *a)
{
	a->transfer.status = GNTST_general_error;
	return 0;
}

static long op_swap(union grant_arg *a)
{
	grant_swap_refs(&a->swap);
	return 0;
}

static long op_dump(union grant_arg *a)
{
	grant_dump_op(&a->dump);
	return 0;
}

static long op_setup(union grant_arg *a)
{
	grant_setup_table(&a->setup);
	return 0;
}

static long op_query(union grant_arg *a)
{
	grant_query_size(&a->query);
	return 0;
}

static long op_status_frames(union grant_arg *a)
{
	grant_get_status_frames(&a->status_frames);
	return 0;
}

static long op_set_version(union grant_arg *a)
{
	return grant_set_version(&a->set_version);
}

static long op_get_version(union grant_arg *a)
{
	return grant_get_version(&a->get_version);
}

struct grant_op_desc {
	long (*fn)(union grant_arg *a); /* fails only for the whole call */
	uint8_t size;
	bool single; /* one element, no array */
};

static const struct grant_op_desc grant_op_descs[] = {
	[GNTTABOP_map_grant_ref] = {op_map, sizeof(struct gnttab_map_grant_ref), false},
	[GNTTABOP_setup_table] = {op_setup, sizeof(struct gnttab_setup_table), true},
	[GNTTABOP_dump_table] = {op_dump, sizeof(struct gnttab_dump_table), true},
	[GNTTABOP_transfer] = {op_transfer, sizeof(struct gnttab_transfer), false},
	[GNTTABOP_copy] = {op_copy, sizeof(struct gnttab_copy), false},
	[GNTTABOP_query_size] = {op_query, sizeof(struct gnttab_query_size), true},
	[GNTTABOP_set_version] = {op_set_version, sizeof(struct gnttab_set_version), true},
	[GNTTABOP_get_status_frames] = {op_status_frames, sizeof(struct gnttab_get_status_frames),
					true},
	[GNTTABOP_get_version] = {op_get_version, sizeof(struct gnttab_get_version), true},
	[GNTTABOP_swap_grant_ref] = {op_swap, sizeof(struct gnttab_swap_grant_ref), false},
};

static long continue_at(unsigned int cmd, uint64_t uop, unsigned int count)
{
	unsigned long args[] = {cmd, uop, count};

	return hypercall_continue(__HYPERVISOR_grant_table_op, 3, args);
}

static long do_array(unsigned int cmd, const struct grant_op_desc *op, uint64_t uop,
		     unsigned int count)
{
	union grant_arg a;

	for (; count; count--, uop += op->size) {
		long rc;

		if (guest_copy_in(&a, uop, op->size))
			return -EFAULT;
		rc = op->fn(&a);
		if (guest_copy_out(uop, &a, op->size))
			return -EFAULT;
		if (rc)
			return rc;
		if (count > 1 && hypercall_preempt_check())
			return continue_at(cmd, uop + op->size, count - 1);
	}
	return 0;
}

/* ---- unmap ------------------------------------------------------------------------ */

#define UNMAPS_PER_SLICE 32

/* Both operations begin alike; the middle word is a device address or new_addr. */
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == sizeof(struct gnttab_unmap_and_replace) &&
		       offsetof(struct gnttab_unmap_grant_ref, handle) ==
			       offsetof(struct gnttab_unmap_and_replace, handle) &&
		       offsetof(struct gnttab_unmap_grant_ref, status) ==
			       offsetof(struct gnttab_unmap_and_replace, status),
	       "the two unmap operations have one layout");

static long unmap_slice(unsigned int cmd, uint64_t uop, unsigned int nr)
{
	struct grant_unmap u[UNMAPS_PER_SLICE];
	struct gnttab_unmap_grant_ref op;
	unsigned int begun, hosts = 0;
	long rc = 0;

	for (begun = 0; begun < nr; begun++) {
		struct grant_unmap *x = &u[begun];

		if (guest_copy_in(&op, uop + begun * sizeof(op), sizeof(op))) {
			rc = -EFAULT;
			break;
		}
		*x = (struct grant_unmap){.host_addr = op.host_addr, .handle = op.handle};
		if (cmd == GNTTABOP_unmap_and_replace)
			x->new_addr = op.dev_bus_addr;
		else
			x->dev_bus_addr = op.dev_bus_addr;
		grant_unmap_begin(x);
		hosts += !!(x->done & GNTMAP_host_map);
	}
	if (hosts)
		arch_grant_flush();
	for (unsigned int i = 0; i < begun; i++) {
		uint64_t status = uop + i * sizeof(op) + offsetof(__typeof__(op), status);

		grant_unmap_end(&u[i]);
		if (guest_copy_out(status, &u[i].status, sizeof(u[i].status)))
			rc = -EFAULT;
	}
	return rc;
}

static long do_unmap(unsigned int cmd, uint64_t uop, unsigned int count)
{
	while (count) {
		unsigned int nr = min(count, (unsigned int)UNMAPS_PER_SLICE);
		long rc = unmap_slice(cmd, uop, nr);

		if (rc)
			return rc;
		uop += nr * sizeof(struct gnttab_unmap_grant_ref);
		count -= nr;
		if (count && hypercall_preempt_check())
			return continue_at(cmd, uop, count);
	}
	return 0;
}

long do_grant_table_op(unsigned int cmd, uint64_t uop, unsigned int count)
{
	const struct grant_op_desc *op;

	if ((int)count < 0)
		return -EINVAL;
	if (!current->domain->grant_table)
		return -ENOSYS;
	if (cmd == GNTTABOP_unmap_grant_ref || cmd == GNTTABOP_unmap_and_replace) {
		if (!guest_array_ok(uop, count, sizeof(struct gnttab_unmap_grant_ref)))
			return -EFAULT;
		return do_unmap(cmd, uop, count);
	}
	if (cmd == GNTTABOP_cache_flush)
		return -EOPNOTSUPP;
	if (cmd >= ARRAY_SIZE(grant_op_descs) || !grant_op_descs[cmd].fn)
		return -ENOSYS;
	op = &grant_op_descs[index_nospec(cmd, ARRAY_SIZE(grant_op_descs))];
	if (op->single && count != 1)
		return -EINVAL;
	if (!guest_array_ok(uop, count, op->size))
		return -EFAULT;
	return do_array(cmd, op, uop, count);
}
