/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A guest's page-table entries: x86/mm/pt.c says what each holds. */
#ifndef ARCH_PT_H
#define ARCH_PT_H

#include <hv/mm.h>

struct domain;
struct vcpu;

/*
 * What an L1 entry of @d's tables would hold, for a frame of @owner's (-EINVAL,
 * -EPERM, -EBUSY; -ERESTART: a half-checked table had to be taken apart, look at
 * everything again), and giving it back. Nothing for entries that aren't present.
 */
int __must_check pt_l1e_get(struct domain *d, struct domain *owner, uint64_t pte);
void pt_l1e_put(uint64_t pte);

/* The same for an entry of level 2 to 4; both may be preempted (-ERESTART). */
int __must_check pt_table_entry_get(struct domain *d, unsigned int level, uint64_t pte);
int __must_check pt_table_entry_put(uint64_t pte);

/* Not one of the L4 slots that are ours? */
bool pt_slot_is_guest(unsigned int level, unsigned int idx);

/* The entry as it is written: user bit on, global bit off. */
uint64_t pt_adjust(unsigned int level, uint64_t pte);

/*
 * Writes one entry of a typed L1 table, with everything it entails. @preserve_ad
 * keeps the accessed and dirty bits that are there. With @expect, only if the
 * entry still has that value (-EAGAIN otherwise). The table is typed and its
 * owner's pt_lock is held.
 */
int pt_write_l1e(struct domain *d, struct domain *owner, uint64_t *ptr, uint64_t val,
		 bool preserve_ad, const uint64_t *expect);

/*
 * The L1 entry that maps @va in the tables of @root, as a pointer to the direct
 * map; NULL: a level is missing. pt_lock held.
 */
uint64_t *pt_find_l1e(const struct page_info *root, unsigned long va);

/* The frame of the table that an entry pointer lies in. */
struct page_info *pt_page_of(const uint64_t *ptr);

/*
 * Hands a table to be dropped (reference and type) to @v, which does that before
 * it returns to the guest; pt_drop_deferred() does a slice. One at a time:
 * pt_can_defer() first.
 */
bool pt_can_defer(const struct vcpu *v);
void pt_defer_put(struct vcpu *v, struct page_info *pg);
int pt_drop_deferred(struct vcpu *v);

#endif
