/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Privileged instructions of a guest kernel, decoded. See insn.h. Pure; owns
 * nothing; no locks.
 */
#include "insn_decode.h"

#define X86_DF (1ull << 10)

enum { RCX = 1, RDX = 2, RSI = 6, RDI = 7 };

/* 0F 01 is several instructions, told apart by the whole ModRM byte. */
#define KIND_0F00 0xfe
#define KIND_0F01 0xff

static const struct insn_op ops[] = {
	{0x6c, OP_ANY, INSN_INS, OP_BYTE},
	{0x6d, OP_ANY, INSN_INS, 0},
	{0x6e, OP_ANY, INSN_OUTS, OP_BYTE},
	{0x6f, OP_ANY, INSN_OUTS, 0},
	{0xe4, OP_ANY, INSN_IN, OP_BYTE | OP_IMM8},
	{0xe5, OP_ANY, INSN_IN, OP_IMM8},
	{0xe6, OP_ANY, INSN_OUT, OP_BYTE | OP_IMM8},
	{0xe7, OP_ANY, INSN_OUT, OP_IMM8},
	{0xec, OP_ANY, INSN_IN, OP_BYTE},
	{0xed, OP_ANY, INSN_IN, 0},
	{0xee, OP_ANY, INSN_OUT, OP_BYTE},
	{0xef, OP_ANY, INSN_OUT, 0},
	{0xf4, OP_ANY, INSN_HLT, 0},
	{0xfa, OP_ANY, INSN_CLI, 0},
	{0xfb, OP_ANY, INSN_STI, 0},
	{0x0f00, OP_ANY, KIND_0F00, OP_MODRM},
	{0x0f01, OP_ANY, KIND_0F01, OP_MODRM},
	{0x0f06, OP_ANY, INSN_CLTS, 0},
	{0x0f08, OP_ANY, INSN_INVD, 0},
	{0x0f09, OP_ANY, INSN_WBINVD, 0},
	{0x0f20, OP_ANY, INSN_MOV_FROM_CR, OP_MODRM | OP_REG},
	{0x0f21, OP_ANY, INSN_MOV_FROM_DR, OP_MODRM | OP_REG},
	{0x0f22, OP_ANY, INSN_MOV_TO_CR, OP_MODRM | OP_REG},
	{0x0f23, OP_ANY, INSN_MOV_TO_DR, OP_MODRM | OP_REG},
	{0x0f30, OP_ANY, INSN_WRMSR, 0},
	{0x0f31, OP_ANY, INSN_RDTSC, 0},
	{0x0f32, OP_ANY, INSN_RDMSR, 0},
	{0x0f33, OP_ANY, INSN_RDPMC, 0},
	{0x0fa2, OP_ANY, INSN_CPUID, 0},
};

/* The memory operand of @size bytes at an offset of segment @seg. */
static enum insn_status set_memory(const struct insn *insn, struct insn_priv *priv, uint8_t seg,
				   uint64_t offset, unsigned int size)
{
	priv->mem = true;
	priv->seg = seg;
	if (!insn_linear(insn->ctx, seg, offset, size, &priv->addr) && priv->kind != INSN_INVLPG) {
		return INSN_GP;
	}
	return INSN_OK;
}

/* SLDT, STR, SMSW: 16 bits into memory, or into a register of the operand's size. */
static enum insn_status decode_store_word(const struct insn *insn, struct insn_priv *priv,
					  uint8_t kind)
{
	priv->kind = kind;
	priv->size = insn->mem ? 2 : insn->op_size;
	if (insn->mem) {
		return set_memory(insn, priv, insn->seg, insn->offset, 2);
	}
	priv->reg = insn->rm;
	return INSN_OK;
}

static enum insn_status decode_0f00(const struct insn *insn, struct insn_priv *priv)
{
	unsigned int ext = insn->modrm >> 3 & 7;

	if (ext > 1) {
		return INSN_UNSUPPORTED;
	}
	return decode_store_word(insn, priv, ext ? INSN_STR : INSN_SLDT);
}

static enum insn_status decode_0f01(const struct insn *insn, struct insn_priv *priv)
{
	unsigned int ext = insn->modrm >> 3 & 7;

