/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grant tables: a domain lets another map, copy or take over a frame.
 *
 *   entry (granter's side, in shared memory, so never trusted twice)
 *      permit_access --map/copy--> reading/writing --last unmap--> permit_access
 *   active entry (ours, one per reference)
 *      pin counts of read and write mappings by CPU and by device, the frame
 *   maptrack (ours, one per mapping, of the mapping domain)
 *      granter, reference, flags: the source of truth for unmap
 *
 * Locks: grant_table.lock (RANK_GRANT) of the granter for active entries and
 * size changes, and of the mapper for maptrack; never two at a time, and none
 * while PTEs are changed (under the mapper's pt_lock).
 */
#ifndef HV_GRANT_H
#define HV_GRANT_H

#include <hv/types.h>
#include <public/grant_table.h>

struct domain;
struct grant_table;

#define GRANT_DEFAULT_FRAMES          64
#define GRANT_DEFAULT_MAPTRACK_FRAMES 1024

/*
 * @max_frames, @max_maptrack: -1 for the default; @max_version 0 (no grants), 1
 * or 2. -ENOMEM, -EINVAL.
 */
int grant_table_create(struct domain *d, int max_frames, int max_maptrack,
		       unsigned int max_version);

/*
 * A dying domain's: forgets everything that it mapped of others, after its page
 * tables have dropped their references. Preemptible (-ERESTART).
 */
int grant_table_release_mappings(struct domain *d);
/*
 * A dying domain's (or one that was never finished), after that: nobody gets a
 * frame of it any more, and its own frames are given back. Others' mappings of
 * @d's frames hold their own references. May be called again.
 */
void grant_table_destroy(struct domain *d);
/* The rest, when nobody can look any more: with the domain's struct. */
void grant_table_fini(struct domain *d);

long do_grant_table_op(unsigned int cmd, uint64_t uop, unsigned int count);

/*
 * For XENMEM_acquire_resource: the frame of the shared (or with @status the
 * status) table, growing it if need be. -EINVAL: beyond the limit.
 */
int grant_table_get_frame(struct domain *d, bool status, unsigned long idx, mfn_t *ret_mfn);

/* How many frames of the shared (id 0) or status (1) table @d may have. */
unsigned int grant_table_max_frames(struct domain *d, unsigned int id);

/* Is @mfn one of @d's own grant or status frames? */
bool grant_is_own_frame(struct domain *d, mfn_t mfn);

void grant_table_dump(struct domain *d);

#endif
