/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Stopping the world: all CPUs but one wait at the point where softirqs run, so
 * no hypercall is under way anywhere, no lock is held, and whatever a preempted
 * operation left is in one of its resting states.
 */
#ifndef HV_RENDEZVOUS_H
#define HV_RENDEZVOUS_H

#include <hv/types.h>

/*
 * Has the others come, runs @fn, and lets them go on. Only from a softirq
 * handler. False: it could not have them all without standing in somebody's way
 * itself (a softirq is due here: a CPU that is to come may wait for what that
 * does), or another CPU is at it; @fn did not run, and the caller raises its
 * softirq again.
 */
bool rendezvous(void (*fn)(void));

void rendezvous_init(void);

#endif
