/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* CPU lists as users write them: "0-3,5,^1", "all,^7", "nodes:0-3,^node:2". */
#ifndef PAVISE_XL_CPULIST_H
#define PAVISE_XL_CPULIST_H

#include "dom0-tools/libdomain/config.h"

/* The machine the list is about. */
struct cpu_host {
	unsigned int nr_cpus; /* highest CPU's number + 1 */
	const uint32_t *node_of; /* nr_cpus entries; NULL: all on node 0 */
};

/*
 * Makes @ret_map of @text. CPUs that the machine doesn't have are left out.
 * -EINVAL: not a list, *ret_bad (if not NULL) points to the part of @text that
 * is wrong; -ENOMEM.
 */
int cpulist_parse(const char *text, const struct cpu_host *host, struct domain_cpumap *ret_map,
		  const char **ret_bad);

/*
 * Writes the map in the short form ("all", "none", "0-3,5") into @buf, cut off
 * at @size.
 */
void cpulist_format(const uint8_t *bits, unsigned int nr_bits, const struct cpu_host *host,
		    char *buf, size_t size);

#endif
