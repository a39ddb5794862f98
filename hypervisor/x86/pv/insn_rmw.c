/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Instructions that write memory: decoding, and computing their result. See
 * insn.h. Pure; owns nothing; no locks.
 */
#include "insn_decode.h"

#define X86_CF    (1ull << 0)
#define X86_PF    (1ull << 2)
#define X86_AF    (1ull << 4)
#define X86_ZF    (1ull << 6)
#define X86_SF    (1ull << 7)
#define X86_DF    (1ull << 10)
#define X86_OF    (1ull << 11)
#define X86_ARITH (X86_CF | X86_PF | X86_AF | X86_ZF | X86_SF | X86_OF)

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

#define ALU(nr, kind)                                                     \
	{(nr)*8, OP_ANY, kind, OP_MODRM | OP_BYTE | OP_LOCK},             \
		{(nr)*8 + 1, OP_ANY, kind, OP_MODRM | OP_LOCK},           \
		{0x80, nr, kind, OP_MODRM | OP_BYTE | OP_IMM8 | OP_LOCK}, \
		{0x81, nr, kind, OP_MODRM | OP_IMMZ | OP_LOCK},           \
	{                                                                 \
		0x83, nr, kind, OP_MODRM | OP_IMM8 | OP_LOCK              \
	}

static const struct insn_op ops[] = {
	{0x88, OP_ANY, INSN_MOV, OP_MODRM | OP_BYTE},
	{0x89, OP_ANY, INSN_MOV, OP_MODRM},
	{0xc6, 0, INSN_MOV, OP_MODRM | OP_BYTE | OP_IMM8},
	{0xc7, 0, INSN_MOV, OP_MODRM | OP_IMMZ},
	{0xa2, OP_ANY, INSN_MOV, OP_MOFFS | OP_BYTE},
	{0xa3, OP_ANY, INSN_MOV, OP_MOFFS},
	{0x0fc3, OP_ANY, INSN_MOV, OP_MODRM}, /* MOVNTI */
	{0x86, OP_ANY, INSN_XCHG, OP_MODRM | OP_BYTE | OP_LOCK},
	{0x87, OP_ANY, INSN_XCHG, OP_MODRM | OP_LOCK},
	ALU(0, INSN_ADD),
	ALU(1, INSN_OR),
	ALU(2, INSN_ADC),
	ALU(3, INSN_SBB),
	ALU(4, INSN_AND),
	ALU(5, INSN_SUB),
	ALU(6, INSN_XOR),
	{0xf6, 2, INSN_NOT, OP_MODRM | OP_BYTE | OP_LOCK},
	{0xf7, 2, INSN_NOT, OP_MODRM | OP_LOCK},
	{0xf6, 3, INSN_NEG, OP_MODRM | OP_BYTE | OP_LOCK},
	{0xf7, 3, INSN_NEG, OP_MODRM | OP_LOCK},
	{0xfe, 0, INSN_INC, OP_MODRM | OP_BYTE | OP_LOCK},
	{0xff, 0, INSN_INC, OP_MODRM | OP_LOCK},
	{0xfe, 1, INSN_DEC, OP_MODRM | OP_BYTE | OP_LOCK},
	{0xff, 1, INSN_DEC, OP_MODRM | OP_LOCK},
	{0x0fb0, OP_ANY, INSN_CMPXCHG, OP_MODRM | OP_BYTE | OP_LOCK},
	{0x0fb1, OP_ANY, INSN_CMPXCHG, OP_MODRM | OP_LOCK},
	{0x0fc0, OP_ANY, INSN_XADD, OP_MODRM | OP_BYTE | OP_LOCK},
	{0x0fc1, OP_ANY, INSN_XADD, OP_MODRM | OP_LOCK},
	{0x0fc7, 1, INSN_CMPXCHG_WIDE, OP_MODRM | OP_LOCK},
	{0x0fa3, OP_ANY, INSN_BT, OP_MODRM},
	{0x0fab, OP_ANY, INSN_BTS, OP_MODRM | OP_LOCK},
	{0x0fb3, OP_ANY, INSN_BTR, OP_MODRM | OP_LOCK},
	{0x0fbb, OP_ANY, INSN_BTC, OP_MODRM | OP_LOCK},
	{0x0fba, 4, INSN_BT, OP_MODRM | OP_IMM8},
	{0x0fba, 5, INSN_BTS, OP_MODRM | OP_IMM8 | OP_LOCK},
	{0x0fba, 6, INSN_BTR, OP_MODRM | OP_IMM8 | OP_LOCK},
	{0x0fba, 7, INSN_BTC, OP_MODRM | OP_IMM8 | OP_LOCK},
	{0xa4, OP_ANY, INSN_MOVS, OP_BYTE},
	{0xa5, OP_ANY, INSN_MOVS, 0},
	{0xaa, OP_ANY, INSN_STOS, OP_BYTE},
	{0xab, OP_ANY, INSN_STOS, 0},
};

static uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

/* MOVS and STOS: both operands, by their registers. */
static enum insn_status decode_string(const struct insn *insn, struct insn_rmw *rmw)
{
	const struct cpu_user_regs *regs = insn->ctx->regs;
	uint8_t seg = insn->seg_override >= 0 ? (uint8_t)insn->seg_override : INSN_DS;

	rmw->rep = insn->rep != 0;
	rmw->seg = INSN_ES;
	if (!insn_linear(insn->ctx, INSN_ES, insn_cut_addr(insn->addr_size, regs->rdi), rmw->size,
			 &rmw->addr)) {
		return INSN_GP;
	}
	if (rmw->kind == INSN_MOVS &&
	    !insn_linear(insn->ctx, seg, insn_cut_addr(insn->addr_size, regs->rsi), rmw->size,
			 &rmw->src_addr)) {
		rmw->seg = seg;
		return INSN_GP;
	}
	return INSN_OK;
}

/*
 * BT and its kin: an immediate counts within the operand, a register counts
 * through all memory, in steps of the operand's size.
 */
static void decode_bit(struct insn *insn, struct insn_rmw *rmw)
{
	unsigned int bits = rmw->size * 8;
	int64_t index;

	if (rmw->has_imm) {
		rmw->bit = (uint8_t)(insn->imm & (bits - 1));
		return;
	}
	index = (int64_t)(insn_reg_read(insn->ctx->regs, rmw->reg, rmw->size) << (64 - bits)) >>
		(64 - bits);
	rmw->bit = (uint8_t)(index & (bits - 1));
	insn->offset += (uint64_t)((index - rmw->bit) / 8);
	insn->offset = insn_cut_addr(insn->addr_size, insn->offset);
}

static enum insn_status decode_memory(struct insn *insn, struct insn_rmw *rmw)
{
	rmw->seg = insn->seg;
	if (!insn->mem) {
		return INSN_UNSUPPORTED;
	}
	if (insn->op->opcode == 0x0fc3 && (insn->opsize || insn->rep)) {
		return INSN_UD;
	}
	if (rmw->kind >= INSN_BT && rmw->kind <= INSN_BTC) {
		decode_bit(insn, rmw);
	}
	if (rmw->kind == INSN_CMPXCHG_WIDE) {
		rmw->size = insn->op_size == 8 ? 16 : 8;
	}
	if (!insn_linear(insn->ctx, insn->seg, insn->offset, rmw->size, &rmw->addr)) {
		return INSN_GP;
	}
	return rmw->size == 16 && rmw->addr % 16 ? INSN_GP : INSN_OK;
}

enum insn_status insn_rmw_decode(const struct insn_ctx *ctx, const uint8_t *bytes, size_t count,
				 struct insn_rmw *rmw)
{
	enum insn_status status;
	struct insn insn;

	*rmw = (struct insn_rmw){0};
	status = insn_decode(&insn, ctx, bytes, count, ops, sizeof(ops) / sizeof(ops[0]));
	if (status != INSN_OK) {
		return status;
	}
	*rmw = (struct insn_rmw){
		.kind = insn.op->kind,
		.len = insn.pos,
		.size = insn.op_size,
		.lock = insn.lock || insn.op->kind == INSN_XCHG,
		.code32 = ctx->code32,
		.has_imm = (insn.op->flags & (OP_IMM8 | OP_IMMZ)) != 0,
		.reg = insn.reg,
		.rex = insn.rex != 0,
		.addr_size = insn.addr_size,
		.imm = insn.imm,
	};
	if (rmw->kind == INSN_MOVS || rmw->kind == INSN_STOS) {
		return decode_string(&insn, rmw);
	}
	return decode_memory(&insn, rmw);
}

/* ---- execution ---- */

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static bool is_high_byte(const struct insn_rmw *rmw)
{
	return rmw->size == 1 && !rmw->rex && rmw->reg >= 4;
}

