/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * hv_vsnprintf against the C library's: random formats of the promised subset with
 * random arguments and buffers, and what is our own (%p, a conversion that isn't
 * there). Nothing is written past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/lib.h>

#define SIZE  256
#define GUARD 0x5a

/* Formats are made at run time here, and combine what nobody would. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"

static char ours[SIZE + 1], theirs[SIZE + 1];

static void compare(size_t size, const char *fmt, ...) format_printf(2, 3);
static void compare(size_t size, const char *fmt, ...)
{
	va_list ap;
	int a, b;

	memset(ours, GUARD, sizeof(ours));
	memset(theirs, GUARD, sizeof(theirs));
	va_start(ap, fmt);
	a = hv_vsnprintf(ours, size, fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	b = vsnprintf(theirs, size, fmt, ap);
	va_end(ap);
	if (a != b || memcmp(ours, theirs, sizeof(ours)))
		fail_msg("'%s' in %zu: '%.*s' (%d), not '%.*s' (%d)", fmt, size, SIZE, ours, a,
			 SIZE, theirs, b);
}

static void fixed(void **state)
{
	compare(SIZE, "nothing at all");
	compare(SIZE, "%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|", "abc", "abc", "abc", "abc", "abc",
		"abc");
	compare(SIZE, "%d %i %u %o %x %X", -5, 5, 5U, 8U, 255U, 255U);
	compare(SIZE, "%c%c|%5c|%-5c|", 'a', 'b', 'c', 'd');
	compare(SIZE, "%ld %lld %zu %lu", -1L, -1LL, (size_t)-1, -1UL);
	compare(SIZE, "%hd %hhd %hu %hhu", (short)-2, (signed char)-3, (unsigned short)65535,
		(unsigned char)255);
	compare(SIZE, "%*d|%-*d|%.*d|%*.*x", 8, 1, 8, 1, 4, 1, 10, 6, 0x1fU);
	compare(SIZE, "%*d|%.*s|%.*d", -8, 1, -1, "abc", -1, 5);
	compare(SIZE, "%05d|%+d|%+5d|%#x|%#06x|%08.3d|%-05d", 5, 5, 5, 5U, 5U, 5, 5);
	compare(SIZE, "%#x %#o %#X", 0U, 8U, 0xabU);
	compare(SIZE, "%.0d|%.d|%5.0u", 0, 0, 0U);
	compare(SIZE, "% d|% d|% 5d|%+ d", 5, -5, 5, 5);
	compare(SIZE, "100%%");
	compare(SIZE, "%ld %ld", (long)(1UL << 63), (long)~(1UL << 63));
	compare(0, "%s", "abc");
	compare(1, "%s", "abc");
	compare(3, "%s", "abc");
	compare(4, "%s", "abc");
}

static void our_own(void **state)
{
	char not_terminated[3] = {'a', 'b', 'c'};

	assert_int_equal(hv_snprintf(ours, SIZE, "%p", (void *)0x1234), 16);
	assert_string_equal(ours, "0000000000001234");
	hv_snprintf(ours, SIZE, "%s", state ? (const char *)NULL : "");
	assert_string_equal(ours, "(null)");
	hv_snprintf(ours, SIZE, "%.3s", not_terminated);
	assert_string_equal(ours, "abc");
	hv_snprintf(NULL, 0, "%d", 5);
}

static void append(char *fmt, const char *chars)
{
	size_t n = strlen(fmt);

	for (long k = random() % 3; k && *chars; k--)
		fmt[n++] = chars[(size_t)random() % strlen(chars)];
	fmt[n] = 0;
}

static unsigned long random_number(void)
{
	unsigned long v = (unsigned long)random() << 42 ^ (unsigned long)random() << 21 ^
			  (unsigned long)random();

	switch (random() % 4) {
	case 0:
		return v & 15;
	case 1:
		return ~(v & 0xff);
	default:
		return v >> random() % 64;
	}
}

static void one_random(void)
{
	static const char *const lengths[] = {"", "l", "ll", "z", "h", "hh"};
	static const char convs[] = "diuoxXcs";
	size_t size = (size_t)random() % (random() % 4 ? SIZE : 8);
	char conv = convs[(size_t)random() % (sizeof(convs) - 1)];
	size_t len = (size_t)random() % ARRAY_SIZE(lengths);
	char fmt[32] = "<%";

	/* Undefined in C, and of no use: # with d, 0 with c and s, and so on. */
	append(fmt, strchr("di", conv)   ? "-+0 "
		    : strchr("cs", conv) ? "-"
		    : strchr("u", conv)  ? "-0"
					 : "-0#");
	if (random() % 2)
		sprintf(fmt + strlen(fmt), "%ld", random() % 30);
	if (conv != 'c' && random() % 2)
		sprintf(fmt + strlen(fmt), ".%ld", random() % 25);
	if (conv == 'c' || conv == 's') {
		sprintf(fmt + strlen(fmt), "%c>", conv);
		if (conv == 'c')
			compare(size, fmt, 'a' + (int)(random() % 26));
		else
			compare(size, fmt, &"a string of some length"[random() % 20]);
		return;
	}
	sprintf(fmt + strlen(fmt), "%s%c>", lengths[len], conv);
	if (len >= 1 && len <= 3)
		compare(size, fmt, random_number());
	else
		compare(size, fmt, (unsigned int)random_number());
}

static void randomized(void **state)
{
	srandom(1);
	for (unsigned int i = 0; i < 300000; i++)
		one_random();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed),
		cmocka_unit_test(our_own),
		cmocka_unit_test(randomized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
