/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Extended state that was never ours: vCPU 1 fills all its registers, x87 pointers and
 * upper halves included, again and again; vCPU 0, which enables the components only
 * later or clears them, finds the initial state or its own, after any switch. Pending
 * x87 and SSE exceptions stay the vCPU's that caused them and do not hit the hypervisor.
 * Tries X3; the classes of XSA-52, -53, -54, -62, -165, -172, -220, -267.
 */
#include "lib/guest.h"

const char test_title[] = "Extended state of others";

static uint8_t secret[32] __attribute__((aligned(32)));
static struct {
	uint8_t legacy[512], header[64], rest[4096 - 576];
} area __attribute__((aligned(64)));

static bool has_avx;
static volatile unsigned long leaks, turns;

static bool xsetbv(uint64_t value)
{
	return PROBE("xsetbv", : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void enable_avx(void)
{
	uint64_t cr4;

	if (PROBE("mov %%cr4, %0", : "=r"(cr4)))
		(void)PROBE("mov %0, %%cr4", : : "r"(cr4 | 1UL << 18));
	(void)xsetbv(7);
}

#define EACH_REG(m) \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define FILL_AVX(n) __asm__ volatile("vmovdqa %0, %%ymm" #n : : "m"(secret));
#define FILL_SSE(n) __asm__ volatile("movdqa %0, %%xmm" #n : : "m"(secret));

/* vCPU 1: everything full of the secret, an exception pending */
static void fill(unsigned long turn)
{
	static uint16_t unmasked = 0x340;
	static uint32_t mxcsr = 0x1f80 | 0x8040;

	if (turn == 0 && has_avx)
		enable_avx();
	if (has_avx) {
		EACH_REG(FILL_AVX)
	} else {
		EACH_REG(FILL_SSE)
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	/* 1/0 with exceptions unmasked: the next waiting instruction would fault. */
	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(unmasked));
	hypercall(sched_op, SCHEDOP_yield, 0);
	__asm__ volatile("fnclex; fninit");
}

static bool holds_secret(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (; len >= 16; b += 8, len -= 8) {
		if (memcmp(b, secret, 16) == 0)
			return true;
	}
	return false;
}

/* vCPU 0 never had any of it. */
static void look(unsigned long turn)
{
	uint32_t mxcsr = 0;

	hypercall(sched_op, SCHEDOP_yield, 0);
	if (turn % 8 == 0)
		sleep_ns(500000);
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	leaks += mxcsr != 0x1f80;
	if (has_avx)
		(void)xsetbv(turn % 2 ? 7 : 3);
	memset(&area, 0, sizeof(area));
	if (has_avx)
		__asm__ volatile("xsaveq %0" : "=m"(area) : "a"(~0U), "d"(~0U) : "memory");
	else
		__asm__ volatile("fxsaveq %0" : "=m"(area) : : "memory");
	leaks += holds_secret(&area, sizeof(area));
	/* Our own x87 is clean: no exception of another's waits for us. */
	leaks += !PROBE("fwait", : :);
	turns++;
}

/* Afterwards: components of ours that we switched off and on */
static void own_components(void)
{
	if (!has_avx)
		return;
	expect(xsetbv(7));
	memset(&area, 0, sizeof(area));
	__asm__ volatile("vzeroall");
	__asm__ volatile("xsaveq %0" : "=m"(area) : "a"(~0U), "d"(~0U) : "memory");
	expect(!holds_secret(&area, sizeof(area)));
	expect(xsetbv(1));
	sleep_ns(2000000);
	expect(xsetbv(7));
	/* Bad images: at most a fault for us (some emulators take any) */
	memset(&area, 0, sizeof(area));
	memset(area.header, 0xff, sizeof(area.header));
	(void)PROBE("xrstorq %0", : : "m"(area), "a"(~0U), "d"(~0U));
	memset(&area, 0, sizeof(area));
	memset(area.legacy + 24, 0xff, 4);
	area.header[0] = 3;
	(void)PROBE("xrstorq %0", : : "m"(area), "a"(~0U), "d"(~0U));
	(void)PROBE("ldmxcsr %0", : : "m"(*(uint32_t *)(area.legacy + 24)));
	sleep_ns(1000000);
	(void)PROBE("ldmxcsr %0", : : "m"(*(const uint32_t *)"\x80\x1f\0"));
}

void test_main(void)
{
	unsigned int i;

	evtchn_mask_all();
	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(0xa1 + 7 * i);
	has_avx = (cpuid(1, 0).c & (1U << 26 | 1U << 28)) == (1U << 26 | 1U << 28);
	if (has_avx)
		enable_avx();
	race(600, look, fill);
	printf("%lu turns\n", turns);
	expect(turns > 0);
	expect_eq(leaks, 0);
	own_components();
}
