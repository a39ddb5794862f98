/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Searching and counting bits. */
#include <hv/bitops.h>
#include <hv/lib.h>

static unsigned int find_next(const unsigned long *addr, unsigned int n, unsigned int from,
			      unsigned long invert)
{
	unsigned int i = from / BITS_PER_LONG;
	unsigned long w;

	if (from >= n)
		return n;
	w = (READ_ONCE(addr[i]) ^ invert) & (~0UL << (from % BITS_PER_LONG));
	while (!w) {
		if (++i >= BITS_TO_LONGS(n))
			return n;
		w = READ_ONCE(addr[i]) ^ invert;
	}
	return min(i * BITS_PER_LONG + bit_first(w), n);
}

unsigned int find_next_bit(const unsigned long *addr, unsigned int n, unsigned int from)
{
	return find_next(addr, n, from, 0);
}

unsigned int find_next_zero_bit(const unsigned long *addr, unsigned int n, unsigned int from)
{
	return find_next(addr, n, from, ~0UL);
}

unsigned int bitmap_weight(const unsigned long *addr, unsigned int n)
{
	unsigned int w = 0;

	for (unsigned int i = find_next_bit(addr, n, 0); i < n; i = find_next_bit(addr, n, i + 1))
		w++;
	return w;
}
