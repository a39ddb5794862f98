/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A non-maskable interrupt reaches a guest even with its events masked; kernels
 * send it to each other's vCPUs for backtraces.
 */
#include "lib/guest.h"

#include <public/nmi.h>

const char test_title[] = "NMIs";

static volatile unsigned int by_table, by_callback;

static bool count(struct regs *regs)
{
	if (regs->vector == 2)
		by_table++;
	else if (regs->vector == VECTOR_NMI)
		by_callback++;
	else
		return false;
	return true;
}

static void send(void)
{
	expect_eq(hypercall(vcpu_op, VCPUOP_send_nmi, 0, 0), 0);
	hypercall(sched_op, SCHEDOP_yield, 0);
}

void test_main(void)
{
	struct callback_register callback = {.type = CALLBACKTYPE_nmi,
					     .address = (unsigned long)nmi_entry};
	struct callback_unregister unregister = {.type = CALLBACKTYPE_nmi};

	trap_hook = count;
	expect_eq(vcpu_info->evtchn_upcall_mask, 1);
	send();
	expect_eq(by_table, 1);
	/* The callback is the same gate by another name. */
	expect_eq(hypercall(callback_op, CALLBACKOP_register, &callback), 0);
	send();
	expect_eq(by_table, 1);
	expect_eq(by_callback, 1);
	/* It is delivered again after the first was returned from. */
	send();
	expect_eq(by_callback, 2);
	expect_eq(hypercall(callback_op, CALLBACKOP_unregister, &unregister), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_send_nmi, 8192, 0), -XEN_ENOENT);
	trap_hook = NULL;
}
