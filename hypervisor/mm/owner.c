/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Whose a frame is, and its count of holders (R2, R9). See hv/mm.h.
 *
 * A domain's frames are found again through page_blocks, a bit for each 2 MiB of
 * the machine that has one: no links in the descriptors. Bits are set, never
 * cleared; the walk looks at the owner.
 */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <hv/spinlock.h>
#include <arch/page.h>

#define BLOCK_SHIFT 9

int page_assign(struct domain *d, struct page_info *pg, unsigned int order)
{
	unsigned long nr = 1UL << order, first = mfn_x(page_to_mfn(pg));
	int rc = 0;

	spin_lock(&d->page_lock);
	if (d->dying != DOMDYING_alive)
		rc = -EINVAL;
	else if (d->tot_pages + nr > d->max_pages)
		rc = -E2BIG; /* (S4) */
	else
		d->tot_pages += nr;
	if (rc) {
		spin_unlock(&d->page_lock);
		return rc;
	}
	for (unsigned long b = first >> BLOCK_SHIFT; b <= (first + nr - 1) >> BLOCK_SHIFT; b++) {
		if (!test_bit((unsigned int)b, d->page_blocks))
			set_bit((unsigned int)b, d->page_blocks);
	}
	for (unsigned long i = 0; i < nr; i++) {
		pg[i].owner = d->id;
		pg[i].type = 0;
		__atomic_store_n(&pg[i].count, PGC_allocated | 1, __ATOMIC_RELEASE);
	}
	/* Not before: from here on, who has the domain die finds them. */
	spin_unlock(&d->page_lock);
	return 0;
}

static bool get_from(struct page_info *pg, const struct domain *d, bool check_owner)
{
	uint32_t x = READ_ONCE(pg->count);

	do {
		uint32_t n = x & PGC_count_mask;

		/* (R2) The owner can't change while the count is above zero. */
		if (!n || n == PGC_count_mask || (x & PGC_free))
			return false;
		if (check_owner && READ_ONCE(pg->owner) != d->id)
			return false;
	} while (!__atomic_compare_exchange_n(&pg->count, &x, x + 1, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	/* It may have been freed and given to another before we had it. */
	if (check_owner && READ_ONCE(pg->owner) != d->id) {
		page_put(pg);
		return false;
	}
	return true;
}

bool page_get(struct page_info *pg, const struct domain *d)
{
	return get_from(pg, d, true);
}

bool page_get_again(struct page_info *pg)
{
	return get_from(pg, NULL, false);
}

static void free_domain_page(struct page_info *pg)
{
	struct domain *d = page_get_owner(pg);
	bool lent = READ_ONCE(pg->count) & PGC_hyp;

	/* The frame still counts for the domain, so that is still there. */
	if (!d || !domain_get(d))
		BUG();
	if (!lent)
		m2p_set(page_to_mfn(pg), INVALID_M2P_ENTRY);
	__atomic_store_n(&pg->count, 0, __ATOMIC_SEQ_CST);
	page_free(pg, 0);
	spin_lock(&d->page_lock);
	if (lent)
		d->hyp_pages--;
	else
		d->tot_pages--;
	spin_unlock(&d->page_lock);
	domain_check_gone(d);
	if (lent)
		domain_put(d); /* page_share's */
	domain_put(d);
}

void page_put(struct page_info *pg)
{
	uint32_t n = __atomic_sub_fetch(&pg->count, 1, __ATOMIC_SEQ_CST);

	ASSERT((n & PGC_count_mask) != PGC_count_mask);
	if (!(n & PGC_count_mask)) {
		ASSERT(!(n & PGC_allocated));
		free_domain_page(pg);
	}
}

bool page_release(struct page_info *pg)
{
	uint32_t old = __atomic_fetch_and(&pg->count, ~PGC_allocated, __ATOMIC_SEQ_CST);

	if (!(old & PGC_allocated))
		return false;
	page_put(pg);
	return true;
}

void page_share(void *p, struct domain *d, bool writable)
{
	struct page_info *pg = virt_to_page(p);

	pg->owner = d->id;
	pg->type = writable ? (PGT_writable << PGT_type_shift) | 1
			    : (PGT_locked << PGT_type_shift) | 1;
	/* It keeps the domain's struct as long as somebody maps it. */
	if (!domain_get(d))
		BUG();
	spin_lock(&d->page_lock);
	d->hyp_pages++;
	spin_unlock(&d->page_lock);
	m2p_set(page_to_mfn(pg), INVALID_M2P_ENTRY);
	__atomic_store_n(&pg->count, PGC_hyp | 1, __ATOMIC_RELEASE);
}

bool page_unshare_free(void *p)
{
	struct page_info *pg = virt_to_page(p);
	bool last = (READ_ONCE(pg->count) & PGC_count_mask) == 1;

	page_put(pg);
	return last;
}

struct page_info *domain_next_page(struct domain *d, unsigned long *pos)
{
	unsigned int blocks = (unsigned int)((max_page >> BLOCK_SHIFT) + 1);
	unsigned long f = *pos;

	while (f < max_page) {
		unsigned int b =
			find_next_bit(d->page_blocks, blocks, (unsigned int)(f >> BLOCK_SHIFT));

		if (b >= blocks)
			break;
		f = max(f, (unsigned long)b << BLOCK_SHIFT);
		for (; f < max_page && f >> BLOCK_SHIFT == b; f++) {
			struct page_info *pg = &frame_table[f];

			if (READ_ONCE(pg->owner) == d->id &&
			    (READ_ONCE(pg->count) & PGC_count_mask) &&
			    !(READ_ONCE(pg->count) & PGC_hyp)) {
				*pos = f + 1;
				return pg;
			}
		}
	}
	return NULL;
}
