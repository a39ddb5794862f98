/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * insn_rmw_execute against the CPU: instructions of every kind in every
 * addressing form are composed at random, executed natively, and decoded and
 * executed by the hypervisor's code on a copy. Length, address, all registers,
 * all flags that are defined, and all memory must agree.
 *
 * Everything is mapped in the low 2 GiB, so that absolute and 32-bit
 * addresses reach it. GS has a base; FS is the C library's.
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../hypervisor/x86/pv/insn.h"

#define ARITH    0x8d5ull
#define DF       0x400ull
#define AF       0x10ull
#define BUF_SIZE 8192
#define ROUNDS   400000

enum form { FORM_REG, FORM_IMM8, FORM_IMMZ, FORM_NONE, FORM_MOFFS, FORM_STRING };

/* How to compose an instruction: the tables of insn_rmw.c seen from outside. */
struct template
{
	const char *name;
	uint8_t opcode; /* of the form that isn't a byte's, if there are two */
	bool two_byte; /* 0F before it */
	bool has_byte; /* opcode - 1 is the byte form */
	int ext; /* ModRM.reg, or -1: a register */
	enum form form;
	bool lock;
	uint64_t undefined; /* flags */
};

#define ALU(name, nr, undef)                                           \
	{name, (nr)*8 + 1, false, true, -1, FORM_REG, true, undef},    \
		{name, 0x81, false, true, nr, FORM_IMMZ, true, undef}, \
	{                                                              \
		name, 0x83, false, false, nr, FORM_IMM8, true, undef   \
	}
#define BIT(name, op, nr, lock)                                                \
	{name, op, true, false, -1, FORM_REG, lock, ARITH & ~0x41ull},         \
	{                                                                      \
		name, 0xba, true, false, nr, FORM_IMM8, lock, ARITH & ~0x41ull \
	}

