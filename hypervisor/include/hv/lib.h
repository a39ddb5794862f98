/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The small library: strings, formatted printing, assertions, logging.
 * On the host (unit tests) the string functions are libc's own.
 */
#ifndef HV_LIB_H
#define HV_LIB_H

#include <stdarg.h>

#include <hv/compiler.h>
#include <hv/config.h>
#include <hv/types.h>
#include <hv/errno.h>

#ifdef __PAVISE_HYPERVISOR__
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
#else
#include <string.h>
#endif

/* Copies and always terminates; returns strlen(src). */
size_t hv_strlcpy(char *dst, const char *src, size_t size);

/*
 * Number in C syntax (0x, 0 prefix); *ret_end is the first unused character. One that
 * is too large is the largest there is.
 */
unsigned long long hv_strtoull(const char *s, const char **ret_end, unsigned int base);

/*
 * printf's usual subset: d i u x X o c s p % with width, precision, 0 - + #
 * and h hh l ll z. Always terminates; returns the length it would have had.
 */
int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) format_printf(3, 0);
int hv_snprintf(char *buf, size_t size, const char *fmt, ...) format_printf(3, 4);

/*
 * Log levels, in the spelling of `loglvl=`. A message about a guest (its own
 * doing) is filtered by guest_loglvl=, and rate-limited, with printk_guest().
 */
enum loglvl { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void printk(enum loglvl lvl, const char *fmt, ...) format_printf(2, 3);
void printk_guest(enum loglvl lvl, const char *fmt, ...) format_printf(2, 3);

#define pr_err(...)   printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/*
 * A failure that a guest or a tool caused: says why in the log (guest level
 * debug) and gives the error code: return hv_err(-EINVAL, "port %u is not bound", p);
 */
long hv_err_fn(long err, const char *func, const char *fmt, ...) format_printf(3, 4);
#define hv_err(err, ...) hv_err_code((err), hv_err_fn((err), __func__, __VA_ARGS__))

/* So that compilers and analysers see which code it is; no side effects in @err. */
static inline long hv_err_code(long err, long logged)
{
	return err;
}

__noreturn void panic(const char *fmt, ...) format_printf(1, 2);

/* Our own bugs, never the check of a guest's value. */
__noreturn void assert_failed(const char *expr, const char *file, int line);
#define BUG_ON(x)                                              \
	do {                                                   \
		if (unlikely(x))                               \
			assert_failed(#x, __FILE__, __LINE__); \
	} while (0)
#define ASSERT(x) BUG_ON(IS_ENABLED(CONFIG_DEBUG) && !(x))
#define BUG()     assert_failed("unreachable", __FILE__, __LINE__)

/*
 * Bounds a guest-controlled index: @i when below @n, else 0, without a branch
 * that could be speculated past. Callers have checked @i already.
 */
static inline unsigned long index_nospec(unsigned long i, unsigned long n)
{
	unsigned long mask;

	__asm__("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(i), "r"(n) : "cc");
	return i & mask;
}

/* Sorts @n elements of @size bytes in place (small n; insertion sort). */
void hv_sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *));

#endif
