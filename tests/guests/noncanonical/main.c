/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Returning to where no code can be: a system call, in the kernel and in user mode,
 * by the last instruction below the hole in the address space, after which the next
 * address is not canonical; the same by iret; handlers at such addresses. The guest
 * gets a fault of its own, in ring 3 and on its own stack. Tries X1, X2; the classes of
 * XSA-7, -193, -202, -260.
 */
#include "lib/guest.h"

const char test_title[] = "Addresses in the hole of the address space";

#define LAST_PAGE 0x7ffffffff000UL
#define HOLE      0x800000000000UL

static struct context back;
static struct regs seen;

static bool come_back(struct regs *regs)
{
	seen = *regs;
	resume_context(&back);
}

static void set_up(void)
{
	char *code = alloc_page();

	memset(code, 0x90, PAGE_SIZE);
	code[PAGE_SIZE - 2] = 0x0f; /* syscall */
	code[PAGE_SIZE - 1] = 0x05;
	expect_eq(map_at(LAST_PAGE, virt_to_maddr(code) | PTE_RO), 0);
}

/* A hypercall is done, and then there is nowhere to go on. */
static void kernel(uint64_t rip)
{
	struct regs regs = {
		.rax = __HYPERVISOR_xen_version,
		.rdi = XENVER_version,
		.rip = rip,
		.cs = FLAT_KERNEL_CS & ~3U,
		.rflags = 2,
		.rsp = 0x12340,
		.ss = FLAT_KERNEL_SS,
	};

	memset(&seen, 0, sizeof(seen));
	trap_hook = come_back;
	if (save_context(&back) == 0)
		enter_regs(&regs);
	trap_hook = NULL;
	expect(seen.vector == 13 || seen.vector == 14);
	expect_eq(seen.rip, HOLE);
	expect_eq(seen.cs & 3, 0); /* the kernel's, as it sees it */
	expect_eq(seen.rsp, 0x12340);
	expect((uintptr_t)__builtin_frame_address(0) < 0x10000000UL);
}

static void user(void)
{
	unsigned int vector = run_user((void *)(LAST_PAGE + PAGE_SIZE - 2), 0);

	expect_eq(vector, VECTOR_SYSCALL);
	expect_eq(last_trap.regs.rip, HOLE);
	expect_eq(last_trap.regs.cs & 3, 3);
	/* And back there: user code goes on in the hole. */
	vector = run_user((void *)HOLE, 0);
	expect_eq(vector, 13);
	expect_eq(last_trap.regs.rip, HOLE);
	vector = run_user((void *)0xffff7fffffffffffUL, 0);
	expect_eq(vector, 13);
}

static void handlers(void)
{
	static const uint64_t bad[] = {HOLE, 0xffff7fffffffffffUL, 0x8000000000000000UL,
				       0x7fffffffffffffffUL};
	unsigned int i, type;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct trap_info traps[2] = {{6, 4, FLAT_KERNEL_CS, bad[i]}, {0, 0, 0, 0}};

		for (type = 0; type < 12; type++) {
			struct callback_register cb = {.type = (uint16_t)type, .address = bad[i]};

			expect(hypercall(callback_op, CALLBACKOP_register, &cb) < 0);
		}
		expect_ours(hypercall(set_callbacks, bad[i], failsafe_entry, syscall_entry) < 0);
		expect_ours(hypercall(set_callbacks, event_entry, bad[i], syscall_entry) < 0);
		expect_ours(hypercall(set_callbacks, event_entry, failsafe_entry, bad[i]) < 0);
		expect(hypercall(set_trap_table, traps) < 0);
	}
	/* The reference takes them, and makes something canonical of them. */
	expect_eq(hypercall(set_callbacks, event_entry, failsafe_entry, syscall_entry), 0);
}

/* Bases set by instruction, which some CPUs don't check, are survived. */
static void bases(void)
{
	uint64_t cr4, fsgsbase = 1UL << 16;

	if (!PROBE("mov %%cr4, %0", : "=r"(cr4)))
		return;
	(void)PROBE("mov %0, %%cr4", : : "r"(cr4 | fsgsbase));
	(void)PROBE("wrfsbase %0", : : "r"(HOLE));
	(void)PROBE("wrgsbase %0", : : "r"(0x8000000000000000UL));
	sleep_ns(10000000);
	hypercall(set_segment_base, SEGBASE_FS, 0);
	hypercall(set_segment_base, SEGBASE_GS_KERNEL, 0);
	(void)PROBE("mov %0, %%cr4", : : "r"(cr4));
}

void test_main(void)
{
	evtchn_mask_all();
	set_up();
	kernel(LAST_PAGE + PAGE_SIZE - 2);
	kernel(LAST_PAGE + PAGE_SIZE - 1 - 1);
	user();
	handlers();
	bases();
}
