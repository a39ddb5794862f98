/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A fake machine for host tests. Our arch/ headers stand in for x86's where those
 * name the real machine (cpu.h, page.h, percpu.h); the others are x86's. The real
 * common code is linked over it: mm/, lib/, evtchn/, grant/ ... A test program lists
 * the parts that it wants real and the fakes of the rest:
 *
 *   machine.c   CPUs, memory, TLB, guest access, preemption, log
 *   domain.c    domains and vCPUs, without anything that they do by themselves
 *   sched.c     vcpu_kick and its like: counted
 *   irq.c       pirq_bind and its like: remembered
 *   tables.c    page tables of any content are valid
 *   pte.c       arch_grant_*: a list of mappings instead of page tables
 *   pv.c        what x86/mm and x86/pv use of the CPU: root, descriptor window
 *   roots.c     the hypervisor's half of the address space: nothing
 *   mmu.c       accesses by virtual address, through real page tables and a TLB
 *   emulated.c  what pv.c's users need of the emulation of a CPU, without it
 *   cpu.c       registers and I/O ports, for the real emulation
 *
 * A thread of the test program is a CPU. Mostly there is one, and it plays CPUs and
 * guests in turn; others call ht_thread_is_cpu() first.
 */
#ifndef HOSTTEST_MACHINE_H
#define HOSTTEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <hv/types.h>

struct cpu_user_regs;
struct vcpu;
struct domain;

#define HT_CPUS   4
#define HT_FRAMES 8192 /* frame 0 is never handed out */

extern _Thread_local unsigned int ht_cpu; /* the CPU that executes the test */
extern bool ht_irq_on[HT_CPUS];
extern struct vcpu *ht_current[HT_CPUS];
extern uint64_t ht_tsc;
/* What other CPUs do while this one waits for them; NULL: nothing, or they are threads. */
extern void (*ht_relax)(void);
/*
 * Called each time interrupts are turned off by local_irq_save(), before: what other
 * CPUs do just before this one takes a lock by spin_lock_irqsave(). NULL: nothing.
 */
extern void (*ht_irq_save_hook)(void);
extern struct cpu_user_regs ht_guest_regs; /* of who is in a hypercall */
extern char *ht_ram;
extern unsigned long ht_m2p[HT_FRAMES];
extern unsigned int ht_tlb_flushes;
extern unsigned long ht_pages_written; /* cleared or copied to as a whole */

void *ht_percpu_addr(void *p, unsigned int cpu);

/* Once per program, before anything else; with HT_FRAMES frames or fewer. */
void ht_machine_init(void);
void ht_machine_init_frames(unsigned long frames);
/* This thread is the CPU from now on. Locks may be waited for then. */
void ht_thread_is_cpu(unsigned int cpu);
/* No lock is held and interrupts are on. */
void ht_assert_quiet(void);

/*
 * hypercall_preempt_check() is true at the n-th next question, and so on every n
 * questions; 0: never.
 */
void ht_preempt_every(unsigned int n);
/* Called at each question; NULL: nothing. */
extern void (*ht_preempt_hook)(void);

/* What hypercall_continue() was called with; nr 0: not called. */
struct ht_continuation {
	unsigned int op, nr;
	unsigned long arg[6];
};
extern struct ht_continuation ht_continuation;
#define HT_CONTINUED (-8500L) /* what it returns */

/*
 * Takes all free frames but @n out of the allocator, so that the (n+1)-th
 * allocation of one fails; and gives them back.
 */
void ht_leave_free(unsigned long n);
void ht_free_all(void);

/*
 * The CPUs' TLBs: what mmu.c put in and no flush has taken out. A frame that is
 * handed out while a TLB knows it is a panic.
 */
#define HT_TLB 16
struct ht_tlb_entry {
	bool valid, writable;
	uint16_t owner; /* of the frame, when it was put in */
	unsigned long va;
	mfn_t mfn;
};
extern struct ht_tlb_entry ht_tlb[HT_CPUS][HT_TLB];
/* What others do when the flush clock has just been looked at; NULL: nothing. */
extern void (*ht_tlb_clock_hook)(void);

/*
 * Guest addresses are the test's own pointers. Those in [start, start + len) can't
 * be read or written; len 0: all can.
 */
