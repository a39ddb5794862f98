/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A new domain's memory: first in pieces of 2 MiB as long as there are any,
 * then page by page. Where wanted, all of it is claimed before, so that of two
 * domains that are started at once one fails at its beginning and not both in
 * the middle. Owns nothing; no locks.
 */
#include <errno.h>
#include <string.h>

#include <public/memory.h>

#include "dom0-tools/libdomain/builder.h"
#include "dom0-tools/libdomain/builder_mem.h"
#include "dom0-tools/libdomain/internal.h"

#define BIG_ORDER   9u
#define BIG_PAGES   (1u << BIG_ORDER)
#define BIG_BATCH   512u
#define SMALL_BATCH 16384u

#define PHASE "allocating memory"

static int no_memory(struct dom_ctx *ctx, const struct pv_build *b, int rc)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};

	if ((rc == -ENOMEM || rc == 0) && !hv_sysctl(ctx->hv, &op)) {
		return dom_err(ctx, -ENOMEM,
			       "too little memory: the domain takes %llu MiB, %llu MiB are free in "
			       "the machine (lower memory=, or give some back: xl mem-set 0 N)",
			       (unsigned long long)(b->nr_pages >> 8),
			       (unsigned long long)((op.u.physinfo.free_pages -
						     op.u.physinfo.outstanding_pages) >>
						    8));
	}
	return dom_err_sys(ctx, rc ? rc : -ENOMEM, "allocating the domain's memory");
}

/* Claims @nr pages; 0 cancels. Hypervisors without claims are fine. */
static int claim(struct dom_ctx *ctx, const struct pv_build *b, uint64_t nr)
{
	struct xen_memory_reservation r = {.nr_extents = nr, .domid = (domid_t)b->domid};
	long rc = hv_memory_op(ctx->hv, XENMEM_claim_pages, &r, sizeof(r));

	return rc == -ENOSYS ? 0 : (int)rc;
}

/*
 * Populates @nr extents whose first PFNs are in @frames, which get the MFNs.
 * Returns how many worked.
 */
static long populate(struct dom_ctx *ctx, const struct pv_build *b, xen_pfn_t *frames,
		     unsigned int nr, unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = nr, .extent_order = order, .domid = (domid_t)b->domid};

	set_xen_guest_handle(r.extent_start, frames);
	return hv_memory_op(ctx->hv, XENMEM_populate_physmap, &r, sizeof(r));
}

/* Pieces of 2 MiB until there are no more. Returns the first PFN that is left, or an error. */
static int64_t populate_big(struct dom_ctx *ctx, struct pv_build *b, xen_pfn_t *frames)
{
	uint64_t pfn = 0;

	while (b->nr_pages - pfn >= BIG_PAGES) {
		uint64_t nr = (b->nr_pages - pfn) / BIG_PAGES;
		long got;

		nr = nr < BIG_BATCH ? nr : BIG_BATCH;
		for (uint64_t i = 0; i < nr; i++) {
			frames[i] = pfn + i * BIG_PAGES;
		}
		got = populate(ctx, b, frames, (unsigned int)nr, BIG_ORDER);
		if (got < 0) {
			return got;
		}
		for (long i = 0; i < got; i++) {
			for (unsigned int j = 0; j < BIG_PAGES; j++) {
				b->p2m[pfn++] = frames[i] + j;
			}
		}
		dom_progress(ctx, PHASE, pfn, b->nr_pages);
		if ((uint64_t)got < nr) {
			break;
		}
	}
	return (int64_t)pfn;
}

static int populate_small(struct dom_ctx *ctx, struct pv_build *b, xen_pfn_t *frames, uint64_t pfn)
{
	while (pfn < b->nr_pages) {
		uint64_t nr = b->nr_pages - pfn < SMALL_BATCH ? b->nr_pages - pfn : SMALL_BATCH;
		long got;

		for (uint64_t i = 0; i < nr; i++) {
			frames[i] = pfn + i;
		}
		got = populate(ctx, b, frames, (unsigned int)nr, 0);
		if (got != (long)nr) {
			return got < 0 ? (int)got : -ENOMEM;
		}
		memcpy(b->p2m + pfn, frames, nr * sizeof(*frames));
		pfn += nr;
		dom_progress(ctx, PHASE, pfn, b->nr_pages);
	}
	return 0;
}

int builder_populate(struct dom_ctx *ctx, struct pv_build *b)
{
	size_t bytes = SMALL_BATCH * sizeof(xen_pfn_t);
	xen_pfn_t *frames = hv_buf_alloc(ctx->hv, bytes);
	int64_t pfn;
	int rc;

	if (!frames) {
		return dom_err_sys(ctx, -ENOMEM, "allocating the domain's memory");
	}
	dom_progress(ctx, PHASE, 0, b->nr_pages);
	rc = b->claim ? claim(ctx, b, b->nr_pages) : 0;
	if (!rc) {
		pfn = populate_big(ctx, b, frames);
		rc = pfn < 0 ? (int)pfn : populate_small(ctx, b, frames, (uint64_t)pfn);
		if (b->claim) {
			claim(ctx, b, 0);
		}
	}
	hv_buf_free(ctx->hv, frames, bytes);
	return rc ? no_memory(ctx, b, rc) : 0;
}
