/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grant tables: domain 1 grants, domain 2 maps and copies, domain 0 is the
 * control domain. Page tables are a list (hosttest/pte.c). Each test ends with all
 * domains destroyed, all use bits clear and every frame back in the allocator. Tries
 * G1, G2, G3, G4, G5, F3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>
#include <hosttest/machine.h>

#define USED    (GTF_reading | GTF_writing)
#define ADDR(n) (0x100000UL + (n)*PAGE_SIZE)

static struct domain *d0, *d1, *d2;
static unsigned long free_before;
static mfn_t frame; /* of d1 */

static struct domain *new_domain(unsigned int id, int maptrack)
{
	struct domain *d = ht_domain_new(id, 1, 0);

	assert_int_equal(grant_table_create(d, 4, maptrack, 2), 0);
	return d;
}

static int setup(void **state)
{
	ht_machine_init();
	free_before = page_free_count();
	d0 = new_domain(0, -1);
	d1 = new_domain(1, -1);
	d2 = new_domain(2, 1);
	ht_run(d2, 0);
	frame = ht_domain_page(d1);
	ht_grant_flushes = 0;
	return 0;
}

static void end(struct domain *d)
{
	if (!d)
		return;
	ht_domain_dying(d);
	while (grant_table_release_mappings(d) == -ERESTART)
		;
	grant_table_destroy(d);
	ht_domain_free(d);
}

static void no_use_bits(struct domain *d)
{
	mfn_t mfn;

	/* Version 2 has them in the status frame. */
	if (!grant_table_get_frame(d, true, 0, &mfn)) {
		for (unsigned int i = 0; i < 2048; i++)
			assert_int_equal(((grant_status_t *)mfn_to_virt(mfn))[i], 0);
		return;
	}
	for (unsigned int i = 0; i < 4 && !grant_table_get_frame(d, false, i, &mfn); i++) {
		struct grant_entry_v1 *e = mfn_to_virt(mfn);

		for (unsigned int j = 0; j < 512; j++)
			assert_int_equal(e[j].flags & USED, 0);
	}
}

static int teardown(void **state)
{
	ht_audit();
	ht_guest_fault(NULL, 0);
	ht_preempt_every(0);
	ht_grant_map_fails = false;
	ht_run(d0, 0);
	ht_ptes_clear();
	end(d2);
	if (d1)
		no_use_bits(d1);
	end(d1);
	end(d0);
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
	return 0;
}

static long op(unsigned int cmd, void *arg, unsigned int count)
{
	long rc = do_grant_table_op(cmd, ht_va(arg), count);

	ht_assert_quiet();
	return rc;
}

/* ---- the guests' side ------------------------------------------------------------- */

static struct grant_entry_v1 *v1(struct domain *d, grant_ref_t ref)
{
	mfn_t mfn;

	assert_int_equal(grant_table_get_frame(d, false, ref / 512, &mfn), 0);
	return (struct grant_entry_v1 *)mfn_to_virt(mfn) + ref % 512;
}

static union grant_entry_v2 *v2(struct domain *d, grant_ref_t ref)
{
	mfn_t mfn;

	assert_int_equal(grant_table_get_frame(d, false, ref / 256, &mfn), 0);
	return (union grant_entry_v2 *)mfn_to_virt(mfn) + ref % 256;
}

static uint16_t v2_status(struct domain *d, grant_ref_t ref)
{
	mfn_t mfn;

	assert_int_equal(grant_table_get_frame(d, true, ref / 2048, &mfn), 0);
	return ((grant_status_t *)mfn_to_virt(mfn))[ref % 2048];
}

static void grant(struct domain *d, grant_ref_t ref, domid_t to, mfn_t mfn, uint16_t flags)
{
	*v1(d, ref) = (struct grant_entry_v1){GTF_permit_access | flags, to, (uint32_t)mfn_x(mfn)};
}

static struct gnttab_map_grant_ref map(domid_t dom, grant_ref_t ref, uint64_t addr, uint32_t flags)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = addr, .flags = flags, .ref = ref, .dom = dom, .status = 1};

	assert_int_equal(op(GNTTABOP_map_grant_ref, &m, 1), 0);
	assert_true(m.status <= 0);
	return m;
}

