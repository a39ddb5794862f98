/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * memory_op: reservations, exchange, claims, and what happens when memory runs out
 * at any allocation: an error, and nothing is lost. Each test ends with the domains
 * destroyed and every frame back. Tries R2, R8, S4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/memory.h>
#include <arch/page.h>
#include <hosttest/machine.h>

static struct domain *d0, *d1;
static unsigned long free_before;

static int setup(void **state)
{
	ht_machine_init();
	free_before = page_free_count();
	d0 = ht_domain_new(0, 1, 0);
	d1 = ht_domain_new(1, 1, 0);
	ht_run(d1, 0);
	return 0;
}

static int teardown(void **state)
{
	ht_guest_fault(NULL, 0);
	ht_copy_hook = NULL;
	ht_preempt_every(0);
	ht_free_all();
	ht_run(d0, 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct domain *d = i ? d1 : d0;

		memory_drop_claim(d);
		ht_domain_dying(d);
		while (arch_domain_relinquish(d))
			;
		arch_domain_destroy(d);
	}
	ht_domain_free(d1);
	ht_domain_free(d0);
	assert_int_equal(memory_outstanding_claims(), 0);
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
	return 0;
}

static long reservation(unsigned int cmd, xen_pfn_t *list, unsigned long nr, unsigned int order,
			unsigned int flags)
{
	struct xen_memory_reservation r = {{list}, nr, order, flags, DOMID_SELF};
	long rc = do_memory_op(cmd, ht_va(&r));

	while (rc == HT_CONTINUED)
		rc = do_memory_op(ht_continuation.arg[0], ht_continuation.arg[1]);
	ht_assert_quiet();
	return rc;
}

/* What somebody has left in all that is free. */
static void dirty_memory(void)
{
	static struct page_info *all[HT_FRAMES];
	unsigned int n = 0;

	while ((all[n] = page_alloc(0, 0)))
		memset(page_to_virt(all[n++]), 0xee, PAGE_SIZE);
	while (n)
		page_free(all[--n], 0);
}

static void assert_empty(xen_pfn_t f, unsigned int order)
{
	const uint64_t *p = mfn_to_virt(_mfn(f));

	for (unsigned long i = 0; i < (PAGE_SIZE << order) / sizeof(*p); i++)
		assert_int_equal(p[i], 0);
}

/* (R8) Whichever way a domain gets memory */
static void memory_is_empty(void **state)
{
	xen_pfn_t in[8], out[8];
	struct xen_memory_exchange x = {.in = {{in}, 8, 0, 0, DOMID_SELF},
					.out = {{out}, 1, 3, 0, DOMID_SELF}};

	for (unsigned int order = 0; order <= 9; order += 3) {
		dirty_memory();
		out[0] = 0;
		assert_int_equal(reservation(XENMEM_populate_physmap, out, 1, order, 0), 1);
		assert_empty(out[0], order);
		dirty_memory();
		assert_int_equal(reservation(XENMEM_increase_reservation, in, 1, order, 0), 1);
		assert_empty(in[0], order);
	}
	for (unsigned int i = 0; i < 8; i++)
		in[i] = mfn_x(ht_domain_page(d1));
	out[0] = 0;
	dirty_memory();
	assert_int_equal(do_memory_op(XENMEM_exchange, ht_va(&x)), 0);
	assert_empty(out[0], 3);
}

static void populate_and_release(void **state)
{
	xen_pfn_t list[8];

	for (unsigned int order = 0; order <= 9; order++) {
		for (unsigned int i = 0; i < 4; i++)
			list[i] = 1000 + (i << order);
		ht_preempt_every(order % 3);
		assert_int_equal(reservation(XENMEM_populate_physmap, list, 4, order, 0), 4);
		assert_int_equal(d1->tot_pages, 4UL << order);
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(list[i] & ((1UL << order) - 1), 0);
			for (unsigned long j = 0; j < 1UL << order; j++) {
				assert_int_equal(m2p_get(_mfn(list[i] + j)),
						 1000 + (i << order) + j);
				assert_int_equal(page_owner_id(mfn_to_page(_mfn(list[i] + j))), 1);
			}
		}
		assert_int_equal(reservation(XENMEM_decrease_reservation, list, 4, order, 0), 4);
		assert_int_equal(reservation(XENMEM_decrease_reservation, list, 4, order, 0), 0);
		assert_int_equal(d1->tot_pages, 0);
	}
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 1, 10, 0), 0);
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 1, ~0U, 0), 0);
}

