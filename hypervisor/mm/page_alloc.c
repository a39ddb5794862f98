/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The frame allocator: buddies. The links of the free lists are kept inside the
 * free frames themselves, so a descriptor needs no room for them; the descriptor
 * of a free block's first frame has PGC_free and the order in aux.
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
#include <hv/list.h>
#include <hv/mm.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/page.h>

#define ZONE_SPLIT (1UL << (32 - PAGE_SHIFT))

enum zone { ZONE_LOW, ZONE_HIGH, NR_ZONES };

struct zone_heap {
	struct list_head free[MAX_ORDER + 1];
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
			list_init(&heap[z].free[o]);
	}
	heap_ready = true;
}

static void link_free(struct page_info *pg, unsigned int order)
{
	pg->count = PGC_free;
	pg->aux = (uint16_t)order;
	list_add(page_to_virt(pg), &heap[zone_of(pg)].free[order]);
}

static void unlink_free(struct page_info *pg)
{
	pg->count = 0;
	pg->aux = 0;
	list_del(page_to_virt(pg));
}

static void free_block(struct page_info *pg, unsigned int order)
{
	heap[zone_of(pg)].nr_free += 1UL << order;
	for (; order < MAX_ORDER; order++) {
		unsigned long buddy_mfn = mfn_x(page_to_mfn(pg)) ^ (1UL << order);
		struct page_info *buddy = mfn_to_page(_mfn(buddy_mfn));

		if (!mfn_valid(_mfn(buddy_mfn)) || buddy->count != PGC_free || buddy->aux != order)
			break;
		unlink_free(buddy);
		pg = min(pg, buddy);
	}
	link_free(pg, order);
}

/* A free block of at least @order with all of its first 2^order frames below @limit. */
static struct page_info *find_block(enum zone z, unsigned int order, unsigned long limit,
				    unsigned int *ret_order)
{
	for (unsigned int o = order; o <= MAX_ORDER; o++) {
		struct list_head *n = heap[z].free[o].next;

		for (; n != &heap[z].free[o]; n = n->next) {
			struct page_info *pg = virt_to_page(n);

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
		unlink_free(pg);
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
			for (struct list_head *i = heap[z].free[o].next; i != &heap[z].free[o];
			     i = i->next)
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
			struct list_head *head = &heap[z].free[o];

			for (struct list_head *i = head->next; i != head; i = i->next) {
				unsigned long mfn = mfn_x(virt_to_mfn(i));

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
