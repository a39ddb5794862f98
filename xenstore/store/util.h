/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Small things the store's parts share: memory that doesn't fail, a hash.
 *
 * The store doesn't limp on without memory: an allocation that fails ends the
 * process with a message. A guest cannot cause that, its quota is small; and on
 * Linux it means that the machine is out of memory and swap altogether.
 */
#ifndef PAVISE_STORE_UTIL_H
#define PAVISE_STORE_UTIL_H

#include <stddef.h>
#include <stdint.h>

void *store_alloc(size_t size); /* not cleared */
void *store_zalloc(size_t size); /* cleared */
void *store_realloc(void *p, size_t size);
char *store_memdup0(const char *p, size_t len); /* with a NUL added */

/* FNV-1a, to be fed piece by piece. */
#define HASH_INIT 2166136261u

static inline uint32_t hash_byte(uint32_t h, unsigned char c)
{
	return (h ^ c) * 16777619u;
}

static inline uint32_t hash_bytes(uint32_t h, const void *p, size_t len)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < len; i++) {
		h = hash_byte(h, s[i]);
	}
	return h;
}

/* FNV's low bits are weak for short strings: mix before taking a bucket. */
static inline uint32_t hash_final(uint32_t h)
{
	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	return h ^ (h >> 13);
}

#endif
