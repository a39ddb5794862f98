/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the files of memory_op share. */
#ifndef MM_MEMORY_OP_H
#define MM_MEMORY_OP_H

#include <hv/mm.h>

/* An entry of a guest's memory map: 20 bytes. */
struct guest_e820 {
	uint64_t addr, size;
	uint32_t type;
} __packed;

/* XENMEM_exchange */
long memory_exchange(uint64_t arg);

#endif
