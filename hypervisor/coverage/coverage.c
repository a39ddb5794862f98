/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Which basic blocks were executed, of a build with COVERAGE=y: the compiler has each
 * call __sanitizer_cov_trace_pc(), and the debug key C prints where from, as bits, one
 * line for each 64 bytes of the image that have any:
 *
 *   Coverage: OFFSET MASK
 *
 * tests/coverage/machine.sh makes lines of the sources of it. Owns the marks; a byte
 * each, so that CPUs need no lock for them.
 */
#include <hv/console.h>
#include <hv/coverage.h>
#include <hv/lib.h>

extern const char __image_start[];

#define MAX_TEXT (1UL << 20)

static uint8_t marks[MAX_TEXT];

void __sanitizer_cov_trace_pc(void);

/* From everywhere, the first instructions in C and the last ones of a panic included. */
__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void)
{
	unsigned long at =
		(unsigned long)__builtin_return_address(0) - (unsigned long)__image_start;

	if (at < MAX_TEXT)
		marks[at] = 1;
}

static void show(char key)
{
	unsigned long n = 0;

	for (unsigned long at = 0; at < MAX_TEXT; at += 64) {
		uint64_t mask = 0;

		for (unsigned int i = 0; i < 64; i++)
			mask |= (uint64_t)READ_ONCE(marks[at + i]) << i;
		if (mask)
			pr_info("Coverage: %06lx %016lx\n", at, mask);
		n += mask != 0;
	}
	pr_info("Coverage: %lu lines\n", n);
}

void __init coverage_init(void)
{
	keyhandler_register('C', show, "which parts of the hypervisor were executed");
}
