/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The hypervisor's CPUID leaves, from base 0x40000000 (or a multiple of 0x100
 * above it, if another interface comes first):
 *
 *	+0	EAX the last leaf; EBX, ECX, EDX: "XenVMMXenVMM"
 *	+1	EAX version, (major << 16) | minor
 *	+2	EAX number of hypercall pages, EBX the MSR that fills them,
 *		ECX XEN_CPUID_FEAT1_*
 *	+3.0	EAX bit 0 TSC emulated, bit 1 host TSC reliable, bit 2 RDTSCP;
 *		EBX TSC mode, ECX guest's TSC in kHz, EDX incarnation
 *	+3.1	EBX:EAX TSC offset, ECX multiplier to nanoseconds, EDX shift
 *	+3.2	EAX host's TSC in kHz
 *	+4	HVM guests: EAX XEN_HVM_CPUID_*, EBX vCPU, ECX domain
 *	+5.0	PV guests: EBX XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK
 */
#ifndef XEN_PUBLIC_ARCH_X86_CPUID_H
#define XEN_PUBLIC_ARCH_X86_CPUID_H

#define XEN_CPUID_FIRST_LEAF     0x40000000
#define XEN_CPUID_LEAF(i)        (XEN_CPUID_FIRST_LEAF + (i))
#define XEN_CPUID_MAX_NUM_LEAVES 5

#define XEN_CPUID_SIGNATURE_EBX 0x566e6558
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e

/* MMU_PT_UPDATE_PRESERVE_AD works. */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1U << 0)

#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1U << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT      (1U << 1)
#define XEN_HVM_CPUID_IOMMU_MAPPINGS   (1U << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT  (1U << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT    (1U << 4)
#define XEN_HVM_CPUID_EXT_DEST_ID      (1U << 5)
#define XEN_HVM_CPUID_UPCALL_VECTOR    (1U << 6)

#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffU << 0)

#endif /* XEN_PUBLIC_ARCH_X86_CPUID_H */
