/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Bits in arrays of unsigned long. The set/clear/test_and functions are atomic
 * and full barriers; those with __ in front are neither. find_* return @n when
 * there is no such bit.
 */
#ifndef HV_BITOPS_H
#define HV_BITOPS_H

#include <hv/types.h>

#define BITS_PER_LONG    64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned int n, const void *addr)
{
	const volatile unsigned long *p = addr;

	return (p[n / BITS_PER_LONG] >> (n % BITS_PER_LONG)) & 1;
}

static inline void set_bit(unsigned int n, void *addr)
{
	__atomic_fetch_or((unsigned long *)addr + n / BITS_PER_LONG, 1UL << (n % BITS_PER_LONG),
			  __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned int n, void *addr)
{
	__atomic_fetch_and((unsigned long *)addr + n / BITS_PER_LONG, ~(1UL << (n % BITS_PER_LONG)),
			   __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned int n, void *addr)
{
	unsigned long m = 1UL << (n % BITS_PER_LONG);

	return __atomic_fetch_or((unsigned long *)addr + n / BITS_PER_LONG, m, __ATOMIC_SEQ_CST) &
	       m;
}

static inline bool test_and_clear_bit(unsigned int n, void *addr)
{
	unsigned long m = 1UL << (n % BITS_PER_LONG);

	return __atomic_fetch_and((unsigned long *)addr + n / BITS_PER_LONG, ~m, __ATOMIC_SEQ_CST) &
	       m;
}

static inline void __set_bit(unsigned int n, void *addr)
{
	((unsigned long *)addr)[n / BITS_PER_LONG] |= 1UL << (n % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned int n, void *addr)
{
	((unsigned long *)addr)[n / BITS_PER_LONG] &= ~(1UL << (n % BITS_PER_LONG));
}

/* The lowest set bit of a word that has one. */
static inline unsigned int bit_first(unsigned long w)
{
	return (unsigned int)__builtin_ctzl(w);
}

static inline unsigned int bit_last(unsigned long w)
{
	return 63 - (unsigned int)__builtin_clzl(w);
}

/* How many are set: pairs, nibbles, bytes, all. */
static inline unsigned int bit_count(unsigned long w)
{
	w -= (w >> 1) & 0x5555555555555555UL;
	w = (w & 0x3333333333333333UL) + ((w >> 2) & 0x3333333333333333UL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (unsigned int)((w * 0x0101010101010101UL) >> 56);
}

unsigned int find_next_bit(const unsigned long *addr, unsigned int n, unsigned int from);
unsigned int find_next_zero_bit(const unsigned long *addr, unsigned int n, unsigned int from);
#define find_first_bit(addr, n)      find_next_bit(addr, n, 0)
#define find_first_zero_bit(addr, n) find_next_zero_bit(addr, n, 0)
unsigned int bitmap_weight(const unsigned long *addr, unsigned int n);

#endif
