/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Frame types and page tables: real tables in a domain's frames, the hypercalls
 * that build, change and drop them, every way to be refused, and preemption at
 * each point. After each hypercall all counts are those that the audit of the
 * fuzzer (tests/fuzz/hypervisor/mm) computes anew; each test ends with all domains
 * destroyed and every frame back. Tries R1, R2, R3, R4, R5, R6, F2, S2, X7.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <arch/spec_ctrl.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/traps.h>
#include <arch/xpti.h>
#include "tests/fuzz/hypervisor/mm/audit.h"

#define RO       (PTE_P | PTE_US | PTE_A | PTE_D)
#define RW       (RO | PTE_RW)
/* What the small tree of make_tree() maps. */
#define VA(slot) ((unsigned long)(slot) << PAGE_SHIFT)

static struct domain *dom[AUDIT_DOMAINS];
static unsigned long free_before;

struct tree {
	mfn_t l4, l3, l2, l1, data;
};
static struct tree root[AUDIT_DOMAINS]; /* that the vCPUs run on */

/* ---- the machine ---------------------------------------------------------------- */

static void put(mfn_t table, unsigned int slot, mfn_t to, uint64_t flags)
{
	((uint64_t *)mfn_to_virt(table))[slot] = pte_make(to, flags);
}

static uint64_t entry(mfn_t table, unsigned int slot)
{
	return ((uint64_t *)mfn_to_virt(table))[slot];
}

/* One table of each level, entries in @slot, and a frame of data. */
static struct tree make_tree(struct domain *d, unsigned int slot)
{
	struct tree t = {ht_domain_page(d), ht_domain_page(d), ht_domain_page(d), ht_domain_page(d),
			 ht_domain_page(d)};

	put(t.l4, slot, t.l3, RW);
	put(t.l3, slot, t.l2, RW);
	put(t.l2, slot, t.l1, RW);
	put(t.l1, slot, t.data, RW);
	return t;
}

static void load(struct vcpu *v, mfn_t l4)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));

	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(l4));
	assert_int_equal(arch_vcpu_set_context(v, c), 0);
	hv_free(c);
}

static void run(unsigned int d, unsigned int vcpu)
{
	ht_cpu = dom[d]->vcpu[vcpu]->arch.loaded_cpu;
	ht_run(dom[d], vcpu);
}

static void make_domain(unsigned int id, unsigned int vcpus, unsigned int cpu)
{
	struct domain *d = dom[id] = ht_domain_new(id, vcpus, 0);
	struct vcpu *v;

	assert_int_equal(arch_domain_create(d, NULL), 0);
	assert_int_equal(grant_table_create(d, 2, 1, 2), 0);
	root[id] = make_tree(d, 0);
	for_each_vcpu (d, v) {
		assert_int_equal(arch_vcpu_create(v), 0);
		load(v, root[id].l4);
		memset(desc_gdt_ptes(cpu), 0, 32 * sizeof(uint64_t));
		d->dirty_cpus.bits |= 1UL << cpu;
		v->arch.loaded_cpu = cpu++;
	}
}

static int setup(void **state)
{
	ht_machine_init_frames(1024);
	free_before = page_free_count();
	make_domain(0, 1, 0);
	make_domain(1, 2, 1);
	make_domain(2, 1, 3);
	run(1, 0);
	audit(dom);
	return 0;
}

static bool kill_slice(struct domain *d)
{
	ht_domain_dying(d);
	if (arch_domain_relinquish(d) || grant_table_release_mappings(d))
		return false;
	grant_table_destroy(d);
	return true;
}

static void end(unsigned int i)
{
	struct vcpu *v;

	if (!dom[i])
		return;
	while (!kill_slice(dom[i]))
		audit(dom);
	for_each_vcpu (dom[i], v)
		arch_vcpu_destroy(v);
	arch_domain_destroy(dom[i]);
	ht_domain_free(dom[i]);
	dom[i] = NULL;
}

static int teardown(void **state)
{
	ht_guest_fault(NULL, 0);
	ht_preempt_every(0);
	ht_free_all();
	run(0, 0);
	audit(dom);
	/* Dead domains whose frames somebody maps are there as long as that one is. */
	while (!kill_slice(dom[0]))
		;
	end(1);
	end(2);
	end(0);
	memset(ht_tlb, 0, sizeof(ht_tlb));
	assert_int_equal(page_free_count(), free_before);
	return 0;
}

/* ---- hypercalls ------------------------------------------------------------------ */

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn_x(mfn)};
	long rc = do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF);

	while (rc == HT_CONTINUED || current->arch.old_root) {
		(void)pt_drop_deferred(current);
		audit(dom);
		if (rc == HT_CONTINUED)
			rc = do_mmuext_op(ht_continuation.arg[0],
					  (unsigned int)ht_continuation.arg[1], 0, DOMID_SELF);
	}
	audit(dom);
	return rc;
}

/* A slice only: whoever calls again goes on. */
static long ext_slice(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn_x(mfn)};
	long rc = do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF);

	audit(dom);
	return rc;
}

static long mmu_from(unsigned int doms, uint64_t ptr, uint64_t val)
{
	struct mmu_update r = {ptr, val};
	long rc = do_mmu_update(ht_va(&r), 1, 0, doms);

	while (rc == HT_CONTINUED || current->arch.old_root) {
		(void)pt_drop_deferred(current);
		if (rc == HT_CONTINUED)
			rc = do_mmu_update(ht_va(&r), 1, 0, doms);
	}
	audit(dom);
	return rc;
}

static long mmu(mfn_t table, unsigned int slot, uint64_t val)
{
	return mmu_from(DOMID_SELF, mfn_x(table) << PAGE_SHIFT | slot * 8, val);
}

static long update_va(unsigned long va, uint64_t val, unsigned long flags)
{
	long rc = do_update_va_mapping(va, val, flags);

	audit(dom);
	return rc;
}

static void assert_unused(mfn_t mfn)
{
	assert_int_equal(page_type_count(mfn_to_page(mfn)), 0);
	assert_int_equal(mfn_to_page(mfn)->count, PGC_allocated | 1);
	assert_int_equal(mfn_to_page(mfn)->aux, 0);
}

static void assert_tree_unused(const struct tree *t)
{
	assert_unused(t->l4);
	assert_unused(t->l3);
	assert_unused(t->l2);
	assert_unused(t->l1);
	assert_unused(t->data);
}

static void assert_type(mfn_t mfn, unsigned int type, unsigned int count)
{
	assert_int_equal(page_type(mfn_to_page(mfn)), type);
	assert_int_equal(page_type_count(mfn_to_page(mfn)), count);
}

