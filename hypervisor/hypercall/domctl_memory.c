/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* domctl: what the frames of a domain are, and its page of hypercall stubs. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/dom0.h>
#include <arch/page.h>

#include "domctl.h"

#define MAX_FRAMES 1024U
#define CHUNK      64U

static uint64_t table_bits(const struct page_info *pg)
{
	static const uint32_t bits[] = {
		[PGT_l1] = XEN_DOMCTL_PFINFO_L1TAB,
		[PGT_l2] = XEN_DOMCTL_PFINFO_L2TAB,
		[PGT_l3] = XEN_DOMCTL_PFINFO_L3TAB,
		[PGT_l4] = XEN_DOMCTL_PFINFO_L4TAB,
	};
	uint32_t type = READ_ONCE(pg->type), kind = type >> PGT_type_shift;

	/* One that nobody uses as a table any more holds data, whatever it was. */
	if (!page_type_is_table(kind) || !(type & PGT_count_mask))
		return XEN_DOMCTL_PFINFO_NOTAB;
	return bits[kind] | (type & PGT_pinned ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
}

static uint64_t frame_kind(const struct domain *d, uint64_t frame)
{
	mfn_t mfn = _mfn(frame);
	struct page_info *pg;
	uint64_t kind;

	if (!mfn_valid(mfn))
		return XEN_DOMCTL_PFINFO_XTAB;
	pg = mfn_to_page(mfn);
	if (!page_get(pg, d))
		return XEN_DOMCTL_PFINFO_XTAB;
	kind = table_bits(pg);
	page_put(pg);
	return kind;
}

int domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;
	uint64_t chunk[CHUNK];

	if (g->num > MAX_FRAMES)
		return (int)hv_err(-E2BIG, "%lu frames at once, the limit is %u", g->num,
				   MAX_FRAMES);
	for (uint64_t done = 0; done < g->num;) {
		unsigned int n = (unsigned int)min(g->num - done, (uint64_t)CHUNK);

		if (guest_from_array(g->array, done, chunk, n))
			return -EFAULT;
		for (unsigned int i = 0; i < n; i++)
			chunk[i] = frame_kind(d, chunk[i]);
		if (guest_to_array(g->array, done, chunk, n))
			return -EFAULT;
		done += n;
	}
	return 0;
}

int domctl_hypercall_init(struct domain *d, struct xen_domctl *op)
{
	mfn_t mfn = _mfn(op->u.hypercall_init.gmfn);
	struct page_info *pg;

	if (!mfn_valid(mfn))
		return -EACCES;
	pg = mfn_to_page(mfn);
	/* As writing to it would: not while it is a page table. */
	if (page_get_and_type(pg, d, PGT_writable))
		return -EACCES;
	pv_fill_hypercall_page(mfn_to_virt(mfn));
	page_put_and_type_simple(pg);
	return 0;
}
