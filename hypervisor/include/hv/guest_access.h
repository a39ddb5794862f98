/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The one module that touches guest memory by guest address. A guest pointer
 * is a number (struct round an integer in the public headers): there is nothing
 * to dereference. Copies go through the page tables of the current vCPU, may
 * fault (then fail), and refuse the hypervisor's address range. Copy once into
 * a local, check the local, never look back.
 */
#ifndef HV_GUEST_ACCESS_H
#define HV_GUEST_ACCESS_H

#include <hv/compiler.h>
#include <hv/types.h>

/* How many bytes could NOT be copied (0: all). @va is a guest virtual address. */
unsigned long __must_check guest_copy_in(void *dst, uint64_t va, unsigned long n);
unsigned long __must_check guest_copy_out(uint64_t va, const void *src, unsigned long n);
unsigned long __must_check guest_clear(uint64_t va, unsigned long n);

/* Neither in nor across the hypervisor's range, and no wrap. */
bool guest_range_ok(uint64_t va, unsigned long n);
/* nr * size bytes at va. */
bool guest_array_ok(uint64_t va, unsigned long nr, unsigned long size);

/* Host tests see the handles that programs see. */
#ifdef __PAVISE_HYPERVISOR__
#define guest_handle_va(h) ((h).a)
#else
#define guest_handle_va(h) ((uint64_t)(h).p)
#endif

/*
 * Handles of the public headers: h is a XEN_GUEST_HANDLE(type), i an index.
 * 0, or -EFAULT.
 */
#define guest_handle_is_null(h) (guest_handle_va(h) == 0)
#define guest_from(hnd, idx, ptr)                                                      \
	(guest_copy_in((ptr), guest_handle_va(hnd) + (uint64_t)(idx) * sizeof(*(ptr)), \
		       sizeof(*(ptr)))                                                 \
		 ? -EFAULT                                                             \
		 : 0)
#define guest_to(hnd, idx, ptr)                                                         \
	(guest_copy_out(guest_handle_va(hnd) + (uint64_t)(idx) * sizeof(*(ptr)), (ptr), \
			sizeof(*(ptr)))                                                 \
		 ? -EFAULT                                                              \
		 : 0)
#define guest_to_array(hnd, idx, ptr, nr)                                               \
	(guest_copy_out(guest_handle_va(hnd) + (uint64_t)(idx) * sizeof(*(ptr)), (ptr), \
			(nr) * sizeof(*(ptr)))                                          \
		 ? -EFAULT                                                              \
		 : 0)
#define guest_from_array(hnd, idx, ptr, nr)                                            \
	(guest_copy_in((ptr), guest_handle_va(hnd) + (uint64_t)(idx) * sizeof(*(ptr)), \
		       (nr) * sizeof(*(ptr)))                                          \
		 ? -EFAULT                                                             \
		 : 0)

#endif
