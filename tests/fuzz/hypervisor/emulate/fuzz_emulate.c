/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer on the emulation of instructions: of the kernel and the programs of two
 * domains, the first of which drives the machine. Most instructions are made of an
 * encoding that the model (model.h) knows; some are any bytes, where the fake CPU
 * looks for what no guest may do. Direct writes to L1 tables are checked by the rules
 * of page tables, and by the audit of the memory fuzzer. Tries X3, X6, R3.
 *
 * The domains live on from input to input, so that a run costs microseconds; what an
 * input has changed is put back at the start of the next.
 */
#include <sys/mman.h>

#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <hv/rangeset.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/traps.h>

#include "hypervisor/x86/pv/insn.h"
#include "tests/fuzz/hypervisor/mm/audit.h"
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CODE64 0x33
#define CODE32 0x23
#define RO     (PTE_P | PTE_US | PTE_A | PTE_D)
#define RW     (RO | PTE_RW)
#define L1_VA  0x1000UL /* where a domain's L1 table shows itself */
#define FRAMES 256
#define PAGES  8 /* of guest memory that instructions use: code, data, bitmap */

static const uint8_t *input, *input_end;
static uint8_t *memory;
static struct domain *dom[AUDIT_DOMAINS];
static mfn_t tables[MODEL_DOMAINS][4], page[MODEL_DOMAINS];
#define L1(id) tables[id][0]
static struct cpuid_policy policy[MODEL_DOMAINS];
static uint64_t fault_start, fault_len;
static struct cpu_user_regs regs;
static uint32_t touched; /* slots of the L1 tables */

static unsigned int next(void)
{
	return input < input_end ? *input++ : 0;
}

static uint64_t next64(void)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < 8; i++)
		v = v << 8 | next();
	return v;
}

bool guest_accessible(uint64_t va, unsigned int n)
{
	return va >= ht_va(memory) && va + n >= va && va + n <= ht_va(memory) + PAGES * PAGE_SIZE &&
	       (!fault_len || va >= fault_start + fault_len || va + n <= fault_start);
}

/* ---- the machine -------------------------------------------------------------------- */

static mfn_t table(struct domain *d, mfn_t to)
{
	mfn_t mfn = ht_domain_page(d);

	((uint64_t *)mfn_to_virt(mfn))[0] = pte_make(to, RW);
	return mfn;
}

static void make_domain(unsigned int id)
{
	struct domain *d = dom[id] = ht_domain_new(id, 1, 0);
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	struct vcpu *v = d->vcpu[0];

	if (!c || arch_domain_create(d, NULL) || grant_table_create(d, 2, 1, 2) ||
	    arch_vcpu_create(v))
		panic("no domain");
	page[id] = ht_domain_page(d);
	for (unsigned int i = 0; i < 4; i++)
		tables[id][i] = table(d, i ? tables[id][i - 1] : page[id]);
	((uint64_t *)mfn_to_virt(L1(id)))[1] = pte_make(L1(id), RO);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(tables[id][3]));
	if (arch_vcpu_set_context(v, c))
		panic("no vCPU");
	hv_free(c);
	v->arch.loaded_cpu = id;
	d->dirty_cpus.bits |= 1UL << id;
	policy[id] = *d->arch.cpuid;
}

static void make_world(void)
{
	memory = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (memory == MAP_FAILED)
		panic("no memory below 4 GiB");
	ht_guest_window(memory, PAGES * PAGE_SIZE);
	ht_machine_init_frames(FRAMES);
	ioport_deny(DENIED_FIRST, DENIED_LAST - DENIED_FIRST + 1);
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++)
		make_domain(i);
}

