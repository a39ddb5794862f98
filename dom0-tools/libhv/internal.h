/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libhv's own: the kernel's ioctl numbers and argument structures for
 * /dev/xen/{privcmd,evtchn,gntdev}, and helpers that the files share.
 *
 * The structures are written out here because the kernel's exported privcmd.h
 * can't be included outside the kernel tree.
 *
 * Sources: Linux include/uapi/xen/{privcmd,evtchn,gntdev}.h.
 */
#ifndef PAVISE_LIBHV_INTERNAL_H
#define PAVISE_LIBHV_INTERNAL_H

#include <stdint.h>
#include <sys/ioctl.h>

#include <public/xen.h>

#define HV_PAGE_SHIFT 12
#define HV_PAGE_SIZE  4096UL

#define HV_IOC(type, nr, size) _IOC(_IOC_NONE, (type), (nr), (size))

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

struct privcmd_mmapbatch_v2 {
	unsigned int num;
	domid_t dom;
	uint64_t addr;
	const xen_pfn_t *arr;
	int *err;
};

struct privcmd_mmap_resource {
	domid_t dom;
	uint32_t type;
	uint32_t id;
	uint32_t idx;
	uint64_t num;
	uint64_t addr;
};

#define PRIVCMD_HYPERCALL     HV_IOC('P', 0, sizeof(struct privcmd_hypercall))
#define PRIVCMD_MMAPBATCH_V2  HV_IOC('P', 4, sizeof(struct privcmd_mmapbatch_v2))
#define PRIVCMD_MMAP_RESOURCE HV_IOC('P', 7, sizeof(struct privcmd_mmap_resource))

struct evtchn_bind_interdomain_arg {
	unsigned int remote_domain;
	unsigned int remote_port;
};

/* The other event channel calls take one number: a VIRQ, a domain or a port. */
#define EVTCHN_BIND_VIRQ         HV_IOC('E', 0, sizeof(unsigned int))
#define EVTCHN_BIND_INTERDOMAIN  HV_IOC('E', 1, sizeof(struct evtchn_bind_interdomain_arg))
#define EVTCHN_BIND_UNBOUND_PORT HV_IOC('E', 2, sizeof(unsigned int))
#define EVTCHN_UNBIND            HV_IOC('E', 3, sizeof(unsigned int))
#define EVTCHN_NOTIFY            HV_IOC('E', 4, sizeof(unsigned int))

struct gntdev_grant_ref {
	uint32_t domid;
	uint32_t ref;
};

struct gntdev_map_grant_ref {
	uint32_t count;
	uint32_t pad;
	uint64_t index;
	struct gntdev_grant_ref refs[];
};

/* The size is that of the structure with one reference in it. */
#define GNTDEV_MAP_GRANT_REF HV_IOC('G', 0, 24)

struct gntdev_unmap_grant_ref {
	uint64_t index;
	uint32_t count;
	uint32_t pad;
};

#define GNTDEV_UNMAP_GRANT_REF HV_IOC('G', 1, sizeof(struct gntdev_unmap_grant_ref))

struct gntdev_get_offset_for_vaddr {
	uint64_t vaddr;
	uint64_t offset;
	uint32_t count;
	uint32_t pad;
};

#define GNTDEV_GET_OFFSET_FOR_VADDR HV_IOC('G', 2, sizeof(struct gntdev_get_offset_for_vaddr))

#define GNTDEV_NOTIFY_CLEAR_BYTE 1u
#define GNTDEV_NOTIFY_SEND_EVENT 2u

struct gntdev_unmap_notify {
	uint64_t index;
	uint32_t action;
	uint32_t event_channel_port;
};

#define GNTDEV_SET_UNMAP_NOTIFY HV_IOC('G', 7, sizeof(struct gntdev_unmap_notify))

#endif
