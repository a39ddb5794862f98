/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Frames: every reference and every use of a type is looked up where it is held,
 * and the sums are compared with page_info. There may be more frames than
 * counters, so this goes over them in windows, each with a look at everything.
 *
 * A frame's count is the sum of
 *   the owner's own (PGC_allocated), or the hypervisor's (PGC_hyp)
 *   the entries of page tables that refer to it          arch_audit_table
 *   its pin; its own, when it is a half-checked table     here
 *   roots, descriptor tables, vcpu_info, pirq EOI page    arch_audit_holds, here
 *   FIFO event frames; device parts of grant mappings     evtchn_, grant_audit_holds
 */
#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include "internal.h"

#define MAX_BUFFER_ORDER 10U
#define MIN_BUFFER_ORDER 5U

struct tally {
	uint32_t refs, types;
};

static struct tally *buffer;
static unsigned int buffer_order;
static unsigned long window_first, window_nr;

bool audit_buffer_get(void)
{
	for (buffer_order = MAX_BUFFER_ORDER; buffer_order >= MIN_BUFFER_ORDER; buffer_order--) {
		buffer = hyp_pages_alloc_dirty(buffer_order);
		if (buffer)
			return true;
	}
	return false;
}

void audit_buffer_put(void)
{
	hyp_pages_free(buffer, buffer_order);
	buffer = NULL;
}

uint32_t *audit_counters(unsigned long *ret_nr)
{
	size_t size = PAGE_SIZE << buffer_order;

	memset(buffer, 0, size);
	*ret_nr = size / sizeof(uint32_t);
	return (uint32_t *)buffer;
}

void audit_hold(const struct page_info *pg, bool typed)
{
	unsigned long i = mfn_x(page_to_mfn(pg)) - window_first;

	if (i >= window_nr)
		return;
	buffer[i].refs++;
	buffer[i].types += typed;
}

/* What the frame itself says that it holds. */
static void count_frame(const struct page_info *pg, struct audit_stats *stats)
{
	bool table = page_type_is_table(page_type(pg));

	if (!(pg->count & PGC_count_mask) || (pg->count & PGC_free))
		return;
	if (table && pg->aux) {
		arch_audit_table(pg, page_type(pg));
		if (pg->type & PGT_partial)
			audit_hold(pg, false);
		if (!(pg->type & PGT_partial) == !page_type_count(pg))
			audit_differs("frame %#lx of d%u: type word %#x, but %u entries checked",
				      mfn_x(page_to_mfn(pg)), pg->owner, pg->type, pg->aux);
		stats->tables += !window_first;
	}
	if (!table && pg->aux)
		audit_differs("frame %#lx of d%u: %u entries checked, but it is %s",
			      mfn_x(page_to_mfn(pg)), pg->owner, pg->aux,
			      page_type_name(page_type(pg)));
	if (pg->type & PGT_pinned)
		audit_hold(pg, true);
	if (pg->count & PGC_allocated)
		audit_hold(pg, false);
	if (pg->count & PGC_hyp)
		audit_hold(pg, true);
}

static void count_window(struct audit_stats *stats)
{
	const struct domain *d;
	const struct vcpu *v;

	for (unsigned long f = 0; f < max_page; f++) {
		if (mfn_valid(_mfn(f)))
			count_frame(mfn_to_page(_mfn(f)), stats);
	}
	for_each_domain (d) {
		for_each_vcpu (d, v) {
			if (v->vcpu_info_page)
				audit_hold(v->vcpu_info_page, true);
		}
		arch_audit_holds(d);
		evtchn_audit_holds(d);
		grant_audit_holds(d);
	}
}

static void compare_frame(const struct page_info *pg, const struct tally *t)
{
	unsigned long f = mfn_x(page_to_mfn(pg));
	const struct domain *d = page_get_owner(pg);
	uint32_t refs = pg->count & PGC_count_mask, types = page_type_count(pg);

	if (pg->count & PGC_free || (!d && pg->owner != DOMID_XEN)) {
		/* Free, or the hypervisor's own. */
		if (t->refs)
			audit_differs(
				"frame %#lx is nobody's (count %#x), and is referred to %u times",
				f, pg->count, t->refs);
		return;
	}
	/* A lent frame of a dying domain may have been taken back: then it has one less. */
	if (d && d->dying && (pg->count & PGC_hyp) && refs + 1 == t->refs)
		refs++;
	if (refs != t->refs)
		audit_differs("frame %#lx of d%u (%s): count %u, but %u references", f, pg->owner,
			      page_type_name(page_type(pg)), refs, t->refs);
	if (types != t->types)
		audit_differs("frame %#lx of d%u (%s): type count %u, but %u uses", f, pg->owner,
			      page_type_name(page_type(pg)), types, t->types);
}

static void compare_totals(struct domain *d)
{
	unsigned long pos, n = 0;
	const struct page_info *pg;

	for_each_domain_page(pg, d, pos) n++;
	if (n != d->tot_pages)
		audit_differs("d%u: %lu frames by its books, but %lu are its own", d->id,
			      d->tot_pages, n);
}

void audit_frames(struct audit_stats *stats)
{
	struct domain *d;
	unsigned long nr;

	(void)audit_counters(&nr);
	nr /= 2;
	for (window_first = 0; window_first < max_page; window_first += nr) {
		window_nr = min(nr, max_page - window_first);
		memset(buffer, 0, window_nr * sizeof(*buffer));
		count_window(stats);
		for (unsigned long i = 0; i < window_nr; i++) {
			if (!mfn_valid(_mfn(window_first + i)))
				continue;
			compare_frame(mfn_to_page(_mfn(window_first + i)), &buffer[i]);
			stats->frames++;
		}
	}
	for_each_domain (d)
		compare_totals(d);
}