static uint64_t operand_read(const struct insn_rmw *rmw, const struct cpu_user_regs *regs)
{
	if (rmw->has_imm) {
		return rmw->imm & size_mask(rmw->size);
	}
	if (is_high_byte(rmw)) {
		return insn_reg_read(regs, rmw->reg - 4u, 2) >> 8;
	}
	return insn_reg_read(regs, rmw->reg, rmw->size);
}

static void operand_write(const struct insn_rmw *rmw, struct cpu_user_regs *regs, uint64_t value)
{
	uint64_t low;

	if (is_high_byte(rmw)) {
		low = insn_reg_read(regs, rmw->reg - 4u, 1);
		insn_reg_write(regs, rmw->reg - 4u, 2, (value & 0xff) << 8 | low);
	} else {
		insn_reg_write(regs, rmw->reg, rmw->size, value);
	}
}

static void set_flags(struct cpu_user_regs *regs, uint64_t which, uint64_t flags)
{
	regs->rflags = (regs->rflags & ~which) | (flags & which);
}

/* SF, ZF and PF of a result. */
static uint64_t flags_of(uint64_t value, unsigned int size)
{
	uint64_t flags = 0;

	value &= size_mask(size);
	if (value == 0) {
		flags |= X86_ZF;
	}
	if (value >> (size * 8 - 1)) {
		flags |= X86_SF;
	}
	if (!__builtin_parity((unsigned int)(value & 0xff))) {
		flags |= X86_PF;
	}
	return flags;
}

/*
 * a + b + carry, or a - b - carry. A carry out of bit n shows where a, b and
 * the result disagree: in bit n + 1 for all but the top one.
 */
static uint64_t add_sub(uint64_t a, uint64_t b, unsigned int carry, bool sub, unsigned int size,
			uint64_t *ret_flags)
{
	uint64_t r = sub ? a - b - carry : a + b + carry;
	uint64_t top = 1ull << (size * 8 - 1);
	uint64_t carries, overflow;

	r &= size_mask(size);
	if (sub) {
		carries = (~a & b) | ((~a | b) & r);
		overflow = (a ^ b) & (a ^ r);
	} else {
		carries = (a & b) | ((a | b) & ~r);
		overflow = (a ^ r) & (b ^ r);
	}
	*ret_flags = flags_of(r, size);
	if (carries & top) {
		*ret_flags |= X86_CF;
	}
	if (carries & 8) {
		*ret_flags |= X86_AF;
	}
	if (overflow & top) {
		*ret_flags |= X86_OF;
	}
	return r;
}

static uint64_t execute_logic(unsigned int kind, uint64_t a, uint64_t b)
{
	switch (kind) {
	case INSN_OR:
		return a | b;
	case INSN_AND:
		return a & b;
	default:
		return a ^ b;
	}
}

/* The two-operand and one-operand arithmetic: new value, flags in @regs. */
static uint64_t execute_arith(const struct insn_rmw *rmw, struct cpu_user_regs *regs, uint64_t old)
{
	uint64_t src = operand_read(rmw, regs), flags, value;
	unsigned int carry = regs->rflags & X86_CF;

	switch (rmw->kind) {
	case INSN_ADD:
	case INSN_XADD:
		value = add_sub(old, src, 0, false, rmw->size, &flags);
		break;
	case INSN_ADC:
		value = add_sub(old, src, carry, false, rmw->size, &flags);
		break;
	case INSN_SUB:
		value = add_sub(old, src, 0, true, rmw->size, &flags);
		break;
	case INSN_SBB:
		value = add_sub(old, src, carry, true, rmw->size, &flags);
		break;
	case INSN_NEG:
		value = add_sub(0, old, 0, true, rmw->size, &flags);
		break;
	case INSN_INC:
	case INSN_DEC:
		value = add_sub(old, 1, 0, rmw->kind == INSN_DEC, rmw->size, &flags);
		set_flags(regs, X86_ARITH & ~X86_CF, flags);
		return value;
	default:
		value = execute_logic(rmw->kind, old, src);
		flags = flags_of(value, rmw->size);
		break;
	}
	set_flags(regs, X86_ARITH, flags);
	return value;
}