static int unmap(grant_handle_t handle, uint64_t addr, uint64_t bus)
{
	struct gnttab_unmap_grant_ref u = {
		.host_addr = addr, .dev_bus_addr = bus, .handle = handle, .status = 1};

	assert_int_equal(op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
	return u.status;
}

static int set_version(struct domain *d, uint32_t version)
{
	struct gnttab_set_version sv = {version};
	struct domain *was = current->domain;
	int rc;

	ht_run(d, 0);
	rc = (int)op(GNTTABOP_set_version, &sv, 1);
	ht_run(was, 0);
	return rc;
}

static unsigned int refs(mfn_t mfn)
{
	return mfn_to_page(mfn)->count & PGC_count_mask;
}

/* ---- mapping ---------------------------------------------------------------------- */

static void test_map_and_unmap(void **state)
{
	struct gnttab_map_grant_ref r, w;

	grant(d1, 8, 2, frame, 0);
	r = map(1, 8, ADDR(1), GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(r.status, GNTST_okay);
	assert_int_equal(r.dev_bus_addr, mfn_x(frame) << 12);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access | GTF_reading);
	assert_int_equal(refs(frame), 2);
	assert_int_equal(page_type_count(mfn_to_page(frame)), 0);

	w = map(1, 8, ADDR(2), GNTMAP_host_map);
	assert_int_equal(w.status, GNTST_okay);
	assert_int_not_equal(r.handle, w.handle);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access | USED);
	assert_int_equal(refs(frame), 3);
	assert_true(page_type_is(mfn_to_page(frame), PGT_writable));

	assert_int_equal(unmap(w.handle, ADDR(2), 0), GNTST_okay);
	assert_int_equal(ht_grant_flushes, 1);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access | GTF_reading);
	assert_int_equal(unmap(w.handle, ADDR(2), 0), GNTST_bad_handle);
	assert_int_equal(unmap(r.handle, ADDR(1), 0), GNTST_okay);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access);
	assert_int_equal(refs(frame), 1);
}

static void test_refused_maps(void **state)
{
	const uint32_t rw = GNTMAP_host_map, ro = GNTMAP_host_map | GNTMAP_readonly;

	grant(d1, 8, 2, frame, GTF_readonly);
	grant(d1, 9, 0, frame, 0);
	grant(d1, 10, 2, ht_domain_page(d0), 0); /* not its own */
	grant(d1, 11, 2, _mfn(0xffffffff), 0);
	assert_int_equal(map(1, 8, ADDR(1), rw).status, GNTST_general_error);
	assert_int_equal(map(1, 9, ADDR(1), ro).status, GNTST_general_error);
	assert_int_equal(map(1, 10, ADDR(1), ro).status, GNTST_bad_page);
	assert_int_equal(map(1, 11, ADDR(1), ro).status, GNTST_bad_page);
	assert_int_equal(map(1, 12, ADDR(1), ro).status, GNTST_general_error);
	assert_int_equal(map(1, 512, ADDR(1), ro).status, GNTST_bad_gntref);
	assert_int_equal(map(1, ~0U, ADDR(1), ro).status, GNTST_bad_gntref);
	assert_int_equal(map(7, 8, ADDR(1), ro).status, GNTST_bad_domain);
	assert_int_equal(map(DOMID_XEN, 8, ADDR(1), ro).status, GNTST_bad_domain);
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_readonly).status, GNTST_bad_gntref);
	assert_int_equal(map(1, 8, ADDR(1) + 4, ro | GNTMAP_contains_pte).status,
			 GNTST_bad_virt_addr);
	ht_grant_map_fails = true;
	assert_int_equal(map(1, 8, ADDR(1), ro | GNTMAP_device_map).status, GNTST_bad_virt_addr);
	ht_grant_map_fails = false;
	/* No trace of any of them. */
	no_use_bits(d1);
	assert_int_equal(refs(frame), 1);
	assert_int_equal(map(1, 8, ADDR(1), ro).status, GNTST_okay);
	assert_int_equal(map(1, 8, ADDR(2), rw).status, GNTST_general_error);
}

static void test_page_tables_stay_out(void **state)
{
	struct page_info *pg = mfn_to_page(frame);
	struct gnttab_map_grant_ref m;

	grant(d1, 8, 2, frame, 0);
	spin_lock(&d1->pt_lock);
	assert_int_equal(page_get_and_type(pg, d1, PGT_l1), 0);
	spin_unlock(&d1->pt_lock);
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_host_map).status, GNTST_bad_page);
	m = map(1, 8, ADDR(1), GNTMAP_host_map | GNTMAP_readonly);
	assert_int_equal(m.status, GNTST_okay); /* reading is fine */
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	spin_lock(&d1->pt_lock);
	assert_int_equal(page_put_and_type(pg), 0);
	spin_unlock(&d1->pt_lock);
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	spin_lock(&d1->pt_lock);
	assert_int_equal(page_get_and_type(pg, d1, PGT_l1), -EBUSY);
	spin_unlock(&d1->pt_lock);
}

static void test_unmap_must_fit(void **state)
{
	struct gnttab_map_grant_ref m, dev;
	uint64_t bus = mfn_x(frame) << 12;

	grant(d1, 8, 2, frame, 0);
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	dev = map(1, 8, ADDR(2), GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly);
	assert_int_equal(dev.status, GNTST_okay);
	assert_int_equal(refs(frame), 4);
	assert_int_equal(unmap(m.handle, ADDR(3), 0), GNTST_general_error);
	assert_int_equal(unmap(m.handle, ADDR(2), 0), GNTST_general_error); /* read-only */
	assert_int_equal(unmap(m.handle, ADDR(1), bus), GNTST_bad_dev_addr);
	assert_int_equal(unmap(dev.handle, 0, bus + 4096), GNTST_bad_dev_addr);
	assert_int_equal(unmap(4711, ADDR(1), 0), GNTST_bad_handle);
	assert_int_equal(unmap(~0U, ADDR(1), 0), GNTST_bad_handle);
	assert_int_equal(unmap(m.handle, 0, 0), GNTST_okay); /* nothing asked */
	assert_int_equal(refs(frame), 4);
	assert_int_equal(unmap(dev.handle, 0, bus), GNTST_okay);
	assert_int_equal(refs(frame), 3);
	assert_int_equal(unmap(dev.handle, 0, bus), GNTST_bad_dev_addr);
	assert_int_equal(unmap(dev.handle, ADDR(2), 0), GNTST_okay);
	assert_int_equal(unmap(dev.handle, ADDR(2), 0), GNTST_bad_handle);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	assert_int_equal(refs(frame), 1);
}

