/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * How much memory a domain may have and should have. The target is a node in
 * the store that the guest's balloon driver follows; the limit is the
 * hypervisor's. Owns nothing; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"

/* What an idle guest takes besides its own memory, generously. */
#define OVERHEAD_KB          256u
#define OVERHEAD_PER_VCPU_KB 64u

static int set_limit(struct dom_ctx *ctx, uint32_t domid, uint64_t kb)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_max_mem};

	op.u.max_mem.max_memkb = kb;
	return dom_domctl(ctx, &op, domid, "setting the memory limit");
}

static int read_kb(struct dom_ctx *ctx, uint32_t domid, const char *node, uint64_t *ret_kb)
{
	struct xsc_path p;
	long long v;
	int rc;

	xsc_pathf(&p, DOM_PATH_LOCAL "/%u/memory/%s", domid, node);
	rc = xsc_read_int(ctx->xs, XSC_NO_TX, p.s, &v);
	if (!rc) {
		*ret_kb = v < 0 ? 0 : (uint64_t)v;
	}
	return rc;
}

/*
 * The control domain is not made by us: what it has now is its target, and its
 * limit, unless it has none, its maximum.
 */
static int init_control_domain(struct dom_ctx *ctx)
{
	struct dom_info info;
	struct xsc_path p;
	uint64_t max;
	int rc = dom_info(ctx, 0, &info);

	if (rc) {
		return rc;
	}
	/* Xen's tools write the greatest number that an XLEN-sized counter takes. */
	max = info.max_kb > UINT32_MAX * 4ULL ? UINT32_MAX * 4ULL : info.max_kb;
	rc = xsc_printf(ctx->xs, XSC_NO_TX, xsc_pathf(&p, DOM_PATH_LOCAL "/0/memory/target"),
			"%llu", (unsigned long long)info.current_kb);
	if (!rc) {
		xsc_pathf(&p, DOM_PATH_LOCAL "/0/memory/static-max");
		rc = xsc_printf(ctx->xs, XSC_NO_TX, p.s, "%llu", (unsigned long long)max);
	}
	return rc ? dom_err_sys(ctx, rc, "noting the control domain's memory") : 0;
}

int dom_mem_target(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb)
{
	int rc = dom_need_store(ctx);

	if (rc) {
		return rc;
	}
	rc = read_kb(ctx, domid, "target", ret_kb);
	if (rc == -ENOENT && !domid) {
		rc = init_control_domain(ctx);
		return rc ? rc : read_kb(ctx, 0, "target", ret_kb);
	}
	return rc ? dom_err_sys(ctx, rc, "reading the memory target of domain %u", domid) : 0;
}

int dom_mem_static_max(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb)
{
	uint64_t target;
	int rc = dom_mem_target(ctx, domid, &target); /* makes the control domain's nodes */

	if (rc) {
		return rc;
	}
	rc = read_kb(ctx, domid, "static-max", ret_kb);
	return rc ? dom_err_sys(ctx, rc, "reading the memory limits of domain %u", domid) : 0;
}

static int check_target(struct dom_ctx *ctx, uint32_t domid, uint64_t kb, uint64_t max)
{
	uint64_t min = domid ? DOM_MEM_MIN_KB : DOM0_MEM_MIN_KB;

	if (kb > max) {
		return dom_err(
			ctx, -EINVAL,
			"domain %u may have at most %llu MiB (maxmem= in its configuration, or "
			"xl mem-max), not %llu",
			domid, (unsigned long long)(max >> 10), (unsigned long long)(kb >> 10));
	}
	if (kb < min) {
		return dom_err(ctx, -EINVAL,
			       "domain %u needs at least %llu MiB to live, %llu are too little",
			       domid, (unsigned long long)(min >> 10),
			       (unsigned long long)(kb >> 10));
	}
	return 0;
}

static int write_target(struct dom_ctx *ctx, uint32_t domid, uint64_t kb)
{
	struct xsc_path p;

	xsc_pathf(&p, DOM_PATH_LOCAL "/%u/memory/target", domid);
	return xsc_printf(ctx->xs, XSC_NO_TX, p.s, "%llu", (unsigned long long)kb);
}

int dom_mem_set(struct dom_ctx *ctx, uint32_t domid, uint64_t target_kb)
{
	struct xen_domctl_getdomaininfo info;
	uint64_t max, limit;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	if (!rc) {
		rc = dom_mem_static_max(ctx, domid, &max);
	}
	if (rc) {
		return rc;
	}
	rc = check_target(ctx, domid, target_kb, max);
	if (rc) {
		return rc;
	}
	/* The limit first, so that a guest that is quick isn't refused. */
	limit = info.max_pages * DOM_KB_PER_PAGE;
	rc = set_limit(ctx, domid, target_kb + DOM_MEM_SLACK_KB);
	if (rc) {
		return rc;
	}
	rc = write_target(ctx, domid, target_kb);
	if (rc) {
		dom_err_sys(ctx, rc, "writing the memory target of domain %u", domid);
		ctx->undoing++;
		set_limit(ctx, domid, limit);
		ctx->undoing--;
	}
	return rc;
}

int dom_mem_max(struct dom_ctx *ctx, uint32_t domid, uint64_t max_kb)
{
	struct xen_domctl_getdomaininfo info;
	struct xsc_path p;
	uint64_t target;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	if (!rc) {
		rc = dom_mem_target(ctx, domid, &target);
	}
	if (rc) {
		return rc;
	}
	if (max_kb < target) {
		return dom_err(ctx, -EINVAL,
			       "domain %u has %llu MiB as its target: its maximum can't be lower "
			       "(xl mem-set first)",
			       domid, (unsigned long long)(target >> 10));
	}
	rc = set_limit(ctx, domid, max_kb + DOM_MEM_SLACK_KB);
	if (!rc) {
		xsc_pathf(&p, DOM_PATH_LOCAL "/%u/memory/static-max", domid);
		rc = xsc_printf(ctx->xs, XSC_NO_TX, p.s, "%llu", (unsigned long long)max_kb);
		if (rc) {
			dom_err_sys(ctx, rc, "writing the memory maximum of domain %u", domid);
		}
	}
	return rc;
}

int dom_mem_need(struct dom_ctx *ctx, const struct domain_config *cfg, uint64_t *ret_kb)
{
	unsigned int vcpus = cfg->max_vcpus ? cfg->max_vcpus : cfg->vcpus ? cfg->vcpus : 1;

	*ret_kb = cfg->memory_kb + OVERHEAD_KB + (uint64_t)vcpus * OVERHEAD_PER_VCPU_KB;
	return 0;
}
