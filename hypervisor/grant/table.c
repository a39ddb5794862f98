/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A grant table's frames: made on demand up to a limit, lent to the domain, and
 * kept until it dies. Status frames of version 2, too, stay when the guest goes
 * back to version 1: nothing is freed that it may have mapped, and no array
 * shrinks (G5) (XSA-255, -379, -382, -384). All are zero when the guest first sees
 * them (XSA-313).
 *
 * The struct lives on after the domain as long as someone maps a frame that was
 * granted through it; "dead" says that there is nothing but the struct.
 *
 * Lock: grant_table.lock.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <public/memory.h>
#include <arch/page.h>
#include "internal.h"

static unsigned int status_frames_for(unsigned int nr_frames)
{
	return (unsigned int)((nr_frames * V2_PER_FRAME + STATUS_PER_FRAME - 1) / STATUS_PER_FRAME);
}

void grant_table_put(struct grant_table *gt)
{
	if (!__atomic_sub_fetch(&gt->refs, 1, __ATOMIC_ACQ_REL))
		hv_free(gt);
}

static int grow_status(struct grant_table *gt, unsigned int nr_frames)
{
	for (unsigned int need = status_frames_for(nr_frames); gt->nr_status < need;
	     gt->nr_status++) {
		void *p = hyp_page_alloc();

		if (!p)
			return -ENOMEM;
		page_share(p, gt->domain, false);
		gt->status[gt->nr_status] = p;
	}
	return 0;
}

int grant_table_grow(struct grant_table *gt, unsigned int nr_frames)
{
	int rc;

	ASSERT(spin_is_held(&gt->lock));
	if (gt->dead || nr_frames > gt->max_frames)
		return -EINVAL;
	nr_frames = max(nr_frames, gt->nr_frames);
	if (gt->version == 2) {
		rc = grow_status(gt, nr_frames);
		if (rc)
			return rc;
	}
	for (; gt->nr_frames < nr_frames; gt->nr_frames++) {
		void *p = hyp_page_alloc();

		if (!p)
			return -ENOMEM;
		page_share(p, gt->domain, true);
		gt->shared[gt->nr_frames] = p;
	}
	return 0;
}

static void free_arrays(struct grant_table *gt)
{
	unsigned long chunks = gt->max_frames * V1_PER_FRAME / ACTIVE_PER_CHUNK;

	for (unsigned long i = 0; gt->active && i < chunks; i++)
		hv_free(gt->active[i]);
	for (unsigned int i = 0; gt->maps && i < gt->nr_maps / MAPS_PER_CHUNK; i++)
		hv_free(gt->maps[i]);
	hv_free(gt->active);
	hv_free(gt->maps);
	hv_free(gt->status);
	hv_free(gt->shared);
}

int grant_table_create(struct domain *d, int max_frames, int max_maptrack, unsigned int max_version)
{
	struct grant_table *gt;
	int rc = -ENOMEM;

	max_frames = max_frames < 0 ? GRANT_DEFAULT_FRAMES : max_frames;
	max_maptrack = max_maptrack < 0 ? GRANT_DEFAULT_MAPTRACK_FRAMES : max_maptrack;
	if (!max_version)
		return 0;
	if (max_version > 2 || !max_frames || max_frames > GRANT_MAX_FRAMES ||
	    max_maptrack > GRANT_MAX_MAPTRACK_FRAMES)
		return (int)hv_err(-EINVAL, "%d frames, %d maptrack frames, version %u", max_frames,
				   max_maptrack, max_version);
	gt = hv_zalloc(sizeof(*gt));
	if (!gt)
		return -ENOMEM;
	spin_lock_init(&gt->lock, RANK_GRANT);
	gt->refs = 1;
	gt->domain = d;
	gt->domid = d->id;
	gt->version = 1;
	gt->max_version = max_version;
	gt->max_frames = (unsigned int)max_frames;
	gt->max_maps = (unsigned int)max_maptrack * MAPS_PER_FRAME;
	gt->free_map = MAP_NONE;
	gt->shared = hv_zalloc_array(gt->max_frames, sizeof(*gt->shared));
	gt->status = hv_zalloc_array(status_frames_for(gt->max_frames), sizeof(*gt->status));
	gt->active = hv_zalloc_array(gt->max_frames * V1_PER_FRAME / ACTIVE_PER_CHUNK,
				     sizeof(*gt->active));
	if (!gt->shared || !gt->status || !gt->active)
		goto err_free;
	spin_lock(&gt->lock);
	rc = grant_table_grow(gt, 1);
	spin_unlock(&gt->lock);
	if (rc)
		goto err_free;
	d->grant_table = gt;
	return 0;

err_free:
	free_arrays(gt);
	grant_table_put(gt);
	return rc;
}

void grant_table_destroy(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	bool was_dead;

	if (!gt)
		return;
	ASSERT(!gt->nr_mapped);
	spin_lock(&gt->lock);
	was_dead = gt->dead;
	gt->dead = true;
	spin_unlock(&gt->lock);
	if (was_dead)
		return;
	/* Whoever locks the table from now on sees that, and looks no further. */
	for (unsigned int i = 0; i < gt->nr_frames; i++)
		page_unshare_free(gt->shared[i]);
	for (unsigned int i = 0; i < gt->nr_status; i++)
		page_unshare_free(gt->status[i]);
	free_arrays(gt);
	gt->domain = NULL;
}

