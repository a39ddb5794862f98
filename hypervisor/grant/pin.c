/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Active entries. Pinning an entry of the guest's is: check flags and domid and
 * set "reading" and "writing" in one step that fails if they change meanwhile;
 * only then read what the entry says, once; keep that until the last pin goes (G1, G3).
 *
 * The entry is in memory that the granter writes at any time:
 *   version 1  flags, domid and the use bits are one word: compare-and-exchange
 *   version 2  the use bits are in the status frame, which only we write: they
 *              are set first, then flags and domid are looked at again. A guest
 *              withdraws the entry first, then looks at the status; one of the two
 *              sees the other
 * Either is tried a bounded number of times (XSA-295). A use of an entry that is
 * pinned already must pass the same check, so nothing begins after a withdrawal;
 * which frame it is comes from the active entry only, and page references are
 * taken of that frame (XSA-500, -523).
 *
 * Lock: grant_table.lock of the granter.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include "internal.h"

#define MARK_TRIES 4

static int fail(int status, const char *why, const struct grant_table *gt, grant_ref_t ref)
{
	return (int)hv_err(status, "reference %u of d%u: %s", ref, gt->domid, why);
}

bool grant_is_pinned(const struct grant_active *act)
{
	for (unsigned int i = 0; i < PIN_COUNTS; i++) {
		if (act->pins[i])
			return true;
	}
	return false;
}

static bool is_write_pinned(const struct grant_active *act)
{
	return act->pins[PIN_WRITE] || act->pins[PIN_WRITE | PIN_DEVICE];
}

struct grant_active *grant_active_peek(const struct grant_table *gt, grant_ref_t ref)
{
	struct grant_active *chunk;

	ref = (grant_ref_t)index_nospec(ref, grant_table_nr_entries(gt));
	chunk = gt->active[ref / ACTIVE_PER_CHUNK];
	return chunk ? &chunk[ref % ACTIVE_PER_CHUNK] : NULL;
}

static struct grant_active *get_active(struct grant_table *gt, grant_ref_t ref)
{
	struct grant_active **chunk = &gt->active[ref / ACTIVE_PER_CHUNK];

	if (!*chunk)
		*chunk = hv_zalloc_array(ACTIVE_PER_CHUNK, sizeof(**chunk));
	return *chunk ? &(*chunk)[ref % ACTIVE_PER_CHUNK] : NULL;
}

static uint16_t *use_bits(const struct grant_table *gt, grant_ref_t ref)
{
	return gt->version == 1 ? (uint16_t *)grant_header(gt, ref) : grant_status(gt, ref);
}

/* (G2) Takes back use bits that no pin stands for any more. */
static void clear_use_bits(struct grant_table *gt, grant_ref_t ref, const struct grant_active *act)
{
	uint16_t *word = use_bits(gt, ref);
	uint16_t stale = 0;

	if (!is_write_pinned(act))
		stale |= GTF_writing;
	if (!grant_is_pinned(act))
		stale |= GTF_reading;
	if (stale)
		__atomic_fetch_and(word, (uint16_t)~stale, __ATOMIC_SEQ_CST);
}

void grant_show_use(const struct grant_table *gt, grant_ref_t ref)
{
	const struct grant_active *act = grant_active_peek(gt, ref);

	if (act && grant_is_pinned(act))
		__atomic_fetch_or(use_bits(gt, ref),
				  GTF_reading | (is_write_pinned(act) ? GTF_writing : 0),
				  __ATOMIC_SEQ_CST);
}

static const char *check_header(const struct grant_table *gt, uint32_t hdr, domid_t who,
				unsigned int how)
{
	uint16_t flags = (uint16_t)hdr;

	if (hdr >> 16 != who)
		return "not for this domain";
	switch (flags & GTF_type_mask) {
	case GTF_permit_access:
		if (gt->version == 2 && (flags & GTF_sub_page) && !(how & PIN_SUB_PAGE))
			return "part of a page can't be mapped";
		break;
	case GTF_transitive:
		if (gt->version != 2 || !(how & PIN_TRANSITIVE))
			return "transitive";
		break;
	default:
		return "not granted";
	}
	if ((how & PIN_WRITE) && (flags & GTF_readonly))
		return "read-only";
	return NULL;
}

