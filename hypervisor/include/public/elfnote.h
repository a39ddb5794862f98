/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* ELF notes (owner "Xen") by which a kernel says how it wants to be started. */
#ifndef XEN_PUBLIC_ELFNOTE_H
#define XEN_PUBLIC_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0
#define XEN_ELFNOTE_ENTRY              1 /* address of the entry point */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2 /* address of a page to fill with stubs */
#define XEN_ELFNOTE_VIRT_BASE          3 /* address at which memory is mapped */
#define XEN_ELFNOTE_PADDR_OFFSET       4 /* taken off the program headers' p_paddr */
#define XEN_ELFNOTE_XEN_VERSION        5 /* "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6 /* text */
#define XEN_ELFNOTE_GUEST_VERSION      7 /* text */
#define XEN_ELFNOTE_LOADER             8 /* "generic" */
#define XEN_ELFNOTE_PAE_MODE           9
#define XEN_ELFNOTE_FEATURES           10 /* "name|!name": used, and required */
#define XEN_ELFNOTE_BSD_SYMTAB         11
#define XEN_ELFNOTE_HV_START_LOW       12 /* lowest address the hypervisor may use */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* pairs of mask and value of an L1 entry with a frame */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* 1: the kernel goes on after a cancelled suspend */
#define XEN_ELFNOTE_INIT_P2M           15 /* address for the P2M list */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* 1: the ramdisk need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* bits of XENFEAT_* */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* physical entry point for PVH */
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

/* In dumps */
#define XEN_ELFNOTE_CRASH_INFO              0x1000001
#define XEN_ELFNOTE_CRASH_REGS              0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif /* XEN_PUBLIC_ELFNOTE_H */