static mfn_t page(void)
{
	return ht_domain_page(dom[1]);
}

/* ---- pins ------------------------------------------------------------------------ */

static void pin_and_unpin(void **state)
{
	struct tree t = make_tree(dom[1], 3);

	assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
	assert_type(t.l4, PGT_l4, 1);
	assert_type(t.l3, PGT_l3, 1);
	assert_type(t.l2, PGT_l2, 1);
	assert_type(t.l1, PGT_l1, 1);
	assert_type(t.data, PGT_writable, 1);
	assert_int_equal(entry(t.l4, HV_L4_FIRST), idle_l4[HV_L4_FIRST]);
	assert_int_equal(ext(MMUEXT_PIN_L2_TABLE, t.l2), 0);
	assert_type(t.l2, PGT_l2, 2);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l4), 0);
	assert_int_equal(entry(t.l4, HV_L4_FIRST), 0);
	assert_unused(t.l4);
	assert_type(t.l1, PGT_l1, 1);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l2), 0);
	assert_tree_unused(&t);
}

static void pin_levels(void **state)
{
	struct tree t = make_tree(dom[1], 0);
	const mfn_t tables[] = {t.l1, t.l2, t.l3, t.l4};

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + i, tables[i]), 0);
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + i, tables[i]), -EINVAL);
		for (unsigned int other = 0; other < 4; other++) {
			if (other != i)
				assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + other, tables[i]),
						 -EBUSY);
		}
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(ext(MMUEXT_UNPIN_TABLE, tables[i]), 0);
		assert_int_equal(ext(MMUEXT_UNPIN_TABLE, tables[i]), -EINVAL);
	}
	assert_tree_unused(&t);
}

static void pin_what_is_not_ours(void **state)
{
	const mfn_t bad[] = {root[2].l4,          _mfn(0),        _mfn(max_page),
			     _mfn(HT_MMIO),       _mfn(~0UL),     _mfn(1UL << 40 | 5),
			     virt_to_mfn(dom[1]), _mfn(1UL << 52)};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, bad[i]), -EINVAL);
		assert_int_equal(ext(MMUEXT_UNPIN_TABLE, bad[i]), -EINVAL);
		assert_int_equal(ext(MMUEXT_NEW_BASEPTR, bad[i]), -EINVAL);
	}
	/* Lent by the hypervisor: ours to map, and in use as that. */
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(dom[1]->shared_info)), -EBUSY);
}

/* Each is refused as an entry of a table that is to be pinned, and as an update of one. */
static void bad_l1_entries(void **state)
{
	mfn_t l1 = page(), data = page(), lent = virt_to_mfn(dom[1]->shared_info), locked;
	const struct {
		uint64_t pte;
		long rc;
	} bad[] = {
		{pte_make(root[2].data, RO), -EINVAL}, /* another's */
		{pte_make(root[1].l1, RW), -EBUSY}, /* tables, writable */
		{pte_make(root[1].l4, RW), -EBUSY},
		{pte_make(data, RW) | 1UL << 51, -EINVAL}, /* beyond physical addresses */
		{pte_make(data, RW) | 1UL << 46, -EINVAL},
		{pte_make(_mfn(HT_MMIO), RO), -EPERM}, /* a device's */
		{pte_make(_mfn(0), RO), -EPERM},
		{pte_make(virt_to_mfn(dom[1]), RO), -EINVAL}, /* the hypervisor's */
	};

	assert_int_equal(grant_table_get_frame(dom[1], true, 0, &locked), -EINVAL);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		put(l1, 0, data, RW);
		((uint64_t *)mfn_to_virt(l1))[7] = bad[i].pte;
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), bad[i].rc);
		assert_unused(l1);
		assert_unused(data);
		assert_int_equal(mmu(root[1].l1, 7, bad[i].pte), bad[i].rc);
		assert_int_equal(entry(root[1].l1, 7), 0);
		assert_int_equal(update_va(VA(7), bad[i].pte, 0), bad[i].rc);
	}
	/* Its own entry: read-only is fine, writable isn't. */
	put(l1, 7, l1, RW);
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), -EBUSY);
	put(l1, 7, l1, RO);
	put(l1, 8, lent, RW);
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), 0);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l1), 0);
	assert_unused(l1);
}

/* (R11) A guest's memory and its tables are cached; the control domain may do otherwise. */
static void cache_attributes(void **state)
{
	mfn_t l1 = page(), l2 = page(), data = page();

	for (unsigned int i = 1; i < 8; i++) {
		uint64_t attr =
			(i & 1 ? PTE_PWT : 0) | (i & 2 ? PTE_PCD : 0) | (i & 4 ? PTE_PAT : 0);

		put(l1, 7, data, RO | attr);
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), -EINVAL);
		assert_int_equal(mmu(root[1].l1, 7, pte_make(data, RW | attr)), -EINVAL);
		assert_int_equal(update_va(VA(7), pte_make(data, RW | attr), 0), -EINVAL);
		assert_int_equal(entry(root[1].l1, 7), 0);
		/* Not by a change of what is there, either. */
		assert_int_equal(mmu(root[1].l1, 7, pte_make(data, RW)), 0);
		assert_int_equal(mmu(root[1].l1, 7, pte_make(data, RW | attr)), -EINVAL);
		assert_int_equal(entry(root[1].l1, 7), pte_make(data, RW));
		assert_int_equal(mmu(root[1].l1, 7, 0), 0);
		assert_int_equal(mmu(l1, 7, 0), 0);
		put(l2, 3, l1, RW | attr);
		assert_int_equal(ext(MMUEXT_PIN_L2_TABLE, l2), -EINVAL);
		assert_int_equal(mmu(l2, 3, 0), 0);
	}
	assert_unused(l2);
	assert_unused(l1);
	assert_unused(data);
	ht_run(dom[0], 0);
	assert_int_equal(mmu(root[0].l1, 7, pte_make(root[0].data, RW | PTE_PCD)), 0);
	assert_int_equal(mmu(root[0].l1, 7, 0), 0);
}

