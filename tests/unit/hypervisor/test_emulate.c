/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a guest's kernel leaves to the hypervisor by executing it: ports, control and
 * debug registers, MSRs, CPUID, direct writes to L1 tables. Real emulation and real
 * page tables over the fake CPU (hosttest/cpu.c), which panics at whatever a guest
 * must not get at. Instructions are encoded by hand; their bytes lie in the test's
 * own memory, below 4 GiB so that 32-bit code can be executed there, too. Tries X6, R3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/traps.h>
#include "tests/fuzz/hypervisor/mm/audit.h"

/* Selectors of this very program: the emulation asks the CPU which kind of code it is. */
#define CODE64 0x33
#define CODE32 0x23

#define RO (PTE_P | PTE_US | PTE_A | PTE_D)
#define RW (RO | PTE_RW)

#define FLAG_ZF 0x40UL

#define TABLE_FRAME  (HT_MMIO + 1) /* of an MSI-X table: read-only */
#define BESIDE_FRAME (HT_MMIO + 2)

/* Code, data, the I/O bitmap. */
static uint8_t *memory, *code, *data, *bitmap;
static struct domain *dom[AUDIT_DOMAINS];
static mfn_t l4[2], l3[2], l2[2], l1[2], page[2];
static unsigned long free_before;
static struct cpu_user_regs regs, before;

/* ---- the machine ---------------------------------------------------------------- */

static mfn_t table(struct domain *d, unsigned int slot, mfn_t to, uint64_t flags)
{
	mfn_t mfn = ht_domain_page(d);

	((uint64_t *)mfn_to_virt(mfn))[slot] = pte_make(to, flags);
	return mfn;
}

/* Address 0 shows a page, address 0x1000 its own L1 table, read-only. */
static void make_domain(unsigned int id)
{
	struct domain *d = dom[id] = ht_domain_new(id, 1, 0);
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));

	assert_int_equal(arch_domain_create(d, NULL), 0);
	assert_int_equal(grant_table_create(d, 2, 1, 2), 0);
	page[id] = ht_domain_page(d);
	l1[id] = table(d, 0, page[id], RW);
	((uint64_t *)mfn_to_virt(l1[id]))[1] = pte_make(l1[id], RO);
	l2[id] = table(d, 0, l1[id], RW);
	l3[id] = table(d, 0, l2[id], RW);
	l4[id] = table(d, 0, l3[id], RW);
	assert_int_equal(arch_vcpu_create(d->vcpu[0]), 0);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(l4[id]));
	assert_int_equal(arch_vcpu_set_context(d->vcpu[0], c), 0);
	hv_free(c);
	d->vcpu[0]->arch.loaded_cpu = id;
	d->dirty_cpus.bits |= 1UL << id;
}

static void run(unsigned int id)
{
	ht_cpu = id;
	ht_run(dom[id], 0);
}

