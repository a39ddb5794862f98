/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The audit: with all CPUs stopped, counts and links are worked out anew from
 * what there is (every page table, vCPU, grant mapping, port), and compared with
 * the ones that are kept. Each difference is a line on the console with both
 * figures; the last line says how many there were:
 *
 *	Audit: 786432 frames, 1210 tables, 3 domains: no difference
 *	Audit: 786432 frames, 1210 tables, 3 domains: 2 DIFFERENCES
 *
 * It is asked for by debug key 'A', and after every domain's death with the boot
 * option `audit` (the default of builds with AUDIT=y).
 */
#ifndef HV_AUDIT_H
#define HV_AUDIT_H

#include <hv/compiler.h>
#include <hv/types.h>

struct domain;
struct page_info;

/* Soon, on this CPU. Any context. */
void audit_request(void);
void audit_after_death(void);
void audit_init(void);

/* ---- for those who have something to be audited; all CPUs are stopped ------- */

/* One reference to the frame was found, together with its type or not. */
void audit_hold(const struct page_info *pg, bool typed);
/* Something is wrong. */
void audit_differs(const char *fmt, ...) format_printf(1, 2);

/* A zeroed array of counters to use until the next call; *ret_nr of them. */
uint32_t *audit_counters(unsigned long *ret_nr);

/* What a domain's parts hold of frames, by audit_hold(). */
void arch_audit_holds(const struct domain *d);
void evtchn_audit_holds(const struct domain *d);
void grant_audit_holds(const struct domain *d);
/* What a page table's validated entries hold; and that they are sound. */
void arch_audit_table(const struct page_info *pg, unsigned int level);

/* Each compares its own. */
void evtchn_audit(const struct domain *d);
void grant_audit(const struct domain *d);
void arch_audit(void);

#endif
