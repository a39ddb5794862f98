/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What memory_op needs of the machine-dependent part. */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <hv/types.h>

/* First frame of the @chunk-th 2 MiB of the machine-to-physical table; INVALID_MFN: end. */
mfn_t memory_m2p_chunk(unsigned long chunk);

#endif
