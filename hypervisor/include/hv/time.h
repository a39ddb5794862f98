/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* System time (ns since start), wall clock, and the guests' view of both. */
#ifndef HV_TIME_H
#define HV_TIME_H

#include <hv/types.h>

struct vcpu;
struct domain;

/* How TSC ticks become ns: ns = ((tsc << shift) * mul) >> 32 (shift < 0: >>). */
struct time_scale {
	uint32_t mul;
	int8_t shift;
};

struct time_scale time_scale_of(uint64_t khz);
uint64_t time_scale_apply(struct time_scale s, uint64_t ticks);

/* At start-up, when time 0 is. */
void time_init(void);

/* System time now. Monotonic on one CPU; on all when the TSCs run together. */
s_time_t time_now(void);

uint64_t time_now_at_tsc(uint64_t tsc);

/* Do all TSCs run together, so that guests may read the time without help? */
extern bool time_tsc_stable;
extern uint64_t time_tsc_khz;

/* Publishes system time (vcpu_info.time) and, if it changed, wall clock to the guest. */
void time_update_vcpu(struct vcpu *v);
void time_update_wallclock(struct domain *d);

/* UTC at system time 0, in ns; read from the RTC at start, set by platform_op settime. */
uint64_t time_wallclock_base(void);
void time_set_wallclock(uint64_t sec, uint32_t nsec, s_time_t at);

#endif
