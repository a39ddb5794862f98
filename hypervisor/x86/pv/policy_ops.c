/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * domctl and sysctl: CPU policies, that is what guests see of CPUID, as lists of
 * leaves; and sets of features, words in the order of the ABI.
 *
 * The tools take a default list, expand it to all leaves up to the highest one,
 * change some and hand it back: leaves of zeroes that aren't in our list say
 * nothing. The two MSRs that a list has by the ABI are empty.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/topology.h>

#include "../../hypercall/domctl.h"

/* The tools' own lists are longer than ours: room for all leaves that they know. */
#define MAX_LEAVES   256U
#define NR_MSRS      2U
/*
 * libxenguest reads a policy and writes it back with all leaves up to the highest,
 * empty ones too, into the room that the first one took.
 */
#define TOOLS_LEAVES 64U

#define LEAF_TOPOLOGY 0xbU
#define LEAF_RESERVED 0xcU
#define LEAF_HV_FIRST 0x40000000U
#define LEAF_HV_LAST  0x400001ffU

static const uint32_t policy_msr[NR_MSRS] = {0xce /* platform info */,
					     0x10a /* arch capabilities */};

/* ---- out ---------------------------------------------------------------------------- */

/*
 * *nr: in: room; out: how many there are. -ENOBUFS: more than room. A list that
 * isn't there isn't wanted.
 */
static int put_leaves(const struct cpuid_policy *p, __guest_handle_xen_cpuid_leaf_t leaves,
		      uint32_t *nr)
{
	uint32_t room = *nr, count = max(p->nr, TOOLS_LEAVES);

	*nr = count;
	if (guest_handle_is_null(leaves))
		return 0;
	if (room < count)
		return -ENOBUFS;
	for (unsigned int i = 0; i < count; i++) {
		/* An empty leaf where ours end. */
		xen_cpuid_leaf_t out = {LEAF_RESERVED, CPUID_NO_SUBLEAF, 0, 0, 0, 0};

		if (i < p->nr) {
			const struct cpuid_leaf *l = &p->leaf[i];

			out = (xen_cpuid_leaf_t){l->leaf, l->subleaf, l->a, l->b, l->c, l->d};
		}
		if (guest_to(leaves, i, &out))
			return -EFAULT;
	}
	return 0;
}

static int put_msrs(__guest_handle_xen_msr_entry_t msrs, uint32_t *nr)
{
	uint32_t room = *nr;

	*nr = NR_MSRS;
	if (guest_handle_is_null(msrs))
		return 0;
	if (room < NR_MSRS)
		return -ENOBUFS;
	for (unsigned int i = 0; i < NR_MSRS; i++) {
		xen_msr_entry_t out = {.idx = policy_msr[i]};

		if (guest_to(msrs, i, &out))
			return -EFAULT;
	}
	return 0;
}

int domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	int rc;

	if (guest_handle_is_null(p->leaves) && guest_handle_is_null(p->msrs)) {
		p->nr_leaves = MAX_LEAVES;
		p->nr_msrs = NR_MSRS;
		return 0;
	}
	rc = put_leaves(d->arch.cpuid, p->leaves, &p->nr_leaves);
	return rc ? rc : put_msrs(p->msrs, &p->nr_msrs);
}

/* ---- in ------------------------------------------------------------------------------ */

/* May a leaf that isn't ours be left out? */
static bool says_nothing(const xen_cpuid_leaf_t *l)
{
	return !(l->a | l->b | l->c | l->d) || l->leaf == LEAF_TOPOLOGY ||
	       (l->leaf >= LEAF_HV_FIRST && l->leaf <= LEAF_HV_LAST);
}

static int take_leaves(const struct domain *d, struct cpuid_policy *new,
		       struct xen_domctl_cpu_policy *p)
{
	for (uint32_t i = 0; i < p->nr_leaves; i++) {
		struct cpuid_leaf leaf;
		xen_cpuid_leaf_t l;

		if (guest_from(p->leaves, i, &l))
			return -EFAULT;
		leaf = (struct cpuid_leaf){l.leaf, l.subleaf, l.a, l.b, l.c, l.d};
		if (cpuid_policy_set(new, d, &leaf) && !says_nothing(&l)) {
			p->err_leaf = l.leaf;
			p->err_subleaf = l.subleaf;
			return (int)hv_err(-EINVAL, "no CPUID leaf %#x.%#x here", l.leaf,
					   l.subleaf);
		}
	}
	return 0;
}

static int check_msrs(struct xen_domctl_cpu_policy *p)
{
	for (uint32_t i = 0; i < p->nr_msrs; i++) {
		bool known = false;
		xen_msr_entry_t m;

		if (guest_from(p->msrs, i, &m))
			return -EFAULT;
		for (unsigned int j = 0; j < NR_MSRS; j++)
			known |= m.idx == policy_msr[j];
		if (!known || m.flags || m.val) {
			p->err_msr = m.idx;
			return (int)hv_err(-EINVAL, "MSR %#x = %#lx in a policy", m.idx, m.val);
		}
	}
	return 0;
}

int domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	struct cpuid_policy *new, *old = d->arch.cpuid;
	int rc;

	p->err_leaf = p->err_subleaf = p->err_msr = ~0U;
	if (d == current->domain)
		return -EINVAL;
	if (d->started)
		return (int)hv_err(-EEXIST, "domain %u has run already", d->id);
	if (p->nr_leaves > MAX_LEAVES || p->nr_msrs > MAX_LEAVES)
		return -E2BIG;
	new = hv_zalloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = *old;
	rc = take_leaves(d, new, p);
	if (!rc)
		rc = check_msrs(p);
	if (!rc) {
		/* Its vCPUs stand still: nobody is reading the old one. */
		d->arch.cpuid = new;
		new = old;
	}
	cpuid_policy_free(new);
	return rc;
}

