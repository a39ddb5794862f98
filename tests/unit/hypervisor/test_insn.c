/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The instruction decoder: privileged instructions by example, the edges
 * (canonical addresses, alignment, LOCK, segments, 32-bit code, length), and
 * random bytes, on which nothing is read beyond the end and length and
 * meaning agree with capstone. What memory-writing instructions do is compared
 * with the CPU in test_insn_native.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <capstone/capstone.h>
#include <cmocka.h>

#include "../../../hypervisor/x86/pv/insn.h"

#define RIP     0xffffffff81001000ull
#define FS_BASE 0x7f0000001000ull
#define GS_BASE 0xffff888000002000ull

static struct cpu_user_regs regs;
static struct insn_ctx ctx;

static void reset(void)
{
	regs = (struct cpu_user_regs){
		.rax = 0x1111,
		.rbx = 0xffff888000001000,
		.rcx = 3,
		.rdx = 0x903f8,
		.rsi = 0xffff888000003000,
		.rdi = 0xffff888000004000,
		.rsp = 0xffffc90000000ff0,
		.rbp = 0xffffc90000000f00,
		.r8 = 0x800000000000, /* not canonical */
		.rip = RIP,
		.rflags = 0x202,
	};
	ctx = (struct insn_ctx){.regs = &regs};
	ctx.seg_base[INSN_FS] = FS_BASE;
	ctx.seg_base[INSN_GS] = GS_BASE;
}

/* The bytes of a string constant, on the heap without slack. */
#define PRIV(bytes, priv) priv_decode(bytes, sizeof(bytes) - 1, priv)
#define RMW(bytes, rmw)   rmw_decode(bytes, sizeof(bytes) - 1, rmw)

static enum insn_status priv_decode(const char *bytes, size_t len, struct insn_priv *priv)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum insn_status status;

	memcpy(copy, bytes, len);
	status = insn_priv_decode(&ctx, copy, len, priv);
	free(copy);
	return status;
}

static enum insn_status rmw_decode(const char *bytes, size_t len, struct insn_rmw *rmw)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum insn_status status;

	memcpy(copy, bytes, len);
	status = insn_rmw_decode(&ctx, copy, len, rmw);
	free(copy);
	return status;
}

struct priv_case {
	const char *bytes;
	uint8_t len;
	struct insn_priv want;
};

