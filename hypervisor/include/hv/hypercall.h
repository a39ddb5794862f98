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

/* A multicall under way: the entry being executed. */
struct mc_state {
	struct multicall_entry call;
};

long do_multicall(uint64_t list, unsigned int nr);
long do_xen_version(unsigned int cmd, uint64_t arg);
long do_memory_op(unsigned long cmd, uint64_t arg);
long do_domctl(uint64_t op);
long do_sysctl(uint64_t op);

/*
 * -ENOSYS for a sub-operation that isn't there, said once in the log. Names of
 * hypercalls are of the list, for messages.
 */
long hypercall_no_subop(unsigned int op, unsigned int cmd);
const char *hypercall_name(unsigned int op);
/* By the lists of subops.h, without its prefix. NULL: there is no such thing. */
const char *hypercall_subop_name(unsigned int op, unsigned int cmd);

/* From the guest's SYSCALL: number and arguments in registers, the result into rax. */
void hypercall_dispatch(struct cpu_user_regs *regs);

#endif
