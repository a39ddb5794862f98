/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Memory reservations, mappings and maps: memory_op(cmd, arg *). */
#ifndef XEN_PUBLIC_MEMORY_H
#define XEN_PUBLIC_MEMORY_H

#include "physdev.h"
#include "xen.h"

#define XENMEM_increase_reservation       0 /* xen_memory_reservation */
#define XENMEM_decrease_reservation       1 /* xen_memory_reservation */
#define XENMEM_maximum_ram_page           2 /* no argument; the last frame number */
#define XENMEM_current_reservation        3 /* domid_t; pages */
#define XENMEM_maximum_reservation        4 /* domid_t; pages */
#define XENMEM_machphys_mfn_list          5 /* xen_machphys_mfn_list */
#define XENMEM_populate_physmap           6 /* xen_memory_reservation */
#define XENMEM_add_to_physmap             7 /* xen_add_to_physmap */
#define XENMEM_memory_map                 9 /* xen_memory_map: the caller's */
#define XENMEM_machine_memory_map         10 /* xen_memory_map: the machine's */
#define XENMEM_exchange                   11 /* xen_memory_exchange */
#define XENMEM_machphys_mapping           12 /* xen_machphys_mapping */
#define XENMEM_set_memory_map             13 /* xen_foreign_memory_map */
#define XENMEM_maximum_gpfn               14 /* domid_t */
#define XENMEM_remove_from_physmap        15 /* xen_remove_from_physmap */
#define XENMEM_set_pod_target             16 /* xen_pod_target */
#define XENMEM_get_pod_target             17 /* xen_pod_target */
#define XENMEM_get_sharing_freed_pages    18 /* no argument */
#define XENMEM_get_sharing_shared_pages   19 /* no argument */
#define XENMEM_paging_op                  20
#define XENMEM_access_op                  21
#define XENMEM_sharing_op                 22
#define XENMEM_add_to_physmap_batch       23 /* xen_add_to_physmap_batch */
#define XENMEM_claim_pages                24 /* xen_memory_reservation */
#define XENMEM_machphys_compat_mfn_list   25 /* xen_machphys_mfn_list */
#define XENMEM_get_vnumainfo              26 /* xen_vnuma_topology_info */
#define XENMEM_reserved_device_memory_map 27 /* xen_reserved_device_memory_map */
#define XENMEM_acquire_resource           28 /* xen_mem_acquire_resource */

/* xen_memory_reservation.mem_flags: width in bits 0-7, NUMA node + 1 in 8-15 */
#define XENMEMF_address_bits(x)     (x)
#define XENMEMF_get_address_bits(x) ((x)&0xffu)
#define XENMEMF_node(x)             (((x) + 1) << 8)
#define XENMEMF_get_node(x)         ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand  (1 << 16)
#define XENMEMF_exact_node_request  (1 << 17)
#define XENMEMF_exact_node(n)       (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode               (1 << 18)

/*
 * extent_start lists the first frame of each extent: machine frames to free,
 * or guest frames to populate, replaced by the machine frames they got. The
 * hypercall gives the number of extents done.
 */
