/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A hypercall changes rax, rcx and r11 only: kernels keep values in all other
 * registers across it. What is not implemented says -ENOSYS, which callers
 * tell apart from an operation that failed, and does no harm. Tries X3, X5.
 */
#include "lib/guest.h"

const char test_title[] = "Hypercall registers and unknown hypercalls";

static void registers_are_kept(void)
{
	static uint64_t seen[13];
	unsigned int i;

	__asm__ volatile("push %%rbp\n"
			 "push %%rbx\n"
			 "mov $0x1001, %%ebx; mov $0x1002, %%edx; mov $0, %%esi\n"
			 "mov $0, %%edi; mov $0x1005, %%r8d; mov $0x1006, %%r9d\n"
			 "mov $0x1007, %%r10d; mov $0x1008, %%r12d; mov $0x1009, %%r13d\n"
			 "mov $0x100a, %%r14d; mov $0x100b, %%r15d; mov $0x100c, %%ebp\n"
			 "mov %[nr], %%eax\n"
			 "syscall\n"
			 "mov %%rax, %c[s]; mov %%rbx, %c[s]+8; mov %%rdx, %c[s]+16\n"
			 "mov %%rsi, %c[s]+24; mov %%rdi, %c[s]+32; mov %%r8, %c[s]+40\n"
			 "mov %%r9, %c[s]+48; mov %%r10, %c[s]+56; mov %%r12, %c[s]+64\n"
			 "mov %%r13, %c[s]+72; mov %%r14, %c[s]+80; mov %%r15, %c[s]+88\n"
			 "mov %%rbp, %c[s]+96\n"
			 "pop %%rbx\n"
			 "pop %%rbp\n"
			 :
			 : [nr] "i"(__HYPERVISOR_xen_version), [s] "i"(seen)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "memory");
	expect(seen[0] >> 16 >= 4);
	for (i = 1; i < ARRAY_SIZE(seen); i++)
		expect_eq(seen[i], i == 3 || i == 4 ? 0 : 0x1000 + i);
}

static void segments_and_flags_are_kept(void)
{
	uint64_t flags;

	__asm__ volatile("stc; std\n"
			 "mov %[nr], %%eax; xor %%edi, %%edi; xor %%esi, %%esi; stc\n"
			 "syscall\n"
			 "pushf; pop %[flags]\n"
			 "cld\n"
			 : [flags] "=r"(flags)
			 : [nr] "i"(__HYPERVISOR_xen_version)
			 : "rax", "rcx", "rdi", "rsi", "r11", "memory", "cc");
	expect(flags & RFLAGS_CF);
	expect(flags & RFLAGS_DF);
	expect(flags & RFLAGS_IF);
}

static void unknown_hypercalls(void)
{
	static const unsigned long unknown[] = {
		11, 43, 47, 56, 63, 64, 127, 128, 0x1000, 0x80000000UL, 0x100000011UL, ~0UL};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		long ret = hypercall5(unknown[i], 0, 0, 0, 0, 0);

		if (ret != -XEN_ENOSYS)
			failure("hypercall %#lx gives %ld", unknown[i], ret);
	}
}

static void unknown_operations(void)
{
	uint64_t arg[16] = {0};
	long ret;

	expect_eq(hypercall(memory_op, 63, arg), -XEN_ENOSYS);
	expect_eq(hypercall(xen_version, 99, arg), -XEN_ENOSYS);
	ret = hypercall(console_io, 99, 0, arg); /* not every domain may even ask */
	expect(ret == -XEN_ENOSYS || ret == -XEN_EPERM);
	expect_eq(hypercall(vcpu_op, 99, 0, arg), -XEN_ENOSYS);
	expect_eq(hypercall(sched_op, 99, arg), -XEN_ENOSYS);
	expect_eq(hypercall(callback_op, 99, arg), -XEN_ENOSYS);
	expect_eq(hypercall(event_channel_op, 99, arg), -XEN_ENOSYS);
	expect_eq(hypercall(physdev_op, 99, arg), -XEN_ENOSYS);
	expect_eq(hypercall(grant_table_op, 99, arg, 1), -XEN_ENOSYS);
	expect_eq(hypercall(tmem_op, arg), -XEN_ENOSYS);
}

/* Unmapped memory is -EFAULT, and never anything worse. */
static void bad_pointers(void)
{
	static const unsigned long bad[] = {0x7f0000000000UL,
					    HYPERVISOR_VIRT_START + 0x8000000000UL,
					    0x8000000000000000UL, ~0UL};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_eq(hypercall(event_channel_op, EVTCHNOP_status, bad[i]), -XEN_EFAULT);
		expect_eq(hypercall(xen_version, XENVER_extraversion, bad[i]), -XEN_EFAULT);
		expect_eq(hypercall(multicall, bad[i], 1), -XEN_EFAULT);
		expect_eq(hypercall(mmu_update, bad[i], 1, 0, DOMID_SELF), -XEN_EFAULT);
	}
}

void test_main(void)
{
	registers_are_kept();
	segments_and_flags_are_kept();
	unknown_hypercalls();
	unknown_operations();
	bad_pointers();
}
