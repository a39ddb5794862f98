/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What a domain and a vCPU consist of on x86-64, in a PV guest. */
#ifndef ARCH_DOMAIN_H
#define ARCH_DOMAIN_H

#include <hv/types.h>
#include <public/memory.h>
#include <public/xen.h>

struct page_info;
struct cpuid_policy;
struct rangeset;
struct xsave_area;

/* A callback entry of the guest. */
struct pv_callback {
	unsigned long addr;
	bool mask_events;
};

struct arch_vcpu {
	/* Registers while the vCPU is not loaded on a CPU; loaded: on its stack. */
	struct cpu_user_regs regs;

	bool in_kernel; /* the guest's kernel (its user mode otherwise) */

	/* Roots: each holds a page reference and PGT_l4. user root may be NULL. */
	struct page_info *root, *user_root;
	/* A root on its way out (a preempted release); must be gone before the guest runs. */
	struct page_info *old_root;

	unsigned long cr0_ts; /* the guest's CR0.TS */
	unsigned long cr2, cr4; /* cr4: as the guest sees it */
	unsigned long kernel_ss, kernel_sp;
	unsigned long fs_base, gs_base_user, gs_base_kernel;
	unsigned int iopl;
	uint64_t io_bitmap; /* guest address */
	unsigned int io_bitmap_ports;

	struct pv_callback event_cb, failsafe_cb, syscall_cb;
	struct trap_info *traps; /* [256], a page */

	/* Descriptor tables. GDT frames hold PGT_seg and a reference each. */
	mfn_t gdt_frames[14];
	unsigned int gdt_entries;
	unsigned long ldt_base;
	unsigned int ldt_entries;
	struct page_info *ldt_pages[16]; /* promoted so far, with PGT_seg */

	unsigned long debugreg[8];

	struct xsave_area *xsave;
	uint64_t xcr0, xcr0_accum;

	/* Where this vCPU's state is loaded; NO_CPU: in memory. */
	unsigned int loaded_cpu;
	bool nmi_pending;
	bool nmi_masked; /* from the delivery of one to the next iret hypercall */
	bool runstate_due; /* the guest's copy waits for kernel mode */
	unsigned long tsc_offset;
};

#define NO_CPU (~0U)

struct arch_domain {
	struct cpuid_policy *cpuid;
	struct rangeset *ioports, *iomem, *irqs; /* what it may use of the machine */
	/* The e820 map of XENMEM_memory_map */
	void *e820;
	unsigned int nr_e820;
	/* How far arch_domain_relinquish() has come */
	unsigned int relinquish_stage;
	unsigned long relinquish_pos;
	uint32_t pci_cf8;
	uint32_t tsc_mode, tsc_incarnation;
	s_time_t tsc_origin; /* system time when its life began */
	uint32_t pirq_eoi_v; /* version of the EOI bitmap, 0: none */
	struct page_info *pirq_eoi_page;
	unsigned long *pirq_eoi_map;
	bool xpti; /* runs on roots of the CPUs (arch/xpti.h) */
	unsigned long l4_writes; /* to complete roots */
};

#endif
