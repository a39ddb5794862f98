/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Hypercalls: entry, continuation, and the handlers' prototypes.
 *
 * A long operation that should make room returns hypercall_continue(): the
 * guest executes the same instruction again with the arguments given, and the
 * handler goes on. Inside a multicall the batch is continued likewise.
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include <hv/types.h>
#include <hv/softirq.h>
#include <public/xen.h>

/* Internal, never seen by a guest: "preempted, call me again". */
#ifndef ERESTART
#define ERESTART 85
#endif

/*
 * Arranges for the current hypercall to be executed again with these arguments
 * and returns the value that the handler has to return.
 */
long hypercall_continue(unsigned int op, unsigned int nr_args, const unsigned long *args);

/* From the guest's SYSCALL: number and arguments in registers, the result into rax. */
void hypercall_dispatch(struct cpu_user_regs *regs);

#endif
