/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * PCI configuration space and the list of announced devices: see arch/pci.h for
 * who owns what. Sources: PCI Local Bus Specification 3.0, 3.2.2.3; PCI Firmware
 * Specification 3.0 (MMCONFIG).
 *
 * Locks: config_lock (RANK_NONE, leaf, interrupts off) for the two ports;
 * pci_lock for the list and for MMCONFIG windows' mappings.
 */
#include <hv/lib.h>
#include <hv/mm.h>
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/pci.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  (1U << 31)

#define MMCFG_BUS_SHIFT   20
#define MMCFG_DEVFN_SHIFT 12

struct mmcfg {
	const struct acpi_mcfg *info;
	bool reserved;
	/* Registers of each bus, mapped when a device on it is announced. */
	uint8_t *bus[256];
};

struct spinlock pci_lock = SPINLOCK_INIT(RANK_PCI);
static struct spinlock config_lock = SPINLOCK_INIT(RANK_NONE);
static struct list_head devices = LIST_HEAD_INIT(devices);
static unsigned int nr_devices;
static struct mmcfg *mmcfg[ACPI_MAX_MCFG];

void __init pci_init(void)
{
	for (unsigned int i = 0; i < acpi_info.nr_mcfg; i++) {
		mmcfg[i] = hv_zalloc(sizeof(*mmcfg[i]));
		if (mmcfg[i])
			mmcfg[i]->info = &acpi_info.mcfg[i];
	}
}

/* ---- configuration space ------------------------------------------------------ */

static struct mmcfg *mmcfg_of(uint16_t segment, unsigned int bus)
{
	for (unsigned int i = 0; i < acpi_info.nr_mcfg; i++) {
		struct mmcfg *m = mmcfg[i];

		if (m && m->info->segment == segment && bus >= m->info->start_bus &&
		    bus <= m->info->end_bus)
			return m;
	}
	return NULL;
}

/* The function's registers, or NULL when they can't be had (yet). */
static volatile uint8_t *mmcfg_regs(uint32_t sbdf)
{
	unsigned int bus = PCI_BUS(sbdf);
	struct mmcfg *m = mmcfg_of((uint16_t)PCI_SEG(sbdf), bus);
	uint8_t *p;

	if (!m || !READ_ONCE(m->reserved))
		return NULL;
	p = __atomic_load_n(&m->bus[bus], __ATOMIC_ACQUIRE);
	return p ? p + (PCI_DEVFN(sbdf) << MMCFG_DEVFN_SHIFT) : NULL;
}

/* Under pci_lock. Failure shows as all ones later. */
static void mmcfg_map_bus(uint32_t sbdf)
{
	unsigned int bus = PCI_BUS(sbdf);
	struct mmcfg *m = mmcfg_of((uint16_t)PCI_SEG(sbdf), bus);

	/* The ports reach everything that is looked at in segment 0. */
	if (!PCI_SEG(sbdf) || !m || !m->reserved || m->bus[bus])
		return;
	__atomic_store_n(&m->bus[bus],
			 (uint8_t *)ioremap(m->info->addr + ((paddr_t)bus << MMCFG_BUS_SHIFT),
					    1UL << MMCFG_BUS_SHIFT),
			 __ATOMIC_RELEASE);
}

static bool by_ports(uint32_t sbdf, unsigned int reg)
{
	return !PCI_SEG(sbdf) && reg < 256;
}

static uint32_t config_address(uint32_t sbdf, unsigned int reg)
{
	return CONFIG_ENABLE | (sbdf & 0xffff) << 8 | (reg & 0xfc);
}

uint32_t pci_config_read(uint32_t sbdf, unsigned int reg, unsigned int bytes)
{
	volatile uint8_t *p;
	unsigned long flags;
	uint32_t v;

	if (!by_ports(sbdf, reg)) {
		p = reg < 4096 ? mmcfg_regs(sbdf) : NULL;
		if (!p)
			return ~0U;
		p += reg;
		return bytes == 1   ? *p
		       : bytes == 2 ? *(volatile uint16_t *)p
				    : *(volatile uint32_t *)p;
	}
	flags = spin_lock_irqsave(&config_lock);
	outl(CONFIG_ADDRESS, config_address(sbdf, reg));
	if (bytes == 1)
		v = inb((uint16_t)(CONFIG_DATA + (reg & 3)));
	else if (bytes == 2)
		v = inw((uint16_t)(CONFIG_DATA + (reg & 2)));
	else
		v = inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
	return v;
}