/* (R10) Where processors look up absent entries in the L1 cache. */
static void absent_entries(void **state)
{
	mfn_t l1 = page(), l2 = page(), data = page();
	uint64_t absent = pte_make(data, RO) & ~(uint64_t)PTE_P;
	uint64_t inverted = absent ^ PTE_ADDR_MASK;

	((uint64_t *)mfn_to_virt(l1))[7] = absent;
	((uint64_t *)mfn_to_virt(l2))[0] = absent;
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), 0);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l1), 0);
	assert_int_equal(mmu(root[1].l1, 7, absent), 0);
	assert_int_equal(mmu(root[1].l1, 7, 0), 0);
	spec_l1tf = true;
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), -EINVAL);
	assert_unused(l1);
	assert_int_equal(ext(MMUEXT_PIN_L2_TABLE, l2), -EINVAL);
	assert_unused(l2);
	assert_int_equal(mmu(root[1].l1, 7, absent), -EINVAL);
	assert_int_equal(update_va(VA(7), absent, 0), -EINVAL);
	/* The last frame there is, and the first there isn't */
	assert_int_equal(mmu(root[1].l1, 7, (max_page - 1) << PAGE_SHIFT), -EINVAL);
	assert_int_equal(mmu(root[1].l1, 7, max_page << PAGE_SHIFT), 0);
	assert_int_equal(mmu(root[1].l1, 7, inverted), 0);
	assert_int_equal(mmu(root[1].l1, 7, absent | 1UL << 46), -EINVAL);
	assert_int_equal(mmu(root[1].l1, 7, 0), 0);
	((uint64_t *)mfn_to_virt(l1))[7] = inverted;
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l1), 0);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l1), 0);
	spec_l1tf = false;
	assert_unused(data);
	assert_unused(l2);
	assert_unused(l1);
}

static void bad_table_entries(void **state)
{
	mfn_t data = page();

	for (unsigned int level = 2; level <= 4; level++) {
		struct tree t = make_tree(dom[1], 1);
		mfn_t below = level == 2 ? t.l1 : level == 3 ? t.l2 : t.l3;
		mfn_t table = level == 2 ? t.l2 : level == 3 ? t.l3 : t.l4;
		mfn_t other = level == 2 ? root[1].l2 : level == 3 ? root[1].l1 : root[1].l2;
		const struct {
			uint64_t pte;
			long rc;
		} bad[] = {
			{pte_make(below, RW | PTE_PSE), -EINVAL},
			{pte_make(data, RW | PTE_PSE), -EINVAL},
			{pte_make(below, RW) | 1UL << 51, -EINVAL},
			{pte_make(other, RW), -EBUSY}, /* a table of another level */
			{pte_make(table, RW), -EBUSY}, /* itself */
			{pte_make(root[2].l1, RW), -EINVAL},
			{pte_make(_mfn(HT_MMIO), RW), -EINVAL},
			{pte_make(virt_to_mfn(dom[1]->shared_info), RW), -EBUSY},
		};

		for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
			((uint64_t *)mfn_to_virt(table))[2] = bad[i].pte;
			assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + level - 1, table), bad[i].rc);
			/* What was checked stays so, till the guest wants the frame: now. */
			assert_int_equal(mmu(table, 2, 0), 0);
			assert_unused(table);
			assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + level - 1, table), 0);
			assert_int_equal(mmu(table, 2, bad[i].pte), bad[i].rc);
			assert_int_equal(entry(table, 2), 0);
			assert_int_equal(ext(MMUEXT_UNPIN_TABLE, table), 0);
		}
		assert_tree_unused(&t);
	}
}

static void hypervisor_slots(void **state)
{
	struct tree t = make_tree(dom[1], 0);

	for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++)
		put(t.l4, i, root[2].data, RW | PTE_PSE);
	assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
	for (unsigned int i = 0; i < 512; i++) {
		bool ours = i >= HV_L4_FIRST && i <= HV_L4_LAST;

		assert_int_equal(mmu(t.l4, i, pte_make(t.l3, RW)), ours ? -EINVAL : 0);
		if (ours)
			assert_int_equal(entry(t.l4, i), idle_l4[i]);
	}
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l4), 0);
	assert_tree_unused(&t);
}

/* ---- updates ---------------------------------------------------------------------- */

static void entries_are_adjusted(void **state)
{
	mfn_t data = page();

	assert_int_equal(mmu(root[1].l1, 1, pte_make(data, (RW & ~PTE_US) | PTE_G)), 0);
	assert_int_equal(entry(root[1].l1, 1), pte_make(data, RW));
	assert_int_equal(mmu_from(DOMID_SELF,
				  mfn_x(root[1].l1) << PAGE_SHIFT | 8 | MMU_PT_UPDATE_PRESERVE_AD,
				  pte_make(data, PTE_P)),
			 0);
	assert_int_equal(entry(root[1].l1, 1), pte_make(data, RO));
	assert_type(data, PGT_writable, 0);
	assert_int_equal(mmu(root[1].l1, 1, pte_make(data, RW)), 0);
	assert_type(data, PGT_writable, 1);
	/* Only the guest's own bits: nothing to count. */
	assert_int_equal(mmu(root[1].l1, 1, pte_make(data, RW) | PTE_AVAIL), 0);
	assert_type(data, PGT_writable, 1);
	assert_int_equal(mmu(root[1].l1, 1, 0), 0);
	assert_unused(data);
	/* What isn't present may be anything. */
	assert_int_equal(mmu(root[1].l1, 1, ~1UL), 0);
	assert_int_equal(entry(root[1].l1, 1), ~1UL);
	assert_int_equal(mmu(root[1].l1, 1, 0), 0);
}

static void updates_of_what_is_not_ours(void **state)
{
	mfn_t gdt = page();
	unsigned long frame = mfn_x(gdt);

	assert_int_equal(mmu(root[2].l1, 0, 0), -EINVAL);
	assert_int_equal(mmu(_mfn(max_page), 0, 0), -EINVAL);
	assert_int_equal(mmu(_mfn(HT_MMIO), 0, 0), -EINVAL);
	assert_int_equal(mmu(_mfn((1UL << 51) | 7), 0, 0), -EINVAL);
	assert_int_equal(mmu(virt_to_mfn(dom[1]), 0, 0), -EINVAL);
	/* Plain memory is written. */
	assert_int_equal(mmu(gdt, 5, 0x1234), 0);
	assert_int_equal(entry(gdt, 5), 0x1234);
	assert_int_equal(mmu(gdt, 5, 0), 0);
	assert_int_equal(do_set_gdt(ht_va(&frame), 512), 0);
	assert_int_equal(mmu(gdt, 5, 0x1234), -EBUSY);
	/* The M2P: of own frames only. */
	assert_int_equal(mmu_from(DOMID_SELF, mfn_x(gdt) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 77),
			 0);
	assert_int_equal(m2p_get(gdt), 77);
	assert_int_equal(
		mmu_from(DOMID_SELF, mfn_x(root[2].l1) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 7),
		-EINVAL);
	assert_int_equal(
		mmu_from(DOMID_SELF, mfn_x(_mfn(max_page)) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 7),
		-EINVAL);
}

