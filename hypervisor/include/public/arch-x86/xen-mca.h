/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Machine checks, for the control domain: mca(struct xen_mc *). Of the
 * interface, here is what a control domain's kernel asks for: the physical
 * CPUs, and the telemetry that VIRQ_MCA announces.
 */
#ifndef XEN_PUBLIC_ARCH_X86_MCA_H
#define XEN_PUBLIC_ARCH_X86_MCA_H

#include "../xen.h"

#define __HYPERVISOR_mca __HYPERVISOR_arch_0
#define VIRQ_MCA         VIRQ_ARCH_0

#define XEN_MCA_INTERFACE_VERSION 0x01ecc003

/* xen_mc.cmd */
#define XEN_MC_fetch        1
#define XEN_MC_notifydomain 2
#define XEN_MC_physcpuinfo  3
#define XEN_MC_msrinject    4
#define XEN_MC_mceinject    5
#define XEN_MC_inject_v2    6

/* xen_mc_fetch.flags, in: which queue, or that an entry was dealt with */
#define XEN_MC_NONURGENT 0x0001
#define XEN_MC_URGENT    0x0002
#define XEN_MC_ACK       0x0004

/* xen_mc_fetch.flags, out */
#define XEN_MC_OK          0x0
#define XEN_MC_FETCHFAILED 0x1
#define XEN_MC_NODATA      0x2
#define XEN_MC_NOMATCH     0x4

/* What the records of mc_info are */
#define MC_TYPE_GLOBAL   0
#define MC_TYPE_BANK     1
#define MC_TYPE_EXTENDED 2
#define MC_TYPE_RECOVERY 3

struct mcinfo_common {
	uint16_t type; /* MC_TYPE_* */
	uint16_t size; /* of the whole record */
};
typedef struct mcinfo_common xen_mcinfo_common_t;

#define MC_FLAG_CORRECTABLE   (1 << 0)
#define MC_FLAG_UNCORRECTABLE (1 << 1)
#define MC_FLAG_RECOVERABLE   (1 << 2)
#define MC_FLAG_POLLED        (1 << 3)
#define MC_FLAG_RESET         (1 << 4)
#define MC_FLAG_CMCI          (1 << 5)
#define MC_FLAG_MCE           (1 << 6)

/* One per event: where and when */
struct mcinfo_global {
	xen_mcinfo_common_t common;
	uint16_t mc_domid; /* that ran */
	uint16_t mc_vcpuid;
	uint32_t mc_socketid;
	uint16_t mc_coreid;
	uint16_t mc_core_threadid;
	uint32_t mc_apicid;
	uint32_t mc_flags; /* MC_FLAG_* */
	uint64_t mc_gstatus;
};

/* One per bank that holds an error */
struct mcinfo_bank {
	xen_mcinfo_common_t common;
	uint16_t mc_bank;
	uint16_t mc_domid; /* whose memory is concerned */
	uint64_t mc_status;
	uint64_t mc_addr;
	uint64_t mc_misc;
	uint64_t mc_ctrl2;
	uint64_t mc_tsc;
};

struct mcinfo_msr {
	uint64_t reg;
	uint64_t value;
};
typedef struct mcinfo_msr xen_mcinfo_msr_t;

#define MCINFO_HYPERCALLSIZE    1024
#define MCINFO_MAXSIZE          768
#define MCINFO_FLAGS_UNCOMPLETE 0x1 /* there was more than fits */

struct mc_info {
	uint32_t mi_nentries;
	uint32_t flags; /* MCINFO_FLAGS_UNCOMPLETE */
	uint64_t mi_data[(MCINFO_MAXSIZE - 1) / 8];
};
typedef struct mc_info mc_info_t;
DEFINE_XEN_GUEST_HANDLE(mc_info_t);

#define __MC_MSR_ARRAYSIZE 8
#define MC_NCAPS           7
#define MC_CAPS_STD_EDX    0 /* words of mc_cpu_caps */
#define MC_CAPS_AMD_EDX    1
#define MC_CAPS_TM         2
#define MC_CAPS_LINUX      3
#define MC_CAPS_STD_ECX    4
#define MC_CAPS_VIA        5
#define MC_CAPS_AMD_ECX    6

/* A physical CPU */
struct mcinfo_logical_cpu {
	uint32_t mc_cpunr;
	uint32_t mc_chipid;
	uint16_t mc_coreid;
	uint16_t mc_threadid;
	uint32_t mc_apicid;
	uint32_t mc_clusterid;
	uint32_t mc_ncores;
	uint32_t mc_ncores_active;
	uint32_t mc_nthreads;
	int32_t mc_cpuid_level;
	uint32_t mc_family;
	uint32_t mc_vendor;
	uint32_t mc_model;
	uint32_t mc_step;
	char mc_vendorid[16];
	char mc_brandid[64];
	uint32_t mc_cpu_caps[MC_NCAPS];
	uint32_t mc_cache_size;
	uint32_t mc_cache_alignment;
	int32_t mc_nmsrvals;
	xen_mcinfo_msr_t mc_msrvalues[__MC_MSR_ARRAYSIZE];
};
typedef struct mcinfo_logical_cpu xen_mc_logical_cpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_logical_cpu_t);

struct xen_mc_fetch {
	uint32_t flags; /* in and out: see above */
	uint32_t _pad0;
	uint64_t fetch_id; /* out, and in with XEN_MC_ACK */
	XEN_GUEST_HANDLE(mc_info_t) data;
};
typedef struct xen_mc_fetch xen_mc_fetch_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_fetch_t);

struct xen_mc_physcpuinfo {
	uint32_t ncpus; /* in: room; out: CPUs */
	uint32_t _pad0;
	XEN_GUEST_HANDLE(xen_mc_logical_cpu_t) info; /* may be none */
};
typedef struct xen_mc_physcpuinfo xen_mc_physcpuinfo_t;

#define MC_MSRINJ_MAXMSRS 8
struct xen_mc_msrinject {
	uint32_t mcinj_cpunr;
	uint32_t mcinj_flags;
	uint32_t mcinj_count;
	domid_t mcinj_domid;
	uint16_t _pad0;
	xen_mcinfo_msr_t mcinj_msr[MC_MSRINJ_MAXMSRS];
};
typedef struct xen_mc_msrinject xen_mc_msrinject_t;

struct xen_mc {
	uint32_t cmd; /* XEN_MC_* */
	uint32_t interface_version;
	union {
		xen_mc_fetch_t mc_fetch;
		xen_mc_physcpuinfo_t mc_physcpuinfo;
		xen_mc_msrinject_t mc_msrinject; /* the largest member */
	} u;
};
typedef struct xen_mc xen_mc_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_t);

#endif /* XEN_PUBLIC_ARCH_X86_MCA_H */
