/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See model.h. Written from the manuals and the rules, not from the emulation. */
#include <hv/domain.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/traps.h>

#include "model.h"

#define MCG_CAP    0x179
#define MCG_STATUS 0x17a
#define BATCH      64 /* elements of a string at a time */

struct model_vcpu model[MODEL_DOMAINS];
unsigned int model_me;

static uint8_t allowed[MODEL_DOMAINS][MODEL_PORTS];
static struct ht_port_access want_log[HT_PORT_LOG];
static unsigned int want_accesses, want_blocks;
static struct ht_injected want_injected = {-1, 0, 0};

#define ME (&model[model_me])

void model_reset(void)
{
	memset(allowed[1], 0, sizeof(allowed[1]));
	memset(allowed[0], 1, sizeof(allowed[0]));
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++) {
		model[i].removed[0] = model[i].removed[1] = model[i].removed[2] = 0;
		memset(&model[i].dr, 0, sizeof(model[i].dr));
	}
	want_accesses = want_blocks = 0;
	want_injected.vector = -1;
}

void model_permit(unsigned int dom, unsigned int first, unsigned int nr, bool allow)
{
	memset(&allowed[dom][first], allow, nr);
}

static bool canonical(uint64_t va)
{
	return va >> 47 == 0 || va >> 47 == 0x1ffff;
}

/* All of an operand; one that wraps isn't. */
static bool operand_ok(uint64_t va, unsigned int size)
{
	return canonical(va) && canonical(va + size - 1) && va + size - 1 >= va;
}

static void put_reg(struct cpu_user_regs *regs, unsigned int nr, unsigned int size, uint64_t val)
{
	uint64_t *r = model_reg(regs, nr);

	if (size == 8)
		*r = val;
	else if (size == 4)
		*r = (uint32_t)val;
	else if (size == 2)
		*r = (*r & ~0xffffUL) | (uint16_t)val;
	else
		*r = (*r & ~0xffUL) | (uint8_t)val;
}

/* ---- ports ---------------------------------------------------------------------- */

static bool guest_may_io(unsigned int port, unsigned int size)
{
	const uint8_t *map = (const uint8_t *)(uintptr_t)(ME->bitmap + port / 8);

	if (ME->iopl >= (ME->kernel ? 1U : 3U))
		return true;
	if (port + size > ME->bitmap_ports || !guest_accessible((uintptr_t)map, 2))
		return false;
	for (unsigned int i = 0; i < size; i++) {
		if (map[(port % 8 + i) / 8] >> (port + i) % 8 & 1)
			return false;
	}
	return true;
}

static bool machine_has(unsigned int port, unsigned int size, bool *ret_pci)
{
	*ret_pci = false;
	for (unsigned int p = port; p < port + size; p++) {
		if (p >= MODEL_PORTS || !allowed[model_me][p] ||
		    (p >= DENIED_FIRST && p <= DENIED_LAST))
			return false;
		if (p >= 0xcf8 && p <= 0xcff)
			*ret_pci = true;
	}
	/* Configuration space is the control domain's. */
	return !*ret_pci || model_me == 0;
}

static uint32_t ones(unsigned int size)
{
	return (uint32_t)((1UL << 8 * size) - 1);
}

static uint32_t port_access(bool write, unsigned int port, unsigned int size, uint32_t val)
{
	bool pci;

	if (!machine_has(port, size, &pci))
		return ones(size);
	want_log[want_accesses++] =
		(struct ht_port_access){write, pci, (uint16_t)port, (uint8_t)size, write ? val : 0};
	return ht_port_value(port, size);
}

static bool string(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	uint64_t *ptr = insn->kind == M_INS ? &regs->rdi : &regs->rsi;
	uint64_t n = insn->rep ? regs->rcx : 1, i;
	int64_t step = regs->rflags & X86_EFLAGS_DF ? -(int64_t)insn->size : insn->size;

	for (i = 0; i < n && i < BATCH; i++) {
		uint64_t addr = *ptr + (uint64_t)(step * (int64_t)i);
		uint32_t val = 0;

		if (insn->kind == M_INS)
			val = port_access(false, insn->port, insn->size, 0);
		if (!guest_accessible(addr, insn->size)) {
			want_injected = (struct ht_injected){
				TRAP_PF, insn->kind == M_INS ? PFEC_W : 0, addr};
			break;
		}
		if (insn->kind == M_INS)
			continue;
		memcpy(&val, (const void *)addr, insn->size);
		port_access(true, insn->port, insn->size, val);
	}
	*ptr += (uint64_t)(step * (int64_t)i);
	if (insn->rep)
		regs->rcx -= i;
	if (i == n)
		regs->rip += insn->len;
	regs->rflags &= i == n ? ~X86_EFLAGS_RF : ~0UL;
	return true;
}