static void foreign_frames(void **state)
{
	uint64_t pte = pte_make(root[2].data, RW), ptr = mfn_x(root[1].l1) << PAGE_SHIFT | 8;

	assert_int_equal(mmu_from(2, ptr, pte), -EPERM);
	assert_int_equal(mmu_from(2U << 16 | 1, ptr, pte), -EINVAL);
	assert_int_equal(mmu_from(3U << 16 | DOMID_SELF, ptr, pte), -EPERM);
	assert_int_equal(mmu_from(55, ptr, pte), -ESRCH);
	run(0, 0);
	ptr = mfn_x(root[0].l1) << PAGE_SHIFT | 8;
	assert_int_equal(mmu_from(DOMID_SELF, ptr, pte), -EINVAL);
	assert_int_equal(mmu_from(2, ptr, pte), 0);
	assert_type(root[2].data, PGT_writable, 2);
	/* Its tables stay what they are. */
	assert_int_equal(mmu_from(2, ptr + 8, pte_make(root[2].l1, RW)), -EBUSY);
	assert_int_equal(mmu_from(2, ptr + 8, pte_make(root[2].l1, RO)), 0);
	/* In another's table, with that one's frames. */
	assert_int_equal(mmu_from(3U << 16 | 2, mfn_x(root[2].l1) << PAGE_SHIFT | 8,
				  pte_make(root[2].data, RO)),
			 0);
	/* Upper levels hold the owner's tables only. */
	assert_int_equal(mmu_from(2, mfn_x(root[0].l2) << PAGE_SHIFT | 8, pte_make(root[2].l1, RW)),
			 -EPERM);
	/* Devices. */
	assert_int_equal(mmu_from(DOMID_IO, ptr + 16, pte_make(_mfn(HT_MMIO), RW)), 0);
	assert_int_equal(mmu_from(DOMID_IO, ptr + 24, pte_make(_mfn(HT_MMIO + 1), RW)), 0);
	assert_int_equal(entry(root[0].l1, 4), pte_make(_mfn(HT_MMIO + 1), RO));
	/* The frame outlives its owner while it is mapped. */
	while (!kill_slice(dom[2]))
		;
	audit(dom);
	assert_int_equal(page_owner_id(mfn_to_page(root[2].data)), 2);
	assert_int_equal(mmu_from(DOMID_SELF, ptr, 0), 0);
	assert_int_equal(page_owner_id(mfn_to_page(root[2].data)), DOMID_INVALID);
}

static void batches(void **state)
{
	mfn_t data = page();
	uint64_t ptr = mfn_x(root[1].l1) << PAGE_SHIFT;
	struct mmu_update r[4] = {{ptr | 8, pte_make(data, RW)},
				  {ptr | 16, pte_make(data, RW)},
				  {ptr | 24, pte_make(root[1].l1, RW)},
				  {ptr | 32, pte_make(data, RW)}};
	uint32_t done = 99;

	assert_int_equal(do_mmu_update(ht_va(r), 4, ht_va(&done), DOMID_SELF), -EBUSY);
	assert_int_equal(done, 2);
	audit(dom);
	ht_guest_fault(&r[1], 1);
	assert_int_equal(do_mmu_update(ht_va(r), 4, ht_va(&done), DOMID_SELF), -EFAULT);
	assert_int_equal(done, 1);
	ht_guest_fault(&done, sizeof(done));
	assert_int_equal(do_mmu_update(ht_va(r), 2, ht_va(&done), DOMID_SELF), -EFAULT);
	ht_guest_fault(NULL, 0);
	/* Preempted after each, it adds up. */
	ht_preempt_every(1);
	r[2].val = pte_make(data, RO);
	assert_int_equal(do_mmu_update(ht_va(r), 4, ht_va(&done), DOMID_SELF), HT_CONTINUED);
	for (unsigned int i = 2; i <= 4; i++) {
		const unsigned long *a = ht_continuation.arg;

		assert_int_equal(done, i - 1);
		assert_int_equal(do_mmu_update(a[0], (unsigned int)a[1], a[2], (unsigned int)a[3]),
				 i < 4 ? HT_CONTINUED : 0);
	}
	assert_int_equal(done, 4);
	ht_preempt_every(0);
	audit(dom);
	assert_type(data, PGT_writable, 3);
}

