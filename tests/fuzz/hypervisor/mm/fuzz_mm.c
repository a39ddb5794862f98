/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* libFuzzer on frame types, page tables and memory operations: see world.h. */
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world_run(data, size);
	return 0;
}
