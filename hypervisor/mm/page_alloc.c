/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The frame allocator: buddies. The links of the free lists are in the descriptors
 * of the free blocks' first frames, where a frame in use has its counts, and never
 * in the frames (R7): a guest that gave one back may write to it through its TLB until
 * the frame is taken out again.
 *
 *   free block   count   PGC_free, low 28 bits of the block before in the list
 *                aux     order, high 4 bits of that
 *                type    the block after
 *
 * There are two zones, below and above 4 GiB, so that memory for DMA is left
 * when guests have taken theirs: an unrestricted request takes from above first.
 *
 * Stale TLB entries: a frame that is freed gets the flush clock in tlb_stamp;
 * whoever takes it out again flushes the CPUs that have not flushed since.
 *
 * Lock: heap_lock (RANK_HEAP).
 */
#include <hv/cpumask.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/page.h>

#define ZONE_SPLIT (1UL << (32 - PAGE_SHIFT))

enum zone { ZONE_LOW, ZONE_HIGH, NR_ZONES };

/* Frame numbers of first frames, that is: 16 TiB. */
#define NO_BLOCK   UINT32_MAX
#define ORDER_BITS 8
#define PREV_LOW   28

struct zone_heap {
	uint32_t first[MAX_ORDER + 1]; /* NO_BLOCK: the list is empty */
	unsigned long nr_free;
};

static struct spinlock heap_lock = SPINLOCK_INIT(RANK_HEAP);
static struct zone_heap heap[NR_ZONES];
static bool heap_ready;

static enum zone zone_of(const struct page_info *pg)
{
	return mfn_x(page_to_mfn(pg)) < ZONE_SPLIT ? ZONE_LOW : ZONE_HIGH;
}

static void heap_init(void)
{
	for (unsigned int z = 0; z < NR_ZONES; z++) {
		for (unsigned int o = 0; o <= MAX_ORDER; o++)
			heap[z].first[o] = NO_BLOCK;
	}
	heap_ready = true;
}

/* ---- free lists ------------------------------------------------------------------ */

static bool is_free_block(const struct page_info *pg, unsigned int order)
{
	return (pg->count & ~PGC_count_mask) == PGC_free &&
	       (pg->aux & ((1U << ORDER_BITS) - 1)) == order;
}

static uint32_t prev_of(const struct page_info *pg)
{
	return (pg->count & PGC_count_mask) | (uint32_t)(pg->aux >> ORDER_BITS) << PREV_LOW;
}

static void set_prev(struct page_info *pg, unsigned int order, uint32_t prev)
{
	pg->count = PGC_free | (prev & PGC_count_mask);
	pg->aux = (uint16_t)(order | prev >> PREV_LOW << ORDER_BITS);
}

static struct page_info *block(uint32_t mfn)
{
	return mfn == NO_BLOCK ? NULL : mfn_to_page(_mfn(mfn));
}

static struct page_info *first_block(unsigned int zone, unsigned int order)
{
	return block(heap[zone].first[order]);
}

static struct page_info *next_block(const struct page_info *pg)
{
	return block(pg->type);
}

static void link_free(struct page_info *pg, unsigned int order)
{
	uint32_t *first = &heap[zone_of(pg)].first[order], mfn = (uint32_t)mfn_x(page_to_mfn(pg));
	struct page_info *next = block(*first);

	pg->type = *first;
	set_prev(pg, order, NO_BLOCK);
	if (next)
		set_prev(next, order, mfn);
	*first = mfn;
}

static void unlink_free(struct page_info *pg, unsigned int order)
{
	struct page_info *next = next_block(pg), *prev = block(prev_of(pg));

	if (prev)
		prev->type = pg->type;
	else
		heap[zone_of(pg)].first[order] = pg->type;
	if (next)
		set_prev(next, order, prev_of(pg));
	pg->count = 0;
	pg->type = 0;
	pg->aux = 0;
}

static void free_block(struct page_info *pg, unsigned int order)
{
	heap[zone_of(pg)].nr_free += 1UL << order;
	for (; order < MAX_ORDER; order++) {
		unsigned long buddy_mfn = mfn_x(page_to_mfn(pg)) ^ (1UL << order);
		struct page_info *buddy = mfn_to_page(_mfn(buddy_mfn));

		if (!mfn_valid(_mfn(buddy_mfn)) || !is_free_block(buddy, order))
			break;
		unlink_free(buddy, order);
		pg = min(pg, buddy);
	}
	link_free(pg, order);
}

/* A free block of at least @order with all of its first 2^order frames below @limit. */
static struct page_info *find_block(enum zone z, unsigned int order, unsigned long limit,
				    unsigned int *ret_order)
{
	for (unsigned int o = order; o <= MAX_ORDER; o++) {
		struct page_info *pg = first_block(z, o);

		for (; pg; pg = next_block(pg)) {
			if (mfn_x(page_to_mfn(pg)) + (1UL << order) <= limit) {
				*ret_order = o;
				return pg;
			}
		}
	}
	return NULL;
}

static struct page_info *take_block(unsigned int order, unsigned long limit)
{
	for (unsigned int z = NR_ZONES; z--;) {
		unsigned int o;
		struct page_info *pg = find_block((enum zone)z, order, limit, &o);

		if (!pg)
			continue;
		unlink_free(pg, o);
		/* Keep the low half, give the high one back: DMA limits want low frames. */
		while (o > order) {
			o--;
			link_free(pg + (1UL << o), o);
		}
		heap[z].nr_free -= 1UL << order;
		return pg;
	}
	return NULL;
}