static void virtual_addresses(void **state)
{
	const unsigned long bad[] = {1UL << 47,        ~0UL << 47 ^ 1UL << 63,
				     HYPERVISOR_START, HYPERVISOR_END - 1,
				     1UL << 39,        VA(512)};
	uint64_t pte = pte_make(root[1].data, RO);
	static uint64_t nowhere[2];

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(update_va(bad[i], pte, 0), -EINVAL);
	assert_int_equal(update_va(VA(5), pte, 0), 0);
	assert_int_equal(entry(root[1].l1, 5), pte);
	assert_int_equal(update_va(VA(5), 0, 3), -EINVAL);
	ht_guest_fault(nowhere, sizeof(nowhere));
	assert_int_equal(update_va(VA(5), 0, UVMF_TLB_FLUSH | ht_va(nowhere)), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(do_update_va_mapping_otherdomain(VA(6), pte, 0, 2), -EPERM);
	assert_int_equal(do_update_va_mapping_otherdomain(VA(6), pte, 0, 44), -ESRCH);
	run(0, 0);
	assert_int_equal(do_update_va_mapping_otherdomain(VA(6), pte_make(root[1].data, RO), 0, 1),
			 0);
	audit(dom);
}

/* ---- TLBs ------------------------------------------------------------------------- */

/* A page that the TLBs of both vCPUs know as writable in slot 4. */
static mfn_t known_page(void)
{
	mfn_t mfn = page();

	assert_int_equal(update_va(VA(4), pte_make(mfn, RW), UVMF_TLB_FLUSH | UVMF_ALL), 0);
	for (unsigned int i = 0; i < 2; i++) {
		run(1, i);
		assert_non_null(ht_mmu_access(VA(4), true));
	}
	run(1, 0);
	return mfn;
}

static bool tlb_knows(unsigned int cpu, mfn_t mfn)
{
	for (unsigned int i = 0; i < HT_TLB; i++) {
		if (ht_tlb[cpu][i].valid && mfn_eq(ht_tlb[cpu][i].mfn, mfn))
			return true;
	}
	return false;
}

static void flushes_that_are_asked_for(void **state)
{
	static uint64_t second = 2; /* a bit map of vCPUs */
	const struct {
		unsigned long flags;
		bool left[2];
	} cases[] = {
		{UVMF_NONE, {true, true}},
		{UVMF_INVLPG | UVMF_LOCAL, {false, true}},
		{UVMF_TLB_FLUSH | UVMF_LOCAL, {false, true}},
		{UVMF_INVLPG | UVMF_ALL, {false, false}},
		{UVMF_TLB_FLUSH | UVMF_ALL, {false, false}},
		{UVMF_TLB_FLUSH | UVMF_MULTI, {true, false}},
		{UVMF_INVLPG | UVMF_MULTI, {true, false}},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned long flags = cases[i].flags;
		mfn_t mfn = known_page();

		if (i >= 5)
			flags |= ht_va(&second);
		assert_int_equal(update_va(VA(4), 0, flags), 0);
		assert_int_equal(tlb_knows(1, mfn), cases[i].left[0]);
		assert_int_equal(tlb_knows(2, mfn), cases[i].left[1]);
	}
}

static void no_stale_entry_of_a_table(void **state)
{
	static const unsigned int pins[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
					    MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};

	for (unsigned int i = 0; i < 5; i++) {
		mfn_t mfn = known_page();
		unsigned long frame = mfn_x(mfn);

		assert_int_equal(update_va(VA(4), 0, 0), 0);
		assert_true(tlb_knows(2, mfn));
		if (i < 4)
			assert_int_equal(ext(pins[i], mfn), 0);
		else
			assert_int_equal(do_set_gdt(ht_va(&frame), 1), 0);
		assert_false(tlb_knows(1, mfn) || tlb_knows(2, mfn));
		if (i < 4)
			assert_int_equal(ext(MMUEXT_UNPIN_TABLE, mfn), 0);
	}
	audit(dom);
}

/*
 * One vCPU lets go of a frame that it has just cleared: it was the only holder. Before it
 * notes that, another one flushes its TLB, maps the frame, writes to it, and takes the
 * mapping away again. It may have to wait until the first is done.
 */
static mfn_t cleared;
static pthread_t other;
static bool other_waits, other_is_done;

static void it_waits(void)
{
	if (ht_cpu == 2)
		__atomic_store_n(&other_waits, true, __ATOMIC_RELEASE);
	sched_yield();
}

static void *flushes_and_writes(void *unused)
{
	ht_thread_is_cpu(2);
	tlb_flush_local();
	if (do_update_va_mapping(VA(4), pte_make(cleared, RW), 0) || !ht_mmu_access(VA(4), true) ||
	    do_update_va_mapping(VA(4), 0, 0))
		abort();
	__atomic_store_n(&other_is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void the_other_runs(void)
{
	ht_tlb_clock_hook = NULL;
	assert_int_equal(pthread_create(&other, NULL, flushes_and_writes, NULL), 0);
	while (!__atomic_load_n(&other_waits, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&other_is_done, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void no_stale_entry_of_who_came_last(void **state)
{
	struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE};

	cleared = page();
	op.arg1.mfn = mfn_x(cleared);
	run(1, 1);
	run(1, 0);
	ht_relax = it_waits;
	ht_tlb_clock_hook = the_other_runs;
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), 0);
	pthread_join(other, NULL);
	ht_relax = NULL;
	assert_true(tlb_knows(2, cleared));
	assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, cleared), 0);
	assert_false(tlb_knows(2, cleared));
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, cleared), 0);
}

static void no_stale_entry_of_a_freed_frame(void **state)
{
	mfn_t mfn = known_page();
	xen_pfn_t list = mfn_x(mfn);
	struct xen_memory_reservation r = {{&list}, 1, 0, 0, DOMID_SELF};
	void *p;

	assert_int_equal(update_va(VA(4), 0, 0), 0);
	assert_int_equal(do_memory_op(XENMEM_decrease_reservation, ht_va(&r)), 1);
	assert_true(tlb_knows(2, mfn));
	audit(dom);
	/* The allocator gives it out again: the fake machine panics if it is known. */
	p = hyp_page_alloc();
	assert_ptr_equal(p, mfn_to_virt(mfn));
	assert_false(tlb_knows(2, mfn));
	hyp_page_free(p);
}

/* ---- roots ------------------------------------------------------------------------- */

static void roots(void **state)
{
	struct tree t = make_tree(dom[1], 0);

	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l3), 0); /* of zeroes: a fine L4 */
	assert_type(t.l3, PGT_l4, 1);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l1), -EBUSY);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, _mfn(0)), -EINVAL);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[2].l4), -EINVAL);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
	assert_int_equal(mmu(t.l3, 0, pte_make(t.l2, RW)), 0);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l4), 0);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l4), 0);
	assert_type(t.l4, PGT_l4, 1);
	assert_type(root[1].l4, PGT_l4, 1); /* the other vCPU's */
	assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, t.l4), 0);
	assert_type(t.l4, PGT_l4, 2);
	assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, _mfn(0)), 0);
	assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, _mfn(0)), 0);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l4), -EINVAL);
	/* A root that the domain gives away stays until it is a root no more. */
	ht_domain_page_release(t.l4);
	audit(dom);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
	assert_int_equal(page_owner_id(mfn_to_page(t.l4)), DOMID_INVALID);
	assert_unused(t.l3);
}

/* What this CPU's root has in the guest's slots, beside what @l4 has. */
static void assert_shown(mfn_t l4)
{
	const uint64_t *shown = paddr_to_virt(ht_cpu_info[ht_cpu].xpti_cr3);

	for (unsigned int i = 0; i < PTES_PER_TABLE; i++) {
		if (i < HV_L4_FIRST || i > HV_L4_LAST)
			assert_int_equal(shown[i], entry(l4, i));
		else
			assert_int_equal(shown[i], i == HV_L4_FIRST ? idle_l4[i] : 0);
	}
}

