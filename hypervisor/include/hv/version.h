/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What we say we are. ABI numbers are Xen 4.17's: tools and guests look at them. */
#ifndef HV_VERSION_H
#define HV_VERSION_H

#define HV_ABI_MAJOR    4
#define HV_ABI_MINOR    17
#define HV_ABI_VERSION  ((HV_ABI_MAJOR << 16) | HV_ABI_MINOR)
#define HV_EXTRAVERSION ".0-pavise"
#define HV_CAPABILITIES "xen-3.0-x86_64"

#endif