/* (F1) What was known of the frames by those who had them is forgotten. */
static void flush_stale(struct page_info *pg, unsigned int order)
{
	struct cpumask mask = cpu_online_map;
	uint32_t newest = pg->tlb_stamp;

	for (unsigned long i = 1; i < 1UL << order; i++) {
		if ((int32_t)(pg[i].tlb_stamp - newest) > 0)
			newest = pg[i].tlb_stamp;
	}
	tlb_filter(&mask, newest);
	if (!cpumask_empty(mask))
		tlb_flush_mask(&mask);
}

struct page_info *page_alloc(unsigned int order, unsigned int memflags)
{
	unsigned int bits = MEMF_get_bits(memflags);
	unsigned long flags, limit = ~0UL;
	struct page_info *pg;

	if (order > MAX_ORDER)
		return NULL;
	if (bits && bits < 64)
		limit = bits > PAGE_SHIFT ? 1UL << (bits - PAGE_SHIFT) : 0;
	flags = spin_lock_irqsave(&heap_lock);
	pg = take_block(order, limit);
	spin_unlock_irqrestore(&heap_lock, flags);
	if (!pg)
		return NULL;
	flush_stale(pg, order);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		ASSERT(pg[i].count == 0 && pg[i].owner == DOMID_INVALID);
		pg[i].type = 0;
		pg[i].aux = 0;
	}
	if (memflags & MEMF_zero) {
		for (unsigned long i = 0; i < 1UL << order; i++)
			clear_page(page_to_virt(pg + i));
	}
	return pg;
}

void page_free(struct page_info *pg, unsigned int order)
{
	uint32_t now = tlb_clock();
	unsigned long flags;

	for (unsigned long i = 0; i < 1UL << order; i++) {
		BUG_ON(pg[i].count);
		pg[i].owner = DOMID_INVALID;
		pg[i].type = 0;
		pg[i].aux = 0;
		pg[i].tlb_stamp = now;
	}
	flags = spin_lock_irqsave(&heap_lock);
	free_block(pg, order);
	spin_unlock_irqrestore(&heap_lock, flags);
}

void page_alloc_add(mfn_t start, mfn_t end)
{
	unsigned long s = mfn_x(start), e = mfn_x(end);
	uint32_t now = tlb_clock();

	BUG_ON(e > NO_BLOCK);
	if (!heap_ready)
		heap_init();
	while (s < e) {
		unsigned int order = s ? min(bit_first(s), (unsigned int)MAX_ORDER) : MAX_ORDER;
		unsigned long flags;

		while (s + (1UL << order) > e)
			order--;
		for (unsigned long i = s; i < s + (1UL << order); i++) {
			frame_table[i].owner = DOMID_INVALID;
			frame_table[i].count = 0;
			frame_table[i].type = 0;
			frame_table[i].aux = 0;
			frame_table[i].tlb_stamp = now;
		}
		flags = spin_lock_irqsave(&heap_lock);
		free_block(mfn_to_page(_mfn(s)), order);
		spin_unlock_irqrestore(&heap_lock, flags);
		s += 1UL << order;
	}
}

/* Free blocks of each zone, by order. A blurred picture: the lock is taken per zone. */
void page_alloc_dump(void)
{
	static const char *const names[NR_ZONES] = {"below 4 GiB", "above 4 GiB"};

	for (unsigned int z = 0; z < NR_ZONES; z++) {
		unsigned long n[MAX_ORDER + 1] = {0}, nr_free;
		unsigned long flags = spin_lock_irqsave(&heap_lock);

		nr_free = heap[z].nr_free;
		for (unsigned int o = 0; o <= MAX_ORDER; o++) {
			const struct page_info *pg = first_block(z, o);

			for (; pg; pg = next_block(pg))
				n[o]++;
		}
		spin_unlock_irqrestore(&heap_lock, flags);
		pr_info("  %s: %lu frames free\n", names[z], nr_free);
		for (unsigned int o = 0; o <= MAX_ORDER; o++) {
			if (n[o])
				pr_info("    order %2u: %lu blocks\n", o, n[o]);
		}
	}
}

unsigned long page_free_count(void)
{
	return heap[ZONE_LOW].nr_free + heap[ZONE_HIGH].nr_free;
}

unsigned long page_free_count_range(unsigned int min_bits, unsigned int max_bits)
{
	unsigned long lo = min_bits > PAGE_SHIFT ? 1UL << (min_bits - PAGE_SHIFT) : 0, n = 0, flags;
	unsigned long hi =
		max_bits && max_bits < 64 ? 1UL << (max(max_bits, 12U) - PAGE_SHIFT) : ~0UL;

	flags = spin_lock_irqsave(&heap_lock);
	for (unsigned int z = 0; z < NR_ZONES; z++) {
		for (unsigned int o = 0; o <= MAX_ORDER; o++) {
			const struct page_info *pg = first_block(z, o);

			for (; pg; pg = next_block(pg)) {
				unsigned long mfn = mfn_x(page_to_mfn(pg));

				if (mfn >= lo && mfn + (1UL << o) <= hi)
					n += 1UL << o;
			}
		}
	}
	spin_unlock_irqrestore(&heap_lock, flags);
	return n;
}

static void *hyp_alloc(unsigned int order, unsigned int memflags)
{
	struct page_info *pg = page_alloc(order, memflags);

	return pg ? page_to_virt(pg) : NULL;
}

void *hyp_pages_alloc(unsigned int order)
{
	return hyp_alloc(order, MEMF_zero);
}

void *hyp_pages_alloc_dirty(unsigned int order)
{
	return hyp_alloc(order, 0);
}

void hyp_pages_free(void *p, unsigned int order)
{
	if (p)
		page_free(virt_to_page(p), order);
}
