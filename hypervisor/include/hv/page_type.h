/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Frame types: what a frame may be used as. The rule that isolation rests on:
 * at any time a frame is *either* mapped writable somewhere *or* in use as a
 * page table or descriptor table, never both (R1).
 *
 *   type        held by                                   who may ask
 *   PGT_none    nobody (a fresh frame)
 *   PGT_l1..l4  an entry of a table one level up, a pin,  owner, under owner's pt_lock
 *               a vCPU's root (l4)
 *   PGT_seg     a vCPU's GDT or LDT                       owner, under owner's pt_lock
 *   PGT_writable  a writable mapping, by whomever         anyone, lock-free
 *   PGT_locked  the hypervisor: never writable by guests  page_share()
 *
 * The type word: type, PGT_pinned (one of the counted holders is the guest's
 * own pin), PGT_busy (a CPU is just flushing, checking, or going as the last
 * holder: no other may come), PGT_partial (see below), and the count of holders.
 * With a count of zero the type tells what the frame was last.
 * page.aux says how many entries of a page table have been checked
 * ("validated"); each such entry holds a reference and a type of the frame it
 * points to, and the tables so held are complete. Entries >= aux hold nothing, but
 * for the first of them if aux has AUX_RELEASING.
 *
 *   transitions
 *     T, count 0    -> T' != T     those CPUs flush that may still know the frame as T;
 *                                  only then may it be used as T'
 *     T, count 0    -> T           at once
 *     T, count > 0  -> T           count + 1; a table is first checked to the end
 *     T, count > 0  -> other       -EBUSY
 *     T, count 1    -> T, count 0  a table's entries are released first; then the flush
 *                                  clock is noted
 *
 * Checking and releasing can be long. Both stop when the hypercall should make
 * room (-ERESTART): aux says how far they are, everything stays consistent, and
 * whoever comes next, to use or to drop the table, goes on from there. A table
 * with count 0 and aux > 0 (a check that stopped, or failed above L1) has
 * PGT_partial, and keeps its entries and one reference on itself until its owner
 * wants the frame for something else; to others it is in use. They look without
 * the pt_lock: that is why the word itself has to say so.
 *
 * Every type is held together with a page reference.
 */
#ifndef HV_PAGE_TYPE_H
#define HV_PAGE_TYPE_H

#include <hv/mm.h>

#define PGT_none     0U
#define PGT_l1       1U
#define PGT_l2       2U
#define PGT_l3       3U
#define PGT_l4       4U
#define PGT_seg      5U
#define PGT_writable 6U
#define PGT_locked   7U

#define PGT_type_shift 29
#define PGT_type_mask  (7U << PGT_type_shift)
#define PGT_pinned     (1U << 28)
#define PGT_busy       (1U << 27)
#define PGT_partial    (1U << 26)
#define PGT_count_mask ((1U << 26) - 1)

static inline unsigned int page_type(const struct page_info *pg)
{
	return READ_ONCE(pg->type) >> PGT_type_shift;
}

static inline uint32_t page_type_count(const struct page_info *pg)
{
	return READ_ONCE(pg->type) & PGT_count_mask;
}

static inline bool page_type_is_table(unsigned int type)
{
	return type >= PGT_l1 && type <= PGT_l4;
}

/*
 * How many of a table's entries are checked. When a release stopped inside the
 * table that the next entry refers to, that is still held, but not complete.
 */
#define AUX_RELEASING 0x8000

static inline unsigned int page_table_checked(const struct page_info *pg)
{
	return READ_ONCE(pg->aux) & ~AUX_RELEASING;
}

static inline bool page_table_releasing(const struct page_info *pg)
{
	return READ_ONCE(pg->aux) & AUX_RELEASING;
}

/* In use as @type, and a table completely checked. */
static inline bool page_type_is(const struct page_info *pg, unsigned int type)
{
	return page_type(pg) == type && page_type_count(pg) &&
	       (!page_type_is_table(type) || READ_ONCE(pg->aux) == 512);
}

/*
 * Takes the type; the caller holds a page reference, and for all but
 * PGT_writable the owner's pt_lock.
 *   -EBUSY    in use as something else (or count full)
 *   -EINVAL, -EPERM ... an entry is not acceptable (table or descriptors)
 *   -ERESTART preempted, or a half-checked table had to go first: begin anew
 */
int __must_check page_type_get(struct page_info *pg, unsigned int type);

/*
 * Drops it. 0, or -ERESTART (tables only: still held, call again later; some
 * progress was made). Never fails otherwise.
 */
int __must_check page_type_put(struct page_info *pg);

/* The same for types that can't be preempted: writable, seg. */
void page_type_put_simple(struct page_info *pg);

/* Reference and type together. page_get's failure is -EINVAL. */
int __must_check page_get_and_type(struct page_info *pg, const struct domain *d, unsigned int type);
int __must_check page_put_and_type(struct page_info *pg);
void page_put_and_type_simple(struct page_info *pg);

/*
 * Drops what a table with count 0 still holds (see above). -ERESTART. Owner's
 * pt_lock.
 */
int __must_check page_type_drop_partial(struct page_info *pg);

/*
 * The same for one who is about to use the frame as something else: -ERESTART also
 * when it was such a table and is none now. For what that held may have been what
 * the caller has looked at, the table that it wants to write included.
 */
int __must_check page_type_clear_partial(struct page_info *pg);

/*
 * Makes a table that is held complete again after its release stopped half way.
 * As page_type_get(), but takes nothing. Owner's pt_lock.
 */
int __must_check page_type_complete(struct page_info *pg);

/* Marks or unmarks the guest's pin; false: it was so already. */
bool page_type_set_pinned(struct page_info *pg, bool pinned);

/* Name for logs: "none", "l1", ... */
const char *page_type_name(unsigned int type);

/* ---- what the machine-dependent part does with contents -------------------- */

/*
 * Checks entries from pg->aux on and takes what they refer to, advancing aux.
 * 0: all done; -ERESTART; else the reason why entry aux is bad.
 */
int arch_table_validate(struct domain *d, struct page_info *pg, unsigned int level);
/*
 * Gives back entries from pg->aux - 1 down, lowering aux. 0 or -ERESTART; then the
 * table isn't complete any more, even if no entry is gone yet.
 */
int arch_table_release(struct page_info *pg, unsigned int level);
/* All descriptors of the frame acceptable (made so where the ABI says so)? */
int arch_seg_validate(struct page_info *pg);

#endif