static void execute_cmpxchg(const struct insn_rmw *rmw, uint64_t old, struct insn_rmw_result *res)
{
	struct cpu_user_regs *regs = &res->regs;
	uint64_t flags;

	add_sub(insn_reg_read(regs, RAX, rmw->size), old, 0, true, rmw->size, &flags);
	set_flags(regs, X86_ARITH, flags);
	res->write = (flags & X86_ZF) != 0;
	if (res->write) {
		res->value[0] = operand_read(rmw, regs);
	} else {
		insn_reg_write(regs, RAX, rmw->size, old);
	}
}

static void execute_cmpxchg_wide(const struct insn_rmw *rmw, const uint64_t old[2],
				 struct insn_rmw_result *res)
{
	struct cpu_user_regs *regs = &res->regs;
	unsigned int half = rmw->size / 2;
	uint64_t lo = old[0] & size_mask(half);
	uint64_t hi = half == 8 ? old[1] : old[0] >> 32;

	res->write = insn_reg_read(regs, RAX, half) == lo && insn_reg_read(regs, RDX, half) == hi;
	set_flags(regs, X86_ZF, res->write ? X86_ZF : 0);
	if (!res->write) {
		insn_reg_write(regs, RAX, half, lo);
		insn_reg_write(regs, RDX, half, hi);
		return;
	}
	lo = insn_reg_read(regs, RBX, half);
	hi = insn_reg_read(regs, RCX, half);
	res->value[0] = half == 8 ? lo : lo | hi << 32;
	res->value[1] = half == 8 ? hi : 0;
}

static void execute_bit(const struct insn_rmw *rmw, uint64_t old, struct insn_rmw_result *res)
{
	uint64_t bit = 1ull << rmw->bit;

	set_flags(&res->regs, X86_CF, old & bit ? X86_CF : 0);
	switch (rmw->kind) {
	case INSN_BTS:
		res->value[0] = old | bit;
		break;
	case INSN_BTR:
		res->value[0] = old & ~bit;
		break;
	case INSN_BTC:
		res->value[0] = old ^ bit;
		break;
	default:
		res->write = false;
	}
}

/* One element. Returns true if the instruction will run again for the next. */
static bool execute_string(const struct insn_rmw *rmw, uint64_t src, struct insn_rmw_result *res)
{
	struct cpu_user_regs *regs = &res->regs;
	uint64_t step = regs->rflags & X86_DF ? -(uint64_t)rmw->size : rmw->size;
	uint64_t left = 0;

	if (rmw->rep) {
		left = insn_reg_read(regs, RCX, rmw->addr_size);
		if (left == 0) {
			res->write = false;
			return false;
		}
		insn_reg_write(regs, RCX, rmw->addr_size, --left);
	}
	if (rmw->kind == INSN_MOVS) {
		res->value[0] = src;
		insn_reg_write(regs, RSI, rmw->addr_size, regs->rsi + step);
	} else {
		res->value[0] = regs->rax;
	}
	insn_reg_write(regs, RDI, rmw->addr_size, regs->rdi + step);
	return left != 0;
}

void insn_rmw_execute(const struct insn_rmw *rmw, const struct cpu_user_regs *regs,
		      const uint64_t old[2], uint64_t src, struct insn_rmw_result *res)
{
	uint64_t o = old[0] & size_mask(rmw->size);
	bool again = false;

	res->write = true;
	res->value[0] = o;
	res->value[1] = 0;
	res->regs = *regs;
	switch (rmw->kind) {
	case INSN_MOV:
		res->value[0] = operand_read(rmw, regs);
		break;
	case INSN_XCHG:
		res->value[0] = operand_read(rmw, regs);
		operand_write(rmw, &res->regs, o);
		break;
	case INSN_NOT:
		res->value[0] = ~o;
		break;
	case INSN_XADD:
		res->value[0] = execute_arith(rmw, &res->regs, o);
		operand_write(rmw, &res->regs, o);
		break;
	case INSN_CMPXCHG:
		execute_cmpxchg(rmw, o, res);
		break;
	case INSN_CMPXCHG_WIDE:
		execute_cmpxchg_wide(rmw, old, res);
		break;
	case INSN_BT:
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		execute_bit(rmw, o, res);
		break;
	case INSN_MOVS:
	case INSN_STOS:
		again = execute_string(rmw, src, res);
		break;
	default:
		res->value[0] = execute_arith(rmw, &res->regs, o);
	}
	res->value[0] &= size_mask(rmw->size);
	if (!again) {
		insn_advance(&res->regs, rmw->code32, rmw->len);
	}
}