static void test_unmap_and_replace(void **state)
{
	struct gnttab_map_grant_ref a, b;
	mfn_t other = ht_domain_page(d1);

	grant(d1, 8, 2, frame, 0);
	grant(d1, 9, 2, other, 0);
	a = map(1, 8, ADDR(1), GNTMAP_host_map);
	b = map(1, 9, ADDR(2), GNTMAP_host_map);
	struct gnttab_unmap_and_replace u = {ADDR(1), ADDR(2), a.handle, 1};

	assert_int_equal(op(GNTTABOP_unmap_and_replace, &u, 1), 0);
	assert_int_equal(u.status, GNTST_okay);
	assert_int_equal(mfn_x(ht_pte_at(ADDR(1))->mfn), mfn_x(other));
	assert_null(ht_pte_at(ADDR(2)));
	assert_int_equal(refs(frame), 1);
	assert_int_equal(unmap(b.handle, ADDR(1), 0), GNTST_okay);
}

static void test_grant_to_oneself(void **state)
{
	struct gnttab_map_grant_ref m;

	ht_run(d1, 0);
	grant(d1, 8, 1, frame, 0);
	m = map(DOMID_SELF, 8, ADDR(1), GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
}

static void test_entry_changes_while_in_use(void **state)
{
	struct gnttab_map_grant_ref m;
	mfn_t other = ht_domain_page(d1);

	grant(d1, 8, 2, frame, 0);
	m = map(1, 8, ADDR(1), GNTMAP_host_map | GNTMAP_readonly);
	/* The frame is what it was at first (XSA-500, -523). */
	v1(d1, 8)->frame = (uint32_t)mfn_x(other);
	assert_int_equal(map(1, 8, ADDR(2), GNTMAP_host_map).dev_bus_addr, mfn_x(frame) << 12);
	assert_int_equal(refs(other), 1);
	/* Another domain can't come in, and after a withdrawal nobody. */
	v1(d1, 8)->domid = 0;
	ht_run(d0, 0);
	assert_int_equal(map(1, 8, ADDR(3), GNTMAP_host_map).status, GNTST_general_error);
	ht_run(d2, 0);
	v1(d1, 8)->domid = 2;
	v1(d1, 8)->flags = 0;
	assert_int_equal(map(1, 8, ADDR(3), GNTMAP_host_map).status, GNTST_general_error);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
}

static void test_maptrack_limit(void **state)
{
	grant(d1, 8, 2, frame, 0);
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(map(1, 8, ADDR(i + 1), GNTMAP_host_map).status, GNTST_okay);
	assert_int_equal(map(1, 8, ADDR(300), GNTMAP_host_map).status, GNTST_no_device_space);
	assert_int_equal(unmap(100, ADDR(101), 0), GNTST_okay);
	assert_int_equal(map(1, 8, ADDR(300), GNTMAP_host_map).handle, 100);
}

/* ---- batches ------------------------------------------------------------------------ */

static void test_batches_are_preemptible(void **state)
{
	struct gnttab_map_grant_ref m[100] = {0};
	struct gnttab_unmap_grant_ref u[100] = {0};
	unsigned long *arg = ht_continuation.arg;
	unsigned int calls = 1;
	long rc;

	grant(d1, 8, 2, frame, 0);
	for (unsigned int i = 0; i < 100; i++)
		m[i] = (struct gnttab_map_grant_ref){ADDR(i + 1), GNTMAP_host_map, 8, 1, 1};
	ht_preempt_every(7);
	rc = op(GNTTABOP_map_grant_ref, m, 100);
	for (; rc == HT_CONTINUED; calls++)
		rc = op((unsigned int)arg[0], (void *)arg[1], (unsigned int)arg[2]);
	assert_int_equal(rc, 0);
	assert_int_equal(calls, 15);
	assert_int_equal(refs(frame), 101); /* each exactly once */
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(m[i].status, GNTST_okay);
		u[i] = (struct gnttab_unmap_grant_ref){ADDR(i + 1), 0, m[i].handle, 1};
	}
	u[5].handle = u[4].handle; /* the same one twice in one slice */
	u[5].host_addr = u[4].host_addr;
	ht_preempt_every(1);
	ht_grant_flushes = 0;
	rc = op(GNTTABOP_unmap_grant_ref, u, 100);
	for (calls = 1; rc == HT_CONTINUED; calls++)
		rc = op((unsigned int)arg[0], (void *)arg[1], (unsigned int)arg[2]);
	assert_int_equal(rc, 0);
	assert_int_equal(calls, 4);
	assert_int_equal(ht_grant_flushes, 4);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(u[i].status, i == 5 ? GNTST_bad_handle : GNTST_okay);
	assert_int_equal(refs(frame), 2);
}