void pci_config_write(uint32_t sbdf, unsigned int reg, unsigned int bytes, uint32_t val)
{
	volatile uint8_t *p;
	unsigned long flags;

	if (!by_ports(sbdf, reg)) {
		p = reg < 4096 ? mmcfg_regs(sbdf) : NULL;
		if (!p)
			return;
		p += reg;
		if (bytes == 1)
			*p = (uint8_t)val;
		else if (bytes == 2)
			*(volatile uint16_t *)p = (uint16_t)val;
		else
			*(volatile uint32_t *)p = val;
		return;
	}
	flags = spin_lock_irqsave(&config_lock);
	outl(CONFIG_ADDRESS, config_address(sbdf, reg));
	if (bytes == 1)
		outb((uint16_t)(CONFIG_DATA + (reg & 3)), (uint8_t)val);
	else if (bytes == 2)
		outw((uint16_t)(CONFIG_DATA + (reg & 2)), (uint16_t)val);
	else
		outl(CONFIG_DATA, val);
	spin_unlock_irqrestore(&config_lock, flags);
}

int pci_mmcfg_reserved(paddr_t addr, uint16_t segment, uint8_t start_bus, uint8_t end_bus,
		       bool reserved)
{
	int rc = -ENODEV;

	spin_lock(&pci_lock);
	for (unsigned int i = 0; i < acpi_info.nr_mcfg; i++) {
		const struct acpi_mcfg *info = &acpi_info.mcfg[i];

		if (!mmcfg[i] || info->addr != addr || info->segment != segment ||
		    info->start_bus != start_bus || info->end_bus < end_bus)
			continue;
		WRITE_ONCE(mmcfg[i]->reserved, reserved);
		rc = 0;
	}
	spin_unlock(&pci_lock);
	return rc;
}

/* ---- devices --------------------------------------------------------------------- */

struct pci_dev *pci_device_find(uint32_t sbdf)
{
	struct pci_dev *dev;

	ASSERT(spin_is_held(&pci_lock));
	list_for_each_entry (dev, &devices, list) {
		if (dev->sbdf == sbdf)
			return dev;
	}
	return NULL;
}

static int device_add_locked(uint32_t sbdf, bool is_virtfn)
{
	struct pci_dev *dev;
	uint32_t id;

	if (pci_device_find(sbdf))
		return 0;
	if (nr_devices == PCI_MAX_DEVICES)
		return -ENOSPC;
	mmcfg_map_bus(sbdf);
	id = pci_config_read(sbdf, 0, 4);
	/* A virtual function has no vendor of its own. */
	if ((id == ~0U || !id) && !is_virtfn)
		return (int)hv_err(-ENODEV, "no device at " PCI_FMT, PCI_ARGS(sbdf));
	dev = hv_zalloc(sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->sbdf = sbdf;
	dev->is_virtfn = is_virtfn;
	msi_probe(dev);
	list_add_tail(&dev->list, &devices);
	nr_devices++;
	pr_debug("PCI " PCI_FMT " %04x:%04x%s%s\n", PCI_ARGS(sbdf), id & 0xffff, id >> 16,
		 dev->msi_cap ? " MSI" : "", dev->msix_cap ? " MSI-X" : "");
	return 0;
}

int pci_device_add(uint32_t sbdf, bool is_virtfn)
{
	int rc;

	spin_lock(&pci_lock);
	rc = device_add_locked(sbdf, is_virtfn);
	spin_unlock(&pci_lock);
	return rc;
}

int pci_device_remove(uint32_t sbdf)
{
	struct pci_dev *dev;
	int rc = 0;

	spin_lock(&pci_lock);
	dev = pci_device_find(sbdf);
	if (!dev) {
		rc = -ENODEV;
	} else if (dev->nr_irqs) {
		rc = -EBUSY;
	} else {
		list_del(&dev->list);
		nr_devices--;
		hv_free(dev);
	}
	spin_unlock(&pci_lock);
	return rc;
}