/* Checks the entry and sets its use bits; *ret_flags are those that were checked. */
static int mark(struct grant_table *gt, grant_ref_t ref, domid_t who, unsigned int how,
		uint16_t *ret_flags)
{
	uint16_t bits = GTF_reading | (how & PIN_WRITE ? GTF_writing : 0);
	uint32_t *word = grant_header(gt, ref);
	uint32_t hdr = READ_ONCE(*word);

	for (unsigned int i = 0; i < MARK_TRIES; i++) {
		const char *why = check_header(gt, hdr, who, how);

		if (why)
			return fail(GNTST_general_error, why, gt, ref);
		*ret_flags = (uint16_t)hdr;
		if (gt->version == 1) {
			if (__atomic_compare_exchange_n(word, &hdr, hdr | bits, false,
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				return GNTST_okay;
		} else {
			uint32_t now;

			__atomic_fetch_or(grant_status(gt, ref), bits, __ATOMIC_SEQ_CST);
			now = __atomic_load_n(word, __ATOMIC_SEQ_CST);
			if (now == hdr)
				return GNTST_okay;
			hdr = now;
		}
	}
	return fail(GNTST_general_error, "keeps changing", gt, ref);
}

/* Reads what a marked entry says. */
static int read_entry(struct grant_table *gt, grant_ref_t ref, uint16_t flags,
		      struct grant_active *act)
{
	const struct grant_entry_v1 *v1 = grant_entry(gt, ref);
	const union grant_entry_v2 *v2 = grant_entry(gt, ref);

	act->start = 0;
	act->length = PAGE_SIZE;
	act->kind = GRANT_FRAME;
	if (gt->version == 1) {
		act->mfn = _mfn(READ_ONCE(v1->frame));
	} else if ((flags & GTF_type_mask) == GTF_transitive) {
		act->kind = GRANT_TRANSITIVE;
		act->trans.domid = READ_ONCE(v2->transitive.trans_domid);
		act->trans.ref = READ_ONCE(v2->transitive.gref);
		return GNTST_okay;
	} else if (flags & GTF_sub_page) {
		act->kind = GRANT_SUB_PAGE;
		act->start = READ_ONCE(v2->sub_page.page_off);
		act->length = READ_ONCE(v2->sub_page.length);
		act->mfn = _mfn(READ_ONCE(v2->sub_page.frame));
	} else {
		act->mfn = _mfn(READ_ONCE(v2->full_page.frame));
	}
	if (act->start + act->length > PAGE_SIZE)
		return fail(GNTST_general_error, "a part beyond the page", gt, ref);
	return GNTST_okay;
}

void grant_put_frame(mfn_t mfn, bool write)
{
	if (write)
		page_put_and_type_simple(mfn_to_page(mfn));
	else
		page_put(mfn_to_page(mfn));
}

static int get_frame(struct grant_table *gt, mfn_t mfn, bool write)
{
	struct page_info *pg;

	if (!mfn_valid(mfn))
		return GNTST_bad_page;
	pg = mfn_to_page(mfn);
	if (write)
		return page_get_and_type(pg, gt->domain, PGT_writable) ? GNTST_bad_page
								       : GNTST_okay;
	return page_get(pg, gt->domain) ? GNTST_okay : GNTST_bad_page;
}

/* Under the lock, with a reference in range. */
static int pin_locked(struct grant_table *gt, grant_ref_t ref, domid_t who, unsigned int how,
		      struct grant_pinned *ret)
{
	struct grant_active *act = get_active(gt, ref);
	uint16_t flags = 0;
	bool first;
	int rc;

	if (!act)
		return GNTST_no_space;
	first = !grant_is_pinned(act);
	if (!first && act->domid != who)
		return fail(GNTST_general_error, "in use by another domain", gt, ref);
	if (act->pins[PIN_INDEX(how)] == UINT16_MAX)
		return fail(GNTST_no_space, "too many uses", gt, ref);
	rc = mark(gt, ref, who, how, &flags);
	if (!rc && first)
		rc = read_entry(gt, ref, flags, act);
	/* The header may say something else by now; what counts is what was pinned. */
	if (!rc && ((act->kind == GRANT_SUB_PAGE && !(how & PIN_SUB_PAGE)) ||
		    (act->kind == GRANT_TRANSITIVE && !(how & PIN_TRANSITIVE))))
		rc = fail(GNTST_general_error, "in use as something else", gt, ref);
	if (!rc && act->kind != GRANT_TRANSITIVE) {
		rc = get_frame(gt, act->mfn, how & PIN_WRITE);
		if (rc)
			fail(rc, "not a frame that may be used so", gt, ref);
	}
	if (rc) {
		clear_use_bits(gt, ref, act);
		return rc;
	}
	if (first) {
		act->domid = who;
		gt->nr_pinned++;
	}
	act->pins[PIN_INDEX(how)]++;
	ret->kind = act->kind;
	ret->mfn = act->kind == GRANT_TRANSITIVE ? INVALID_MFN : act->mfn;
	ret->start = act->start;
	ret->length = act->length;
	ret->trans_domid = act->kind == GRANT_TRANSITIVE ? act->trans.domid : DOMID_INVALID;
	ret->trans_ref = act->kind == GRANT_TRANSITIVE ? act->trans.ref : 0;
	return GNTST_okay;
}

int grant_pin(struct grant_table *gt, grant_ref_t ref, domid_t who, unsigned int how,
	      struct grant_pinned *ret)
{
	int rc;

	spin_lock(&gt->lock);
	if (gt->dead || READ_ONCE(gt->domain->dying) != DOMDYING_alive)
		rc = GNTST_bad_domain;
	else if (ref >= grant_table_nr_entries(gt))
		rc = fail(GNTST_bad_gntref, "out of range", gt, ref);
	else
		rc = pin_locked(gt, (grant_ref_t)index_nospec(ref, grant_table_nr_entries(gt)), who,
				how, ret);
	spin_unlock(&gt->lock);
	return rc;
}

void grant_unpin(struct grant_table *gt, grant_ref_t ref, unsigned int how)
{
	struct grant_active *act;

	spin_lock(&gt->lock);
	/* The granter has gone: nothing is there that would have to be told. */
	if (gt->dead)
		goto out;
	/* A pinned entry stays in range: versions change and frames go only without pins. */
	act = grant_active_peek(gt, ref);
	BUG_ON(!act || !act->pins[PIN_INDEX(how)]);
	act->pins[PIN_INDEX(how)]--;
	clear_use_bits(gt, ref, act);
	if (!grant_is_pinned(act))
		gt->nr_pinned--;
out:
	spin_unlock(&gt->lock);
}