/* Guests on a root of the CPU: it shows what theirs has, before each time they run. (X7) */
static void isolated_roots(void **state)
{
	static const struct xpti_part part = {HV_VIRT_START, 1, PTE_HV_RX};
	struct tree t = make_tree(dom[1], 300);
	struct vcpu *v = dom[1]->vcpu[0];

	assert_false(xpti_wanted(dom[1]));
	assert_true(xpti_choose(true));
	assert_true(xpti_wanted(dom[1]) && xpti_wanted(dom[0]));
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		ht_cpu_info[i].cpu = i;
		assert_int_equal(xpti_init_cpu(&ht_cpu_info[i], &part, 1, GDT_WIN(i)), 0);
	}
	dom[1]->arch.xpti = true;
	xpti_sync(v);
	assert_int_equal(cpu_info()->xpti_exit_cr3, cpu_info()->xpti_cr3);
	assert_shown(root[1].l4);
	/* Written here and by the other vCPU, which finds its copy stale, and no other domain. */
	assert_int_equal(mmu(root[1].l4, 511, pte_make(t.l3, RW)), 0);
	assert_true(xpti_stale(v));
	xpti_sync(v);
	assert_false(xpti_stale(v));
	assert_shown(root[1].l4);
	run(1, 1);
	xpti_sync(current);
	assert_shown(root[1].l4);
	run(1, 0);
	assert_int_equal(mmu(root[1].l4, 511, 0), 0);
	run(1, 1);
	assert_true(xpti_stale(current));
	xpti_sync(current);
	assert_shown(root[1].l4);
	run(2, 0);
	assert_false(xpti_stale(current));
	xpti_sync(current);
	assert_int_equal(cpu_info()->xpti_exit_cr3, 0);
	/* Entries of lower levels are no business of the copy's. */
	run(1, 0);
	xpti_sync(current);
	assert_int_equal(mmu(root[1].l1, 5, pte_make(t.data, RW)), 0);
	assert_false(xpti_stale(v));
	/* Another root, its own slots gone with it; the other mode's. */
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l4), 0);
	xpti_sync(v);
	assert_shown(t.l4);
	assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, root[1].l4), 0);
	v->arch.in_kernel = false;
	pv_load_root(v);
	xpti_sync(v);
	assert_shown(root[1].l4);
	v->arch.in_kernel = true;
	pv_load_root(v);
	/* The same frame as a new root with another content, and no other one shown between. */
	xpti_sync(v);
	assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, _mfn(0)), 0);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
	xpti_sync(v);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l4), 0);
	xpti_sync(v);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
	assert_unused(t.l4);
	put(t.l4, 7, t.l3, RW);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, t.l4), 0);
	xpti_sync(v);
	assert_shown(t.l4);
	assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
	xpti_active = false;
	for (unsigned int i = 0; i < HT_CPUS; i++)
		hyp_page_free(paddr_to_virt(ht_cpu_info[i].xpti_cr3));
}

static void one_vcpu_at_a_time_is_another(void **state)
{
	struct vcpu *v = dom[1]->vcpu[1];

	assert_int_equal(arch_vcpu_reset(v), 0);
	assert_null(v->arch.root);
	audit(dom);
	load(v, root[1].l4);
	audit(dom);
}

/* ---- preemption ---------------------------------------------------------------------- */

/* Four arms at each level, in the first and the last slots. */
static mfn_t big_tree(mfn_t *all, unsigned int *ret_n)
{
	static const uint16_t slots[] = {0, 1, 510, 511};
	mfn_t l4 = page(), l3, l2, l1;

	all[(*ret_n)++] = l4;
	for (unsigned int i = 0; i < 4; i++) {
		l3 = all[(*ret_n)++] = page();
		put(l4, slots[i], l3, RW);
		for (unsigned int j = 0; j < 4; j++) {
			l2 = all[(*ret_n)++] = page();
			put(l3, slots[j], l2, RW);
			for (unsigned int k = 0; k < 2; k++) {
				l1 = all[(*ret_n)++] = page();
				put(l2, slots[3 * k], l1, RW);
				put(l1, 511, l4, RO);
			}
		}
	}
	return l4;
}

static void preempted_pins(void **state)
{
	mfn_t all[64];
	unsigned int n = 0;
	mfn_t l4 = big_tree(all, &n);

	for (unsigned int every = 1; every < 60; every++) {
		ht_preempt_every(every);
		assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, l4), 0);
		assert_int_equal(mfn_to_page(l4)->aux, 512);
		assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l4), 0);
		ht_preempt_every(0);
		for (unsigned int i = 0; i < n; i++)
			assert_unused(all[i]);
	}
}

/*
 * The other vCPU takes a table whose release has stopped, at each of its steps: as a
 * root it must be complete, the hypervisor's slots and all tables below included.
 */
static void taken_while_it_is_released(void **state)
{
	mfn_t all[64];
	unsigned int n = 0, stop;
	mfn_t l4 = big_tree(all, &n);

	for (stop = 1;; stop++) {
		bool more = true;

		assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, l4), 0);
		ht_preempt_every(1);
		(void)ext_slice(MMUEXT_UNPIN_TABLE, l4);
		for (unsigned int i = 1; i < stop && more; i++) {
			more = pt_drop_deferred(current) == -ERESTART;
			audit(dom);
		}
		ht_preempt_every(0);
		if (!more)
			break;
		run(1, 1);
		assert_int_equal(ext(MMUEXT_NEW_BASEPTR, l4), 0);
		assert_int_equal(mfn_to_page(l4)->aux, 512);
		assert_int_equal(entry(l4, HV_L4_FIRST), idle_l4[HV_L4_FIRST]);
		run(1, 0);
		while (pt_drop_deferred(current))
			;
		run(1, 1);
		assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root[1].l4), 0);
		run(1, 0);
	}
	assert_true(stop > 30);
}

/* A table in such a state can't be changed, nor taken as anything else. */
static void half_released(void **state)
{
	mfn_t all[64];
	unsigned int n = 0;
	mfn_t l4 = big_tree(all, &n);

	assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, l4), 0);
	ht_preempt_every(1);
	(void)ext_slice(MMUEXT_UNPIN_TABLE, l4);
	ht_preempt_every(0);
	run(1, 1);
	assert_int_equal(mmu(l4, 0, 0), -EBUSY);
	assert_int_equal(mmu(l4, 511, 0), -EBUSY);
	assert_int_equal(ext(MMUEXT_PIN_L3_TABLE, l4), -EBUSY);
	assert_int_equal(mmu(root[1].l1, 9, pte_make(l4, RW)), -EBUSY);
	run(1, 0);
	assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l4), -EINVAL);
	for (unsigned int i = 0; i < n; i++)
		assert_unused(all[i]);
}

