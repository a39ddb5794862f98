/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Variables of which each CPU has its own:
 *	DEFINE_PER_CPU(int, counter);
 *	this_cpu(counter)++;  per_cpu(counter, cpu) = 0;
 */
#ifndef HV_PERCPU_H
#define HV_PERCPU_H

#include <hv/compiler.h>
#include <arch/percpu.h>

#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu__##name
#define DEFINE_PER_CPU(type, name)  PERCPU_SECTION __typeof__(type) percpu__##name
#define per_cpu(name, cpu)          (*arch_percpu_ptr(&percpu__##name, cpu))
#define this_cpu(name)              (*arch_this_cpu_ptr(&percpu__##name))

#endif
