/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * CPU policies: what a guest sees of a CPU that has everything, what the tools may
 * change of it, and how they read and write it (domctl and sysctl). A policy can only
 * ever lose features. Tries X3, X6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/time.h>
#include <public/sysctl.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/features.h>
#include <arch/pv.h>
#include <arch/topology.h>

#include "../../../hypervisor/hypercall/domctl.h"

#define MAX_LEAVES 256

static struct domain *dom[2];
static xen_cpuid_leaf_t leaves[MAX_LEAVES];
static xen_msr_entry_t msrs[8];
static struct xen_domctl dc;
static struct xen_sysctl sc;
static struct xen_domctl_cpu_policy *const dp = &dc.u.cpu_policy;
static struct xen_sysctl_cpu_policy *const sp = &sc.u.cpu_policy;

static int setup(void **state)
{
	ht_machine_init();
	for (unsigned int i = 0; i < 2; i++) {
		struct vcpu *v;

		dom[i] = ht_domain_new(i, 2, 0);
		assert_non_null(dom[i]->arch.cpuid = cpuid_policy_new(dom[i]));
		for_each_vcpu (dom[i], v) {
			v->arch.cr4 = pv_cr4_default(v);
			v->arch.xcr0 = 1;
		}
	}
	ht_run(dom[0], 0);
	memset(&dc, 0, sizeof(dc));
	memset(&sc, 0, sizeof(sc));
	return 0;
}

static int teardown(void **state)
{
	ht_guest_fault(NULL, 0);
	ht_cpuid = NULL;
	for (unsigned int i = 0; i < 2; i++) {
		cpuid_policy_free(dom[i]->arch.cpuid);
		ht_domain_free(dom[i]);
	}
	return 0;
}

static uint32_t seen(unsigned int d, uint32_t leaf, uint32_t subleaf, char reg)
{
	uint32_t r[4] = {~0U, ~0U, ~0U, ~0U};

	pv_cpuid(dom[d]->vcpu[1], leaf, subleaf, r);
	return r[reg - 'a'];
}

static int get(void)
{
	dp->nr_leaves = MAX_LEAVES;
	dp->nr_msrs = ARRAY_SIZE(msrs);
	set_xen_guest_handle(dp->leaves, leaves);
	set_xen_guest_handle(dp->msrs, msrs);
	return domctl_get_cpu_policy(dom[1], &dc);
}

static xen_cpuid_leaf_t *find(uint32_t leaf, uint32_t subleaf)
{
	for (unsigned int i = 0; i < dp->nr_leaves; i++) {
		if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
			return &leaves[i];
	}
	fail_msg("no leaf %#x.%#x", leaf, subleaf);
	return NULL;
}

static int set(void)
{
	return domctl_set_cpu_policy(dom[1], &dc);
}

/* ---- what a guest sees ------------------------------------------------------------- */

