/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The credit scheduler's parameters: sched-credit. */
#include "dom0-tools/xl/xl.h"

#include <stdlib.h>
#include <string.h>

#include <public/sysctl.h>

#include "dom0-tools/libhv/libhv.h"
#include "dom0-tools/xl/handlers.h"

struct sched_request {
	const char *domain, *pool;
	unsigned long weight, cap, tslice, ratelimit, delay;
	bool has_weight, has_cap, pool_params, has_tslice, has_ratelimit, has_delay;
};

/* ---- the pool's parameters -------------------------------------------------------------- */

static int pool_op(struct xl *xl, uint32_t pool, unsigned int cmd,
		   struct xen_sysctl_credit_schedule *params)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
	int ret;

	op.u.scheduler_op.cpupool_id = pool;
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	op.u.scheduler_op.cmd = cmd;
	op.u.scheduler_op.u.sched_credit = *params;
	ret = hv_sysctl(dom_hv(xl->dom), &op);
	if (ret) {
		xl_error(xl, "cannot %s the scheduler's parameters: %s",
			 cmd == XEN_SYSCTL_SCHEDOP_getinfo ? "read" : "set", strerror(-ret));
		return XL_FAIL;
	}
	*params = op.u.scheduler_op.u.sched_credit;
	return XL_OK;
}

static int print_pool_params(struct xl *xl, const struct dom_cpupool *pool)
{
	struct xen_sysctl_credit_schedule params = {0};

	if (pool_op(xl, pool->id, XEN_SYSCTL_SCHEDOP_getinfo, &params))
		return XL_FAIL;
	fprintf(xl->out, "Cpupool %s: tslice=%ums ratelimit=%uus migration-delay=%uus\n",
		pool->name, params.tslice_ms, params.ratelimit_us, params.vcpu_migr_delay_us);
	return XL_OK;
}

static int set_pool_params(struct xl *xl, const struct dom_cpupool *pool,
			   const struct sched_request *rq)
{
	struct xen_sysctl_credit_schedule params = {0};

	if (pool_op(xl, pool->id, XEN_SYSCTL_SCHEDOP_getinfo, &params))
		return XL_FAIL;
	if (rq->has_tslice)
		params.tslice_ms = (uint32_t)rq->tslice;
	if (rq->has_ratelimit)
		params.ratelimit_us = (uint32_t)rq->ratelimit;
	if (rq->has_delay)
		params.vcpu_migr_delay_us = (uint32_t)rq->delay;
	if (params.tslice_ms < 1 || params.tslice_ms > 1000) {
		xl_error(xl, "the time slice must be from 1 to 1000 ms");
		return XL_FAIL;
	}
	if (params.ratelimit_us && (params.ratelimit_us < 100 || params.ratelimit_us > 500000)) {
		xl_error(xl, "the rate limit must be 0 or from 100 to 500000 us");
		return XL_FAIL;
	}
	if (params.ratelimit_us > params.tslice_ms * 1000) {
		xl_error(xl, "the rate limit must not be longer than the time slice");
		return XL_FAIL;
	}
	if (params.vcpu_migr_delay_us > 100000) {
		xl_error(xl, "the migration delay must be at most 100000 us");
		return XL_FAIL;
	}
	return pool_op(xl, pool->id, XEN_SYSCTL_SCHEDOP_putinfo, &params);
}

/* ---- a domain's parameters --------------------------------------------------------------- */

