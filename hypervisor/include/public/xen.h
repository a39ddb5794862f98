/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The foundation of the ABI between hypervisor and guests: hypercall numbers,
 * virtual interrupts, page-table updates, domain ids, and the two structures
 * that every PV guest starts from, start_info and shared_info.
 *
 * The ABI is that of Xen 4.17 for 64-bit x86 PV guests: names and numbers are
 * Xen's. These headers are the one copy that hypervisor, tools, drivers, store
 * and tests use. tests/abi compares each item with Xen's own headers.
 *
 * A hypercall is a SYSCALL from guest-kernel mode: number in rax, arguments in
 * rdi, rsi, rdx, r10, r8 (and r9), result in rax, a negative error number
 * (<public/errno.h>) for failure. rcx and r11 are lost to the instruction,
 * every other register is kept. Unknown numbers and sub-operations give
 * -ENOSYS.
 */
#ifndef XEN_PUBLIC_XEN_H
#define XEN_PUBLIC_XEN_H

/* The revision of the interface that these headers describe. */
#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#include "arch-x86/xen.h"

#ifndef __ASSEMBLER__

DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);
__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);

/* The last member of a structure that goes on: uint8_t x[XEN_FLEX_ARRAY_DIM] */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define XEN_FLEX_ARRAY_DIM
#else
#define XEN_FLEX_ARRAY_DIM 0
#endif

#endif /* !__ASSEMBLER__ */

/* Hypercalls */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42

#define __HYPERVISOR_arch_0 48 /* x86: machine checks, <public/arch-x86/xen-mca.h> */
#define __HYPERVISOR_arch_1 49
#define __HYPERVISOR_arch_2 50
#define __HYPERVISOR_arch_3 51
#define __HYPERVISOR_arch_4 52
#define __HYPERVISOR_arch_5 53
#define __HYPERVISOR_arch_6 54
#define __HYPERVISOR_arch_7 55

/*
 * Virtual interrupts, bound by EVTCHNOP_bind_virq. Per vCPU (V): every vCPU may
 * bind its own. Global (G): one binder in a domain, delivered to the control
 * domain unless it was handed on.
 */
#define VIRQ_TIMER      0 /* V: a timer of this vCPU ran out */
#define VIRQ_DEBUG      1 /* V: print your state */
#define VIRQ_CONSOLE    2 /* G: the hypervisor's console has input */
#define VIRQ_DOM_EXC    3 /* G: a domain shut down, is dying, or is gone */
#define VIRQ_TBUF       4 /* G: trace records are waiting */
#define VIRQ_DEBUGGER   6 /* G: a domain stopped for its debugger */
#define VIRQ_XENOPROF   7 /* V: profiling sample */
#define VIRQ_CON_RING   8 /* G: new text in the console ring */
#define VIRQ_PCPU_STATE 9 /* G: a physical CPU came or went */
#define VIRQ_MEM_EVENT  10 /* G: memory event */
#define VIRQ_ARGO       11 /* G: Argo message */
#define VIRQ_ENOMEM     12 /* G: memory is short */
#define VIRQ_XENPMU     13 /* V: performance counter */

#define VIRQ_ARCH_0 16 /* x86: machine check */
#define VIRQ_ARCH_1 17
#define VIRQ_ARCH_2 18
#define VIRQ_ARCH_3 19
#define VIRQ_ARCH_4 20
#define VIRQ_ARCH_5 21
#define VIRQ_ARCH_6 22
#define VIRQ_ARCH_7 23

#define NR_VIRQS 24

/*
 * mmu_update(req[], count, done *, foreigndom): the low two bits of req.ptr say
 * what is done with the rest, a machine address.
 *
 * foreigndom holds the owner of the frames to be mapped in bits 0-15, and in
 * bits 16-31 one more than the owner of the page tables (0: the caller).
 */
#define MMU_NORMAL_PT_UPDATE       0 /* checked write of a page-table entry */
#define MMU_MACHPHYS_UPDATE        1 /* set the M2P entry of the frame at ptr */
#define MMU_PT_UPDATE_PRESERVE_AD  2 /* as 0, but keep accessed and dirty, atomically */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* as 0; val holds a machine frame in any case */