void grant_table_fini(struct domain *d)
{
	if (!d->grant_table)
		return;
	ASSERT(d->grant_table->dead);
	grant_table_put(d->grant_table);
	d->grant_table = NULL;
}

/* ---- entries ------------------------------------------------------------------- */

unsigned int grant_table_nr_entries(const struct grant_table *gt)
{
	return (unsigned int)(gt->nr_frames * (gt->version == 1 ? V1_PER_FRAME : V2_PER_FRAME));
}

void *grant_entry(const struct grant_table *gt, grant_ref_t ref)
{
	unsigned int per_frame = gt->version == 1 ? V1_PER_FRAME : V2_PER_FRAME;

	ref = (grant_ref_t)index_nospec(ref, grant_table_nr_entries(gt));
	return (char *)gt->shared[ref / per_frame] + PAGE_SIZE / per_frame * (ref % per_frame);
}

uint32_t *grant_header(const struct grant_table *gt, grant_ref_t ref)
{
	return grant_entry(gt, ref);
}

grant_status_t *grant_status(const struct grant_table *gt, grant_ref_t ref)
{
	ref = (grant_ref_t)index_nospec(ref, grant_table_nr_entries(gt));
	return &gt->status[ref / STATUS_PER_FRAME][ref % STATUS_PER_FRAME];
}

/* ---- frames for others ----------------------------------------------------------- */

int grant_table_get_frame(struct domain *d, bool status, unsigned long idx, mfn_t *ret_mfn)
{
	struct grant_table *gt = d->grant_table;
	unsigned long need;
	int rc = -EINVAL;

	if (!gt)
		return -EINVAL;
	if (idx >= gt->max_frames)
		return (int)hv_err(-EINVAL, "d%u: frame %lu of its grant table", d->id, idx);
	spin_lock(&gt->lock);
	if (status && gt->version != 2)
		goto out;
	need = status ? idx * (STATUS_PER_FRAME / V2_PER_FRAME) + 1 : idx + 1;
	if (need > gt->max_frames)
		goto out;
	rc = grant_table_grow(gt, (unsigned int)need);
	if (!rc)
		*ret_mfn = virt_to_mfn(status ? (void *)gt->status[idx] : gt->shared[idx]);
out:
	spin_unlock(&gt->lock);
	return rc;
}

unsigned int grant_table_max_frames(struct domain *d, unsigned int id)
{
	const struct grant_table *gt = d->grant_table;

	if (!gt)
		return 0;
	return id == XENMEM_resource_grant_table_id_status ? status_frames_for(gt->max_frames)
							   : gt->max_frames;
}

bool grant_is_own_frame(struct domain *d, mfn_t mfn)
{
	struct grant_table *gt = d->grant_table;
	bool found = false;

	if (!gt)
		return false;
	spin_lock(&gt->lock);
	for (unsigned int i = 0; !gt->dead && !found && i < gt->nr_frames; i++)
		found = mfn_eq(virt_to_mfn(gt->shared[i]), mfn);
	for (unsigned int i = 0; !gt->dead && !found && i < gt->nr_status; i++)
		found = mfn_eq(virt_to_mfn(gt->status[i]), mfn);
	spin_unlock(&gt->lock);
	return found;
}

/* ---- the report for the debug key ------------------------------------------------ */

static void dump_entry(const struct grant_table *gt, grant_ref_t ref)
{
	const struct grant_active *act = grant_active_peek(gt, ref);
	uint32_t hdr = READ_ONCE(*grant_header(gt, ref));

	if (!act || !grant_is_pinned(act))
		return;
	pr_info("  %6u to d%u, flags %#x: mapped or copied r %u w %u, by devices r %u w %u, %s "
		"%#lx\n",
		ref, act->domid, hdr & 0xffff, act->pins[0], act->pins[PIN_WRITE],
		act->pins[PIN_DEVICE], act->pins[PIN_DEVICE | PIN_WRITE],
		act->kind == GRANT_TRANSITIVE ? "transitive, ref" : "frame",
		act->kind == GRANT_TRANSITIVE ? (unsigned long)act->trans.ref : mfn_x(act->mfn));
}

void grant_table_dump(struct domain *d)
{
	struct grant_table *gt = d->grant_table;

	if (!gt) {
		pr_info("d%u: no grant table\n", d->id);
		return;
	}
	spin_lock(&gt->lock);
	pr_info("d%u: grant table version %u, %u of %u frames, %u entries in use, %u mappings of "
		"others (at most %u)\n",
		d->id, gt->version, gt->nr_frames, gt->max_frames, gt->nr_pinned, gt->nr_mapped,
		gt->max_maps);
	for (grant_ref_t ref = 0; !gt->dead && gt->nr_pinned && ref < grant_table_nr_entries(gt);
	     ref++)
		dump_entry(gt, ref);
	spin_unlock(&gt->lock);
}