static void limits(void **state)
{
	xen_pfn_t list[8] = {0};

	d1->max_pages = 3;
	assert_int_equal(reservation(XENMEM_increase_reservation, list, 5, 0, 0), 3);
	assert_int_equal(reservation(XENMEM_increase_reservation, list + 3, 1, 0, 0), 0);
	assert_int_equal(reservation(XENMEM_decrease_reservation, list, 1, 0, 0), 1);
	/* Two frames are one too many. */
	assert_int_equal(reservation(XENMEM_increase_reservation, list + 3, 1, 1, 0), 0);
	/* Below 2^17 bytes there are 31 frames. */
	d1->max_pages = 100;
	for (unsigned int i = 0; i < 8; i++) {
		if (reservation(XENMEM_increase_reservation, list, 1, 0,
				XENMEMF_address_bits(17)) == 1)
			assert_true(list[0] < 32);
	}
	assert_int_equal(
		reservation(XENMEM_increase_reservation, list, 1, 0, XENMEMF_address_bits(12)), 0);
	/* Not its own, the hypervisor's, none. */
	list[0] = mfn_x(virt_to_mfn(d1->shared_info));
	assert_int_equal(reservation(XENMEM_decrease_reservation, list, 1, 0, 0), 0);
	list[0] = mfn_x(ht_domain_page(d0));
	assert_int_equal(reservation(XENMEM_decrease_reservation, list, 1, 0, 0), 0);
	list[0] = ~0UL;
	assert_int_equal(reservation(XENMEM_decrease_reservation, list, 1, 0, 0), 0);
	ht_guest_fault(list, sizeof(list));
	assert_int_equal(reservation(XENMEM_decrease_reservation, list, 1, 0, 0), 0);
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 1, 0, 0), 0);
}

/* For each number of frames that are left: what was possible was done, no more. */
static void reservations_without_memory(void **state)
{
	for (unsigned long left = 0; left < 12; left++) {
		xen_pfn_t list[8] = {0};
		unsigned long before = page_free_count();

		ht_leave_free(left);
		assert_int_equal(reservation(XENMEM_populate_physmap, list, 8, 0, 0),
				 min(left, 8UL));
		ht_free_all();
		assert_int_equal(reservation(XENMEM_decrease_reservation, list, 8, 0, 0),
				 min(left, 8UL));
		assert_int_equal(page_free_count(), before);
	}
}

static long exchange(struct xen_memory_exchange *x)
{
	long rc = do_memory_op(XENMEM_exchange, ht_va(x));

	while (rc == HT_CONTINUED)
		rc = do_memory_op(ht_continuation.arg[0], ht_continuation.arg[1]);
	ht_assert_quiet();
	return rc;
}

static void exchanges(void **state)
{
	xen_pfn_t in[8], out[8], old;

	for (unsigned int i = 0; i < 8; i++) {
		in[i] = mfn_x(ht_domain_page(d1));
		out[i] = 500 + i * 8;
	}
	struct xen_memory_exchange x = {.in = {{in}, 8, 0, 0, DOMID_SELF},
					.out = {{out}, 1, 3, 0, DOMID_SELF}};

	assert_int_equal(exchange(&x), 0);
	assert_int_equal(x.nr_exchanged, 8);
	assert_int_equal(out[0] & 7, 0);
	assert_int_equal(m2p_get(_mfn(out[0] + 7)), 507);
	assert_int_equal(d1->tot_pages, 8);
	/* And back, one by one, preempted after each. */
	in[0] = out[0];
	for (unsigned int i = 0; i < 8; i++)
		in[i] = out[0] + i;
	ht_preempt_every(1);
	x = (struct xen_memory_exchange){.in = {{in}, 8, 0, 0, DOMID_SELF},
					 .out = {{out}, 8, 0, 0, DOMID_SELF}};
	assert_int_equal(do_memory_op(XENMEM_exchange, ht_va(&x)), HT_CONTINUED);
	assert_int_equal(x.nr_exchanged, 1);
	while (do_memory_op(XENMEM_exchange, ht_va(&x)) == HT_CONTINUED)
		;
	assert_int_equal(x.nr_exchanged, 8);
	ht_preempt_every(0);
	/* Frames that somebody uses, or that are named twice, don't go. */
	old = out[3];
	memcpy(in, out, sizeof(in));
	assert_true(page_get(mfn_to_page(_mfn(old)), d1));
	x.nr_exchanged = 0;
	assert_int_equal(exchange(&x), -EINVAL);
	assert_int_equal(x.nr_exchanged, 3);
	page_put(mfn_to_page(_mfn(old)));
	in[0] = in[1] = out[7];
	x = (struct xen_memory_exchange){.in = {{in}, 2, 0, 0, DOMID_SELF},
					 .out = {{out}, 1, 1, 0, DOMID_SELF}};
	assert_int_equal(exchange(&x), -EINVAL);
	assert_int_equal(d1->tot_pages, 8);
	/* Sizes that don't fit, other domains, too large, more done than there is. */
	x.out.nr_extents = 2;
	assert_int_equal(exchange(&x), -EINVAL);
	x.out.nr_extents = 1;
	x.out.domid = 0;
	assert_int_equal(exchange(&x), -EINVAL);
	x.in.domid = 0;
	assert_int_equal(exchange(&x), -EPERM);
	x.in.domid = x.out.domid = DOMID_SELF;
	x.nr_exchanged = 3;
	assert_int_equal(exchange(&x), -EINVAL);
	x = (struct xen_memory_exchange){.in = {{in}, 1, 10, 0, DOMID_SELF},
					 .out = {{out}, 1, 10, 0, DOMID_SELF}};
	assert_int_equal(exchange(&x), -EINVAL);
	x.in.nr_extents = x.out.nr_extents = 1UL << 61;
	assert_int_equal(exchange(&x), -EFAULT);
}

