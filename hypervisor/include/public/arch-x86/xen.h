/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The x86-64 half of the ABI's foundation: guest handles, selectors, the
 * hypervisor's window, register frames, vCPU context.
 *
 * Only 64-bit guests exist here. <public/xen.h> includes this file first; it
 * may also be included alone. In assembly (.S) files only the constants show.
 */
#ifndef XEN_PUBLIC_ARCH_X86_XEN_H
#define XEN_PUBLIC_ARCH_X86_XEN_H

/* Number suffixes that assemblers do not understand. */
#ifdef __ASSEMBLER__
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x
#else
#define __xen_mk_uint(x)  x##U
#define __xen_mk_ulong(x) x##UL
#define xen_mk_uint(x)    __xen_mk_uint(x)
#define xen_mk_ulong(x)   __xen_mk_ulong(x)
/* Both are 64 bits wide here, and only this spelling is C89. */
#define xen_mk_ullong(x)  __xen_mk_ulong(x)
#endif

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/*
 * Guest handles: addresses that a guest passes. One struct type exists per
 * pointed-to type, so that a handle of the wrong kind does not compile.
 *
 * In the hypervisor a handle is an integer in a struct: nothing can follow it
 * but the one module that copies from and to guests. Everywhere else it is a
 * pointer in a struct, to be filled by set_xen_guest_handle().
 */
#ifdef __PAVISE_HYPERVISOR__
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) \
	typedef struct __guest_handle_##name { \
		uint64_t a;                    \
	} __guest_handle_##name
#else
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) \
	typedef struct __guest_handle_##name { \
		type *p;                       \
	} __guest_handle_##name
#define set_xen_guest_handle_raw(hnd, val) \
	do {                               \
		(hnd).p = (val);           \
	} while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)
#define get_xen_guest_handle(val, hnd) \
	do {                           \
		(val) = (hnd).p;       \
	} while (0)
#endif

/* Declares the handles of TYPE and of const TYPE. */
#define __DEFINE_XEN_GUEST_HANDLE(name, type)   \
	___DEFINE_XEN_GUEST_HANDLE(name, type); \
	___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)
#define __XEN_GUEST_HANDLE(name)      __guest_handle_##name
/* The handle as a field of a structure, ... */
#define XEN_GUEST_HANDLE(name)        __XEN_GUEST_HANDLE(name)
/* ... in the structures of the tools' interfaces (always 64 bits), ... */
#define XEN_GUEST_HANDLE_64(name)     __XEN_GUEST_HANDLE(name)
/* ... and as a parameter of a hypercall. */
#define XEN_GUEST_HANDLE_PARAM(name)  XEN_GUEST_HANDLE(name)

/* A frame number, and a word as wide as the widest guest's. */
typedef unsigned long xen_pfn_t;
typedef unsigned long xen_ulong_t;
#define PRI_xen_pfn   "lx"
#define PRIu_xen_pfn  "lu"
#define PRI_xen_ulong "lx"

/* 64-bit fields of the tools' interfaces are aligned to 8 for every guest. */
#define int64_aligned_t  int64_t
#define uint64_aligned_t uint64_t

#endif /* !__ASSEMBLER__ */

/* PV guests exist, with a mask byte beside the pending byte of vcpu_info. */
#define XEN_HAVE_PV_GUEST_ENTRY 1
#define XEN_HAVE_PV_UPCALL_MASK 1

/* vCPUs that have a vcpu_info in shared_info; later ones must register theirs. */
#define XEN_LEGACY_MAX_VCPUS 32

/* The guest's GDT ends where the hypervisor's own descriptors begin. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* Flat segments present in every vCPU's GDT. All run at ring 3. */
#define FLAT_RING3_CS32 0xe023
#define FLAT_RING3_CS64 0xe033
#define FLAT_RING3_DS32 0xe02b
#define FLAT_RING3_DS64 0x0000
#define FLAT_RING3_SS32 0xe02b
#define FLAT_RING3_SS64 0xe02b

#define FLAT_KERNEL_DS64 FLAT_RING3_DS64
#define FLAT_KERNEL_DS32 FLAT_RING3_DS32
#define FLAT_KERNEL_DS   FLAT_KERNEL_DS64
#define FLAT_KERNEL_CS64 FLAT_RING3_CS64
#define FLAT_KERNEL_CS32 FLAT_RING3_CS32
#define FLAT_KERNEL_CS   FLAT_KERNEL_CS64
#define FLAT_KERNEL_SS64 FLAT_RING3_SS64
#define FLAT_KERNEL_SS32 FLAT_RING3_SS32
#define FLAT_KERNEL_SS   FLAT_KERNEL_SS64

#define FLAT_USER_DS64 FLAT_RING3_DS64
#define FLAT_USER_DS32 FLAT_RING3_DS32
#define FLAT_USER_DS   FLAT_USER_DS64
#define FLAT_USER_CS64 FLAT_RING3_CS64
#define FLAT_USER_CS32 FLAT_RING3_CS32
#define FLAT_USER_CS   FLAT_USER_CS64
#define FLAT_USER_SS64 FLAT_RING3_SS64
#define FLAT_USER_SS32 FLAT_RING3_SS32
#define FLAT_USER_SS   FLAT_USER_SS64

/*
 * L4 slots 256 to 271 of every address space are the hypervisor's. The
 * machine-to-physical table opens that window and is readable by guests.
 */
