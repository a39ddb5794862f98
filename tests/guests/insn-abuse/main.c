/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Instructions that the hypervisor carries out for a guest, as no compiler writes them:
 * with all prefixes, longer than fifteen bytes, across a page that isn't there, with
 * operands in the hypervisor, across pages or not canonical, and with bytes that another
 * vCPU changes between the fault and the look. They do what the instruction that was
 * looked at does, for a guest in ring 3, or fault. The CPUID prefix, cut and misused,
 * does no more than CPUID. Tries X5, X6, X1, R1; the classes of XSA-67, -106, -110, -123,
 * -186, -190, -195, -200, -204, -470.
 */
#include "lib/guest.h"

const char test_title[] = "Instructions that are emulated";

static uint8_t *code; /* two pages; the second may be missing */
static bool second_is_there = true;
static uint64_t *table; /* an L1 table in use, so that writes to it are emulated */
static struct context back;
static volatile unsigned int vector;

static bool leave(struct regs *regs)
{
	vector = (unsigned int)regs->vector;
	resume_context(&back);
}

/* Executes bytes that end in a return, or trap. True: they returned. */
static bool execute(const void *bytes, size_t len, unsigned int offset, uint64_t rdi, uint64_t rsi)
{
	uint8_t *at = code + offset;

	memcpy(at, bytes, len);
	if (offset + len < PAGE_SIZE || second_is_there)
		at[len] = 0xc3;
	vector = ~0U;
	trap_hook = leave;
	if (save_context(&back) == 0) {
		/* A prefix may choose any of these: they point where the others do. */
		__asm__ volatile("mov %%rdi, %%r8; mov %%rdi, %%r9; mov %%rdi, %%r10\n"
				 "mov %%rdi, %%r11; mov %%rdi, %%r12; mov %%rdi, %%r13\n"
				 "mov %%rdi, %%r14; mov %%rdi, %%r15; mov %%rdi, %%rbx\n"
				 "call *%%rax"
				 :
				 : "a"(at), "D"(rdi), "S"(rsi), "d"(0x80), "c"(2)
				 : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
				   "memory", "cc");
		trap_hook = NULL;
		__asm__ volatile("cld");
		return true;
	}
	trap_hook = NULL;
	__asm__ volatile("cld");
	return false;
}

/* Each emulated instruction with up to so many random prefixes, here and in the hypervisor */
static void prefixes(void)
{
	static const uint8_t kinds[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67,
					0xf0, 0xf2, 0xf3, 0x48, 0x41, 0x44, 0x4f};
	static const uint8_t insns[][3] = {
		{0x0f, 0x32, 0x90}, {0x0f, 0x30, 0x90}, {0x0f, 0x20, 0xc0}, {0x0f, 0x20, 0xe0},
		{0x0f, 0x01, 0xe0}, {0x0f, 0x01, 0x27}, {0x0f, 0x01, 0x3f}, {0xec, 0x90, 0x90},
		{0x6c, 0x90, 0x90}, {0x6e, 0x90, 0x90}, {0x6d, 0x90, 0x90}, {0x0f, 0x06, 0x90},
		{0x0f, 0x09, 0x90}, {0x0f, 0x21, 0xf0}, {0x0f, 0xa2, 0x90}, {0x0f, 0x08, 0x90},
		{0x0f, 0x20, 0xd8}, {0xe4, 0x80, 0x90}, {0x0f, 0x33, 0x90}, {0x0f, 0x23, 0xc0},
	};
	unsigned int i, k, n;
	uint8_t bytes[24];

	for (i = 0; i < 2000; i++) {
		n = (unsigned int)random64() % 6;
		if (i % 16 == 0)
			n = 10 + (unsigned int)random64() % 6;
		for (k = 0; k < n; k++)
			bytes[k] = kinds[random64() % ARRAY_SIZE(kinds)];
		memcpy(bytes + n, insns[i % ARRAY_SIZE(insns)], 3);
		execute(bytes, n + 3, 0,
			i & 1 ? (uintptr_t)code + 2048 : HYPERVISOR_VIRT_START + 0x8000000000UL,
			i & 2 ? (uintptr_t)code + 2048 : 0x7ffffffffffeUL);
		hypercall(fpu_taskswitch, 0);
		hypercall(set_debugreg, 0, 0);
	}
}

