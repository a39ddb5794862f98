/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Coverage of a build with COVERAGE=y (coverage/coverage.c): its debug key. */
#ifndef HV_COVERAGE_H
#define HV_COVERAGE_H

void coverage_init(void);

#endif
