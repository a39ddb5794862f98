/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Strings and memory. The compiler emits calls to the mem* functions, too. */
#include <hv/lib.h>

#ifdef __PAVISE_HYPERVISOR__
void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n)::"memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (d <= s || d >= s + n)
		return memcpy(dst, src, n);
	while (n--)
		d[n] = s[n];
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++) {
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--) {
		a++;
		b++;
	}
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
	}
	return c ? NULL : (char *)(uintptr_t)s;
}
#endif

size_t hv_strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size) {
		size_t c = min(n, size - 1);

		memcpy(dst, src, c);
		dst[c] = 0;
	}
	return n;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return 99;
}

unsigned long long hv_strtoull(const char *s, const char **ret_end, unsigned int base)
{
	unsigned long long v = 0, too_large = 0;

	if (!base) {
		base = 10;
		if (s[0] == '0')
			base = 8;
		if (s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16) {
			base = 16;
			s += 2;
		}
	}
	for (; digit_value(*s) < (int)base; s++) {
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (unsigned int)digit_value(*s), &v))
			v = too_large = ~0ULL;
	}
	if (ret_end)
		*ret_end = s;
	return v | too_large;
}

void hv_sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	char *b = base;

	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j && cmp(b + (j - 1) * size, b + j * size) > 0; j--) {
			char *x = b + (j - 1) * size, *y = b + j * size;

			for (size_t k = 0; k < size; k++) {
				char t = x[k];

				x[k] = y[k];
				y[k] = t;
			}
		}
	}
}
