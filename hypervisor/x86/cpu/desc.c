/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Descriptor tables and stacks of each CPU. Layout: arch/layout.h.
 *
 * The GDT register points at the CPU's window for good. Of its 16 pages the
 * first 14 show the frames of the current guest's GDT (changed on a context
 * switch by writing PTEs), page 14 is ours.
 */
#include <hv/lib.h>
#include <hv/percpu.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/setup.h>
#include <arch/traps.h>
#include <arch/xpti.h>
#include <asm-offsets.h>

enum { IST_NONE, IST_NMI, IST_DB, IST_FATAL };

struct idt_entry {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, zero;
};

struct desc_ptr {
	uint16_t limit;
	uint64_t base;
} __packed;

extern char trap_stubs[];
void entry_syscall(void);

static struct idt_entry idt[256] __aligned(4096);
/* Written at start-up, executable from then on (paging_seal_image). */
static uint8_t syscall_stubs[MAX_CPUS * SYSCALL_STUB_SIZE]
	__attribute__((section(".text_ro_after_init"))) __aligned(4096);
static struct cpu_info *stack_top[MAX_CPUS];
static uint64_t *window_ptes[MAX_CPUS];

static void set_gate(unsigned int vector, unsigned int dpl, unsigned int ist)
{
	unsigned long addr = (unsigned long)trap_stubs + vector * 16UL;

	idt[vector] = (struct idt_entry){
		.offset_low = (uint16_t)addr,
		.selector = SEL_HV_CS,
		.ist = (uint8_t)ist,
		.type = (uint8_t)(0x8e | (dpl << 5)),
		.offset_mid = (uint16_t)(addr >> 16),
		.offset_high = (uint32_t)(addr >> 32),
	};
}

static void init_idt(void)
{
	for (unsigned int v = 0; v < 256; v++)
		set_gate(v, 0, IST_NONE);
	set_gate(TRAP_BP, 3, IST_NONE);
	set_gate(TRAP_OF, 3, IST_NONE);
	set_gate(0x80, 3, IST_NONE);
	set_gate(TRAP_NMI, 0, IST_NMI);
	set_gate(TRAP_DB, 0, IST_DB);
	set_gate(TRAP_DF, 0, IST_FATAL);
	set_gate(TRAP_MC, 0, IST_FATAL);
}

static void load_idt(void)
{
	struct desc_ptr p = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" ::"m"(p));
}

/* A 16-byte system descriptor. */
static void set_system_desc(uint64_t *gdt, unsigned int sel, unsigned long base, uint32_t limit,
			    unsigned int type)
{
	uint64_t *d = gdt + ((sel >> 3) - GDT_OUR_FIRST);

	d[1] = base >> 32;
	d[0] = (limit & 0xffff) | ((base & 0xffffff) << 16) | ((uint64_t)(type | 0x80) << 40) |
	       ((uint64_t)(limit >> 16 & 0xf) << 48) | ((base >> 24 & 0xff) << 56);
}

static uint64_t *our_gdt_page(unsigned int cpu)
{
	return (uint64_t *)(GDT_WIN(cpu) + 14 * PAGE_SIZE);
}

static void fill_gdt(uint64_t *gdt, unsigned int cpu)
{
#define ENTRY(sel) gdt[((sel) >> 3) - GDT_OUR_FIRST]
	ENTRY(SEL_HV_CS) = 0x00af9b000000ffff;
	ENTRY(SEL_HV_DS) = 0x00cf93000000ffff;
	ENTRY(SEL_FLAT_CS32) = 0x00cffb000000ffff;
	ENTRY(SEL_FLAT_DS32) = 0x00cff3000000ffff;
	ENTRY(SEL_FLAT_CS64) = 0x00affb000000ffff;
#undef ENTRY
	set_system_desc(gdt, SEL_TSS, (unsigned long)&stack_top[cpu]->tss, sizeof(struct tss) - 1,
			9);
}

void desc_set_ldt(unsigned int cpu, unsigned int entries)
{
	uint64_t *gdt = our_gdt_page(cpu);

	if (!entries) {
		__asm__ volatile("lldt %w0" ::"r"(0));
		return;
	}
	set_system_desc(gdt, SEL_LDT, LDT_WIN(cpu), entries * 8 - 1, 2);
	__asm__ volatile("lldt %w0" ::"r"(SEL_LDT));
}

/*
 * The SYSCALL stub: SYSCALL switches no stack and there is no register to spare, so
 * each CPU has an entry that knows by itself where its stack is. It stores what the
 * hardware pushes for an interrupt and goes to entry_syscall.
 */
static void __init make_syscall_stub(unsigned int cpu, struct cpu_info *ci)
{
	uint8_t *code = syscall_stubs + cpu * SYSCALL_STUB_SIZE;
	uint64_t scratch = (uint64_t)&ci->syscall_rax, sp = (uint64_t)&ci->guest_regs + UREGS_es;
	unsigned int n = 0;
	int32_t rel;

#define BYTES(...)                                            \
	do {                                                  \
		static const uint8_t bytes[] = {__VA_ARGS__}; \
		memcpy(code + n, bytes, sizeof(bytes));       \
		n += sizeof(bytes);                           \
	} while (0)
#define VALUE(v)                                   \
	do {                                       \
		memcpy(code + n, &(v), sizeof(v)); \
		n += sizeof(v);                    \
	} while (0)
	BYTES(0x48, 0xa3); /* mov %rax, scratch */
	VALUE(scratch);
	BYTES(0x48, 0xb8); /* mov $sp, %rax */
	VALUE(sp);
	BYTES(0x48, 0x94); /* xchg %rax, %rsp */
	BYTES(0x68, SEL_FLAT_DS32 & 0xff, SEL_FLAT_DS32 >> 8, 0, 0); /* push $ss */
	BYTES(0x50); /* push %rax: rsp */
	BYTES(0x41, 0x53); /* push %r11: rflags */
	BYTES(0x68, SEL_FLAT_CS64 & 0xff, SEL_FLAT_CS64 >> 8, 0, 0); /* push $cs */
	BYTES(0x51); /* push %rcx: rip */
	BYTES(0x6a, 0x00); /* push $0: error code, ... */
	BYTES(0xc7, 0x44, 0x24, 0x04, VECTOR_SYSCALL & 0xff, VECTOR_SYSCALL >> 8, 0,
	      0); /* ... movl $VECTOR_SYSCALL, 4(%rsp) */
	BYTES(0x48, 0xa1); /* mov scratch, %rax */
	VALUE(scratch);
	BYTES(0xe9); /* jmp */
	rel = (int32_t)((uint8_t *)entry_syscall - (code + n + sizeof(rel)));
	VALUE(rel);
	BUG_ON(n > SYSCALL_STUB_SIZE);
#undef BYTES
#undef VALUE
}