/* The bytes end where nothing is mapped: a fetch fault there, or what is whole is done. */
static void cut_off(void)
{
	static const uint8_t rdmsr[] = {0x2e, 0x3e, 0x0f, 0x32};
	static const uint8_t forced[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
	const uint64_t second = virt_to_maddr(code + PAGE_SIZE) | PTE_RW;
	unsigned int n;

	expect_eq(set_pte(code + PAGE_SIZE, 0), 0);
	second_is_there = false;
	for (n = 1; n <= sizeof(rdmsr); n++) {
		expect(!execute(rdmsr, n, (unsigned int)PAGE_SIZE - n, 0, 0));
		if (n < sizeof(rdmsr))
			expect_eq(vector, 14);
	}
	for (n = 2; n <= sizeof(forced); n++) {
		expect(!execute(forced, n, (unsigned int)PAGE_SIZE - n, 0, 0));
		expect(vector == 6 || vector == 14);
	}
	expect_eq(set_pte(code + PAGE_SIZE, second), 0);
	second_is_there = true;
}

/* The prefix before something else, in between, twice, with others: #UD */
static void forced_cpuid(void)
{
	static const uint8_t bad[][9] = {
		{0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0x32},
		{0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0x30},
		{0x0f, 0x0b, 'x', 'e', 'm', 0x0f, 0xa2},
		{0x0f, 0x0b, 'x', 'e', 'n', 0x66, 0x0f, 0xa2},
		{0x66, 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2},
		{0x0f, 0x0b, 'x', 'e', 'n', 0xec},
		{0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0x0b},
		{0x0f, 0x0b, 0x0f, 0x0b, 'x', 'e', 'n'},
	};
	static const uint8_t good[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
	unsigned int i, offset;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		expect(!execute(bad[i], sizeof(bad[i]), 0, 0, 0));
		expect_eq(vector, 6);
	}
	for (offset = (unsigned int)PAGE_SIZE - 8; offset < PAGE_SIZE; offset++)
		expect(execute(good, sizeof(good), offset, 0, 0));
	/* Leaves at random: none tells of the hypervisor's memory. */
	for (i = 0; i < 3000; i++) {
		static const uint32_t bases[] = {0, 0x80000000, 0x40000000, 0x40000100, 0xc0000000};
		struct cpuid r =
			cpuid(bases[i % 5] + (uint32_t)random64() % 32, (uint32_t)random64() % 70);

		expect(!is_hypervisor_address((uint64_t)r.b << 32 | r.a) || r.b < 0xffff8000);
	}
}

/*
 * Writes to a page table in use: of odd sizes, across entries, pages, with LOCK. Bits are
 * counted by rcx: rax is where the code is.
 */
static void table_writes(void)
{
	static const struct {
		uint8_t len, bytes[8];
	} insns[] = {
		{5, {0xf0, 0x48, 0x0f, 0xc7, 0x0f}},
		{4, {0xf0, 0x0f, 0xc7, 0x0f}},
		{4, {0x48, 0x0f, 0xab, 0x0f}},
		{5, {0xf0, 0x48, 0x0f, 0xb3, 0x0f}},
		{2, {0x48, 0xa5}},
		{3, {0xf3, 0x48, 0xa5}},
		{2, {0xf3, 0xaa}},
		{2, {0x66, 0xab}},
		{2, {0x48, 0xab}},
		{4, {0xf0, 0x48, 0x87, 0x07}},
		{4, {0x66, 0x0f, 0xc1, 0x07}},
		{4, {0x48, 0x0f, 0xc3, 0x07}},
		{3, {0x48, 0xf7, 0x17}},
		{2, {0xf6, 0x1f}},
		{3, {0x48, 0xff, 0x07}},
		{4, {0x64, 0x48, 0x89, 0x07}},
		{3, {0xc6, 0x07, 0xff}},
		{7, {0x48, 0xc7, 0x07, 0x67, 0x00, 0x10, 0x00}},
		{2, {0x8f, 0x07}},
		{3, {0x0f, 0x7f, 0x07}},
		{3, {0x0f, 0x11, 0x07}},
		{4, {0x67, 0x48, 0x89, 0x07}},
	};
	const uint64_t second = virt_to_maddr((char *)table + PAGE_SIZE) | PTE_RW;
	unsigned int i, offset;

	expect_eq(make_readonly(table), 0);
	expect_eq(pin_table(table, 1), 0);
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		for (offset = 0; offset < 12; offset++)
			execute(insns[i].bytes, insns[i].len, 0, (uintptr_t)table + 64 + offset,
				(uintptr_t)code + 2048);
		/* Across the end of the table, into a page that is there, or isn't */
		for (offset = 1; offset < 16; offset++)
			execute(insns[i].bytes, insns[i].len, 0,
				(uintptr_t)table + PAGE_SIZE - offset, (uintptr_t)code + 2048);
		expect_eq(set_pte((char *)table + PAGE_SIZE, 0), 0);
		for (offset = 1; offset < 16; offset += 3)
			execute(insns[i].bytes, insns[i].len, 0,
				(uintptr_t)table + PAGE_SIZE - offset,
				HYPERVISOR_VIRT_START + 0x8000000000UL);
		expect_eq(set_pte((char *)table + PAGE_SIZE, second), 0);
	}
	for (i = 0; i < 512; i++) {
		/* Nothing but what mmu_update would have let in */
		if (table[i] & PTE_P)
			expect((table[i] & PTE_FRAME) != 0x100000);
		expect_eq(pt_write(virt_to_maddr(&table[i]), 0), 0);
	}
	expect_eq(unpin_table(table), 0);
	expect_eq(make_writable(table), 0);
	expect(is_unused(table));
}

