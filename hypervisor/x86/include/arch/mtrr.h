/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Memory type range registers, as the firmware left them. */
#ifndef ARCH_MTRR_H
#define ARCH_MTRR_H

#include <hv/types.h>

/*
 * The n-th variable range of this CPU: frames and memory type; *ret_nr is 0 for
 * one that is off. -EINVAL: there are fewer; -EOPNOTSUPP: no MTRRs.
 */
int mtrr_read(unsigned int n, mfn_t *ret_mfn, unsigned long *ret_nr, unsigned int *ret_type);

#endif
