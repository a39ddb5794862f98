/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The decoder proper, which insn_priv.c and insn_rmw.c drive with a table each
 * of the opcodes that they know. Private to these.
 */
#ifndef HV_X86_PV_INSN_DECODE_H
#define HV_X86_PV_INSN_DECODE_H

#include "insn.h"

enum {
	OP_MODRM = 1 << 0,
	OP_BYTE = 1 << 1, /* operands of 8 bits */
	OP_IMM8 = 1 << 2, /* sign-extended */
	OP_IMMZ = 1 << 3, /* 2 or 4 bytes, sign-extended */
	OP_MOFFS = 1 << 4, /* a plain address */
	OP_LOCK = 1 << 5, /* LOCK is legal */
	OP_REG = 1 << 6, /* .mod means nothing: always registers (MOV CR and DR) */
};

#define OP_ANY (-1)

struct insn_op {
	uint16_t opcode; /* 0xNN, or 0x0fNN of the two-byte map */
	int8_t ext; /* ModRM.reg if it extends the opcode, or OP_ANY */
	uint8_t kind;
	uint8_t flags; /* the same for all entries of one opcode */
};

struct insn {
	const struct insn_ctx *ctx;
	const uint8_t *bytes;
	size_t count;
	uint8_t pos; /* next byte; in the end the length */
	const struct insn_op *op;
	/* prefixes */
	uint8_t rex;
	bool lock;
	bool opsize; /* 0x66 */
	uint8_t rep; /* 0, 0xf2 or 0xf3 */
	int8_t seg_override;
	uint8_t addr_size; /* 4 or 8 */
	uint8_t op_size; /* 1, 2, 4, 8 */
	/* operands */
	uint8_t modrm;
	uint8_t reg; /* ModRM.reg with REX.R */
	uint8_t rm; /* ModRM.rm with REX.B; of the register form only */
	bool mem;
	uint8_t seg;
	bool rip_relative;
	uint64_t offset; /* in the segment, cut to addr_size */
	uint64_t imm;
};

/* Decodes the instruction if @ops has it. */
enum insn_status insn_decode(struct insn *insn, const struct insn_ctx *ctx, const uint8_t *bytes,
			     size_t count, const struct insn_op *ops, size_t nr_ops);

/* Cuts an address register's value to the address size. */
static inline uint64_t insn_cut_addr(unsigned int addr_size, uint64_t v)
{
	return addr_size == 4 ? (uint32_t)v : v;
}

/* Segment base and offset; false: the @size bytes there aren't all canonical. */
bool insn_linear(const struct insn_ctx *ctx, unsigned int seg, uint64_t offset, unsigned int size,
		 uint64_t *ret_addr);

#endif