static void test_faults_and_bad_calls(void **state)
{
	struct gnttab_map_grant_ref m[3] = {0};
	struct gnttab_unmap_grant_ref u[3] = {0};

	grant(d1, 8, 2, frame, 0);
	for (unsigned int i = 0; i < 3; i++)
		m[i] = (struct gnttab_map_grant_ref){ADDR(i + 1), GNTMAP_host_map, 8, 1, 1};
	ht_guest_fault(&m[2], sizeof(m[2]));
	assert_int_equal(op(GNTTABOP_map_grant_ref, m, 3), -EFAULT);
	assert_int_equal(refs(frame), 3);
	for (unsigned int i = 0; i < 3; i++)
		u[i] = (struct gnttab_unmap_grant_ref){ADDR(i + 1), 0, m[i].handle, 1};
	ht_guest_fault(&u[1], sizeof(u[1]));
	assert_int_equal(op(GNTTABOP_unmap_grant_ref, u, 3), -EFAULT);
	assert_int_equal(refs(frame), 2); /* what was begun was finished */
	ht_guest_fault(NULL, 0);
	assert_int_equal(op(GNTTABOP_map_grant_ref, m, ~0U), -EINVAL);
	assert_int_equal(op(GNTTABOP_map_grant_ref, NULL, 1), -EFAULT);
	assert_int_equal(op(GNTTABOP_map_grant_ref, (void *)(~0UL - 8), 1), -EFAULT);
	assert_int_equal(op(GNTTABOP_cache_flush, m, 1), -EOPNOTSUPP);
	assert_int_equal(op(13, m, 1), -ENOSYS);
	assert_int_equal(op(~0U, m, 1), -ENOSYS);
	assert_int_equal(op(GNTTABOP_setup_table, m, 2), -EINVAL);
}

/* ---- copying ------------------------------------------------------------------------ */

static struct gnttab_copy copy_in(grant_ref_t ref, unsigned int off, mfn_t to, unsigned int len)
{
	struct gnttab_copy c = {.source = {.u.ref = ref, .domid = 1, .offset = (uint16_t)off},
				.dest = {.u.gmfn = mfn_x(to), .domid = DOMID_SELF},
				.len = (uint16_t)len,
				.flags = GNTCOPY_source_gref,
				.status = 1};

	assert_int_equal(op(GNTTABOP_copy, &c, 1), 0);
	assert_true(c.status <= 0);
	return c;
}

static void test_copy(void **state)
{
	mfn_t mine = ht_domain_page(d2);
	char *src = mfn_to_virt(frame), *dst = mfn_to_virt(mine);
	struct gnttab_copy c;

	grant(d1, 8, 2, frame, GTF_readonly);
	strcpy(src + 100, "hello");
	assert_int_equal(copy_in(8, 100, mine, 6).status, GNTST_okay);
	assert_string_equal(dst, "hello");
	assert_int_equal(copy_in(8, 0, mine, 4096).status, GNTST_okay);
	assert_int_equal(copy_in(8, 1, mine, 4096).status, GNTST_bad_copy_arg);
	assert_int_equal(copy_in(8, 65535, mine, 1).status, GNTST_bad_copy_arg);
	assert_int_equal(copy_in(8, 0, frame, 1).status, GNTST_bad_page);
	assert_int_equal(copy_in(8, 0, _mfn(~0UL >> 12), 1).status, GNTST_bad_page);
	assert_int_equal(copy_in(9, 0, mine, 1).status, GNTST_general_error);
	/* Into the grant: read-only, then not. */
	c = (struct gnttab_copy){.source = {.u.gmfn = mfn_x(mine), .domid = DOMID_SELF},
				 .dest = {.u.ref = 8, .domid = 1, .offset = 50},
				 .len = 5,
				 .flags = GNTCOPY_dest_gref};
	strcpy(dst, "world");
	assert_int_equal(op(GNTTABOP_copy, &c, 1), 0);
	assert_int_equal(c.status, GNTST_general_error);
	grant(d1, 8, 2, frame, 0);
	assert_int_equal(op(GNTTABOP_copy, &c, 1), 0);
	assert_int_equal(c.status, GNTST_okay);
	assert_memory_equal(src + 50, "world", 5);
	c.source.domid = 1; /* another's frame without a grant */
	assert_int_equal(op(GNTTABOP_copy, &c, 1), 0);
	assert_int_equal(c.status, GNTST_permission_denied);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access);
	assert_int_equal(refs(frame), 1);
	assert_int_equal(page_type_count(mfn_to_page(mine)), 0);
}