static int setup(void **state)
{
	static bool denied;

	if (!memory) {
		memory = mmap(NULL, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		assert_ptr_not_equal(memory, MAP_FAILED);
		code = memory + PAGE_SIZE;
		data = memory + 2 * PAGE_SIZE;
		bitmap = memory + 4 * PAGE_SIZE;
	}
	memset(memory, 0, 8 * PAGE_SIZE);
	ht_machine_init_frames(1024);
	if (!denied) {
		/* What the hypervisor keeps stays in its sets for good. */
		ioport_deny(0x3f8, 8);
		assert_int_equal(iomem_deny_write(_mfn(TABLE_FRAME), 1), 0);
		free_before = page_free_count();
		denied = true;
	}
	make_domain(0);
	make_domain(1);
	ht_regs = (struct ht_cpu_regs){.cr0 = 0x80050033, .cr4 = cr4_base, .apic_base = 0xfee00d00};
	run(1);
	audit(dom);
	memset(&regs, 0, sizeof(regs));
	regs.rip = ht_va(code);
	regs.cs = CODE64;
	regs.rflags = X86_EFLAGS_IF | 2;
	regs.rsp = ht_va(data) + 64;
	ht_ports_clear();
	ht_injected.vector = -1;
	ht_blocks = 0;
	return 0;
}

static int teardown(void **state)
{
	ht_guest_fault(NULL, 0);
	audit(dom);
	for (unsigned int i = 2; i--;) {
		run(i);
		ht_domain_dying(dom[i]);
		while (arch_domain_relinquish(dom[i]) || grant_table_release_mappings(dom[i]))
			;
		grant_table_destroy(dom[i]);
		arch_vcpu_destroy(dom[i]->vcpu[0]);
		arch_domain_destroy(dom[i]);
		ht_domain_free(dom[i]);
		dom[i] = NULL;
	}
	assert_int_equal(page_free_count(), free_before);
	return 0;
}

static void put_code(const void *bytes, size_t n)
{
	memcpy(code, bytes, n);
	regs.rip = ht_va(code);
	before = regs;
}

#define CODE(...)                                          \
	({                                                 \
		static const uint8_t b_[] = {__VA_ARGS__}; \
		put_code(b_, sizeof(b_));                  \
		sizeof(b_);                                \
	})

/* Carried out: past the instruction; or not: a #GP, and nothing has changed. */
#define DOES(...)                                            \
	do {                                                 \
		size_t n_ = CODE(__VA_ARGS__);               \
		assert_true(pv_emulate_privileged(&regs));   \
		assert_int_equal(regs.rip - before.rip, n_); \
	} while (0)
#define REFUSES(...)                                               \
	do {                                                       \
		unsigned int n_ = ht_port_accesses;                \
		(void)CODE(__VA_ARGS__);                           \
		assert_false(pv_emulate_privileged(&regs));        \
		assert_memory_equal(&regs, &before, sizeof(regs)); \
		assert_int_equal(ht_port_accesses, n_);            \
	} while (0)

static void one_access(bool write, unsigned int port, unsigned int size, uint32_t val)
{
	assert_int_equal(ht_port_accesses, 1);
	assert_int_equal(ht_port_log[0].write, write);
	assert_int_equal(ht_port_log[0].port, port);
	assert_int_equal(ht_port_log[0].size, size);
	assert_int_equal(ht_port_log[0].val, val);
	ht_ports_clear();
}

/* ---- I/O ports ------------------------------------------------------------------ */

#define IN_AL_DX  0xec
#define IN_AX_DX  0x66, 0xed
#define IN_EAX_DX 0xed
#define OUT_DX_AL 0xee

static void ports_by_right(void **state)
{
	current->arch.iopl = 1;
	regs.rax = ~0UL;
	/* None is d1's: as on a bus without anybody */
	DOES(0xe4, 0x80);
	assert_int_equal(regs.rax, ~0UL);
	DOES(0xe6, 0x80);
	assert_int_equal(ht_port_accesses, 0);
	assert_int_equal(ioport_permit(dom[1], 0x80, 2, true), 0);
	DOES(0xe4, 0x80);
	assert_int_equal(regs.rax, ~0xffUL | ht_port_value(0x80, 1));
	one_access(false, 0x80, 1, 0);
	DOES(0xe6, 0x81);
	one_access(true, 0x81, 1, (uint8_t)regs.rax);
	regs.rdx = 0xabc0080;
	DOES(IN_AX_DX);
	one_access(false, 0x80, 2, 0);
	/* Partly another's */
	regs.rax = 0;
	DOES(IN_EAX_DX);
	assert_int_equal(regs.rax, 0xffffffff);
	regs.rdx = 0x81;
	DOES(IN_AX_DX);
	regs.rdx = 0xffff;
	DOES(IN_AX_DX);
	DOES(IN_EAX_DX);
	assert_int_equal(ht_port_accesses, 0);
	assert_int_equal(ioport_permit(dom[1], 0x80, 2, false), 0);
}

static void ports_of_the_hypervisor(void **state)
{
	run(0);
	current->arch.iopl = 1;
	regs.rdx = 0x3f8;
	DOES(OUT_DX_AL);
	DOES(IN_AL_DX);
	regs.rdx = 0x3f7;
	DOES(IN_AX_DX);
	regs.rdx = 0x3f5;
	DOES(IN_EAX_DX);
	assert_int_equal(ht_port_accesses, 0);
	regs.rdx = 0x3f4;
	DOES(IN_EAX_DX);
	one_access(false, 0x3f4, 4, 0);
	assert_int_equal(ioport_permit(dom[1], 0x3ff, 1, true), -EPERM);
	assert_int_equal(ioport_permit(dom[1], 0x3f0, 9, true), -EPERM);
	assert_int_equal(ioport_permit(dom[1], 0xffff, 2, true), -EINVAL);
	assert_int_equal(ioport_permit(dom[1], 0, 0, true), -EINVAL);
}

static void ports_of_pci(void **state)
{
	current->arch.iopl = 1;
	assert_int_equal(ioport_permit(dom[1], 0xcf0, 32, true), 0);
	for (regs.rdx = 0xcf5; regs.rdx < 0xd00; regs.rdx++)
		DOES(IN_EAX_DX);
	for (regs.rdx = 0xcf8; regs.rdx < 0xd00; regs.rdx++)
		DOES(OUT_DX_AL);
	assert_int_equal(ht_port_accesses, 0);
	run(0);
	current->arch.iopl = 1;
	regs.rdx = 0xcfc;
	DOES(OUT_DX_AL);
	DOES(IN_EAX_DX);
	assert_int_equal(ht_port_accesses, 2);
	assert_true(ht_port_log[0].pci && ht_port_log[1].pci);
}

/* Level 1 is the guest's kernel, 3 its programs, too; below, the bitmap decides. */
static void ports_by_level(void **state)
{
	assert_int_equal(ioport_permit(dom[1], 0, 0x3f8, true), 0);
	regs.rdx = 0x60;
	REFUSES(IN_AL_DX);
	current->arch.iopl = 1;
	DOES(IN_AL_DX);
	current->arch.in_kernel = false;
	REFUSES(IN_AL_DX);
	current->arch.iopl = 2;
	REFUSES(IN_AL_DX);
	current->arch.iopl = 3;
	DOES(IN_AL_DX);
	current->arch.iopl = 0;
	current->arch.io_bitmap = ht_va(bitmap);
	REFUSES(IN_AL_DX);
	current->arch.io_bitmap_ports = 0x60;
	REFUSES(IN_AL_DX);
	current->arch.io_bitmap_ports = 0x61;
	DOES(IN_AL_DX);
	REFUSES(IN_AX_DX);
	current->arch.io_bitmap_ports = 0x100;
	DOES(IN_EAX_DX);
	/* Four ports in two bytes */
	bitmap[0x66 / 8] = 1 << 6;
	for (regs.rdx = 0x63; regs.rdx <= 0x66; regs.rdx++)
		REFUSES(IN_EAX_DX);
	regs.rdx = 0x62;
	DOES(IN_EAX_DX);
	regs.rdx = 0x67;
	DOES(IN_EAX_DX);
	ht_guest_fault(bitmap, PAGE_SIZE);
	REFUSES(IN_AL_DX);
	assert_int_equal(ioport_permit(dom[1], 0, 0x3f8, false), 0);
}

static void strings_of_ports(void **state)
{
	assert_int_equal(ioport_permit(dom[1], 0x1f0, 1, true), 0);
	current->arch.iopl = 1;
	regs.rdx = 0x1f0;
	regs.rcx = 5;
	regs.rdi = ht_va(data);
	DOES(0xf3, 0x6c); /* rep insb */
	assert_int_equal(ht_port_accesses, 5);
	assert_int_equal(regs.rdi, ht_va(data) + 5);
	assert_int_equal(regs.rcx, 0);
	assert_int_equal(data[4], ht_port_value(0x1f0, 1));
	assert_int_equal(data[5], 0);
	/* Downwards, and not all at a time */
	ht_ports_clear();
	regs.rcx = 100;
	regs.rsi = ht_va(data) + 99;
	regs.rflags |= X86_EFLAGS_DF;
	(void)CODE(0xf3, 0x6e);
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(regs.rip, before.rip);
	assert_int_equal(ht_port_accesses, 100 - regs.rcx);
	assert_int_equal(regs.rsi, ht_va(data) + 99 - ht_port_accesses);
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(regs.rip, before.rip + 2);
	assert_int_equal(ht_port_accesses, 100);
	/* Half of it can be written: the rest is a page fault */
	ht_ports_clear();
	regs.rflags &= ~X86_EFLAGS_DF;
	regs.rcx = 10;
	regs.rdi = ht_va(data) + PAGE_SIZE - 4;
	ht_guest_fault(data + PAGE_SIZE, PAGE_SIZE);
	(void)CODE(0xf3, 0x6c);
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(regs.rcx, 6);
	assert_int_equal(regs.rip, before.rip);
	assert_int_equal(ht_injected.vector, TRAP_PF);
	assert_int_equal(ht_injected.cr2, ht_va(data) + PAGE_SIZE);
	assert_int_equal(ht_injected.error, PFEC_W);
	regs.rsi = regs.rdi;
	(void)CODE(0x6e);
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(ht_injected.error, 0);
	assert_int_equal(regs.rip, before.rip);
	/* Not at a non-canonical address; nothing with a count of none */
	regs.rdi = 1UL << 63;
	REFUSES(0x6c);
	regs.rdi = ht_va(data);
	regs.rcx = 0;
	ht_ports_clear();
	DOES(0xf3, 0x6c);
	assert_int_equal(ht_port_accesses, 0);
	assert_int_equal(ioport_permit(dom[1], 0x1f0, 1, false), 0);
}

/* ---- who may ---------------------------------------------------------------------- */

static void programs_may_not(void **state)
{
	static const uint8_t insns[][3] = {{0x0f, 0x30},
					   {0x0f, 0x32},
					   {0x0f, 0x06},
					   {0xf4},
					   {0x0f, 0x08},
					   {0x0f, 0x09},
					   {0x0f, 0x20, 0xc0},
					   {0x0f, 0x22, 0xc0},
					   {0x0f, 0x20, 0xd8},
					   {0x0f, 0x21, 0xf8},
					   {0x0f, 0x23, 0xf8},
					   {0x0f, 0x01, 0xd1},
					   {0x0f, 0x01, 0xf0},
					   {0x0f, 0x01, 0x3f},
					   {0xfa},
					   {0xfb},
					   {0x0f, 0x33}};

	current->arch.in_kernel = false;
	current->arch.iopl = 3;
	for (unsigned int i = 0; i < ARRAY_SIZE(insns); i++) {
		put_code(insns[i], 3);
		assert_false(pv_emulate_privileged(&regs));
		assert_memory_equal(&regs, &before, sizeof(regs));
	}
	assert_int_equal(ht_blocks, 0);
	/* CPUID they may. */
	DOES(0x0f, 0xa2);
	current->arch.in_kernel = true;
	REFUSES(0x0f, 0x33); /* rdpmc */
	REFUSES(0x90);
	regs.rip = 1UL << 47;
	assert_false(pv_emulate_privileged(&regs));
}

static void fetches(void **state)
{
	/* The bytes end where the page does. */
	memset(code + PAGE_SIZE - 1, 0x0f, 1);
	ht_guest_fault(code + PAGE_SIZE, PAGE_SIZE);
	regs.rip = ht_va(code) + PAGE_SIZE - 1;
	before = regs;
	assert_true(pv_emulate_privileged(&regs));
	assert_memory_equal(&regs, &before, sizeof(regs));
	assert_int_equal(ht_injected.vector, TRAP_PF);
	assert_int_equal(ht_injected.cr2, ht_va(code) + PAGE_SIZE);
	assert_int_equal(ht_injected.error, PFEC_I);
	/* ... but what is whole is executed. */
	code[PAGE_SIZE - 1] = 0xf4;
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(ht_blocks, 1);
	ht_guest_fault(code, PAGE_SIZE);
	regs.rip = ht_va(code) + 5;
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(ht_injected.cr2, ht_va(code) + 5);
}

/* ---- registers ---------------------------------------------------------------------- */

static void control_registers(void **state)
{
	regs.rbx = 0x8005003bUL;
	DOES(0x0f, 0x22, 0xc3); /* mov %rbx, %cr0 */
	assert_true(current->arch.cr0_ts);
	assert_true(ht_regs.cr0 & X86_CR0_TS);
	DOES(0x0f, 0x20, 0xc1);
	assert_true(regs.rcx & X86_CR0_TS);
	DOES(0x0f, 0x06);
	DOES(0x41, 0x0f, 0x20, 0xc0);
	assert_int_equal(regs.r8, regs.rcx & ~X86_CR0_TS);
	assert_false(ht_regs.cr0 & X86_CR0_TS);
	/* All bits at once: TS is the only one that counts. */
	regs.rax = 0;
	DOES(0x0f, 0x22, 0xc0);
	regs.rax = ~X86_CR0_TS;
	DOES(0x0f, 0x22, 0xc0);
	regs.rax = ~0UL;
	DOES(0x0f, 0x22, 0xd0);
	DOES(0x0f, 0x20, 0xd1);
	assert_int_equal(regs.rcx, ~0UL);
	DOES(0x0f, 0x20, 0xd9);
	assert_int_equal(regs.rcx, mfn_x(l4[1]) << PAGE_SHIFT);
	REFUSES(0x0f, 0x22, 0xd9); /* CR3 has a hypercall */
	REFUSES(0x44, 0x0f, 0x20, 0xc1);
	REFUSES(0x44, 0x0f, 0x22, 0xc1);
	REFUSES(0x0f, 0x20, 0xc8); /* there is no CR1 */
	DOES(0x0f, 0x22, 0xe0);
	assert_int_equal(ht_regs.cr4, cr4_base | X86_CR4_TSD | X86_CR4_DE | X86_CR4_FSGSBASE);
	DOES(0x0f, 0x20, 0xe1);
	assert_int_equal(regs.rcx & ~(pv_cr4_default(current) | pv_cr4_allowed(current)), 0);
	regs.rax = 0;
	DOES(0x0f, 0x22, 0xe0);
	assert_int_equal(ht_regs.cr4, cr4_base);
}

static void machine_status_word(void **state)
{
	regs.rcx = X86_CR0_TS;
	DOES(0x0f, 0x01, 0xf1);
	assert_true(current->arch.cr0_ts);
	regs.rax = ~0UL;
	DOES(0x66, 0x0f, 0x01, 0xe0);
	assert_int_equal(regs.rax >> 16, ~0UL >> 16);
	assert_int_equal(regs.rax & 0xf, 0xb);
	regs.rdi = ht_va(data);
	DOES(0x0f, 0x01, 0x27); /* smsw (%rdi) */
	assert_int_equal(data[0], (uint8_t)regs.rax);
	assert_int_equal(data[2], 0);
	REFUSES(0x0f, 0x01, 0x37); /* lmsw (%rdi) */
	ht_guest_fault(data, PAGE_SIZE);
	(void)CODE(0x0f, 0x01, 0x27);
	assert_true(pv_emulate_privileged(&regs));
	assert_int_equal(regs.rip, before.rip);
	assert_int_equal(ht_injected.vector, TRAP_PF);
	assert_int_equal(ht_injected.cr2, regs.rdi);
	regs.rcx = 0;
	DOES(0x0f, 0x01, 0xf1);
	assert_false(current->arch.cr0_ts);
}

/* Where UMIP makes them fault: they work in any mode, and say nothing of our tables. */
static void tables(void **state)
{
	for (unsigned int kernel = 0; kernel < 2; kernel++) {
		current->arch.in_kernel = kernel;
		regs.rdi = ht_va(data);
		memset(data, 0x5a, 16);
		DOES(0x0f, 0x01, 0x07); /* sgdt (%rdi) */
		assert_memory_equal(data, "\0\0\0\0\xff\xff\xff\xff\xff\xff\x5a", 11);
		memset(data, 0x5a, 16);
		DOES(0x0f, 0x01, 0x0f); /* sidt (%rdi) */
		assert_memory_equal(data, "\0\0\0\0\xff\xff\xff\xff\xff\xff\x5a", 11);
		current->arch.ldt_entries = 0;
		DOES(0x0f, 0x00, 0xc1); /* sldt %ecx */
		assert_int_equal(regs.rcx, 0);
		current->arch.ldt_entries = 3;
		DOES(0x0f, 0x00, 0xc1);
		assert_int_equal(regs.rcx, SEL_LDT);
		DOES(0x0f, 0x00, 0x0f); /* str (%rdi) */
		assert_int_equal(data[0] | data[1] << 8, SEL_TSS);
		assert_int_equal(data[2], 0);
		DOES(0x0f, 0x01, 0xe1); /* smsw %ecx */
		REFUSES(0x0f, 0x00, 0xd1); /* lldt, */
		REFUSES(0x0f, 0x00, 0xd9); /* ltr, */
		REFUSES(0x0f, 0x01, 0x17); /* lgdt, */
		REFUSES(0x0f, 0x01, 0x1f); /* lidt: not for a guest */
	}
	current->arch.ldt_entries = 0;
}

static void interrupts(void **state)
{
	REFUSES(0xfa);
	REFUSES(0xfb);
	current->arch.iopl = 1;
	DOES(0xfa);
	assert_int_equal(regs.rflags, before.rflags);
	DOES(0xfb);
	DOES(0xf4);
	assert_int_equal(ht_blocks, 1);
	DOES(0x0f, 0x08);
	DOES(0x0f, 0x09);
	run(0);
	DOES(0x0f, 0x09);
}

static void invlpg(void **state)
{
	run(1);
	assert_non_null(ht_mmu_access(0, true));
	regs.rdi = 0;
	DOES(0x0f, 0x01, 0x3f);
	for (unsigned int i = 0; i < HT_TLB; i++)
		assert_false(ht_tlb[1][i].valid);
	regs.rdi = 1UL << 47;
	DOES(0x0f, 0x01, 0x3f);
}

static void debug_registers(void **state)
{
	regs.rax = HYPERVISOR_START;
	REFUSES(0x0f, 0x23, 0xc0);
	regs.rax = 1UL << 47;
	REFUSES(0x0f, 0x23, 0xd8);
	regs.rax = 0x1234;
	DOES(0x0f, 0x23, 0xd0);
	regs.rax = ~0UL;
	REFUSES(0x0f, 0x23, 0xf8);
	regs.rax = 0xffffffff;
	DOES(0x0f, 0x23, 0xf8);
	DOES(0x0f, 0x21, 0xf9);
	assert_false(regs.rcx & 0x2000);
	assert_int_equal(ht_regs.dr[7], regs.rcx);
	assert_int_equal(ht_regs.dr[2], 0x1234);
	regs.rax = 0x002200ff; /* the kind of 0 and 1 is I/O */
	DOES(0x0f, 0x23, 0xf8);
	assert_int_equal(ht_regs.dr[7] & 0xff, 0xf0);
	DOES(0x0f, 0x21, 0xe9); /* 5 is 7, 4 is 6 */
	assert_int_equal(regs.rcx, ht_regs.dr[7]);
	regs.rax = ~0UL;
	DOES(0x0f, 0x23, 0xe0);
	DOES(0x0f, 0x21, 0xf1);
	assert_int_equal(regs.rcx, 0xffffefffUL);
	REFUSES(0x44, 0x0f, 0x21, 0xc1); /* DR8 */
}

static void msrs(void **state)
{
	static const uint32_t bases[] = {MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE};
	static const uint32_t hidden[] = {
		MSR_SYSENTER_CS, MSR_SYSENTER_EIP, MSR_STAR, MSR_LSTAR, MSR_SFMASK, MSR_TSC_AUX,
		0x1d9,           0xc0010015,       0x3a,     0x48,      0xce,       0x79};
	static const uint32_t constant[] = {MSR_EFER, MSR_PAT};

	for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
		regs.rcx = 0xabcd00000000UL | bases[i];
		regs.rdx = ~0U;
		regs.rax = 0xffff00000000UL | i;
		DOES(0x0f, 0x30);
		DOES(0x0f, 0x32);
		assert_int_equal(regs.rdx, 0xffffffff);
		assert_int_equal(regs.rax, i);
		regs.rdx = 0x8000;
		REFUSES(0x0f, 0x30);
	}
	assert_int_equal(ht_regs.gs_base, 0xffffffff00000001);
	for (unsigned int i = 0; i < ARRAY_SIZE(hidden); i++) {
		regs.rcx = hidden[i];
		REFUSES(0x0f, 0x32);
		REFUSES(0x0f, 0x30);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(constant); i++) {
		regs.rcx = constant[i];
		DOES(0x0f, 0x32);
		DOES(0x0f, 0x30); /* what is there may be written */
		regs.rax ^= 1;
		REFUSES(0x0f, 0x30);
	}
	regs.rcx = MSR_TSC;
	DOES(0x0f, 0x32);
	REFUSES(0x0f, 0x30);
	regs.rcx = MSR_APIC_BASE;
	DOES(0x0f, 0x32);
	assert_int_equal(regs.rax, 0xfee00900);
	DOES(0x0f, 0x30);
	regs.rcx = 0x179; /* no banks of machine checks */
	DOES(0x0f, 0x32);
	assert_int_equal(regs.rax | regs.rdx, 0);
	regs.rax = 1;
	REFUSES(0x0f, 0x30);
	regs.rcx = MSR_MISC_ENABLE;
	DOES(0x0f, 0x32);
	assert_int_equal(regs.rax, 0);
	DOES(0x0f, 0x30);
}