/* mmuext_op(op[], count, done *, foreigndom) */
#define MMUEXT_PIN_L1_TABLE       0 /* mfn: validate and hold as this type */
#define MMUEXT_PIN_L2_TABLE       1 /* mfn */
#define MMUEXT_PIN_L3_TABLE       2 /* mfn */
#define MMUEXT_PIN_L4_TABLE       3 /* mfn */
#define MMUEXT_UNPIN_TABLE        4 /* mfn */
#define MMUEXT_NEW_BASEPTR        5 /* mfn: the kernel's L4 */
#define MMUEXT_TLB_FLUSH_LOCAL    6
#define MMUEXT_INVLPG_LOCAL       7 /* linear_addr */
#define MMUEXT_TLB_FLUSH_MULTI    8 /* vcpumask */
#define MMUEXT_INVLPG_MULTI       9 /* linear_addr, vcpumask */
#define MMUEXT_TLB_FLUSH_ALL      10
#define MMUEXT_INVLPG_ALL         11 /* linear_addr */
#define MMUEXT_FLUSH_CACHE        12
#define MMUEXT_SET_LDT            13 /* linear_addr, nr_ents */
#define MMUEXT_NEW_USER_BASEPTR   15 /* mfn: the user's L4, or 0 */
#define MMUEXT_CLEAR_PAGE         16 /* mfn */
#define MMUEXT_COPY_PAGE          17 /* mfn from src_mfn */
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19
#define MMUEXT_UNMARK_SUPER       20

/*
 * update_va_mapping(va, pte, flags): what to flush, on which vCPUs. With
 * UVMF_MULTI the address of a bit map of vCPUs is added to the flags; none
 * means this vCPU.
 */
#define UVMF_NONE           (xen_mk_ulong(0) << 0)
#define UVMF_TLB_FLUSH      (xen_mk_ulong(1) << 0)
#define UVMF_INVLPG         (xen_mk_ulong(2) << 0)
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI          (xen_mk_ulong(0) << 2)
#define UVMF_LOCAL          (xen_mk_ulong(0) << 2)
#define UVMF_ALL            (xen_mk_ulong(1) << 2)

/* console_io(cmd, count, buffer): count bytes; read gives how many came. */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* vm_assist(cmd, type) */
#define VMASST_CMD_enable  0
#define VMASST_CMD_disable 1

#define VMASST_TYPE_4gb_segments         0
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2 /* plain writes to L1 tables work */
#define VMASST_TYPE_pae_extended_cr3     3
#define VMASST_TYPE_architectural_iopl   4 /* IOPL is in rflags as on hardware */
#define VMASST_TYPE_runstate_update_flag 5 /* XEN_RUNSTATE_UPDATE marks updates */
#define VMASST_TYPE_m2p_strict           32 /* no M2P in the user's address space */

/* Domain ids. Ordinary domains have ids below the first reserved one. */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the caller */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of MMIO frames */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of the hypervisor's shared frames */
#define DOMID_COW            xen_mk_uint(0x7FF3) /* owner of shared copy-on-write frames */
#define DOMID_INVALID        xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE           xen_mk_uint(0x7FFF)
#define DOMID_MASK           xen_mk_uint(0x7FFF)

#ifndef __ASSEMBLER__

typedef uint16_t domid_t;

struct mmuext_op {
	unsigned int cmd; /* MMUEXT_* */
	union {
		xen_pfn_t mfn;
		unsigned long linear_addr;
	} arg1;
	union {
		unsigned int nr_ents;
		XEN_GUEST_HANDLE(const_void) vcpumask;
		xen_pfn_t src_mfn;
	} arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);

struct mmu_update {
	uint64_t ptr; /* machine address | MMU_* */
	uint64_t val; /* the new entry */
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

/* multicall(entry[], count): each is done in turn and leaves its own result. */
struct multicall_entry {
	xen_ulong_t op, result;
	xen_ulong_t args[6];
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

/*
 * A vCPU's clock. Read with the version before and after: equal and even means
 * consistent. With d = TSC - tsc_timestamp, shifted left by tsc_shift (right
 * if negative):
 *	nanoseconds since boot = system_time + (d * tsc_to_system_mul >> 32)
 */
struct vcpu_time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags; /* XEN_PVCLOCK_* */
	uint8_t pad1[2];
};
typedef struct vcpu_time_info vcpu_time_info_t;

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* the TSCs of all CPUs run together */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1) /* this vCPU was stopped by its host */

/*
 * Per-vCPU event state and clock: 64 bytes. The hypervisor sets the pending
 * byte, then calls the event callback as soon as the mask byte is 0; the guest
 * clears the pending byte before it looks for work, and then the bits of
 * evtchn_pending_sel, each standing for one word of evtchn_pending.
 */
