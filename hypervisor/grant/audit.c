/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grants, for the audit (hv/audit.h): the pins of every entry are those that the
 * mappings of all domains stand for (a copy's are gone before the world stops),
 * and its use bits say so.
 */
#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include "internal.h"

static const struct grant_map *map_of(const struct grant_table *gt, unsigned int handle)
{
	const struct grant_map *m = &gt->maps[handle / MAPS_PER_CHUNK][handle % MAPS_PER_CHUNK];

	return m->flags ? m : NULL;
}

/* The host part's references are the page-table entry's. */
void grant_audit_holds(const struct domain *d)
{
	const struct grant_table *gt = d->grant_table;

	for (unsigned int h = 0; gt && !gt->dead && h < gt->nr_maps; h++) {
		const struct grant_map *m = map_of(gt, h);

		if (m && (m->flags & GNTMAP_device_map))
			audit_hold(mfn_to_page(m->mfn), !(m->flags & GNTMAP_readonly));
	}
}

/* Adds up what @d's mappings pin of entries [first, first + nr) of @granter. */
static unsigned int count_pins(const struct domain *d, const struct grant_table *granter,
			       uint32_t *tally, grant_ref_t first, unsigned long nr)
{
	const struct grant_table *gt = d->grant_table;
	unsigned int mapped = 0;

	for (unsigned int h = 0; gt && !gt->dead && h < gt->nr_maps; h++) {
		const struct grant_map *m = map_of(gt, h);
		unsigned int write = m && !(m->flags & GNTMAP_readonly) ? PIN_WRITE : 0;

		mapped += m != NULL;
		if (!m || m->granter != granter || m->ref - first >= nr)
			continue;
		if (m->flags & GNTMAP_host_map)
			tally[(m->ref - first) * PIN_COUNTS + PIN_INDEX(write)]++;
		if (m->flags & GNTMAP_device_map)
			tally[(m->ref - first) * PIN_COUNTS + PIN_INDEX(write | PIN_DEVICE)]++;
	}
	return mapped;
}

static void compare_entry(const struct grant_table *gt, grant_ref_t ref, const uint32_t *tally)
{
	const struct grant_active *act = grant_active_peek(gt, ref);
	bool pinned = act && grant_is_pinned(act);

	for (unsigned int i = 0; i < PIN_COUNTS; i++) {
		unsigned int have = act ? act->pins[i] : 0;

		if (have != tally[i])
			audit_differs("grant %u of d%u: %u pins of kind %u, but %u mappings", ref,
				      gt->domid, have, i, tally[i]);
	}
	/* Version 1's bits are in the guest's own memory: it may have cleared them. */
	if (gt->version == 2 && pinned != !!(*grant_status(gt, ref) & GTF_reading))
		audit_differs("grant %u of d%u: status %#x, but %spinned", ref, gt->domid,
			      *grant_status(gt, ref), pinned ? "" : "not ");
}

void grant_audit(const struct domain *d)
{
	const struct grant_table *gt = d->grant_table;
	unsigned int pinned = 0, mapped = 0, entries;
	unsigned long nr;

	if (!gt || gt->dead)
		return;
	entries = grant_table_nr_entries(gt);
	for (grant_ref_t first = 0; first < entries; first += (grant_ref_t)nr) {
		uint32_t *tally = audit_counters(&nr);
		const struct domain *other;

		nr = min(nr / PIN_COUNTS, (unsigned long)(entries - first));
		for_each_domain (other) {
			unsigned int n = count_pins(other, gt, tally, first, nr);

			mapped = other == d ? n : mapped;
		}
		for (unsigned long i = 0; i < nr; i++) {
			const struct grant_active *act =
				grant_active_peek(gt, first + (grant_ref_t)i);

			compare_entry(gt, first + (grant_ref_t)i, tally + i * PIN_COUNTS);
			pinned += act && grant_is_pinned(act);
		}
	}
	if (pinned != gt->nr_pinned)
		audit_differs("d%u: %u pinned grants by its books, but %u are", d->id,
			      gt->nr_pinned, pinned);
	if (mapped != gt->nr_mapped)
		audit_differs("d%u: %u mappings by its books, but %u are there", d->id,
			      gt->nr_mapped, mapped);
}