static void exchange_without_memory(void **state)
{
	unsigned long left;

	for (left = 0; left < 40; left++) {
		unsigned long before;
		xen_pfn_t in[4], out[4] = {1, 2, 3, 4};
		struct xen_memory_exchange x = {.in = {{in}, 4, 0, 0, DOMID_SELF},
						.out = {{out}, 2, 1, 0, DOMID_SELF}};
		long rc;

		for (unsigned int i = 0; i < 4; i++)
			in[i] = mfn_x(ht_domain_page(d1));
		before = page_free_count();
		ht_leave_free(left);
		rc = exchange(&x);
		ht_free_all();
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_int_equal(d1->tot_pages, 4 * (left + 1));
		assert_int_equal(page_free_count(), before);
		assert_int_equal(x.nr_exchanged, rc ? x.nr_exchanged : 4);
	}
}

static void claims(void **state)
{
	struct xen_memory_reservation r = {{NULL}, 100, 0, 0, 1};
	xen_pfn_t list[4] = {0};

	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), -EPERM);
	ht_run(d0, 0);
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), 0);
	assert_int_equal(memory_outstanding_claims(), 100);
	r.nr_extents = page_free_count() + 1;
	d1->max_pages = ~0UL;
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), -ENOMEM);
	r.nr_extents = 1UL << 33;
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), -EINVAL);
	ht_run(d1, 0);
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 4, 0, 0), 4);
	assert_int_equal(memory_outstanding_claims(), 96);
	/* What it may not have is not used up of it. */
	d1->max_pages = d1->tot_pages;
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 1, 0, 0), 0);
	assert_int_equal(memory_outstanding_claims(), 96);
	d1->max_pages = ~0UL;
	/* All that is left: others get none of it, and can't claim it. */
	ht_run(d0, 0);
	r.nr_extents = d1->tot_pages + page_free_count();
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), 0);
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), 0);
	assert_int_equal(memory_outstanding_claims(), page_free_count());
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 1, 0, 0), 0);
	r.domid = 0;
	r.nr_extents = d0->tot_pages + 1;
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), -ENOMEM);
	/* The hypervisor takes what it needs; then there is less for who has the claim. */
	ht_leave_free(3);
	assert_int_equal(do_memory_op(XENMEM_claim_pages, ht_va(&r)), -ENOMEM);
	ht_run(d1, 0);
	assert_int_equal(reservation(XENMEM_populate_physmap, list, 4, 0, 0), 3);
	ht_free_all();
	/* It ends with the domain. */
	memory_drop_claim(d1);
	assert_int_equal(memory_outstanding_claims(), 0);
}

/* Everything that a domain is made of, with memory for a part of it only. */
static void domains_without_memory(void **state)
{
	unsigned int failed = 0;

	for (unsigned long left = 0; left < 40; left++) {
		unsigned long before = page_free_count();
		struct domain *d;
		bool ok;

		d = ht_domain_new(2, 1, 0);
		ht_leave_free(left);
		ok = !evtchn_init(d, 4095);
		ok = !grant_table_create(d, 64, 16, 2) && ok;
		ok = !arch_domain_create(d, NULL) && ok;
		ok = !arch_vcpu_create(d->vcpu[0]) && ok;
		ht_free_all();
		failed += !ok;
		ht_domain_dying(d);
		if (d->evtchn_groups)
			assert_int_equal(evtchn_destroy(d), 0);
		grant_table_destroy(d);
		arch_vcpu_destroy(d->vcpu[0]);
		arch_domain_destroy(d);
		ht_domain_free(d);
		assert_int_equal(page_free_count(), before);
	}
	assert_true(failed > 2 && failed < 40);
}

