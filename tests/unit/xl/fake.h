/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A libdomain of plain memory: the commands' tests say what the machine is
 * like, run a command line, and look at what it printed and did.
 */
#ifndef PAVISE_TESTS_XL_FAKE_H
#define PAVISE_TESTS_XL_FAKE_H

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/libdomain.h"

#define FAKE_DOMAINS 4

struct fake {
	struct dom_info infos[FAKE_DOMAINS];
	const char *names[FAKE_DOMAINS];
	size_t nr;
	char *config; /* userdata of every domain, or NULL */
	int fail; /* what actions return */
	uint64_t free_pages; /* of the machine; dom_mem_set(0) adds to them */
	uint64_t dom0_target; /* KiB */
	const char *cmdline; /* the hypervisor's */
	char calls[1024]; /* what was done: "pause 1; destroy 1; " */
};

extern struct fake fake;

/* Domain-0 and "demo" (1); nothing done, nothing failing. */
void fake_reset(void);

/*
 * Runs `xl ARGS...` (up to a NULL); *out and *err are what it printed, freed by
 * the next run. Returns the exit code.
 */
int fake_run(const char **out, const char **err, ...);

/* Collects messages of the configuration's readers, one a line. */
struct cfg_report;
const struct cfg_report *fake_report(void);
const char *fake_report_text(void);

#endif