static void extended_state(void **state)
{
	static const struct {
		uint64_t val;
		bool ok;
	} t[] = {{1, true},    {3, true},     {7, true},
		 {0, false},   {2, false},    {5, false},
		 {0xf, false}, {0xe7, false}, {1UL << 62 | 7, false},
		 {7, true}};

	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		regs.rcx = 0;
		regs.rax = (uint32_t)t[i].val;
		regs.rdx = t[i].val >> 32;
		if (t[i].ok) {
			DOES(0x0f, 0x01, 0xd1);
			assert_int_equal(ht_regs.xcr0, t[i].val);
		} else {
			REFUSES(0x0f, 0x01, 0xd1);
		}
	}
	regs.rcx = 1;
	REFUSES(0x0f, 0x01, 0xd1);
	xcr0_host = 0xe7;
	regs.rcx = 0;
	regs.rax = 0x27;
	REFUSES(0x0f, 0x01, 0xd1);
	regs.rax = 0xe3;
	REFUSES(0x0f, 0x01, 0xd1);
	regs.rax = 0xe7;
	DOES(0x0f, 0x01, 0xd1);
	xcr0_host = 7;
	regs.rax = 7;
	DOES(0x0f, 0x01, 0xd1);
	cpu_has_xsave = false;
	REFUSES(0x0f, 0x01, 0xd1);
	cpu_has_xsave = true;
}

