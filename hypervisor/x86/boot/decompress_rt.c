/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What liblzma, liblz4, libzstd and zlib ask of a C library, which is little:
 * memory that is handed out and never taken back, and the mem* functions. Part
 * of decompress.o, where these names are local. SSE may be used here.
 */
#include "decompress_rt.h"

#include <stdint.h>

/* 16 bytes at any address. */
typedef long long chunk __attribute__((vector_size(16), aligned(1), may_alias));
#define CHUNK sizeof(chunk)
/* 8 bytes at any address. */
typedef uint64_t word __attribute__((aligned(1), may_alias));

/* Keeps the compiler from turning the loop of memcpy into a call of memcpy. */
#define NO_IDIOM() __asm__ volatile("")

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void __stack_chk_fail(void);
unsigned long long ZSTD_trace_decompress_begin(const void *dctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

static uint8_t *arena_next;
static size_t arena_left;

void rt_init(void *arena, size_t len)
{
	size_t skip = -(uintptr_t)arena % 16;

	arena_next = (uint8_t *)arena + skip;
	arena_left = len < skip ? 0 : len - skip;
}

void *malloc(size_t size)
{
	void *p = arena_next;

	if (size > arena_left) {
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (size > arena_left) {
		size = arena_left;
	}
	arena_next += size;
	arena_left -= size;
	return p;
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		return NULL;
	}
	p = malloc(bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

void free(void *p)
{
}

/*
 * Copies upwards, so @dst may lie below an overlapping @src. Most calls are for
 * a match of a few bytes: no loop over single bytes for the rest.
 */
static void copy_up(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= CHUNK) {
		const chunk tail = *(const chunk *)(s + n - CHUNK);
		uint8_t *end = d + n - CHUNK;

		for (; d < end; s += CHUNK, d += CHUNK) {
			NO_IDIOM();
			*(chunk *)d = *(const chunk *)s;
		}
		*(chunk *)end = tail;
	} else if (n >= sizeof(word)) {
		const word first = *(const word *)s;
		const word last = *(const word *)(s + n - sizeof(word));

		*(word *)d = first;
		*(word *)(d + n - sizeof(word)) = last;
	} else {
		for (; n; n--) {
			NO_IDIOM();
			*d++ = *s++;
		}
	}
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	const uint8_t *s = (const uint8_t *)src + n;
	uint8_t *d = (uint8_t *)dst + n;

	if ((uintptr_t)dst - (uintptr_t)src >= n) { /* upwards is safe */
		copy_up(dst, src, n);
		return dst;
	}
	for (; n >= CHUNK; n -= CHUNK) {
		NO_IDIOM();
		s -= CHUNK;
		d -= CHUNK;
		*(chunk *)d = *(const chunk *)s;
	}
	for (; n; n--) {
		NO_IDIOM();
		*--d = *--s;
	}
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	const long long b = (long long)((uint8_t)c * 0x0101010101010101ull);
	const chunk v = {b, b};
	uint8_t *d = dst;

	for (; n >= CHUNK; n -= CHUNK, d += CHUNK) {
		NO_IDIOM();
		*(chunk *)d = v;
	}
	for (; n; n--) {
		NO_IDIOM();
		*d++ = (uint8_t)c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++) {
		NO_IDIOM();
		if (*x != *y) {
			return *x - *y;
		}
	}
	return 0;
}

/* A stack overrun inside a library: nothing can be trusted any more. */
void __stack_chk_fail(void)
{
	__builtin_trap();
}

/* zstd's optional hooks; 0 means that nobody wants a trace. */
unsigned long long ZSTD_trace_decompress_begin(const void *dctx)
{
	return 0;
}

void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace)
{
}