/* ---- sysctl: what can be had -------------------------------------------------------------- */

/* The same leaves as in the default list, with what the CPU says. */
static void policy_raw(struct cpuid_policy *p)
{
	cpuid_policy_default(p, true);
	for (unsigned int i = 0; i < p->nr; i++) {
		struct cpuid_leaf *l = &p->leaf[i];
		struct cpuid_regs r =
			cpuid_count(l->leaf, l->subleaf == CPUID_NO_SUBLEAF ? 0 : l->subleaf);

		l->a = r.a;
		l->b = r.b;
		l->c = r.c;
		l->d = r.d;
	}
}

static int system_policy(struct cpuid_policy *p, uint32_t index)
{
	switch (index) {
	case XEN_SYSCTL_cpu_policy_raw:
	case XEN_SYSCTL_cpu_policy_host:
		policy_raw(p);
		return 0;
	case XEN_SYSCTL_cpu_policy_pv_max:
	case XEN_SYSCTL_cpu_policy_pv_default:
		cpuid_policy_default(p, false);
		return 0;
	case XEN_SYSCTL_cpu_policy_hvm_max:
	case XEN_SYSCTL_cpu_policy_hvm_default:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

int sysctl_get_cpu_policy(struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *s = &op->u.cpu_policy;
	struct cpuid_policy *p;
	int rc;

	if (s->_rsvd)
		return -EINVAL;
	if (guest_handle_is_null(s->leaves) && guest_handle_is_null(s->msrs)) {
		s->nr_leaves = MAX_LEAVES;
		s->nr_msrs = NR_MSRS;
		return 0;
	}
	p = hv_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	rc = system_policy(p, s->index);
	if (!rc)
		rc = put_leaves(p, s->leaves, &s->nr_leaves);
	if (!rc)
		rc = put_msrs(s->msrs, &s->nr_msrs);
	hv_free(p);
	return rc;
}

/* ---- feature words ------------------------------------------------------------------------- */

/* Where each word of a feature set comes from. */
static const struct {
	uint32_t leaf, subleaf;
	char reg;
} feature_word[] = {
	{1, CPUID_NO_SUBLEAF, 'd'},
	{1, CPUID_NO_SUBLEAF, 'c'},
	{0x80000001, CPUID_NO_SUBLEAF, 'd'},
	{0x80000001, CPUID_NO_SUBLEAF, 'c'},
	{0xd, 1, 'a'},
	{7, 0, 'b'},
	{7, 0, 'c'},
	{0x80000007, CPUID_NO_SUBLEAF, 'd'},
	{0x80000008, CPUID_NO_SUBLEAF, 'b'},
	{7, 0, 'd'},
	{7, 1, 'a'},
	{0x80000021, CPUID_NO_SUBLEAF, 'a'},
	{7, 1, 'b'},
};

static uint32_t feature_of(const struct cpuid_policy *p, unsigned int word)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct cpuid_leaf *l = &p->leaf[i];

		if (l->leaf != feature_word[word].leaf || l->subleaf != feature_word[word].subleaf)
			continue;
		switch (feature_word[word].reg) {
		case 'a':
			return l->a;
		case 'b':
			return l->b;
		case 'c':
			return l->c;
		default:
			return l->d;
		}
	}
	return 0;
}

int arch_feature_words(uint32_t *words, unsigned int nr)
{
	struct cpuid_policy *p = hv_zalloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	policy_raw(p);
	for (unsigned int i = 0; i < nr; i++)
		words[i] = i < ARRAY_SIZE(feature_word) ? feature_of(p, i) : 0;
	hv_free(p);
	return 0;
}

int sysctl_get_cpu_featureset(struct xen_sysctl *op)
{
	/* Which policy each kind of set is of. */
	static const uint32_t policy[] = {
		[XEN_SYSCTL_cpu_featureset_raw] = XEN_SYSCTL_cpu_policy_raw,
		[XEN_SYSCTL_cpu_featureset_host] = XEN_SYSCTL_cpu_policy_host,
		[XEN_SYSCTL_cpu_featureset_pv] = XEN_SYSCTL_cpu_policy_pv_default,
		[XEN_SYSCTL_cpu_featureset_hvm] = XEN_SYSCTL_cpu_policy_hvm_default,
		[XEN_SYSCTL_cpu_featureset_pv_max] = XEN_SYSCTL_cpu_policy_pv_max,
		[XEN_SYSCTL_cpu_featureset_hvm_max] = XEN_SYSCTL_cpu_policy_hvm_max,
	};
	struct xen_sysctl_cpu_featureset *s = &op->u.cpu_featureset;
	uint32_t room = s->nr_features;
	struct cpuid_policy *p;
	int rc;

	if (s->index >= ARRAY_SIZE(policy))
		return -EINVAL;
	s->nr_features = ARRAY_SIZE(feature_word);
	if (guest_handle_is_null(s->features))
		return 0;
	p = hv_zalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	rc = system_policy(p, policy[index_nospec(s->index, ARRAY_SIZE(policy))]);
	for (unsigned int i = 0; !rc && i < min(room, (uint32_t)ARRAY_SIZE(feature_word)); i++) {
		uint32_t word = feature_of(p, i);

		rc = guest_to(s->features, i, &word);
	}
	hv_free(p);
	if (!rc && room < ARRAY_SIZE(feature_word))
		rc = -ENOBUFS;
	return rc;
}

int sysctl_get_cpu_levelling_caps(struct xen_sysctl *op)
{
	op->u.cpu_levelling_caps.caps = 0;
	return 0;
}
