/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a domain sees of CPUID: a list of leaves, made from the machine's with
 * everything taken out that a PV guest can't or mustn't use, and adjustable by
 * the tools before it runs (domctl set_cpu_policy: never beyond the default).
 */
#ifndef ARCH_CPUID_H
#define ARCH_CPUID_H

#include <hv/types.h>

struct domain;

#define CPUID_POLICY_MAX_LEAVES 64
#define CPUID_NO_SUBLEAF        0xffffffffU

struct cpuid_leaf {
	uint32_t leaf, subleaf, a, b, c, d;
};

struct cpuid_policy {
	unsigned int nr;
	struct cpuid_leaf leaf[CPUID_POLICY_MAX_LEAVES];
};

/* The default for @d (the hardware domain gets a little more). NULL: no memory. */
struct cpuid_policy *cpuid_policy_new(const struct domain *d);
void cpuid_policy_free(struct cpuid_policy *p);

/*
 * One leaf from the tools. Feature bits beyond the default are dropped. -EINVAL: no
 * such leaf.
 */
int cpuid_policy_set(struct cpuid_policy *p, const struct domain *d, const struct cpuid_leaf *l);

/* The defaults, for the tools' questions. */
void cpuid_policy_default(struct cpuid_policy *p, bool hardware);

#endif
