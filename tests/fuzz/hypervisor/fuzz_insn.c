/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The decoder of guests' instructions on any bytes and registers. It reads the bytes
 * that it is given and no other memory (the registers may hold any address: one that
 * was followed would crash here); at most 15 of them; changes no state, on success or
 * failure; says the same when it is asked again, and when more bytes follow; and what
 * it accepts is within the limits that its callers count on. Tries X6.
 */
#include <stdlib.h>
#include <string.h>

#include "../../../hypervisor/x86/pv/insn.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool canonical(uint64_t a)
{
	return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

static void check_priv(const struct insn_priv *p, size_t count)
{
	CHECK(p->len >= 1 && p->len <= count && p->len <= INSN_MAX_LEN);
	CHECK(p->kind <= INSN_OUTS && p->reg < 16 && p->index < 16 && p->seg < INSN_SEGS);
	if (p->kind == INSN_SGDT || p->kind == INSN_SIDT)
		CHECK(p->mem && (p->size == 6 || p->size == 10));
	else
		CHECK(p->size <= 8 && !(p->size & (p->size - 1)));
	CHECK(!p->mem || p->kind == INSN_INVLPG || canonical(p->addr));
	if (p->kind == INSN_INS || p->kind == INSN_OUTS) {
		CHECK(p->mem && (p->addr_size == 4 || p->addr_size == 8));
		CHECK(p->size == 1 || p->size == 2 || p->size == 4);
	}
}

static void check_string(const struct insn_ctx *ctx, const struct insn_priv *p, uint64_t done)
{
	struct cpu_user_regs regs = *ctx->regs, was = regs;
	uint64_t n = insn_string_count(&regs, p);

	CHECK(!memcmp(&regs, &was, sizeof(regs)));
	done = n ? done % (n < 1000 ? n + 1 : 1000) : 0;
	insn_string_commit(&regs, ctx->code32, p, done);
	/* Pointer, count and rip; RF. Nothing else. */
	was.rip = regs.rip;
	was.rsi = regs.rsi;
	was.rdi = regs.rdi;
	was.rcx = regs.rcx;
	was.rflags = regs.rflags;
	CHECK(!memcmp(&regs, &was, sizeof(regs)));
	CHECK(p->rep || regs.rcx == ctx->regs->rcx);
}

static void check_rmw(const struct insn_ctx *ctx, const struct insn_rmw *r, size_t count)
{
	const uint64_t old[2] = {ctx->regs->rax, ctx->regs->rdx};
	struct insn_rmw_result res, again;
	struct cpu_user_regs was = *ctx->regs;

	CHECK(r->len >= 1 && r->len <= count && r->len <= INSN_MAX_LEN);
	CHECK(r->kind <= INSN_STOS && r->reg < 16 && r->seg < INSN_SEGS);
	CHECK(r->size >= 1 && r->size <= 16 && !(r->size & (r->size - 1)));
	CHECK(canonical(r->addr) && canonical(r->addr + r->size - 1));
	CHECK(r->kind != INSN_MOVS ||
	      (canonical(r->src_addr) && canonical(r->src_addr + r->size - 1)));
	CHECK(r->bit < 8 * r->size);
	memset(&res, 0, sizeof(res));
	memset(&again, 0, sizeof(again));
	insn_rmw_execute(r, ctx->regs, old, 0x123456789abcdef0, &res);
	insn_rmw_execute(r, ctx->regs, old, 0x123456789abcdef0, &again);
	CHECK(!memcmp(&was, ctx->regs, sizeof(was)));
	CHECK(res.write == again.write && !memcmp(&res.regs, &again.regs, sizeof(res.regs)));
	if (res.write && r->size < 8)
		CHECK(!(res.value[0] >> (8 * r->size)));
	if (res.write && r->size <= 8)
		CHECK(!res.value[1]);
	CHECK(res.regs.cs == was.cs && res.regs.ss == was.ss);
	/* Arithmetic flags (and RF, which ends): never IF, IOPL, AC. */
	CHECK(!((res.regs.rflags ^ was.rflags) & ~(0x8d5UL | 1UL << 16)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpu_user_regs regs, was;
	struct insn_ctx ctx = {.regs = &regs};
	struct insn_priv priv, priv2;
	struct insn_rmw rmw, rmw2;
	enum insn_status a, b;
	uint8_t bytes[INSN_MAX_LEN];
	uint8_t *exact;
	size_t count;

	memset(&regs, 0, sizeof(regs));
	if (size < 2)
		return 0;
	count = data[0] % (INSN_MAX_LEN + 1);
	ctx.code32 = data[1] & 1;
	data += 2;
	size -= 2;
	if (count > size)
		count = size;
	exact = malloc(count ? count : 1);
	memcpy(exact, data, count);
	memset(bytes, 0x90, sizeof(bytes));
	memcpy(bytes, data, count);
	data += count;
	size -= count;
	memcpy(&regs, data, size < sizeof(regs) ? size : sizeof(regs));
	for (unsigned int i = 0; i < INSN_SEGS; i++)
		ctx.seg_base[i] = i * 0x1111111111111 * (regs.rbx & 0xff);
	was = regs;
	memset(&priv, 0, sizeof(priv));
	memset(&priv2, 0, sizeof(priv2));
	memset(&rmw, 0, sizeof(rmw));
	memset(&rmw2, 0, sizeof(rmw2));

	a = insn_priv_decode(&ctx, exact, count, &priv);
	b = insn_priv_decode(&ctx, bytes, sizeof(bytes), &priv2);
	CHECK(!memcmp(&regs, &was, sizeof(regs)));
	/* More bytes change the answer only if there were too few. */
	CHECK(a == b || a == INSN_FETCH);
	if (a == INSN_OK) {
		CHECK(priv.len == priv2.len && priv.kind == priv2.kind && priv.addr == priv2.addr);
		check_priv(&priv, count);
		if (priv.kind == INSN_INS || priv.kind == INSN_OUTS)
			check_string(&ctx, &priv, regs.r15);
	}

	a = insn_rmw_decode(&ctx, exact, count, &rmw);
	b = insn_rmw_decode(&ctx, bytes, sizeof(bytes), &rmw2);
	CHECK(!memcmp(&regs, &was, sizeof(regs)));
	CHECK(a == b || a == INSN_FETCH);
	if (a == INSN_OK) {
		CHECK(rmw.len == rmw2.len && rmw.kind == rmw2.kind && rmw.addr == rmw2.addr);
		check_rmw(&ctx, &rmw, count);
	}
	free(exact);
	return 0;
}
