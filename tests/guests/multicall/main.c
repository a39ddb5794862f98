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

static struct context back;
static unsigned int left_by;
extern const char user_code[];
__asm__(".pushsection .text\nuser_code: mov $0x77, %eax; syscall; ud2\n.popsection");

static bool come_back(struct regs *regs)
{
	left_by = (unsigned int)regs->vector;
	resume_context(&back);
}

/* An entry that leaves kernel mode is the last: the rest would run as the user. */
static void iret_ends_it(void)
{
	static char stack[PAGE_SIZE] __attribute__((aligned(16)));
	struct iret_context frame = {
		.rip = (uintptr_t)user_code,
		.cs = FLAT_USER_CS64,
		.rflags = 2,
		.rsp = (uintptr_t)stack + sizeof(stack),
		.ss = FLAT_USER_SS64,
	};

	run_user(user_code, 0); /* there is a user address space from here on */
	set(0, __HYPERVISOR_iret, 0, 0);
	set(1, __HYPERVISOR_xen_version, XENVER_version, 0);
	trap_hook = come_back;
	if (save_context(&back) == 0)
		__asm__ volatile("mov %0, %%rsp; syscall; ud2"
				 :
				 : "r"(&frame), "a"(__HYPERVISOR_multicall), "D"(calls), "S"(2)
				 : "memory");
	trap_hook = NULL;
	expect_eq(left_by, VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rax, 0x77);
	expect_eq(calls[1].result, 0xdeadbeef);
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
	iret_ends_it();
	expect(hypercall(multicall, 0x7f0000000000UL, 1) == -XEN_EFAULT);
}
