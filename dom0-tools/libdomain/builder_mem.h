/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A new domain's memory. */
#ifndef PAVISE_LIBDOMAIN_BUILDER_MEM_H
#define PAVISE_LIBDOMAIN_BUILDER_MEM_H

struct dom_ctx;
struct pv_build;

/* Allocates PFNs 0 .. nr_pages-1 and fills b->p2m. -ENOMEM with a message. */
int builder_populate(struct dom_ctx *ctx, struct pv_build *b);

#endif
