/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Autoballooning, as xl.conf(5) describes it. */
#include "dom0-tools/xl/balloon.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "dom0-tools/xl/conf.h"
#include "dom0-tools/xl/xl.h"

#define WAIT_SECONDS 10

/* "auto": only if nobody chose the control domain's size. */
static int wanted(struct xl *xl, const struct xl_conf *conf, bool *ret_wanted)
{
	struct dom_version version;
	const char *at;

	*ret_wanted = conf->autoballoon == XL_BALLOON_ON;
	if (conf->autoballoon != XL_BALLOON_AUTO)
		return XL_OK;
	if (dom_version(xl->dom, &version))
		return xl_dom_error(xl);
	at = strstr(version.commandline, "dom0_mem=");
	*ret_wanted = !at || (at != version.commandline && at[-1] != ' ');
	return XL_OK;
}

static int free_kb(struct xl *xl, uint64_t *ret_kb)
{
	struct dom_physinfo info;

	if (dom_physinfo(xl->dom, &info))
		return xl_dom_error(xl);
	*ret_kb = (info.free_pages + info.scrub_pages - info.outstanding_pages) * 4;
	return XL_OK;
}

/* The hypervisor tells nobody when memory becomes free, so this looks. */
static int wait_for(struct xl *xl, uint64_t need)
{
	struct timespec pause = {0, 100000000};
	uint64_t have = 0;

	for (int i = 0; i < WAIT_SECONDS * 10; i++) {
		if (free_kb(xl, &have))
			return XL_FAIL;
		if (have >= need)
			return XL_OK;
		nanosleep(&pause, NULL);
	}
	xl_error(xl,
		 "the domain needs %" PRIu64 " MiB, and Domain-0 has not given up enough: %" PRIu64
		 " MiB are free",
		 need >> 10, have >> 10);
	return XL_FAIL;
}

int balloon_make_room(struct xl *xl, const struct xl_conf *conf, const struct domain_config *cfg)
{
	uint64_t need = 0, have = 0, target = 0;
	bool do_it;

	if (wanted(xl, conf, &do_it))
		return XL_FAIL;
	if (!do_it)
		return XL_OK;
	if (dom_mem_need(xl->dom, cfg, &need))
		return xl_dom_error(xl);
	if (free_kb(xl, &have))
		return XL_FAIL;
	if (have >= need)
		return XL_OK;
	if (dom_mem_target(xl->dom, 0, &target))
		return xl_dom_error(xl);
	if (target < DOM0_MEM_MIN_KB + (need - have)) {
		xl_error(xl,
			 "the domain needs %" PRIu64 " MiB, %" PRIu64
			 " MiB are free, and Domain-0 can't spare the rest",
			 need >> 10, have >> 10);
		return XL_FAIL;
	}
	if (dom_mem_set(xl->dom, 0, target - (need - have)))
		return xl_dom_error(xl);
	return wait_for(xl, need);
}
