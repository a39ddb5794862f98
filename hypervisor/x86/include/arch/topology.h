/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Which CPUs share a core and a socket, from CPUID and their APIC ids, and what
 * the CPUs can do, for the tools.
 */
#ifndef ARCH_TOPOLOGY_H
#define ARCH_TOPOLOGY_H

#include <hv/types.h>

/* Of an online CPU. The core's number is one within its socket. */
unsigned int topology_core(unsigned int cpu);
unsigned int topology_socket(unsigned int cpu);

/* Is the processor of that APIC id another thread of @cpu's core? Or @cpu itself. */
bool topology_same_core(uint32_t apic_id, unsigned int cpu);

/* Counted over the CPUs that are online, of the first one's socket; never 0. */
unsigned int topology_threads_per_core(void);
unsigned int topology_cores_per_socket(void);

/* The first @nr words of the machine's feature set, in the ABI's order. -ENOMEM. */
int arch_feature_words(uint32_t *words, unsigned int nr);

#endif
