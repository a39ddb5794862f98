/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * When an audit is made, of what, and what it says. See hv/audit.h.
 *
 * State: one audit at a time, in a softirq, with all other CPUs stopped.
 */
#include <hv/audit.h>
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/rendezvous.h>
#include <hv/softirq.h>

#include "internal.h"

#define MAX_SHOWN 32U

static bool opt_audit = CONFIG_AUDIT;
CMDLINE_BOOL("audit", opt_audit);

static unsigned int differences;

void audit_differs(const char *fmt, ...)
{
	char line[160];
	va_list ap;

	if (differences++ >= MAX_SHOWN)
		return;
	va_start(ap, fmt);
	hv_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pr_err("Audit: %s\n", line);
}

static void audit_all(void)
{
	unsigned int domains = 0;
	const struct domain *d;
	struct audit_stats stats = {0};

	differences = 0;
	audit_frames(&stats);
	for_each_domain (d) {
		domains++;
		grant_audit(d);
		evtchn_audit(d);
	}
	arch_audit();
	if (differences)
		pr_err("Audit: %lu frames, %lu tables, %u domains: %u DIFFERENCES\n", stats.frames,
		       stats.tables, domains, differences);
	else
		pr_info("Audit: %lu frames, %lu tables, %u domains: no difference\n", stats.frames,
			stats.tables, domains);
}

static void run(void)
{
	if (!audit_buffer_get()) {
		pr_err("Audit: no memory to count in\n");
		return;
	}
	if (!rendezvous(audit_all))
		softirq_raise(SOFTIRQ_AUDIT);
	audit_buffer_put();
}

void audit_request(void)
{
	softirq_raise(SOFTIRQ_AUDIT);
}

void audit_after_death(void)
{
	if (opt_audit)
		audit_request();
}

static void key_pressed(char key)
{
	audit_request();
}

void __init audit_init(void)
{
	rendezvous_init();
	softirq_set_handler(SOFTIRQ_AUDIT, run);
	keyhandler_register('A', key_pressed, "recount all frames, types, grants and ports");
}
