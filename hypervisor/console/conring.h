/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The console ring, as console.c fills it. Readers: console_ring_read(). */
#ifndef CONSOLE_CONRING_H
#define CONSOLE_CONRING_H

#include <hv/spinlock.h>

/* Keeps lines whole, here and on the serial line. Interrupts off. */
extern struct spinlock console_lock;

/* One more byte, instead of the oldest one when there is no room. Under console_lock. */
void conring_put(char c);

/*
 * What is in the ring: its oldest bytes from *index on, or from the oldest that is
 * left (then *index is moved there). Returns how many of the @max there were.
 * Under console_lock.
 */
uint32_t conring_peek(char *buf, uint32_t max, uint32_t *index);

#endif