static const struct priv_case priv_cases[] = {
	{"\x0f\xa2", 2, {.kind = INSN_CPUID}},
	{"\x0f\x32", 2, {.kind = INSN_RDMSR}},
	{"\x0f\x30", 2, {.kind = INSN_WRMSR}},
	{"\x0f\x31", 2, {.kind = INSN_RDTSC}},
	{"\x0f\x33", 2, {.kind = INSN_RDPMC}},
	{"\x0f\x01\xf9", 3, {.kind = INSN_RDTSCP}},
	{"\x0f\x01\xd1", 3, {.kind = INSN_XSETBV}},
	{"\x0f\x06", 2, {.kind = INSN_CLTS}},
	{"\x0f\x08", 2, {.kind = INSN_INVD}},
	{"\x0f\x09", 2, {.kind = INSN_WBINVD}},
	{"\xf3\x0f\x09", 3, {.kind = INSN_WBINVD}},
	{"\xf4", 1, {.kind = INSN_HLT}},
	{"\xfa", 1, {.kind = INSN_CLI}},
	{"\xfb", 1, {.kind = INSN_STI}},
	{"\x0f\x01\x3b",
	 3,
	 {.kind = INSN_INVLPG, .mem = true, .seg = INSN_DS, .addr = 0xffff888000001000}},
	{"\x41\x0f\x01\x38",
	 4,
	 {.kind = INSN_INVLPG, .mem = true, .seg = INSN_DS, .addr = 0x800000000000}},
	{"\x0f\x01\xe2", 3, {.kind = INSN_SMSW, .size = 4, .reg = 2}},
	{"\x66\x0f\x01\xe2", 4, {.kind = INSN_SMSW, .size = 2, .reg = 2}},
	{"\x49\x0f\x01\xe1", 4, {.kind = INSN_SMSW, .size = 8, .reg = 9}},
	{"\x0f\x01\x26",
	 3,
	 {.kind = INSN_SMSW, .size = 2, .mem = true, .seg = INSN_DS, .addr = 0xffff888000003000}},
	{"\x0f\x00\xc2", 3, {.kind = INSN_SLDT, .size = 4, .reg = 2}},
	{"\x48\x0f\x00\xca", 4, {.kind = INSN_STR, .size = 8, .reg = 2}},
	{"\x0f\x01\x06",
	 3,
	 {.kind = INSN_SGDT, .size = 10, .mem = true, .seg = INSN_DS, .addr = 0xffff888000003000}},
	{"\x0f\x01\x0e",
	 3,
	 {.kind = INSN_SIDT, .size = 10, .mem = true, .seg = INSN_DS, .addr = 0xffff888000003000}},
	{"\x0f\x01\xf0", 3, {.kind = INSN_LMSW, .size = 2, .reg = 0}},
	{"\x0f\x20\xc0", 3, {.kind = INSN_MOV_FROM_CR, .size = 8, .reg = 0, .index = 0}},
	{"\x0f\x22\xdf", 3, {.kind = INSN_MOV_TO_CR, .size = 8, .reg = 7, .index = 3}},
	{"\x0f\x22\x1f", 3, {.kind = INSN_MOV_TO_CR, .size = 8, .reg = 7, .index = 3}},
	{"\x45\x0f\x20\xc1", 4, {.kind = INSN_MOV_FROM_CR, .size = 8, .reg = 9, .index = 8}},
	{"\x41\x0f\x22\xe4", 4, {.kind = INSN_MOV_TO_CR, .size = 8, .reg = 12, .index = 4}},
	{"\x0f\x21\xf8", 3, {.kind = INSN_MOV_FROM_DR, .size = 8, .reg = 0, .index = 7}},
	{"\x0f\x23\xf1", 3, {.kind = INSN_MOV_TO_DR, .size = 8, .reg = 1, .index = 6}},
	{"\xec", 1, {.kind = INSN_IN, .size = 1, .port = 0x3f8}},
	{"\x66\xed", 2, {.kind = INSN_IN, .size = 2, .port = 0x3f8}},
	{"\xed", 1, {.kind = INSN_IN, .size = 4, .port = 0x3f8}},
	{"\x48\xed", 2, {.kind = INSN_IN, .size = 4, .port = 0x3f8}},
	{"\xe4\xf0", 2, {.kind = INSN_IN, .size = 1, .port = 0xf0}},
	{"\xe5\x70", 2, {.kind = INSN_IN, .size = 4, .port = 0x70}},
	{"\xe6\x80", 2, {.kind = INSN_OUT, .size = 1, .port = 0x80}},
	{"\xe7\xcf", 2, {.kind = INSN_OUT, .size = 4, .port = 0xcf}},
	{"\xee", 1, {.kind = INSN_OUT, .size = 1, .port = 0x3f8}},
	{"\x66\xef", 2, {.kind = INSN_OUT, .size = 2, .port = 0x3f8}},
	{"\xf3\x6d",
	 2,
	 {.kind = INSN_INS,
	  .size = 4,
	  .port = 0x3f8,
	  .mem = true,
	  .rep = true,
	  .seg = INSN_ES,
	  .addr_size = 8,
	  .addr = 0xffff888000004000}},
	{"\x65\x67\x6e",
	 3,
	 {.kind = INSN_OUTS,
	  .size = 1,
	  .port = 0x3f8,
	  .mem = true,
	  .seg = INSN_GS,
	  .addr_size = 4,
	  .addr = GS_BASE + 0x3000}},
};

