/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Where things are in virtual memory. Slots 256-271 of every L4 belong to the
 * hypervisor and are the same in all of them (ABI: public/arch-x86, slots
 * HYPERVISOR_VIRT_START.._END); everything else is the guest's.
 *
 *   slot 256  ffff8000 00000000  M2P, read-only, readable by guests (ABI)
 *   slot 257  ffff8080 00000000  M2P, writable, ours
 *   slot 258  ffff8100 00000000  frame table
 *   slot 259  ffff8180 00000000  vmap: device registers, per-CPU stacks, GDT windows
 *   slot 261  ffff8280 00000000  image (at HV_VIRT_START)
 *   slot 262- ffff8300 00000000  direct map of RAM, up to slot 271 (5 TiB)
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##UL
#endif

#define HYPERVISOR_START UL(0xffff800000000000)
#define HYPERVISOR_END   UL(0xffff880000000000) /* exclusive */
#define HV_L4_FIRST      256
#define HV_L4_LAST       271

#define M2P_RO_VIRT_START     UL(0xffff800000000000)
#define M2P_VIRT_START        UL(0xffff808000000000)
#define M2P_MAX_BYTES         (UL(1) << 38)
#define FRAMETABLE_VIRT_START UL(0xffff810000000000)
#define VMAP_VIRT_START       UL(0xffff818000000000)
#define VMAP_VIRT_END         (VMAP_VIRT_START + (UL(1) << 30))
#define PERCPU_WIN_START      (VMAP_VIRT_START + (UL(1) << 31)) /* GDT/LDT windows */
#define HV_VIRT_START         UL(0xffff82d080000000)
#define DIRECTMAP_VIRT_START  UL(0xffff830000000000)
#define DIRECTMAP_VIRT_END    UL(0xffff880000000000)

/* The image is loaded here and stays here. */
#define HV_PHYS_START UL(0x200000)

/*
 * Per-CPU stacks: 8 pages, aligned to their size. What isn't named is not mapped:
 * a guard below each stack (below page 0 is the gap between areas).
 *   page 0     NMI, page 2 #DB, page 4 #DF and #MC (interrupt stack table)
 *   pages 6-7  the stack, struct cpu_info at its top
 */
#define STACK_PAGE_NMI   0
#define STACK_PAGE_DB    2
#define STACK_PAGE_FATAL 4
#define STACK_PAGE_MAIN  6

/* Each CPU's entry for SYSCALL, in the image's page of them. */
#define SYSCALL_STUB_SIZE 64

#define STACK_ORDER 3
#define STACK_SIZE  (UL(4096) << STACK_ORDER)

/*
 * GDT/LDT window of a CPU: 16 pages of GDT (0-13 the guest's, 14 ours, 15
 * empty), then 16 pages of LDT. An L1 table for each, which guests' roots share.
 */
#define GDT_WIN_PAGES   16
#define LDT_WIN_PAGES   16
#define PERCPU_WIN_SIZE UL(0x200000)
#define GDT_WIN(cpu)    (PERCPU_WIN_START + (cpu)*PERCPU_WIN_SIZE)
#define LDT_WIN(cpu)    (GDT_WIN(cpu) + GDT_WIN_PAGES * UL(4096))

/*
 * Selectors. All of ours are in GDT page 14 (entries from 7168 on), so that a
 * guest's own entries below never matter to us. Those with RPL 3 are ABI.
 */
#define GDT_OUR_FIRST 7168
#define SEL_HV_CS     0xe008
#define SEL_HV_DS     0xe010
#define SEL_FLAT_CS32 0xe023
#define SEL_FLAT_DS32 0xe02b
#define SEL_FLAT_CS64 0xe033
#define SEL_TSS       0xe040
#define SEL_LDT       0xe050
#define SEL_PERCPU    0xe060

#endif
