/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPUs: what they do, where they may run, how many of them, and what share of
 * the machine they get. Owns nothing; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"

/* Two CPU maps that the hypervisor can read and write. */
struct maps {
	uint8_t hard[DOM_CPUS_MAX / 8];
	uint8_t soft[DOM_CPUS_MAX / 8];
};

static void affinity_op(struct xen_domctl *op, uint32_t cmd, uint32_t vcpu, uint32_t flags,
			struct maps *maps)
{
	memset(op, 0, sizeof(*op));
	op->cmd = cmd;
	op->u.vcpuaffinity.vcpu = vcpu;
	op->u.vcpuaffinity.flags = flags;
	if (flags & XEN_VCPUAFFINITY_HARD) {
		op->u.vcpuaffinity.cpumap_hard.nr_bits = DOM_CPUS_MAX;
		set_xen_guest_handle(op->u.vcpuaffinity.cpumap_hard.bitmap, maps->hard);
	}
	if (flags & XEN_VCPUAFFINITY_SOFT) {
		op->u.vcpuaffinity.cpumap_soft.nr_bits = DOM_CPUS_MAX;
		set_xen_guest_handle(op->u.vcpuaffinity.cpumap_soft.bitmap, maps->soft);
	}
}

static int one_vcpu(struct dom_ctx *ctx, uint32_t domid, struct dom_vcpu *v, struct maps *maps)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_getvcpuinfo};
	int rc;

	op.u.getvcpuinfo.vcpu = v->id;
	rc = dom_domctl(ctx, &op, domid, "asking for a vCPU");
	if (rc) {
		return rc;
	}
	v->online = op.u.getvcpuinfo.online;
	v->blocked = op.u.getvcpuinfo.blocked;
	v->running = op.u.getvcpuinfo.running;
	v->cpu = op.u.getvcpuinfo.cpu;
	v->cpu_time = op.u.getvcpuinfo.cpu_time;
	memset(maps, 0, sizeof(*maps));
	affinity_op(&op, XEN_DOMCTL_getvcpuaffinity, v->id,
		    XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT, maps);
	rc = dom_domctl(ctx, &op, domid, "asking for a vCPU's affinity");
	v->hard.nr = v->soft.nr = DOM_CPUS_MAX;
	memcpy(v->hard.bits, maps->hard, sizeof(v->hard.bits));
	memcpy(v->soft.bits, maps->soft, sizeof(v->soft.bits));
	return rc;
}

int dom_vcpu_list(struct dom_ctx *ctx, uint32_t domid, struct dom_vcpu **ret_vcpus, size_t *ret_nr)
{
	struct dom_vcpu *vcpus;
	struct dom_info info;
	struct maps *maps;
	size_t nr = 0;
	int rc = dom_info(ctx, domid, &info);

	if (rc) {
		return rc;
	}
	vcpus = calloc(info.vcpus_max + 1, sizeof(*vcpus));
	maps = hv_buf_alloc(ctx->hv, sizeof(*maps));
	rc = vcpus && maps ? 0 : dom_err_sys(ctx, -ENOMEM, "listing vCPUs");
	for (unsigned int i = 0; !rc && i < info.vcpus_max; i++) {
		vcpus[nr].id = i;
		rc = one_vcpu(ctx, domid, &vcpus[nr], maps);
		if (rc == -ESRCH) { /* an id without a vCPU */
			rc = 0;
			continue;
		}
		nr++;
	}
	hv_buf_free(ctx->hv, maps, sizeof(*maps));
	if (rc) {
		free(vcpus);
		return rc;
	}
	*ret_vcpus = vcpus;
	*ret_nr = nr;
	return 0;
}

/* ---- affinity ------------------------------------------------------------------- */

