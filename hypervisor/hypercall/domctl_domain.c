/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * domctl: life of domains, and what they are as a whole.
 *
 * Owns last_id, the last domain id handed out (under the domctl lock). Ids go up
 * and come round, so that one isn't seen again soon after its domain has died:
 * tools count on that.
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/lib.h>
#include <hv/time.h>
#include <arch/cpuid.h>
#include <arch/page.h>

#include "domctl.h"

#define MAX_TOOL_PAUSES  255
#define NO_SHUTDOWN_CODE 0xffU
#define NODES            1UL /* there is node 0 */

static domid_t last_id;

/* ---- createdomain ---------------------------------------------------------------- */

static int check_config(const struct xen_domctl_createdomain *c)
{
	if (c->flags)
		return (int)hv_err(-EINVAL, "flags %#x: only PV domains, without IOMMU", c->flags);
	if (c->iommu_opts)
		return (int)hv_err(-EINVAL, "IOMMU options %#x without IOMMU", c->iommu_opts);
	if (c->arch.emulation_flags || (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED))
		return (int)hv_err(-EINVAL, "emulation flags %#x, misc flags %#x for a PV domain",
				   c->arch.emulation_flags, c->arch.misc_flags);
	if (c->vmtrace_size)
		return (int)hv_err(-EINVAL, "processor trace isn't for PV domains");
	if (c->cpupool_id)
		return (int)hv_err(-ENOENT, "no CPU pool %u", c->cpupool_id);
	return 0;
}

static int create_with_free_id(const struct xen_domctl_createdomain *c, struct domain **ret_d)
{
	domid_t id = last_id;

	/* Each slot of the domain table is met at least once, a wrap on the way or not. */
	for (unsigned int i = 0; i < 2 * MAX_DOMAINS; i++) {
		int rc;

		if (++id >= DOMID_FIRST_RESERVED)
			id = 1;
		rc = domain_create(id, c, false, ret_d);
		if (!rc)
			last_id = id;
		if (rc != -EEXIST)
			return rc;
	}
	return (int)hv_err(-ENOMEM, "there are %u domains, which is the limit", MAX_DOMAINS);
}

int domctl_createdomain(struct domain *none, struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct domain *d;
	int rc = check_config(c);

	if (rc)
		return rc;
	if (!op->domain || op->domain >= DOMID_FIRST_RESERVED)
		rc = create_with_free_id(c, &d);
	else
		rc = domain_create(op->domain, c, false, &d);
	if (rc)
		return rc;
	op->domain = d->id;
	return 0;
}

/* ---- stopping, going on, ending ----------------------------------------------------- */

int domctl_destroydomain(struct domain *d, struct xen_domctl *op)
{
	return domain_kill(d);
}

int domctl_pausedomain(struct domain *d, struct xen_domctl *op)
{
	if (d == current->domain)
		return (int)hv_err(-EINVAL, "a domain can't pause itself");
	if (d->tool_paused == MAX_TOOL_PAUSES)
		return -EOVERFLOW;
	d->tool_paused++;
	domain_pause(d);
	return 0;
}

int domctl_unpausedomain(struct domain *d, struct xen_domctl *op)
{
	if (!d->tool_paused)
		return (int)hv_err(-EINVAL, "domain %u isn't paused", d->id);
	if (!--d->tool_paused)
		d->started = true;
	domain_unpause(d);
	return 0;
}

int domctl_resumedomain(struct domain *d, struct xen_domctl *op)
{
	if (d == current->domain)
		return -EINVAL;
	domain_resume(d);
	return 0;
}

/* ---- getdomaininfo -------------------------------------------------------------------- */

