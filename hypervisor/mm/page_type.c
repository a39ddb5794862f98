/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The state machine of frame types (R1, R6, F2); its rules are in hv/page_type.h. What a
 * table's entries may be is the machine-dependent part's business.
 */
#include <hv/domain.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/page.h>

#define TYPE(t) ((uint32_t)(t) << PGT_type_shift)

const char *page_type_name(unsigned int type)
{
	static const char *const names[] = {"none", "l1",  "l2",       "l3",
					    "l4",   "seg", "writable", "locked"};

	return type < ARRAY_SIZE(names) ? names[type] : "?";
}

static bool change(struct page_info *pg, uint32_t *old, uint32_t new)
{
	return __atomic_compare_exchange_n(&pg->type, old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void clear_busy(struct page_info *pg)
{
	__atomic_fetch_and(&pg->type, ~PGT_busy, __ATOMIC_SEQ_CST);
}

/* (F2) CPUs that may know the frame by its old type forget it. */
static void flush_for_change(const struct page_info *pg)
{
	struct cpumask mask = cpu_online_map;

	tlb_filter(&mask, pg->tlb_stamp);
	if (!cpumask_empty(mask))
		tlb_flush_mask(&mask);
}

/*
 * The last holder goes: from now on CPUs may know it wrongly. Nobody may come, map it, and
 * go between this and the count of zero: the clock would be older than what they leave in
 * TLBs.
 */
static void note_unused(struct page_info *pg)
{
	pg->tlb_stamp = tlb_clock();
}

static int get_writable(struct page_info *pg)
{
	uint32_t x = READ_ONCE(pg->type);

	for (;;) {
		unsigned int type = x >> PGT_type_shift;
		bool first = !(x & PGT_count_mask);
		uint32_t new = x + 1;

		if (first) {
			/* (R6) Half-checked tables are their owner's to clear up. */
			if (type == PGT_locked || (x & PGT_partial))
				return -EBUSY;
			new = TYPE(PGT_writable) | 1;
			if (type != PGT_writable && type != PGT_none)
				new |= PGT_busy;
		} else if (type != PGT_writable || (x & PGT_count_mask) == PGT_count_mask) {
			return -EBUSY;
		} else if (x & PGT_busy) {
			/* Someone was first and is flushing, or is the last and notes the clock. */
			cpu_relax();
			arch_spin_poll();
			x = READ_ONCE(pg->type);
			continue;
		}
		if (!change(pg, &x, new))
			continue;
		if (new &PGT_busy) {
			flush_for_change(pg);
			clear_busy(pg);
		}
		return 0;
	}
}

int page_type_drop_partial(struct page_info *pg)
{
	uint32_t x = READ_ONCE(pg->type);
	unsigned int type = x >> PGT_type_shift;
	int rc;

	if (!(x & PGT_partial))
		return 0;
	ASSERT(!(x & PGT_count_mask) && page_type_is_table(type));
	rc = arch_table_release(pg, type);
	if (rc)
		return rc;
	note_unused(pg);
	__atomic_fetch_and(&pg->type, ~PGT_partial, __ATOMIC_SEQ_CST);
	page_put(pg); /* the one it kept on itself; the caller has another */
	return 0;
}

int page_type_clear_partial(struct page_info *pg)
{
	bool partial = READ_ONCE(pg->type) & PGT_partial;
	int rc = page_type_drop_partial(pg);

	return partial ? -ERESTART : rc;
}

/* A check that stopped or failed with something taken: see "count 0 and aux > 0". */
static void keep_partial(struct page_info *pg)
{
	uint32_t x = READ_ONCE(pg->type), partial = pg->aux ? PGT_partial : 0;

	if (partial && !page_get_again(pg))
		BUG(); /* checked in get_first */
	while (!change(pg, &x, (x & PGT_type_mask) | partial))
		;
}

/* count 0 -> 1 for a table or a descriptor frame. */
static int get_first(struct page_info *pg, unsigned int type, uint32_t x)
{
	struct domain *d = page_get_owner(pg);
	bool resumed = x & PGT_partial;
	int rc;

	if (!d || (x >> PGT_type_shift) == PGT_locked)
		return -EBUSY;
	/* Room in the count for the reference that a failure would have to keep. */
	if (!resumed && !page_get_again(pg))
		return -EBUSY;
	if (!change(pg, &x, TYPE(type) | PGT_busy | 1)) {
		if (!resumed)
			page_put(pg);
		return -EAGAIN;
	}
	if (!resumed && (x >> PGT_type_shift) != type)
		flush_for_change(pg);
	rc = page_type_is_table(type) ? arch_table_validate(d, pg, type) : arch_seg_validate(pg);
	/* Taking back the entries of one L1 is short; more waits till somebody wants the frame. */
	if (rc && rc != -ERESTART && type == PGT_l1 && arch_table_release(pg, type))
		BUG();
	if (rc)
		keep_partial(pg);
	else
		clear_busy(pg);
	page_put(pg); /* ours, or the one that the partial state had */
	return rc;
}

int page_type_complete(struct page_info *pg)
{
	unsigned int type = page_type(pg);

	if (!page_type_is_table(type) || pg->aux == 512)
		return 0;
	return arch_table_validate(page_get_owner(pg), pg, type);
}

int page_type_get(struct page_info *pg, unsigned int type)
{
	int rc;

	if (type == PGT_writable)
		return get_writable(pg);
	for (;;) {
		uint32_t x = READ_ONCE(pg->type);

		if (!(x & PGT_count_mask)) {
			if ((x & PGT_partial) && (x >> PGT_type_shift) != type)
				return page_type_clear_partial(pg);
			rc = get_first(pg, type, x);
			if (rc != -EAGAIN)
				return rc;
			continue;
		}
		if ((x >> PGT_type_shift) != type || (x & PGT_busy) ||
		    (x & PGT_count_mask) == PGT_count_mask)
			return -EBUSY;
		/* Somebody's release may have stopped here: bring it back up. */
		rc = page_type_complete(pg);
		if (rc)
			return rc;
		if (change(pg, &x, x + 1))
			return 0;
	}
}

int page_type_put(struct page_info *pg)
{
	uint32_t x = READ_ONCE(pg->type);

	for (;;) {
		uint32_t count = x & PGT_count_mask;

		BUG_ON(!count);
		if (count > 1) {
			if (change(pg, &x, x - 1))
				return 0;
			continue;
		}
		if (page_type_is_table(x >> PGT_type_shift)) {
			int rc = arch_table_release(pg, x >> PGT_type_shift);

			if (rc)
				return rc;
		}
		if (change(pg, &x, x | PGT_busy))
			break;
	}
	note_unused(pg);
	__atomic_fetch_sub(&pg->type, PGT_busy | 1, __ATOMIC_SEQ_CST);
	return 0;
}

void page_type_put_simple(struct page_info *pg)
{
	ASSERT(!page_type_is_table(page_type(pg)));
	if (page_type_put(pg))
		BUG();
}

int page_get_and_type(struct page_info *pg, const struct domain *d, unsigned int type)
{
	int rc;

	if (!page_get(pg, d))
		return -EINVAL;
	rc = page_type_get(pg, type);
	if (rc)
		page_put(pg);
	return rc;
}

int page_put_and_type(struct page_info *pg)
{
	int rc = page_type_put(pg);

	if (!rc)
		page_put(pg);
	return rc;
}

void page_put_and_type_simple(struct page_info *pg)
{
	page_type_put_simple(pg);
	page_put(pg);
}

bool page_type_set_pinned(struct page_info *pg, bool pinned)
{
	uint32_t old = pinned ? __atomic_fetch_or(&pg->type, PGT_pinned, __ATOMIC_SEQ_CST)
			      : __atomic_fetch_and(&pg->type, ~PGT_pinned, __ATOMIC_SEQ_CST);

	return !!(old & PGT_pinned) != pinned;
}
