/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Sets of physical CPUs. */
#ifndef HV_CPUMASK_H
#define HV_CPUMASK_H

#include <hv/bitops.h>
#include <hv/compiler.h>
#include <hv/config.h>

_Static_assert(MAX_CPUS <= BITS_PER_LONG, "a cpumask is one word");

struct cpumask {
	unsigned long bits;
};

#define CPUMASK_NONE ((struct cpumask){0})
#define CPUMASK_ALL  ((struct cpumask){~0UL})

extern struct cpumask cpu_online_map;

static inline bool cpumask_test(unsigned int cpu, const struct cpumask *m)
{
	return (READ_ONCE(m->bits) >> cpu) & 1;
}

static inline void cpumask_set(unsigned int cpu, struct cpumask *m)
{
	set_bit(cpu, &m->bits);
}

static inline void cpumask_clear(unsigned int cpu, struct cpumask *m)
{
	clear_bit(cpu, &m->bits);
}

static inline bool cpumask_test_and_clear(unsigned int cpu, struct cpumask *m)
{
	return test_and_clear_bit(cpu, &m->bits);
}

static inline struct cpumask cpumask_of(unsigned int cpu)
{
	return (struct cpumask){1UL << cpu};
}

static inline struct cpumask cpumask_and(struct cpumask a, struct cpumask b)
{
	return (struct cpumask){a.bits & b.bits};
}

static inline bool cpumask_empty(struct cpumask m)
{
	return !m.bits;
}

static inline unsigned int cpumask_weight(struct cpumask m)
{
	return bit_count(m.bits);
}

static inline unsigned int cpumask_first(struct cpumask m)
{
	return m.bits ? bit_first(m.bits) : MAX_CPUS;
}

/* The first CPU after @cpu, wrapping round; MAX_CPUS when the mask is empty. */
static inline unsigned int cpumask_cycle(unsigned int cpu, struct cpumask m)
{
	unsigned long above = cpu + 1 < MAX_CPUS ? m.bits & (~0UL << (cpu + 1)) : 0;

	return above ? bit_first(above) : cpumask_first(m);
}

#define for_each_cpu(cpu, mask)                                                                    \
	for (unsigned long fec_bits = (mask).bits; fec_bits && (((cpu) = bit_first(fec_bits)), 1); \
	     fec_bits &= fec_bits - 1)
#define for_each_online_cpu(cpu) for_each_cpu (cpu, cpu_online_map)

#endif