static void cpuid(void **state)
{
	regs.rax = 0xffff00000001UL;
	regs.rcx = ~0UL;
	DOES(0x0f, 0xa2);
	/* Behind a hypervisor; no VMX, x2APIC, MONITOR, MTRR; upper halves are zero. */
	assert_true(regs.rcx & 1U << 31);
	assert_int_equal(regs.rcx & (1UL << 3 | 1UL << 5 | 1UL << 21 | ~0UL << 32), 0);
	assert_int_equal(regs.rdx & (1UL << 12 | ~0UL << 32), 0);
	regs.rax = 0x40000000;
	(void)CODE(0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2);
	assert_true(pv_emulate_forced_cpuid(&regs));
	assert_int_equal(regs.rip, before.rip + 7);
	assert_int_equal(regs.rbx, 0x566e6558);
	(void)CODE(0x0f, 0x0b, 'x', 'e', 'm', 0x0f, 0xa2);
	assert_false(pv_emulate_forced_cpuid(&regs));
	assert_memory_equal(&regs, &before, sizeof(regs));
	ht_guest_fault(code + 6, 1);
	(void)CODE(0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2);
	assert_false(pv_emulate_forced_cpuid(&regs));
	ht_guest_fault(NULL, 0);
	/* 32-bit code, which wraps at 4 GiB */
	regs.cs = CODE32;
	DOES(0x0f, 0xa2);
}

