/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A PV vCPU on its CPU: modes, callbacks into the guest, descriptor tables,
 * emulation. "The current vCPU" is one whose state is loaded.
 */
#ifndef ARCH_PV_H
#define ARCH_PV_H

#include <hv/types.h>
#include <public/xen.h>

struct domain;
struct vcpu;
struct pv_callback;

/*
 * Nothing of @d, which is freed after this, is loaded anywhere; what CPUs remember of it
 * isn't taken for the next domain's that gets its memory.
 */
void pv_forget_domain(const struct domain *d);

/* The root for the mode that the vCPU is in, into CR3. */
void pv_load_root(struct vcpu *v);

/* For the audit (hv/audit.h): which vCPU is loaded where, by all who say so. (F4) */
void pv_audit_loaded(void);

/* From guest kernel to guest user mode or back: page tables and GS base. */
void pv_toggle_mode(struct vcpu *v);

/*
 * Has the guest enter @addr when it goes on: makes the frame on its kernel stack,
 * masks events if @mask. False: the stack is not writable, the domain crashed.
 */
bool pv_bounce(struct vcpu *v, unsigned long addr, bool mask, bool has_error, uint32_t error);
/* The vector's handler of the guest's trap table. */
void pv_inject_trap(struct vcpu *v, unsigned int vector, uint32_t error);
/* Its selectors (ds, es, fs, gs) or return frame can't be loaded: the failsafe callback. */
void pv_failsafe(struct vcpu *v, const uint16_t sel[4]);
/* Flags as a guest may have them. */
unsigned long pv_fix_rflags(unsigned long f);
void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, uint32_t error);

/* Faults of the guest. True: dealt with. */
bool pv_emulate_privileged(struct cpu_user_regs *regs); /* #GP in the guest's kernel */
bool pv_emulate_forced_cpuid(struct cpu_user_regs *regs); /* #UD with the prefix */
bool pv_emulate_far_return(struct cpu_user_regs *regs); /* #PF as if from ring 0 */
bool pv_emulate_pt_write(struct cpu_user_regs *regs, unsigned long cr2);
/*
 * A write to a page of device registers that domains may only read (an MSI-X table,
 * which is ours to program): the instruction is done but for the write, as on Xen.
 * False: it is no such thing.
 */
bool pv_drop_io_write(struct cpu_user_regs *regs, unsigned long cr2);
bool pv_ldt_fault(struct vcpu *v, unsigned long offset, uint32_t error);

/* Descriptor tables (pv/descriptor.c) */
bool pv_ldt_range_ok(unsigned long base, unsigned long entries); /* for any vCPU's LDT */
int pv_set_ldt(struct vcpu *v, unsigned long base, unsigned long entries);
int pv_set_gdt(struct vcpu *v, const unsigned long *frames, unsigned int nr, unsigned int entries);
void pv_drop_gdt(struct vcpu *v);
void pv_drop_ldt_pages(struct vcpu *v);
void pv_load_descriptor_tables(struct vcpu *v, unsigned int cpu);

/* Selectors that a guest may load: never ring 0. */
static inline uint16_t pv_fix_selector(uint16_t sel)
{
	return (uint16_t)(sel & ~3 ? sel | 3 : sel);
}

/*
 * Segment registers and bases of the guest on this CPU (pv/segments.c). Load: true if a
 * selector could not be loaded; it is null now.
 */
void pv_save_segments(struct vcpu *v);
bool pv_load_segments(struct vcpu *v);

/* Extended processor state (pv/xstate.c) */
struct xsave_area;
int xstate_init_vcpu(struct vcpu *v);
void xstate_fini_vcpu(struct vcpu *v);
void xstate_save(struct vcpu *v);
void xstate_load(struct vcpu *v);
void xstate_set_fxsave(struct vcpu *v, const void *fx512);
void xstate_get_fxsave(struct vcpu *v, void *fx512);
/*
 * The tools' form of all of a vCPU's state: XCR0, XCR0 as it was enabled so far,
 * the XSAVE area. The vCPU is paused. Size 0: no XSAVE here. Import: -EINVAL for
 * what the CPU wouldn't load.
 */
size_t xstate_blob_size(void);
void xstate_export(struct vcpu *v, void *blob);
int xstate_import(struct vcpu *v, const void *blob, size_t size);
/* The guest's XSETBV. False: #GP. */
bool xstate_set_xcr0(struct vcpu *v, uint64_t val);

/* What the guest sees of CPUID and MSRs (pv/cpuid.c, pv/msr.c). False: #GP. */
void pv_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t ret[4]);
bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *ret_val);
bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val);
/* CR4 bits that a guest may switch, and those it starts with. */
unsigned long pv_cr4_allowed(const struct vcpu *v);
unsigned long pv_cr4_default(const struct vcpu *v);

#endif
