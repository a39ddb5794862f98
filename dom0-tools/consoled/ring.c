/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The console ring: copying in and out of the shared page. */
#include <errno.h>
#include <string.h>

#include "ring.h"

static XENCONS_RING_IDX load(const XENCONS_RING_IDX *idx)
{
	return __atomic_load_n(idx, __ATOMIC_ACQUIRE);
}

static void store(XENCONS_RING_IDX *idx, XENCONS_RING_IDX value)
{
	__atomic_store_n(idx, value, __ATOMIC_RELEASE);
}

ssize_t ring_peek(const struct xencons_interface *ring, char *buf, size_t max)
{
	XENCONS_RING_IDX cons = load(&ring->out_cons);
	XENCONS_RING_IDX n = load(&ring->out_prod) - cons;
	size_t at = cons % RING_OUT_SIZE, first;

	if (n > RING_OUT_SIZE)
		return -EPROTO;
	if (n > max)
		n = max;
	first = RING_OUT_SIZE - at < n ? RING_OUT_SIZE - at : n;
	memcpy(buf, ring->out + at, first);
	memcpy(buf + first, ring->out, n - first);
	return n;
}

void ring_consume(struct xencons_interface *ring, size_t n)
{
	store(&ring->out_cons, load(&ring->out_cons) + n);
}

size_t ring_space(const struct xencons_interface *ring)
{
	XENCONS_RING_IDX used = load(&ring->in_prod) - load(&ring->in_cons);

	return used > RING_IN_SIZE ? 0 : RING_IN_SIZE - used;
}

void ring_put(struct xencons_interface *ring, const char *buf, size_t n)
{
	XENCONS_RING_IDX prod = load(&ring->in_prod);

	for (size_t i = 0; i < n; i++)
		ring->in[(prod + i) % RING_IN_SIZE] = buf[i];
	store(&ring->in_prod, prod + n);
}
