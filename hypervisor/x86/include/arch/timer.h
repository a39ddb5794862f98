/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the common timer and time code needs of the machine. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <hv/types.h>

/* The next timer interrupt of this CPU; STIME_MAX: none. In the past: at once. */
void arch_timer_program(s_time_t deadline);

/* Measures TSC and APIC timer against the PIT. kHz. */
void arch_timer_calibrate(uint64_t *ret_tsc_khz, uint64_t *ret_apic_khz);

/* Seconds since 1970 from the CMOS clock. */
uint64_t arch_read_rtc(void);

#endif
