/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X5) The one place where guest memory is reached by guest address: through the page
 * tables of the current vCPU, which are loaded. A page that isn't there, or isn't
 * writable for the guest, faults, and the copy ends short (CR0.WP is set, and a
 * guest's page tables are read-only to itself). With SMAP it is the only place that can:
 * anywhere else the same faults, and stops the machine.
 */
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/traps.h>

bool guest_range_ok(uint64_t va, unsigned long n)
{
	uint64_t last = va + n - 1;

	if (!n)
		return true;
	return last >= va && is_canonical(va) && is_canonical(last) &&
	       (last < HYPERVISOR_START || va >= HYPERVISOR_END) && (va >> 63) == (last >> 63);
}

bool guest_array_ok(uint64_t va, unsigned long nr, unsigned long size)
{
	unsigned long n;

	return !__builtin_mul_overflow(nr, size, &n) && guest_range_ok(va, n);
}

/* Whole words first, then the rest; what is left when one of them faults. */
static unsigned long copy(void *dst, const void *src, unsigned long n)
{
	unsigned long left = n / 8;

	smap_open();
	__asm__ volatile("1:	rep movsq\n\t"
			 "mov %3, %0\n"
			 "2:	rep movsb\n"
			 "3:\n\t"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "4:	lea (%3, %0, 8), %0\n\t"
			 "jmp 3b\n\t"
			 ".popsection\n\t" EXTABLE(1b, 4b) EXTABLE(2b, 3b)
			 : "+c"(left), "+D"(dst), "+S"(src)
			 : "r"(n & 7)
			 : "memory");
	smap_close();
	return left;
}

unsigned long guest_copy_in(void *dst, uint64_t va, unsigned long n)
{
	unsigned long left = guest_range_ok(va, n) ? copy(dst, (const void *)va, n) : n;

	/* Nobody may mistake what was there before for the guest's. */
	if (left)
		memset((char *)dst + n - left, 0, left);
	return left;
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	return guest_range_ok(va, n) ? copy((void *)va, src, n) : n;
}

unsigned long guest_clear(uint64_t va, unsigned long n)
{
	static const uint64_t zeroes[64];

	while (n) {
		unsigned long part = min(n, sizeof(zeroes)),
			      left = guest_copy_out(va, zeroes, part);

		if (left)
			return n - part + left;
		va += part;
		n -= part;
	}
	return 0;
}
