/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Operations on a whole table: set up, ask, change of version, exchange of two
 * entries. A domain's own, or any for the control domain.
 *
 * The version changes only while nothing is pinned. The reserved first entries,
 * which the tools may have filled before the guest chose, are converted, all
 * others are cleared.
 *
 * Lock: grant_table.lock.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/page.h>
#include "internal.h"

/* GNTST_okay: *ret_d is held and has a table. */
static int get_target(domid_t id, struct domain **ret_d)
{
	struct domain *me = current->domain, *d;

	if (id != DOMID_SELF && id != me->id && !is_control_domain(me))
		return (int)hv_err(GNTST_permission_denied, "grant table of d%u", id);
	d = domain_get_by_id(id);
	if (!d)
		return GNTST_bad_domain;
	if (!d->grant_table) {
		domain_put(d);
		return GNTST_bad_domain;
	}
	*ret_d = d;
	return GNTST_okay;
}

/* Frame @i of the table; nothing is left of it if the domain has died meanwhile. */
static bool frame_of(struct grant_table *gt, bool status, unsigned int i, uint64_t *ret_frame)
{
	bool ok;

	spin_lock(&gt->lock);
	ok = !gt->dead && i < (status ? gt->nr_status : gt->nr_frames);
	if (ok)
		*ret_frame = mfn_x(virt_to_mfn(status ? (void *)gt->status[i] : gt->shared[i]));
	spin_unlock(&gt->lock);
	return ok;
}

_Static_assert(sizeof(xen_pfn_t) == sizeof(uint64_t), "both lists are of 64-bit numbers");

/* The first @nr frames into the guest's list at @list. A GNTST_*. */
static int frames_out(struct grant_table *gt, bool status, uint64_t list, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t frame;

		if (!frame_of(gt, status, i, &frame))
			return GNTST_general_error;
		if (guest_copy_out(list + i * sizeof(frame), &frame, sizeof(frame)))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

void grant_setup_table(struct gnttab_setup_table *op)
{
	struct grant_table *gt;
	struct domain *d;
	int rc = get_target(op->dom, &d);

	if (rc)
		goto out;
	gt = d->grant_table;
	spin_lock(&gt->lock);
	if (grant_table_grow(gt, op->nr_frames))
		rc = (int)hv_err(GNTST_general_error, "d%u: %u frames (at most %u)", d->id,
				 op->nr_frames, gt->max_frames);
	spin_unlock(&gt->lock);
	if (!rc)
		rc = frames_out(gt, false, guest_handle_va(op->frame_list), op->nr_frames);
	domain_put(d);
out:
	op->status = (int16_t)rc;
}

void grant_query_size(struct gnttab_query_size *op)
{
	struct domain *d;
	int rc = get_target(op->dom, &d);

	if (!rc) {
		spin_lock(&d->grant_table->lock);
		op->nr_frames = d->grant_table->nr_frames;
		op->max_nr_frames = d->grant_table->max_frames;
		spin_unlock(&d->grant_table->lock);
		domain_put(d);
	}
	op->status = (int16_t)rc;
}

void grant_get_status_frames(struct gnttab_get_status_frames *op)
{
	struct grant_table *gt;
	struct domain *d;
	int rc = get_target(op->dom, &d);

	if (rc)
		goto out;
	gt = d->grant_table;
	spin_lock(&gt->lock);
	if (gt->dead || gt->version != 2 || op->nr_frames > gt->nr_status)
		rc = (int)hv_err(GNTST_general_error, "d%u: %u status frames of %u, version %u",
				 d->id, op->nr_frames, gt->nr_status, gt->version);
	spin_unlock(&gt->lock);
	if (!rc)
		rc = frames_out(gt, true, guest_handle_va(op->frame_list), op->nr_frames);
	domain_put(d);
out:
	op->status = (int16_t)rc;
}

long grant_get_version(struct gnttab_get_version *op)
{
	struct domain *d;
	int rc = get_target(op->dom, &d);

	if (rc)
		return rc == GNTST_permission_denied ? -EPERM : -ESRCH;
	op->version = READ_ONCE(d->grant_table->version);
	domain_put(d);
	return 0;
}

/* ---- change of version ----------------------------------------------------------- */

/* The reserved entries as they are, once; -ERANGE if the other version can't have one. */
static int save_reserved(const struct grant_table *gt, struct grant_entry_v1 *saved)
{
	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		const void *entry = grant_entry(gt, i);
		uint64_t frame;

		if (gt->version == 1) {
			memcpy(&saved[i], entry, sizeof(saved[i]));
			continue;
		}
		memcpy(&saved[i], entry, sizeof(union grant_entry_v2) - sizeof(uint64_t));
		frame = READ_ONCE(((const union grant_entry_v2 *)entry)->full_page.frame);
		if ((saved[i].flags & GTF_type_mask) == GTF_invalid)
			frame = 0;
		else if ((saved[i].flags & GTF_type_mask) != GTF_permit_access ||
			 (saved[i].flags & GTF_sub_page) || frame > UINT32_MAX)
			return -ERANGE;
		saved[i].frame = (uint32_t)frame;
	}
	return 0;
}