/* ---- far returns ------------------------------------------------------------------- */

#define IRETQ 0x48, 0xcf
#define RETFQ 0x48, 0xcb

static uint64_t *frame(uint64_t cs, uint64_t ss)
{
	uint64_t *w = (uint64_t *)(data + 64);

	w[0] = 0x123456;
	w[1] = cs;
	w[2] = X86_EFLAGS_IF | X86_EFLAGS_DF | 2;
	w[3] = 0x7ff0;
	w[4] = ss;
	return w;
}

/* Not done: an exception for the guest, and its registers are as they were. */
static void far_return_fails(int vector, uint32_t error, uint64_t cr2)
{
	assert_true(pv_emulate_far_return(&regs));
	assert_memory_equal(&regs, &before, sizeof(regs));
	assert_int_equal(ht_injected.vector, vector);
	assert_int_equal(ht_injected.error, error);
	if (vector == TRAP_PF)
		assert_int_equal(ht_injected.cr2, cr2);
	ht_injected.vector = -1;
}

static void far_returns(void **state)
{
	uint64_t *w = frame(CODE64, 0x2b);

	(void)CODE(IRETQ);
	assert_true(pv_emulate_far_return(&regs));
	assert_int_equal(regs.rip, 0x123456);
	assert_int_equal(regs.cs, CODE64);
	assert_int_equal(regs.rflags, w[2]);
	assert_int_equal(regs.rsp, 0x7ff0);
	assert_int_equal(regs.ss, 0x2b);

	regs = before;
	(void)CODE(RETFQ);
	assert_true(pv_emulate_far_return(&regs));
	assert_int_equal(regs.rip, 0x123456);
	assert_int_equal(regs.cs, CODE64);
	assert_int_equal(regs.rflags, before.rflags);
	assert_int_equal(regs.rsp, before.rsp + 16);
	assert_int_equal(regs.ss, before.ss);
	assert_int_equal(ht_injected.vector, -1);
}

