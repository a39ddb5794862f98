/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the handlers of domctl and sysctl share. A domctl handler is called with
 * the domain (NULL for createdomain and getdomaininfo), a reference held and the
 * domctl lock taken; a sysctl handler with the sysctl lock. Both work on a local
 * copy of the whole structure, which goes back to the caller if it was changed,
 * whatever the result. -ERESTART has the hypercall executed again.
 *
 * Every handler takes the handles in the structure for guest addresses in the
 * caller's address space.
 */
#ifndef HYPERCALL_DOMCTL_H
#define HYPERCALL_DOMCTL_H

#include <hv/cpumask.h>
#include <public/domctl.h>
#include <public/sysctl.h>

#include "subops.h"

struct domain;

typedef int (*domctl_fn)(struct domain *d, struct xen_domctl *op);
typedef int (*sysctl_fn)(struct xen_sysctl *op);

#define DOMCTL_PROTO_IMPLEMENTED(name) int domctl_##name(struct domain *d, struct xen_domctl *op);
#define DOMCTL_PROTO_PARTLY(name)      DOMCTL_PROTO_IMPLEMENTED(name)
#define DOMCTL_PROTO_REFUSED(name)
#define DOMCTL_PROTO_NOT(name)
#define DOMCTL_PROTO(prefix, name, status, remark) DOMCTL_PROTO_##status(name)
SUBOPS_domctl(DOMCTL_PROTO)

#define SYSCTL_PROTO_IMPLEMENTED(name) int sysctl_##name(struct xen_sysctl *op);
#define SYSCTL_PROTO_PARTLY(name)      SYSCTL_PROTO_IMPLEMENTED(name)
#define SYSCTL_PROTO_REFUSED(name)
#define SYSCTL_PROTO_NOT(name)
#define SYSCTL_PROTO(prefix, name, status, remark) SYSCTL_PROTO_##status(name)
	SUBOPS_sysctl(SYSCTL_PROTO)

	/* Fills in all of @info, padding too. */
	void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/*
 * Bit maps of the tools (xenctl_bitmap.c). In: bits past the tools' or past ours
 * are 0. Out: bits past ours are 0. -EFAULT; -E2BIG: an absurdly large one.
 */
int xenctl_bitmap_get(const struct xenctl_bitmap *map, unsigned long *ret_bits);
int xenctl_bitmap_put(const struct xenctl_bitmap *map, unsigned long bits);

/* CPUs are counted up to the highest that is online. */
static inline unsigned int nr_cpu_ids(void)
{
	return bit_last(cpu_online_map.bits) + 1;
}

#endif