	if (insn->modrm == 0xd1) {
		priv->kind = INSN_XSETBV;
		return insn->rep || insn->opsize ? INSN_UD : INSN_OK;
	}
	if (insn->modrm == 0xf9) {
		priv->kind = INSN_RDTSCP;
		return INSN_OK;
	}
	if (ext == 7 && insn->mem) {
		priv->kind = INSN_INVLPG;
		return set_memory(insn, priv, insn->seg, insn->offset, 1);
	}
	if (ext < 2 && insn->mem) {
		priv->kind = ext ? INSN_SIDT : INSN_SGDT;
		priv->size = insn->ctx->code32 ? 6 : 10;
		return set_memory(insn, priv, insn->seg, insn->offset, priv->size);
	}
	if (ext == 4) {
		return decode_store_word(insn, priv, INSN_SMSW);
	}
	if (ext != 6) {
		return INSN_UNSUPPORTED;
	}
	priv->kind = INSN_LMSW;
	priv->size = 2;
	if (insn->mem) {
		return set_memory(insn, priv, insn->seg, insn->offset, 2);
	}
	priv->reg = insn->rm;
	return INSN_OK;
}

/* CR0, 2, 3, 4, 8 and DR0-7 exist. */
static enum insn_status decode_mov(const struct insn *insn, struct insn_priv *priv)
{
	bool cr = priv->kind == INSN_MOV_FROM_CR || priv->kind == INSN_MOV_TO_CR;

	priv->size = insn->ctx->code32 ? 4 : 8;
	priv->reg = insn->rm;
	priv->index = insn->reg;
	if (cr ? insn->reg > 15 || !((1 << insn->reg) & 0x11d) : insn->reg > 7) {
		return INSN_UD;
	}
	return INSN_OK;
}

static enum insn_status decode_io(const struct insn *insn, struct insn_priv *priv)
{
	const struct cpu_user_regs *regs = insn->ctx->regs;
	uint8_t seg;

	priv->size = insn->op_size > 4 ? 4 : insn->op_size;
	if (insn->op->flags & OP_IMM8) {
		priv->port = (uint8_t)insn->imm;
	} else {
		priv->port = (uint16_t)insn_reg_read(regs, RDX, 2);
	}
	if (priv->kind == INSN_IN || priv->kind == INSN_OUT) {
		return INSN_OK;
	}
	priv->rep = insn->rep != 0;
	priv->addr_size = insn->addr_size;
	if (priv->kind == INSN_INS) {
		return set_memory(insn, priv, INSN_ES,
				  insn_cut_addr(insn->addr_size, insn_reg_read(regs, RDI, 8)),
				  priv->size);
	}
	seg = insn->seg_override >= 0 ? (uint8_t)insn->seg_override : INSN_DS;
	return set_memory(insn, priv, seg,
			  insn_cut_addr(insn->addr_size, insn_reg_read(regs, RSI, 8)), priv->size);
}

enum insn_status insn_priv_decode(const struct insn_ctx *ctx, const uint8_t *bytes, size_t count,
				  struct insn_priv *priv)
{
	enum insn_status status;
	struct insn insn;

	*priv = (struct insn_priv){0};
	status = insn_decode(&insn, ctx, bytes, count, ops, sizeof(ops) / sizeof(ops[0]));
	if (status != INSN_OK) {
		return status;
	}
	priv->kind = insn.op->kind;
	priv->len = insn.pos;
	switch (insn.op->kind) {
	case KIND_0F00:
		return decode_0f00(&insn, priv);
	case KIND_0F01:
		return decode_0f01(&insn, priv);
	case INSN_MOV_FROM_CR:
	case INSN_MOV_TO_CR:
	case INSN_MOV_FROM_DR:
	case INSN_MOV_TO_DR:
		return decode_mov(&insn, priv);
	case INSN_IN:
	case INSN_OUT:
	case INSN_INS:
	case INSN_OUTS:
		return decode_io(&insn, priv);
	default:
		return INSN_OK;
	}
}

uint64_t insn_string_count(const struct cpu_user_regs *regs, const struct insn_priv *priv)
{
	return priv->rep ? insn_cut_addr(priv->addr_size, regs->rcx) : 1;
}

void insn_string_commit(struct cpu_user_regs *regs, bool code32, const struct insn_priv *priv,
			uint64_t done)
{
	unsigned int ptr = priv->kind == INSN_INS ? RDI : RSI;
	uint64_t left = insn_string_count(regs, priv) - done;
	uint64_t step = done * priv->size;

	if (regs->rflags & X86_DF) {
		step = -step;
	}
	insn_reg_write(regs, ptr, priv->addr_size, insn_reg_read(regs, ptr, 8) + step);
	if (priv->rep) {
		insn_reg_write(regs, RCX, priv->addr_size, left);
	}
	if (left == 0) {
		insn_advance(regs, code32, priv->len);
	}
}