struct xen_memory_reservation {
	XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
	xen_ulong_t nr_extents;
	unsigned int extent_order;
	unsigned int mem_flags; /* XENMEMF_* */
	domid_t domid;
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/* Gives "in" back for new memory as "out" describes it; 0 only if all was done. */
struct xen_memory_exchange {
	struct xen_memory_reservation in;
	struct xen_memory_reservation out;
	xen_ulong_t nr_exchanged; /* of in; to be set to 0 before */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

struct xen_memory_domain {
	domid_t domid;
};

/* The frames of the machine-to-physical table, one per 2 MiB of it */
struct xen_machphys_mfn_list {
	unsigned int max_extents;
	XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
	unsigned int nr_extents; /* out */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* Where the machine-to-physical table is mapped */
struct xen_machphys_mapping {
	xen_ulong_t v_start, v_end;
	xen_ulong_t max_mfn;
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);

/* What idx is an index of, in translated guests' add_to_physmap */
#define XENMAPSPACE_shared_info      0
#define XENMAPSPACE_grant_table      1
#define XENMAPSPACE_gmfn             2
#define XENMAPSPACE_gmfn_range       3
#define XENMAPSPACE_gmfn_foreign     4
#define XENMAPSPACE_dev_mmio         5
#define XENMAPIDX_grant_table_status 0x80000000

struct xen_add_to_physmap {
	domid_t domid;
	uint16_t size; /* frames, for gmfn_range */
	unsigned int space; /* XENMAPSPACE_* */
	xen_ulong_t idx;
	xen_pfn_t gpfn;
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

struct xen_add_to_physmap_batch {
	domid_t domid;
	uint16_t space; /* XENMAPSPACE_* */
	uint16_t size; /* of the three lists */
	union xen_add_to_physmap_batch_extra {
		domid_t foreign_domid; /* for gmfn_foreign */
		uint16_t res0; /* for the others: 0 */
	} u;
	XEN_GUEST_HANDLE(xen_ulong_t) idxs;
	XEN_GUEST_HANDLE(xen_pfn_t) gpfns;
	XEN_GUEST_HANDLE(int) errs; /* out */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);

struct xen_remove_from_physmap {
	domid_t domid;
	xen_pfn_t gpfn;
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/* E820 entries of 20 bytes: u64 address, u64 size, u32 type */
struct xen_memory_map {
	unsigned int nr_entries; /* in: room, out: used */
	XEN_GUEST_HANDLE(void) buffer;
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

struct xen_foreign_memory_map {
	domid_t domid;
	struct xen_memory_map map;
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

struct xen_pod_target {
	uint64_t target_pages; /* in */
	uint64_t tot_pages;
	uint64_t pod_cache_pages;
	uint64_t pod_entries;
	domid_t domid; /* in */
};
typedef struct xen_pod_target xen_pod_target_t;

#define XENMEM_RDM_ALL 1
struct xen_reserved_device_memory {
	xen_pfn_t start_pfn;
	xen_ulong_t nr_pages;
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_t);

struct xen_reserved_device_memory_map {
	uint32_t flags; /* XENMEM_RDM_ALL: of all devices, not of dev only */
	unsigned int nr_entries;
	XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer;
	union {
		physdev_pci_device_t pci;
	} dev;
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_map_t);

/* Frames of a domain that are not its memory, for the tools to map */
#define XENMEM_resource_ioreq_server 0
#define XENMEM_resource_grant_table  1
#define XENMEM_resource_vmtrace_buf  2

#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1

#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))

struct xen_mem_acquire_resource {
	domid_t domid;
	uint16_t type; /* XENMEM_resource_* */
	uint32_t id; /* depends on the type */
	uint32_t nr_frames; /* in: of the list; 0 with no list: out: how many there are */
	uint32_t pad;
	uint64_t frame; /* the first one wanted */
	XEN_GUEST_HANDLE(xen_pfn_t) frame_list;
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

struct xen_vmemrange {
	uint64_t start, end;
	unsigned int flags;
	unsigned int nid;
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

/* The guest's NUMA layout; counts are the room in, and what there is out. */
struct xen_vnuma_topology_info {
	domid_t domid;
	uint16_t pad;
	unsigned int nr_vnodes;
	unsigned int nr_vcpus;
	unsigned int nr_vmemranges;
	union {
		XEN_GUEST_HANDLE(uint) h;
		uint64_t pad;
	} vdistance;
	union {
		XEN_GUEST_HANDLE(uint) h;
		uint64_t pad;
	} vcpu_to_vnode;
	union {
		XEN_GUEST_HANDLE(xen_vmemrange_t) h;
		uint64_t pad;
	} vmemrange;
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

#endif /* XEN_PUBLIC_MEMORY_H */
