/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Long random sequences of what guests do to their memory, the same ones in each
 * run, with the oracle of the fuzzer (tests/fuzz/hypervisor/mm) after every step.
 * MM_SEED starts elsewhere, MM_RUNS does more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/hypervisor/mm/world.h"

static uint64_t state;

static uint8_t random_byte(void)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (uint8_t)(state >> 56);
}

int main(void)
{
	const char *seed = getenv("MM_SEED"), *runs = getenv("MM_RUNS");
	unsigned int n = runs ? (unsigned int)atoi(runs) : 300;
	static uint8_t bytes[6000];

	state = seed ? strtoul(seed, NULL, 0) : 1;
	for (unsigned int i = 0; i < n; i++) {
		size_t size = 1000 + i * 37 % 5000;

		for (size_t j = 0; j < size; j++)
			bytes[j] = random_byte();
		world_run(bytes, size);
	}
	printf("%u runs, %lu steps, %lu hypercalls preempted\n", n, world_steps, world_preempted);
	return 0;
}
