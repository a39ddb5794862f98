/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Detection of CPU features and the control registers that follow from it. Options:
 * smep=, smap= (booleans; "hvm" as in Xen: not for PV guests, of which all are).
 */
#include <hv/cmdline.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/traps.h>

#define XSTATE_FP     1UL
#define XSTATE_SSE    2UL
#define XSTATE_AVX    4UL
#define XSTATE_AVX512 0xe0UL
#define XSTATE_PKRU   0x200UL

bool cpu_has_xsave __ro_after_init, cpu_has_fsgsbase __ro_after_init;
bool cpu_has_smep __ro_after_init, cpu_has_smap __ro_after_init, cpu_has_umip __ro_after_init;
uint64_t xcr0_host __ro_after_init = XSTATE_FP | XSTATE_SSE;
unsigned int xsave_size __ro_after_init = 512;
unsigned int cpu_paddr_bits __ro_after_init = 36;
unsigned long cr4_base __ro_after_init;
static bool opt_smep __initdata = true, opt_smap __initdata = true;

static int __init parse_switch(const char *value, bool *ret)
{
	int on = strcmp(value, "hvm") ? cmdline_bool(value, strlen(value)) : 0;

	if (on < 0)
		return on;
	*ret = on;
	return 0;
}

static int __init parse_smep(const char *value)
{
	return parse_switch(value, &opt_smep);
}
CMDLINE_CUSTOM("smep", parse_smep, "yes");

static int __init parse_smap(const char *value)
{
	return parse_switch(value, &opt_smap);
}
CMDLINE_CUSTOM("smap", parse_smap, "yes");

static void __init detect_xsave(void)
{
	struct cpuid_regs r;

	if (!cpu_has_xsave)
		return;
	r = cpuid_count(0xd, 0);
	/* Components that guests get: x87, SSE, AVX, AVX-512. */
	xcr0_host = (((uint64_t)r.d << 32) | r.a) &
		    (XSTATE_FP | XSTATE_SSE | XSTATE_AVX | XSTATE_AVX512);
	if ((xcr0_host & XSTATE_AVX512) != XSTATE_AVX512)
		xcr0_host &= ~XSTATE_AVX512;
	write_cr4(read_cr4() | X86_CR4_OSXSAVE);
	write_xcr0(xcr0_host);
	xsave_size = cpuid_count(0xd, 0).b;
}

void __init features_detect(void)
{
	struct cpuid_regs max = cpuid_count(0, 0), l1 = cpuid_count(1, 0), l7 = {0, 0, 0, 0};

	if (max.a >= 7)
		l7 = cpuid_count(7, 0);
	cpu_has_xsave = (l1.c >> 26) & 1;
	cpu_has_fsgsbase = l7.b & 1;
	cpu_has_smep = ((l7.b >> 7) & 1) && opt_smep;
	cpu_has_smap = ((l7.b >> 20) & 1) && opt_smap;
	cpu_has_umip = (l7.c >> 2) & 1;
	if (cpuid_count(0x80000000, 0).a >= 0x80000008)
		cpu_paddr_bits = cpuid_count(0x80000008, 0).a & 0xff;
	cr4_base = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_MCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT |
		   X86_CR4_DE;
	if (cpu_has_xsave)
		cr4_base |= X86_CR4_OSXSAVE;

	if (cpu_has_smep)
		cr4_base |= X86_CR4_SMEP;
	if (cpu_has_smap)
		cr4_base |= X86_CR4_SMAP;
	if (cpu_has_umip)
		cr4_base |= X86_CR4_UMIP;
	detect_xsave();
}

void features_init_cpu(void)
{
	write_cr0(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP | X86_CR0_PE |
		  X86_CR0_AM);
	write_cr4(cr4_base);
	if (cpu_has_xsave)
		write_xcr0(xcr0_host);
	wrmsr_safe(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NX);
}

/* Reads a byte as any code of ours would. False: it faulted. */
static bool __init can_read(const void *p)
{
	bool ok = false;
	uint8_t byte;

	__asm__ volatile("1: movb %2, %1; movb $1, %0\n2:\n" EXTABLE(1b, 2b)
			 : "+qm"(ok), "=q"(byte)
			 : "m"(*(const uint8_t *)p));
	return ok;
}

void __init features_report(void)
{
	/* The one thing that ring 3 may read already: the M2P, as guests see it. */
	const void *theirs = (const void *)M2P_RO_VIRT_START;
	bool held = !can_read(theirs), opened;

	smap_open();
	opened = can_read(theirs);
	smap_close();
	pr_info("Protection:%s%s%s%s\n", cpu_has_smep ? " SMEP" : "", cpu_has_smap ? " SMAP" : "",
		cpu_has_umip ? " UMIP" : "",
		cpu_has_smep || cpu_has_smap || cpu_has_umip ? "" : " none by the processor");
	if (!opened || held != cpu_has_smap)
		pr_warn("SMAP does not do here what it should; smap=no leaves it off\n");
}
