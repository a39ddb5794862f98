/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Against leaks by speculation. The code has all of it in; what this machine doesn't
 * need is written over with no-ops at start-up, before the code becomes read-only
 * (x86/cpu/spec_ctrl.c, which also says what is needed where).
 *
 * Sources: Intel, "Affected Processors" and its guidance for each issue; AMD,
 * "Software Techniques for Managing Speculation" and "Guidance for SRSO / Branch
 * Type Confusion"; names of options: Xen's command line document.
 */
#ifndef ARCH_SPEC_CTRL_H
#define ARCH_SPEC_CTRL_H

/* Kinds of sites in the code */
#define SPEC_SITE_RSB  1 /* entry: fill the return stack with harmless addresses */
#define SPEC_SITE_IBRS 2 /* entry and exit: IBRS while we run */
#define SPEC_SITE_IBPB 4 /* entry: forget all of the guest's branches */
#define SPEC_SITE_VERW 8 /* exit: clear buffers */
#define SPEC_SITE_XPTI 16 /* entry and exit: between the guest's root and ours (arch/xpti.h) */
#define SPEC_SITE_BHB  32 /* entry: fill the history of branches with ours */
#define SPEC_SITE_SMAP 64 /* entry: no access to ring 3's memory (arch/features.h) */

#define MSR_SPEC_CTRL_NR 0x48
#define MSR_PRED_CMD_NR  0x49

#ifndef __ASSEMBLER__

#include <hv/types.h>

/* Branches of one domain must not steer another's: IBPB when a CPU takes another one. */
extern bool spec_ibpb_on_switch;

/*
 * L1TF: a not-present L1 entry must not name RAM that can be in the L1 cache. Then
 * guests may not have such entries.
 */
extern bool spec_l1tf;

/* What one thread of a core has in buffers and caches, its sibling can find out. */
extern bool spec_smt_leaks;

/* Looks, chooses, patches. On the start-up page tables, where code can be written. */
void spec_ctrl_init(void);
/* Each CPU as it comes up: modes that stay on. */
void spec_ctrl_init_cpu(void);

#endif
#endif
