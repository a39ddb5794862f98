/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The audit's other side for unit tests: ht_audit() has ports and grants of all
 * domains recounted; what they find wrong ends the program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hosttest/machine.h>

void audit_hold(const struct page_info *pg, bool typed)
{
}

void audit_differs(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

uint32_t *audit_counters(unsigned long *ret_nr)
{
	static uint32_t counters[1 << 16];

	memset(counters, 0, sizeof(counters));
	*ret_nr = ARRAY_SIZE(counters);
	return counters;
}

void ht_audit(void)
{
	const struct domain *d;

	for_each_domain (d) {
		evtchn_audit(d);
		grant_audit(d);
	}
}
