/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Two domains take turns on one processor. One has its own pattern in everything that a
 * kernel can have in a processor: general registers, x87, SSE and AVX state, their
 * control words, segment selectors and bases, debug registers. The other has half the
 * time another pattern, and half the time next to nothing: it never sees anything of the
 * first, in components that it switches off and on, either; and each finds its own again.
 * The classes of XSA-52, -53, -165, -172, -260, -265 between domains. Tries X3, X1.
 */
#include "lib/peers.h"

const char test_title[] = "Registers of other domains";

#define RUN_MS 2500UL
#define SPIN   200000UL

static unsigned int role;
static uint64_t own, others; /* patterns */
static bool has_avx;
static unsigned long turns, switches;
static uint64_t *own_fs, *own_gs, *own_user_gs;
static volatile uint64_t bait[2] __attribute__((aligned(8)));

static struct {
	uint8_t legacy[512], header[64], rest[4096 - 576];
} area __attribute__((aligned(64)));

static uint64_t pattern_of(domid_t domid)
{
	return 0x5ec0000000005ec0UL | (uint64_t)domid << 24 | (uint64_t)(uint16_t)~domid << 40;
}

static bool xsetbv(uint64_t value)
{
	return PROBE("xsetbv", : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void enable_avx(void)
{
	uint64_t cr4;

	has_avx = (cpuid(1, 0).c & (1U << 26 | 1U << 28)) == (1U << 26 | 1U << 28);
	if (!has_avx)
		return;
	if (PROBE("mov %%cr4, %0", : "=r"(cr4)))
		(void)PROBE("mov %0, %%cr4", : : "r"(cr4 | 1UL << 18));
	(void)xsetbv(7);
}

/* ---- general registers ------------------------------------------------------------------- */

/*
 * All but rcx and rsp have the pattern while the scheduler takes us off and on: how many
 * have lost it. (rbp and rbx, too.)
 */
static uint64_t spin_with(uint64_t pattern)
{
	uint64_t bad;

	__asm__ volatile(
		"push %%rbp; push %%rbx\n\t"
		"mov %%rax, %%rbx; mov %%rax, %%rdx; mov %%rax, %%rsi; mov %%rax, %%rdi\n\t"
		"mov %%rax, %%rbp; mov %%rax, %%r8; mov %%rax, %%r9; mov %%rax, %%r10\n\t"
		"mov %%rax, %%r11; mov %%rax, %%r12; mov %%rax, %%r13\n\t"
		"mov %%rax, %%r14; mov %%rax, %%r15\n"
		"1: dec %%rcx; jnz 1b\n\t"
		"xor %%rax, %%rbx; xor %%rax, %%rdx; xor %%rax, %%rsi; xor %%rax, %%rdi\n\t"
		"xor %%rax, %%rbp; xor %%rax, %%r8; xor %%rax, %%r9; xor %%rax, %%r10\n\t"
		"xor %%rax, %%r11; xor %%rax, %%r12; xor %%rax, %%r13\n\t"
		"xor %%rax, %%r14; xor %%r15, %%rax\n\t"
		"or %%rbx, %%rdx; or %%rsi, %%rdi; or %%rbp, %%r8; or %%r9, %%r10\n\t"
		"or %%r11, %%r12; or %%r13, %%r14; or %%rdx, %%rax; or %%rdi, %%rax\n\t"
		"or %%r8, %%rax; or %%r10, %%rax; or %%r12, %%rax; or %%r14, %%rax\n\t"
		"pop %%rbx; pop %%rbp"
		: "=a"(bad)
		: "a"(pattern), "c"(SPIN)
		: "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		  "memory", "cc");
	return bad;
}

/* ---- floating point ----------------------------------------------------------------------- */

#define EACH_REG(m) \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define FILL_AVX(n)  __asm__ volatile("vmovdqa %0, %%ymm" #n : : "m"(full));
#define FILL_SSE(n)  __asm__ volatile("movdqa %0, %%xmm" #n : : "m"(full));
#define CLEAR_SSE(n) __asm__ volatile("pxor %%xmm" #n ", %%xmm" #n : :);

static void fill_fpu(void)
{
	static uint64_t full[4] __attribute__((aligned(32)));
	uint32_t mxcsr = role ? 0x3f80 : 0x5f80; /* rounding: down, up */
	uint16_t cw = role ? 0x77f : 0xb7f;

	for (unsigned int i = 0; i < 4; i++)
		full[i] = own;
	if (has_avx) {
		EACH_REG(FILL_AVX)
	} else {
		EACH_REG(FILL_SSE)
	}
	__asm__ volatile("ldmxcsr %0; fninit; fldcw %1" : : "m"(mxcsr), "m"(cw));
	for (unsigned int i = 0; i < 8; i++)
		__asm__ volatile("fildq %0" : : "m"(full[0]));
}

static void clear_fpu(void)
{
	uint32_t mxcsr = 0x1f80;

	if (has_avx) {
		__asm__ volatile("vzeroall");
	} else {
		EACH_REG(CLEAR_SSE)
	}
	/* The x87 registers keep what is in them after FNINIT: overwrite it. */
	__asm__ volatile("ldmxcsr %0; fninit" : : "m"(mxcsr));
	for (unsigned int i = 0; i < 8; i++)
		__asm__ volatile("fldz");
	__asm__ volatile("fninit");
	/* Components that are off are nobody's. */
	if (has_avx && turns % 4 == 1)
		(void)xsetbv(1);
}

static void save_fpu(void)
{
	if (has_avx)
		(void)xsetbv(7);
	memset(&area, 0, sizeof(area));
	/* XSAVE doesn't see CR0.TS in QEMU, and a lazy hypervisor nothing of it: FWAIT. */
	if (has_avx)
		__asm__ volatile("fwait; xsaveq %0" : "=m"(area) : "a"(~0U), "d"(~0U) : "memory");
	else
		__asm__ volatile("fxsaveq %0" : "=m"(area) : : "memory");
}

/* How often a pattern is there, wherever it begins; x87 has a part of it. */
static unsigned int count_pattern(uint64_t pattern)
{
	const uint8_t *b = (const uint8_t *)&area;
	unsigned int n = 0;

	for (unsigned int i = 0; i + 8 <= sizeof(area); i++)
		n += !memcmp(b + i, &pattern, 8);
	return n;
}

static void check_fpu(bool filled)
{
	/* As an integer of 63 bits, normalised: what FILD makes of the pattern */
	uint64_t mantissa = own << __builtin_clzl(own), theirs = others << __builtin_clzl(others);
	uint32_t mxcsr;
	uint16_t cw;

	save_fpu();
	memcpy(&mxcsr, area.legacy + 24, 4);
	memcpy(&cw, area.legacy, 2);
	if (filled) {
		expect_eq(mxcsr, role ? 0x3f80 : 0x5f80);
		expect_eq(cw, role ? 0x77f : 0xb7f);
		expect_eq(count_pattern(own), has_avx ? 64 : 32);
		expect_eq(count_pattern(mantissa), 8);
	} else {
		expect_eq(mxcsr, 0x1f80);
		expect_eq(cw, 0x37f);
		expect_eq(count_pattern(own), 0);
	}
	expect_eq(count_pattern(others), 0);
	expect_eq(count_pattern(theirs), 0);
}

/* ---- segments ------------------------------------------------------------------------------ */

static const uint8_t user_code[] __attribute__((aligned(4096))) = {
	0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, /* mov %gs:0, %rax */
	0x64, 0x48, 0x8b, 0x1c, 0x25, 0, 0, 0, 0, /* mov %fs:0, %rbx */
	0x0f, 0x0b, /* ud2 */
};

static void set_segments(void)
{
	uint16_t sel = role ? FLAT_RING3_DS32 : 0;

	expect_eq(hypercall(set_segment_base, SEGBASE_FS, own_fs), 0);
	expect_eq(hypercall(set_segment_base, SEGBASE_GS_KERNEL, own_gs), 0);
	expect_eq(hypercall(set_segment_base, SEGBASE_GS_USER, own_user_gs), 0);
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(sel));
}

static void check_segments(void)
{
	uint64_t fs, gs;
	uint16_t ds, es;

	__asm__ volatile("mov %%fs:0, %0; mov %%gs:0, %1; mov %%ds, %2; mov %%es, %3"
			 : "=r"(fs), "=r"(gs), "=r"(ds), "=r"(es));
	expect_eq(fs, own + 1);
	expect_eq(gs, own + 2);
	expect_eq(ds, role ? FLAT_RING3_DS32 : 0);
	expect_eq(es, role ? FLAT_RING3_DS32 : 0);
	if (turns % 8)
		return;
	expect_eq(run_user(user_code, 0), 6);
	expect_eq(last_trap.regs.rax, own + 3);
	expect_eq(last_trap.regs.rbx, own + 1);
}

/* ---- debug registers ------------------------------------------------------------------------- */

/* Each waits for writes to another word, and only to that. */
static void set_debug(bool on)
{
	expect_eq(hypercall(set_debugreg, 0, &bait[role]), 0);
	expect_eq(hypercall(set_debugreg, 7, on ? 0x90001 | 0x400 : 0x400), 0);
}

static void check_debug(bool on)
{
	expect(PROBE("movq $1, %0", : "=m"(bait[!role])));
	if (on) {
		expect(!TRAP_PROBE("movq $1, %0", : "=m"(bait[role])));
		expect_eq(last_trap.vector, 1);
	} else {
		expect(PROBE("movq $1, %0", : "=m"(bait[role])));
	}
}

/* ---- turns -------------------------------------------------------------------------------------- */

/* The other is on the processor for a while. */
static void wait_a_turn(void)
{
	struct vcpu_runstate_info before, after;

	hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &before);
	if (turns % 3 == 0)
		expect_eq(spin_with(own + turns), 0);
	else if (turns % 3 == 1)
		hypercall(sched_op, SCHEDOP_yield, 0);
	else
		sleep_ns(300000);
	hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &after);
	switches += before.state_entry_time != after.state_entry_time;
}

static void a_turn(void)
{
	bool full = role || turns % 2 == 0;

	if (full)
		fill_fpu();
	else
		clear_fpu();
	set_segments();
	set_debug(full);
	wait_a_turn();
	check_fpu(full);
	check_segments();
	check_debug(full);
	turns++;
}

void test_main(void)
{
	uint64_t end;

	evtchn_mask_all();
	find_peers(2);
	role = own_role();
	own = pattern_of(peers[role]);
	others = pattern_of(peers[!role]);
	own_fs = alloc_page();
	own_gs = alloc_page();
	own_user_gs = alloc_page();
	*own_fs = own + 1;
	*own_gs = own + 2;
	*own_user_gs = own + 3;
	enable_avx();
	end = system_time() + RUN_MS * 1000000;
	while (!test_failed() && (role || system_time() < end))
		a_turn();
	set_debug(false);
	printf("%lu turns, %lu of them with another on the processor\n", turns, switches);
	/* The peer ends only by a failure. */
	if (!role)
		expect(turns > 10 && switches > 10);
}
