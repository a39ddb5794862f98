/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * payload_decompress: makes the CPU fit for code that was compiled for user
 * programs, and puts it back. See decompress.h. Boot CPU, init-only, no locks.
 */
#include "decompress.h"

#include <stdint.h>

#include <hv/compiler.h>

#define MSR_FS_BASE 0xc0000100u
#define CR0_MP      (1ul << 1)
#define CR0_EM      (1ul << 2)
#define CR0_TS      (1ul << 3)
#define CR4_OSFXSR  (1ul << 9)

/* The stack protector's canary is at %fs:40. Zero is as good as any. */
static uint64_t fs_area[8] __initdata;

struct cpu_before {
	unsigned long flags;
	unsigned long cr0;
	unsigned long cr4;
	uint64_t fs_base;
};

static uint64_t __init rd_fs_base(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_FS_BASE));
	return (uint64_t)hi << 32 | lo;
}

static void __init wr_fs_base(uint64_t base)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(MSR_FS_BASE), "a"((uint32_t)base), "d"((uint32_t)(base >> 32))
			 : "memory");
}

static void __init cpu_prepare(struct cpu_before *before)
{
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(before->flags) : : "memory");
	__asm__ volatile("mov %%cr0, %0" : "=r"(before->cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(before->cr4));
	before->fs_base = rd_fs_base();
	__asm__ volatile("mov %0, %%cr0"
			 :
			 : "r"((before->cr0 & ~(CR0_EM | CR0_TS)) | CR0_MP)
			 : "memory");
	__asm__ volatile("mov %0, %%cr4" : : "r"(before->cr4 | CR4_OSFXSR) : "memory");
	__asm__ volatile("fninit");
	wr_fs_base((uint64_t)fs_area);
}

static void __init cpu_restore(const struct cpu_before *before)
{
	wr_fs_base(before->fs_base);
	__asm__ volatile("mov %0, %%cr4" : : "r"(before->cr4) : "memory");
	__asm__ volatile("mov %0, %%cr0" : : "r"(before->cr0) : "memory");
	__asm__ volatile("pushq %0; popfq" : : "r"(before->flags) : "memory", "cc");
}

int __init payload_decompress(enum payload_kind kind, const void *in, size_t in_len, void *out,
			      size_t out_len, void *scratch, size_t scratch_len,
			      const char **reason)
{
	struct cpu_before before;
	int ret;

	cpu_prepare(&before);
	ret = decompress_run(kind, in, in_len, out, out_len, scratch, scratch_len, reason);
	cpu_restore(&before);
	return ret;
}
