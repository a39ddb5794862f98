/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * One-shot timers in system time. The function runs as a softirq on the CPU of
 * the timer, with interrupts on, and may set the timer again.
 *
 * Locks: one per CPU's heap (RANK_TIMER), taken inside. Any context.
 */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include <hv/types.h>

struct timer {
	s_time_t expires;
	void (*fn)(void *data);
	void *data;
	struct timer *child, *next, *prev; /* in the heap; prev: parent of a first child */
	uint16_t cpu;
	bool armed, dead;
};

/* @cpu is where it runs. */
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu);

/*
 * (Re)arms. In the past: runs at once.
 */
void timer_set(struct timer *t, s_time_t expires);

/* Not armed any more on return; the function may still be running on another CPU. */
void timer_stop(struct timer *t);

/* Stops it, waits for its function on other CPUs, and forbids to set it again. */
void timer_kill(struct timer *t);

/* Moves it (armed or not) to another CPU. */
void timer_migrate(struct timer *t, unsigned int cpu);

bool timer_is_armed(const struct timer *t);

void timers_init(void);
void timer_init_cpu(unsigned int cpu);
/* The earliest deadline of this CPU; STIME_MAX: none. */
s_time_t timer_next_deadline(void);

#endif
