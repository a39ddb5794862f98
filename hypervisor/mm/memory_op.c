/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The memory_op hypercall: a domain's frames come and go, and questions about
 * memory. Ballooning and population work extent by extent and are continued
 * where they stopped (the number done is kept in the upper bits of cmd).
 */
#include <hv/bootinfo.h>
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/memory.h>
#include <arch/memory.h>
#include <arch/page.h>

#include "memory_op.h"

#define CMD_BITS        6
#define CMD_MASK        ((1UL << CMD_BITS) - 1)
#define MAX_ORDER_GUEST 9
#define MAX_E820        128

/* ---- claims ------------------------------------------------------------------------------ */

static struct spinlock claim_lock = SPINLOCK_INIT(RANK_NONE);
static unsigned long total_claimed;

unsigned long memory_outstanding_claims(void)
{
	return READ_ONCE(total_claimed);
}

static void set_claim(struct domain *d, unsigned long pages)
{
	total_claimed += pages - d->claimed_pages;
	d->claimed_pages = pages;
}

/*
 * May @d have so many frames that have just been taken out? Not if they were promised to
 * others; who has a claim may always take what is there.
 */
static bool claims_allow(const struct domain *d, unsigned long nr)
{
	unsigned long own;
	bool ok;

	spin_lock(&claim_lock);
	own = min(d->claimed_pages, nr);
	ok = own == nr || page_free_count() >= total_claimed - own;
	spin_unlock(&claim_lock);
	return ok;
}

/* They are @d's now. */
static void use_claim(struct domain *d, unsigned long nr)
{
	spin_lock(&claim_lock);
	set_claim(d, d->claimed_pages - min(d->claimed_pages, nr));
	spin_unlock(&claim_lock);
}

/* ---- reservations ------------------------------------------------------------------------ */

/* (R8) Whoever had the frames: they are empty. */
static unsigned int memflags_of(unsigned int mem_flags)
{
	return MEMF_bits(XENMEMF_get_address_bits(mem_flags)) | MEMF_zero;
}

/* One extent of fresh memory for @d; the frames are its from here on. */
static struct page_info *new_extent(struct domain *d, unsigned int order, unsigned int memflags)
{
	struct page_info *pg = page_alloc(order, memflags);

	if (!pg)
		return NULL;
	if (!claims_allow(d, 1UL << order) || page_assign(d, pg, order)) {
		page_free(pg, order);
		return NULL;
	}
	use_claim(d, 1UL << order);
	return pg;
}

static int populate_one(struct domain *d, const struct xen_memory_reservation *r, unsigned long i,
			bool with_pfn)
{
	uint64_t slot = guest_handle_va(r->extent_start) + i * sizeof(xen_pfn_t);
	struct page_info *pg;
	xen_pfn_t pfn = 0, mfn;

	if (with_pfn && guest_copy_in(&pfn, slot, sizeof(pfn)))
		return -EFAULT;
	pg = new_extent(d, r->extent_order, memflags_of(r->mem_flags));
	if (!pg)
		return -ENOMEM;
	mfn = mfn_x(page_to_mfn(pg));
	if (with_pfn) {
		for (unsigned long j = 0; j < 1UL << r->extent_order; j++)
			m2p_set(_mfn(mfn + j), pfn + j);
	}
	/* Told or not, the memory is the domain's: nothing is lost if it isn't told. */
	if (guest_handle_va(r->extent_start) && guest_copy_out(slot, &mfn, sizeof(mfn)))
		return -EFAULT;
	return 0;
}

/* A frame of @d's goes back. -EINVAL: it isn't @d's, or is pinned or lent; -ERESTART. */
static int release_frame(struct domain *d, mfn_t mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	if (!mfn_valid(mfn) || !page_get(pg, d))
		return -EINVAL;
	/* A pin would keep it: Linux has unpinned its tables, others lose the pin's frame. */
	if ((READ_ONCE(pg->count) & PGC_hyp) || (READ_ONCE(pg->type) & PGT_pinned)) {
		page_put(pg);
		return -EINVAL;
	}
	spin_lock(&d->pt_lock);
	rc = page_type_drop_partial(pg);
	spin_unlock(&d->pt_lock);
	if (!rc && !page_release(pg))
		rc = -EINVAL;
	page_put(pg);
	return rc;
}

