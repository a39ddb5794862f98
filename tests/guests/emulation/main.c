/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Privileged instructions of a PV kernel fault at ring 3 and are emulated. Stock
 * kernels rely on it from their first instructions on (WRMSR of the GS base),
 * before they have patched themselves. Tries X1, X6.
 */
#include "lib/guest.h"

#include <public/arch-x86/cpuid.h>
#include <public/physdev.h>

const char test_title[] = "Emulated privileged instructions";

#define MSR_EFER           0xc0000080
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_PAT            0x277

static bool rdmsr(uint32_t msr, uint64_t *ret_value)
{
	uint32_t lo = 0, hi = 0;
	bool ok = PROBE("rdmsr", : "+a"(lo), "+d"(hi) : "c"(msr));

	*ret_value = lo | (uint64_t)hi << 32;
	return ok;
}

static bool wrmsr(uint32_t msr, uint64_t value)
{
	return PROBE("wrmsr", : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr));
}

static void msrs(void)
{
	static uint64_t here[2] = {0x1122334455667788UL, 0x99aabbccddeeff00UL};
	uint64_t value;

	expect(wrmsr(MSR_FS_BASE, (uintptr_t)&here[0]));
	expect(wrmsr(MSR_GS_BASE, (uintptr_t)&here[1]));
	__asm__ volatile("mov %%fs:0, %0" : "=r"(value));
	expect_eq(value, here[0]);
	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	expect_eq(value, here[1]);
	expect(rdmsr(MSR_FS_BASE, &value));
	expect_eq(value, (uintptr_t)&here[0]);
	expect(rdmsr(MSR_GS_BASE, &value));
	expect_eq(value, (uintptr_t)&here[1]);
	expect(wrmsr(MSR_KERNEL_GS_BASE, 0x123456789000UL));
	expect(rdmsr(MSR_KERNEL_GS_BASE, &value));
	expect_eq(value, 0x123456789000UL);
	expect_fault(wrmsr(MSR_FS_BASE, 0x8000000000000000UL), 13, 0);
	expect_fault(wrmsr(MSR_GS_BASE, 0x8000000000000000UL), 13, 0);
	expect_fault(wrmsr(MSR_KERNEL_GS_BASE, 0x8000000000000000UL), 13, 0);

	expect(rdmsr(MSR_EFER, &value));
	expect_eq(value & 0xd01, 0xd01); /* NXE, LMA, LME, SCE */
	expect(rdmsr(MSR_PAT, &value));
	expect_eq(value, 0x0000050100070406UL);
	expect_fault(rdmsr(0xdeadbeef, &value), 13, 0);
}

static void control_registers(void)
{
	uint64_t cr0, cr3, cr4, ts;

	expect(PROBE("mov %%cr0, %0", : "=r"(cr0)));
	expect_eq(cr0 & 0x80010001UL, 0x80010001UL); /* PG, WP, PE */
	expect_eq(cr0 & 8, 0);
	expect_eq(hypercall(fpu_taskswitch, 1), 0);
	expect(PROBE("mov %%cr0, %0", : "=r"(ts)));
	expect_eq(ts, cr0 | 8);
	expect(PROBE("clts"));
	expect(PROBE("mov %%cr0, %0", : "=r"(ts)));
	expect_eq(ts, cr0);
	expect(PROBE("mov %0, %%cr0", : : "r"(cr0 | 8)));
	expect(PROBE("mov %%cr0, %0", : "=r"(ts)));
	expect_eq(ts, cr0 | 8);
	expect(PROBE("mov %0, %%cr0", : : "r"(cr0)));

	expect(PROBE("mov %%cr3, %0", : "=r"(cr3)));
	expect_eq(cr3 & PTE_FRAME, virt_to_maddr((void *)start_info->pt_base));

	expect(PROBE("mov %%cr4, %0", : "=r"(cr4)));
	expect_eq(cr4 & 0x620, 0x620); /* OSXMMEXCPT, OSFXSR, PAE */
	expect(PROBE("mov %0, %%cr4", : : "r"(cr4)));
	expect(PROBE("mov %%cr4, %0", : "=r"(ts)));
	expect_eq(ts, cr4);
}