struct vcpu_info {
	uint8_t evtchn_upcall_pending;
	uint8_t evtchn_upcall_mask;
	xen_ulong_t evtchn_pending_sel;
	struct arch_vcpu_info arch;
	vcpu_time_info_t time;
};
typedef struct vcpu_info vcpu_info_t;

/*
 * The page shared by hypervisor and guest: 3136 bytes. A port of the 2-level
 * event ABI has its bits in evtchn_pending and evtchn_mask. wc_* is the UTC
 * time at which the system time was 0; wc_version works as in vcpu_time_info.
 */
struct shared_info {
	struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
	xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8];
	xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8];
	uint32_t wc_version;
	uint32_t wc_sec;
	uint32_t wc_nsec;
	uint32_t wc_sec_hi;
	struct arch_shared_info arch;
};
typedef struct shared_info shared_info_t;
#define xen_wc_sec_hi wc_sec_hi

#define MAX_GUEST_CMDLINE 1024

/* What rsi points at when a PV guest starts: 1168 bytes. */
struct start_info {
	char magic[32]; /* "xen-3.0-x86_64" */
	unsigned long nr_pages; /* the guest's memory */
	unsigned long shared_info; /* machine address */
	uint32_t flags; /* SIF_* */
	xen_pfn_t store_mfn; /* xenstore ring, <public/io/xs_wire.h> */
	uint32_t store_evtchn;
	union {
		struct {
			xen_pfn_t mfn; /* console ring, <public/io/console.h> */
			uint32_t evtchn;
		} domU;
		struct {
			uint32_t info_off; /* dom0_vga_console_info, from here */
			uint32_t info_size;
		} dom0;
	} console;
	unsigned long pt_base; /* address of the L4 table ... */
	unsigned long nr_pt_frames; /* ... and of this many frames of tables */
	unsigned long mfn_list; /* address of the P2M list */
	unsigned long mod_start; /* address or PFN of the ramdisk; see SIF_MOD_START_PFN */
	unsigned long mod_len;
	int8_t cmd_line[MAX_GUEST_CMDLINE];
	unsigned long first_p2m_pfn; /* frames of the list and of its tables, ... */
	unsigned long nr_p2m_frames; /* ... if XEN_ELFNOTE_INIT_P2M placed it */
};
typedef struct start_info start_info_t;

#endif /* !__ASSEMBLER__ */

/* start_info.flags */
#define SIF_PRIVILEGED      (1 << 0)
#define SIF_INITDOMAIN      (1 << 1) /* the control domain */
#define SIF_MULTIBOOT_MOD   (1 << 2) /* mod_start is a xen_multiboot_mod_list */
#define SIF_MOD_START_PFN   (1 << 3) /* mod_start is a PFN, the ramdisk is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4) /* tools need only the linear P2M */
#define SIF_PM_MASK         (0xFF << 8) /* power management left to the guest */

#ifndef __ASSEMBLER__

struct xen_multiboot_mod_list {
	uint32_t mod_start;
	uint32_t mod_end;
	uint32_t cmdline;
	uint32_t pad;
};

#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

/* The state in which the control domain finds the screen: 40 bytes. */
typedef struct dom0_vga_console_info {
	uint8_t video_type; /* XEN_VGATYPE_* */
	union {
		struct {
			uint16_t font_height;
			uint16_t cursor_x, cursor_y;
			uint16_t rows, columns;
		} text_mode_3;
		struct {
			uint16_t width, height;
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base;
			uint32_t lfb_size; /* in 64 KiB */
			uint8_t red_pos, red_size;
			uint8_t green_pos, green_size;
			uint8_t blue_pos, blue_size;
			uint8_t rsvd_pos, rsvd_size;
			uint32_t gbl_caps;
			uint16_t mode_attrs;
			uint16_t pad;
			uint32_t ext_lfb_base; /* bits 32-63 of lfb_base */
		} vesa_lfb;
	} u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

typedef uint8_t xen_domain_handle_t[16];

/* A bit map in the tools' interfaces, in bytes; bits past nr_bits read as 0. */
struct xenctl_bitmap {
	XEN_GUEST_HANDLE_64(uint8) bitmap;
	uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;

#endif /* !__ASSEMBLER__ */

#endif /* XEN_PUBLIC_XEN_H */
