/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * sysctl: the scheduler, and CPU pools, of which there is one: pool 0 with all
 * CPUs and all domains.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/sched.h>

#include "domctl.h"

#define POOL 0U

int sysctl_sched_id(struct xen_sysctl *op)
{
	op->u.sched_id.sched_id = sched_policy->id;
	return 0;
}

int sysctl_scheduler_op(struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->cpupool_id != POOL)
		return (int)hv_err(-ESRCH, "no CPU pool %u", s->cpupool_id);
	if (s->sched_id != sched_policy->id)
		return (int)hv_err(-EINVAL, "scheduler %u asked, %u runs", s->sched_id,
				   sched_policy->id);
	if (s->cmd != XEN_SYSCTL_SCHEDOP_putinfo && s->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -EINVAL;
	return sched_policy->global_params(s);
}

static uint32_t count_domains(void)
{
	struct domain *d;
	uint32_t n = 0;

	spin_lock(&domains_lock);
	for_each_domain (d)
		n++;
	spin_unlock(&domains_lock);
	return n;
}

static int pool_info(struct xen_sysctl_cpupool_op *p)
{
	if (p->cpupool_id != POOL && p->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
		return -ENOENT;
	p->cpupool_id = POOL;
	p->sched_id = sched_policy->id;
	p->n_dom = count_domains();
	return xenctl_bitmap_put(&p->cpumap, cpu_online_map.bits);
}

static int move_domain(const struct xen_sysctl_cpupool_op *p)
{
	struct domain *d;

	if (p->cpupool_id != POOL)
		return (int)hv_err(-ENOENT, "no CPU pool %u", p->cpupool_id);
	d = p->domid < DOMID_FIRST_RESERVED ? domain_get_by_id((domid_t)p->domid) : NULL;
	if (!d)
		return -ESRCH;
	domain_put(d);
	return 0;
}

int sysctl_cpupool_op(struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		return pool_info(p);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return xenctl_bitmap_put(&p->cpumap, 0);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		return move_domain(p);
	case XEN_SYSCTL_CPUPOOL_OP_CREATE:
		return (int)hv_err(-EOPNOTSUPP, "there is one CPU pool only");
	case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
		return p->cpupool_id == POOL ? -EBUSY : -ENOENT;
	case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
		return p->cpupool_id == POOL
			       ? (int)hv_err(-EADDRNOTAVAIL, "no CPU is free: all are in pool 0")
			       : -ENOENT;
	case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
		return p->cpupool_id == POOL ? (int)hv_err(-EOPNOTSUPP, "CPUs can't leave pool 0")
					     : -ENOENT;
	default:
		return hv_err(-ENOSYS, "CPU pool operation %u", p->op);
	}
}
