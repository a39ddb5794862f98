/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a guest's kernel and its programs can do to a CPU by executing privileged
 * instructions, without decoding: the fuzzer says which instruction it has encoded,
 * the model says what must come of it.
 */
#ifndef FUZZ_EMULATE_MODEL_H
#define FUZZ_EMULATE_MODEL_H

#include <hv/types.h>
#include <hosttest/machine.h>
#include <public/xen.h>

#define MODEL_DOMAINS 2 /* the first drives the machine */
#define MODEL_PORTS   0x10000U

/* Ports that the hypervisor keeps. */
#define DENIED_FIRST 0x3f8
#define DENIED_LAST  0x3ff

enum model_kind {
	M_CPUID,
	M_FORCED_CPUID,
	M_RDMSR,
	M_WRMSR,
	M_XSETBV,
	M_CLTS,
	M_HLT,
	M_CLI_STI,
	M_INVD,
	M_INVLPG,
	M_LMSW,
	M_LMSW_MEM,
	M_SMSW,
	M_SMSW_MEM,
	M_SGDT_SIDT, /* to (%rdi) */
	M_FROM_CR,
	M_TO_CR,
	M_FROM_DR,
	M_TO_DR,
	M_IN,
	M_OUT,
	M_INS,
	M_OUTS,
	M_NOTHING, /* RDPMC, RDTSC, or no privileged instruction at all */
	M_KINDS,
};

/* An instruction, as it was encoded. */
struct model_insn {
	enum model_kind kind;
	unsigned int len;
	unsigned int reg; /* general register */
	unsigned int index; /* of the control or debug register */
	unsigned int size; /* of the data */
	unsigned int port;
	bool rep;
};

struct model_vcpu {
	bool kernel;
	unsigned int iopl;
	uint64_t bitmap;
	unsigned int bitmap_ports;
	bool ts;
	uint64_t cr2, cr3, cr4, dr[8], xcr0;
	uint64_t fs_base, gs_base, kernel_gs_base;
	/* Features of leaf 1 ECX, 7 EBX, 0x80000001 ECX that the tools have taken away. */
	uint32_t removed[3];
};

extern struct model_vcpu model[MODEL_DOMAINS];
extern unsigned int model_me; /* who executes */

void model_reset(void);
void model_permit(unsigned int dom, unsigned int first, unsigned int nr, bool allow);

/* Can the guest read and write there? The fuzzer's. */
bool guest_accessible(uint64_t va, unsigned int n);

/*
 * Does it: true if the instruction has to be carried out; *regs is what it is
 * afterwards. False: a #GP, nothing changes. The accesses to ports are compared by
 * model_compare(), and the answer of CPUID, which only the emulation knows, is
 * checked for what it must not say.
 */
bool model_execute(const struct model_insn *insn, struct cpu_user_regs *regs);
/* By hypercalls. True: has to succeed. */
bool model_set_debugreg(unsigned int reg, uint64_t val);
bool model_set_segment_base(unsigned int which, uint64_t base);

/* All that the fake CPU and the vCPU have, and what was injected. */
void model_compare(void);
/* An answer of CPUID. */
void model_check_cpuid(uint32_t leaf, uint32_t subleaf, const struct cpu_user_regs *regs);

static inline uint64_t *model_reg(struct cpu_user_regs *r, unsigned int nr)
{
	uint64_t *const by_number[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
					 &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
					 &r->r12, &r->r13, &r->r14, &r->r15};

	return by_number[nr];
}

#endif
