/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Interrupt lines of the machine ("irq": a GSI of an IO-APIC, or an MSI), who
 * handles each (the hypervisor itself, or one guest as a pirq), and the vectors
 * they come in on.
 *
 * Locks: irq_desc.lock (RANK_IRQ) for one line; pirq maps of a domain are under
 * domain.pirq_lock (RANK_PHYSDEV).
 */
#ifndef HV_IRQ_H
#define HV_IRQ_H

#include <hv/types.h>
#include <public/physdev.h>

struct domain;
struct vcpu;
struct cpu_user_regs;

/*
 * Devices, as far as the hypervisor needs them: IO-APICs and vectors, PCI, the
 * registers for power and reset, what UEFI left. After acpi_init(), apic_init_bsp()
 * and timers_init(); while boot_info is still there.
 */
void irq_init(void);

/*
 * The hypervisor's own use of a GSI (serial port). -EBUSY: somebody has it;
 * -EINVAL: no such line; -ENOSPC: no vector. @fn runs with interrupts off and no
 * lock held.
 */
int irq_request(unsigned int gsi, void (*fn)(void *), void *data);
/* Which GSI an ISA interrupt (the COM ports' 4 and 3) arrives at. */
unsigned int irq_isa_to_gsi(unsigned int isa_irq);

/* Vector arrived (from traps; interrupts off). */
void irq_dispatch(unsigned int vector);

/* A domain's pirqs. pirq_release_all: at its death. */
int pirq_init_domain(struct domain *d);
void pirq_release_all(struct domain *d);
void pirq_fini_domain(struct domain *d);

/*
 * For EVTCHNOP_bind_pirq and close: route the pirq's interrupt to @port, and no
 * longer. Locks: none held but the caller's evtchn_lock.
 * -EINVAL: not mapped or not allowed; -EEXIST: bound.
 */
int pirq_bind(struct domain *d, unsigned int pirq, uint32_t port, bool share);
void pirq_unbind(struct domain *d, unsigned int pirq);
/* The vCPU that the port is delivered to has changed (affinity hint). */
void pirq_set_vcpu(struct domain *d, unsigned int pirq, struct vcpu *v);

long do_physdev_op(int cmd, uint64_t arg);

/* The platform_op hypercall: wall clock, power, firmware data, physical CPUs. */
long do_platform_op(uint64_t arg);

/* Access rights (domctl irq/ioport/iomem_permission; the hardware domain has all but ours). */
int permissions_init_domain(struct domain *d); /* -ENOMEM. d->is_hardware is set. */
void permissions_fini_domain(struct domain *d); /* takes a half-made one */
bool ioport_access_ok(const struct domain *d, unsigned int port, unsigned int bytes);
bool irq_access_ok(const struct domain *d, unsigned int gsi);
/*
 * May @d map this frame, which isn't RAM? If iomem_read_only() says so (an MSI-X
 * table) then without PTE_RW: the entry's bit is taken away silently, and what
 * the domain writes there is dropped.
 */
bool iomem_access_ok(const struct domain *d, mfn_t mfn);
bool iomem_read_only(mfn_t mfn);
/*
 * Grants or takes away (the domctls). -EINVAL: out of range; -EPERM: grants what
 * is the hypervisor's; -ENOMEM, -ENOSPC.
 */
int ioport_permit(struct domain *d, unsigned int first, unsigned int nr, bool allow);
int iomem_permit(struct domain *d, mfn_t first, unsigned long nr, bool allow);
int irq_permit(struct domain *d, unsigned int gsi, bool allow);
/* MMIO frames and ports that the hypervisor keeps for itself. */
void iomem_deny(mfn_t start, unsigned long nr);
void ioport_deny(unsigned int start, unsigned int nr);
/* Frames that domains may only read. */
int iomem_deny_write(mfn_t start, unsigned long nr);

/* Guest port access by the privileged-instruction emulation; all-ones if denied. */
uint32_t ioport_guest_read(struct vcpu *v, unsigned int port, unsigned int bytes);
void ioport_guest_write(struct vcpu *v, unsigned int port, unsigned int bytes, uint32_t val);

void irq_dump(void);

#endif
