/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the scheduler's core and the policies share. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <hv/list.h>
#include <hv/percpu.h>
#include <hv/sched.h>
#include <hv/spinlock.h>
#include <hv/timer.h>

struct run_queue {
	struct spinlock lock;
	struct list_head queue; /* the policy's order */
	unsigned int length;
	struct vcpu *curr, *idle;
	s_time_t since; /* when curr began */
	uint64_t head_vtime, min_vtime; /* the policy's, read by other CPUs without the lock */
	struct timer slice_timer;
};

DECLARE_PER_CPU(struct run_queue, run_queue);

extern const struct sched_ops credit_ops;

/* Locks the queue that @v belongs to. */
struct run_queue *rq_lock_vcpu(struct vcpu *v, unsigned long *flags);
bool vcpu_is_runnable(const struct vcpu *v);

#endif