/* What the CPU has of a vCPU while it runs. */
static void become(unsigned int id)
{
	struct arch_vcpu *a = &dom[id]->vcpu[0]->arch;
	struct model_vcpu *m = &model[id];

	model_me = id;
	ht_cpu = id;
	ht_run(dom[id], 0);
	ht_regs.cr0 = 0x80050033UL | (m->ts ? X86_CR0_TS : 0);
	ht_regs.cr4 = cr4_base | (m->cr4 & (X86_CR4_TSD | X86_CR4_DE | X86_CR4_FSGSBASE));
	ht_regs.xcr0 = m->xcr0;
	ht_regs.fs_base = m->fs_base;
	ht_regs.gs_base = m->gs_base;
	ht_regs.kernel_gs_base = m->kernel_gs_base;
	ht_regs.apic_base = 0xfee00d00;
	a->in_kernel = m->kernel;
	a->iopl = m->iopl;
	a->io_bitmap = m->bitmap;
	a->io_bitmap_ports = m->bitmap_ports;
}

static void clear_slots(unsigned int id)
{
	struct domain *d = dom[id];

	spin_lock(&d->pt_lock);
	for (unsigned int i = 2; i < 32; i++) {
		if (touched & 1U << i &&
		    pt_write_l1e(d, d, (uint64_t *)mfn_to_virt(L1(id)) + i, 0, false, NULL))
			panic("an entry can't be cleared");
	}
	spin_unlock(&d->pt_lock);
}

static void reset_world(void)
{
	model_reset();
	fault_len = 0;
	ht_guest_fault(NULL, 0);
	ht_ports_clear();
	ht_blocks = 0;
	ht_injected.vector = -1;
	memset(memory + 4 * PAGE_SIZE, 0, 3 * PAGE_SIZE);
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++) {
		struct arch_vcpu *a = &dom[i]->vcpu[0]->arch;

		model[i] = (struct model_vcpu){.kernel = true,
					       .bitmap = ht_va(memory) + 4 * PAGE_SIZE,
					       .bitmap_ports = MODEL_PORTS,
					       .cr3 = xen_pfn_to_cr3(mfn_x(tables[i][3])),
					       .cr4 = pv_cr4_default(NULL),
					       .xcr0 = 1};
		a->cr0_ts = false;
		a->cr2 = 0;
		a->cr4 = model[i].cr4;
		a->xcr0 = a->xcr0_accum = 1;
		memset(a->debugreg, 0, sizeof(a->debugreg));
		*dom[i]->arch.cpuid = policy[i];
		if (touched)
			clear_slots(i);
	}
	(void)ioport_permit(dom[1], 0, MODEL_PORTS, false);
	(void)rangeset_add(dom[0]->arch.ioports, 0, MODEL_PORTS - 1);
	touched = 0;
	become(1);
}

/* ---- choices ------------------------------------------------------------------------ */

static unsigned int some_port(void)
{
	static const uint16_t ports[] = {0,     0x60,  0x80,  0x3f7, 0x3f5, 0x3f8,  0x3ff,  0x400,
					 0xcf7, 0xcf8, 0xcfc, 0xcff, 0xd00, 0xfff8, 0xfffd, 0xffff};
	unsigned int n = next();

	return n < 0xc0 ? ports[n % ARRAY_SIZE(ports)] + (n >> 4 & 3) : n << 8 | next();
}

static uint64_t some_address(void)
{
	static const uint64_t odd[] = {0,
				       1UL << 47,
				       ~0UL,
				       0x7fffffffffff,
				       0xffff800000000000,
				       0xffff87ffffffffff,
				       0x8000000000000000,
				       0xffff880000000000};
	unsigned int n = next();

	if (n < 0xd0)
		return ht_va(memory) + (n & 3) * PAGE_SIZE + (n & 0x10 ? PAGE_SIZE - (n & 7) : n);
	return n < 0xf0 ? odd[n % ARRAY_SIZE(odd)] : next64();
}

static uint64_t some_value(void)
{
	unsigned int n = next();

	return n < 0x40   ? n
	       : n < 0x80 ? 1UL << n % 64
	       : n < 0xa0 ? ~(1UL << n % 64)
	       : n < 0xc0 ? (uint32_t)next64()
	       : n < 0xe0 ? some_address()
			  : next64();
}