/* Takes apart what the check of a table left. -EINVAL: not @d's; -ERESTART. */
static int drop_half_checked(struct domain *d, mfn_t mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	if (!mfn_valid(mfn) || !page_get(pg, d))
		return -EINVAL;
	spin_lock(&d->pt_lock);
	rc = page_type_drop_partial(pg);
	spin_unlock(&d->pt_lock);
	page_put(pg);
	return rc;
}

static int release_one(struct domain *d, const struct xen_memory_reservation *r, unsigned long i)
{
	unsigned long nr = 1UL << r->extent_order;
	xen_pfn_t first;
	int rc = 0;

	if (guest_copy_in(&first, guest_handle_va(r->extent_start) + i * sizeof(first),
			  sizeof(first)))
		return -EFAULT;
	/* What can take long comes first, as long as the whole can be begun again. */
	for (unsigned long j = 0; !rc && nr > 1 && j < nr; j++)
		rc = drop_half_checked(d, _mfn(first + j));
	for (unsigned long j = 0; !rc && j < nr; j++) {
		rc = release_frame(d, _mfn(first + j));
		/* Frames that are gone can't go again. Who makes a table of one now gets an error. */
		if (rc == -ERESTART && j)
			rc = -EINVAL;
	}
	return rc;
}

static long reservation(unsigned int cmd, unsigned long start, uint64_t arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	unsigned long i;
	int rc;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return (long)start;
	if (r.nr_extents > (~0UL >> CMD_BITS) || start > r.nr_extents ||
	    r.extent_order > (is_control_domain(current->domain) ? MAX_ORDER : MAX_ORDER_GUEST))
		return (long)start;
	rc = domain_get_foreign(r.domid, &d);
	if (rc)
		return start ? (long)start : rc;
	for (i = start; i < r.nr_extents && !rc; i += !rc) {
		if (i > start && hypercall_preempt_check())
			rc = -ERESTART;
		else if (cmd == XENMEM_decrease_reservation)
			rc = release_one(d, &r, i);
		else
			rc = populate_one(d, &r, i, cmd == XENMEM_populate_physmap);
	}
	domain_put(d);
	if (rc == -ERESTART) {
		unsigned long args[] = {cmd | i << CMD_BITS, arg};

		return hypercall_continue(__HYPERVISOR_memory_op, 2, args);
	}
	return (long)i;
}

/* ---- maps and sizes ------------------------------------------------------------------------- */

/* Entry @i of @d's map, or of the machine's (NULL). False: there is none. */
static bool map_entry(struct domain *d, unsigned int i, struct guest_e820 *ret)
{
	const struct e820_entry *e = NULL;

	if (!d) {
		if (i < machine_e820.nr)
			e = &machine_e820.e[i];
		if (e)
			*ret = (struct guest_e820){e->addr, e->size, e->type};
		return e;
	}
	/* Another of its vCPUs may put a new map in the place of this one. */
	spin_lock(&d->lock);
	if (i < d->arch.nr_e820)
		e = (const struct e820_entry *)d->arch.e820 + i;
	if (e)
		*ret = (struct guest_e820){e->addr, e->size, e->type};
	spin_unlock(&d->lock);
	return e;
}