#define __HYPERVISOR_VIRT_START 0xFFFF800000000000
#define __HYPERVISOR_VIRT_END   0xFFFF880000000000
#define __MACH2PHYS_VIRT_START  0xFFFF800000000000
#define __MACH2PHYS_VIRT_END    0xFFFF804000000000

#define HYPERVISOR_VIRT_START xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END   xen_mk_ulong(__HYPERVISOR_VIRT_END)
#define MACH2PHYS_VIRT_START  xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END    xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES  ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)

/* set_segment_base(which, base); the last takes a selector for user GS. */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3

/* iret_context.flags: return as from a system call, rcx and r11 are free. */
#define _VGCF_in_syscall 8
#define VGCF_in_syscall  (1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL  VGCF_in_syscall

/* Bytes that, put before CPUID, force its emulation: ud2a; .ascii "xen". */
#ifdef __ASSEMBLER__
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

/* Port whose bytes an HVM guest sends to the hypervisor's console. */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#ifndef __ASSEMBLER__

/* What lies at rsp when the iret hypercall is made. */
struct iret_context {
	uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/* A vCPU's general registers as the ABI passes them: 200 bytes. */
struct cpu_user_regs {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rsi;
	uint64_t rdi;
	uint32_t error_code; /* the hypervisor's own */
	uint32_t entry_vector; /* the hypervisor's own */
	uint64_t rip;
	uint16_t cs, _pad0[1];
	uint8_t saved_upcall_mask;
	uint8_t _pad1[3];
	uint64_t rflags; /* IF shows !saved_upcall_mask */
	uint64_t rsp;
	uint16_t ss, _pad2[3];
	uint16_t es, _pad3[3];
	uint16_t ds, _pad4[3];
	uint16_t fs, _pad5[3];
	uint16_t gs, _pad6[3];
};
typedef struct cpu_user_regs cpu_user_regs_t;
DEFINE_XEN_GUEST_HANDLE(cpu_user_regs_t);

/* Page-table roots as the ABI's CR3 fields hold them. */
#define xen_pfn_to_cr3(pfn) ((unsigned long)(pfn) << 12)
#define xen_cr3_to_pfn(cr3) ((unsigned long)(cr3) >> 12)

struct arch_vcpu_info {
	unsigned long cr2; /* of the last page fault delivered to the guest */
	unsigned long pad;
};
typedef struct arch_vcpu_info arch_vcpu_info_t;

typedef unsigned long xen_callback_t;
typedef uint64_t tsc_timestamp_t;

/* An entry of a virtual IDT; set_trap_table() takes a list ended by address 0. */
struct trap_info {
	uint8_t vector;
	uint8_t flags; /* bits 0-1: DPL for INT n; bit 2: enter with events masked */
	uint16_t cs;
	unsigned long address;
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);

#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags |= ((!!(_if)) << 2))

#endif /* !__ASSEMBLER__ */

/* vcpu_guest_context.flags */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online)

#ifndef __ASSEMBLER__

/* The whole state of a vCPU, for VCPUOP_initialise and the tools: 5168 bytes. */
struct vcpu_guest_context {
	struct {
		char x[512];
	} fpu_ctxt; /* FXSAVE format */
	unsigned long flags; /* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256]; /* by vector */
	unsigned long ldt_base, ldt_ents; /* linear address, entries */
	unsigned long gdt_frames[16], gdt_ents;
	unsigned long kernel_ss, kernel_sp;
	unsigned long ctrlreg[8]; /* CR0 to CR7; [1] is the user page-table root */
	unsigned long debugreg[8]; /* DR0 to DR7 */
	unsigned long event_callback_eip;
	unsigned long failsafe_callback_eip;
	unsigned long syscall_callback_eip;
	unsigned long vm_assist; /* bit map of VMASST_TYPE_* */
	uint64_t fs_base;
	uint64_t gs_base_kernel;
	uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/*
 * Where the guest publishes its physical-to-machine table for the tools.
 * p2m_cr3, if not 0, names an address space in which p2m_vaddr is the table
 * as one array; p2m_generation is odd while the guest changes its mapping.
 */
struct arch_shared_info {
	unsigned long max_pfn; /* entries in the table */
	xen_pfn_t pfn_to_mfn_frame_list_list; /* 0 not set up, ~0 unusable */
	unsigned long nmi_reason; /* XEN_NMIREASON_* */
	unsigned long p2m_cr3;
	unsigned long p2m_vaddr;
	unsigned long p2m_generation;
};
typedef struct arch_shared_info arch_shared_info_t;

/* Emulated devices of a guest: none for PV (a PVH control domain's set aside). */
#define _XEN_X86_EMU_LAPIC    0
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET     1
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM       2
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC      3
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC   4
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC      5
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA      6
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU    7
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT      8
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ 9
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((1U << (_XEN_X86_EMU_VPCI + 1)) - 1)

/* Read unknown MSRs as zero and drop writes instead of a #GP. */
#define XEN_X86_MSR_RELAXED    (1U << 0)
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED

/* The x86 part of a domain's creation parameters. */
struct xen_arch_domainconfig {
	uint32_t emulation_flags; /* XEN_X86_EMU_* */
	uint32_t misc_flags; /* XEN_X86_MSR_RELAXED */
};

/* A CPUID leaf and an MSR as the tools pass CPU policies. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffU
typedef struct xen_cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t a, b, c, d;
} xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

typedef struct xen_msr_entry {
	uint32_t idx;
	uint32_t flags; /* must be 0 */
	uint64_t val;
} xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

#endif /* !__ASSEMBLER__ */

#endif /* XEN_PUBLIC_ARCH_X86_XEN_H */
