/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The inside of x86/dev: what is known of an interrupt line, of a domain's
 * pirqs, and the controllers' operations. Others use hv/irq.h.
 *
 *   line            entered by                     interrupts
 *   free            -                              masked
 *   ours            irq_request                    run a function
 *   bound           pirq_bind (EVTCHNOP_bind_pirq) raise an event; a level line is
 *                                                  then masked until PHYSDEVOP_eoi
 *   (bound lines go back to free by pirq_unbind)
 *
 * Lock order: domain.pirq_lock (RANK_PHYSDEV) > pci_lock (RANK_PCI) >
 * pirq_map.bind_lock (RANK_PIRQ) > irq_desc.lock (RANK_IRQ, interrupts off).
 * Nothing is called with desc.lock held but the controllers, so an event can be
 * sent from an interrupt without regard for lock ranks.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <hv/irq.h>
#include <hv/spinlock.h>
#include <hv/types.h>

struct pci_dev;

#define MAX_GSIS     1024
#define NR_VECTORS   256
/* No more can have a vector at one time. */
#define MAX_MSI_IRQS 206

enum irq_kind { IRQ_GSI, IRQ_MSI, IRQ_MSIX };

struct irq_desc {
	struct spinlock lock;
	uint8_t kind; /* enum irq_kind */
	uint8_t vector; /* 0: none yet */
	bool level, active_low;
	/* Why it is masked */
	bool enabled; /* somebody handles it */
	bool awaiting_eoi; /* level: the guest is at it */
	bool storming; /* too many: pauses until the storm timer */
	bool in_use; /* MSI: taken from the pool */

	unsigned int gsi;
	unsigned int dest; /* CPU that it is sent to */

	/* Ours */
	void (*fn)(void *data);
	void *data;

	/* Bound */
	struct domain *domain;
	struct vcpu *vcpu; /* whose event it raises */
	unsigned int pirq;
	uint32_t port;
	uint32_t strays; /* arrivals on a CPU where that vCPU isn't */

	/* MSI */
	struct pci_dev *dev;
	unsigned int entry;

	/* Arrivals: all, in the present window, storms */
	int64_t window;
	uint32_t in_window, storms;
	uint64_t count;
	uint32_t in_progress; /* atomic: being delivered outside of the lock */
};

extern unsigned int nr_gsis;

/* NULL: there is no such line. */
struct irq_desc *irq_gsi_desc(unsigned int gsi);
/* An MSI from the pool, or NULL. Released when nothing is attached or bound. */
struct irq_desc *irq_msi_desc_alloc(void);
void irq_msi_desc_free(struct irq_desc *desc);
/* Is that MSI or MSI-X entry attached? Under pci_lock. */
bool irq_msi_in_use(const struct pci_dev *dev, enum irq_kind kind, unsigned int entry);

/*
 * Trigger mode and polarity of a GSI. -EEXIST: it is in use in another mode;
 * -EINVAL: no such line.
 */
int irq_set_mode(unsigned int gsi, bool level, bool active_low);
/* Gives the line a vector if it has none. -ENOSPC. */
int irq_assign_vector(struct irq_desc *desc);

/* Free -> bound. -EBUSY: somebody has it; -ENOSPC: no vector. */
int irq_bind(struct irq_desc *desc, struct domain *d, unsigned int pirq, uint32_t port);
/* Bound by this pirq -> free; nothing otherwise. */
void irq_unbind(struct irq_desc *desc, const struct domain *d, unsigned int pirq);
/* The guest has served a level line. True: it was waiting for that. */
bool irq_eoi(struct irq_desc *desc, const struct domain *d, unsigned int pirq);
void irq_set_vcpu(struct irq_desc *desc, const struct domain *d, unsigned int pirq, struct vcpu *v);
/* Waits until no CPU is delivering it any more. No locks, interrupts on. */
void irq_sync(const struct irq_desc *desc);
/* Writes it to its controller again, after the device was reset. */
void irq_restore(struct irq_desc *desc);
/* All MSIs of the device. */
void irq_restore_device(const struct pci_dev *dev);

/* The APIC id that the line's messages are addressed to. */
unsigned int irq_dest_apic_id(const struct irq_desc *desc);

/* ---- vectors (vector.c) ---------------------------------------------------- */

struct vector_map {
	unsigned long used[NR_VECTORS / 64];
	unsigned int next; /* where the search goes on */
};

/* A free device vector, or -ENOSPC. Neighbours in time get different priorities. */
int vector_alloc(struct vector_map *m);
void vector_free(struct vector_map *m, unsigned int vector);

/* ---- IO-APICs (ioapic.c) --------------------------------------------------- */

/* Finds and masks all, sets nr_gsis. */
void ioapic_init(void);
/* Under desc.lock. ioapic_program writes mode, vector and destination; masked. */
void ioapic_program(const struct irq_desc *desc);
void ioapic_set_dest(const struct irq_desc *desc);
void ioapic_mask(const struct irq_desc *desc);
void ioapic_unmask(const struct irq_desc *desc);
/* Register of the controller at @pa for the control domain's eyes. -ENODEV, -EINVAL. */
int ioapic_peek(paddr_t pa, unsigned int reg, uint32_t *ret_val);
bool gsi_exists(unsigned int gsi);

/* The two 8259s: masked for good, and kept from the control domain. */
void i8259_disable(void);

/* ---- pirqs (pirq.c) -------------------------------------------------------- */

/*
 * @pirq: the number wanted, or -1 for any. Mapping the same pair again is fine.
 * The caller has checked rights. -EINVAL, -EEXIST, -ENOMEM, -ENOSPC; for MSI what
 * msi_attach gives too.
 */
int pirq_map_gsi(struct domain *d, unsigned int gsi, int pirq, unsigned int *ret_pirq);
int pirq_map_msi(struct domain *d, uint32_t sbdf, bool is_msix, unsigned int entry,
		 paddr_t table_base, int pirq, unsigned int *ret_pirq);
/* A binding that is left goes away with it. -EINVAL: not mapped. */
int pirq_unmap(struct domain *d, unsigned int pirq);
/* -EINVAL: not mapped. */
int pirq_eoi(struct domain *d, unsigned int pirq);
int pirq_status(struct domain *d, unsigned int pirq, uint32_t *ret_flags);
/* A page of the guest for the bits. -EBUSY: has one; -EINVAL: not its page. */
int pirq_set_eoi_page(struct domain *d, unsigned long mfn, unsigned int version);
/* A free number outside of the GSIs. -ENOSPC, -ENOMEM. */
int pirq_get_free(struct domain *d, unsigned int *ret_pirq);

#endif
