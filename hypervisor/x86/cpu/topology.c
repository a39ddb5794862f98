/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The topology of the CPUs. An APIC id is made of bit fields: socket, core, thread;
 * CPUID tells how wide the lower ones are. All CPUs are taken to be of a kind, so
 * the asking CPU's answer is good for all.
 *
 * Sources: Intel SDM vol. 3 (detecting topology), AMD APM vol. 3 app. E.
 */
#include <hv/bitops.h>
#include <hv/cpumask.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/topology.h>

#define LEVEL_THREAD 1
#define FEATURE_HTT  (1U << 28)
#define CMP_LEGACY   (1U << 1)

struct widths {
	unsigned int thread, core; /* bits; core: above the thread's */
};

static unsigned int bits_for(unsigned int n)
{
	return n > 1 ? bit_last(n - 1) + 1 : 0;
}

/* Leaf 0xb: for each level how far to shift the id to get at what is above it. */
static bool widths_extended(struct widths *w)
{
	unsigned int thread = 0, all = 0;

	if (cpuid_count(0, 0).a < 0xb || !cpuid_count(0xb, 0).b)
		return false;
	for (uint32_t i = 0; i < 8; i++) {
		struct cpuid_regs r = cpuid_count(0xb, i);
		unsigned int level = (r.c >> 8) & 0xff;

		if (!level)
			break;
		if (level == LEVEL_THREAD)
			thread = r.a & 0x1f;
		all = r.a & 0x1f;
	}
	w->thread = thread;
	w->core = all - min(all, thread);
	return true;
}

/* AMD's own: cores in a package; the older of its CPUs have no threads. */
static bool widths_amd(struct widths *w)
{
	struct cpuid_regs r;

	if (cpuid_count(0x80000000, 0).a < 0x80000008 ||
	    !(cpuid_count(0x80000001, 0).c & CMP_LEGACY))
		return false;
	r = cpuid_count(0x80000008, 0);
	w->thread = 0;
	w->core = (r.c >> 12) & 0xf ? (r.c >> 12) & 0xf : bits_for((r.c & 0xff) + 1);
	return true;
}

static struct widths id_widths(void)
{
	struct cpuid_regs l1 = cpuid_count(1, 0);
	struct widths w = {0, 0};
	unsigned int logical, cores = 1;

	if (widths_extended(&w) || widths_amd(&w) || !(l1.d & FEATURE_HTT))
		return w;
	logical = bits_for((l1.b >> 16) & 0xff);
	if (cpuid_count(0, 0).a >= 4)
		cores = (cpuid_count(4, 0).a >> 26) + 1;
	w.core = min(bits_for(cores), logical);
	w.thread = logical - w.core;
	return w;
}

bool topology_same_core(uint32_t apic_id, unsigned int cpu)
{
	unsigned int shift = id_widths().thread;

	return apic_id >> shift == apic_id_of(cpu) >> shift;
}

unsigned int topology_core(unsigned int cpu)
{
	struct widths w = id_widths();

	return (apic_id_of(cpu) >> w.thread) & ((1U << w.core) - 1);
}

unsigned int topology_socket(unsigned int cpu)
{
	struct widths w = id_widths();

	return apic_id_of(cpu) >> (w.thread + w.core);
}

static bool share_socket(unsigned int a, unsigned int b)
{
	return topology_socket(a) == topology_socket(b);
}

unsigned int topology_threads_per_core(void)
{
	unsigned int cpu, first = cpumask_first(cpu_online_map), n = 0;

	for_each_online_cpu (cpu)
		n += share_socket(cpu, first) && topology_core(cpu) == topology_core(first);
	return n;
}

unsigned int topology_cores_per_socket(void)
{
	unsigned int cpu, first = cpumask_first(cpu_online_map), n = 0;
	unsigned int threads = topology_threads_per_core();

	for_each_online_cpu (cpu)
		n += share_socket(cpu, first);
	return threads ? max(n / threads, 1U) : 1;
}