static void test_copy_version_2(void **state)
{
	mfn_t mine = ht_domain_page(d2);
	union grant_entry_v2 *e;

	assert_int_equal(set_version(d1, 2), 0);
	strcpy((char *)mfn_to_virt(frame) + 100, "part");
	e = v2(d1, 8);
	e->sub_page.hdr.domid = 2;
	e->sub_page.page_off = 100;
	e->sub_page.length = 10;
	e->sub_page.frame = mfn_x(frame);
	e->hdr.flags = GTF_permit_access | GTF_sub_page | GTF_readonly;
	assert_int_equal(copy_in(8, 100, mine, 10).status, GNTST_okay);
	assert_string_equal((char *)mfn_to_virt(mine), "part");
	assert_int_equal(copy_in(8, 99, mine, 2).status, GNTST_general_error);
	assert_int_equal(copy_in(8, 105, mine, 6).status, GNTST_general_error);
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_host_map | GNTMAP_readonly).status,
			 GNTST_general_error);
	e->sub_page.page_off = 4090;
	assert_int_equal(copy_in(8, 4090, mine, 4).status, GNTST_general_error);
	assert_int_equal(v2_status(d1, 8), 0);
}

static void test_transitive(void **state)
{
	mfn_t mine = ht_domain_page(d2), far = ht_domain_page(d0);
	union grant_entry_v2 *e;

	/* d0 grants to d1, which grants on to d2. */
	strcpy(mfn_to_virt(far), "far");
	grant(d0, 20, 1, far, GTF_readonly);
	assert_int_equal(set_version(d1, 2), 0);
	e = v2(d1, 8);
	e->transitive.hdr.domid = 2;
	e->transitive.trans_domid = 0;
	e->transitive.gref = 20;
	e->hdr.flags = GTF_transitive;
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_okay);
	assert_string_equal((char *)mfn_to_virt(mine), "far");
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_host_map | GNTMAP_readonly).status,
			 GNTST_general_error);
	grant(d0, 20, 2, far, 0); /* not to d1: it has nothing to grant on */
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_general_error);
	e->transitive.trans_domid = 1; /* itself, and round in circles */
	e->transitive.gref = 8;
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_general_error);
	e->transitive.trans_domid = DOMID_SELF;
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_general_error);
	e->transitive.trans_domid = 33;
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_bad_domain);
	/* A second step isn't taken. */
	assert_int_equal(set_version(d0, 2), 0);
	e = v2(d0, 20);
	e->transitive.hdr.domid = 1;
	e->transitive.trans_domid = 2;
	e->hdr.flags = GTF_transitive;
	v2(d1, 8)->transitive.trans_domid = 0;
	v2(d1, 8)->transitive.gref = 20;
	assert_int_equal(copy_in(8, 0, mine, 4).status, GNTST_general_error);
	assert_int_equal(v2_status(d1, 8), 0);
	assert_int_equal(v2_status(d0, 20), 0);
	v2(d0, 20)->hdr.flags = 0;
	v2(d1, 8)->hdr.flags = 0;
}

/* ---- the table ---------------------------------------------------------------------- */

static void test_size_and_frames(void **state)
{
	xen_pfn_t list[8] = {0};
	struct gnttab_setup_table st = {.dom = DOMID_SELF, .nr_frames = 3};
	struct gnttab_query_size q = {.dom = DOMID_SELF};
	mfn_t mfn;

	set_xen_guest_handle(st.frame_list, list);
	assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
	assert_int_equal(st.status, GNTST_okay);
	for (unsigned int i = 0; i < 3; i++) {
		struct page_info *pg = mfn_to_page(_mfn(list[i]));

		assert_int_equal(pg->owner, 2);
		assert_true(page_type_is(pg, PGT_writable)); /* mappable by the guest */
		assert_true(grant_is_own_frame(d2, _mfn(list[i])));
	}
	assert_false(grant_is_own_frame(d2, frame));
	assert_int_equal(op(GNTTABOP_query_size, &q, 1), 0);
	assert_int_equal(q.nr_frames, 3);
	assert_int_equal(q.max_nr_frames, 4);
	st.nr_frames = 5;
	assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
	assert_int_equal(st.status, GNTST_general_error);
	st = (struct gnttab_setup_table){.dom = 1, .nr_frames = 1, .frame_list = {list}};
	assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
	assert_int_equal(st.status, GNTST_permission_denied);
	ht_run(d0, 0);
	assert_int_equal(op(GNTTABOP_setup_table, &st, 1), 0);
	assert_int_equal(st.status, GNTST_okay);
	assert_int_equal(grant_table_get_frame(d1, false, 3, &mfn), 0);
	assert_int_equal(grant_table_get_frame(d1, false, 4, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, false, ~0UL, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, true, 0, &mfn), -EINVAL);
	assert_int_equal(grant_table_max_frames(d1, 0), 4);
	assert_int_equal(grant_table_max_frames(d1, 1), 1);
}

