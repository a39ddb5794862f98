/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Mapping granted frames. A record of maptrack, named by a handle, says what a
 * mapping is; what the guest says when it unmaps is only compared with it
 * (XSA-224, -234).
 *
 * A mapping consists of a host part (an entry of a page table) and a device part
 * (frames that a driver domain gives to its devices). Each has a pin of its own,
 * and a page reference, with PGT_writable if it isn't read-only: the host part's
 * belong to the page-table entry, the device part's to the record.
 *
 *   map     record reserved (flags 0) -> pins and references -> entry written ->
 *           record complete
 *   unmap   record marked busy -> everything compared -> entry cleared
 *           -- all TLBs flushed -- pins, then references dropped -> record free
 *
 * What fails before the entry is written or cleared leaves no trace; nothing can
 * fail after it. A busy record is out of reach of other vCPUs, and of the same
 * handle again in the same batch (XSA-218, -228).
 *
 * Lock: grant_table.lock of the mapper for its records.
 */
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <arch/grant.h>
#include "internal.h"

#define RELEASES_PER_SLICE 64

static struct grant_map *map_at(const struct grant_table *gt, grant_handle_t handle)
{
	return &gt->maps[handle / MAPS_PER_CHUNK][handle % MAPS_PER_CHUNK];
}

static unsigned int pin_kind(unsigned int part, unsigned int flags)
{
	return (part == GNTMAP_device_map ? PIN_DEVICE : 0) |
	       (flags & GNTMAP_readonly ? 0 : PIN_WRITE);
}

/* ---- records ------------------------------------------------------------------- */

/* Under the lock: a chunk of free records. */
static bool add_maps(struct grant_table *gt)
{
	unsigned int first = gt->nr_maps;
	struct grant_map *chunk;

	if (first + MAPS_PER_CHUNK > gt->max_maps) /* (S4) */
		return false;
	if (!gt->maps)
		gt->maps = hv_zalloc_array(gt->max_maps / MAPS_PER_CHUNK, sizeof(*gt->maps));
	if (!gt->maps)
		return false;
	chunk = hv_zalloc_array(MAPS_PER_CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	for (unsigned int i = 0; i < MAPS_PER_CHUNK; i++)
		chunk[i].ref = i + 1 < MAPS_PER_CHUNK ? first + i + 1 : gt->free_map;
	gt->maps[first / MAPS_PER_CHUNK] = chunk;
	gt->free_map = first;
	gt->nr_maps += MAPS_PER_CHUNK;
	return true;
}

static bool reserve_map(struct grant_table *gt, grant_handle_t *ret_handle)
{
	bool ok;

	spin_lock(&gt->lock);
	ok = gt->free_map != MAP_NONE || add_maps(gt);
	if (ok) {
		*ret_handle = gt->free_map;
		gt->free_map = map_at(gt, gt->free_map)->ref;
		gt->nr_mapped++;
	}
	spin_unlock(&gt->lock);
	return ok;
}

/* Under the lock. */
static void free_map_locked(struct grant_table *gt, grant_handle_t handle)
{
	struct grant_map *map = map_at(gt, handle);

	map->flags = 0;
	map->granter = NULL;
	map->ref = gt->free_map;
	gt->free_map = handle;
	gt->nr_mapped--;
}

static void cancel_map(struct grant_table *gt, grant_handle_t handle)
{
	spin_lock(&gt->lock);
	free_map_locked(gt, handle);
	spin_unlock(&gt->lock);
}

static void complete_map(struct grant_table *gt, grant_handle_t handle, struct grant_map map)
{
	grant_table_get(map.granter);
	spin_lock(&gt->lock);
	*map_at(gt, handle) = map;
	spin_unlock(&gt->lock);
}

/* ---- map ------------------------------------------------------------------------ */

/* Drops the pin, then the references (XSA-236). */
static void drop_part(struct grant_table *rgt, grant_ref_t ref, unsigned int how, mfn_t mfn)
{
	grant_unpin(rgt, ref, how);
	grant_put_frame(mfn, how & PIN_WRITE);
}

/* Pins and maps; GNTST_okay, or nothing happened. */
static int map_parts(struct grant_table *rgt, const struct gnttab_map_grant_ref *op, mfn_t *ret_mfn)
{
	domid_t me = current->domain->id;
	unsigned int host = pin_kind(GNTMAP_host_map, op->flags);
	unsigned int dev = pin_kind(GNTMAP_device_map, op->flags);
	struct grant_pinned pinned = {.mfn = INVALID_MFN};
	int rc;

	if (op->flags & GNTMAP_device_map) {
		rc = grant_pin(rgt, op->ref, me, dev, &pinned);
		if (rc)
			return rc;
	}
	if (op->flags & GNTMAP_host_map) {
		rc = grant_pin(rgt, op->ref, me, host, &pinned);
		if (rc)
			goto err_dev;
		rc = arch_grant_map(op->host_addr, op->flags, pinned.mfn);
		if (rc)
			goto err_host;
	}
	*ret_mfn = pinned.mfn;
	return GNTST_okay;

err_host:
	drop_part(rgt, op->ref, host, pinned.mfn);
err_dev:
	if (op->flags & GNTMAP_device_map)
		drop_part(rgt, op->ref, dev, pinned.mfn);
	return rc;
}

static int map_from(struct domain *rd, struct gnttab_map_grant_ref *op)
{
	struct grant_table *lgt = current->domain->grant_table, *rgt = rd->grant_table;
	grant_handle_t handle;
	mfn_t mfn;
	int rc;

	if (!rgt)
		return (int)hv_err(GNTST_bad_domain, "d%u has no grant table", rd->id);
	if (!reserve_map(lgt, &handle))
		return (int)hv_err(GNTST_no_device_space, "d%u maps %u grants, no more", lgt->domid,
				   lgt->nr_mapped);
	rc = map_parts(rgt, op, &mfn);
	if (rc) {
		cancel_map(lgt, handle);
		return rc;
	}
	complete_map(lgt, handle,
		     (struct grant_map){.granter = rgt,
					.mfn = mfn,
					.ref = op->ref,
					.flags = (uint16_t)(op->flags & MAP_KEPT)});
	op->handle = handle;
	op->dev_bus_addr = (uint64_t)mfn_x(mfn) << PAGE_SHIFT;
	return GNTST_okay;
}

void grant_map(struct gnttab_map_grant_ref *op)
{
	struct domain *rd;

	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map))) {
		op->status = GNTST_bad_gntref;
		return;
	}
	/* The machine address of a page-table entry (XSA-227). */
	if ((op->flags & GNTMAP_contains_pte) && op->host_addr % sizeof(uint64_t)) {
		op->status = GNTST_bad_virt_addr;
		return;
	}
	rd = domain_get_by_id(op->dom);
	if (!rd) {
		op->status = (int16_t)hv_err(GNTST_bad_domain, "no d%u", op->dom);
		return;
	}
	op->status = (int16_t)map_from(rd, op);
	domain_put(rd);
}