/* Adds up the vCPUs; returns XEN_DOMINF_running and _blocked as they apply. */
static uint32_t sum_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	uint32_t flags = XEN_DOMINF_blocked;
	struct vcpu *v;

	for_each_vcpu (d, v) {
		struct vcpu_runstate_info r;

		vcpu_runstate_get(v, &r);
		info->cpu_time += r.time[RUNSTATE_running];
		info->max_vcpu_id = v->id;
		if (test_bit(VPF_down, &v->pause_flags))
			continue;
		info->nr_online_vcpus++;
		if (!test_bit(VPF_blocked, &v->pause_flags) &&
		    !test_bit(VPF_polling, &v->pause_flags))
			flags &= ~XEN_DOMINF_blocked;
		if (r.state == RUNSTATE_running)
			flags |= XEN_DOMINF_running;
	}
	/* What is left standing is neither, whatever its vCPUs did last. */
	if (!info->nr_online_vcpus || d->is_shut_down || d->dying != DOMDYING_alive)
		return 0;
	return flags;
}

void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	struct shared_info *s = READ_ONCE(d->shared_info);
	uint32_t code;

	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	info->flags = sum_vcpus(d, info);
	code = d->is_shut_down ? d->shutdown_code : NO_SHUTDOWN_CODE;
	info->flags |= (d->dying == DOMDYING_dead ? XEN_DOMINF_dying : 0) |
		       (d->is_shut_down ? XEN_DOMINF_shutdown : 0) |
		       (d->tool_paused ? XEN_DOMINF_paused : 0) |
		       (d->debugged ? XEN_DOMINF_debugged : 0) | code << XEN_DOMINF_shutdownshift;
	info->tot_pages = READ_ONCE(d->tot_pages);
	info->max_pages = READ_ONCE(d->max_pages);
	info->outstanding_pages = READ_ONCE(d->claimed_pages);
	info->shared_info_frame = s ? mfn_x(virt_to_mfn(s)) : mfn_x(INVALID_MFN);
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info->cpupool = d->cpupool_id;
	arch_domain_get_info(d, info);
}

int domctl_getdomaininfo(struct domain *none, struct xen_domctl *op)
{
	struct domain *d = domain_get_from_id(op->domain);

	if (!d)
		return -ESRCH;
	domain_get_info(d, &op->u.getdomaininfo);
	op->domain = d->id;
	domain_put(d);
	return 0;
}

/* ---- properties ------------------------------------------------------------------------ */

/* May be less than it has now: then it can only give back. */
int domctl_max_mem(struct domain *d, struct xen_domctl *op)
{
	uint64_t pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

	spin_lock(&d->page_lock);
	d->max_pages = min(pages, (uint64_t)UINT32_MAX);
	spin_unlock(&d->page_lock);
	return 0;
}

int domctl_setdomainhandle(struct domain *d, struct xen_domctl *op)
{
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	return 0;
}

int domctl_setdebugging(struct domain *d, struct xen_domctl *op)
{
	if (d == current->domain)
		return -EINVAL;
	d->debugged = op->u.setdebugging.enable;
	return 0;
}

int domctl_settimeoffset(struct domain *d, struct xen_domctl *op)
{
	if (!d->shared_info)
		return -EINVAL;
	d->time_offset_s = op->u.settimeoffset.time_offset_seconds;
	time_update_wallclock(d);
	return 0;
}

int domctl_scheduler_op(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;

	if (s->sched_id != sched_policy->id)
		return (int)hv_err(-EINVAL, "scheduler %u asked, %u runs", s->sched_id,
				   sched_policy->id);
	return sched_policy->domain_params(d, s);
}

int domctl_set_virq_handler(struct domain *d, struct xen_domctl *op)
{
	return evtchn_set_global_virq_handler(d, op->u.set_virq_handler.virq);
}

int domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op)
{
	unsigned long nodes;
	int rc = xenctl_bitmap_get(&op->u.nodeaffinity.nodemap, &nodes);

	if (rc)
		return rc;
	return nodes & NODES ? 0 : (int)hv_err(-EINVAL, "node 0 isn't among %#lx", nodes);
}

int domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op)
{
	return xenctl_bitmap_put(&op->u.nodeaffinity.nodemap, NODES);
}

int domctl_shadow_op(struct domain *d, struct xen_domctl *op)
{
	if (d == current->domain)
		return -EINVAL;
	if (op->u.shadow_op.op != XEN_DOMCTL_SHADOW_OP_OFF)
		return (int)hv_err(-EOPNOTSUPP, "shadow operation %u", op->u.shadow_op.op);
	return 0;
}
