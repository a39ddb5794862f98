/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86 instruction decoding: prefixes, opcode, ModRM, SIB, displacement,
 * immediate, effective address. See insn.h. Pure; owns nothing; no locks.
 */
#include "insn_decode.h"

#define X86_RF (1ull << 16)

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/* Where register @nr lies in struct cpu_user_regs. */
static const uint8_t reg_offsets[16] = {
	offsetof(struct cpu_user_regs, rax), offsetof(struct cpu_user_regs, rcx),
	offsetof(struct cpu_user_regs, rdx), offsetof(struct cpu_user_regs, rbx),
	offsetof(struct cpu_user_regs, rsp), offsetof(struct cpu_user_regs, rbp),
	offsetof(struct cpu_user_regs, rsi), offsetof(struct cpu_user_regs, rdi),
	offsetof(struct cpu_user_regs, r8),  offsetof(struct cpu_user_regs, r9),
	offsetof(struct cpu_user_regs, r10), offsetof(struct cpu_user_regs, r11),
	offsetof(struct cpu_user_regs, r12), offsetof(struct cpu_user_regs, r13),
	offsetof(struct cpu_user_regs, r14), offsetof(struct cpu_user_regs, r15),
};

static uint64_t size_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

uint64_t insn_reg_read(const struct cpu_user_regs *regs, unsigned int nr, unsigned int size)
{
	const uint64_t *r = (const void *)((const uint8_t *)regs + reg_offsets[nr & 15]);

	return *r & size_mask(size);
}

void insn_reg_write(struct cpu_user_regs *regs, unsigned int nr, unsigned int size, uint64_t value)
{
	uint64_t *r = (void *)((uint8_t *)regs + reg_offsets[nr & 15]);
	uint64_t mask = size_mask(size);

	*r = size >= 4 ? value & mask : (*r & ~mask) | (value & mask);
}

void insn_advance(struct cpu_user_regs *regs, bool code32, unsigned int len)
{
	regs->rip += len;
	if (code32) {
		regs->rip = (uint32_t)regs->rip;
	}
	regs->rflags &= ~X86_RF;
}

bool insn_linear(const struct insn_ctx *ctx, unsigned int seg, uint64_t offset, unsigned int size,
		 uint64_t *ret_addr)
{
	uint64_t addr, last;

	if (ctx->code32) {
		addr = (uint32_t)(offset + ctx->seg_base[seg]);
		*ret_addr = addr;
		return addr + size - 1 <= UINT32_MAX;
	}
	addr = offset;
	if (seg == INSN_FS || seg == INSN_GS) {
		addr += ctx->seg_base[seg];
	}
	*ret_addr = addr;
	last = addr + size - 1;
	return last >= addr && (uint64_t)((int64_t)(addr << 16) >> 16) == addr &&
	       (uint64_t)((int64_t)(last << 16) >> 16) == last && addr >> 63 == last >> 63;
}

/* The next byte; false: it isn't there, see fetch_status. */
static bool next_byte(struct insn *insn, uint8_t *ret)
{
	if (insn->pos >= insn->count) {
		return false;
	}
	*ret = insn->bytes[insn->pos++];
	return true;
}

/* Little-endian, sign-extended. */
static bool next_bytes(struct insn *insn, unsigned int n, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int i;
	uint8_t b;

	for (i = 0; i < n; i++) {
		if (!next_byte(insn, &b)) {
			return false;
		}
		v |= (uint64_t)b << i * 8;
	}
	*ret = n == 8 ? v : (uint64_t)((int64_t)(v << (64 - n * 8)) >> (64 - n * 8));
	return true;
}

static enum insn_status fetch_status(const struct insn *insn)
{
	return insn->count >= INSN_MAX_LEN ? INSN_GP : INSN_FETCH;
}

/* A legacy prefix? In 64-bit code the four old segments' are without effect. */
static bool take_prefix(struct insn *insn, uint8_t b)
{
	bool code32 = insn->ctx->code32;

	switch (b) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		if (code32) {
			insn->seg_override = (int8_t)(b >> 3 & 3);
		}
		return true;
	case 0x64:
	case 0x65:
		insn->seg_override = b == 0x64 ? INSN_FS : INSN_GS;
		return true;
	case 0x66:
		insn->opsize = true;
		return true;
	case 0x67:
		insn->addr_size = code32 ? 2 : 4;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		insn->rep = b;
		return true;
	default:
		return false;
	}
}

/* Prefixes and opcode; REX counts only right before the opcode. */
static enum insn_status decode_opcode(struct insn *insn, uint16_t *ret_opcode)
{
	uint8_t b;

