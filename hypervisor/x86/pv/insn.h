/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Decoding of the instructions that a PV guest may leave to the hypervisor,
 * and execution of those that it does on page tables:
 *
 *  (a) privileged instructions (#GP from guest-kernel mode), insn_priv_decode:
 *      described, and left to the caller to carry out;
 *  (b) writes to a page-table entry that is mapped read-only (#PF),
 *      insn_rmw_decode and insn_rmw_execute: the caller reads the old value,
 *      has the new one computed, checks it as it would check an mmu_update,
 *      stores it by compare-and-exchange, and only then commits the registers.
 *
 * All else is refused. Nothing here touches memory or registers of the guest,
 * calls anything, or keeps state: the caller has fetched the bytes (once: look
 * at no byte of the guest's code twice) and commits results. Every address and
 * value may be hostile.
 *
 * Not looked at, the caller's to decide before: privilege (CPL, IOPL, I/O
 * bitmap), CR4.TSD/PCE/UMIP/DE, segment limits; after: single-step (TF).
 *
 * Sources: Intel SDM volumes 1 and 2, AMD APM volume 3.
 */
#ifndef HV_X86_PV_INSN_H
#define HV_X86_PV_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/xen.h>

#define INSN_MAX_LEN 15

enum insn_status {
	INSN_OK,
	/* The bytes end too early: a fetch fault (#PF) at rip + count. */
	INSN_FETCH,
	/* A valid instruction or not, it isn't one of ours: reflect the fault. */
	INSN_UNSUPPORTED,
	INSN_UD, /* the CPU would raise #UD */
	INSN_GP, /* #GP(0), or #SS(0) if .seg is the stack: too long, non-canonical, unaligned */
};

/* Segment numbers, as in the encoding of MOV to segment register. */
enum insn_seg { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS, INSN_SEGS };

struct insn_ctx {
	const struct cpu_user_regs *regs;
	/* Of the code segment: 64-bit, or 32-bit (the low half of registers counts). */
	bool code32;
	/* In 64-bit code only those of FS and GS are used. */
	uint64_t seg_base[INSN_SEGS];
};

/* ---- general registers by number (0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, ...) ---- */

/* The low @size bytes (1, 2, 4, 8) of register @nr. */
uint64_t insn_reg_read(const struct cpu_user_regs *regs, unsigned int nr, unsigned int size);

/* As the CPU writes it: 4 bytes clear the upper half, 1 and 2 leave the rest. */
void insn_reg_write(struct cpu_user_regs *regs, unsigned int nr, unsigned int size, uint64_t value);

/* Past an instruction of @len bytes; RF ends with it. */
void insn_advance(struct cpu_user_regs *regs, bool code32, unsigned int len);

/* ---- (a) privileged instructions ---- */

enum insn_priv_kind {
	INSN_CPUID,
	INSN_RDMSR,
	INSN_WRMSR,
	INSN_RDTSC,
	INSN_RDTSCP,
	INSN_RDPMC,
	INSN_XSETBV,
	INSN_CLTS,
	INSN_HLT,
	INSN_CLI,
	INSN_STI,
	INSN_INVD,
	INSN_WBINVD, /* WBNOINVD too */
	INSN_INVLPG, /* .addr */
	INSN_LMSW, /* from .reg or memory, 2 bytes */
	INSN_SMSW, /* to .reg (.size bytes) or memory (2 bytes) */
	INSN_SLDT, /* the same */
	INSN_STR, /* the same */
	INSN_SGDT, /* to memory, .size bytes */
	INSN_SIDT, /* the same */
	INSN_MOV_FROM_CR, /* .index to .reg */
	INSN_MOV_TO_CR,
	INSN_MOV_FROM_DR, /* 4 and 5 are 6 and 7 or #UD, by CR4.DE */
	INSN_MOV_TO_DR,
	INSN_IN, /* .port to AL, AX, EAX by .size */
	INSN_OUT,
	INSN_INS, /* .port to memory at .addr */
	INSN_OUTS,
};

struct insn_priv {
	uint8_t kind; /* enum insn_priv_kind */
	uint8_t len;
	uint8_t size; /* of the data, in bytes */
	uint8_t reg; /* general register */
	uint8_t index; /* of the control or debug register */
	uint16_t port;
	bool mem; /* there is a memory operand: */
	uint8_t seg;
	uint64_t addr; /* its linear address; canonical except for INVLPG */
	/* INS and OUTS: */
	bool rep;
	uint8_t addr_size;
};

/*
 * Decodes the @count (at most 15) bytes at the guest's rip. Returns INSN_OK
 * with *priv filled, or why not.
 */
enum insn_status insn_priv_decode(const struct insn_ctx *ctx, const uint8_t *bytes, size_t count,
				  struct insn_priv *priv);

/* INS and OUTS: how many elements are left to do; 1 without a REP prefix. */
uint64_t insn_string_count(const struct cpu_user_regs *regs, const struct insn_priv *priv);

/*
 * INS and OUTS: commits @done elements (at most insn_string_count): pointer,
 * count, and rip if that was the last. The caller that did not do all of them
 * lets the guest run into the instruction again.
 */
void insn_string_commit(struct cpu_user_regs *regs, bool code32, const struct insn_priv *priv,
			uint64_t done);

/* ---- (b) writes to memory ---- */

enum insn_rmw_kind {
	INSN_ADD, /* the first eight as numbered in opcodes */
	INSN_OR,
	INSN_ADC,
	INSN_SBB,
	INSN_AND,
	INSN_SUB,
	INSN_XOR,
	INSN_MOV,
	INSN_INC,
	INSN_DEC,
	INSN_NOT,
	INSN_NEG,
	INSN_XCHG,
	INSN_XADD,
	INSN_CMPXCHG,
	INSN_CMPXCHG_WIDE, /* CMPXCHG8B, CMPXCHG16B */
	INSN_BT, /* doesn't write */
	INSN_BTS,
	INSN_BTR,
	INSN_BTC,
	INSN_MOVS,
	INSN_STOS,
};

struct insn_rmw {
	uint8_t kind; /* enum insn_rmw_kind */
	uint8_t len;
	uint8_t size; /* bytes of memory, 1 to 16 */
	bool lock; /* LOCK prefix, or implied by XCHG */
	bool code32;
	bool has_imm;
	uint8_t reg; /* the register operand; insn_rmw_execute knows AH to BH */
	bool rex;
	bool rep;
	uint8_t addr_size;
	uint8_t seg;
	/*
	 * Linear address of the bytes that the instruction reads and writes, bit
	 * offsets of BT* included; canonical to the last byte. The caller must
	 * compare it with what it is about to change: it isn't the fault address
	 * if the guest has changed its code meanwhile.
	 */
	uint64_t addr;
	uint64_t src_addr; /* MOVS: where the value comes from, .size bytes */
	uint64_t imm;
	uint8_t bit; /* BT*: 0 to 8 * size - 1 */
};

enum insn_status insn_rmw_decode(const struct insn_ctx *ctx, const uint8_t *bytes, size_t count,
				 struct insn_rmw *rmw);

struct insn_rmw_result {
	/* False: memory keeps its value (BT, CMPXCHG that fails, REP with count 0). */
	bool write;
	uint64_t value[2]; /* new memory, low quadword first; bits above size are 0 */
	struct cpu_user_regs regs; /* all registers after the instruction, rip included */
};

/*
 * Computes what the instruction does when memory holds @old (low quadword
 * first; MOVS: and its source holds @src). Flags are those of the CPU; where
 * these are undefined, AF becomes 0 and the BT* leave all but CF alone.
 * May be repeated with another @old until the exchange succeeds. A REP is
 * taken one step at a time.
 */
void insn_rmw_execute(const struct insn_rmw *rmw, const struct cpu_user_regs *regs,
		      const uint64_t old[2], uint64_t src, struct insn_rmw_result *res);

#endif
