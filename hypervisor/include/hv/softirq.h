/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Work that a CPU does before it returns to a guest or halts, with interrupts
 * on and no lock held. Raising one for another CPU sends it an IPI if it isn't
 * just about to look anyway.
 */
#ifndef HV_SOFTIRQ_H
#define HV_SOFTIRQ_H

#include <hv/cpumask.h>

enum softirq {
	SOFTIRQ_TIMER,
	SOFTIRQ_SCHED, /* choose another vCPU */
	SOFTIRQ_TASKLET, /* debug keys */
	SOFTIRQ_CONSOLE, /* there is something new in the console ring */
	/* After all others, which take precedence: */
	SOFTIRQ_RENDEZVOUS, /* wait for another CPU, hv/rendezvous.h */
	SOFTIRQ_AUDIT, /* recount everything, hv/audit.h */
	NR_SOFTIRQS,
};

void softirq_set_handler(enum softirq nr, void (*fn)(void));
void softirq_raise(enum softirq nr); /* here */
void softirq_raise_cpu(unsigned int cpu, enum softirq nr); /* there */
bool softirq_pending(unsigned int cpu);

/* Runs what is pending, until nothing is. Not in interrupt context. */
void softirq_run(void);

/*
 * Should a long hypercall make room: is there a softirq, or an event for the
 * guest itself? (One with nothing else to do may go on.)
 */
bool hypercall_preempt_check(void);

#endif