static uint32_t some_msr(void)
{
	static const uint32_t msrs[] = {MSR_FS_BASE, MSR_GS_BASE,   MSR_KERNEL_GS_BASE,
					MSR_EFER,    MSR_PAT,       MSR_TSC,
					0x8b,        MSR_APIC_BASE, MSR_MISC_ENABLE,
					MSR_LSTAR,   MSR_STAR,      MSR_SFMASK,
					0x174,       0x1d9,         0x48,
					0x49,        0x179,         0x17a,
					MSR_TSC_AUX, 0x140};
	unsigned int n = next();

	return n < 0xf0 ? msrs[n % ARRAY_SIZE(msrs)] : (uint32_t)next64();
}

/* Registers, and an instruction pointer at @at of the code page. */
static void some_regs(unsigned int at)
{
	memset(&regs, 0, sizeof(regs));
	for (unsigned int i = 0; i < 16; i++)
		*model_reg(&regs, i) = i * 0x1111111111111111UL;
	regs.rax = some_value();
	regs.rcx = some_value();
	regs.rdx = some_value();
	regs.rsi = some_address();
	regs.rdi = some_address();
	regs.rflags = X86_EFLAGS_IF | 2 | (next() & 1 ? X86_EFLAGS_DF : 0) |
		      (next() & 1 ? X86_EFLAGS_RF : 0);
	regs.cs = CODE64;
	regs.ss = 0x2b;
	regs.rip = ht_va(memory) + at;
}

/* ---- instructions --------------------------------------------------------------------- */

struct bytes {
	uint8_t b[16];
	unsigned int n;
};

static void put(struct bytes *c, unsigned int nr, const uint8_t *b)
{
	memcpy(c->b + c->n, b, nr);
	c->n += nr;
}

#define PUT(c, ...)                                 \
	do {                                        \
		const uint8_t b_[] = {__VA_ARGS__}; \
		put(c, sizeof(b_), b_);             \
	} while (0)