static void cpuid_leaves(void)
{
	struct cpuid r = cpuid(XEN_CPUID_LEAF(0), 0);

	expect(r.a >= XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES));
	expect_eq(r.b, XEN_CPUID_SIGNATURE_EBX);
	expect_eq(r.c, XEN_CPUID_SIGNATURE_ECX);
	expect_eq(r.d, XEN_CPUID_SIGNATURE_EDX);
	expect_eq(cpuid(XEN_CPUID_LEAF(1), 0).a, 0x00040011);
	r = cpuid(XEN_CPUID_LEAF(2), 0);
	expect_eq(r.a, 1);
	expect(r.c & XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD);
	r = cpuid(XEN_CPUID_LEAF(3), 0);
	expect(r.c != 0);
	r = cpuid(XEN_CPUID_LEAF(5), 0);
	expect((r.b & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK) >= 32);

	r = cpuid(1, 0);
	expect(r.c & 1U << 31); /* hypervisor */
	expect_eq(r.c & 1U << 3, 0); /* MONITOR */
	expect_eq(r.c & 1U << 17, 0); /* PCID */
	expect_eq(r.c & 1U << 21, 0); /* x2APIC */
	expect_eq(r.d & 1U << 12, 0); /* MTRR */
	r = cpuid(7, 0);
	expect_eq(r.b & (1U << 7 | 1U << 20), 0); /* SMEP, SMAP */
	expect_eq(r.c & (1U << 2 | 1U << 16), 0); /* UMIP, LA57 */
	r = cpuid(0x80000001, 0);
	expect(r.d & 1U << 29); /* long mode */
	expect(r.d & 1U << 11); /* SYSCALL */
	expect(r.d & 1U << 20); /* NX */
	expect_eq(r.c & 1U << 2, 0); /* SVM */
}

/*
 * Kernels look for OSXSAVE before they set it themselves: through the prefix a
 * guest's kernel always sees it where there is XSAVE.
 */
static void osxsave(void)
{
	uint32_t c = cpuid(1, 0).c;

	expect_eq(!!(c & 1U << 27), !!(c & 1U << 26));
}

/* Ports that a domain has no right to give a fault or read as all ones. */
static void ports(void)
{
	struct physdev_set_iopl iopl = {.iopl = 1};
	uint32_t value = 0;

	if (hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl))
		return;
	if (PROBE("inb $0x61, %%al", : "+a"(value)))
		expect_eq(value & 0xff, 0xff);
	else
		expect_eq(last_trap.vector, 13);
}

static struct context back;
static uint64_t flags_seen;

static void look_at_flags(void)
{
	__asm__ volatile("pushfq; popq %0" : "=r"(flags_seen));
	resume_context(&back);
}

/* An iret with an I/O level in its flags gives none to the processor. */
static void flags_of_iret(void)
{
	static uint64_t stack[64];
	struct regs regs = {
		.rip = (uintptr_t)look_at_flags,
		.cs = FLAT_KERNEL_CS64 & ~3,
		.rflags = RFLAGS_IOPL | 2,
		.rsp = (uintptr_t)&stack[63],
		.ss = FLAT_KERNEL_SS64,
	};

	if (save_context(&back) == 0)
		enter_regs(&regs);
	expect_eq(flags_seen & RFLAGS_IOPL, 0);
}

static void others(void)
{
	uint64_t dr;

	expect(PROBE("mov %%dr6, %0", : "=r"(dr)));
	expect_eq(dr, 0xffff0ff0);
	expect(PROBE("mov %0, %%dr0", : : "r"(0x100000UL)));
	expect_eq(hypercall(get_debugreg, 0), 0x100000);
	expect(PROBE("mov %%dr0, %0", : "=r"(dr)));
	expect_eq(dr, 0x100000);
	expect(PROBE("mov %0, %%dr0", : : "r"(0UL)));
	expect(PROBE("wbinvd"));
}

void test_main(void)
{
	msrs();
	control_registers();
	cpuid_leaves();
	osxsave();
	ports();
	flags_of_iret();
	others();
}
