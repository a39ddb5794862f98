/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Limits. Everything a guest can make grow has one, here or in its
 * subsystem's header.
 */
#ifndef HV_CONFIG_H
#define HV_CONFIG_H

#define MAX_CPUS           64 /* physical CPUs */
#define MAX_VCPUS          128 /* of one domain */
#define MAX_DOMAINS        1024 /* at one time */
#define MAX_HYPERCALL_ARGS 6
#define CMDLINE_MAX        1024

#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#endif
#define IS_ENABLED(x) (x)

#endif