/* REX for a ModRM whose two fields go from 0 to 15. */
static void put_mod(struct bytes *c, uint8_t op, unsigned int reg, unsigned int rm)
{
	if (reg > 7 || rm > 7)
		PUT(c, (uint8_t)(0x40 | (reg > 7) << 2 | (rm > 7)));
	PUT(c, 0x0f, op, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

static void encode_port(struct bytes *c, struct model_insn *m)
{
	unsigned int n = next(), wide = n % 3;
	bool in = m->kind == M_IN || m->kind == M_INS;

	m->size = 1U << wide;
	m->port = some_port() & 0xffff;
	if (wide == 1)
		PUT(c, 0x66);
	if (m->kind >= M_INS) {
		m->rep = n & 0x40;
		if (m->rep)
			PUT(c, 0xf3);
		if (m->rep)
			regs.rcx = n & 0x20 ? next() : next() & 7;
		PUT(c, (uint8_t)((in ? 0x6c : 0x6e) + (wide != 0)));
	} else if (n & 0x80) {
		m->port &= 0xff;
		PUT(c, (uint8_t)((in ? 0xe4 : 0xe6) + (wide != 0)), (uint8_t)m->port);
	} else {
		PUT(c, (uint8_t)((in ? 0xec : 0xee) + (wide != 0)));
	}
	regs.rdx = (regs.rdx & ~0xffffUL) | m->port;
}

static void encode(struct bytes *c, struct model_insn *m)
{
	static const uint8_t plain[M_KINDS][3] = {
		[M_CPUID] = {0x0f, 0xa2},          [M_RDMSR] = {0x0f, 0x32},
		[M_WRMSR] = {0x0f, 0x30},          [M_CLTS] = {0x0f, 0x06},
		[M_XSETBV] = {0x0f, 0x01, 0xd1},   [M_INVLPG] = {0x0f, 0x01, 0x3f},
		[M_LMSW_MEM] = {0x0f, 0x01, 0x37}, [M_SMSW_MEM] = {0x0f, 0x01, 0x27},
	};
	unsigned int n = next();

	m->reg = n & 15;
	m->index = n >> 4;
	switch (m->kind) {
	case M_HLT:
		PUT(c, 0xf4);
		break;
	case M_CLI_STI:
		PUT(c, (uint8_t)(0xfa + (n & 1)));
		break;
	case M_INVD:
		PUT(c, 0x0f, (uint8_t)(0x08 + (n & 1)));
		break;
	case M_NOTHING:
		if (n & 1)
			PUT(c, 0x0f, (uint8_t)(n & 2 ? 0x33 : 0x31));
		else
			PUT(c, 0x90);
		break;
	case M_SGDT_SIDT:
		PUT(c, 0x0f, 0x01, (uint8_t)(n & 1 ? 0x07 : 0x0f));
		break;
	case M_FORCED_CPUID:
		PUT(c, 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2);
		break;
	case M_LMSW:
	case M_SMSW:
		m->reg &= 7;
		m->size = n & 0x80 ? 2 : 4;
		if (m->size == 2)
			PUT(c, 0x66);
		PUT(c, 0x0f, 0x01, (uint8_t)((m->kind == M_LMSW ? 0xf0 : 0xe0) | m->reg));
		break;
	case M_FROM_CR:
	case M_TO_CR:
		put_mod(c, m->kind == M_FROM_CR ? 0x20 : 0x22, m->index, m->reg);
		break;
	case M_FROM_DR:
	case M_TO_DR:
		put_mod(c, m->kind == M_FROM_DR ? 0x21 : 0x23, m->index, m->reg);
		break;
	case M_IN:
	case M_OUT:
	case M_INS:
	case M_OUTS:
		encode_port(c, m);
		break;
	default:
		put(c, plain[m->kind][2] ? 3 : 2, plain[m->kind]);
		break;
	}
	m->len = c->n;
}

static void compare_regs(const struct cpu_user_regs *want, enum model_kind kind)
{
	if (memcmp(&regs, want, sizeof(regs)))
		panic("instruction %u: rip %#lx %#lx, rax %#lx %#lx, rcx %#lx %#lx", kind, regs.rip,
		      want->rip, regs.rax, want->rax, regs.rcx, want->rcx);
}

static void op_insn(void)
{
	struct model_insn m = {.kind = next() % M_KINDS};
	struct bytes c = {.n = 0};
	struct cpu_user_regs want;
	bool wanted, done;
	uint32_t leaf, subleaf;

	some_regs(64);
	if (m.kind == M_RDMSR || m.kind == M_WRMSR)
		regs.rcx = some_msr();
	if (m.kind == M_WRMSR && next() & 1)
		regs.rdx = next() & 1 ? 0xffff8000 : 0x7fff;
	if (m.kind == M_XSETBV) {
		regs.rcx = next() & 3 ? 0 : regs.rcx;
		regs.rdx = next() & 3 ? 0 : regs.rdx;
		regs.rax = next() & 7;
	}
	encode(&c, &m);
	if (!guest_accessible(regs.rip, INSN_MAX_LEN))
		return;
	memcpy(memory + 64, c.b, sizeof(c.b));
	want = regs;
	wanted = model_execute(&m, &want);
	leaf = (uint32_t)regs.rax;
	subleaf = (uint32_t)regs.rcx;
	done = m.kind == M_FORCED_CPUID ? pv_emulate_forced_cpuid(&regs)
					: pv_emulate_privileged(&regs);
	if (done != wanted)
		panic("instruction %u by %s of d%u: %s", m.kind,
		      model[model_me].kernel ? "the kernel" : "a program", model_me,
		      done ? "carried out" : "refused");
	if (m.kind <= M_FORCED_CPUID) {
		model_check_cpuid(leaf, subleaf, &regs);
		want.rax = regs.rax;
		want.rbx = regs.rbx;
		want.rcx = regs.rcx;
		want.rdx = regs.rdx;
	}
	compare_regs(&want, m.kind);
}

/* Any bytes, at the end of what can be read, too. What it does, the model takes over. */
static void op_bytes(void)
{
	struct model_vcpu *m = &model[model_me];
	unsigned int n = next(), len = n & 15, at = n & 0x10 ? PAGE_SIZE - len : 96;
	unsigned int blocks = ht_blocks;
	struct cpu_user_regs was;
	bool done;

	some_regs(at);
	if (n & 0x20)
		regs.cs = CODE32;
	for (unsigned int i = 0; i < len; i++)
		memory[at + i] = (uint8_t)next();
	was = regs;
	ht_ports_clear();
	done = n & 0x40 ? pv_emulate_forced_cpuid(&regs) : pv_emulate_privileged(&regs);
	if (!done)
		compare_regs(&was, M_NOTHING);
	if (regs.cs != was.cs || regs.ss != was.ss || (regs.rflags ^ was.rflags) & ~X86_EFLAGS_RF ||
	    regs.rip - was.rip > 15)
		panic("more has changed than an instruction can");
	if (!m->kernel && ht_port_accesses && m->iopl < 3 && !m->bitmap_ports)
		panic("a program gets at ports");
	for (unsigned int i = 0; i < ht_port_accesses; i++) {
		const struct ht_port_access *a = &ht_port_log[i];

		for (unsigned int p = a->port; p < a->port + a->size; p++) {
			if (!ioport_access_ok(dom[model_me], p, 1))
				panic("port %#x of others", p);
		}
	}
	ht_ports_clear();
	ht_blocks = blocks;
	ht_injected.vector = -1;
	/* Whatever a kernel has done to its own registers, it may. Programs can't. */
	if (!m->kernel)
		return;
	m->ts = current->arch.cr0_ts;
	m->cr2 = current->arch.cr2;
	m->cr4 = current->arch.cr4;
	m->xcr0 = current->arch.xcr0;
	memcpy(m->dr, current->arch.debugreg, sizeof(m->dr));
	m->fs_base = ht_regs.fs_base;
	m->gs_base = ht_regs.gs_base;
	m->kernel_gs_base = ht_regs.kernel_gs_base;
}

/* ---- writes to page tables ------------------------------------------------------------- */

static bool may_map(uint64_t pte)
{
	uint64_t mfn = (pte & PTE_ADDR_MASK) >> PAGE_SHIFT;

	if (!(pte & PTE_P))
		return true;
	if (pte & ~(0xfffUL | PTE_ADDR_MASK | PTE_AVAIL_HIGH | PTE_NX))
		return false;
	/* Of what isn't RAM: the domain that drives the machine, anything. */
	if (!mfn || mfn >= FRAMES)
		return model_me == 0 && mfn < 1UL << (cpu_paddr_bits - PAGE_SHIFT);
	/* Uncached memory: the same one. */
	if (model_me && pte & (PTE_PWT | PTE_PCD | PTE_PAT))
		return false;
	/* Of its own memory: tables read-only, the rest as it likes. */
	if (page_owner_id(mfn_to_page(_mfn(mfn))) != model_me)
		return false;
	for (unsigned int i = 0; pte & PTE_RW && i < 4; i++) {
		if (mfn == mfn_x(tables[model_me][i]))
			return false;
	}
	return true;
}

static uint64_t some_pte(void)
{
	static const uint64_t flags[] = {RW,         RO, RW | PTE_NX, PTE_P | PTE_RW,
					 RO | PTE_G, 0,  PTE_RW,      RO | PTE_AVAIL};
	unsigned int n = next();
	mfn_t mfn = n & 0x80   ? L1(n & 1)
		    : n & 0x40 ? page[n & 1]
		    : n & 0x20 ? page[model_me]
			       : _mfn(n & 0x10 ? FRAMES - 1 + (n & 1) : 0);

	return pte_make(mfn, flags[next() % ARRAY_SIZE(flags)]);
}

enum { W_MOV, W_MOV32, W_XCHG, W_CMPXCHG, W_OR, W_AND, W_STOS, W_MOVS, W_BTS, W_KINDS };

/* The entry after the instruction; its registers but for rip in *r. */
static uint64_t pt_insn(unsigned int kind, unsigned int half, uint64_t old, struct cpu_user_regs *r)
{
	uint64_t was = r->rax;

	switch (kind) {
	case W_MOV32:
		return (old & ~(0xffffffffUL << 32 * half)) | (r->rax & 0xffffffff) << 32 * half;
	case W_XCHG:
		r->rax = old;
		return was;
	case W_CMPXCHG:
		if (old == r->rax)
			return r->rcx;
		r->rax = old;
		return old;
	case W_OR:
		return old | r->rax;
	case W_AND:
		return old & r->rax;
	case W_STOS:
		r->rdi += 8;
		return r->rax;
	case W_MOVS:
		memcpy(&was, (const void *)r->rsi, 8);
		r->rsi += 8;
		r->rdi += 8;
		return was;
	case W_BTS:
		return old | 1UL << r->rax % 64;
	default:
		return r->rax;
	}
}

static void op_pt_write(void)
{
	static const struct bytes code[W_KINDS] = {
		[W_MOV] = {{0x48, 0x89, 0x07}, 3},
		[W_MOV32] = {{0x89, 0x07}, 2},
		[W_XCHG] = {{0x48, 0x87, 0x07}, 3},
		[W_CMPXCHG] = {{0xf0, 0x48, 0x0f, 0xb1, 0x0f}, 5},
		[W_OR] = {{0xf0, 0x48, 0x09, 0x07}, 4},
		[W_AND] = {{0x48, 0x21, 0x07}, 3},
		[W_STOS] = {{0x48, 0xab}, 2},
		[W_MOVS] = {{0x48, 0xa5}, 2},
		[W_BTS] = {{0xf0, 0x48, 0x0f, 0xab, 0x07}, 5},
	};
	unsigned int n = next(), kind = n % W_KINDS, slot = 2 + next() % 30, half = 0, off = 0;
	uint64_t *entry = (uint64_t *)mfn_to_virt(L1(model_me)) + slot, old = *entry, now, value;
	struct cpu_user_regs want;
	bool done, wanted = true;

	some_regs(64);
	regs.rflags = X86_EFLAGS_IF | 2;
	if (kind == W_MOV32)
		half = n >> 5 & 1;
	else if (n >= 0xf0)
		off = 1 + n % 7;
	regs.rdi = L1_VA + slot * 8 + half * 4 + off;
	regs.rsi = ht_va(memory) + 2 * PAGE_SIZE;
	regs.rax = kind == W_BTS ? next() % 64 : some_pte();
	regs.rcx = some_pte();
	if (kind == W_CMPXCHG && n & 0x40)
		regs.rax = old;
	value = some_pte();
	memcpy(memory + 2 * PAGE_SIZE, &value, 8);
	if (fault_len)
		return;
	memcpy(memory + 64, code[kind].b, sizeof(code[kind].b));
	want = regs;
	now = pt_insn(kind, half, old, &want);
	if (off || (now != old && !may_map(now)))
		wanted = false;
	/* The other address is no table, or not the one that is written. */
	done = pv_emulate_pt_write(&regs, n & 0x80 && kind == W_MOV ? 8 : regs.rdi & ~7UL);
	if (n & 0x80 && kind == W_MOV)
		wanted = false;
	touched |= 1U << slot;
	if (!wanted) {
		if (done || *entry != old)
			panic("entry %#lx became %#lx by %u", old, *entry, kind);
		audit(dom);
		return;
	}
	if (now & PTE_P)
		now = (now | PTE_US) & ~PTE_G;
	if (!done || *entry != now)
		panic("entry %#lx becomes %#lx by %u, and not %#lx", old, *entry, kind, now);
	want.rip += code[kind].n;
	want.rflags = regs.rflags;
	compare_regs(&want, M_NOTHING);
	audit(dom);
}

/* ---- what is set --------------------------------------------------------------------------- */

static void op_mode(void)
{
	struct model_vcpu *m = &model[next() % MODEL_DOMAINS];
	unsigned int n = next();

	m->kernel = n & 3;
	m->iopl = n >> 2 & 3;
	m->bitmap_ports = n & 0x40 ? MODEL_PORTS : n & 0x80 ? some_port() : 0;
	m->bitmap = ht_va(memory) + 4 * PAGE_SIZE - (n & 0x10 ? 3 * PAGE_SIZE : 0);
	become((unsigned int)(m - model));
}

static void op_bitmap(void)
{
	unsigned int port = some_port();
	uint8_t *at = memory + 4 * PAGE_SIZE + port / 8;

	if (at < memory + PAGES * PAGE_SIZE)
		*at ^= (uint8_t)next();
}

static void op_permit(void)
{
	unsigned int first = some_port(), nr = next() % 32, d = next() % MODEL_DOMAINS;
	bool allow = next() & 1, ok = nr && first + nr <= MODEL_PORTS;

	if (allow && first <= DENIED_LAST && first + nr > DENIED_FIRST)
		ok = false;
	if (!ioport_permit(dom[d], first, nr, allow) != ok)
		panic("ports %#x+%u", first, nr);
	if (ok)
		model_permit(d, first, nr, allow);
}

static void op_fault(void)
{
	unsigned int n = next();

	fault_len = n < 0x80 ? 0 : PAGE_SIZE;
	fault_start = ht_va(memory) + (n & 7) * PAGE_SIZE;
	ht_guest_fault((void *)fault_start, fault_len);
}

static void op_hypercall(void)
{
	unsigned int reg = next() % 10;
	uint64_t val = some_value();

	if (next() & 1) {
		bool want = model_set_debugreg(reg, val);

		if (!do_set_debugreg((int)reg, val) != want)
			panic("DR%u = %#lx", reg, val);
	} else if (reg != SEGBASE_GS_USER_SEL) { /* that loads a real selector */
		bool want = model_set_segment_base(reg, val);

		if (!do_set_segment_base(reg, val) != want)
			panic("segment base %u = %#lx", reg, val);
	}
}

/* The tools take features away, and would like to add some. */
static void op_policy(void)
{
	static const uint32_t leaf[] = {1, 7, 0x80000001};
	unsigned int n = next(), d = n % MODEL_DOMAINS, i = next() % ARRAY_SIZE(leaf);
	uint32_t keep = next() & 1 ? ~0U : (uint32_t)next64(), keep2 = next() & 1 ? ~0U : 0;
	struct cpuid_leaf new = {leaf[i],
				 leaf[i] == 7 ? 0 : CPUID_NO_SUBLEAF,
				 ~0U,
				 i == 1 ? keep : keep2,
				 i == 1 ? keep2 : keep,
				 keep2};

	if (cpuid_policy_set(dom[d]->arch.cpuid, dom[d], &new))
		panic("no leaf %#x", leaf[i]);
	model[d].removed[i] |= ~keep & (i == 0 ? ~(1U << 27) : ~0U);
}

static void op_other(void)
{
	become(next() % MODEL_DOMAINS);
}

static void (*const ops[])(void) = {
	op_insn,   op_insn,  op_insn,      op_insn,     op_insn,     op_insn, op_insn,
	op_bytes,  op_bytes, op_bytes,     op_pt_write, op_pt_write, op_mode, op_bitmap,
	op_permit, op_fault, op_hypercall, op_policy,   op_other,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!memory)
		make_world();
	input = data;
	input_end = data + size;
	reset_world();
	while (input < input_end) {
		ops[next() % ARRAY_SIZE(ops)]();
		model_compare();
		ht_assert_quiet();
	}
	return 0;
}