/* ---- unmap ------------------------------------------------------------------------ */

/* (G4) Does the request fit the record? It names the parts that it wants to be rid of. */
static int check_unmap(const struct grant_unmap *u)
{
	if (u->dev_bus_addr && (!(u->map.flags & GNTMAP_device_map) ||
				u->dev_bus_addr != (uint64_t)mfn_x(u->map.mfn) << PAGE_SHIFT))
		return GNTST_bad_dev_addr;
	if (u->host_addr && !(u->map.flags & GNTMAP_host_map))
		return GNTST_bad_virt_addr;
	return GNTST_okay;
}

static int claim_map(struct grant_table *gt, struct grant_unmap *u)
{
	struct grant_map *map;
	int rc = GNTST_bad_handle;

	spin_lock(&gt->lock);
	if (u->handle < gt->nr_maps) {
		map = map_at(gt, (grant_handle_t)index_nospec(u->handle, gt->nr_maps));
		if (map->flags && !(map->flags & MAP_BUSY)) {
			u->map = *map;
			rc = check_unmap(u);
			if (!rc)
				map->flags |= MAP_BUSY;
		}
	}
	spin_unlock(&gt->lock);
	return rc;
}

/* Puts the record back, without the parts that are done. */
static void return_map(struct grant_table *gt, const struct grant_unmap *u)
{
	unsigned int left = u->map.flags & ~u->done;
	bool gone = !(left & (GNTMAP_host_map | GNTMAP_device_map));

	spin_lock(&gt->lock);
	if (gone)
		free_map_locked(gt, u->handle);
	else
		map_at(gt, u->handle)->flags = (uint16_t)left;
	spin_unlock(&gt->lock);
	if (gone)
		grant_table_put(u->map.granter);
}

void grant_unmap_begin(struct grant_unmap *u)
{
	struct grant_table *gt = current->domain->grant_table;
	int rc;

	u->done = 0;
	rc = claim_map(gt, u);
	if (rc) {
		u->status = (int16_t)hv_err(rc, "d%u: handle %u", gt->domid, u->handle);
		return;
	}
	if (u->host_addr) {
		rc = arch_grant_unmap(u->host_addr, u->new_addr, u->map.flags, u->map.mfn);
		if (!rc)
			u->done |= GNTMAP_host_map;
	}
	if (!rc && u->dev_bus_addr)
		u->done |= GNTMAP_device_map;
	if (!u->done)
		return_map(gt, u);
	u->status = (int16_t)rc;
}

void grant_unmap_end(struct grant_unmap *u)
{
	if (!u->done)
		return;
	if (u->done & GNTMAP_host_map)
		drop_part(u->map.granter, u->map.ref, pin_kind(GNTMAP_host_map, u->map.flags),
			  u->map.mfn);
	if (u->done & GNTMAP_device_map)
		drop_part(u->map.granter, u->map.ref, pin_kind(GNTMAP_device_map, u->map.flags),
			  u->map.mfn);
	return_map(current->domain->grant_table, u);
}

/* ---- death ------------------------------------------------------------------------ */

static void release_map(struct grant_table *gt, grant_handle_t handle)
{
	struct grant_map map = *map_at(gt, handle);

	/* The references went with the page-table entry. */
	if (map.flags & GNTMAP_host_map)
		grant_unpin(map.granter, map.ref, pin_kind(GNTMAP_host_map, map.flags));
	if (map.flags & GNTMAP_device_map)
		drop_part(map.granter, map.ref, pin_kind(GNTMAP_device_map, map.flags), map.mfn);
	cancel_map(gt, handle);
	grant_table_put(map.granter);
}

int grant_table_release_mappings(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	unsigned int released = 0;

	if (!gt || gt->dead)
		return 0;
	for (; gt->release_next < gt->nr_maps; gt->release_next++) {
		if (!map_at(gt, gt->release_next)->flags)
			continue;
		release_map(gt, gt->release_next);
		if (++released % RELEASES_PER_SLICE == 0 && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}
