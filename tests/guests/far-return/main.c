/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * IRETQ and far RETQ, which a kernel in ring 3 may execute itself, and its programs too.
 * They do what the processor's manual says, also where the hypervisor has to do them
 * (x86/pv/far_return.c): registers and flags are what the frame says, as far as ring 3
 * may have them; a frame that can't be read is a page fault at its first missing byte;
 * the way to another ring is a #GP. Tries X1, X2.
 */
#include "lib/guest.h"

const char test_title[] = "Far returns that ring 3 executes itself";

#define CS ((uint64_t)FLAT_RING3_CS64)
#define SS ((uint64_t)FLAT_RING3_SS64)

struct frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

#define CODE(name, text)          \
	extern const char name[]; \
	__asm__(".pushsection .text\n" #name ":\n" text "\n.popsection\n")

/* The stack is at rdi. */
CODE(by_iret, "mov %rdi, %rsp; stc; iretq");
CODE(by_ret, "mov %rdi, %rsp; stc; lretq");
CODE(landing, "ud2");
CODE(landing_step, "nop; ud2");

static struct context back;
static struct regs seen;

static bool come_back(struct regs *regs)
{
	seen = *regs;
	resume_context(&back);
}

/* In kernel mode: the vector of what happens next, its registers in seen. */
static unsigned int in_kernel(const char *code, const void *stack)
{
	struct regs regs = {
		.rip = (uintptr_t)code,
		.cs = FLAT_KERNEL_CS64 & ~3U,
		.rflags = 2,
		.rsp = (uintptr_t)stack,
		.ss = FLAT_KERNEL_SS64,
		.rdi = (uintptr_t)stack,
		.rbx = 0xb0b,
	};

	trap_hook = come_back;
	if (save_context(&back) == 0)
		enter_regs(&regs);
	trap_hook = NULL;
	return (unsigned int)seen.vector;
}

static unsigned int in_user(const char *code, const void *stack)
{
	unsigned int vector = run_user(code, (uintptr_t)stack);

	seen = last_trap.regs;
	return vector;
}

typedef unsigned int run_fn(const char *code, const void *stack);

static void goes_there(run_fn *run)
{
	static uint64_t stack[64], other[64];
	struct frame *f = (struct frame *)&stack[32];

	*f = (struct frame){(uintptr_t)landing, CS, 0x2 | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_AC,
			    (uintptr_t)&other[64], SS};
	expect_eq(run(by_iret, f), 6);
	expect_eq(seen.rip, (uintptr_t)landing);
	expect_eq(seen.rsp, (uintptr_t)&other[64]);
	/* Of the flags, the level of I/O isn't ring 3's to change. */
	expect_eq(seen.rflags & (RFLAGS_CF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_AC),
		  RFLAGS_DF | RFLAGS_AC);

	expect_eq(run(by_ret, f), 6);
	expect_eq(seen.rip, (uintptr_t)landing);
	expect_eq(seen.rsp, (uintptr_t)&f->rflags);
	expect_eq(seen.rflags & (RFLAGS_CF | RFLAGS_DF), RFLAGS_CF);

	/* A single step begins with the instruction that it returns to. */
	*f = (struct frame){(uintptr_t)landing_step, CS, 0x2 | RFLAGS_TF, (uintptr_t)&other[64],
			    SS};
	expect_eq(run(by_iret, f), 1);
	expect_eq(seen.rip, (uintptr_t)landing_step + 1);
}

static void goes_nowhere(run_fn *run)
{
	static uint64_t stack[64], other[64];
	struct frame *f = (struct frame *)&stack[32];
	const struct frame good = {(uintptr_t)landing, CS, 0x2, (uintptr_t)&other[64], SS};
	static const uint16_t bad[] = {FLAT_KERNEL_CS64 & ~3, (FLAT_KERNEL_CS64 & ~3) | 1, 0xe008,
				       0};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*f = good;
		f->cs = bad[i];
		expect_eq(run(by_iret, f), 13);
		expect_eq(seen.error_code, bad[i] & 0xfffc);
		*f = good;
		f->cs = bad[i];
		expect_eq(run(by_ret, f), 13);
		expect_eq(seen.error_code, bad[i] & 0xfffc);
	}
	*f = good;
	f->ss = SS & ~3UL;
	expect_eq(run(by_iret, f), 13);
	expect_eq(seen.error_code, SS & 0xfffc);
	/* Descriptors of the wrong kind, or none */
	*f = good;
	f->cs = SS;
	expect_eq(run(by_iret, f), 13);
	expect_eq(seen.error_code, SS & 0xfffc);
	*f = good;
	f->rip = 0x8000000000000000UL;
	expect_eq(run(by_iret, f), 13);
	expect_eq(seen.error_code, 0);
}

/* A frame over the end of what is mapped, at each of its words */
static void missing(void)
{
	static const unsigned long hole = 0x7f0000001000UL;
	char *page = alloc_page();
	unsigned int i;

	expect_eq(map_at(hole - PAGE_SIZE, virt_to_maddr(page) | PTE_RW), 0);
	for (i = 0; i <= 5; i++) {
		struct frame *f = (struct frame *)(hole - i * 8), *copy;
		const struct frame good = {(uintptr_t)landing, CS, 0x2, hole - 512, SS};

		copy = (struct frame *)(page + PAGE_SIZE - i * 8);
		memcpy(copy, &good, i * 8);
		expect_eq(in_user(by_iret, f), i < 5 ? 14 : 6);
		if (i < 5) {
			expect_eq(last_trap.cr2, hole);
			expect_eq(last_trap.error_code, 4);
		}
		expect_eq(in_user(by_ret, f), i < 2 ? 14 : 6);
		if (i < 2)
			expect_eq(last_trap.cr2, hole);
	}
	expect_eq(set_pte((void *)(hole - PAGE_SIZE), 0), 0);
}

void test_main(void)
{
	goes_there(in_kernel);
	goes_there(in_user);
	goes_nowhere(in_kernel);
	goes_nowhere(in_user);
	missing();
}