static long out_map(uint64_t arg, struct domain *d)
{
	struct xen_memory_map m;
	struct guest_e820 g;
	uint32_t i;

	if (guest_copy_in(&m, arg, sizeof(m)))
		return -EFAULT;
	if (!map_entry(d, 0, &g))
		return -ENOSYS;
	for (i = 0; i < m.nr_entries && map_entry(d, i, &g); i++) {
		if (guest_copy_out(guest_handle_va(m.buffer) + i * sizeof(g), &g, sizeof(g)))
			return -EFAULT;
	}
	m.nr_entries = i;
	return guest_copy_out(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

static long memory_map(uint64_t arg)
{
	return out_map(arg, current->domain);
}

static long machine_memory_map(uint64_t arg)
{
	return is_control_domain(current->domain) ? out_map(arg, NULL) : -EPERM;
}

static long set_memory_map(uint64_t arg)
{
	struct xen_foreign_memory_map f;
	struct e820_entry *e, *old;
	struct domain *d;
	long rc;

	if (guest_copy_in(&f, arg, sizeof(f)))
		return -EFAULT;
	if (f.map.nr_entries > MAX_E820)
		return -EINVAL;
	rc = domain_get_foreign(f.domid, &d);
	if (rc)
		return rc;
	e = hv_zalloc_array(f.map.nr_entries, sizeof(*e));
	rc = e ? 0 : -ENOMEM;
	for (unsigned int i = 0; !rc && i < f.map.nr_entries; i++) {
		struct guest_e820 g;

		if (guest_copy_in(&g, guest_handle_va(f.map.buffer) + i * sizeof(g), sizeof(g)))
			rc = -EFAULT;
		else
			e[i] = (struct e820_entry){g.addr, g.size, g.type};
	}
	if (!rc) {
		spin_lock(&d->lock);
		old = d->arch.e820;
		d->arch.e820 = e;
		d->arch.nr_e820 = f.map.nr_entries;
		spin_unlock(&d->lock);
		e = old;
	}
	hv_free(e);
	domain_put(d);
	return rc;
}

/* 0 of one that hasn't said how many it has, and never a number that is an error. */
static long highest_pfn(unsigned long nr)
{
	return (long)nr > 0 ? (long)nr - 1 : 0;
}

static long domain_size(unsigned int cmd, uint64_t arg)
{
	struct domain *d;
	domid_t id;
	long rc;

	if (guest_copy_in(&id, arg, sizeof(id)))
		return -EFAULT;
	rc = domain_get_foreign(id, &d);
	if (rc)
		return rc;
	switch (cmd) {
	case XENMEM_current_reservation:
		rc = (long)d->tot_pages;
		break;
	case XENMEM_maximum_reservation:
		rc = (long)d->max_pages;
		break;
	default:
		/* Only the guest knows; it publishes that for the tools. */
		spin_lock(&domains_lock);
		rc = d->shared_info ? highest_pfn(READ_ONCE(d->shared_info->arch.max_pfn))
				    : -EINVAL;
		spin_unlock(&domains_lock);
		break;
	}
	domain_put(d);
	return rc;
}

/* ---- the M2P ------------------------------------------------------------------------------------ */

static long machphys_mapping(uint64_t arg)
{
	struct xen_machphys_mapping m = {
		.v_start = MACH2PHYS_VIRT_START,
		.v_end = MACH2PHYS_VIRT_END,
		.max_mfn = MACH2PHYS_NR_ENTRIES - 1,
	};

	return guest_copy_out(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

static long machphys_mfn_list(uint64_t arg)
{
	struct xen_machphys_mfn_list l;
	unsigned int i;

	if (!is_control_domain(current->domain))
		return -EPERM;
	if (guest_copy_in(&l, arg, sizeof(l)))
		return -EFAULT;
	for (i = 0; i < l.max_extents; i++) {
		xen_pfn_t mfn = mfn_x(memory_m2p_chunk(i));

		if (mfn == mfn_x(INVALID_MFN))
			break;
		if (guest_copy_out(guest_handle_va(l.extent_start) + i * sizeof(mfn), &mfn,
				   sizeof(mfn)))
			return -EFAULT;
	}
	l.nr_extents = i;
	return guest_copy_out(arg, &l, sizeof(l)) ? -EFAULT : 0;
}

/* ---- resources, claims ------------------------------------------------------------------------------ */

static long acquire_grant_table(struct domain *d, struct xen_mem_acquire_resource *r)
{
	bool status = r->id == XENMEM_resource_grant_table_id_status;

	if (r->id > XENMEM_resource_grant_table_id_status)
		return -EINVAL;
	for (unsigned int i = 0; i < r->nr_frames; i++) {
		xen_pfn_t out;
		mfn_t mfn;
		int rc = grant_table_get_frame(d, status, r->frame + i, &mfn);

		if (rc)
			return rc;
		out = mfn_x(mfn);
		if (guest_copy_out(guest_handle_va(r->frame_list) + i * sizeof(out), &out,
				   sizeof(out)))
			return -EFAULT;
	}
	return 0;
}

static long acquire_resource(uint64_t arg)
{
	struct xen_mem_acquire_resource r;
	struct domain *d;
	long rc;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.pad || r.nr_frames > 1024 || r.frame > UINT32_MAX)
		return -EINVAL;
	if (!is_control_domain(current->domain))
		return -EPERM;
	rc = domain_get_foreign(r.domid, &d);
	if (rc)
		return rc;
	if (r.type != XENMEM_resource_grant_table) {
		rc = -EOPNOTSUPP;
	} else if (!guest_handle_va(r.frame_list)) {
		rc = r.nr_frames ? -EINVAL : 0;
		r.nr_frames = grant_table_max_frames(d, r.id);
		if (!rc && guest_copy_out(arg, &r, sizeof(r)))
			rc = -EFAULT;
	} else {
		rc = acquire_grant_table(d, &r);
	}
	domain_put(d);
	return rc;
}

void memory_drop_claim(struct domain *d)
{
	spin_lock(&claim_lock);
	set_claim(d, 0);
	spin_unlock(&claim_lock);
}

/* A promise that so many pages in all will be there for the domain. */
static long claim_pages(uint64_t arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	long rc;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!is_control_domain(current->domain))
		return -EPERM;
	if (guest_handle_va(r.extent_start) || r.extent_order || r.mem_flags ||
	    r.nr_extents > UINT32_MAX)
		return -EINVAL;
	rc = domain_get_foreign(r.domid, &d);
	if (rc)
		return rc;
	spin_lock(&claim_lock);
	if (!r.nr_extents) {
		set_claim(d, 0);
	} else if (READ_ONCE(d->dying) != DOMDYING_alive || r.nr_extents <= d->tot_pages ||
		   r.nr_extents > d->max_pages) {
		rc = -EINVAL;
	} else if (r.nr_extents - d->tot_pages + total_claimed - d->claimed_pages >
		   page_free_count()) {
		rc = -ENOMEM;
	} else {
		set_claim(d, r.nr_extents - d->tot_pages);
	}
	spin_unlock(&claim_lock);
	domain_put(d);
	return rc;
}

long do_memory_op(unsigned long cmd, uint64_t arg)
{
	unsigned long start = cmd >> CMD_BITS;

	switch (cmd & CMD_MASK) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(cmd & CMD_MASK, start, arg);
	case XENMEM_maximum_ram_page:
		return (long)max_page - 1;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return domain_size(cmd & CMD_MASK, arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(arg);
	case XENMEM_memory_map:
		return memory_map(arg);
	case XENMEM_machine_memory_map:
		return machine_memory_map(arg);
	case XENMEM_exchange:
		return memory_exchange(arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_set_memory_map:
		return set_memory_map(arg);
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return 0;
	case XENMEM_claim_pages:
		return claim_pages(arg);
	case XENMEM_get_vnumainfo:
		/* There is one node. (Saving a domain asks, and wants to be told so.) */
		return -EOPNOTSUPP;
	case XENMEM_acquire_resource:
		return acquire_resource(arg);
	default:
		return hypercall_no_subop(__HYPERVISOR_memory_op, (unsigned int)(cmd & CMD_MASK));
	}
}
