/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Error numbers by their usual names; on the host, libc's (the same numbers). */
#ifndef HV_ERRNO_H
#define HV_ERRNO_H

#ifdef __PAVISE_HYPERVISOR__
#include <public/errno.h>

enum hv_errno {
#define HV_ERRNO_ENUM(name, number) name = number,
	XEN_ERRNO_LIST(HV_ERRNO_ENUM)
#undef HV_ERRNO_ENUM
};
#else
#include <errno.h>
#endif

#endif
