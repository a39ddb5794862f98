/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Clearing and copying whole pages. Unrolled 64-bit stores: on hardware about
 * as fast as the string instructions, and several times faster than these in an
 * emulator, which executes them element by element.
 */
#include <arch/page.h>

void clear_page(void *p)
{
	unsigned long *w = p, *end = w + PAGE_SIZE / sizeof(*w);

	for (; w < end; w += 8) {
		w[0] = 0;
		w[1] = 0;
		w[2] = 0;
		w[3] = 0;
		w[4] = 0;
		w[5] = 0;
		w[6] = 0;
		w[7] = 0;
		barrier(); /* or it becomes a call of memset */
	}
}

void copy_page(void *dst, const void *src)
{
	unsigned long *d = dst;
	const unsigned long *s = src, *end = s + PAGE_SIZE / sizeof(*s);

	for (; s < end; s += 4, d += 4) {
		unsigned long a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a;
		d[1] = b;
		d[2] = c;
		d[3] = e;
		barrier();
	}
}