static const struct template templates[] = {
	ALU("add", 0, 0),
	ALU("or", 1, AF),
	ALU("adc", 2, 0),
	ALU("sbb", 3, 0),
	ALU("and", 4, AF),
	ALU("sub", 5, 0),
	ALU("xor", 6, AF),
	BIT("bt", 0xa3, 4, false),
	BIT("bts", 0xab, 5, true),
	BIT("btr", 0xb3, 6, true),
	BIT("btc", 0xbb, 7, true),
	{"mov", 0x89, false, true, -1, FORM_REG, false, 0},
	{"mov imm", 0xc7, false, true, 0, FORM_IMMZ, false, 0},
	{"mov moffs", 0xa3, false, true, -1, FORM_MOFFS, false, 0},
	{"movnti", 0xc3, true, false, -1, FORM_REG, false, 0},
	{"xchg", 0x87, false, true, -1, FORM_REG, true, 0},
	{"xadd", 0xc1, true, true, -1, FORM_REG, true, 0},
	{"cmpxchg", 0xb1, true, true, -1, FORM_REG, true, 0},
	{"cmpxchg8b", 0xc7, true, false, 1, FORM_NONE, true, 0},
	{"not", 0xf7, false, true, 2, FORM_NONE, true, 0},
	{"neg", 0xf7, false, true, 3, FORM_NONE, true, 0},
	{"inc", 0xff, false, true, 0, FORM_NONE, true, 0},
	{"dec", 0xff, false, true, 1, FORM_NONE, true, 0},
	{"movs", 0xa5, false, true, -1, FORM_STRING, false, 0},
	{"stos", 0xab, false, true, -1, FORM_STRING, false, 0},
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/* One composed instruction and the machine's state before it. */
struct trial {
	const struct template *t;
	uint8_t code[32];
	unsigned int len;
	struct cpu_user_regs regs;
	uint64_t target;
	unsigned int size;
	unsigned int op_size;
	bool rep, byte, addr32, gs, rex_w;
	bool opsize, lock;
	uint8_t rex;
	unsigned int addr_regs; /* bit mask */
};

/* The block that the trampoline pops registers from and pushes them to. */
static struct native {
	uint64_t stack[64]; /* an innocent red zone */
	uint64_t saved_rsp;
	uint64_t regs[15]; /* r15 ... rdi, as in struct cpu_user_regs */
	uint64_t flags;
} * native;

static uint8_t *buf, *code, *insn_at;
static uint64_t gs_base;

static uint64_t rnd(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1dull;
}

/* Values at which carries and signs turn come up often. */
static uint64_t rnd_value(void)
{
	static const uint64_t special[] = {
		0,      1,          0x7f,       0x80,       0xff,      0x7fff,     0x8000,
		0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, 1ull << 63, UINT64_MAX};

	return rnd() % 3 ? rnd() : special[rnd() % (sizeof(special) / sizeof(special[0]))];
}

static const uint8_t prologue[] = {
	0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56,
	0x41, 0x57, /* push rbx rbp r12-r15 */
	0x48, 0x89, 0x67, 0xf8, /* mov %rsp, -8(%rdi) */
	0x48, 0x89, 0xfc, /* mov %rdi, %rsp */
	0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c,
	0x5d, 0x5b, /* pop r15 r14 r13 r12 rbp rbx */
	0x41, 0x5b, 0x41, 0x5a, 0x41, 0x59, 0x41, 0x58, /* r11 r10 r9 r8 */
	0x58, 0x59, 0x5a, 0x5e, 0x5f, 0x9d, /* rax rcx rdx rsi rdi flags */
};
static const uint8_t epilogue[] = {
	0x9c, 0x57, 0x56, 0x52, 0x51, 0x50, /* push what was popped */
	0x41, 0x50, 0x41, 0x51, 0x41, 0x52, 0x41, 0x53, 0x53, 0x55, 0x41,
	0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0xfc, /* cld */
	0x48, 0x8b, 0x64, 0x24, 0xf8, /* mov -8(%rsp), %rsp */
	0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3,
};

static void run_native(struct trial *tr)
{
	memcpy(native->regs, &tr->regs, sizeof(native->regs));
	native->flags = (tr->regs.rflags & (ARITH | DF)) | 0x202;
	memcpy(insn_at, tr->code, tr->len);
	memcpy(insn_at + tr->len, epilogue, sizeof(epilogue));
	((void (*)(void *))(uintptr_t)code)(native->regs);
}

static uint64_t *reg_of(struct trial *tr, unsigned int nr)
{
	static const uint8_t order[16] = {10, 11, 12, 5, 0xff, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0};

	return nr == RSP ? &tr->regs.rsp : (uint64_t *)&tr->regs + order[nr];
}

static void emit(struct trial *tr, uint64_t v, unsigned int n)
{
	memcpy(tr->code + tr->len, &v, n);
	tr->len += n;
}

/* Everything before the ModRM byte. */
static void emit_opcode(struct trial *tr)
{
	if (tr->lock) {
		emit(tr, 0xf0, 1);
	}
	if (tr->gs) {
		emit(tr, 0x65, 1);
	} else if (rnd() % 8 == 0) {
		emit(tr, rnd() % 2 ? 0x3e : 0x2e, 1); /* without effect */
	}
	if (tr->addr32) {
		emit(tr, 0x67, 1);
	}
	if (tr->rep) {
		emit(tr, rnd() % 2 ? 0xf2 : 0xf3, 1);
	}
	if (tr->opsize) {
		emit(tr, 0x66, 1);
	}
	if (tr->rex) {
		emit(tr, tr->rex, 1);
	}
	if (tr->t->two_byte) {
		emit(tr, 0x0f, 1);
	}
	emit(tr, tr->t->opcode - tr->byte, 1);
}

static uint64_t offset_of_target(const struct trial *tr)
{
	return tr->target - (tr->gs ? gs_base : 0);
}

/* Junk above an address that counts 32 bits only. */
static uint64_t with_junk(const struct trial *tr, uint64_t v)
{
	return tr->addr32 ? (uint32_t)v | rnd() << 32 : v;
}

/* A base register and a displacement that lead to @where. */
static void emit_base(struct trial *tr, uint8_t reg_field, uint64_t where)
{
	unsigned int base = rnd() % 16, mod = rnd() % 3;
	int32_t disp = mod == 0 ? 0 : mod == 1 ? (int8_t)rnd() : (int32_t)(rnd() % 0x10000);

	if (base == RSP) {
		mod = 2;
		disp = (int32_t)(where - tr->regs.rsp);
	} else {
		if ((base & 7) == RBP && mod == 0) {
			mod = 1;
		}
		*reg_of(tr, base) = with_junk(tr, where - (uint64_t)(int64_t)disp);
	}
	tr->addr_regs |= 1u << base;
	if (base & 8) {
		tr->rex |= 0x41;
	}
	emit_opcode(tr);
	emit(tr, mod << 6 | reg_field | (base & 7), 1);
	if ((base & 7) == RSP) {
		emit(tr, 0x20 | (base & 7), 1);
	}
	emit(tr, (uint32_t)disp, mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

/* Base + index * scale + displacement, or without the base. */
static void emit_sib(struct trial *tr, uint8_t reg_field, uint64_t where)
{
	unsigned int base = rnd() % 16, index = rnd() % 16, scale = rnd() % 4, mod = 2;
	uint64_t ivalue = rnd() % 1024;
	int32_t disp = (int32_t)(rnd() % 0x1000);

	if (index == RSP) {
		index = RAX;
	}
	if (base == index) {
		base = (index + 1) % 16 == RSP ? RBP : (index + 1) % 16;
	}
	tr->addr_regs |= 1u << base | 1u << index;
	*reg_of(tr, index) = with_junk(tr, ivalue);
	where -= ivalue << scale;
	if ((base & 7) == RBP && rnd() % 2) { /* mod 0 with base 5: no base at all */
		mod = 0;
		disp = (int32_t)where;
	} else if (base == RSP) {
		disp = (int32_t)(where - tr->regs.rsp);
	} else {
		*reg_of(tr, base) = with_junk(tr, where - (uint64_t)(int64_t)disp);
	}
	tr->rex |= (base & 8 ? 0x41 : 0) | (index & 8 ? 0x42 : 0);
	emit_opcode(tr);
	emit(tr, mod << 6 | reg_field | 4, 1);
	emit(tr, scale << 6 | (index & 7) << 3 | (base & 7), 1);
	emit(tr, (uint32_t)disp, 4);
}

static void emit_rip(struct trial *tr, uint8_t reg_field, uint64_t where, unsigned int imm_len)
{
	emit_opcode(tr);
	emit(tr, reg_field | 5, 1);
	emit(tr, (uint32_t)(where - ((uintptr_t)insn_at + tr->len + 4 + imm_len)), 4);
}

static void compose_string(struct trial *tr)
{
	uint64_t room = 512;

	tr->regs.rdi = with_junk(tr, tr->target);
	tr->regs.rsi = with_junk(tr, (uintptr_t)buf + room + rnd() % (BUF_SIZE - 2 * room) -
					     (tr->gs ? gs_base : 0));
	if (tr->rep) {
		tr->regs.rcx = with_junk(tr, rnd() % 20);
	}
	emit_opcode(tr);
}

/*
 * False: the register operand can't be this one. The stack pointer must come
 * out as it was; a bit index and an address don't go into one register.
 */
static bool reg_is_usable(const struct trial *tr, unsigned int reg, bool bit)
{
	bool written = strcmp(tr->t->name, "xchg") == 0 || strcmp(tr->t->name, "xadd") == 0;

	if (tr->t->ext >= 0) {
		return true;
	}
	if (reg == RSP && (bit || written)) {
		return false;
	}
	return !bit || !(tr->addr_regs & 1u << reg);
}

static bool compose_modrm(struct trial *tr)
{
	unsigned int imm_len = 0, reg = rnd() % 16;
	uint64_t where = offset_of_target(tr), bit_index = 0;
	bool bit = tr->t->form == FORM_REG && (tr->t->opcode & 0xe7) == 0xa3 && tr->t->two_byte;
	uint8_t field;

	if (tr->t->form == FORM_IMM8 || (tr->t->form == FORM_IMMZ && tr->byte)) {
		imm_len = 1;
	} else if (tr->t->form == FORM_IMMZ) {
		imm_len = tr->op_size == 2 ? 2 : 4;
	}
	if (tr->t->ext >= 0) {
		field = (uint8_t)(tr->t->ext << 3);
	} else {
		field = (uint8_t)((reg & 7) << 3);
		tr->rex |= reg & 8 ? 0x44 : 0;
	}
	if (bit) { /* the register leads away from the address, by whole operands */
		bit_index = rnd() % 8192 - 4096;
		where -= (uint64_t)((int64_t)bit_index >> 3) & -(uint64_t)tr->op_size;
	}
	switch (rnd() % 4) {
	case 0:
		emit_sib(tr, field, where);
		break;
	case 1:
		emit_rip(tr, field, where, imm_len);
		break;
	default:
		emit_base(tr, field, where);
	}
	emit(tr, rnd_value(), imm_len);
	if (!reg_is_usable(tr, reg, bit)) {
		return false;
	}
	if (bit && tr->op_size == 8) {
		*reg_of(tr, reg) = bit_index;
	} else if (bit && tr->op_size == 4) {
		*reg_of(tr, reg) = (uint32_t)bit_index | rnd() << 32;
	} else if (bit) {
		*reg_of(tr, reg) = (uint16_t)bit_index | rnd() << 16;
	}
	return true;
}

static void choose(struct trial *tr)
{
	unsigned int i;

	memset(tr, 0, sizeof(*tr));
	tr->t = &templates[rnd() % (sizeof(templates) / sizeof(templates[0]))];
	for (i = 0; i < 16; i++) {
		*reg_of(tr, i) = rnd_value();
	}
	tr->regs.rsp = (uintptr_t)(&native->flags + 1);
	tr->regs.rip = (uintptr_t)insn_at;
	tr->regs.rflags = (rnd() & (ARITH | DF)) | 0x202;
	tr->byte = tr->t->has_byte && rnd() % 3 == 0;
	tr->lock = tr->t->lock && rnd() % 2;
	tr->gs = rnd() % 6 == 0;
	tr->addr32 = rnd() % 6 == 0;
	tr->rep = tr->t->form == FORM_STRING && rnd() % 2;
	tr->opsize = rnd() % 4 == 0 && strcmp(tr->t->name, "movnti") != 0;
	tr->rex = rnd() % 2 ? (rnd() % 2 ? 0x48 : 0x40) : 0;
	tr->op_size = tr->rex & 8 ? 8 : tr->opsize ? 2 : 4;
	if (strcmp(tr->t->name, "cmpxchg8b") == 0) {
		tr->size = tr->rex & 8 ? 16 : 8;
	} else {
		tr->size = tr->op_size = tr->byte ? 1 : tr->op_size;
	}
	tr->target = (uintptr_t)buf + 1024 + rnd() % (BUF_SIZE - 2048);
	if (tr->size == 16) {
		tr->target &= ~15ull;
	}
}

/* Comparing instructions must find what they look for every other time. */
static void help_compare(struct trial *tr)
{
	uint64_t *mem = (uint64_t *)tr->target;

	if (strncmp(tr->t->name, "cmpxchg", 7) != 0 || rnd() % 2) {
		return;
	}
	if (strcmp(tr->t->name, "cmpxchg") == 0) {
		memcpy(mem, &tr->regs.rax, tr->size);
	} else {
		memcpy(mem, &tr->regs.rax, tr->size / 2);
		memcpy((uint8_t *)mem + tr->size / 2, &tr->regs.rdx, tr->size / 2);
	}
}

static void compose(struct trial *tr)
{
	bool usable;

	do {
		usable = true;
		choose(tr);
		if (tr->t->form == FORM_STRING) {
			compose_string(tr);
		} else if (tr->t->form == FORM_MOFFS) {
			emit_opcode(tr);
			emit(tr, offset_of_target(tr), tr->addr32 ? 4 : 8);
		} else {
			usable = compose_modrm(tr);
		}
	} while (!usable || tr->len > 15);
	help_compare(tr);
}

static void show(const struct trial *tr, const char *what)
{
	unsigned int i;

	print_error("%s (%s):", what, tr->t->name);
	for (i = 0; i < tr->len; i++) {
		print_error(" %02x", tr->code[i]);
	}
	print_error("\n");
	fail();
}

/* Decodes once, and every cut-off beginning too. */
static void decode(const struct trial *tr, const struct cpu_user_regs *regs, struct insn_rmw *rmw)
{
	struct insn_ctx ctx = {.regs = regs, .seg_base = {[INSN_GS] = gs_base}};
	uint8_t *end = malloc(15);
	unsigned int i;

	memset(end, 0x90, 15);
	memcpy(end, tr->code, tr->len);
	if (insn_rmw_decode(&ctx, end, 15, rmw) != INSN_OK) {
		show(tr, "refused");
	}
	free(end);
	if (rmw->len != tr->len || rmw->size != tr->size) {
		show(tr, "wrong length or size");
	}
	for (i = 0; i < tr->len; i++) {
		end = malloc(i ? i : 1);
		memcpy(end, tr->code, i);
		if (insn_rmw_decode(&ctx, end, i, &(struct insn_rmw){0}) != INSN_FETCH) {
			show(tr, "cut off, but no fetch fault");
		}
		free(end);
	}
}

/* The emulator's run, on @mem, which stands for buf. */
static void run_emulated(const struct trial *tr, uint8_t *mem, struct cpu_user_regs *regs)
{
	struct insn_rmw_result res;
	struct insn_rmw rmw;
	uint64_t old[2], src, steps = 0;
	bool first = true;

	*regs = tr->regs;
	do {
		decode(tr, regs, &rmw);
		if (first && rmw.addr != tr->target) {
			show(tr, "wrong address");
		}
		first = false;
		old[0] = old[1] = src = 0;
		memcpy(old, mem + (rmw.addr - (uintptr_t)buf), rmw.size);
		if (rmw.kind == INSN_MOVS) {
			memcpy(&src, mem + (rmw.src_addr - (uintptr_t)buf), rmw.size);
		}
		insn_rmw_execute(&rmw, regs, old, src, &res);
		if (res.write) {
			memcpy(mem + (rmw.addr - (uintptr_t)buf), res.value, rmw.size);
		}
		*regs = res.regs;
	} while (regs->rip == tr->regs.rip && ++steps < 100);
	if (regs->rip != tr->regs.rip + tr->len) {
		show(tr, "wrong rip");
	}
}

static void test_against_cpu(void **state)
{
	static uint8_t mem[BUF_SIZE];
	struct cpu_user_regs regs;
	struct trial tr;
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; i % 64 == 0 && j < BUF_SIZE; j += 8) {
			*(uint64_t *)(buf + j) = rnd_value();
		}
		compose(&tr);
		memcpy(mem, buf, BUF_SIZE);
		run_emulated(&tr, mem, &regs);
		run_native(&tr);
		if (memcmp(mem, buf, BUF_SIZE) != 0) {
			show(&tr, "memory differs");
		}
		if (memcmp(&regs, native->regs, sizeof(native->regs)) != 0) {
			show(&tr, "registers differ");
		}
		if (((regs.rflags ^ native->flags) & (ARITH | DF) & ~tr.t->undefined) != 0) {
			print_error("%#lx, CPU %#lx\n", regs.rflags, native->flags);
			show(&tr, "flags differ");
		}
		if (regs.rsp != tr.regs.rsp || ((regs.rflags ^ tr.regs.rflags) & ~ARITH)) {
			show(&tr, "touches what it must not");
		}
	}
}

static int setup(void **state)
{
	uint8_t *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	assert_true(p != MAP_FAILED);
	buf = p;
	native = (struct native *)(p + 0x4000);
	code = p + 0x8000;
	insn_at = code + sizeof(prologue);
	memcpy(code, prologue, sizeof(prologue));
	gs_base = (uintptr_t)p - 0x12340;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, gs_base), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_cpu),
	};

	return cmocka_run_group_tests_name("insn-native", tests, setup, NULL);
}
