/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the compiler can be told: attributes, branch hints, section names. */
#ifndef HV_COMPILER_H
#define HV_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __noreturn          __attribute__((noreturn))
#define __noinline          __attribute__((noinline))
#define always_inline       inline __attribute__((always_inline))
#define __packed            __attribute__((packed))
#define __aligned(n)        __attribute__((aligned(n)))
#define __must_check        __attribute__((warn_unused_result))
#define format_printf(a, b) __attribute__((format(printf, a, b)))
#define fallthrough         __attribute__((fallthrough))

/* Code and data that are freed before the first guest runs. */
#ifdef __PAVISE_HYPERVISOR__
#define __init          __attribute__((section(".init.text"), cold, noinline))
#define __initdata      __attribute__((section(".init.data")))
#define __initconst     __attribute__((section(".init.rodata")))
/* Data that is written during start-up only, and read-only afterwards. */
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#else
#define __init
#define __initdata
#define __initconst
#define __ro_after_init
#endif

#define barrier() __asm__ volatile("" ::: "memory")

#define READ_ONCE(x)       (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile __typeof__(x) *)&(x) = (val))

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define min(a, b)                              \
	({                                     \
		__typeof__(a) min_a = (a);     \
		__typeof__(b) min_b = (b);     \
		min_a < min_b ? min_a : min_b; \
	})
#define max(a, b)                              \
	({                                     \
		__typeof__(a) max_a = (a);     \
		__typeof__(b) max_b = (b);     \
		max_a > max_b ? max_a : max_b; \
	})
#define ROUND_UP(x, n)   (((x) + (n)-1) & ~((__typeof__(x))(n)-1))
#define ROUND_DOWN(x, n) ((x) & ~((__typeof__(x))(n)-1))
#define BIT(n)           (1UL << (n))

#endif