/* The same for one that is half checked: its owner may want the frame back. */
static void half_checked(void **state)
{
	mfn_t all[64];
	unsigned int n = 0;
	mfn_t l4 = big_tree(all, &n);

	for (unsigned int use = 0; use < 5; use++) {
		unsigned long frame = mfn_x(l4);
		xen_pfn_t list = frame;
		struct xen_memory_reservation r = {{&list}, 1, 0, 0, DOMID_SELF};

		ht_preempt_every(3);
		assert_int_equal(ext_slice(MMUEXT_PIN_L4_TABLE, l4), HT_CONTINUED);
		ht_preempt_every(1);
		run(1, 1);
		/* Not a mapping, not descriptors, before what it holds is gone. */
		switch (use) {
		case 0:
			assert_int_equal(mmu(root[1].l1, 9, pte_make(l4, RW)), 0);
			assert_int_equal(mmu(root[1].l1, 9, 0), 0);
			break;
		case 1:
			assert_int_equal(mmu(l4, 77, 0), 0);
			break;
		case 2:
			while (do_set_gdt(ht_va(&frame), 1) == HT_CONTINUED)
				audit(dom);
			/* It has entries, and these are no descriptors. */
			assert_int_equal(do_set_gdt(ht_va(&frame), 1), 0);
			assert_int_equal(do_set_gdt(ht_va(&frame), 0), 0);
			break;
		case 3:
			/* The tables that it refers to are plain memory by then. */
			assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, l4), 0);
			assert_int_equal(ext(MMUEXT_UNPIN_TABLE, l4), 0);
			break;
		default:
			while (do_memory_op(XENMEM_decrease_reservation, ht_va(&r)) == HT_CONTINUED)
				audit(dom);
			break;
		}
		ht_preempt_every(0);
		audit(dom);
		run(1, 0);
		/* Others that were half checked below it are theirs to want back. */
		for (unsigned int i = use < 4 ? 0 : 1; i < n; i++)
			assert_int_equal(mmu(all[i], 77, 0), 0);
		for (unsigned int i = use < 4 ? 0 : 1; i < n; i++)
			assert_unused(all[i]);
	}
	assert_int_equal(page_owner_id(mfn_to_page(l4)), DOMID_INVALID);
}

/*
 * A half-checked table is all that holds the table which is written, and the new
 * entry is for its frame: it has to go first, and the table with it.
 */
static void the_holder_goes(void **state)
{
	for (unsigned int level = 1; level <= 2; level++) {
		struct tree t = make_tree(dom[1], 0);
		mfn_t held = level == 1 ? t.l1 : t.l2, holder = level == 1 ? t.l2 : t.l3;

		/* Entry 0 is fine, entry 1 is not. */
		put(holder, 1, root[2].l1, RW);
		assert_int_equal(ext(MMUEXT_PIN_L1_TABLE + level, holder), -EINVAL);
		assert_type(held, level, 1);
		assert_type(holder, level + 1, 0);
		put(holder, 1, _mfn(0), 0);
		assert_int_equal(mmu(held, 0, pte_make(holder, RW)), 0);
		assert_tree_unused(&t);
		assert_int_equal(entry(held, 0), pte_make(holder, RW));
	}
}

/* A domain's end at each step of a pin, and of an unpin. */
static void death_in_between(void **state)
{
	for (unsigned int unpin = 0; unpin < 2; unpin++) {
		for (unsigned int stop = 1; stop < 90; stop += 1 + stop / 8) {
			mfn_t all[64], l4;
			unsigned int n = 0;
			long rc;

			l4 = big_tree(all, &n);
			if (unpin)
				assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, l4), 0);
			ht_preempt_every(1);
			rc = ext_slice(unpin ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L4_TABLE, l4);
			for (unsigned int i = 1; i < stop && rc == HT_CONTINUED; i++)
				rc = unpin ? pt_drop_deferred(current) ? HT_CONTINUED : 0
					   : ext_slice(MMUEXT_PIN_L4_TABLE, l4);
			ht_preempt_every(stop % 3);
			run(0, 0);
			end(1);
			ht_preempt_every(0);
			make_domain(1, 2, 1);
			run(1, 0);
		}
	}
}

/* ---- descriptor tables ---------------------------------------------------------------- */

static void gdt(void **state)
{
	mfn_t a = page(), b = page();
	unsigned long frames[15] = {mfn_x(a), mfn_x(b)};
	uint64_t *d = mfn_to_virt(b);

	d[3] = 0x00cf93000000ffffULL; /* ring 0: becomes ring 3 */
	assert_int_equal(do_set_gdt(ht_va(frames), 600), 0);
	assert_int_equal(d[3], 0x00cff3000000ffffULL);
	assert_type(a, PGT_seg, 1);
	audit(dom);
	assert_int_equal(do_set_gdt(ht_va(frames), FIRST_RESERVED_GDT_ENTRY + 1), -EINVAL);
	assert_int_equal(do_set_gdt(ht_va(frames), 1025), -EINVAL); /* frame 0 */
	frames[1] = mfn_x(root[2].data);
	assert_int_equal(do_set_gdt(ht_va(frames), 600), -EINVAL);
	frames[1] = mfn_x(root[1].data);
	assert_int_equal(do_set_gdt(ht_va(frames), 600), -EBUSY); /* mapped writable */
	ht_guest_fault(frames, sizeof(frames));
	assert_int_equal(do_set_gdt(ht_va(frames), 600), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_type(a, PGT_seg, 1);
	assert_type(b, PGT_seg, 1);
	/* Single descriptors */
	assert_int_equal(do_update_descriptor(mfn_x(b) << PAGE_SHIFT | 8, 0x00cff3000000ffffULL),
			 0);
	assert_int_equal(do_update_descriptor(mfn_x(b) << PAGE_SHIFT | 8, 0x0000890000000067ULL),
			 -EINVAL); /* a TSS */
	assert_int_equal(do_update_descriptor(mfn_x(b) << PAGE_SHIFT | 4, 0), -EINVAL);
	assert_int_equal(do_update_descriptor(mfn_x(root[2].data) << PAGE_SHIFT, 0), -EINVAL);
	assert_int_equal(do_update_descriptor(max_page << PAGE_SHIFT, 0), -EINVAL);
	assert_int_equal(do_update_descriptor(mfn_x(root[1].l1) << PAGE_SHIFT, 0), -EBUSY);
	assert_int_equal(do_update_descriptor(mfn_x(page()) << PAGE_SHIFT, 0), 0);
	audit(dom);
	assert_int_equal(do_set_gdt(ht_va(frames), 0), 0);
	assert_unused(a);
	/* Gates, TSS, LDT, conforming code, long and 32-bit at once */
	for (unsigned int i = 0; i < 5; i++) {
		static const uint64_t bad[] = {0x00008e0000000000ULL, 0x0000890000000067ULL,
					       0x0000820000000067ULL, 0x00cf9f000000ffffULL,
					       0x00ef9b000000ffffULL};

		((uint64_t *)mfn_to_virt(a))[511] = bad[i];
		frames[0] = mfn_x(a);
		assert_int_equal(do_set_gdt(ht_va(frames), 1), -EINVAL);
		assert_unused(a);
	}
}

static long set_ldt(unsigned long base, unsigned int entries)
{
	struct mmuext_op op = {
		.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = base, .arg2.nr_ents = entries};
	long rc = do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF);

	audit(dom);
	return rc;
}