static void restore_reserved(const struct grant_table *gt, const struct grant_entry_v1 *saved)
{
	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		struct grant_entry_v1 e = saved[i];

		e.flags &= (uint16_t) ~(GTF_reading | GTF_writing);
		if (gt->version == 1) {
			memcpy(grant_entry(gt, i), &e, sizeof(e));
		} else {
			union grant_entry_v2 *v2 = grant_entry(gt, i);

			v2->full_page.hdr.flags = e.flags;
			v2->full_page.hdr.domid = e.domid;
			v2->full_page.frame = e.frame;
		}
		grant_show_use(gt, i);
	}
}

/* Other than the reserved ones, which daemons map as long as the domain lives. */
static unsigned int pinned_by_guests(const struct grant_table *gt)
{
	unsigned int n = gt->nr_pinned;

	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		const struct grant_active *act = grant_active_peek(gt, i);

		n -= act && grant_is_pinned(act);
	}
	return n;
}

/* Under the lock. */
static long change_version(struct grant_table *gt, unsigned int version)
{
	struct grant_entry_v1 saved[GNTTAB_NR_RESERVED_ENTRIES];
	unsigned int old = gt->version;
	int rc;

	if (pinned_by_guests(gt))
		return hv_err(-EBUSY, "d%u: %u grants are in use", gt->domid, pinned_by_guests(gt));
	rc = save_reserved(gt, saved);
	if (rc)
		return hv_err(rc, "d%u: a reserved grant doesn't fit version %u", gt->domid,
			      version);
	gt->version = version;
	rc = grant_table_grow(gt, gt->nr_frames); /* status frames */
	if (rc) {
		gt->version = old;
		return rc;
	}
	for (unsigned int i = 0; i < gt->nr_frames; i++)
		memset(gt->shared[i], 0, PAGE_SIZE);
	for (unsigned int i = 0; i < gt->nr_status; i++)
		memset(gt->status[i], 0, PAGE_SIZE);
	restore_reserved(gt, saved);
	return 0;
}

long grant_set_version(struct gnttab_set_version *op)
{
	struct grant_table *gt = current->domain->grant_table;
	long rc = 0;

	if (op->version != 1 && op->version != 2)
		return hv_err(-EINVAL, "version %u", op->version);
	spin_lock(&gt->lock);
	if (op->version > gt->max_version)
		rc = -ENOSYS;
	else if (op->version != gt->version)
		rc = change_version(gt, op->version);
	op->version = gt->version;
	spin_unlock(&gt->lock);
	return rc;
}

/* ---- others ---------------------------------------------------------------------- */

/* Under the lock. */
static int swap_locked(struct grant_table *gt, grant_ref_t a, grant_ref_t b)
{
	size_t size =
		gt->version == 1 ? sizeof(struct grant_entry_v1) : sizeof(union grant_entry_v2);
	const struct grant_active *act_a, *act_b;
	union grant_entry_v2 ea, eb;

	if (a >= grant_table_nr_entries(gt) || b >= grant_table_nr_entries(gt))
		return (int)hv_err(GNTST_bad_gntref, "references %u and %u", a, b);
	act_a = grant_active_peek(gt, a);
	act_b = grant_active_peek(gt, b);
	if ((act_a && grant_is_pinned(act_a)) || (act_b && grant_is_pinned(act_b)))
		return GNTST_eagain;
	memcpy(&ea, grant_entry(gt, a), size);
	memcpy(&eb, grant_entry(gt, b), size);
	memcpy(grant_entry(gt, a), &eb, size);
	memcpy(grant_entry(gt, b), &ea, size);
	return GNTST_okay;
}

void grant_swap_refs(struct gnttab_swap_grant_ref *op)
{
	struct grant_table *gt = current->domain->grant_table;

	spin_lock(&gt->lock);
	op->status = (int16_t)swap_locked(gt, op->ref_a, op->ref_b);
	spin_unlock(&gt->lock);
}

void grant_dump_op(struct gnttab_dump_table *op)
{
	struct domain *d;
	int rc = is_control_domain(current->domain) ? get_target(op->dom, &d)
						    : GNTST_permission_denied;

	if (!rc) {
		grant_table_dump(d);
		domain_put(d);
	}
	op->status = (int16_t)rc;
}