static void sizes(void **state)
{
	domid_t id = DOMID_SELF;

	ht_domain_page(d1);
	assert_int_equal(do_memory_op(XENMEM_current_reservation, ht_va(&id)), 1);
	assert_int_equal(do_memory_op(XENMEM_maximum_reservation, ht_va(&id)), HT_FRAMES);
	assert_int_equal(do_memory_op(XENMEM_maximum_ram_page, 0), HT_FRAMES - 1);
	d1->shared_info->arch.max_pfn = 77;
	assert_int_equal(do_memory_op(XENMEM_maximum_gpfn, ht_va(&id)), 76);
	d1->shared_info->arch.max_pfn = ~0UL;
	assert_int_equal(do_memory_op(XENMEM_maximum_gpfn, ht_va(&id)), 0);
	id = 0;
	assert_int_equal(do_memory_op(XENMEM_current_reservation, ht_va(&id)), -EPERM);
	id = 60;
	assert_int_equal(do_memory_op(XENMEM_current_reservation, ht_va(&id)), -ESRCH);
	assert_int_equal(do_memory_op(63, 0), -ENOSYS);
}

/* ---- maps --------------------------------------------------------------------------- */

/* As the ABI has it: without padding */
struct map_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static long set_map(domid_t id, struct map_entry *e, unsigned int nr)
{
	struct xen_foreign_memory_map f = {.domid = id, .map.nr_entries = nr};

	set_xen_guest_handle(f.map.buffer, (void *)e);
	return do_memory_op(XENMEM_set_memory_map, ht_va(&f));
}

static long get_map(unsigned int cmd, struct map_entry *e, unsigned int *nr)
{
	struct xen_memory_map m = {.nr_entries = *nr};
	long rc;

	set_xen_guest_handle(m.buffer, (void *)e);
	rc = do_memory_op(cmd, ht_va(&m));
	*nr = m.nr_entries;
	return rc;
}