static void test_versions(void **state)
{
	struct gnttab_map_grant_ref m;
	struct gnttab_get_version gv = {.dom = 1};
	uint64_t list[2] = {0};
	struct gnttab_get_status_frames gs = {1, 1, 1, {list}};

	grant(d1, 1, 2, frame, 0); /* the tools' */
	grant(d1, 8, 2, frame, 0); /* the guest's: lost */
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	assert_int_equal(set_version(d1, 2), -EBUSY);
	assert_int_equal(set_version(d1, 3), -EINVAL);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	/* The tools' may stay mapped, and are shown to be. */
	m = map(1, 1, ADDR(1), GNTMAP_host_map);
	assert_int_equal(set_version(d1, 2), 0);
	assert_int_equal(v2_status(d1, 1), USED);
	assert_int_equal(v2(d1, 1)->hdr.flags, GTF_permit_access);
	assert_int_equal(set_version(d1, 1), 0);
	assert_int_equal(v1(d1, 1)->flags, GTF_permit_access | USED);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	assert_int_equal(v1(d1, 1)->flags, GTF_permit_access);
	assert_int_equal(set_version(d1, 2), 0);
	assert_int_equal(v2_status(d1, 1), 0);
	assert_int_equal(v2(d1, 1)->full_page.frame, mfn_x(frame));
	assert_int_equal(v2(d1, 1)->hdr.domid, 2);
	assert_int_equal(v2(d1, 8)->hdr.flags, 0);

	m = map(1, 1, ADDR(1), GNTMAP_host_map);
	assert_int_equal(m.status, GNTST_okay);
	assert_int_equal(v2_status(d1, 1), USED);
	assert_int_equal(v2(d1, 1)->hdr.flags, GTF_permit_access);
	assert_int_equal(map(1, 256, ADDR(2), GNTMAP_host_map).status, GNTST_bad_gntref);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	assert_int_equal(v2_status(d1, 1), 0);

	assert_int_equal(op(GNTTABOP_get_version, &gv, 1), -EPERM);
	ht_run(d0, 0);
	assert_int_equal(op(GNTTABOP_get_version, &gv, 1), 0);
	assert_int_equal(gv.version, 2);
	assert_int_equal(op(GNTTABOP_get_status_frames, &gs, 1), 0);
	assert_int_equal(gs.status, GNTST_okay);
	/* The guest can't ever write a status frame, nor does it go while mapped. */
	assert_int_equal(page_type(mfn_to_page(_mfn(list[0]))), PGT_locked);
	assert_int_equal(page_get_and_type(mfn_to_page(_mfn(list[0])), d1, PGT_writable), -EBUSY);
	assert_true(page_get(mfn_to_page(_mfn(list[0])), d1));
	gs.nr_frames = 9;
	assert_int_equal(op(GNTTABOP_get_status_frames, &gs, 1), 0);
	assert_int_equal(gs.status, GNTST_general_error);

	v2(d1, 1)->full_page.frame = 1UL << 40;
	assert_int_equal(set_version(d1, 1), -ERANGE);
	v2(d1, 1)->full_page.frame = mfn_x(frame);
	assert_int_equal(set_version(d1, 1), 0);
	assert_int_equal(v1(d1, 1)->frame, mfn_x(frame));
	assert_int_equal(mfn_to_page(_mfn(list[0]))->owner, 1);
	page_put(mfn_to_page(_mfn(list[0])));
}

static void test_swap(void **state)
{
	struct gnttab_swap_grant_ref s = {8, 9, 1};

	ht_run(d1, 0);
	grant(d1, 8, 2, frame, 0);
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &s, 1), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_int_equal(v1(d1, 8)->flags, 0);
	assert_int_equal(v1(d1, 9)->frame, mfn_x(frame));
	s.ref_b = 512;
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &s, 1), 0);
	assert_int_equal(s.status, GNTST_bad_gntref);
	ht_run(d2, 0);
	assert_int_equal(map(1, 9, ADDR(1), GNTMAP_host_map).status, GNTST_okay);
	ht_run(d1, 0);
	s.ref_b = 9;
	assert_int_equal(op(GNTTABOP_swap_grant_ref, &s, 1), 0);
	assert_int_equal(s.status, GNTST_eagain);
	ht_run(d2, 0);
}

/* The control domain's report of a table, and nobody else's. */
static void test_report(void **state)
{
	struct gnttab_dump_table dump = {.dom = 1, .status = 1};
	struct gnttab_map_grant_ref m;
	char line[80];

	grant(d1, 8, 2, frame, 0);
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	*ht_log = 0;
	assert_int_equal(op(GNTTABOP_dump_table, &dump, 1), 0);
	assert_int_equal(dump.status, GNTST_permission_denied);
	assert_null(strstr(ht_log, "entries in use"));
	ht_run(d0, 0);
	assert_int_equal(op(GNTTABOP_dump_table, &dump, 1), 0);
	assert_int_equal(dump.status, GNTST_okay);
	assert_non_null(strstr(ht_log, "d1: grant table version 1, 1 of 4 frames, 1 entries"));
	snprintf(line, sizeof(line), "8 to d2, flags 0x19: mapped or copied r 0 w 1");
	assert_non_null(strstr(ht_log, line));
	dump.dom = 9;
	assert_int_equal(op(GNTTABOP_dump_table, &dump, 1), 0);
	assert_int_equal(dump.status, GNTST_bad_domain);
	ht_run(d2, 0);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
}

