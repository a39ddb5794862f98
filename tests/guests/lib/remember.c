/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A second vCPU that writes through what its TLB remembers: guest.h. Between two writes
 * it makes no hypercall and nothing that would have its TLB forget.
 */
#include "lib/guest.h"

static volatile uint64_t *volatile target;
static volatile uint64_t value;
static volatile bool wrote;
static unsigned int asked, answered;

static void answer(void)
{
	unsigned int n = 0;

	for (;;) {
		while (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) == n)
			__asm__ volatile("pause");
		wrote = PROBE("movq %1, (%0)", : : "r"(target), "r"(value) : "memory");
		__atomic_store_n(&answered, ++n, __ATOMIC_RELEASE);
	}
}

bool write_again(uint64_t what)
{
	uint64_t end = system_time() + 10000000000UL;
	unsigned int n = asked + 1, i;

	value = what;
	__atomic_store_n(&asked, n, __ATOMIC_RELEASE);
	for (i = 1; __atomic_load_n(&answered, __ATOMIC_ACQUIRE) != n; i++) {
		if (system_time() > end)
			error("vCPU 1 does not come back");
		/* Both may be on one processor. */
		if (i % 1024 == 0)
			hypercall(sched_op, SCHEDOP_yield, 0);
	}
	return wrote;
}

void remember(volatile uint64_t *word)
{
	if (!asked)
		start_vcpu(answer);
	target = word;
	/* Once for an entry that it remembers with fewer rights */
	if (!write_again(*word) && !write_again(*word))
		error("vCPU 1 can't write to %p", (void *)word);
}

bool still_trying(uint64_t begin, unsigned long stale)
{
	bool longer = !stale && beyond_abi();

	return system_time() < begin + (longer ? 10000000000UL : 1000000000UL);
}