static bool same_priv(const struct insn_priv *a, const struct insn_priv *b)
{
	return a->kind == b->kind && a->len == b->len && a->size == b->size && a->reg == b->reg &&
	       a->index == b->index && a->port == b->port && a->mem == b->mem && a->seg == b->seg &&
	       a->addr == b->addr && a->rep == b->rep && a->addr_size == b->addr_size;
}

static void test_priv_by_example(void **state)
{
	struct insn_priv priv, want;
	size_t i, cut;

	reset();
	for (i = 0; i < sizeof(priv_cases) / sizeof(priv_cases[0]); i++) {
		want = priv_cases[i].want;
		want.len = priv_cases[i].len;
		if (priv_decode(priv_cases[i].bytes, want.len, &priv) != INSN_OK ||
		    !same_priv(&priv, &want)) {
			fail_msg("case %zu", i);
		}
		for (cut = 0; cut < want.len; cut++) {
			assert_int_equal(priv_decode(priv_cases[i].bytes, cut, &priv), INSN_FETCH);
		}
	}
}

static void test_priv_refusals(void **state)
{
	struct insn_priv priv;

	reset();
	assert_int_equal(PRIV("\xf0\x0f\xa2", &priv), INSN_UD); /* lock cpuid */
	assert_int_equal(PRIV("\xf0\x0f\x22\xc0", &priv), INSN_UD); /* AMD's other CR8 */
	assert_int_equal(PRIV("\x0f\x20\xc8", &priv), INSN_UD); /* CR1 */
	assert_int_equal(PRIV("\x44\x0f\x22\xd8", &priv), INSN_UD); /* CR11 */
	assert_int_equal(PRIV("\x44\x0f\x23\xc0", &priv), INSN_UD); /* DR8 */
	assert_int_equal(PRIV("\x66\x0f\x01\xd1", &priv), INSN_UD); /* prefixed xsetbv */
	assert_int_equal(PRIV("\x0f\x01\xf8", &priv), INSN_UNSUPPORTED); /* swapgs */
	assert_int_equal(PRIV("\x0f\x01\x10", &priv), INSN_UNSUPPORTED); /* lgdt */
	assert_int_equal(PRIV("\x90", &priv), INSN_UNSUPPORTED);
	assert_int_equal(PRIV("\xc4\xe2\x78\xf2\xc0", &priv), INSN_UNSUPPORTED);
	assert_int_equal(PRIV("\x41\x0f\x01\x30", &priv), INSN_GP); /* lmsw (%r8) */
	/* 15 bytes are the limit: 13 prefixes fit, 14 don't */
	assert_int_equal(
		PRIV("\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x0f\xa2", &priv),
		INSN_OK);
	assert_int_equal(
		PRIV("\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x0f\xa2", &priv),
		INSN_GP);
	/* a REX that isn't last is none */
	assert_int_equal(PRIV("\x44\x66\x0f\x20\xc0", &priv), INSN_OK);
	assert_int_equal(priv.index, 0);
}

static void test_string_io(void **state)
{
	struct insn_priv priv;

	reset();
	assert_int_equal(PRIV("\xf3\x6d", &priv), INSN_OK);
	assert_int_equal(insn_string_count(&regs, &priv), 3);
	insn_string_commit(&regs, false, &priv, 2);
	assert_int_equal(regs.rdi, 0xffff888000004008);
	assert_int_equal(regs.rcx, 1);
	assert_int_equal(regs.rip, RIP);
	regs.rflags |= 0x10400; /* DF, RF */
	insn_string_commit(&regs, false, &priv, 1);
	assert_int_equal(regs.rdi, 0xffff888000004004);
	assert_int_equal(regs.rip, RIP + 2);
	assert_int_equal(regs.rflags, 0x602);
	assert_int_equal(insn_string_count(&regs, &priv), 0);

	reset();
	regs.rcx = 0x500000000;
	assert_int_equal(PRIV("\x67\xf3\x6e", &priv), INSN_OK);
	assert_int_equal(insn_string_count(&regs, &priv), 0);
	insn_string_commit(&regs, false, &priv, 0);
	assert_int_equal(regs.rip, RIP + 3);
	assert_int_equal(PRIV("\x6e", &priv), INSN_OK);
	assert_int_equal(insn_string_count(&regs, &priv), 1);
}

