/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Filling an empty PV domain with memory, a kernel and a first vCPU.
 */
#ifndef PAVISE_LIBDOMAIN_BUILDER_H
#define PAVISE_LIBDOMAIN_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0-tools/libdomain/kernel.h"
#include "dom0-tools/libdomain/layout.h"

struct dom_ctx;

/* What the builder is given and what it finds out. */
struct pv_build {
	/* In */
	uint32_t domid;
	const struct dom_kernel *kernel;
	const struct dom_blob *ramdisk; /* no data: none */
	const char *cmdline; /* NULL: empty */
	uint64_t nr_pages;
	bool claim; /* reserve all memory before taking it */
	uint32_t store_port, console_port;
	uint32_t store_domid, console_domid; /* who is granted the rings */

	/* Out */
	uint64_t store_mfn, console_mfn;

	/* The builder's own */
	struct pv_layout layout;
	uint64_t *p2m; /* MFN of each PFN */
};

/*
 * The domain exists, has its vCPUs allocated and a sufficient limit. Afterwards
 * vCPU 0 is ready to run. On failure the domain is in no defined state and is
 * to be destroyed. -ENOMEM: message says of what.
 */
int pv_build(struct dom_ctx *ctx, struct pv_build *b);

#endif