/* By name: what needs privilege, or has state that nobody switches. */
static void hidden(void **state)
{
	static const struct {
		uint32_t leaf;
		char reg;
		uint8_t bit;
	} t[] = {
		{1, 'c', 3}, /* monitor */
		{1, 'c', 5}, /* vmx */
		{1, 'c', 6}, /* smx */
		{1, 'c', 7}, /* est */
		{1, 'c', 15}, /* pdcm */
		{1, 'c', 17}, /* pcid */
		{1, 'c', 21}, /* x2apic */
		{1, 'c', 24}, /* tsc-deadline */
		{1, 'd', 1}, /* vme */
		{1, 'd', 3}, /* pse */
		{1, 'd', 12}, /* mtrr */
		{1, 'd', 13}, /* pge */
		{1, 'd', 17}, /* pse36 */
		{1, 'd', 21}, /* ds */
		{1, 'd', 22}, /* acpi */
		{7, 'b', 7}, /* smep */
		{7, 'b', 10}, /* invpcid */
		{7, 'b', 14}, /* mpx */
		{7, 'b', 16}, /* avx512f: not in XCR0 */
		{7, 'b', 20}, /* smap */
		{7, 'b', 25}, /* pt */
		{7, 'c', 2}, /* umip */
		{7, 'c', 3}, /* pku */
		{7, 'c', 4}, /* ospke */
		{7, 'c', 7}, /* cet */
		{7, 'c', 16}, /* la57 */
		{7, 'd', 26}, /* ibrs */
		{7, 'd', 29}, /* arch capabilities */
		{0x80000001, 'c', 2}, /* svm */
		{0x80000001, 'c', 10}, /* ibs */
		{0x80000001, 'c', 12}, /* skinit */
		{0x80000001, 'd', 17}, /* pse36 */
		{0x80000001, 'd', 26}, /* 1 GiB pages */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(seen(1, t[i].leaf, 0, t[i].reg) >> t[i].bit & 1, 0);
	assert_int_equal(seen(0, 1, 0, 'd') >> 22 & 1, 1);
	/* Leaves that aren't passed on are all zeroes. */
	for (uint32_t leaf = 0xe; leaf < 0x40; leaf++)
		assert_int_equal(seen(0, leaf, 0, 'a') | seen(0, leaf, 0, 'd'), 0);
	assert_int_equal(seen(0, 0xa, 0, 'a') | seen(0, 5, 0, 'a') | seen(0, 6, 0, 'a'), 0);
	assert_int_equal(seen(0, 0x80000009, 0, 'a') | seen(0, 0x8000001f, 0, 'a'), 0);
	assert_int_equal(seen(1, 0x80000007, 0, 'd'), 0);
	assert_int_equal(seen(0, 0x80000007, 0, 'd'), 1 << 8);
}

static void by_vcpu(void **state)
{
	struct vcpu *v = dom[1]->vcpu[1];

	/* Two cores of one package. */
	assert_int_equal(seen(1, 1, 0, 'b') >> 16, 0x0102);
	assert_true(seen(1, 1, 0, 'c') >> 27 & 1);
	v->arch.cr4 &= ~X86_CR4_OSXSAVE;
	assert_false(seen(1, 1, 0, 'c') >> 27 & 1);
	assert_int_equal(seen(1, 0xd, 0, 'b'), 576);
	v->arch.xcr0 = 7;
	assert_int_equal(seen(1, 0xd, 0, 'b'), 832);
	assert_int_equal(seen(1, 0xd, 1, 'a'), 7); /* no XSAVES */
	assert_int_equal(seen(1, 0xd, 2, 'a'), 256);
	assert_int_equal(seen(1, 0xd, 3, 'a'), 0);
}

static void hypervisor_leaves(void **state)
{
	dom[1]->arch.tsc_mode = 2;
	dom[1]->arch.tsc_incarnation = 9;
	assert_int_equal(seen(1, 0x40000000, 0, 'a'), 0x40000005);
	assert_int_equal(seen(1, 0x40000002, 0, 'a'), 1);
	assert_int_equal(seen(1, 0x40000003, 0, 'b'), 2);
	assert_int_equal(seen(1, 0x40000003, 0, 'd'), 9);
	assert_int_equal(seen(1, 0x40000003, 1, 'c'), time_scale_of(time_tsc_khz).mul);
	assert_int_equal(seen(1, 0x40000003, 2, 'a'), time_tsc_khz);
	assert_int_equal(seen(1, 0x40000003, 3, 'a'), 0);
	assert_int_equal(seen(1, 0x40000005, 0, 'b'), 25);
	assert_int_equal(seen(1, 0x40000005, 1, 'b'), 0);
	assert_int_equal(seen(1, 0x40000004, 0, 'a') | seen(1, 0x400000ff, 0, 'a'), 0);
	assert_true(seen(1, 0x40000001, 0, 'a') >> 16);
}

static struct cpuid_regs poor_cpu(uint32_t leaf, uint32_t subleaf)
{
	if (leaf == 0)
		return (struct cpuid_regs){1, 0, 0, 0};
	if (leaf == 0x80000000)
		return (struct cpuid_regs){0x80000001, 0, 0, 0};
	return (struct cpuid_regs){~0U, ~0U, ~0U, ~0U};
}

static void of_a_poor_cpu(void **state)
{
	struct cpuid_policy *p;

	ht_cpuid = poor_cpu;
	cpu_has_xsave = false;
	xcr0_host = 1;
	p = cpuid_policy_new(dom[1]);
	assert_int_equal(p->nr, 4);
	/* No AVX without its state */
	assert_int_equal(p->leaf[1].c & (1U << 12 | 1U << 28 | 1U << 29), 0);
	cpuid_policy_free(p);
	cpu_has_xsave = true;
	xcr0_host = 7;
}

static void of_no_memory(void **state)
{
	ht_leave_free(0);
	sp->index = XEN_SYSCTL_cpu_policy_host;
	sp->nr_leaves = MAX_LEAVES;
	set_xen_guest_handle(sp->leaves, leaves);
	dp->nr_leaves = 1;
	set_xen_guest_handle(dp->leaves, leaves);
	/* Small objects may still have room in their pages; then there's no failure. */
	assert_true(sysctl_get_cpu_policy(&sc) == 0 || sysctl_get_cpu_policy(&sc) == -ENOMEM);
	ht_free_all();
}

/* ---- the tools ------------------------------------------------------------------------ */

static void how_many(void **state)
{
	assert_int_equal(domctl_get_cpu_policy(dom[1], &dc), 0);
	assert_int_equal(dp->nr_leaves, MAX_LEAVES);
	assert_int_equal(dp->nr_msrs, 2);
	assert_int_equal(get(), 0);
	assert_true(dp->nr_leaves >= 20 && dp->nr_leaves < MAX_LEAVES);
	assert_int_equal(dp->nr_msrs, 2);
	assert_int_equal(msrs[0].val | msrs[1].val | msrs[0].flags, 0);
	/* Too little room says how much it takes. */
	dp->nr_leaves = 3;
	assert_int_equal(domctl_get_cpu_policy(dom[1], &dc), -ENOBUFS);
	assert_true(dp->nr_leaves > 3);
	dp->nr_msrs = 1;
	assert_int_equal(domctl_get_cpu_policy(dom[1], &dc), -ENOBUFS);
	dp->nr_msrs = 2;
	ht_guest_fault(leaves, 1);
	assert_int_equal(domctl_get_cpu_policy(dom[1], &dc), -EFAULT);
	ht_guest_fault(msrs, 1);
	assert_int_equal(domctl_get_cpu_policy(dom[1], &dc), -EFAULT);
}

static void there_and_back(void **state)
{
	struct cpuid_policy was = *dom[1]->arch.cpuid;

	assert_int_equal(get(), 0);
	assert_int_equal(set(), 0);
	assert_memory_equal(dom[1]->arch.cpuid, &was, sizeof(was));
}

/* Less is possible, more isn't. */
static void features_only_go(void **state)
{
	static const struct {
		uint32_t leaf, subleaf;
	} t[] = {{1, CPUID_NO_SUBLEAF},
		 {7, 0},
		 {0x80000001, CPUID_NO_SUBLEAF},
		 {0x80000007, CPUID_NO_SUBLEAF}};
	struct cpuid_policy was = *dom[1]->arch.cpuid;

	assert_int_equal(get(), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		xen_cpuid_leaf_t *l = find(t[i].leaf, t[i].subleaf);

		l->b = l->c = l->d = ~0U;
	}
	assert_int_equal(set(), 0);
	assert_memory_equal(dom[1]->arch.cpuid, &was, sizeof(was));
	assert_int_equal(get(), 0);
	find(1, CPUID_NO_SUBLEAF)->c &= ~(1U << 25);
	find(7, 0)->b = 0;
	assert_int_equal(set(), 0);
	assert_int_equal(seen(1, 1, 0, 'c') >> 25 & 1, 0);
	assert_int_equal(seen(1, 7, 0, 'b'), 0);
	assert_true(seen(1, 7, 0, 'c'));
	/* Numbers are the tools' to choose, but not the state's size or the last leaf's. */
	assert_int_equal(get(), 0);
	find(4, 0)->b = 77;
	find(0xd, 0)->c = 77;
	find(0, CPUID_NO_SUBLEAF)->a = 77;
	assert_int_equal(set(), 0);
	assert_int_equal(seen(1, 4, 0, 'b'), 77);
	assert_int_equal(seen(1, 0xd, 0, 'c'), 832);
	assert_int_equal(seen(1, 0, 0, 'a'), 0xd);
}

static void refused(void **state)
{
	struct cpuid_policy was = *dom[1]->arch.cpuid;

	assert_int_equal(get(), 0);
	leaves[dp->nr_leaves - 1] = (xen_cpuid_leaf_t){0x77, 0, 1, 0, 0, 0};
	leaves[0].b = 5;
	assert_int_equal(set(), -EINVAL);
	assert_int_equal(dp->err_leaf, 0x77);
	assert_int_equal(dp->err_subleaf, 0);
	assert_int_equal(dp->err_msr, ~0U);
	/* What is all zeroes, topology, or our own isn't looked at. */
	leaves[dp->nr_leaves - 1].a = 0;
	assert_int_equal(set(), 0);
	leaves[dp->nr_leaves - 1] = (xen_cpuid_leaf_t){0xb, 0, 1, 0, 0, 0};
	assert_int_equal(set(), 0);
	leaves[dp->nr_leaves - 1].leaf = 0x40000100;
	assert_int_equal(set(), 0);
	msrs[1].val = 1;
	assert_int_equal(set(), -EINVAL);
	assert_int_equal(dp->err_msr, msrs[1].idx);
	msrs[1] = (xen_msr_entry_t){.idx = 0x1b};
	assert_int_equal(set(), -EINVAL);
	assert_int_equal(dp->err_msr, 0x1b);
	dp->nr_msrs = 0;
	ht_guest_fault(&leaves[1], 1);
	assert_int_equal(set(), -EFAULT);
	dp->nr_msrs = 1;
	ht_guest_fault(msrs, 1);
	assert_int_equal(set(), -EFAULT);
	dp->nr_leaves = MAX_LEAVES + 1;
	assert_int_equal(set(), -E2BIG);
	dp->nr_leaves = 0;
	dp->nr_msrs = MAX_LEAVES + 1;
	assert_int_equal(set(), -E2BIG);
	dp->nr_msrs = 0;
	assert_int_equal(domctl_set_cpu_policy(dom[0], &dc), -EINVAL);
	dom[1]->started = true;
	assert_int_equal(set(), -EEXIST);
	assert_memory_equal(dom[1]->arch.cpuid->leaf + 1, was.leaf + 1, sizeof(was.leaf[1]));
}

/* ---- what can be had ------------------------------------------------------------------ */

static int of_machine(uint32_t index)
{
	memset(&sc, 0, sizeof(sc));
	sp->index = index;
	sp->nr_leaves = dp->nr_leaves = MAX_LEAVES;
	sp->nr_msrs = 8;
	set_xen_guest_handle(sp->leaves, leaves);
	set_xen_guest_handle(sp->msrs, msrs);
	return sysctl_get_cpu_policy(&sc);
}

static void of_the_machine(void **state)
{
	static const uint32_t pv[] = {XEN_SYSCTL_cpu_policy_pv_max,
				      XEN_SYSCTL_cpu_policy_pv_default};

	assert_int_equal(of_machine(XEN_SYSCTL_cpu_policy_raw), 0);
	assert_int_equal(find(1, CPUID_NO_SUBLEAF)->c, ~0U);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(of_machine(pv[i]), 0);
		assert_int_equal(find(1, CPUID_NO_SUBLEAF)->c & 1U << 5, 0);
	}
	assert_int_equal(of_machine(XEN_SYSCTL_cpu_policy_hvm_max), -EOPNOTSUPP);
	assert_int_equal(of_machine(99), -EINVAL);
	sp->_rsvd = 1;
	assert_int_equal(sysctl_get_cpu_policy(&sc), -EINVAL);
	memset(&sc, 0, sizeof(sc));
	assert_int_equal(sysctl_get_cpu_policy(&sc), 0);
	assert_int_equal(sp->nr_leaves, MAX_LEAVES);
}

