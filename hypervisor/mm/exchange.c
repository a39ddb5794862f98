/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * XENMEM_exchange: a domain gives frames back for others that are contiguous, or
 * the other way round; the control domain makes DMA buffers with it.
 *
 * All or nothing: the new memory is allocated first, then the old frames are
 * looked at and held, and only when nothing can fail any more do they change
 * hands. So one step is limited in size: 2^order frames are 1 MiB at most for a
 * guest without devices. Between two steps the call may be preempted.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/memory.h>
#include <arch/page.h>

#include "memory_op.h"

#define MAX_CHUNK_ORDER       9
#define MAX_CHUNK_ORDER_GUEST 8

struct chunk {
	unsigned int in_order, out_order;
	unsigned long nr_in, nr_out, nr_frames;
	unsigned int memflags;
	struct page_info *old[1UL << MAX_CHUNK_ORDER]; /* held */
	struct page_info *new[1UL << MAX_CHUNK_ORDER]; /* one per extent */
	xen_pfn_t pfn[1UL << MAX_CHUNK_ORDER]; /* one per extent */
};

static int alloc_new(struct chunk *c, unsigned long *ret_n)
{
	for (*ret_n = 0; *ret_n < c->nr_out; ++*ret_n) {
		c->new[*ret_n] = page_alloc(c->out_order, c->memflags);
		if (!c->new[*ret_n])
			return -ENOMEM;
	}
	return 0;
}

/* Takes a reference on one old frame, if it is one that can go. */
static bool hold_old(struct domain *d, mfn_t mfn, struct page_info **ret_pg)
{
	struct page_info *pg = mfn_to_page(mfn);

	if (!mfn_valid(mfn) || !page_get(pg, d))
		return false;
	/* Ours, the domain's own, and nobody else's: then it is free when we let go. */
	if (READ_ONCE(pg->count) != (PGC_allocated | 2) || page_type_count(pg)) {
		page_put(pg);
		return false;
	}
	*ret_pg = pg;
	return true;
}

static int hold_all_old(struct domain *d, struct chunk *c, uint64_t in, unsigned long *ret_n)
{
	for (*ret_n = 0; *ret_n < c->nr_frames; ++*ret_n) {
		unsigned long i = *ret_n >> c->in_order;
		xen_pfn_t first;

		if (guest_copy_in(&first, in + i * sizeof(first), sizeof(first)))
			return -EFAULT;
		first += *ret_n & ((1UL << c->in_order) - 1);
		if (!hold_old(d, _mfn(first), &c->old[*ret_n]))
			return (int)hv_err(-EINVAL, "frame %#lx can't be exchanged", first);
	}
	return 0;
}

static int read_pfns(struct chunk *c, uint64_t out)
{
	for (unsigned long i = 0; i < c->nr_out; i++) {
		if (guest_copy_in(&c->pfn[i], out + i * sizeof(xen_pfn_t), sizeof(xen_pfn_t)))
			return -EFAULT;
	}
	return 0;
}

/* From here on nothing fails: the numbers of frames are the same. */
static void change_hands(struct domain *d, struct chunk *c)
{
	for (unsigned long i = 0; i < c->nr_frames; i++) {
		page_release(c->old[i]);
		page_put(c->old[i]);
	}
	for (unsigned long i = 0; i < c->nr_out; i++) {
		if (page_assign(d, c->new[i], c->out_order)) {
			/* Only when the domain is dying, or its limit was lowered just now. */
			page_free(c->new[i], c->out_order);
			c->new[i] = NULL;
			continue;
		}
		for (unsigned long j = 0; j < 1UL << c->out_order; j++)
			m2p_set(mfn_add(page_to_mfn(c->new[i]), j), c->pfn[i] + j);
	}
}