/* Frames are nobody's gift, and a transfer leaves its frame where it is. */
static void test_transfers(void **state)
{
	struct gnttab_transfer t = {
		.mfn = mfn_x(ht_domain_page(d2)), .domid = 1, .ref = 8, .status = 1};

	assert_int_equal(op(GNTTABOP_transfer, &t, 1), 0);
	assert_true(t.status < 0);
	assert_int_equal(page_owner_id(mfn_to_page(_mfn(t.mfn))), 2);
	assert_int_equal(refs(_mfn(t.mfn)), 1);
}

/* What a table's frames can be asked for, beyond what there is. */
static void test_frames_beyond(void **state)
{
	mfn_t mfn;

	assert_int_equal(set_version(d1, 2), 0);
	for (unsigned long i = 0; i < 4; i++)
		assert_int_equal(grant_table_get_frame(d1, false, i, &mfn), 0);
	assert_int_equal(grant_table_get_frame(d1, false, 4, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, false, ~0UL, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, true, 0, &mfn), 0);
	assert_true(grant_is_own_frame(d1, mfn));
	assert_int_equal(grant_table_get_frame(d1, true, 1, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, true, 1UL << 61, &mfn), -EINVAL);
	assert_int_equal(grant_table_get_frame(d1, true, ~0UL, &mfn), -EINVAL);
	assert_false(grant_is_own_frame(d1, frame));
	assert_int_equal(set_version(d1, 1), 0);
	assert_int_equal(grant_table_get_frame(d1, true, 0, &mfn), -EINVAL);
}

static void test_create_limits(void **state)
{
	struct domain *d = ht_domain_new(5, 1, 0);

	assert_int_equal(grant_table_create(d, 0, -1, 1), -EINVAL);
	assert_int_equal(grant_table_create(d, 1 << 30, -1, 1), -EINVAL);
	assert_int_equal(grant_table_create(d, -1, 1 << 30, 1), -EINVAL);
	assert_int_equal(grant_table_create(d, -1, -1, 3), -EINVAL);
	assert_int_equal(grant_table_create(d, -1, -1, 0), 0); /* no grants at all */
	assert_null(d->grant_table);
	assert_int_equal(map(5, 8, ADDR(1), GNTMAP_host_map).status, GNTST_bad_domain);
	assert_int_equal(grant_table_create(d, -1, 0, 1), 0);
	ht_run(d, 0);
	assert_int_equal(set_version(d, 2), -ENOSYS);
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_host_map).status, GNTST_no_device_space);
	ht_run(d2, 0);
	end(d);
}

/* ---- death ---------------------------------------------------------------------------- */

static void test_granter_dies_first(void **state)
{
	struct gnttab_map_grant_ref m;

	grant(d1, 8, 2, frame, 0);
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	ht_domain_dying(d1);
	assert_int_equal(map(1, 8, ADDR(2), GNTMAP_host_map).status, GNTST_bad_domain);
	assert_int_equal(grant_table_release_mappings(d1), 0);
	grant_table_destroy(d1);
	grant_table_destroy(d1);
	ht_domain_page_release(frame);
	assert_int_equal(refs(frame), 1); /* ours */
	assert_int_equal(map(1, 8, ADDR(2), GNTMAP_host_map).status, GNTST_bad_domain);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_okay);
	assert_int_equal(d1->tot_pages, 0);
	ht_domain_free(d1);
	d1 = NULL;
}

static void test_granter_gone_altogether(void **state)
{
	struct gnttab_map_grant_ref m;

	/* The entry goes by ordinary means, the record stays. */
	grant(d1, 8, 2, frame, 0);
	m = map(1, 8, ADDR(1), GNTMAP_host_map);
	ht_ptes_clear();
	end(d1);
	d1 = new_domain(1, -1); /* another with the same id */
	frame = ht_domain_page(d1);
	grant(d1, 8, 2, frame, 0);
	assert_int_equal(unmap(m.handle, ADDR(1), 0), GNTST_general_error);
	assert_int_equal(map(1, 8, ADDR(1), GNTMAP_host_map).status, GNTST_okay);
}

static void test_mapper_dies(void **state)
{
	unsigned int slices = 0;

	grant(d1, 8, 2, frame, 0);
	for (unsigned int i = 0; i < 200; i++)
		map(1, 8, ADDR(i + 1), GNTMAP_host_map | (i % 2 ? GNTMAP_device_map : 0));
	ht_run(d0, 0);
	ht_domain_dying(d2);
	ht_preempt_every(1);
	ht_ptes_clear();
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access | USED);
	while (grant_table_release_mappings(d2) == -ERESTART)
		slices++;
	assert_int_equal(slices, 3);
	assert_int_equal(v1(d1, 8)->flags, GTF_permit_access);
	assert_int_equal(refs(frame), 1);
}

/* ---- random ---------------------------------------------------------------------------- */