void ht_guest_fault(const void *start, size_t len);
/* Only these can be read and written from now on; len 0: all can. */
void ht_guest_window(const void *start, size_t len);
/* So many locks may be held in a copy: of domctl and sysctl their own, for one. */
extern unsigned int ht_copy_locks;
/* What others do at each guest_copy_out(), before it; NULL: nothing. */
extern void (*ht_copy_hook)(void);
static inline uint64_t ht_va(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* What was logged, as long as there is room; to be emptied before it is looked at. */
#define HT_LOG_SIZE 4096
extern char ht_log[HT_LOG_SIZE];

/* ---- domain.c ---------------------------------------------------------------- */

/* A domain with @vcpus vCPUs, shared_info, and event channels up to @max_port. */
struct domain *ht_domain_new(unsigned int id, unsigned int vcpus, unsigned int max_port);
/* Its @vcpu runs on this CPU. NULL: the idle domain. */
void ht_run(struct domain *d, unsigned int vcpu);
/* Has ports and grants of all domains recounted (hv/audit.h); aborts on a difference. */
void ht_audit(void);
/* Marks it dying. */
void ht_domain_dying(struct domain *d);
/* The end: after the parts of it are destroyed. Everything must be back. */
void ht_domain_free(struct domain *d);
/* A fresh zeroed frame of the domain's memory. */
mfn_t ht_domain_page(struct domain *d);
/* Gives it back (the owner's reference). */
void ht_domain_page_release(mfn_t mfn);

/* ---- sched.c ------------------------------------------------------------------- */

extern unsigned int ht_kicks[/* vcpu id */ 128], ht_poll_wakes[128];

/* ---- irq.c --------------------------------------------------------------------- */

#define HT_PIRQS 32
/* Port that a pirq is bound to, 0 if none; whose events go to vCPU ht_pirq_vcpu[]. */
extern uint32_t ht_pirq_port[HT_PIRQS];
extern unsigned int ht_pirq_vcpu[HT_PIRQS];
#define HT_PIRQ_FORBIDDEN 31 /* not mapped, so not bound */

/* ---- pv.c ---------------------------------------------------------------------- */

/* Frames beyond RAM: devices' registers, which d0 may map; the second one read-only. */
#define HT_MMIO        0x100000UL
#define HT_MMIO_FRAMES 4

/* ---- mmu.c --------------------------------------------------------------------- */

/*
 * The current vCPU's access to @va, as a CPU does it: by its TLB, else by a walk
 * from the vCPU's root, which the TLB then remembers. NULL: page fault.
 */
void *ht_mmu_access(unsigned long va, bool write);

/* ---- cpu.c --------------------------------------------------------------------- */

/*
 * The CPU. Whatever it would answer by an exception in the hypervisor is a panic:
 * MSRs and bits that it doesn't have, addresses that aren't canonical.
 */
struct ht_cpu_regs {
	uint64_t cr0, cr4, xcr0, dr[8];
	uint64_t fs_base, gs_base, kernel_gs_base, apic_base;
};
extern struct ht_cpu_regs ht_regs;

/* What CPUID answers; NULL, and at first: ones in all features. */
extern struct cpuid_regs (*ht_cpuid)(uint32_t leaf, uint32_t subleaf);

/* Accesses to I/O ports and to the PCI ports, since the last ht_ports_clear(). */
struct ht_port_access {
	bool write, pci;
	uint16_t port;
	uint8_t size;
	uint32_t val;
};
#define HT_PORT_LOG 256
extern struct ht_port_access ht_port_log[HT_PORT_LOG];
extern unsigned int ht_port_accesses;
void ht_ports_clear(void);
/* What a port answers. */
uint32_t ht_port_value(unsigned int port, unsigned int size);

/* What was injected into the guest last; nr -1: nothing. */
struct ht_injected {
	int vector;
	uint32_t error;
	uint64_t cr2;
};
extern struct ht_injected ht_injected;
extern unsigned int ht_blocks; /* vcpu_block() */

/* ---- pte.c --------------------------------------------------------------------- */

struct ht_pte {
	uint64_t addr;
	mfn_t mfn;
	bool present, writable;
};
#define HT_PTES 512
extern struct ht_pte ht_ptes[HT_PTES];
extern unsigned int ht_grant_flushes;
/* The entry at @addr, or NULL: nothing is mapped there. */
struct ht_pte *ht_pte_at(uint64_t addr);
/* The next arch_grant_map() fails. */
extern bool ht_grant_map_fails;
/* Drops all entries' references, as the end of the page tables does. */
void ht_ptes_clear(void);

#endif