/* vCPU 1 changes the instruction between the fault and when it is read. */
static uint8_t racing[32] __attribute__((aligned(64)));

static void swap_bytes(unsigned long turn)
{
	static const uint64_t insns[] = {
		0x909090909090320fUL, /* rdmsr */
		0x909090909090300fUL, /* wrmsr */
		0x909090909090ec66UL, /* in */
		0x9090909090a20f90UL, /* cpuid */
		0x90909090c0220f90UL, /* mov cr0, rax */
		0x9090909090906cf3UL, /* rep insb */
	};

	__atomic_store_n((uint64_t *)racing, insns[random64() % ARRAY_SIZE(insns)],
			 __ATOMIC_SEQ_CST);
}

static void run_bytes(unsigned long turn)
{
	vector = ~0U;
	trap_hook = leave;
	if (save_context(&back) == 0)
		__asm__ volatile("call *%%rax"
				 :
				 : "a"(racing), "c"(0xc0000102), "d"(0), "D"(code + 2048)
				 : "rbx", "rsi", "memory", "cc");
	trap_hook = NULL;
}

void test_main(void)
{
	uint64_t cr0 = 0;

	evtchn_mask_all();
	code = alloc_page();
	alloc_page();
	table = alloc_page();
	alloc_page();
	prefixes();
	cut_off();
	forced_cpuid();
	table_writes();
	racing[8] = 0xc3;
	swap_bytes(0);
	race(500, run_bytes, swap_bytes);
	hypercall(fpu_taskswitch, 0);
	hypercall(set_segment_base, SEGBASE_GS_KERNEL, 0);
	/* Still a guest's CR0, and a guest's privileges */
	expect(PROBE("mov %%cr0, %0", : "=r"(cr0)));
	expect_eq(cr0 & 0x80010001UL, 0x80010001UL);
	expect_fault(PROBE("mov (%0), %%al",
			   :
			   : "r"(HYPERVISOR_VIRT_START + 0x8000000000UL)
			   : "rax"),
		     14, last_trap.error_code);
}