static unsigned int rnd(unsigned int n)
{
	static uint64_t seed = 99;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

#define R_REFS 6
#define R_MAPS 40

static struct {
	bool used, ro, dev;
	unsigned int ref;
	grant_handle_t handle;
} r_map[R_MAPS];
static mfn_t r_frame[R_REFS];
static uint16_t r_flags[R_REFS];

static void r_check(void)
{
	for (unsigned int r = 0; r < R_REFS; r++) {
		unsigned int uses = 0, writes = 0;

		for (unsigned int i = 0; i < R_MAPS; i++) {
			if (!r_map[i].used || r_map[i].ref != r)
				continue;
			uses += 1 + r_map[i].dev;
			writes += r_map[i].ro ? 0 : 1 + r_map[i].dev;
		}
		assert_int_equal(refs(r_frame[r]), 1 + uses);
		assert_int_equal(page_type_count(mfn_to_page(r_frame[r])), writes);
		assert_int_equal(v1(d1, 8 + r)->flags & USED,
				 (uses ? GTF_reading : 0) | (writes ? GTF_writing : 0));
	}
}

static void r_try_map(unsigned int i)
{
	unsigned int r = rnd(R_REFS), ro = rnd(2), dev = rnd(2);
	struct gnttab_map_grant_ref m =
		map(1, 8 + r, ADDR(i + 1),
		    GNTMAP_host_map | (ro ? GNTMAP_readonly : 0) | (dev ? GNTMAP_device_map : 0));
	bool may = (r_flags[r] & GTF_type_mask) == GTF_permit_access &&
		   (ro || !(r_flags[r] & GTF_readonly));

	assert_int_equal(m.status == GNTST_okay, may);
	if (!may)
		return;
	r_map[i].used = true;
	r_map[i].ro = ro;
	r_map[i].dev = dev;
	r_map[i].ref = r;
	r_map[i].handle = m.handle;
}

static void r_unmap(unsigned int i)
{
	uint64_t bus = r_map[i].dev ? mfn_x(r_frame[r_map[i].ref]) << 12 : 0;

	assert_int_equal(unmap(r_map[i].handle, ADDR(i + 1), bus), GNTST_okay);
	r_map[i].used = false;
}

/* The guest changes an entry as it may: withdraw when unused, or grant anew. */
static void r_guest(void)
{
	unsigned int r = rnd(R_REFS);
	struct grant_entry_v1 *e = v1(d1, 8 + r);

	if (e->flags & USED)
		return;
	r_flags[r] = rnd(3) ? GTF_permit_access | (rnd(2) ? GTF_readonly : 0) : 0;
	e->flags = r_flags[r];
}

static void test_random(void **state)
{
	memset(r_map, 0, sizeof(r_map));
	for (unsigned int r = 0; r < R_REFS; r++) {
		r_frame[r] = ht_domain_page(d1);
		grant(d1, 8 + r, 2, r_frame[r], 0);
		r_flags[r] = GTF_permit_access;
	}
	for (unsigned int n = 0; n < 30000; n++) {
		unsigned int i = rnd(R_MAPS);

		if (rnd(10) == 0)
			r_guest();
		else if (r_map[i].used)
			r_unmap(i);
		else
			r_try_map(i);
		if (n % 50 == 0)
			r_check();
	}
}

static void test_random_garbage(void **state)
{
	mfn_t mine = ht_domain_page(d2);

	for (unsigned int n = 0; n < 30000; n++) {
		struct gnttab_map_grant_ref m;
		unsigned int ref = rnd(12);
		uint32_t *e = (uint32_t *)(rnd(2) ? (void *)v1(d1, ref) : (void *)v2(d1, ref));

		e[rnd(2)] = rnd(2) ? rnd(~0U) : rnd(8) | 2U << 16;
		e[rnd(2) * 2 + 1] = rnd(2) ? (uint32_t)mfn_x(frame) : rnd(~0U);
		if (rnd(200) == 0)
			set_version(d1, 1 + rnd(2));
		copy_in(ref, rnd(5000), mine, rnd(5000));
		m = map(1, ref, ADDR(1 + rnd(4)), rnd(32));
		if (m.status == GNTST_okay && rnd(8))
			unmap(m.handle, rnd(4) ? m.host_addr : 0, rnd(2) ? m.dev_bus_addr : 0);
	}
	/* The entries are rubbish now: leave them out of the check at the end. */
	ht_ptes_clear();
	ht_run(d0, 0);
	end(d2);
	d2 = NULL;
	end(d1);
	d1 = NULL;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_map_and_unmap),
		T(test_refused_maps),
		T(test_page_tables_stay_out),
		T(test_unmap_must_fit),
		T(test_unmap_and_replace),
		T(test_grant_to_oneself),
		T(test_entry_changes_while_in_use),
		T(test_maptrack_limit),
		T(test_batches_are_preemptible),
		T(test_faults_and_bad_calls),
		T(test_copy),
		T(test_copy_version_2),
		T(test_transitive),
		T(test_size_and_frames),
		T(test_versions),
		T(test_swap),
		T(test_report),
		T(test_transfers),
		T(test_frames_beyond),
		T(test_create_limits),
		T(test_granter_dies_first),
		T(test_granter_gone_altogether),
		T(test_mapper_dies),
		T(test_random),
		T(test_random_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