static bool port_insn(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	uint32_t val;

	if (insn->kind >= M_INS) {
		uint64_t ptr = insn->kind == M_INS ? regs->rdi : regs->rsi;

		if (!operand_ok(ptr, insn->size) || !guest_may_io(insn->port, insn->size))
			return false;
		return string(insn, regs);
	}
	if (!guest_may_io(insn->port, insn->size))
		return false;
	val = port_access(insn->kind == M_OUT, insn->port, insn->size,
			  (uint32_t)(regs->rax & ones(insn->size)));
	if (insn->kind == M_IN)
		put_reg(regs, 0, insn->size, val);
	return true;
}

/* ---- control and debug registers -------------------------------------------------- */

#define CR0_SEEN 0x80050033UL

static uint64_t cr4_fixed(void)
{
	return X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
}

static bool from_cr(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	uint64_t val;

	switch (insn->index) {
	case 0:
		val = CR0_SEEN | (ME->ts ? X86_CR0_TS : 0);
		break;
	case 2:
		val = ME->cr2;
		break;
	case 3:
		val = ME->cr3;
		break;
	case 4:
		val = ME->cr4;
		break;
	default:
		return false;
	}
	*model_reg(regs, insn->reg) = val;
	return true;
}

static bool to_cr(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	uint64_t val = *model_reg(regs, insn->reg);

	switch (insn->index) {
	case 0:
		ME->ts = val & X86_CR0_TS;
		return true;
	case 2:
		ME->cr2 = val;
		return true;
	case 4:
		ME->cr4 = cr4_fixed() | (val & (X86_CR4_TSD | X86_CR4_DE | X86_CR4_FSGSBASE));
		return true;
	default:
		return false;
	}
}

bool model_set_debugreg(unsigned int reg, uint64_t val)
{
	if (reg > 7)
		return false;
	if (reg < 4) {
		if (!canonical(val) || (val >= 0xffff800000000000 && val < 0xffff880000000000))
			return false;
		ME->dr[reg] = val;
		return true;
	}
	if (reg & 1) {
		if (val >> 32)
			return false;
		/* Only bits 0-10 and the kinds; bit 10 is one. */
		val = (val & 0xffff03ff) | 0x400;
		for (unsigned int i = 0; i < 4; i++) {
			if ((val >> (16 + 4 * i) & 3) == 2)
				val &= ~(3UL << 2 * i);
		}
		ME->dr[7] = val;
		return true;
	}
	ME->dr[6] = 0xffff0ff0UL | (val & 0xe00f);
	return true;
}

/* ---- MSRs ------------------------------------------------------------------------- */

static uint64_t *base_of(uint32_t msr)
{
	return msr == MSR_FS_BASE          ? &ME->fs_base
	       : msr == MSR_GS_BASE        ? &ME->gs_base
	       : msr == MSR_KERNEL_GS_BASE ? &ME->kernel_gs_base
					   : NULL;
}

static bool read_msr(uint32_t msr, uint64_t *ret)
{
	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		*ret = *base_of(msr);
		return true;
	case MSR_TSC:
		*ret = ht_tsc + 1;
		return true;
	case MSR_EFER:
		*ret = 0xd01;
		return true;
	case MSR_PAT:
		*ret = PAT_VALUE;
		return true;
	case MSR_APIC_BASE:
		*ret = 0xfee00900; /* x2APIC mode is nobody's business */
		return true;
	case 0x8b:
		*ret = 0x8b;
		return true;
	case MSR_MISC_ENABLE:
	case MCG_CAP:
	case MCG_STATUS:
		*ret = 0;
		return true;
	default:
		return false;
	}
}

