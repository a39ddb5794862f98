/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A multicall does its entries in turn, leaves each one's own result, and
 * succeeds itself whatever they say.
 */
#include "lib/guest.h"

const char test_title[] = "Multicalls";

static struct multicall_entry calls[100];

static void set(unsigned int i, unsigned long op, unsigned long a, unsigned long b)
{
	unsigned int j;

	calls[i].op = op;
	calls[i].result = 0xdeadbeef;
	calls[i].args[0] = a;
	calls[i].args[1] = b;
	for (j = 2; j < 6; j++)
		calls[i].args[j] = 0x600 + j;
}

void test_main(void)
{
	unsigned int i, j;

	expect_eq(hypercall(multicall, calls, 0), 0);

	set(0, __HYPERVISOR_xen_version, XENVER_version, 0);
	set(1, 63, 0, 0);
	set(2, __HYPERVISOR_xen_version, 99, 0);
	set(3, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	set(4, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 12345);
	set(5, __HYPERVISOR_fpu_taskswitch, 0, 0);
	expect_eq(hypercall(multicall, calls, 6), 0);
	expect_eq(calls[0].result, 0x40011);
	expect_eq(calls[1].result, -XEN_ENOSYS);
	expect_eq(calls[2].result, -XEN_ENOSYS);
	expect_eq(calls[3].result, 4096);
	expect((long)calls[4].result < 0);
	expect_eq(calls[5].result, 0);
	/* Entries are otherwise left alone. */
	expect_eq(calls[3].op, __HYPERVISOR_xen_version);
	for (j = 2; j < 6; j++)
		expect_eq(calls[3].args[j], 0x600 + j);

	/* A long list, with updates that depend on each other */
	for (i = 0; i < 100; i++)
		set(i, __HYPERVISOR_xen_version, XENVER_version, 0);
	expect_eq(hypercall(multicall, calls, 100), 0);
	for (i = 0; i < 100; i++)
		expect_eq(calls[i].result, 0x40011);

	set(0, __HYPERVISOR_xen_version, XENVER_version, 0);
	expect(hypercall(multicall, 0x7f0000000000UL, 1) == -XEN_EFAULT);
}