	insn->addr_size = insn->ctx->code32 ? 4 : 8;
	for (;;) {
		if (!next_byte(insn, &b)) {
			return fetch_status(insn);
		}
		if (take_prefix(insn, b)) {
			insn->rex = 0;
		} else if (!insn->ctx->code32 && (b & 0xf0) == 0x40) {
			insn->rex = b;
		} else {
			break;
		}
	}
	*ret_opcode = b;
	if (b == 0x0f) {
		if (!next_byte(insn, &b)) {
			return fetch_status(insn);
		}
		*ret_opcode = 0x0f00 | b;
	}
	if (insn->addr_size == 2) { /* 16-bit addressing */
		return INSN_UNSUPPORTED;
	}
	return INSN_OK;
}

static uint64_t addr_reg(const struct insn *insn, unsigned int nr)
{
	return insn_cut_addr(insn->addr_size, insn_reg_read(insn->ctx->regs, nr, 8));
}

static bool decode_sib(struct insn *insn, unsigned int mod, unsigned int *disp)
{
	unsigned int index, base;
	uint8_t sib;

	if (!next_byte(insn, &sib)) {
		return false;
	}
	index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
	base = (sib & 7) | (insn->rex & REX_B ? 8 : 0);
	if (index != 4) {
		insn->offset += addr_reg(insn, index) << (sib >> 6);
	}
	if ((sib & 7) == 5 && mod == 0) {
		*disp = 4;
		return true;
	}
	insn->offset += addr_reg(insn, base);
	if (base == 4 || base == 5) {
		insn->seg = INSN_SS;
	}
	return true;
}

/* ModRM with what follows it. RIP is added once the length is known. */
static bool decode_modrm(struct insn *insn)
{
	static const uint8_t disp_len[3] = {0, 1, 4};
	unsigned int mod, disp;
	uint64_t value = 0;

	if (!next_byte(insn, &insn->modrm)) {
		return false;
	}
	mod = insn->modrm >> 6;
	insn->reg = (insn->modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (insn->rex & REX_B ? 8 : 0);
	if (mod == 3 || (insn->op->flags & OP_REG)) {
		return true;
	}
	insn->mem = true;
	insn->seg = INSN_DS;
	disp = disp_len[mod];
	if ((insn->modrm & 7) == 4) {
		if (!decode_sib(insn, mod, &disp)) {
			return false;
		}
	} else if ((insn->modrm & 7) == 5 && mod == 0) {
		disp = 4;
		insn->rip_relative = !insn->ctx->code32;
	} else {
		insn->offset = addr_reg(insn, insn->rm);
		if (insn->rm == 5) {
			insn->seg = INSN_SS;
		}
	}
	if (disp && !next_bytes(insn, disp, &value)) {
		return false;
	}
	insn->offset += value;
	return true;
}

static bool decode_operands(struct insn *insn)
{
	unsigned int flags = insn->op->flags;

	insn->op_size = insn->rex & REX_W ? 8 : insn->opsize ? 2 : 4;
	if (flags & OP_BYTE) {
		insn->op_size = 1;
	}
	if ((flags & OP_MODRM) && !decode_modrm(insn)) {
		return false;
	}
	if (flags & OP_MOFFS) {
		insn->mem = true;
		insn->seg = INSN_DS;
		if (!next_bytes(insn, insn->addr_size, &insn->offset)) {
			return false;
		}
	}
	if ((flags & OP_IMM8) && !next_bytes(insn, 1, &insn->imm)) {
		return false;
	}
	if ((flags & OP_IMMZ) && !next_bytes(insn, insn->op_size == 2 ? 2 : 4, &insn->imm)) {
		return false;
	}
	if (insn->rip_relative) {
		insn->offset += insn->ctx->regs->rip + insn->pos;
	}
	insn->offset = insn_cut_addr(insn->addr_size, insn->offset);
	return true;
}

enum insn_status insn_decode(struct insn *insn, const struct insn_ctx *ctx, const uint8_t *bytes,
			     size_t count, const struct insn_op *ops, size_t nr_ops)
{
	const struct insn_op *end = ops + nr_ops;
	enum insn_status status;
	uint16_t opcode;

	*insn = (struct insn){
		.ctx = ctx,
		.bytes = bytes,
		.count = count < INSN_MAX_LEN ? count : INSN_MAX_LEN,
		.seg_override = -1,
	};
	status = decode_opcode(insn, &opcode);
	if (status != INSN_OK) {
		return status;
	}
	while (ops < end && ops->opcode != opcode) {
		ops++;
	}
	if (ops == end) {
		return INSN_UNSUPPORTED;
	}
	insn->op = ops;
	if (!decode_operands(insn)) {
		return fetch_status(insn);
	}
	while (ops < end && (ops->opcode != opcode ||
			     (ops->ext != OP_ANY && ops->ext != (insn->modrm >> 3 & 7)))) {
		ops++;
	}
	if (ops == end) {
		return INSN_UNSUPPORTED;
	}
	insn->op = ops;
	if (insn->seg_override >= 0) {
		insn->seg = (uint8_t)insn->seg_override;
	}
	if (insn->lock && !(ops->flags & OP_LOCK)) {
		return INSN_UD;
	}
	return INSN_OK;
}
