/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Page-table isolation against Meltdown (Xen's name: XPTI). A processor that reads
 * ahead through entries for supervisors only lets a guest find out what we have mapped.
 * There, a guest runs on a root in which our slots have no more than it takes to get
 * to us: one root for each CPU, into which the guest's own slots are copied from the
 * root that the guest made (x86/mm/xpti.c). entry.S changes roots, by the fields of
 * struct cpu_info.
 *
 * Source of the problem: Intel, "Rogue Data Cache Load"; of the option: Xen's command
 * line document, xpti=.
 */
#ifndef ARCH_XPTI_H
#define ARCH_XPTI_H

#include <hv/compiler.h>
#include <hv/types.h>

struct cpu_info;
struct vcpu;
struct domain;

/* Some domain runs that way, and so there are roots, and entry.S looks at them. */
extern bool xpti_active;

/*
 * By the option, and by whether the processor is @vulnerable. True: active, and then
 * cr4_base has no global mappings any more.
 */
bool xpti_choose(bool vulnerable);
/* What was chosen, for people. */
const char *xpti_description(void);

/* A new domain: does it run that way? */
bool xpti_wanted(const struct domain *d);

/* What a CPU needs to be mapped to get from a guest to us. */
struct xpti_part {
	unsigned long va, pages;
	uint64_t flags; /* of its page-table entries */
};

/*
 * Makes the root of @ci's CPU, of these parts; @window's whole L1 table is shared, so
 * that what changes in it changes in both. -ENOMEM.
 */
int xpti_init_cpu(struct cpu_info *ci, const struct xpti_part *parts, unsigned int nr,
		  unsigned long window);

/*
 * The last thing before a guest: this CPU's root shows what @v's present root does.
 * Interrupts off, and they stay so until the guest runs.
 */
void xpti_sync(const struct vcpu *v);
/* @v's root has changed: another one, or the mode. */
void xpti_new_root(void);

/*
 * Has another CPU written to a root of @v's domain since xpti_sync()? Then a page fault
 * may be one of the copy only; going back to the guest brings it up to date.
 */
bool xpti_stale(const struct vcpu *v);

/* For the audit (hv/audit.h): roots that show something else. */
void xpti_audit(void);

#endif