static bool __init is_guard(unsigned long page)
{
	return page != STACK_PAGE_NMI && page != STACK_PAGE_DB && page != STACK_PAGE_FATAL &&
	       page < STACK_PAGE_MAIN;
}

/* What this CPU's way from a guest to us leads over. */
static int __init show_to_guests(struct cpu_info *ci, unsigned long area)
{
	const struct xpti_part parts[] = {
		{(unsigned long)__entry_start,
		 (unsigned long)(__entry_end - __entry_start) / PAGE_SIZE, PTE_HV_RX},
		{(unsigned long)syscall_stubs, PFN_UP(sizeof(syscall_stubs)), PTE_HV_RX},
		{(unsigned long)idt, PFN_UP(sizeof(idt)), PTE_HV_RO},
		{area + STACK_PAGE_NMI * PAGE_SIZE, 1, PTE_HV_RW},
		{area + STACK_PAGE_DB * PAGE_SIZE, 1, PTE_HV_RW},
		{area + STACK_PAGE_FATAL * PAGE_SIZE, 1, PTE_HV_RW},
		{area + STACK_SIZE - PAGE_SIZE, 1, PTE_HV_RW}, /* struct cpu_info */
	};

	return xpti_init_cpu(ci, parts, ARRAY_SIZE(parts), GDT_WIN((unsigned long)ci->cpu));
}

int __init desc_alloc_cpu(unsigned int cpu)
{
	unsigned long pages = STACK_SIZE / PAGE_SIZE, area;
	uint64_t *gdt = hyp_page_alloc();
	struct cpu_info *ci;

	/* Address space with room to align. */
	area = vmap_reserve(2 * pages);
	if (!gdt || !area)
		return -ENOMEM;
	area = ROUND_UP(area, STACK_SIZE);
	for (unsigned long i = 0; i < pages; i++) {
		void *p = is_guard(i) ? NULL : hyp_page_alloc();

		if (!is_guard(i) &&
		    (!p || map_pages(area + i * PAGE_SIZE, virt_to_mfn(p), 1, PTE_HV_RW)))
			return -ENOMEM;
	}
	ci = (struct cpu_info *)(area + STACK_SIZE) - 1;
	ci->cpu = cpu;
	ci->percpu_offset = percpu_offset_of[cpu];
	ci->tss = (struct tss){
		.rsp = {(uint64_t)&ci->guest_regs + UREGS_es},
		.ist = {area + (STACK_PAGE_NMI + 1) * PAGE_SIZE,
			area + (STACK_PAGE_DB + 1) * PAGE_SIZE,
			area + (STACK_PAGE_FATAL + 1) * PAGE_SIZE},
		.iomap_base = sizeof(struct tss),
	};
	stack_top[cpu] = ci;
	make_syscall_stub(cpu, ci);
	if (map_pages(GDT_WIN(cpu) + 14 * PAGE_SIZE, virt_to_mfn(gdt), 1, PTE_HV_RW))
		return -ENOMEM;
	window_ptes[cpu] = paging_l1_of(GDT_WIN(cpu));
	fill_gdt(gdt, cpu);
	return xpti_active ? show_to_guests(ci, area) : 0;
}

void desc_load_cpu(unsigned int cpu)
{
	struct desc_ptr p = {GDT_WIN_PAGES * PAGE_SIZE - 1, GDT_WIN(cpu)};
	unsigned long stub = (unsigned long)syscall_stubs + cpu * SYSCALL_STUB_SIZE;

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:	mov %2, %%ss\n\t"
			 "mov %3, %%ds\n\t"
			 "mov %3, %%es\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 "ltr %w4\n\t"
			 :
			 : "m"(p), "i"(SEL_HV_CS), "r"(SEL_HV_DS), "r"(0), "r"(SEL_TSS)
			 : "rax", "memory");
	desc_set_ldt(cpu, 0);
	load_idt();
	/* SYSRET: CS = STAR[63:48] + 16, SS = + 8; both with RPL 3. */
	wrmsr(MSR_STAR, ((uint64_t)SEL_FLAT_CS32 << 48) | ((uint64_t)SEL_HV_CS << 32));
	wrmsr(MSR_LSTAR, stub);
	wrmsr(MSR_CSTAR, stub);
	wrmsr(MSR_SFMASK, X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT |
				  X86_EFLAGS_AC | X86_EFLAGS_IOPL | X86_EFLAGS_RF);
}

void *desc_stack_top(unsigned int cpu)
{
	return stack_top[cpu];
}

uint64_t *desc_gdt_ptes(unsigned int cpu)
{
	return window_ptes[cpu];
}

void __init desc_init_boot(void)
{
	init_idt();
}