static void test_rmw_edges(void **state)
{
	struct insn_rmw rmw;

	reset();
	assert_int_equal(RMW("\x48\x89\x03", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, 0xffff888000001000);
	assert_int_equal(RMW("\x64\x48\x89\x04\x25\x10\0\0\0", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, FS_BASE + 0x10);
	assert_int_equal(rmw.seg, INSN_FS);
	/* the old segments' prefixes do nothing, not even undo FS */
	assert_int_equal(RMW("\x64\x2e\x48\x89\x04\x25\x10\0\0\0", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, FS_BASE + 0x10);
	assert_int_equal(RMW("\x48\x89\x44\x24\x08", &rmw), INSN_OK);
	assert_int_equal(rmw.seg, INSN_SS);
	assert_int_equal(rmw.addr, 0xffffc90000000ff8);
	/* mov %rax, (%r8), and the last bytes before and around the hole */
	assert_int_equal(RMW("\x49\x89\x00", &rmw), INSN_GP);
	regs.r8 = 0x7ffffffffff8;
	assert_int_equal(RMW("\x49\x89\x00", &rmw), INSN_OK);
	regs.r8 = 0x7ffffffffff9;
	assert_int_equal(RMW("\x49\x89\x00", &rmw), INSN_GP);
	regs.r8 = 0xfffffffffffffffc;
	assert_int_equal(RMW("\x49\x89\x00", &rmw), INSN_GP);
	assert_int_equal(RMW("\x41\x89\x00", &rmw), INSN_OK);
	/* cmpxchg16b wants 16, cmpxchg8b doesn't care, 0x66 means nothing to it */
	regs.r8 = 0xffff888000001008;
	assert_int_equal(RMW("\x49\x0f\xc7\x08", &rmw), INSN_GP);
	assert_int_equal(RMW("\x66\x41\x0f\xc7\x08", &rmw), INSN_OK);
	assert_int_equal(rmw.size, 8);
	/* bit offset beyond the operand, backwards */
	regs.rax = (uint64_t)-1;
	assert_int_equal(RMW("\x48\x0f\xab\x03", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, 0xffff888000000ff8);
	assert_int_equal(rmw.bit, 63);
	/* xchg locks by itself */
	assert_int_equal(RMW("\x48\x87\x03", &rmw), INSN_OK);
	assert_true(rmw.lock);
}

static void test_rmw_refusals(void **state)
{
	struct insn_rmw rmw;

	reset();
	assert_int_equal(RMW("\xf0\x48\x89\x03", &rmw), INSN_UD); /* lock mov */
	assert_int_equal(RMW("\xf0\x48\x0f\xa3\x03", &rmw), INSN_UD);
	assert_int_equal(RMW("\xf0\xab", &rmw), INSN_UD);
	assert_int_equal(RMW("\x66\x0f\xc3\x03", &rmw), INSN_UD); /* movnti of 16 bits */
	assert_int_equal(RMW("\x48\x01\xc3", &rmw), INSN_UNSUPPORTED); /* no memory */
	assert_int_equal(RMW("\x48\x03\x03", &rmw), INSN_UNSUPPORTED); /* reads it */
	assert_int_equal(RMW("\x48\x39\x03", &rmw), INSN_UNSUPPORTED); /* cmp */
	assert_int_equal(RMW("\x48\x83\x3b\x01", &rmw), INSN_UNSUPPORTED); /* cmp */
	assert_int_equal(RMW("\x48\xf7\x03\1\0\0\0", &rmw), INSN_UNSUPPORTED); /* test */
	assert_int_equal(RMW("\x48\xd1\x23", &rmw), INSN_UNSUPPORTED); /* shl */
	assert_int_equal(RMW("\x0f\x7f\x03", &rmw), INSN_UNSUPPORTED); /* movq mmx */
	assert_int_equal(RMW("\x0f\x11\x03", &rmw), INSN_UNSUPPORTED); /* movups */
	assert_int_equal(RMW("\x0f\xc7\x33", &rmw), INSN_UNSUPPORTED); /* vmptrld */
	assert_int_equal(RMW("\xff\x33", &rmw), INSN_UNSUPPORTED); /* push */
}

/* 32-bit code of a guest's user: bases count, addresses wrap, no REX. */
static void test_code32(void **state)
{
	struct insn_rmw_result res;
	struct insn_priv priv;
	struct insn_rmw rmw;
	const uint64_t old[2] = {5, 0};

	reset();
	ctx.code32 = true;
	ctx.seg_base[INSN_DS] = 0x10000;
	ctx.seg_base[INSN_ES] = 0x20000;
	regs.rip = 0xfffffffe;
	regs.rbx = 0xdead00001000;
	assert_int_equal(RMW("\x89\x03", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, 0x11000);
	assert_int_equal(RMW("\x26\x89\x03", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, 0x21000);
	assert_int_equal(RMW("\x89\x05\x08\0\0\0", &rmw), INSN_OK); /* no RIP */
	assert_int_equal(rmw.addr, 0x10008);
	regs.rbx = 0xfffffff0;
	assert_int_equal(RMW("\x89\x03", &rmw), INSN_OK);
	assert_int_equal(rmw.addr, 0xfff0);
	assert_int_equal(RMW("\x67\x89\x07", &rmw), INSN_UNSUPPORTED); /* 16-bit addressing */
	assert_int_equal(RMW("\x40", &rmw), INSN_UNSUPPORTED); /* inc %eax */
	assert_int_equal(RMW("\x01\x03", &rmw), INSN_OK);
	insn_rmw_execute(&rmw, &regs, old, 0, &res);
	assert_int_equal(res.value[0], 0x1116);
	assert_int_equal(res.regs.rip, 0);
	assert_int_equal(PRIV("\x0f\x20\xc0", &priv), INSN_OK);
	assert_int_equal(priv.size, 4);
}

/* ---- random bytes ---- */

static const char *const priv_names[] = {
	[INSN_CPUID] = "cpuid",   [INSN_RDMSR] = "rdmsr",     [INSN_WRMSR] = "wrmsr",
	[INSN_RDTSC] = "rdtsc",   [INSN_RDTSCP] = "rdtscp",   [INSN_RDPMC] = "rdpmc",
	[INSN_XSETBV] = "xsetbv", [INSN_CLTS] = "clts",       [INSN_HLT] = "hlt",
	[INSN_CLI] = "cli",       [INSN_STI] = "sti",         [INSN_INVD] = "invd",
	[INSN_WBINVD] = "wb",     [INSN_INVLPG] = "invlpg",   [INSN_LMSW] = "lmsw",
	[INSN_SLDT] = "sldt",     [INSN_STR] = "str",         [INSN_SGDT] = "sgdt",
	[INSN_SIDT] = "sidt",     [INSN_SMSW] = "smsw",       [INSN_MOV_FROM_CR] = "mov",
	[INSN_MOV_TO_CR] = "mov", [INSN_MOV_FROM_DR] = "mov", [INSN_MOV_TO_DR] = "mov",
	[INSN_IN] = "in",         [INSN_OUT] = "out",         [INSN_INS] = "ins",
	[INSN_OUTS] = "outs",
};

static const char *const rmw_names[] = {
	[INSN_ADD] = "add",         [INSN_OR] = "or",
	[INSN_ADC] = "adc",         [INSN_SBB] = "sbb",
	[INSN_AND] = "and",         [INSN_SUB] = "sub",
	[INSN_XOR] = "xor",         [INSN_MOV] = "mov",
	[INSN_INC] = "inc",         [INSN_DEC] = "dec",
	[INSN_NOT] = "not",         [INSN_NEG] = "neg",
	[INSN_XCHG] = "xchg",       [INSN_XADD] = "xadd",
	[INSN_CMPXCHG] = "cmpxchg", [INSN_CMPXCHG_WIDE] = "cmpxchg",
	[INSN_BT] = "bt",           [INSN_BTS] = "bts",
	[INSN_BTR] = "btr",         [INSN_BTC] = "btc",
	[INSN_MOVS] = "movs",       [INSN_STOS] = "stos",
};

struct tally {
	unsigned long accepted;
	unsigned long unknown; /* to capstone */
};

/* Length and name by capstone, if it can make sense of the bytes. */
static void compare(csh cs, const uint8_t *bytes, unsigned int len, const char *name,
		    struct tally *tally)
{
	cs_insn *insn;
	unsigned int i;

	tally->accepted++;
	if (cs_disasm(cs, bytes, 15, RIP, 1, &insn) != 1) {
		tally->unknown++;
		return;
	}
	if (insn->size != len || strstr(insn->mnemonic, name) == NULL) {
		for (i = 0; i < 15; i++) {
			print_error("%02x ", bytes[i]);
		}
		fail_msg("%s of %u bytes, capstone: %s %s of %u", name, len, insn->mnemonic,
			 insn->op_str, insn->size);
	}
	cs_free(insn, 1);
}

/* Prefixes and two-byte opcodes far more often than chance has them. */
static void random_bytes(uint8_t *bytes)
{
	static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65, 0x2e, 0x3e};
	unsigned int i, at = 0;

	for (i = 0; i < 15; i++) {
		bytes[i] = (uint8_t)(rand() >> 7);
	}
	while (rand() % 3 == 0 && at < 5) {
		bytes[at++] = prefixes[(size_t)rand() % sizeof(prefixes)];
	}
	if (rand() % 3 == 0) {
		bytes[at] = (uint8_t)(0x40 | rand() % 16);
		at++;
	}
	if (rand() % 2) {
		bytes[at] = 0x0f;
	}
}

static void fuzz(bool code32, struct tally *tally)
{
	struct insn_rmw_result res;
	struct insn_priv priv;
	struct insn_rmw rmw;
	uint8_t bytes[15];
	uint8_t *copy;
	size_t count;
	csh cs;
	int i;

	assert_int_equal(cs_open(CS_ARCH_X86, code32 ? CS_MODE_32 : CS_MODE_64, &cs), CS_ERR_OK);
	for (i = 0; i < 1500000; i++) {
		reset();
		ctx.code32 = code32;
		random_bytes(bytes);
		count = rand() % 4 ? 15 : (size_t)rand() % 16;
		copy = malloc(count ? count : 1);
		memcpy(copy, bytes, count);
		if (insn_priv_decode(&ctx, copy, count, &priv) == INSN_OK) {
			assert_true(priv.len <= count);
			compare(cs, bytes, priv.len, priv_names[priv.kind], tally);
		}
		if (insn_rmw_decode(&ctx, copy, count, &rmw) == INSN_OK) {
			assert_true(rmw.len <= count);
			compare(cs, bytes, rmw.len, rmw_names[rmw.kind], tally);
			insn_rmw_execute(&rmw, &regs, (const uint64_t[2]){7, 9}, 11, &res);
		}
		free(copy);
	}
	cs_close(&cs);
}

static void test_fuzz(void **state)
{
	struct tally tally = {0, 0};

	srand(7);
	fuzz(false, &tally);
	fuzz(true, &tally);
	print_message("%lu accepted, capstone doesn't know %lu of them\n", tally.accepted,
		      tally.unknown);
	assert_true(tally.accepted > 100000 && tally.unknown < tally.accepted / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priv_by_example),
		cmocka_unit_test(test_priv_refusals),
		cmocka_unit_test(test_string_io),
		cmocka_unit_test(test_rmw_edges),
		cmocka_unit_test(test_rmw_refusals),
		cmocka_unit_test(test_code32),
		cmocka_unit_test(test_fuzz),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
