/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A PV guest's kernel and user programs both run at ring 3; the hypervisor
 * knows which it is. In user mode SYSCALL enters the guest's kernel instead of
 * the hypervisor, privileged instructions are faults for the kernel to handle,
 * the GS base is the user's, and faults are marked as the user's. Tries X1, X3, X6.
 */
#include "lib/guest.h"

const char test_title[] = "User mode: system calls, faults, segment bases";

#define USER_CODE(name, text)                                                \
	extern const char name[], name##_end[];                              \
	__asm__(".pushsection .text\n" #name ":\n" text "\n" #name "_end:\n" \
		".popsection")

USER_CODE(user_syscall, "mov $0x1234, %eax; mov $17, %ebx; stc; syscall; ud2");
USER_CODE(user_hypercall, "mov $17, %eax; xor %edi, %edi; syscall; ud2");
USER_CODE(user_int80, "int $0x80; ud2");
USER_CODE(user_int3, "int3; ud2");
USER_CODE(user_rdmsr, "mov $0xc0000080, %ecx; rdmsr; ud2");
USER_CODE(user_cr0, "mov %cr0, %rax; ud2");
USER_CODE(user_hlt, "hlt; ud2");
USER_CODE(user_cli, "cli; ud2");
USER_CODE(user_in, "in $0x80, %al; ud2");
USER_CODE(user_read, "mov (%rdi), %rax; ud2");
USER_CODE(user_write, "mov %rax, (%rdi); ud2");
USER_CODE(user_jump, "jmp *%rdi");
USER_CODE(user_gs, "mov %gs:0, %rax; syscall; ud2");
USER_CODE(user_fs, "mov %fs:0, %rax; syscall; ud2");
USER_CODE(user_cpuid, "mov $0x40000000, %eax; xor %ecx, %ecx\n"
		      ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid\n"
		      "syscall; ud2");

static void system_calls(void)
{
	expect_eq(run_user(user_syscall, 0x5678), VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rax, 0x1234);
	expect_eq(last_trap.regs.rdi, 0x5678);
	expect_eq(last_trap.regs.rip, (unsigned long)user_syscall_end - 2);
	expect_eq(last_trap.regs.cs & 3, 3);
	expect_eq(last_trap.regs.ss & 3, 3);
	expect(last_trap.regs.rflags & RFLAGS_CF);
	/* In user mode a hypercall's number means nothing. */
	expect_eq(run_user(user_hypercall, 0), VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rax, 17);
}

static void user_fault(const char *code, uint64_t arg, unsigned int vector, uint64_t error_code)
{
	expect_eq(run_user(code, arg), vector);
	expect_eq(last_trap.error_code, error_code);
	expect_eq(last_trap.regs.cs & 3, 3);
}

static void faults(void)
{
	uint64_t pt = start_info->pt_base;

	user_fault(user_int80, 0, 128, 0);
	user_fault(user_int3, 0, 3, 0);
	user_fault(user_rdmsr, 0, 13, 0);
	user_fault(user_cr0, 0, 13, 0);
	user_fault(user_hlt, 0, 13, 0);
	user_fault(user_cli, 0, 13, 0);
	user_fault(user_in, 0, 13, 0);
	user_fault(user_read, 0x7f0000000000UL, 14, 4);
	expect_eq(last_trap.cr2, 0x7f0000000000UL);
	user_fault(user_write, 0x7f0000000000UL, 14, 6);
	user_fault(user_write, pt, 14, 7);
	expect_eq(last_trap.cr2, pt);
	/* The hypervisor's memory is not there for user mode. */
	expect_eq(run_user(user_read, HYPERVISOR_VIRT_START + 0x40000000000UL), 14);
	expect(last_trap.error_code & 4);
	/* A fetch may be marked as one. */
	expect_eq(run_user(user_jump, 0x7f0000000000UL), 14);
	expect_eq(last_trap.error_code & ~0x10UL, 4);
	expect_eq(last_trap.regs.rip, 0x7f0000000000UL);
}

static void segment_bases(void)
{
	static uint64_t user = 0x11, kernel = 0x22, fs = 0x33;
	uint64_t value;

	expect_eq(hypercall(set_segment_base, SEGBASE_GS_USER, &user), 0);
	expect_eq(hypercall(set_segment_base, SEGBASE_GS_KERNEL, &kernel), 0);
	expect_eq(hypercall(set_segment_base, SEGBASE_FS, &fs), 0);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	expect_eq(value, kernel);
	expect_eq(run_user(user_gs, 0), VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rax, user);
	expect_eq(run_user(user_fs, 0), VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rax, fs);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	expect_eq(value, kernel);
	expect(hypercall(set_segment_base, SEGBASE_FS, 0x8000000000000000UL) < 0);
	expect(hypercall(set_segment_base, SEGBASE_GS_USER, 0x8000000000000000UL) < 0);
	/* A selector that cannot be loaded counts as null. */
	expect_eq(hypercall(set_segment_base, SEGBASE_GS_USER_SEL, 0x1238), 0);
	expect(hypercall(set_segment_base, 99, 0) < 0);
}

static void forced_cpuid(void)
{
	expect_eq(run_user(user_cpuid, 0), VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rbx, 0x566e6558);
}

void test_main(void)
{
	system_calls();
	faults();
	segment_bases();
	forced_cpuid();
}
