/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ports 0xcf8-0xcff as the control domain sees them. The address latch is kept in
 * d->arch.pci_cf8 (the hypervisor uses the real one at any time); an access to
 * the data port becomes one of our own, after the bytes that belong to the
 * hypervisor have been left out:
 *   MSI    from the message address on to the capability's end, and how many
 *          messages are enabled; the enable bit is the control domain's
 *   MSI-X  nothing here: the table is in memory, the capability is read-only but
 *          for enable and mask-all, which are the control domain's
 *
 * The latch needs no lock: a guest whose CPUs race for it gets what it wrote.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <arch/pci.h>

#define LATCH        0xcf8
#define DATA         0xcfc
#define LATCH_ENABLE (1U << 31)
#define LATCH_BDF(l) (((l) >> 8) & 0xffff)
#define LATCH_REG(l) ((l)&0xfc)

static bool is_data_access(uint32_t latch, unsigned int port, unsigned int bytes)
{
	return (latch & LATCH_ENABLE) && port >= DATA && port + bytes <= DATA + 4 &&
	       (port & (bytes - 1)) == 0;
}

uint32_t pci_port_read(struct domain *d, unsigned int port, unsigned int bytes)
{
	uint32_t latch = READ_ONCE(d->arch.pci_cf8);

	if (port == LATCH && bytes == 4)
		return latch;
	if (!is_data_access(latch, port, bytes))
		return bytes == 4 ? ~0U : (1U << (8 * bytes)) - 1;
	return pci_config_read(LATCH_BDF(latch), LATCH_REG(latch) + (port & 3), bytes);
}

/* A bit for each of the four bytes at @reg (a multiple of 4) that isn't the domain's. */
static unsigned int protected_bytes(const struct pci_dev *dev, unsigned int reg)
{
	unsigned int start = dev->msi_cap + PCI_MSI_ADDR_LO;
	unsigned int end = dev->msi_cap + msi_cap_len(dev), mask = 0;

	for (unsigned int i = 0; dev->msi_cap && i < 4; i++) {
		if (reg + i >= start && reg + i < end)
			mask |= 1U << i;
	}
	return mask;
}

/* The message count in the control word stays what it is: one. */
static uint32_t filter_control(const struct pci_dev *dev, unsigned int reg, unsigned int bytes,
			       uint32_t val)
{
	unsigned int ctrl = dev->msi_cap + PCI_MSI_CTRL;

	if (!dev->msi_cap || ctrl < reg || ctrl >= reg + bytes)
		return val;
	return val & ~((uint32_t)PCI_MSI_CTRL_MULTI << (8 * (ctrl - reg)));
}

static void write_filtered(const struct pci_dev *dev, unsigned int reg, unsigned int bytes,
			   uint32_t val)
{
	unsigned int mask = protected_bytes(dev, reg & ~3U) >> (reg & 3);

	mask &= (1U << bytes) - 1;
	if (!mask) {
		pci_config_write(dev->sbdf, reg, bytes, filter_control(dev, reg, bytes, val));
		return;
	}
	for (unsigned int i = 0; i < bytes; i++) {
		if (!(mask & (1U << i)))
			pci_config_write(dev->sbdf, reg + i, 1, (val >> (8 * i)) & 0xff);
	}
}

void pci_port_write(struct domain *d, unsigned int port, unsigned int bytes, uint32_t val)
{
	uint32_t latch = READ_ONCE(d->arch.pci_cf8);
	const struct pci_dev *dev;
	unsigned int reg;

	if (port == LATCH && bytes == 4) {
		WRITE_ONCE(d->arch.pci_cf8, val);
		return;
	}
	/* Port 0xcf9 among others: the machine is reset by hypercall. */
	if (!is_data_access(latch, port, bytes))
		return;
	reg = LATCH_REG(latch) + (port & 3);
	spin_lock(&pci_lock);
	dev = pci_device_find(LATCH_BDF(latch));
	if (dev && reg >= 0x40)
		write_filtered(dev, reg, bytes, val);
	else
		pci_config_write(LATCH_BDF(latch), reg, bytes, val);
	spin_unlock(&pci_lock);
}
