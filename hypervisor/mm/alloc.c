/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Small objects: pages cut into equal slots of a power of two, 32 to 2048
 * bytes; larger requests get whole pages. The head of a cut page holds its free
 * list; a page with no slot in use goes back to the frame allocator. The frame's
 * aux says which of the two it is, so that hv_free() needs no size.
 *
 * Lock: small_lock (RANK_HEAP) for all classes. Any context.
 */
#include <hv/lib.h>
#include <hv/list.h>
#include <hv/mm.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/page.h>

#define MIN_SHIFT  5
#define MAX_SHIFT  11
#define NR_CLASSES (MAX_SHIFT - MIN_SHIFT + 1)

/* page_info.aux of pages in use here */
#define AUX_SMALL 0x4000 /* | class */
#define AUX_LARGE 0x2000 /* | order */

struct slot {
	struct slot *next;
};

/* At the start of a cut page; takes the place of its first slot(s). */
struct slot_page {
	struct list_head list; /* in partial[] while it has a free slot */
	struct slot *free;
	unsigned int used, class;
};

_Static_assert(sizeof(struct slot_page) <= 32, "fits the smallest slot");

static struct spinlock small_lock = SPINLOCK_INIT(RANK_NONE);
static struct list_head partial[NR_CLASSES];

static struct slot_page *new_slot_page(unsigned int class)
{
	struct slot_page *p = hyp_page_alloc();
	size_t size = 1UL << (class + MIN_SHIFT);

	if (!p)
		return NULL;
	virt_to_page(p)->aux = (uint16_t)(AUX_SMALL | class);
	p->class = class;
	for (size_t off = PAGE_SIZE - size; off >= size; off -= size) {
		struct slot *s = (struct slot *)((char *)p + off);

		s->next = p->free;
		p->free = s;
	}
	return p;
}

static void *alloc_small(unsigned int class)
{
	struct slot_page *p;
	struct slot *s;
	unsigned long flags;

	flags = spin_lock_irqsave(&small_lock);
	for (unsigned int i = 0; !partial[class].next; i++)
		list_init(&partial[i]);
	if (list_empty(&partial[class])) {
		p = new_slot_page(class);
		if (!p) {
			spin_unlock_irqrestore(&small_lock, flags);
			return NULL;
		}
		list_add(&p->list, &partial[class]);
	}
	p = list_first_entry(&partial[class], struct slot_page, list);
	s = p->free;
	p->free = s->next;
	p->used++;
	if (!p->free)
		list_del(&p->list);
	spin_unlock_irqrestore(&small_lock, flags);
	memset(s, 0, 1UL << (class + MIN_SHIFT));
	return s;
}

void *hv_zalloc(size_t size)
{
	unsigned int order = 0, shift = MIN_SHIFT;
	void *p;

	if (size <= 1UL << MAX_SHIFT) {
		while (size > 1UL << shift)
			shift++;
		return alloc_small(shift - MIN_SHIFT);
	}
	while (size > PAGE_SIZE << order) {
		if (++order > MAX_ORDER)
			return NULL;
	}
	p = hyp_pages_alloc(order);
	if (p)
		virt_to_page(p)->aux = (uint16_t)(AUX_LARGE | order);
	return p;
}

void *hv_zalloc_array(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return hv_zalloc(bytes);
}

void hv_free(void *ptr)
{
	struct page_info *pg;
	struct slot_page *p;
	struct slot *s = ptr;
	unsigned long flags;

	if (!ptr)
		return;
	pg = virt_to_page(ptr);
	if (pg->aux & AUX_LARGE) {
		hyp_pages_free(ptr, pg->aux & ~AUX_LARGE);
		return;
	}
	BUG_ON(!(pg->aux & AUX_SMALL));
	p = page_to_virt(pg);
	flags = spin_lock_irqsave(&small_lock);
	if (!p->free)
		list_add(&p->list, &partial[p->class]);
	s->next = p->free;
	p->free = s;
	if (--p->used == 0)
		list_del(&p->list);
	else
		pg = NULL;
	spin_unlock_irqrestore(&small_lock, flags);
	if (pg)
		page_free(pg, 0);
}
