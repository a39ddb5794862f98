/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* domctl: vCPUs: making them, their contexts, what they do, where they may run. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>

#include "domctl.h"

int domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
	uint32_t max = op->u.max_vcpus.max;
	/* Where the first of them queues at first: domains take turns. */
	unsigned int cpu = cpumask_cycle(d->id % nr_cpu_ids(), cpu_online_map);

	if (d == current->domain || max != d->max_vcpus)
		return (int)hv_err(-EINVAL, "domain %u was made for %u vCPUs, not %u", d->id,
				   d->max_vcpus, max);
	for (unsigned int i = 0; i < max; i++) {
		int rc;

		if (d->vcpu[i])
			continue;
		rc = vcpu_create(d, i, cpu);
		if (rc)
			return rc;
		cpu = cpumask_cycle(cpu, cpu_online_map);
	}
	return 0;
}

/* ---- contexts ------------------------------------------------------------------------- */

static int set_context(struct vcpu *v, uint64_t ctxt)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	rc = guest_copy_in(c, ctxt, sizeof(*c)) ? -EFAULT : 0;
	if (!rc) {
		domain_pause(v->domain);
		rc = arch_vcpu_set_context(v, c);
		if (!rc && (c->flags & VGCF_online))
			clear_bit(VPF_down, &v->pause_flags);
		else if (!rc)
			set_bit(VPF_down, &v->pause_flags);
		domain_unpause(v->domain);
	}
	hv_free(c);
	return rc;
}

int domctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);

	if (d == current->domain || !v)
		return -EINVAL;
	if (guest_handle_is_null(op->u.vcpucontext.ctxt))
		return vcpu_reset(v);
	return set_context(v, guest_handle_va(op->u.vcpucontext.ctxt));
}

int domctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
	struct vcpu_guest_context *c;
	int rc;

	if (!v || v == current)
		return -EINVAL;
	if (!v->initialised)
		return -ENODATA;
	c = hv_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	vcpu_pause(v);
	arch_vcpu_get_context(v, c);
	vcpu_unpause(v);
	rc = guest_copy_out(guest_handle_va(op->u.vcpucontext.ctxt), c, sizeof(*c)) ? -EFAULT : 0;
	hv_free(c);
	return rc;
}

int domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
	struct vcpu *v = domain_vcpu(d, i->vcpu);
	struct vcpu_runstate_info r;

	if (i->vcpu >= d->max_vcpus)
		return -EINVAL;
	if (!v)
		return -ESRCH;
	vcpu_runstate_get(v, &r);
	memset(i, 0, sizeof(*i));
	i->vcpu = v->id;
	i->online = !test_bit(VPF_down, &v->pause_flags);
	i->blocked =
		test_bit(VPF_blocked, &v->pause_flags) || test_bit(VPF_polling, &v->pause_flags);
	i->running = r.state == RUNSTATE_running;
	i->cpu_time = r.time[RUNSTATE_running];
	i->cpu = READ_ONCE(v->cpu);
	return 0;
}

/* ---- affinity ------------------------------------------------------------------------------ */

static int set_affinity(struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
	struct cpumask hard = v->hard_affinity, soft = v->soft_affinity, now;
	int rc = 0;

	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = xenctl_bitmap_get(&a->cpumap_hard, &hard.bits);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = xenctl_bitmap_get(&a->cpumap_soft, &soft.bits);
	if (!rc)
		rc = sched_set_affinity(v, hard, soft);
	if (rc)
		return rc;
	/* What comes of it: of the CPUs there are, and the soft ones of the hard ones. */
	now = cpumask_and(hard, cpu_online_map);
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = xenctl_bitmap_put(&a->cpumap_hard, now.bits);
	now = cpumask_and(now, soft);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = xenctl_bitmap_put(&a->cpumap_soft, now.bits);
	return rc;
}

static int get_affinity(const struct vcpu *v, struct xen_domctl_vcpuaffinity *a)
{
	int rc = 0;

	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = xenctl_bitmap_put(&a->cpumap_hard, v->hard_affinity.bits);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = xenctl_bitmap_put(&a->cpumap_soft, v->soft_affinity.bits);
	return rc;
}

static int affinity(struct domain *d, struct xen_domctl_vcpuaffinity *a, bool set)
{
	struct vcpu *v = domain_vcpu(d, a->vcpu);

	if (a->vcpu >= d->max_vcpus ||
	    !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	if (!v)
		return -ESRCH;
	return set ? set_affinity(v, a) : get_affinity(v, a);
}

int domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	return affinity(d, &op->u.vcpuaffinity, true);
}

int domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
	return affinity(d, &op->u.vcpuaffinity, false);
}
