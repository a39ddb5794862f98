/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libhv: what a control-domain program says to the hypervisor.
 *
 * Thin wrappers over the kernel's Xen device files: /dev/xen/privcmd and
 * /dev/xen/hypercall (hypercalls, foreign mappings), /dev/xen/evtchn (event
 * channels) and /dev/xen/gntdev (grant mappings). Nothing here keeps policy;
 * building and running domains is libdomain's.
 *
 * Conventions for every function unless its comment says otherwise:
 *  - actions return 0 (or a value >= 0) on success and a negative errno of the
 *    hypervisor or the kernel on failure; nothing is left half done;
 *  - handles are not locked: one thread at a time per handle; different
 *    handles may be used from different threads;
 *  - _close() accepts NULL.
 *
 * Sources: Linux include/uapi/xen/{privcmd,evtchn,gntdev}.h, public/xen.h.
 */
#ifndef PAVISE_LIBHV_H
#define PAVISE_LIBHV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/xen.h>
#include <public/domctl.h>
#include <public/sysctl.h>
#include <public/memory.h>

/* ---- privcmd: hypercalls and foreign memory ------------------------------ */

struct hv_handle;

/*
 * Opens /dev/xen/privcmd and /dev/xen/hypercall. -ENOENT or -ENODEV: this
 * kernel does not run on a Xen-compatible hypervisor, or the privcmd module is
 * missing; -EACCES: not root.
 */
int hv_open(struct hv_handle **ret_h);
void hv_close(struct hv_handle *h);

/* The privcmd file, for a caller that restricts or passes it on. */
int hv_fd(const struct hv_handle *h);

/* One raw hypercall. Pointers must lie in hv_buf_alloc() memory. */
long hv_call(struct hv_handle *h, unsigned int op, unsigned long a1, unsigned long a2,
	     unsigned long a3, unsigned long a4, unsigned long a5);

/*
 * Hypercall-safe memory: zeroed, page-aligned, never moved or paged out, not
 * inherited over fork. NULL when the kernel has none.
 */
void *hv_buf_alloc(struct hv_handle *h, size_t bytes);
void hv_buf_free(struct hv_handle *h, void *buf, size_t bytes);

/*
 * domctl, sysctl and platform_op: the interface version is filled in, the
 * structure goes through a bounce buffer and is copied back whole, on failure
 * too. Handles inside the structure must point to hv_buf_alloc() memory.
 * -EACCES: hypervisor and tools were built for different interface versions.
 */
int hv_domctl(struct hv_handle *h, struct xen_domctl *op);
int hv_sysctl(struct hv_handle *h, struct xen_sysctl *op);

/*
 * A hypercall of the form op(cmd, arg): xen_version, event_channel_op, sched_op
 * and their like. @arg (NULL: none) is bounced both ways.
 */
long hv_cmd(struct hv_handle *h, unsigned int op, unsigned int cmd, void *arg, size_t bytes);

/* memory_op with an argument structure of @bytes, bounced both ways. */
long hv_memory_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes);

/* One grant_table_op of one element; its own status field is the caller's to look at. */
int hv_grant_table_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes);

/* @nr extended MMU operations (at most 4096 / sizeof(*ops)) on @dom's behalf. */
int hv_mmuext_op(struct hv_handle *h, struct mmuext_op *ops, unsigned int nr, domid_t dom);

/*
 * Maps @nr frames of @dom (MFNs; MMIO frames with DOMID_IO) one after the
 * other. @prot is PROT_*. Each entry of @errs (may be NULL) gets 0 or a
 * negative errno; with @errs NULL any failed frame fails the call.
 */
int hv_foreign_map(struct hv_handle *h, domid_t dom, int prot, const xen_pfn_t *frames, size_t nr,
		   int *errs, void **ret_addr);
void hv_foreign_unmap(struct hv_handle *h, void *addr, size_t nr);

/*
 * Maps @nr frames of one of @dom's resources (XENMEM_resource_*) from @frame
 * on. -EOPNOTSUPP: kernel or hypervisor can't.
 */
int hv_resource_map(struct hv_handle *h, domid_t dom, unsigned int type, unsigned int id,
		    unsigned long frame, size_t nr, int prot, void **ret_addr);
void hv_resource_unmap(struct hv_handle *h, void *addr, size_t nr);

/*
 * The first domain with an id >= @first. -ESRCH: there is none. Compare
 * info->domain with the id asked for: a hole is not an error.
 */
int hv_domain_getinfo(struct hv_handle *h, domid_t first,
		      struct xen_domctl_getdomaininfo *ret_info);

/*
 * Up to @max domains from id @first on, in increasing order, into @infos
 * (ordinary memory). Returns how many there were.
 */
int hv_domain_getinfolist(struct hv_handle *h, domid_t first, unsigned int max,
			  struct xen_domctl_getdomaininfo *infos);

/* ---- event channels ------------------------------------------------------ */

struct hv_evtchn;

int hv_evtchn_open(struct hv_evtchn **ret_e);

/* A file of that kind which another process has opened; takes over @fd. */
int hv_evtchn_adopt(int fd, struct hv_evtchn **ret_e);
void hv_evtchn_close(struct hv_evtchn *e);

/* Readable when an event is pending; for poll(). */
int hv_evtchn_fd(const struct hv_evtchn *e);

/* Each bind returns the local port (> 0). Ports go away with the handle. */
int hv_evtchn_bind_interdomain(struct hv_evtchn *e, domid_t dom, evtchn_port_t remote_port);
int hv_evtchn_bind_unbound(struct hv_evtchn *e, domid_t remote);
int hv_evtchn_bind_virq(struct hv_evtchn *e, unsigned int virq);
int hv_evtchn_unbind(struct hv_evtchn *e, evtchn_port_t port);

int hv_evtchn_notify(struct hv_evtchn *e, evtchn_port_t port);

/* The next pending port (it stays masked until unmasked); -EAGAIN: none. */
int hv_evtchn_pending(struct hv_evtchn *e);
int hv_evtchn_unmask(struct hv_evtchn *e, evtchn_port_t port);

/* ---- grants -------------------------------------------------------------- */

struct hv_gnttab;

int hv_gnttab_open(struct hv_gnttab **ret_g);
void hv_gnttab_close(struct hv_gnttab *g);

/*
 * Maps @nr grants of @dom one after the other. -ENOENT, -EINVAL or -EACCES: a
 * reference is unused, not ours or read-only.
 */
int hv_gnttab_map(struct hv_gnttab *g, domid_t dom, const grant_ref_t *refs, size_t nr, int prot,
		  void **ret_addr);
int hv_gnttab_unmap(struct hv_gnttab *g, void *addr, size_t nr);

/*
 * The same for one page, and when the mapping goes away for whatever reason
 * (our death included) the byte at @notify_offset is cleared and @notify_port
 * is notified. Offset -1 or port 0: without that half.
 */
int hv_gnttab_map_notify(struct hv_gnttab *g, domid_t dom, grant_ref_t ref, int prot,
			 long notify_offset, evtchn_port_t notify_port, void **ret_addr);

#endif
