/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The console ring: one page that a guest and the console daemon share.
 *
 * "out" carries the guest's output to us, "in" our input to the guest. The
 * indices run freely; the guest can change the page at any moment, so every
 * index is read once and checked before it is used. Nothing here can be made
 * to touch memory outside the page.
 */
#ifndef CONSOLED_RING_H
#define CONSOLED_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <public/io/console.h>

#define RING_OUT_SIZE sizeof(((struct xencons_interface *)0)->out)
#define RING_IN_SIZE  sizeof(((struct xencons_interface *)0)->in)

/*
 * Copies up to @max bytes of waiting output to @buf and leaves them in the
 * ring. Returns their number; -EPROTO: the guest's indices make no sense.
 */
ssize_t ring_peek(const struct xencons_interface *ring, char *buf, size_t max);

/* Takes @n bytes that ring_peek() returned out of the ring. */
void ring_consume(struct xencons_interface *ring, size_t n);

/* Room for input; 0 also when the guest's indices make no sense. */
size_t ring_space(const struct xencons_interface *ring);

/* Puts @n <= ring_space() bytes of input into the ring. */
void ring_put(struct xencons_interface *ring, const char *buf, size_t n);

#endif