static void print_head(struct xl *xl)
{
	fprintf(xl->out, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
}

static int print_domain(struct xl *xl, uint32_t domid)
{
	struct dom_sched_credit params;
	char *name;

	if (dom_sched_credit_get(xl->dom, domid, &params))
		return xl_dom_error(xl);
	name = xl_domain_name(xl, domid);
	fprintf(xl->out, "%-33s %4u %6u %4u\n", name, domid, params.weight, params.cap);
	free(name);
	return XL_OK;
}

static int domain_params(struct xl *xl, const struct sched_request *rq)
{
	struct dom_sched_credit params;
	uint32_t domid;

	if (xl_find(xl, rq->domain, &domid))
		return XL_FAIL;
	if (!rq->has_weight && !rq->has_cap) {
		print_head(xl);
		return print_domain(xl, domid);
	}
	if (dom_sched_credit_get(xl->dom, domid, &params))
		return xl_dom_error(xl);
	if (rq->has_weight)
		params.weight = (unsigned int)rq->weight;
	if (rq->has_cap)
		params.cap = (unsigned int)rq->cap;
	if (params.weight < 1 || params.weight > 65535) {
		xl_error(xl, "the weight must be from 1 to 65535");
		return XL_FAIL;
	}
	return dom_sched_credit_set(xl->dom, domid, &params) ? xl_dom_error(xl) : XL_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static int print_pool(struct xl *xl, const struct dom_cpupool *pool)
{
	struct dom_info *infos;
	int ret = XL_OK;
	size_t nr, i;

	if (print_pool_params(xl, pool))
		return XL_FAIL;
	if (dom_list(xl->dom, &infos, &nr))
		return xl_dom_error(xl);
	print_head(xl);
	for (i = 0; i < nr && ret == XL_OK; i++) {
		if (infos[i].cpupool == pool->id && !infos[i].dying)
			ret = print_domain(xl, infos[i].domid);
	}
	free(infos);
	return ret;
}

/* Each pool that the request is about and that this scheduler runs. */
static int each_pool(struct xl *xl, const struct sched_request *rq)
{
	struct dom_cpupool pool;
	bool found = false, set = rq->has_tslice || rq->has_ratelimit || rq->has_delay;
	uint32_t first;
	int ret = XL_OK;

	for (first = 0; !dom_cpupool(xl->dom, first, &pool); first = pool.id + 1) {
		if (rq->pool && strcmp(rq->pool, pool.name))
			continue;
		if (rq->pool_params && !rq->pool && pool.id)
			continue;
		found = true;
		if (pool.sched_id != XEN_SCHEDULER_CREDIT)
			continue;
		if (set)
			ret |= set_pool_params(xl, &pool, rq);
		else if (rq->pool_params)
			ret |= print_pool_params(xl, &pool);
		else
			ret |= print_pool(xl, &pool);
	}
	if (rq->pool && !found) {
		fprintf(xl->err, "unknown cpupool '%s'\n", rq->pool);
		return XL_FAIL;
	}
	return ret;
}

static int number_option(struct xl *xl, int opt, unsigned long *field, bool *has)
{
	if (xl_parse_uint(xl->optarg, UINT32_MAX, field)) {
		xl_error(xl, "option '-%c' takes a number, not '%s'", opt, xl->optarg);
		return XL_FAIL;
	}
	*has = true;
	return XL_OK;
}

static int take_option(struct xl *xl, int opt, struct sched_request *rq)
{
	switch (opt) {
	case 'd':
		rq->domain = xl->optarg;
		return XL_OK;
	case 'p':
		rq->pool = xl->optarg;
		return XL_OK;
	case 's':
		rq->pool_params = true;
		return XL_OK;
	case 'w':
		return number_option(xl, opt, &rq->weight, &rq->has_weight);
	case 'c':
		return number_option(xl, opt, &rq->cap, &rq->has_cap);
	case 't':
		return number_option(xl, opt, &rq->tslice, &rq->has_tslice);
	case 'r':
		return number_option(xl, opt, &rq->ratelimit, &rq->has_ratelimit);
	default:
		return number_option(xl, opt, &rq->delay, &rq->has_delay);
	}
}

int cmd_sched_credit(struct xl *xl, int argc, char **argv)
{
	struct sched_request rq = {0};
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		if (take_option(xl, opt, &rq))
			return XL_FAIL;
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if ((rq.pool || rq.pool_params) && (rq.domain || rq.has_weight || rq.has_cap)) {
		fprintf(xl->err, "Specifying a cpupool or schedparam is not allowed with domain "
				 "options.\n");
		return XL_FAIL;
	}
	if (!rq.domain && (rq.has_weight || rq.has_cap)) {
		fprintf(xl->err, "Must specify a domain.\n");
		return XL_FAIL;
	}
	if (!rq.pool_params && (rq.has_tslice || rq.has_ratelimit || rq.has_delay)) {
		fprintf(xl->err, "Must specify schedparam to set schedule parameter values.\n");
		return XL_FAIL;
	}
	if (xl_open(xl))
		return XL_FAIL;
	return rq.domain ? domain_params(xl, &rq) : each_pool(xl, &rq);
}