static int exchange_chunk(struct domain *d, struct chunk *c, uint64_t in, uint64_t out)
{
	unsigned long nr_new = 0, nr_held = 0;
	int rc = alloc_new(c, &nr_new);

	if (!rc)
		rc = read_pfns(c, out);
	if (!rc)
		rc = hold_all_old(d, c, in, &nr_held);
	if (rc) {
		while (nr_held--)
			page_put(c->old[nr_held]);
		while (nr_new--)
			page_free(c->new[nr_new], c->out_order);
		return rc;
	}
	change_hands(d, c);
	for (unsigned long i = 0; i < c->nr_out; i++) {
		xen_pfn_t mfn = c->new[i] ? mfn_x(page_to_mfn(c->new[i])) : ~0UL;

		/* Told or not, the domain has it. */
		if (guest_copy_out(out + i * sizeof(mfn), &mfn, sizeof(mfn)))
			rc = -EFAULT;
	}
	return rc;
}

static int check(const struct xen_memory_exchange *x, const struct domain *d)
{
	unsigned int limit = d->is_hardware ? MAX_CHUNK_ORDER : MAX_CHUNK_ORDER_GUEST;

	if (x->nr_exchanged > x->in.nr_extents || x->in.extent_order > limit ||
	    x->out.extent_order > limit || x->in.nr_extents >> 40 || x->out.nr_extents >> 40)
		return -EINVAL;
	if (x->in.nr_extents << x->in.extent_order != x->out.nr_extents << x->out.extent_order)
		return -EINVAL;
	return x->in.domid == x->out.domid ? 0 : -EINVAL;
}

static long exchange(struct domain *d, struct xen_memory_exchange *x, struct chunk *c, uint64_t arg)
{
	unsigned int order = max(x->in.extent_order, x->out.extent_order);
	long rc = 0;

	c->in_order = x->in.extent_order;
	c->out_order = x->out.extent_order;
	c->nr_in = 1UL << (order - c->in_order);
	c->nr_out = 1UL << (order - c->out_order);
	c->nr_frames = 1UL << order;
	/* (R8) */
	c->memflags = MEMF_bits(XENMEMF_get_address_bits(x->out.mem_flags)) | MEMF_zero;
	while (!rc && x->nr_exchanged < x->in.nr_extents) {
		unsigned long out_i = (x->nr_exchanged << c->in_order) >> c->out_order;

		if (x->in.nr_extents - x->nr_exchanged < c->nr_in)
			return -EINVAL;
		rc = exchange_chunk(
			d, c,
			guest_handle_va(x->in.extent_start) + x->nr_exchanged * sizeof(xen_pfn_t),
			guest_handle_va(x->out.extent_start) + out_i * sizeof(xen_pfn_t));
		if (!rc)
			x->nr_exchanged += c->nr_in;
		if (!rc && x->nr_exchanged < x->in.nr_extents && hypercall_preempt_check())
			rc = -ERESTART;
	}
	if (guest_copy_out(arg + offsetof(struct xen_memory_exchange, nr_exchanged),
			   &x->nr_exchanged, sizeof(x->nr_exchanged)))
		return -EFAULT;
	return rc;
}

long memory_exchange(uint64_t arg)
{
	struct xen_memory_exchange x;
	struct domain *d;
	struct chunk *c;
	long rc;

	if (guest_copy_in(&x, arg, sizeof(x)))
		return -EFAULT;
	if (!guest_array_ok(guest_handle_va(x.in.extent_start), x.in.nr_extents,
			    sizeof(xen_pfn_t)) ||
	    !guest_array_ok(guest_handle_va(x.out.extent_start), x.out.nr_extents,
			    sizeof(xen_pfn_t)))
		return -EFAULT;
	rc = domain_get_foreign(x.in.domid, &d);
	if (rc)
		return rc;
	rc = check(&x, d);
	c = rc ? NULL : hv_zalloc(sizeof(*c));
	if (c)
		rc = exchange(d, &x, c, arg);
	else if (!rc)
		rc = -ENOMEM;
	hv_free(c);
	domain_put(d);
	if (rc == -ERESTART) {
		/* nr_exchanged says how far it is. */
		const unsigned long again[] = {XENMEM_exchange, arg};

		return hypercall_continue(__HYPERVISOR_memory_op, 2, again);
	}
	return rc;
}
