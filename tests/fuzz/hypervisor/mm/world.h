/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A small machine with the control domain and two guests, four vCPUs in all, each
 * on a CPU of its own, and what they do to its memory, as bytes say. The audit
 * runs after every step. The end of each run is the end of all three domains, and
 * every frame must be back in the allocator.
 */
#ifndef FUZZ_MM_WORLD_H
#define FUZZ_MM_WORLD_H

#include <stddef.h>
#include <stdint.h>

void world_run(const uint8_t *data, size_t size);

/* Steps done and hypercalls that were preempted, in all runs so far. */
extern unsigned long world_steps, world_preempted;

#endif
