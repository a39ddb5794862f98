/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The ring page between the daemon and a domain (public/io/xs_wire.h): two
 * byte queues in memory that the other side may scribble over at any moment.
 *
 * Indices are read once per call, checked, and only then used; data is copied
 * out before anybody looks at it. No loop here depends on what the other side
 * does meanwhile. After a call that moved bytes the caller notifies the other
 * side's event channel.
 */
#ifndef PAVISE_XS_RING_H
#define PAVISE_XS_RING_H

#include <stddef.h>
#include <sys/types.h>

#include <public/io/xs_wire.h>

enum ring_queue {
	RING_REQ, /* towards the daemon */
	RING_RSP, /* towards the domain */
};

/*
 * Takes up to @len bytes out of a queue, or puts them in. Returns how many it
 * were (0: empty, or full), or -EIO when the indices can't be true.
 */
ssize_t ring_read(struct xenstore_domain_interface *ring, enum ring_queue q, void *buf, size_t len);
ssize_t ring_write(struct xenstore_domain_interface *ring, enum ring_queue q, const void *buf,
		   size_t len);

/*
 * ring_read() in two steps, between which the bytes are still in the ring. The
 * caller takes no more than it has seen.
 */
ssize_t ring_peek(struct xenstore_domain_interface *ring, enum ring_queue q, void *buf, size_t len);
void ring_took(struct xenstore_domain_interface *ring, enum ring_queue q, size_t len);

/* Bytes that could be read, or -EIO. */
ssize_t ring_filled(struct xenstore_domain_interface *ring, enum ring_queue q);

/* Both queues empty, indices zero. For the daemon, when it (re)connects. */
void ring_reset(struct xenstore_domain_interface *ring);

#endif
