/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the daemon needs of the hypervisor. platform_hv.c does it with libhv;
 * the tests have one that plays hypervisor with files.
 */
#ifndef PAVISE_XSD_PLATFORM_H
#define PAVISE_XSD_PLATFORM_H

#include <stdint.h>

#include <public/io/xs_wire.h>

struct platform;

/* -ENODEV (or another error): there is no hypervisor; only sockets then. */
int platform_open(struct platform **ret_p);

/* One that another daemon has opened: its file with all ports bound. */
int platform_adopt(struct platform **ret_p, int evtchn_fd, uint32_t domexc_port);
void platform_close(struct platform *p); /* takes NULL */

/* Readable when an event is pending. */
int platform_fd(const struct platform *p);

/* The next port with an event, or -EAGAIN. Unmask it before looking at the ring. */
int platform_pending(struct platform *p);
void platform_unmask(struct platform *p, uint32_t port);

/* The port on which domains' coming to an end is announced. */
uint32_t platform_domexc_port(const struct platform *p);

enum domain_state { DOMAIN_GONE, DOMAIN_RUNNING, DOMAIN_SHUTDOWN, DOMAIN_DYING };

enum domain_state platform_domain_state(struct platform *p, uint16_t domid);

/*
 * A domain's ring: by its grant reference 1, or if there is no such grant, by
 * the frame @gfn.
 */
int platform_ring_map(struct platform *p, uint16_t domid, uint64_t gfn,
		      struct xenstore_domain_interface **ret_ring);

/* The control domain's own, and the port that its kernel offers. */
int platform_ring_own(struct platform *p, struct xenstore_domain_interface **ret_ring,
		      uint32_t *ret_port);
void platform_ring_unmap(struct platform *p, struct xenstore_domain_interface *ring);

/* The local port, or a negative errno. */
int platform_bind(struct platform *p, uint16_t domid, uint32_t remote_port);
void platform_unbind(struct platform *p, uint32_t port);
void platform_notify(struct platform *p, uint32_t port);

#endif