static void map_out(uint8_t bits[DOM_CPUS_MAX / 8], const struct domain_cpumap *map)
{
	size_t bytes = map->nr / 8 < DOM_CPUS_MAX / 8 ? map->nr / 8 : DOM_CPUS_MAX / 8;

	memset(bits, 0, DOM_CPUS_MAX / 8);
	memcpy(bits, map->bits, bytes);
}

/*
 * Whether less will be done than was asked for: not all of the hard affinity's
 * CPUs are there, or none of the soft one's is among those it may run on.
 */
static bool narrowed(const struct maps *effective, const struct domain_cpumap *hard,
		     const struct domain_cpumap *soft)
{
	static const uint8_t none[DOM_CPUS_MAX / 8];
	uint8_t want[DOM_CPUS_MAX / 8];

	if (hard) {
		map_out(want, hard);
		if (memcmp(want, effective->hard, sizeof(want))) {
			return true;
		}
	}
	return soft && !memcmp(none, effective->soft, sizeof(none));
}

static int pin_one(struct dom_ctx *ctx, uint32_t domid, uint32_t vcpu, uint32_t flags,
		   struct maps *maps, const struct domain_cpumap *hard,
		   const struct domain_cpumap *soft, bool *ret_narrowed)
{
	struct xen_domctl op;
	int rc;

	if (hard) {
		map_out(maps->hard, hard);
	}
	if (soft) {
		map_out(maps->soft, soft);
	}
	affinity_op(&op, XEN_DOMCTL_setvcpuaffinity, vcpu, flags, maps);
	op.domain = (domid_t)domid;
	rc = hv_domctl(ctx->hv, &op);
	if (rc == -EINVAL) {
		return dom_err(ctx, rc,
			       "vCPU %u of domain %u can't be pinned so: none of those CPUs exists "
			       "(see xl info) or there is no such vCPU",
			       vcpu, domid);
	}
	if (rc) {
		return dom_err_sys(ctx, rc, "pinning vCPU %u of domain %u", vcpu, domid);
	}
	if (ret_narrowed && narrowed(maps, hard, soft)) {
		*ret_narrowed = true;
	}
	return 0;
}

int dom_vcpu_pin(struct dom_ctx *ctx, uint32_t domid, uint32_t vcpu,
		 const struct domain_cpumap *hard, const struct domain_cpumap *soft, bool force,
		 bool *ret_narrowed)
{
	uint32_t flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0) |
			 (force ? XEN_VCPUAFFINITY_FORCE : 0);
	uint32_t first = vcpu == DOM_VCPU_ALL ? 0 : vcpu, last = first;
	bool less = false;
	struct dom_info info;
	struct maps *maps;
	int rc = dom_info(ctx, domid, &info);

	if (rc) {
		return rc;
	}
	if (vcpu == DOM_VCPU_ALL) {
		last = info.vcpus_max ? info.vcpus_max - 1 : 0;
	} else if (vcpu >= info.vcpus_max) {
		return dom_err(ctx, -EINVAL, "domain %u has no vCPU %u (it has %u)", domid, vcpu,
			       info.vcpus_max);
	}
	maps = hv_buf_alloc(ctx->hv, sizeof(*maps));
	if (!maps) {
		return dom_err_sys(ctx, -ENOMEM, "pinning vCPUs");
	}
	for (uint32_t i = first; !rc && i <= last; i++) {
		rc = pin_one(ctx, domid, i, flags, maps, hard, soft, &less);
	}
	hv_buf_free(ctx->hv, maps, sizeof(*maps));
	if (!rc && ret_narrowed) {
		*ret_narrowed = less;
	}
	return rc;
}

/* ---- how many ----------------------------------------------------------------------- */