static void memory_maps(void **state)
{
	struct map_entry in[130] = {{0x1000, 0x2000, 1}, {0x8000, 0x1000, 2}}, out[130];
	unsigned int nr = 130;

	assert_int_equal(get_map(XENMEM_memory_map, out, &nr), -ENOSYS);
	assert_int_equal(set_map(DOMID_SELF, in, 2), 0);
	assert_int_equal(get_map(XENMEM_memory_map, out, &nr), 0);
	assert_int_equal(nr, 2);
	assert_memory_equal(out, in, 2 * sizeof(in[0]));
	nr = 1;
	out[1].addr = 77;
	assert_int_equal(get_map(XENMEM_memory_map, out, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(out[1].addr, 77);
	assert_int_equal(set_map(DOMID_SELF, in, 129), -EINVAL);
	assert_int_equal(set_map(0, in, 2), -EPERM);
	assert_int_equal(set_map(60, in, 2), -ESRCH);
	ht_guest_fault(&in[1], 1);
	assert_int_equal(set_map(DOMID_SELF, in, 2), -EFAULT);
	ht_guest_fault(&out[1], 1);
	nr = 2;
	assert_int_equal(get_map(XENMEM_memory_map, out, &nr), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(do_memory_op(XENMEM_memory_map, 0), -EFAULT);
	assert_int_equal(do_memory_op(XENMEM_set_memory_map, 0), -EFAULT);
	/* The machine's is the control domain's to see. */
	assert_int_equal(get_map(XENMEM_machine_memory_map, out, &nr), -EPERM);
	ht_run(d0, 0);
	nr = 10;
	assert_int_equal(get_map(XENMEM_machine_memory_map, out, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(do_memory_op(XENMEM_machine_memory_map, 0), -EFAULT);
	assert_int_equal(set_map(1, in, 128), 0);
}

static struct map_entry other[40];
static void *grave;

/* Another of its vCPUs sets a map; what the old one was in, others have now. */
static void replace_map(void)
{
	ht_copy_hook = NULL;
	assert_int_equal(set_map(DOMID_SELF, other, 1), 0);
	grave = hv_zalloc(40 * 24);
	memset(grave, 0x5a, 40 * 24);
}

static void map_replaced_meanwhile(void **state)
{
	struct map_entry in[40], out[40] = {0};
	unsigned int nr = 40;

	for (unsigned int i = 0; i < 40; i++) {
		in[i] = (struct map_entry){i * 0x1000, 0x1000, 1};
		other[i] = (struct map_entry){i * 0x1000, 0x1000, 2};
	}
	assert_int_equal(set_map(DOMID_SELF, in, 40), 0);
	ht_copy_hook = replace_map;
	assert_int_equal(get_map(XENMEM_memory_map, out, &nr), 0);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(out[i].addr, i * 0x1000);
		assert_in_range(out[i].type, 1, 2);
	}
	hv_free(grave);
}

static void machine_to_physical(void **state)
{
	struct xen_machphys_mapping m;
	struct xen_machphys_mfn_list l = {.max_extents = 3};
	xen_pfn_t list[3] = {7, 7, 7};

	assert_int_equal(do_memory_op(XENMEM_machphys_mapping, ht_va(&m)), 0);
	assert_int_equal(m.v_start, MACH2PHYS_VIRT_START);
	assert_int_equal(do_memory_op(XENMEM_machphys_mapping, 0), -EFAULT);
	assert_int_equal(do_memory_op(XENMEM_machphys_mfn_list, ht_va(&l)), -EPERM);
	ht_run(d0, 0);
	assert_int_equal(do_memory_op(XENMEM_machphys_mfn_list, 0), -EFAULT);
	assert_int_equal(do_memory_op(XENMEM_machphys_mfn_list, ht_va(&l)), -EFAULT);
	set_xen_guest_handle(l.extent_start, list);
	assert_int_equal(do_memory_op(XENMEM_machphys_mfn_list, ht_va(&l)), 0);
	assert_int_equal(l.nr_extents, 1);
	assert_int_equal(list[0], 1);
	assert_int_equal(list[1], 7);
	assert_int_equal(do_memory_op(XENMEM_get_sharing_freed_pages, 0), 0);
	assert_int_equal(do_memory_op(XENMEM_get_vnumainfo, 0), -EOPNOTSUPP);
}

static void resources(void **state)
{
	struct xen_mem_acquire_resource r = {.domid = 1, .type = XENMEM_resource_grant_table};
	xen_pfn_t list[4];

	assert_int_equal(grant_table_create(d1, 4, 1, 2), 0);
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, 0), -EFAULT);
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EPERM);
	ht_run(d0, 0);
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), 0);
	assert_int_equal(r.nr_frames, 4);
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EINVAL);
	set_xen_guest_handle(r.frame_list, list);
	r.nr_frames = 3;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(page_owner_id(mfn_to_page(_mfn(list[i]))), 1);
	r.frame = 2;
	assert_true(do_memory_op(XENMEM_acquire_resource, ht_va(&r)) < 0); /* four at most */
	r.frame = 0;
	ht_guest_fault(&list[2], 8);
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EFAULT);
	ht_guest_fault(NULL, 0);
	r.id = 2;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EINVAL);
	r.id = 0;
	r.nr_frames = 1025;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EINVAL);
	r.nr_frames = 1;
	r.frame = 1UL << 32;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EINVAL);
	r.frame = 0;
	r.type = 99;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EOPNOTSUPP);
	r.domid = 60;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -ESRCH);
	r.domid = 1;
	r.pad = 1;
	assert_int_equal(do_memory_op(XENMEM_acquire_resource, ht_va(&r)), -EINVAL);
	ht_domain_dying(d1);
	grant_table_destroy(d1);
}

/* Free frames below 2^max bits, all of them in the fake machine's 32 MiB. */
static void free_by_address(void **state)
{
	unsigned long all = page_free_count();

	assert_int_equal(page_free_count_range(0, 0), all);
	assert_int_equal(page_free_count_range(0, 25), all);
	assert_int_equal(page_free_count_range(26, 0), 0);
	assert_in_range(page_free_count_range(0, 24), 1, all - 1);
	page_alloc_dump();
	assert_int_equal(page_free_count(), all);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory_is_empty),
		T(populate_and_release),
		T(limits),
		T(reservations_without_memory),
		T(exchanges),
		T(exchange_without_memory),
		T(claims),
		T(domains_without_memory),
		T(sizes),
		T(memory_maps),
		T(map_replaced_meanwhile),
		T(machine_to_physical),
		T(resources),
		T(free_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
