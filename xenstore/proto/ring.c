/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Byte queues of the ring page. Owns nothing; the page is shared with a domain
 * that is not trusted: see ring.h.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xenstore/proto/ring.h>

struct queue {
	char *data;
	uint32_t *cons, *prod;
};

static struct queue queue_of(struct xenstore_domain_interface *ring, enum ring_queue q)
{
	if (q == RING_REQ) {
		return (struct queue){ring->req, &ring->req_cons, &ring->req_prod};
	}
	return (struct queue){ring->rsp, &ring->rsp_cons, &ring->rsp_prod};
}

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

ssize_t ring_filled(struct xenstore_domain_interface *ring, enum ring_queue q)
{
	struct queue f = queue_of(ring, q);
	uint32_t used = load(f.prod) - load(f.cons);

	return used > XENSTORE_RING_SIZE ? -EIO : (ssize_t)used;
}

ssize_t ring_peek(struct xenstore_domain_interface *ring, enum ring_queue q, void *buf, size_t len)
{
	struct queue f = queue_of(ring, q);
	uint32_t cons = load(f.cons), used = load(f.prod) - cons;
	size_t pos = MASK_XENSTORE_IDX(cons), first;

	if (used > XENSTORE_RING_SIZE) {
		return -EIO;
	}
	if (len > used) {
		len = used;
	}
	if (len == 0) {
		return 0;
	}
	first = len < XENSTORE_RING_SIZE - pos ? len : XENSTORE_RING_SIZE - pos;
	memcpy(buf, f.data + pos, first);
	memcpy((char *)buf + first, f.data, len - first);
	return (ssize_t)len;
}

void ring_took(struct xenstore_domain_interface *ring, enum ring_queue q, size_t len)
{
	struct queue f = queue_of(ring, q);

	/* The bytes are ours before the other side may overwrite them. */
	__atomic_store_n(f.cons, *f.cons + (uint32_t)len, __ATOMIC_SEQ_CST);
}

ssize_t ring_read(struct xenstore_domain_interface *ring, enum ring_queue q, void *buf, size_t len)
{
	ssize_t n = ring_peek(ring, q, buf, len);

	if (n > 0) {
		ring_took(ring, q, (size_t)n);
	}
	return n;
}

ssize_t ring_write(struct xenstore_domain_interface *ring, enum ring_queue q, const void *buf,
		   size_t len)
{
	struct queue f = queue_of(ring, q);
	uint32_t prod = load(f.prod), used = prod - load(f.cons);
	size_t pos = MASK_XENSTORE_IDX(prod), first;

	if (used > XENSTORE_RING_SIZE) {
		return -EIO;
	}
	if (len > XENSTORE_RING_SIZE - used) {
		len = XENSTORE_RING_SIZE - used;
	}
	if (len == 0) {
		return 0;
	}
	first = len < XENSTORE_RING_SIZE - pos ? len : XENSTORE_RING_SIZE - pos;
	memcpy(f.data + pos, buf, first);
	memcpy(f.data, (const char *)buf + first, len - first);
	__atomic_store_n(f.prod, prod + (uint32_t)len, __ATOMIC_SEQ_CST);
	return (ssize_t)len;
}

void ring_reset(struct xenstore_domain_interface *ring)
{
	__atomic_store_n(&ring->req_cons, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->req_prod, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->rsp_cons, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->rsp_prod, 0, __ATOMIC_SEQ_CST);
}
