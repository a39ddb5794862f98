/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Softirqs. See hv/softirq.h. */
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/softirq.h>
#include <arch/apic.h>
#include <arch/cpu.h>

static void (*handlers[NR_SOFTIRQS])(void) __ro_after_init;
static DEFINE_PER_CPU(unsigned long, pending);

void softirq_set_handler(enum softirq nr, void (*fn)(void))
{
	handlers[nr] = fn;
}

void softirq_raise(enum softirq nr)
{
	set_bit(nr, &this_cpu(pending));
}

void softirq_raise_cpu(unsigned int cpu, enum softirq nr)
{
	if (!test_and_set_bit(nr, &per_cpu(pending, cpu)) && cpu != smp_processor_id())
		apic_send_ipi(cpu, VECTOR_EVENT_CHECK);
}

bool softirq_pending(unsigned int cpu)
{
	return READ_ONCE(per_cpu(pending, cpu)) != 0;
}

void softirq_run(void)
{
	unsigned long *p;

	/* Scheduling may go on on another stack: look up our CPU's word each time. */
	while (p = &this_cpu(pending), READ_ONCE(*p)) {
		unsigned int nr = bit_first(READ_ONCE(*p));

		clear_bit(nr, p);
		handlers[nr]();
	}
}
