/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The local APIC of each CPU: end of interrupt, IPIs, the one-shot timer; and
 * the map of interrupt vectors.
 */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#include <hv/cpumask.h>

#define APIC_DEFAULT_PHYS 0xfee00000UL

/*
 * Vectors: 0x00-0x1f exceptions; 0x20-0xef devices (0x80 is the guests' and never
 * given out); 0xf0-0xff ours.
 */
#define VECTOR_FIRST_DEVICE  0x21
#define VECTOR_LAST_DEVICE   0xef
#define VECTOR_TIMER         0xf9
#define VECTOR_CALL_FUNCTION 0xfa
#define VECTOR_FLUSH_TLB     0xfb
#define VECTOR_EVENT_CHECK   0xfc
#define VECTOR_ERROR         0xfe
#define VECTOR_SPURIOUS      0xff

void apic_init_bsp(void);
void apic_init_cpu(void);
void apic_eoi(void);
unsigned int apic_id_of(unsigned int cpu);
void apic_send_ipi(unsigned int cpu, unsigned int vector);
void apic_send_ipi_mask(struct cpumask m, unsigned int vector);
void apic_send_init(unsigned int apic_id);
void apic_send_sipi(unsigned int apic_id, unsigned int page);
void apic_timer_set(uint64_t ticks); /* 0: off */

/* @fn(@data) on the CPUs of the mask (this one too if set); waits. Interrupts on. */
void on_cpus(struct cpumask m, void (*fn)(void *), void *data);

#endif
