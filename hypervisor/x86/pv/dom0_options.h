/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the command line says of the control domain. */
#ifndef X86_PV_DOM0_OPTIONS_H
#define X86_PV_DOM0_OPTIONS_H

#include <hv/types.h>

struct dom0_options {
	uint64_t mem, mem_min, mem_max; /* bytes; 0: not given */
	uint32_t max_vcpus; /* 0: not given */
};

extern struct dom0_options dom0_options; /* init data */

#endif
