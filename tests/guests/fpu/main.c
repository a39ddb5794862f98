/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The floating point state is the vCPU's own: all of it, AVX included, is there
 * again after other domains ran, and a fresh vCPU finds the defined start
 * state. The virtual TS flag gives #NM. Tries X3.
 */
#include "lib/guest.h"

const char test_title[] = "FPU, SSE and AVX state";

static uint8_t pattern[16][32] __attribute__((aligned(32)));
static uint8_t seen[16][32] __attribute__((aligned(32)));

static void start_state(void)
{
	uint16_t cw = 0;
	uint32_t mxcsr = 0;

	__asm__ volatile("fnstcw %0" : "=m"(cw));
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	expect_eq(cw, 0x37f);
	expect_eq(mxcsr, 0x1f80);
}

#define EACH_REG(m) \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD_SSE(n) __asm__ volatile("movdqa %0, %%xmm" #n : : "m"(pattern[n]));
#define SAVE_SSE(n) __asm__ volatile("movdqa %%xmm" #n ", %0" : "=m"(seen[n]));
#define LOAD_AVX(n) __asm__ volatile("vmovdqa %0, %%ymm" #n : : "m"(pattern[n]));
#define SAVE_AVX(n) __asm__ volatile("vmovdqa %%ymm" #n ", %0" : "=m"(seen[n]));

static void compare(const char *what, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (memcmp(seen[i], pattern[i], size))
			failure("register %u lost its %s value", i, what);
	}
}

/* Sleeping lets others use the CPU. */
static void survives(void)
{
	uint16_t cw = 0x27f;
	uint32_t mxcsr = 0x1fa0;
	unsigned int i;

	__asm__ volatile("fldcw %0" : : "m"(cw));
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	EACH_REG(LOAD_SSE)
	for (i = 0; i < 5; i++)
		sleep_ns(10000000);
	EACH_REG(SAVE_SSE)
	compare("SSE", 16);
	cw = 0;
	mxcsr = 0;
	__asm__ volatile("fnstcw %0" : "=m"(cw));
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	expect_eq(cw, 0x27f);
	expect_eq(mxcsr, 0x1fa0);
}

static bool xsetbv(uint64_t value)
{
	return PROBE("xsetbv", : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void avx(void)
{
	uint64_t cr4;
	uint32_t lo, hi;
	unsigned int i;

	if (!(cpuid(1, 0).c & 1U << 26))
		return;
	expect(PROBE("mov %%cr4, %0", : "=r"(cr4)));
	expect(PROBE("mov %0, %%cr4", : : "r"(cr4 | 1UL << 18)));
	expect(xsetbv(3));
	expect(PROBE("xgetbv", : "=a"(lo), "=d"(hi) : "c"(0)));
	expect_eq(lo, 3);
	expect_fault(xsetbv(2), 13, 0); /* SSE without x87 */
	expect_fault(xsetbv(5), 13, 0); /* AVX without SSE */
	expect_fault(xsetbv(1UL << 62 | 1), 13, 0);
	if (!(cpuid(1, 0).c & 1U << 28))
		return;
	expect(xsetbv(7));
	EACH_REG(LOAD_AVX)
	for (i = 0; i < 5; i++)
		sleep_ns(10000000);
	EACH_REG(SAVE_AVX)
	compare("AVX", 32);
}

static void task_switched(void)
{
	expect_eq(hypercall(fpu_taskswitch, 1), 0);
	expect_fault(PROBE("fnop"), 7, 0);
	/* The handler is entered with TS clear. */
	expect(PROBE("fnop"));
	expect_eq(hypercall(fpu_taskswitch, 1), 0);
	expect_eq(hypercall(fpu_taskswitch, 0), 0);
	expect(PROBE("fnop"));
}

void test_main(void)
{
	unsigned int i, j;

	for (i = 0; i < 16; i++) {
		for (j = 0; j < 32; j++)
			pattern[i][j] = (uint8_t)(i * 32 + j * 5 + 1);
	}
	start_state();
	survives();
	avx();
	task_switched();
}
