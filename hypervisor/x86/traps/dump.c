/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Registers and stacks in readable form. Names come from the image's own symbol
 * table, which the build appends (symbols.S): addresses as offsets from the start
 * of the image, sorted, and their names.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/setup.h>
#include <arch/symbols.h>
#include <arch/traps.h>

#define STACK_WORDS       512
#define GUEST_STACK_WORDS 16
#define TRACE_MAX         24

const char *symbol_lookup(unsigned long addr, unsigned long *ret_off)
{
	uint32_t lo = 0, hi = symbols_count, off;

	if (!hi || addr < (unsigned long)__image_start || addr >= (unsigned long)__text_end)
		return NULL;
	off = (uint32_t)(addr - (unsigned long)__image_start);
	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (symbols_offset[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	*ret_off = off - symbols_offset[lo];
	return symbols_names + symbols_name[lo];
}

static void dump_address(unsigned long addr)
{
	unsigned long off;
	const char *name = symbol_lookup(addr, &off);

	if (name)
		pr_err("  %016lx  %s+%#lx\n", addr, name, off);
}

void arch_dump_regs(const struct cpu_user_regs *r)
{
	pr_err("rip %04x:%016lx  rflags %016lx\n", r->cs, r->rip, r->rflags);
	pr_err("rsp %04x:%016lx  rbp %016lx\n", r->ss, r->rsp, r->rbp);
	pr_err("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	pr_err("rsi %016lx  rdi %016lx  r8  %016lx  r9  %016lx\n", r->rsi, r->rdi, r->r8, r->r9);
	pr_err("r10 %016lx  r11 %016lx  r12 %016lx  r13 %016lx\n", r->r10, r->r11, r->r12, r->r13);
	pr_err("r14 %016lx  r15 %016lx  cr2 %016lx  cr3 %016lx\n", r->r14, r->r15, read_cr2(),
	       read_cr3());
}

void arch_dump_stack(const struct cpu_user_regs *regs)
{
	unsigned long sp, top = (unsigned long)cpu_info();
	unsigned int shown = 0;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	if (regs) {
		pr_err("At:\n");
		dump_address(regs->rip);
		/* An exception's frame tells where the stack was, if it was this one. */
		if (regs->rsp > (top & ~(STACK_SIZE - 1)) && regs->rsp < top)
			sp = regs->rsp;
	}
	pr_err("Called from (stack words that look like it):\n");
	for (unsigned int i = 0; i < STACK_WORDS && sp < top && shown < TRACE_MAX; i++, sp += 8) {
		unsigned long word = *(unsigned long *)sp, off;

		if (symbol_lookup(word, &off) && off) {
			dump_address(word);
			shown++;
		}
	}
}

void arch_vcpu_dump(const struct vcpu *v)
{
	const struct cpu_user_regs *r = v->arch.loaded_cpu == NO_CPU ? &v->arch.regs : guest_regs();
	unsigned long word;

	if (v->arch.loaded_cpu != NO_CPU && v->arch.loaded_cpu != smp_processor_id())
		return;
	pr_err("d%uv%u, guest %s:\n", v->domain->id, v->id, v->arch.in_kernel ? "kernel" : "user");
	arch_dump_regs(r);
	if (v != current)
		return;
	pr_err("Guest stack from rsp:\n");
	for (unsigned int i = 0; i < GUEST_STACK_WORDS; i++) {
		if (guest_copy_in(&word, r->rsp + i * 8, sizeof(word)))
			break;
		pr_err("  %016lx\n", word);
	}
}
