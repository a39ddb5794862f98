/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Frames: the descriptor of each, the allocator, ownership.
 *
 * Every RAM frame of the machine has a 16-byte struct page_info in frame_table[].
 *
 *   count   how many hold the frame. As long as it is above zero the frame
 *           keeps its owner and isn't handed out again.
 *             PGC_allocated   the owner's own reference: set while the frame is
 *                             part of the domain's memory, and counted
 *             PGC_hyp         from the hypervisor's own pool, lent to a domain
 *                             (shared_info, grant frames); freed by the
 *                             hypervisor, not by the last put
 *             PGC_free        first frame of a free block: count, type and aux
 *                             are the allocator's (mm/page_alloc.c)
 *   type    what the frame may be used as and how often it is: mm/types.h
 *   owner   the domain; DOMID_INVALID for none (free, or the hypervisor's)
 *   aux     page tables: entries validated so far (0..512)
 *   tlb_stamp  the flush clock when the last mapping that mattered went away:
 *           a CPU whose last flush is older may hold a stale entry
 *
 * Locks: the allocator has its own (RANK_HEAP). count and type change by
 * compare-and-exchange. A domain's totals are under its page_lock.
 */
#ifndef HV_MM_H
#define HV_MM_H

#include <hv/compiler.h>
#include <hv/types.h>
#include <public/xen.h>

struct domain;

struct page_info {
	uint32_t count;
	uint32_t type;
	domid_t owner;
	uint16_t aux;
	uint32_t tlb_stamp;
};

#define PGC_allocated  (1U << 31)
#define PGC_hyp        (1U << 30)
#define PGC_free       (1U << 29)
#define PGC_count_mask ((1U << 28) - 1)

extern struct page_info *frame_table;
/* Frames below this have a descriptor, when their bit in the table's map is set. */
extern unsigned long max_page;
/* Highest RAM frame + 1, and RAM frames in all. */
extern unsigned long total_pages;

static inline struct page_info *mfn_to_page(mfn_t mfn)
{
	return frame_table + mfn_x(mfn);
}

static inline mfn_t page_to_mfn(const struct page_info *pg)
{
	return _mfn((unsigned long)(pg - frame_table));
}

/* Is this a frame of RAM that the frame table describes (not MMIO, not a hole)? */
bool mfn_valid(mfn_t mfn);

/* ---- the allocator (mm/page_alloc.c) -------------------------------------- */

#define MAX_ORDER 18 /* 1 GiB */

/* Flags of page_alloc() */
#define MEMF_zero        (1U << 0) /* filled with zeroes */
#define MEMF_bits(n)     ((n) << 8) /* the whole block below 2^n bytes; 0: anywhere */
#define MEMF_get_bits(f) (((f) >> 8) & 0xff)

/*
 * A naturally aligned block of 2^order frames with no owner, or NULL. Stale TLB
 * entries to them are gone on return.
 */
struct page_info *page_alloc(unsigned int order, unsigned int memflags);
void page_free(struct page_info *pg, unsigned int order);
/* For the debug key: free blocks by zone and order. */
void page_alloc_dump(void);
unsigned long page_free_count(void);
/* Free frames all of whose bytes lie in [2^min_bits, 2^max_bits). */
unsigned long page_free_count_range(unsigned int min_bits, unsigned int max_bits);

/* Hands frames [s, e) to the allocator, at start-up. */
void page_alloc_add(mfn_t s, mfn_t e);

/* The hypervisor's own pages, zeroed (_dirty: not), by their direct-map address. */
void *hyp_pages_alloc(unsigned int order);
void *hyp_pages_alloc_dirty(unsigned int order);
void hyp_pages_free(void *p, unsigned int order);
#define hyp_page_alloc() hyp_pages_alloc(0)
#define hyp_page_free(p) hyp_pages_free(p, 0)

/* Small objects (mm/alloc.c): zeroed, 16-byte aligned; NULL when out of memory. */
void *hv_zalloc(size_t size);
void *hv_zalloc_array(size_t n, size_t size); /* overflow-checked */
void hv_free(void *p); /* takes NULL */

/* ---- ownership (mm/owner.c) ---------------------------------------------- */

/*
 * Gives @d a fresh block of 2^order frames (page_alloc's) as its memory, each
 * with the owner's reference. -E2BIG: above max_pages; -EINVAL: dying. On
 * failure the block is still the caller's.
 */
int page_assign(struct domain *d, struct page_info *pg, unsigned int order);

/* Takes a reference if the frame is @d's. False: it isn't (any more), or the count is full. */
bool page_get(struct page_info *pg, const struct domain *d);

/* Another reference for one who holds one. False: the count is full. */
bool page_get_again(struct page_info *pg);

/* Drops a reference; the last one frees the frame (or leaves it to the hypervisor, PGC_hyp). */
void page_put(struct page_info *pg);

/*
 * Drops the owner's reference (the domain gives the frame back). False: it was
 * gone already.
 */
bool page_release(struct page_info *pg);

/*
 * Lends a hypervisor page (hyp_page_alloc's) to @d, which may then map it:
 * read-write, or read-only for ever. page_unshare takes it back: the caller
 * makes sure that no mapping is left (count is zero) or waits for that.
 */
void page_share(void *p, struct domain *d, bool writable);
/* False: references are left, the page stays lent and is freed when they go. */
bool page_unshare_free(void *p);

static inline domid_t page_owner_id(const struct page_info *pg)
{
	return READ_ONCE(pg->owner);
}

/* Pages promised to domains (XENMEM_claim_pages) and not yet theirs. */
unsigned long memory_outstanding_claims(void);
/* A dying domain's promise is off. */
void memory_drop_claim(struct domain *d);

#define for_each_domain_page(pg, d, pos) \
	for ((pos) = 0; ((pg) = domain_next_page(d, &(pos))) != NULL;)

/*
 * Walks all frames of @d (dying or paused: others may come and go unseen).
 * *pos starts as 0. NULL at the end.
 */
struct page_info *domain_next_page(struct domain *d, unsigned long *pos);

#endif
