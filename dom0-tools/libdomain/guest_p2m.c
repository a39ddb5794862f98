/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest's P2M list, which is in the guest's own memory: either found by
 * walking its page tables for the address that it has published, or through
 * the older tree of three levels of frames. Nothing that the guest has written
 * is trusted further than to ask the hypervisor for a mapping.
 *
 * Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <public/xen.h>

#include "dom0-tools/libdomain/guest_p2m.h"
#include "dom0-tools/libdomain/internal.h"

#define PER_PAGE  (DOM_PAGE_SIZE / sizeof(uint64_t))
#define MFN_MASK  0x000ffffffffff000ULL
#define PTE_VALID 1u
#define PTE_LARGE 0x80u
#define P2M_FLAGS (3ULL << 62) /* Linux: foreign, identity */
#define PFN_LIMIT (1ULL << 32) /* 16 TiB */

/* One mapped page of the guest per level of the walk. */
struct walk {
	struct dom_ctx *ctx;
	uint32_t domid;
	uint64_t mfn[5];
	uint64_t *page[5]; /* by level; [0] is the list's own page */
};

static int walk_map(struct walk *w, int level, uint64_t mfn)
{
	xen_pfn_t frame = mfn;
	void *map;
	int rc;

	if (w->page[level] && w->mfn[level] == mfn) {
		return 0;
	}
	hv_foreign_unmap(w->ctx->hv, w->page[level], 1);
	w->page[level] = NULL;
	rc = hv_foreign_map(w->ctx->hv, (domid_t)w->domid, PROT_READ, &frame, 1, NULL, &map);
	if (!rc) {
		w->page[level] = map;
		w->mfn[level] = mfn;
	}
	return rc;
}

static void walk_fini(struct walk *w)
{
	for (size_t i = 0; i < DOM_ARRAY_LEN(w->page); i++) {
		hv_foreign_unmap(w->ctx->hv, w->page[i], 1);
	}
}

/* The frame at @va in the address space of @l4. */
static int translate(struct walk *w, uint64_t l4, uint64_t va, uint64_t *ret_mfn)
{
	uint64_t mfn = l4;

	for (int level = 4; level > 0; level--) {
		unsigned int shift = 12u + 9u * (unsigned int)(level - 1);
		uint64_t pte;
		int rc = walk_map(w, level, mfn);

		if (rc) {
			return rc;
		}
		pte = w->page[level][va >> shift & (PER_PAGE - 1)];
		if (!(pte & PTE_VALID) || (level > 1 && (pte & PTE_LARGE))) {
			return -EFAULT;
		}
		mfn = (pte & MFN_MASK) >> DOM_PAGE_SHIFT;
	}
	*ret_mfn = mfn;
	return 0;
}

/* The frame of the list's page number @index, either way. */
static int list_frame(struct walk *w, const struct arch_shared_info *arch, uint64_t index,
		      uint64_t *ret_mfn)
{
	int rc;

	if (arch->p2m_cr3) {
		return translate(w, xen_cr3_to_pfn(arch->p2m_cr3),
				 arch->p2m_vaddr + index * DOM_PAGE_SIZE, ret_mfn);
	}
	if (index / PER_PAGE >= PER_PAGE) {
		return -EFAULT;
	}
	rc = walk_map(w, 2, arch->pfn_to_mfn_frame_list_list);
	if (!rc) {
		rc = walk_map(w, 1, w->page[2][index / PER_PAGE]);
	}
	if (!rc) {
		*ret_mfn = w->page[1][index % PER_PAGE];
	}
	return rc;
}

static void copy_entries(uint64_t *p2m, const uint64_t *page, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		p2m[i] = page[i] & P2M_FLAGS ? P2M_NONE : page[i];
	}
}

int guest_p2m_read(struct dom_ctx *ctx, uint32_t domid, const void *shared_info, uint64_t **ret_p2m,
		   size_t *ret_nr)
{
	const struct shared_info *si = shared_info;
	struct arch_shared_info arch = si->arch;
	struct walk w = {.ctx = ctx, .domid = domid};
	uint64_t nr = arch.max_pfn, *p2m, good = 0;

	if (!nr || nr > PFN_LIMIT ||
	    (!arch.p2m_cr3 &&
	     (!arch.pfn_to_mfn_frame_list_list || arch.pfn_to_mfn_frame_list_list == P2M_NONE))) {
		return dom_err(
			ctx, -ENODATA,
			"domain %u has not published where its memory is: it ended before its "
			"kernel was up",
			domid);
	}
	p2m = malloc(nr * sizeof(*p2m));
	if (!p2m) {
		return dom_err_sys(ctx, -ENOMEM, "reading the memory list of domain %u", domid);
	}
	memset(p2m, 0xff, nr * sizeof(*p2m));
	for (uint64_t pfn = 0; pfn < nr; pfn += PER_PAGE) {
		uint64_t mfn;

		/* A page that can't be had holds nothing worth having. */
		if (!list_frame(&w, &arch, pfn / PER_PAGE, &mfn) && !walk_map(&w, 0, mfn)) {
			copy_entries(p2m + pfn, w.page[0],
				     nr - pfn < PER_PAGE ? nr - pfn : PER_PAGE);
			good++;
		}
	}
	walk_fini(&w);
	if (!good) {
		free(p2m);
		return dom_err(ctx, -ENODATA, "the memory list of domain %u can't be read", domid);
	}
	*ret_p2m = p2m;
	*ret_nr = nr;
	return 0;
}
