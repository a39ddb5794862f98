/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * PCI as far as interrupts go: configuration space, the devices that the control
 * domain has announced, their MSI and MSI-X capabilities.
 *
 * The hypervisor owns, of every announced device, the MSI message, its mask and
 * pending bits, and the MSI-X table; the control domain owns everything else,
 * the enable bits of both capabilities included.
 *
 * Locks: pci_lock (RANK_PCI) for the list of devices and what they have mapped.
 * Single configuration accesses are serialised by a leaf lock inside; any
 * context.
 */
#ifndef ARCH_PCI_H
#define ARCH_PCI_H

#include <hv/list.h>
#include <hv/spinlock.h>
#include <hv/types.h>

struct domain;
struct irq_desc;

/* Segment, bus, device and function in one number. */
#define PCI_SBDF(seg, bus, devfn) \
	((uint32_t)(seg) << 16 | (uint32_t)(uint8_t)(bus) << 8 | (uint8_t)(devfn))
#define PCI_SEG(sbdf)   ((sbdf) >> 16)
#define PCI_BUS(sbdf)   (((sbdf) >> 8) & 0xff)
#define PCI_DEVFN(sbdf) ((sbdf)&0xff)
#define PCI_FMT         "%04x:%02x:%02x.%u"
#define PCI_ARGS(sbdf)  PCI_SEG(sbdf), PCI_BUS(sbdf), PCI_DEVFN(sbdf) >> 3, (sbdf)&7

#define PCI_MAX_DEVICES 4096

struct pci_dev {
	struct list_head list;
	uint32_t sbdf;
	bool is_virtfn;
	unsigned int nr_irqs; /* MSI and MSI-X entries mapped to pirqs */

	uint8_t msi_cap; /* offset, 0: none */
	bool msi_64bit, msi_maskable;

	uint8_t msix_cap;
	unsigned int msix_nr; /* entries of the table */
	/* Set while an entry is in use; its frames are read-only to domains for good. */
	paddr_t msix_pa;
	volatile uint32_t *msix_table;
};

extern struct spinlock pci_lock;

void pci_init(void);

/*
 * @bytes is 1, 2 or 4, @reg aligned to it. Segment 0 below register 256 by the
 * ports; others through MMCONFIG, where the control domain has confirmed it:
 * all ones, or nothing written, else.
 */
uint32_t pci_config_read(uint32_t sbdf, unsigned int reg, unsigned int bytes);
void pci_config_write(uint32_t sbdf, unsigned int reg, unsigned int bytes, uint32_t val);

/* -ENODEV: the MCFG table has no such window. */
int pci_mmcfg_reserved(paddr_t addr, uint16_t segment, uint8_t start_bus, uint8_t end_bus,
		       bool reserved);

/* -EEXIST isn't an error: 0. -ENODEV: nothing answers; -ENOMEM, -ENOSPC. */
int pci_device_add(uint32_t sbdf, bool is_virtfn);
/* -ENODEV; -EBUSY: it still has interrupts. */
int pci_device_remove(uint32_t sbdf);
/* Under pci_lock. NULL: not announced. */
struct pci_dev *pci_device_find(uint32_t sbdf);

/*
 * The control domain's accesses to ports 0xcf8-0xcff (pci_port.c): the address
 * latch is the domain's own, and writes don't touch what is the hypervisor's.
 */
uint32_t pci_port_read(struct domain *d, unsigned int port, unsigned int bytes);
void pci_port_write(struct domain *d, unsigned int port, unsigned int bytes, uint32_t val);

/* ---- MSI (msi.c) ----------------------------------------------------------- */

/* Capability registers, relative to the capability */
#define PCI_MSI_CTRL          2
#define PCI_MSI_CTRL_ENABLE   0x0001
#define PCI_MSI_CTRL_MULTI    0x0070 /* how many are enabled */
#define PCI_MSI_CTRL_64BIT    0x0080
#define PCI_MSI_CTRL_MASKABLE 0x0100
#define PCI_MSI_ADDR_LO       4
#define PCI_MSI_ADDR_HI       8
#define PCI_MSIX_CTRL         2
#define PCI_MSIX_CTRL_SIZE    0x07ff
#define PCI_MSIX_TABLE        4

/* Length of the capability: what of it is the hypervisor's starts at 4. */
unsigned int msi_cap_len(const struct pci_dev *dev);

/* Fills in the capability fields of a new device. */
void msi_probe(struct pci_dev *dev);

/*
 * Readies the device's MSI (entry 0, @is_msix false) or MSI-X entry for @desc,
 * which isn't in use yet: maps the table, masks the entry. Under pci_lock.
 * -ENODEV: no such capability; -EINVAL: entry or table out of range; -EBUSY: MSI
 * or the other kind is in use; -ENOMEM.
 */
int msi_attach(struct pci_dev *dev, struct irq_desc *desc, bool is_msix, unsigned int entry,
	       paddr_t table_base);
/* The contrary: masked, and the message points nowhere. Under pci_lock. */
void msi_detach(struct irq_desc *desc);

/* For irq.c, under desc.lock. msi_mask is false where the device can't mask. */
void msi_write_message(struct irq_desc *desc);
void msi_set_dest(struct irq_desc *desc);
bool msi_mask(struct irq_desc *desc);
void msi_unmask(struct irq_desc *desc);

#endif
