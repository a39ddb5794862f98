/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What a vCPU asks of the scheduler, and how a domain ends: sched_op(cmd, arg *). */
#ifndef XEN_PUBLIC_SCHED_H
#define XEN_PUBLIC_SCHED_H

#include "event_channel.h"

#define SCHEDOP_yield           0 /* no argument */
#define SCHEDOP_block           1 /* no argument: unmask upcalls, sleep until an event */
#define SCHEDOP_shutdown        2 /* sched_shutdown: the caller's domain */
#define SCHEDOP_poll            3 /* sched_poll */
#define SCHEDOP_remote_shutdown 4 /* sched_remote_shutdown */
#define SCHEDOP_shutdown_code   5 /* sched_shutdown: latch the reason only */
#define SCHEDOP_watchdog        6 /* sched_watchdog */
#define SCHEDOP_pin_override    7 /* sched_pin_override */

/*
 * For SHUTDOWN_suspend the hypercall's third argument is the frame of
 * start_info; it returns 0 in a resumed domain, 1 if the suspend was cancelled.
 */
struct sched_shutdown {
	unsigned int reason; /* SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

/* Sleeps until one of the ports is pending, masked or not, or the time is up. */
struct sched_poll {
	XEN_GUEST_HANDLE(evtchn_port_t) ports;
	unsigned int nr_ports;
	uint64_t timeout; /* system time in nanoseconds, 0 for ever */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

struct sched_remote_shutdown {
	domid_t domain_id;
	unsigned int reason;
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

/* id 0 makes a watchdog and returns its id; timeout 0 stops it. */
struct sched_watchdog {
	uint32_t id;
	uint32_t timeout; /* seconds */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

struct sched_pin_override {
	int32_t pcpu; /* negative: end the override */
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

/* Why a domain shut down */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

#endif /* XEN_PUBLIC_SCHED_H */
