/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Hypercall handlers of the x86 PV part, and what they share. */
#ifndef ARCH_HYPERCALLS_H
#define ARCH_HYPERCALLS_H

#include <hv/types.h>
#include <public/xen.h>

struct domain;
struct cpumask;

long do_mmu_update(uint64_t reqs, unsigned int count, uint64_t done, unsigned int foreigndom);
long do_mmuext_op(uint64_t ops, unsigned int count, uint64_t done, unsigned int foreigndom);
long do_update_va_mapping(unsigned long va, uint64_t val, unsigned long flags);
long do_update_va_mapping_otherdomain(unsigned long va, uint64_t val, unsigned long flags,
				      domid_t domid);
long do_set_trap_table(uint64_t traps);
long do_set_gdt(uint64_t frames, unsigned int entries);
long do_stack_switch(unsigned long ss, unsigned long sp);
long do_set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall);
long do_fpu_taskswitch(int set);
long do_set_debugreg(int reg, unsigned long val);
unsigned long do_get_debugreg(int reg);
long do_update_descriptor(uint64_t maddr, uint64_t desc);
long do_set_segment_base(unsigned int which, unsigned long base);
long do_iret(void);
long do_callback_op(int cmd, uint64_t arg);
long do_nmi_op(unsigned int cmd, uint64_t arg);
long do_mca(uint64_t arg);
long do_vm_assist(unsigned int cmd, unsigned int type);

/* Adds to a count of requests that continued calls report as one. */
long report_done(uint64_t handle, uint32_t before, uint32_t done, long rc);

/* The CPUs that vCPUs in a guest's bit map are loaded on. -EFAULT. */
int vcpumask_to_cpus(struct domain *d, uint64_t handle, struct cpumask *ret_mask);

#endif