int dom_vcpu_set(struct dom_ctx *ctx, uint32_t domid, unsigned int count)
{
	struct dom_info info;
	struct xsc_path p;
	uint32_t tx;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_info(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	if (!count || count > info.vcpus_max) {
		return dom_err(ctx, -EINVAL,
			       "domain %u can run with 1 to %u vCPUs (maxvcpus= in its "
			       "configuration), not with %u",
			       domid, info.vcpus_max, count);
	}
	do {
		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		for (unsigned int i = 0; !rc && i < info.vcpus_max; i++) {
			xsc_pathf(&p, DOM_PATH_LOCAL "/%u/cpu/%u/availability", domid, i);
			rc = xsc_write_str(ctx->xs, tx, p.s, i < count ? "online" : "offline");
		}
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
	return rc ? dom_err_sys(ctx, rc, "asking domain %u for %u vCPUs", domid, count) : 0;
}

/* ---- the scheduler ------------------------------------------------------------------ */

static const char *sched_name(uint32_t id)
{
	switch (id) {
	case XEN_SCHEDULER_CREDIT:
		return "credit";
	case XEN_SCHEDULER_CREDIT2:
		return "credit2";
	case XEN_SCHEDULER_ARINC653:
		return "arinc653";
	case XEN_SCHEDULER_RTDS:
		return "rtds";
	case XEN_SCHEDULER_NULL:
		return "null";
	default:
		return "unknown";
	}
}

int dom_sched_name(struct dom_ctx *ctx, const char **ret_name)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_sched_id};
	int rc = dom_sysctl(ctx, &op, "asking for the scheduler");

	if (!rc) {
		*ret_name = sched_name(op.u.sched_id.sched_id);
	}
	return rc;
}

/* Credit and credit2 know weight and cap alike, and place them alike. */
static int sched_call(struct dom_ctx *ctx, uint32_t domid, uint32_t cmd,
		      struct dom_sched_credit *params)
{
	struct xen_sysctl which = {.cmd = XEN_SYSCTL_sched_id};
	struct xen_domctl op = {.cmd = XEN_DOMCTL_scheduler_op};
	uint32_t id;
	int rc = dom_sysctl(ctx, &which, "asking for the scheduler");

	if (rc) {
		return rc;
	}
	id = which.u.sched_id.sched_id;
	if (id != XEN_SCHEDULER_CREDIT && id != XEN_SCHEDULER_CREDIT2) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "the hypervisor runs the %s scheduler, which has no weight and cap",
			       sched_name(id));
	}
	op.u.scheduler_op.sched_id = id;
	op.u.scheduler_op.cmd = cmd;
	op.u.scheduler_op.u.credit.weight = (uint16_t)params->weight;
	op.u.scheduler_op.u.credit.cap = (uint16_t)params->cap;
	rc = dom_domctl(ctx, &op, domid, "the scheduler's parameters");
	if (!rc) {
		params->weight = op.u.scheduler_op.u.credit.weight;
		params->cap = op.u.scheduler_op.u.credit.cap;
	}
	return rc;
}

int dom_sched_credit_get(struct dom_ctx *ctx, uint32_t domid, struct dom_sched_credit *ret_params)
{
	struct dom_sched_credit params = {0};
	int rc = sched_call(ctx, domid, XEN_DOMCTL_SCHEDOP_getinfo, &params);

	if (!rc) {
		*ret_params = params;
	}
	return rc;
}

int dom_sched_credit_set(struct dom_ctx *ctx, uint32_t domid, const struct dom_sched_credit *params)
{
	struct dom_sched_credit p = *params;
	struct dom_info info;
	int rc = dom_info(ctx, domid, &info);

	if (rc) {
		return rc;
	}
	if (!p.weight || p.weight > 65535) {
		return dom_err(ctx, -EINVAL, "a weight is 1 to 65535, not %u", p.weight);
	}
	if (p.cap > 100 * info.vcpus_max) {
		return dom_err(ctx, -EINVAL, "a cap is 0 to %u for %u vCPUs, not %u",
			       100 * info.vcpus_max, info.vcpus_max, p.cap);
	}
	return sched_call(ctx, domid, XEN_DOMCTL_SCHEDOP_putinfo, &p);
}
