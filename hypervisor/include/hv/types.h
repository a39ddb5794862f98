/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The basic types of the hypervisor. Frame numbers are one-member structs, so
 * that a machine frame can't be taken for a guest's frame by accident:
 *   mfn_t  a frame of the machine
 *   pfn_t  a frame as a PV guest numbers it (its "pseudo-physical" memory)
 *   gfn_t  what an ABI calls a gfn: for a PV guest an mfn, for others a pfn
 */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	unsigned long v;
} mfn_t;
typedef struct {
	unsigned long v;
} pfn_t;
typedef struct {
	unsigned long v;
} gfn_t;

typedef uint64_t paddr_t;

#define _mfn(n)     ((mfn_t){(n)})
#define _pfn(n)     ((pfn_t){(n)})
#define mfn_x(m)    ((m).v)
#define pfn_x(p)    ((p).v)
#define INVALID_MFN _mfn(~0UL)

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
	return a.v == b.v;
}

static inline mfn_t mfn_add(mfn_t m, unsigned long n)
{
	return _mfn(m.v + n);
}

#define PAGE_SHIFT  12
#define PAGE_SIZE   (1UL << PAGE_SHIFT)
#define PAGE_MASK   (~(PAGE_SIZE - 1))
#define PFN_DOWN(a) ((unsigned long)(a) >> PAGE_SHIFT)
#define PFN_UP(a)   (((unsigned long)(a) + PAGE_SIZE - 1) >> PAGE_SHIFT)

/* Times are in nanoseconds since the hypervisor started ("system time"). */
typedef int64_t s_time_t;

#define SECONDS(n)   ((s_time_t)(n)*1000000000LL)
#define MILLISECS(n) ((s_time_t)(n)*1000000LL)
#define MICROSECS(n) ((s_time_t)(n)*1000LL)
#define STIME_MAX    INT64_MAX

#endif