static void far_returns_elsewhere(void **state)
{
	regs.cs = CODE64;
	(void)frame(CODE64 & ~3, 0x2b);
	(void)CODE(IRETQ);
	far_return_fails(TRAP_GP, CODE64 & ~3, 0);
	(void)CODE(RETFQ);
	far_return_fails(TRAP_GP, CODE64 & ~3, 0);
	(void)frame(CODE64, 0x28);
	(void)CODE(IRETQ);
	far_return_fails(TRAP_GP, 0x28, 0);
	/* Bits above a selector don't count. */
	(void)frame(0xfff00000, 0x2b);
	(void)CODE(RETFQ);
	far_return_fails(TRAP_GP, 0, 0);

	ht_guest_fault(data + 64 + 16, 8);
	(void)frame(CODE64, 0x2b);
	(void)CODE(IRETQ);
	far_return_fails(TRAP_PF, 0, regs.rsp);
	(void)CODE(RETFQ);
	assert_true(pv_emulate_far_return(&regs));
	assert_int_equal(ht_injected.vector, -1);
}

static void no_far_return(void **state)
{
	static const uint8_t others[][2] = {
		{0xcf, 0x90}, {0xcb, 0x90}, {0x48, 0xca}, {0x4f, 0xcf}, {0x40, 0xcf}, {0x48, 0x8b},
	};

	(void)frame(CODE64, 0x2b);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		put_code(others[i], 2);
		assert_false(pv_emulate_far_return(&regs));
		assert_memory_equal(&regs, &before, sizeof(regs));
	}
	(void)CODE(IRETQ);
	ht_guest_fault(code + 1, 1);
	assert_false(pv_emulate_far_return(&regs));
	assert_memory_equal(&regs, &before, sizeof(regs));
	assert_int_equal(ht_injected.vector, -1);
}

/* ---- page tables ------------------------------------------------------------------- */

