/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X6) Carrying out the instructions that a guest's kernel, in ring 3, can't:
 * privileged ones (after #GP), CPUID behind its prefix (after #UD), and direct
 * writes to L1 page tables (after #PF). Decoding is insn.c's.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/traps.h>

#include "insn.h"

#define FORCED_PREFIX_LEN 5
#define PT_WRITE_TRIES    16
#define STRING_IO_BATCH   64

#define CR0_VIEW \
	(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP | X86_CR0_PE | X86_CR0_AM)

/* Up to 15 bytes at rip; how many could be read. */
static size_t fetch(unsigned long rip, uint8_t buf[INSN_MAX_LEN])
{
	size_t first = min((size_t)INSN_MAX_LEN, PAGE_SIZE - (rip & (PAGE_SIZE - 1)));

	if (guest_copy_in(buf, rip, first))
		return 0;
	if (first < INSN_MAX_LEN && guest_copy_in(buf + first, rip + first, INSN_MAX_LEN - first))
		return first;
	return INSN_MAX_LEN;
}

/* Is the code segment a 32-bit one? From the access rights of the selector. */
static bool code_is_32bit(const struct cpu_user_regs *regs)
{
	uint32_t ar = 0;

	__asm__("lar %1, %0" : "+r"(ar) : "r"((uint32_t)regs->cs) : "cc");
	return !(ar & (1U << 21));
}

static void make_ctx(struct insn_ctx *ctx, const struct cpu_user_regs *regs)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->regs = regs;
	ctx->code32 = code_is_32bit(regs);
	ctx->seg_base[INSN_FS] = rdmsr(MSR_FS_BASE);
	ctx->seg_base[INSN_GS] = rdmsr(MSR_GS_BASE);
}

/* ---- I/O ports ------------------------------------------------------------------- */

static bool io_allowed(struct vcpu *v, unsigned int port, unsigned int bytes)
{
	uint8_t map[2];
	unsigned int mask = (1U << bytes) - 1;

	if (v->arch.iopl >= (v->arch.in_kernel ? 1 : 3))
		return true;
	if (port + bytes > v->arch.io_bitmap_ports ||
	    guest_copy_in(map, v->arch.io_bitmap + port / 8, sizeof(map)))
		return false;
	return !((map[0] | map[1] << 8) >> (port % 8) & mask);
}

static bool string_io(struct vcpu *v, struct cpu_user_regs *regs, const struct insn_ctx *ctx,
		      const struct insn_priv *p)
{
	bool down = regs->rflags & X86_EFLAGS_DF;
	uint64_t n = min(insn_string_count(regs, p), (uint64_t)STRING_IO_BATCH), i;

	for (i = 0; i < n; i++) {
		uint64_t addr = down ? p->addr - i * p->size : p->addr + i * p->size;
		uint32_t val = 0;

		if (p->kind == INSN_INS) {
			val = ioport_guest_read(v, p->port, p->size);
			if (guest_copy_out(addr, &val, p->size)) {
				insn_string_commit(regs, ctx->code32, p, i);
				pv_inject_page_fault(v, addr, PFEC_W);
				return true;
			}
		} else {
			if (guest_copy_in(&val, addr, p->size)) {
				insn_string_commit(regs, ctx->code32, p, i);
				pv_inject_page_fault(v, addr, 0);
				return true;
			}
			ioport_guest_write(v, p->port, p->size, val);
		}
	}
	/* What is left is done when the guest runs into the instruction again. */
	insn_string_commit(regs, ctx->code32, p, n);
	return true;
}

static bool do_io(struct vcpu *v, struct cpu_user_regs *regs, const struct insn_ctx *ctx,
		  const struct insn_priv *p)
{
	if (!io_allowed(v, p->port, p->size))
		return false;
	switch (p->kind) {
	case INSN_IN:
		insn_reg_write(regs, 0, p->size, ioport_guest_read(v, p->port, p->size));
		break;
	case INSN_OUT:
		ioport_guest_write(v, p->port, p->size, (uint32_t)insn_reg_read(regs, 0, p->size));
		break;
	default:
		return string_io(v, regs, ctx, p);
	}
	insn_advance(regs, ctx->code32, p->len);
	return true;
}

/* ---- control registers, MSRs and the rest: the guest's kernel only ----------------- */

static unsigned long guest_cr0(const struct vcpu *v)
{
	return CR0_VIEW | (v->arch.cr0_ts ? X86_CR0_TS : 0);
}

static bool read_cr(struct vcpu *v, unsigned int cr, uint64_t *ret)
{
	switch (cr) {
	case 0:
		*ret = guest_cr0(v);
		return true;
	case 2:
		*ret = v->arch.cr2;
		return true;
	case 3:
		*ret = xen_pfn_to_cr3(mfn_x(page_to_mfn(v->arch.root)));
		return true;
	case 4:
		*ret = v->arch.cr4;
		return true;
	default:
		return false;
	}
}

static bool write_cr(struct vcpu *v, unsigned int cr, uint64_t val)
{
	switch (cr) {
	case 0:
		pv_set_ts(v, val & X86_CR0_TS);
		return true;
	case 2:
		v->arch.cr2 = val;
		return true;
	case 4:
		/* Bits that aren't the guest's stay as they are, without a fault. */
		v->arch.cr4 = pv_cr4_default(v) | (val & pv_cr4_allowed(v));
		write_cr4(cr4_base | (v->arch.cr4 & pv_cr4_allowed(v)));
		return true;
	default:
		return false; /* CR3: MMUEXT_NEW_BASEPTR */
	}
}

static void set_edx_eax(struct cpu_user_regs *regs, uint64_t val)
{
	regs->rax = (uint32_t)val;
	regs->rdx = val >> 32;
}

static uint64_t edx_eax(const struct cpu_user_regs *regs)
{
	return (regs->rdx << 32) | (uint32_t)regs->rax;
}

static void do_cpuid(struct vcpu *v, struct cpu_user_regs *regs)
{
	uint32_t r[4];

	pv_cpuid(v, (uint32_t)regs->rax, (uint32_t)regs->rcx, r);
	regs->rax = r[0];
	regs->rbx = r[1];
	regs->rcx = r[2];
	regs->rdx = r[3];
}

static bool is_store(const struct insn_priv *p)
{
	return p->kind == INSN_SMSW || p->kind == INSN_SLDT || p->kind == INSN_STR ||
	       p->kind == INSN_SGDT || p->kind == INSN_SIDT;
}

/*
 * What any mode may ask where the CPU has no UMIP, and old programs do: where the
 * tables are and the machine status word. The tables are ours, so their addresses
 * are none. False: the guest has got a page fault.
 */
static bool store_system_register(struct vcpu *v, struct cpu_user_regs *regs,
				  const struct insn_priv *p)
{
	/* A table's limit and base */
	uint64_t val[2] = {0xffffffff00000000, 0xffff};

	if (p->kind == INSN_SMSW)
		val[0] = guest_cr0(v);
	else if (p->kind == INSN_SLDT)
		val[0] = v->arch.ldt_entries ? SEL_LDT : 0;
	else if (p->kind == INSN_STR)
		val[0] = SEL_TSS;
	if (!p->mem) {
		insn_reg_write(regs, p->reg, p->size, val[0]);
		return true;
	}
	if (!guest_copy_out(p->addr, val, p->size))
		return true;
	pv_inject_page_fault(v, p->addr, PFEC_W);
	return false;
}

static bool kernel_op(struct vcpu *v, struct cpu_user_regs *regs, const struct insn_priv *p)
{
	uint64_t val;

	switch (p->kind) {
	case INSN_RDMSR:
		if (!pv_read_msr(v, (uint32_t)regs->rcx, &val))
			return false;
		set_edx_eax(regs, val);
		return true;
	case INSN_WRMSR:
		return pv_write_msr(v, (uint32_t)regs->rcx, edx_eax(regs));
	case INSN_XSETBV:
		return (uint32_t)regs->rcx == 0 && xstate_set_xcr0(v, edx_eax(regs));
	case INSN_CLTS:
		pv_set_ts(v, false);
		return true;
	case INSN_HLT:
		vcpu_block(v);
		return true;
	case INSN_CLI:
	case INSN_STI:
		/* Interrupts are masked in vcpu_info; POPF couldn't be followed anyway. */
		return v->arch.iopl >= 1;
	case INSN_INVD:
	case INSN_WBINVD:
		if (v->domain->is_hardware)
			cpu_flush_caches();
		return true;
	case INSN_INVLPG:
		if (is_canonical(p->addr))
			tlb_flush_local_one(p->addr);
		return true;
	case INSN_LMSW:
		if (!p->mem)
			pv_set_ts(v, insn_reg_read(regs, p->reg, 2) & X86_CR0_TS);
		return !p->mem;
	case INSN_MOV_FROM_CR:
		if (!read_cr(v, p->index, &val))
			return false;
		insn_reg_write(regs, p->reg, 8, val);
		return true;
	case INSN_MOV_TO_CR:
		return write_cr(v, p->index, insn_reg_read(regs, p->reg, 8));
	case INSN_MOV_FROM_DR:
		insn_reg_write(regs, p->reg, 8,
			       v->arch.debugreg[p->index < 4 ? p->index : p->index | 2]);
		return true;
	case INSN_MOV_TO_DR:
		return !pv_set_debugreg(v, p->index, insn_reg_read(regs, p->reg, 8));
	default:
		return false; /* RDPMC: no counters */
	}
}

bool pv_emulate_privileged(struct cpu_user_regs *regs)
{
	struct vcpu *v = current;
	uint8_t bytes[INSN_MAX_LEN];
	struct insn_priv p;
	struct insn_ctx ctx;
	enum insn_status st;
	size_t n;

	/* Some CPUs only find out when they fetch there: a #GP, and no page fault. */
	if (!is_canonical(regs->rip))
		return false;
	n = fetch(regs->rip, bytes);
	make_ctx(&ctx, regs);
	st = insn_priv_decode(&ctx, bytes, n, &p);
	if (st == INSN_FETCH) {
		pv_inject_page_fault(v, regs->rip + n, PFEC_I);
		return true;
	}
	if (st != INSN_OK)
		return false;
	if (p.kind == INSN_IN || p.kind == INSN_OUT || p.kind == INSN_INS || p.kind == INSN_OUTS)
		return do_io(v, regs, &ctx, &p);
	if (is_store(&p)) {
		if (store_system_register(v, regs, &p))
			insn_advance(regs, ctx.code32, p.len);
		return true;
	}
	if (p.kind == INSN_CPUID)
		do_cpuid(v, regs);
	else if (!v->arch.in_kernel || !kernel_op(v, regs, &p))
		return false;
	insn_advance(regs, ctx.code32, p.len);
	return true;
}

bool pv_emulate_forced_cpuid(struct cpu_user_regs *regs)
{
	static const uint8_t want[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
	uint8_t got[sizeof(want)];

	if (guest_copy_in(got, regs->rip, sizeof(got)) || memcmp(got, want, sizeof(want)))
		return false;
	do_cpuid(current, regs);
	insn_advance(regs, false, sizeof(want));
	return true;
}

/* ---- writes to page tables ------------------------------------------------------------ */

/* The entry of an L1 table in use that the guest's address @va shows. pt_lock held. */
static uint64_t *shown_entry(struct vcpu *v, unsigned long va)
{
	uint64_t *l1e = pt_find_l1e(v->arch.root, va), pte;
	struct page_info *pg;

	pte = l1e ? READ_ONCE(*l1e) : 0;
	if (!(pte & PTE_P) || !mfn_valid(pte_mfn(pte)))
		return NULL;
	pg = mfn_to_page(pte_mfn(pte));
	if (page_owner_id(pg) != v->domain->id || !page_type_is(pg, PGT_l1))
		return NULL;
	return (uint64_t *)((char *)page_to_virt(pg) + (va & (PAGE_SIZE - 1) & ~7UL));
}

/* One try. 0: done; -EAGAIN: the entry changed under our hands; else: not for us. */
static int write_entry(struct vcpu *v, struct cpu_user_regs *regs, const struct insn_rmw *rmw,
		       uint64_t src)
{
	unsigned int shift = (rmw->addr & 7) * 8;
	uint64_t mask = (rmw->size == 8 ? ~0ULL : (1ULL << rmw->size * 8) - 1) << shift;
	struct insn_rmw_result res;
	uint64_t *ptr, old, in[2] = {0, 0};
	int rc = 0;

	spin_lock(&v->domain->pt_lock);
	ptr = shown_entry(v, rmw->addr);
	if (!ptr) {
		rc = -EINVAL;
	} else {
		old = READ_ONCE(*ptr);
		in[0] = (old & mask) >> shift;
		insn_rmw_execute(rmw, regs, in, src, &res);
		if (res.write)
			rc = pt_write_l1e(v->domain, v->domain, ptr,
					  (old & ~mask) | (res.value[0] << shift & mask), false,
					  &old);
	}
	spin_unlock(&v->domain->pt_lock);
	if (!rc)
		*regs = res.regs;
	return rc;
}

/* Decodes the instruction that faulted for writing at @cr2. */
static bool decode_write(const struct cpu_user_regs *regs, unsigned long cr2, struct insn_rmw *rmw)
{
	uint8_t bytes[INSN_MAX_LEN];
	struct insn_ctx ctx;

	make_ctx(&ctx, regs);
	return !ctx.code32 &&
	       insn_rmw_decode(&ctx, bytes, fetch(regs->rip, bytes), rmw) == INSN_OK &&
	       !((rmw->addr ^ cr2) & ~7UL) && (rmw->addr & 7) + rmw->size <= 8;
}

bool pv_emulate_pt_write(struct cpu_user_regs *regs, unsigned long cr2)
{
	struct vcpu *v = current;
	struct insn_rmw rmw;
	uint64_t src = 0;
	int rc = -EAGAIN;
	bool ours;

	spin_lock(&v->domain->pt_lock);
	ours = shown_entry(v, cr2) != NULL;
	spin_unlock(&v->domain->pt_lock);
	if (!ours)
		return false;
	if (!decode_write(regs, cr2, &rmw))
		return false;
	if (rmw.kind == INSN_MOVS && guest_copy_in(&src, rmw.src_addr, rmw.size))
		return false;
	for (unsigned int i = 0; i < PT_WRITE_TRIES && rc == -EAGAIN; i++)
		rc = write_entry(v, regs, &rmw, src);
	/* Lost every race, or not done yet: the guest executes it again. */
	return !rc || rc == -EAGAIN || rc == -ERESTART;
}

/* Does @va show a page of device registers that domains may only read? */
static bool shows_read_only_io(struct vcpu *v, unsigned long va)
{
	const struct page_info *root = v->arch.in_kernel ? v->arch.root : v->arch.user_root;
	uint64_t *l1e, pte;

	spin_lock(&v->domain->pt_lock);
	l1e = pt_find_l1e(root, va);
	pte = l1e ? READ_ONCE(*l1e) : 0;
	spin_unlock(&v->domain->pt_lock);
	return (pte & PTE_P) && !mfn_valid(pte_mfn(pte)) && iomem_read_only(pte_mfn(pte));
}

bool pv_drop_io_write(struct cpu_user_regs *regs, unsigned long cr2)
{
	struct insn_rmw_result res;
	struct insn_rmw rmw;
	uint64_t src = 0, in[2] = {0, 0};

	if (!shows_read_only_io(current, cr2) || !decode_write(regs, cr2, &rmw) ||
	    guest_copy_in(in, rmw.addr, rmw.size) ||
	    (rmw.kind == INSN_MOVS && guest_copy_in(&src, rmw.src_addr, rmw.size)))
		return false;
	insn_rmw_execute(&rmw, regs, in, src, &res);
	*regs = res.regs;
	return true;
}