static bool rdmsr_insn(struct cpu_user_regs *regs)
{
	uint64_t val;

	if (!read_msr((uint32_t)regs->rcx, &val))
		return false;
	regs->rax = (uint32_t)val;
	regs->rdx = val >> 32;
	return true;
}

static bool wrmsr_insn(const struct cpu_user_regs *regs)
{
	uint64_t val = regs->rdx << 32 | (uint32_t)regs->rax, now;
	uint32_t msr = (uint32_t)regs->rcx;

	if (base_of(msr)) {
		if (canonical(val))
			*base_of(msr) = val;
		return canonical(val);
	}
	if (msr == 0x8b || msr == MSR_MISC_ENABLE || msr == MSR_APIC_BASE || msr == MCG_STATUS)
		return true;
	return read_msr(msr, &now) && now == val;
}

static bool xsetbv_insn(const struct cpu_user_regs *regs)
{
	uint64_t val = regs->rdx << 32 | (uint32_t)regs->rax;

	if ((uint32_t)regs->rcx || val & ~7UL || !(val & 1) || (val & 6) == 4)
		return false;
	ME->xcr0 = val;
	return true;
}

bool model_set_segment_base(unsigned int which, uint64_t base)
{
	if (which > SEGBASE_GS_KERNEL || !canonical(base))
		return false;
	if (which == SEGBASE_FS)
		ME->fs_base = base;
	else if ((which == SEGBASE_GS_KERNEL) == ME->kernel)
		ME->gs_base = base;
	else
		ME->kernel_gs_base = base;
	return true;
}

/* ---- all -------------------------------------------------------------------------- */

static bool kernel_insn(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	switch (insn->kind) {
	case M_RDMSR:
		return rdmsr_insn(regs);
	case M_WRMSR:
		return wrmsr_insn(regs);
	case M_XSETBV:
		return xsetbv_insn(regs);
	case M_CLTS:
		ME->ts = false;
		return true;
	case M_HLT:
		want_blocks++;
		return true;
	case M_CLI_STI:
		return ME->iopl > 0;
	case M_INVD:
	case M_INVLPG:
		return true;
	case M_LMSW:
		ME->ts = *model_reg(regs, insn->reg) & X86_CR0_TS;
		return true;
	case M_FROM_CR:
		return from_cr(insn, regs);
	case M_TO_CR:
		return to_cr(insn, regs);
	case M_FROM_DR:
		if (insn->index > 7)
			return false;
		*model_reg(regs, insn->reg) =
			ME->dr[insn->index < 4 ? insn->index : 6 + insn->index % 2];
		return true;
	case M_TO_DR:
		return model_set_debugreg(insn->index, *model_reg(regs, insn->reg));
	default:
		return false;
	}
}

static void done_with(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	regs->rip += insn->len;
	regs->rflags &= ~X86_EFLAGS_RF;
}

/* In any mode: registers, or memory at rdi, or a page fault there. */
static bool store_insn(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	unsigned int size = insn->kind == M_SGDT_SIDT ? 10 : 2;

	if (insn->kind == M_SMSW) {
		put_reg(regs, insn->reg, insn->size, CR0_SEEN | (ME->ts ? X86_CR0_TS : 0));
	} else if (!is_canonical(regs->rdi) || !is_canonical(regs->rdi + size - 1) ||
		   regs->rdi + size - 1 < regs->rdi) {
		return false;
	} else if (!guest_accessible(regs->rdi, size)) {
		want_injected = (struct ht_injected){TRAP_PF, PFEC_W, regs->rdi};
		return true;
	}
	done_with(insn, regs);
	return true;
}

bool model_execute(const struct model_insn *insn, struct cpu_user_regs *regs)
{
	bool done;

	if (insn->kind == M_CPUID || insn->kind == M_FORCED_CPUID) {
		done = true; /* what it says: model_check_cpuid() */
	} else if (insn->kind >= M_IN && insn->kind <= M_OUTS) {
		done = port_insn(insn, regs);
	} else if (insn->kind == M_SMSW || insn->kind == M_SMSW_MEM || insn->kind == M_SGDT_SIDT) {
		return store_insn(insn, regs);
	} else {
		done = ME->kernel && kernel_insn(insn, regs);
	}
	if (done && (insn->kind < M_INS || insn->kind > M_OUTS))
		done_with(insn, regs);
	return done;
}