#define L1_VA 0x1000UL

static uint64_t slot(unsigned int i)
{
	return ((uint64_t *)mfn_to_virt(l1[1]))[i];
}

static bool pt_write(unsigned long cr2)
{
	bool done = pv_emulate_pt_write(&regs, cr2);

	audit(dom);
	return done;
}

static void page_table_writes(void **state)
{
	uint64_t pte = pte_make(page[1], RW);

	regs.rdi = L1_VA + 5 * 8;
	regs.rax = pte;
	(void)CODE(0x48, 0x89, 0x07); /* mov %rax, (%rdi) */
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), pte);
	assert_int_equal(regs.rip, before.rip + 3);
	/* xchg, and a compare-and-exchange that fails and one that doesn't */
	regs.rax = 0;
	(void)CODE(0x48, 0x87, 0x07);
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), 0);
	assert_int_equal(regs.rax, pte);
	regs.rcx = pte;
	(void)CODE(0xf0, 0x48, 0x0f, 0xb1, 0x0f);
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), 0);
	assert_int_equal(regs.rax, 0);
	(void)CODE(0xf0, 0x48, 0x0f, 0xb1, 0x0f);
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), pte);
	/* Half of an entry */
	regs.rax = 0;
	(void)CODE(0x89, 0x07);
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), pte & ~0xffffffffUL);
}

static void page_table_writes_refused(void **state)
{
	regs.rdi = L1_VA + 5 * 8;
	/* A table writable, a frame of another, what doesn't exist, a bad bit */
	const uint64_t bad[] = {pte_make(l1[1], RW), pte_make(page[0], RW),
				pte_make(_mfn(4000), RW), pte_make(page[1], RW | 1UL << 51)};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		regs.rax = bad[i];
		(void)CODE(0x48, 0x89, 0x07);
		assert_false(pt_write(regs.rdi));
		assert_int_equal(slot(5), 0);
		assert_memory_equal(&regs, &before, sizeof(regs));
	}
	regs.rax = pte_make(page[1], RW);
	/* Not an L1 table; nothing there; two entries at a time; another address */
	(void)CODE(0x48, 0x89, 0x07);
	assert_false(pt_write(8));
	assert_false(pt_write(0x5000));
	assert_false(pt_write(L1_VA + 6 * 8));
	regs.rdi = L1_VA + 5 * 8 + 4;
	assert_false(pt_write(regs.rdi));
	regs.rdi = 8;
	assert_false(pt_write(L1_VA + 8));
	regs.rdi = L1_VA + 5 * 8;
	(void)CODE(0x90);
	assert_false(pt_write(regs.rdi));
	regs.cs = CODE32;
	(void)CODE(0x89, 0x07);
	assert_false(pt_write(regs.rdi));
	regs.cs = CODE64;
	ht_guest_fault(code, PAGE_SIZE);
	(void)CODE(0x48, 0x89, 0x07);
	assert_false(pt_write(regs.rdi));
	/* movs from where nothing can be read */
	ht_guest_fault(data, PAGE_SIZE);
	regs.rsi = ht_va(data);
	(void)CODE(0x48, 0xa5);
	assert_false(pt_write(regs.rdi));
	ht_guest_fault(NULL, 0);
	assert_true(pt_write(regs.rdi));
	assert_int_equal(slot(5), 0);
}

/* ---- writes to device registers that may only be read ------------------------------- */

/*
 * Shows @mfn at the address @va, a pointer of this program's, in the page tables of d0:
 * what the instruction reads there is what lies in the program's memory.
 */
static void show(const void *va, mfn_t mfn, uint64_t flags)
{
	unsigned long a = ht_va(va);
	mfn_t low = table(dom[0], pt_index(a, 1), mfn, flags);
	mfn_t middle = table(dom[0], pt_index(a, 2), low, RW);
	struct mmu_update u = {mfn_x(l3[0]) << PAGE_SHIFT | pt_index(a, 3) * 8,
			       pte_make(middle, RW)};

	assert_int_equal(pt_index(a, 4), 0);
	assert_int_equal(do_mmu_update(ht_va(&u), 1, 0, DOMID_SELF), 0);
}

static bool drops(unsigned long cr2)
{
	uint8_t was[PAGE_SIZE];
	bool done;

	memcpy(was, data, sizeof(was));
	done = pv_drop_io_write(&regs, cr2);
	assert_memory_equal(data, was, sizeof(was));
	if (!done)
		assert_memory_equal(&regs, &before, sizeof(regs));
	audit(dom);
	return done;
}

static void let_see_device(void)
{
	run(0);
	assert_int_equal(iomem_permit(dom[0], _mfn(HT_MMIO), HT_MMIO_FRAMES, true), 0);
	memcpy(data + 16, &(uint64_t){0x1111222233334444}, 8);
	regs.rdi = ht_va(data) + 16;
	regs.rax = 0x5555666677778888;
}