static void feature_sets(void **state)
{
	struct xen_sysctl_cpu_featureset *s = &sc.u.cpu_featureset;
	uint32_t words[16], all;

	s->index = XEN_SYSCTL_cpu_featureset_pv;
	assert_int_equal(sysctl_get_cpu_featureset(&sc), 0);
	all = s->nr_features;
	assert_in_range(all, 10, 16);
	set_xen_guest_handle(s->features, words);
	assert_int_equal(sysctl_get_cpu_featureset(&sc), 0);
	assert_int_equal(words[1] & 1U << 5, 0);
	assert_int_equal(words[0], seen(1, 1, 0, 'd'));
	assert_int_equal(words[5], seen(1, 7, 0, 'b'));
	s->nr_features = 2;
	words[2] = 0x77;
	assert_int_equal(sysctl_get_cpu_featureset(&sc), -ENOBUFS);
	assert_int_equal(words[2], 0x77);
	assert_int_equal(s->nr_features, all);
	ht_guest_fault(words, 1);
	assert_int_equal(sysctl_get_cpu_featureset(&sc), -EFAULT);
	ht_guest_fault(NULL, 0);
	s->index = XEN_SYSCTL_cpu_featureset_hvm;
	assert_int_equal(sysctl_get_cpu_featureset(&sc), -EOPNOTSUPP);
	s->index = 77;
	assert_int_equal(sysctl_get_cpu_featureset(&sc), -EINVAL);
	words[15] = 1;
	assert_int_equal(arch_feature_words(words, 16), 0);
	assert_int_equal(words[0], ~0U);
	assert_int_equal(words[15], 0);
	assert_int_equal(sysctl_get_cpu_levelling_caps(&sc), 0);
	assert_int_equal(sc.u.cpu_levelling_caps.caps, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hidden),       T(by_vcpu),        T(hypervisor_leaves), T(of_a_poor_cpu),
		T(of_no_memory), T(how_many),       T(there_and_back),    T(features_only_go),
		T(refused),      T(of_the_machine), T(feature_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