static void compare(const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		panic("%s is %#lx, the model says %#lx", what, is, should);
}

static void compare_ports(void)
{
	compare("number of port accesses", ht_port_accesses, want_accesses);
	for (unsigned int i = 0; i < want_accesses; i++) {
		const struct ht_port_access *is = &ht_port_log[i], *want = &want_log[i];

		if (is->write != want->write || is->pci != want->pci || is->port != want->port ||
		    is->size != want->size || is->val != want->val)
			panic("access %u: %s of %u at port %#x, %#x", i,
			      is->write ? "write" : "read", is->size, is->port, is->val);
	}
	want_accesses = 0;
	ht_ports_clear();
}

void model_compare(void)
{
	const struct arch_vcpu *a = &current->arch;

	compare_ports();
	compare("CR0", ht_regs.cr0, CR0_SEEN | (ME->ts ? X86_CR0_TS : 0));
	compare("TS", a->cr0_ts, ME->ts);
	compare("CR2", a->cr2, ME->cr2);
	compare("the guest's CR4", a->cr4, ME->cr4);
	compare("CR4", ht_regs.cr4,
		cr4_base | (ME->cr4 & (X86_CR4_TSD | X86_CR4_DE | X86_CR4_FSGSBASE)));
	compare("XCR0", ht_regs.xcr0, ME->xcr0);
	compare("XCR0 of the vCPU", a->xcr0, ME->xcr0);
	compare("FS base", ht_regs.fs_base, ME->fs_base);
	compare("GS base", ht_regs.gs_base, ME->gs_base);
	compare("the other GS base", ht_regs.kernel_gs_base, ME->kernel_gs_base);
	for (unsigned int i = 0; i < 8; i++)
		compare("a debug register", a->debugreg[i], ME->dr[i]);
	compare("mode", a->in_kernel, ME->kernel);
	compare("I/O level", a->iopl, ME->iopl);
	compare("blocks", ht_blocks, want_blocks);
	compare("what was injected", (uint64_t)ht_injected.vector, (uint64_t)want_injected.vector);
	if (ht_injected.vector >= 0) {
		compare("the address of the fault", ht_injected.cr2, want_injected.cr2);
		compare("the error code", ht_injected.error, want_injected.error);
	}
	ht_injected.vector = want_injected.vector = -1;
}

/* Features that no guest may see: they need privilege, or their state isn't switched. */
static const struct {
	uint32_t leaf;
	uint32_t b, c, d;
} hidden[] = {
	/* C: MONITOR DS-CPL VMX SMX EIST TM2 PDCM PCID x2APIC TSC-deadline;
	   D: VME PSE MTRR PGE PSE36 DS TM PBE */
	{1, 0, 0x012281f8, 0xa022300a},
	/* B: SMEP INVPCID MPX SMAP PT; C: UMIP PKU OSPKE WAITPKG CET LA57; D: CET, IBRS ... */
	{7, 0x02104480, 0x000100bc, 0xfff00000},
	/* C: SVM EXTAPIC IBS SKINIT WDT; D: PSE36 1-GiB pages */
	{0x80000001, 0, 0x0000340c, 0x04020000},
};

void model_check_cpuid(uint32_t leaf, uint32_t subleaf, const struct cpu_user_regs *regs)
{
	const uint32_t *removed = ME->removed;

	if ((regs->rax | regs->rbx | regs->rcx | regs->rdx) >> 32)
		panic("CPUID leaves more than 32 bits");
	for (unsigned int i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (leaf != hidden[i].leaf || (leaf == 7 && subleaf))
			continue;
		if (regs->rbx & hidden[i].b || regs->rcx & hidden[i].c || regs->rdx & hidden[i].d)
			panic("CPUID %#x: %#lx %#lx %#lx", leaf, regs->rbx, regs->rcx, regs->rdx);
		if ((i == 1 ? regs->rbx : regs->rcx) & removed[i])
			panic("CPUID %#x has features that were taken away", leaf);
	}
	if (leaf == 1 && regs->rbx >> 24)
		panic("CPUID: APIC %lu of vCPU 0", regs->rbx >> 24);
	if (leaf == 0x40000000)
		compare("the signature", regs->rbx, 0x566e6558);
}