static void writes_to_a_read_only_register(void **state)
{
	const uint64_t *l1e;

	let_see_device();
	show(data, _mfn(TABLE_FRAME), RW);
	/* It may be mapped writable, but isn't. */
	l1e = pt_find_l1e(current->arch.root, ht_va(data));
	assert_int_equal(*l1e, pte_make(_mfn(TABLE_FRAME), RO));
	(void)CODE(0x48, 0x89, 0x07); /* mov %rax, (%rdi) */
	assert_true(drops(regs.rdi));
	assert_int_equal(regs.rip, before.rip + 3);
	regs.rip = before.rip;
	assert_memory_equal(&regs, &before, sizeof(regs));
	(void)CODE(0xc7, 0x07, 1, 0, 0, 0); /* movl $1, (%rdi) */
	assert_true(drops(regs.rdi));
	assert_int_equal(regs.rip, before.rip + 6);
	/* What is read is what is there. */
	(void)CODE(0x87, 0x07); /* xchg %eax, (%rdi) */
	assert_true(drops(regs.rdi));
	assert_int_equal(regs.rax, 0x33334444);
	regs.rax = 1;
	(void)CODE(0xf0, 0x48, 0x0f, 0xc1, 0x07); /* lock xadd %rax, (%rdi) */
	assert_true(drops(regs.rdi));
	assert_int_equal(regs.rax, 0x1111222233334444);
	regs.rflags |= FLAG_ZF;
	(void)CODE(0x81, 0x0f, 1, 0, 0, 0); /* orl $1, (%rdi) */
	assert_true(drops(regs.rdi));
	assert_false(regs.rflags & FLAG_ZF);
	/* A copy: the source is read and counted, too. */
	regs.rsi = ht_va(bitmap);
	(void)CODE(0x48, 0xa5); /* movsq */
	assert_true(drops(regs.rdi));
	assert_int_equal(regs.rsi, ht_va(bitmap) + 8);
	assert_int_equal(regs.rdi, ht_va(data) + 24);
}

static void set_user_root(mfn_t mfn)
{
	struct mmuext_op op = {.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = mfn_x(mfn)};

	assert_int_equal(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF), 0);
}

static void a_programs_write_to_a_register(void **state)
{
	let_see_device();
	show(data, _mfn(TABLE_FRAME), RO);
	current->arch.in_kernel = false;
	set_user_root(l4[0]);
	(void)CODE(0x48, 0x89, 0x07);
	assert_true(drops(regs.rdi));
	/* Its kernel's mappings are none of its. */
	set_user_root(ht_domain_page(dom[0]));
	(void)CODE(0x48, 0x89, 0x07);
	assert_false(drops(regs.rdi));
	current->arch.in_kernel = true;
}

static void what_is_no_read_only_register(void **state)
{
	static const uint8_t mov[] = {0x48, 0x89, 0x07};

	let_see_device();
	put_code(mov, sizeof(mov));
	/* Nothing is mapped; other registers of the device; RAM, and a page table. */
	assert_false(drops(regs.rdi));
	show(data, _mfn(BESIDE_FRAME), RO);
	assert_false(drops(regs.rdi));
	assert_false(drops(0));
	assert_false(drops(L1_VA));
	/* The instruction writes somewhere else than it faulted. */
	show(data, _mfn(TABLE_FRAME), RO);
	assert_true(drops(regs.rdi));
	put_code(mov, sizeof(mov));
	assert_false(drops(regs.rdi + 8));
	/* It goes on in the next entry, can't be read, isn't one that writes memory. */
	regs.rdi += 4;
	put_code(mov, sizeof(mov));
	assert_false(drops(regs.rdi));
	regs.rdi -= 4;
	(void)CODE(0x90);
	assert_false(drops(regs.rdi));
	put_code(mov, sizeof(mov));
	ht_guest_fault(code, PAGE_SIZE);
	assert_false(drops(regs.rdi));
	/* The register itself, or the source of a copy, can't be read. */
	ht_guest_fault(data, PAGE_SIZE);
	assert_false(drops(regs.rdi));
	ht_guest_fault(bitmap, PAGE_SIZE);
	regs.rsi = ht_va(bitmap);
	(void)CODE(0x48, 0xa5);
	assert_false(drops(regs.rdi));
}

/* (R11) Who is let at a device, but isn't the one that drives the machine */
static void cached_registers(void **state)
{
	static const bool ok[8] = {[2] = true, [3] = true, [4] = true, [6] = true, [7] = true};

	assert_int_equal(iomem_permit(dom[1], _mfn(BESIDE_FRAME), 1, true), 0);
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t pte = pte_make(_mfn(BESIDE_FRAME), RW) | (i & 1 ? PTE_PWT : 0) |
			       (i & 2 ? PTE_PCD : 0) | (i & 4 ? PTE_PAT : 0);

		assert_int_equal(do_update_va_mapping(5 * PAGE_SIZE, pte, 0), ok[i] ? 0 : -EINVAL);
		assert_int_equal(do_update_va_mapping(5 * PAGE_SIZE, 0, 0), 0);
	}
	assert_int_equal(iomem_permit(dom[1], _mfn(BESIDE_FRAME), 1, false), 0);
}

/* ---- -------------------------------------------------------------------------------- */

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ports_by_right),
		T(ports_of_the_hypervisor),
		T(ports_of_pci),
		T(ports_by_level),
		T(strings_of_ports),
		T(programs_may_not),
		T(fetches),
		T(control_registers),
		T(machine_status_word),
		T(tables),
		T(tables),
		T(interrupts),
		T(invlpg),
		T(debug_registers),
		T(msrs),
		T(extended_state),
		T(cpuid),
		T(far_returns),
		T(far_returns_elsewhere),
		T(no_far_return),
		T(page_table_writes),
		T(page_table_writes_refused),
		T(writes_to_a_read_only_register),
		T(a_programs_write_to_a_register),
		T(what_is_no_read_only_register),
		T(cached_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