static void ldt(void **state)
{
	mfn_t a = page();

	assert_int_equal(set_ldt(1, 10), -EINVAL);
	assert_int_equal(set_ldt(HYPERVISOR_START, 10), -EINVAL);
	assert_int_equal(set_ldt(1UL << 50, 10), -EINVAL);
	assert_int_equal(set_ldt(VA(3), 8193), -EINVAL);
	assert_int_equal(set_ldt(VA(3), 600), 0);
	assert_false(pv_ldt_fault(current, 0, 0)); /* nothing mapped there */
	assert_int_equal(update_va(VA(3), pte_make(a, RW), 0), 0);
	assert_false(pv_ldt_fault(current, 0, 0)); /* it is writable */
	assert_int_equal(update_va(VA(3), pte_make(a, RO), 0), 0);
	assert_true(pv_ldt_fault(current, 8, 0));
	assert_true(pv_ldt_fault(current, 8, 0));
	assert_type(a, PGT_seg, 1);
	audit(dom);
	assert_false(pv_ldt_fault(current, 8, PFEC_P));
	assert_false(pv_ldt_fault(current, 600 * 8, 0)); /* beyond the limit */
	assert_int_equal(update_va(VA(4), pte_make(a, RW), 0), -EBUSY);
	assert_int_equal(set_ldt(VA(3), 600), 0); /* as it was */
	assert_type(a, PGT_seg, 1);
	assert_int_equal(set_ldt(HYPERVISOR_START + 1, 0), 0);
	assert_type(a, PGT_seg, 0);
	assert_int_equal(update_va(VA(4), pte_make(a, RW), 0), 0);
}

static int set_ldt_by_context(struct vcpu *v, unsigned long base)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	int rc;

	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root[1].l4));
	c->ldt_base = base;
	c->ldt_ents = 512;
	rc = arch_vcpu_set_context(v, c);
	hv_free(c);
	audit(dom);
	return rc;
}

/* (X5) Whoever sets it: not in our half, nor across its beginning. */
static void ldt_of_context(void **state)
{
	struct vcpu *v = dom[1]->vcpu[1];

	assert_int_equal(set_ldt_by_context(v, HYPERVISOR_START), -EINVAL);
	assert_int_equal(set_ldt_by_context(v, 1UL << 50), -EINVAL);
	assert_int_equal(set_ldt_by_context(v, (1UL << 47) - PAGE_SIZE), -EINVAL);
	assert_int_equal(set_ldt_by_context(v, ~0UL & PAGE_MASK), -EINVAL);
	assert_int_equal(set_ldt_by_context(v, VA(3)), 0);
}

/* ---- other operations ------------------------------------------------------------------ */

static void clear_and_copy(void **state)
{
	mfn_t a = page(), b = page();
	struct mmuext_op op = {
		.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = mfn_x(b), .arg2.src_mfn = mfn_x(a)};

	memset(mfn_to_virt(a), 7, PAGE_SIZE);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), 0);
	assert_memory_equal(mfn_to_virt(a), mfn_to_virt(b), PAGE_SIZE);
	op.arg2.src_mfn = mfn_x(root[2].data);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), -EINVAL);
	op.arg2.src_mfn = max_page;
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), -EINVAL);
	op.arg2.src_mfn = mfn_x(a);
	op.arg1.mfn = mfn_x(root[1].l1);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), -EBUSY);
	op.arg1.mfn = max_page;
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), -EINVAL);
	assert_int_equal(ext(MMUEXT_CLEAR_PAGE, root[1].l4), -EBUSY);
	assert_int_equal(ext(MMUEXT_CLEAR_PAGE, root[2].data), -EINVAL);
	assert_int_equal(ext(MMUEXT_CLEAR_PAGE, b), 0);
	assert_int_equal(entry(b, 511), 0);
	assert_unused(a);
	assert_unused(b);
	assert_int_equal(ext(MMUEXT_FLUSH_CACHE, a), -EACCES);
	assert_int_equal(ext(MMUEXT_MARK_SUPER, a), -EOPNOTSUPP);
	assert_int_equal(ext(~0U, a), -ENOSYS);
}

static void operations_on_another(void **state)
{
	struct mmuext_op op = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_x(root[2].l1)};
	mfn_t l4 = ht_domain_page(dom[2]);

	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 2), -EPERM);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 50), -ESRCH);
	run(0, 0);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 2), 0);
	op.cmd = MMUEXT_NEW_BASEPTR;
	op.arg1.mfn = mfn_x(l4);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 2), -EPERM);
	op.cmd = MMUEXT_UNPIN_TABLE;
	op.arg1.mfn = mfn_x(root[2].l1);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 2), 0);
	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, 2), -EINVAL);
	assert_int_equal(ext(MMUEXT_FLUSH_CACHE, l4), 0);
	audit(dom);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pin_and_unpin),
		T(pin_levels),
		T(pin_what_is_not_ours),
		T(bad_l1_entries),
		T(absent_entries),
		T(cache_attributes),
		T(bad_table_entries),
		T(hypervisor_slots),
		T(entries_are_adjusted),
		T(updates_of_what_is_not_ours),
		T(foreign_frames),
		T(batches),
		T(virtual_addresses),
		T(flushes_that_are_asked_for),
		T(no_stale_entry_of_a_table),
		T(no_stale_entry_of_a_freed_frame),
		T(roots),
		T(isolated_roots),
		T(one_vcpu_at_a_time_is_another),
		T(preempted_pins),
		T(taken_while_it_is_released),
		T(half_released),
		T(half_checked),
		T(the_holder_goes),
		T(death_in_between),
		T(gdt),
		T(ldt),
		T(ldt_of_context),
		T(clear_and_copy),
		T(operations_on_another),
		/* From here on, a lock that nobody lets go is waited for: there are threads. */
		T(no_stale_entry_of_who_came_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
