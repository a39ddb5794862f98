/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Message-signalled interrupts: capability and table of a device. The message is
 * written once, when the interrupt is first bound; later only its destination
 * changes, which is all in the low address word, so that no torn message can ever
 * be seen. Source: PCI Local Bus Specification 3.0, 6.8; Intel SDM vol. 3,
 * "Message Signalled Interrupts".
 *
 * Multiple messages of plain MSI aren't offered: their vectors would have to be
 * consecutive and could go to one CPU only; drivers fall back to one.
 *
 * Locks: pci_lock for what a device has mapped and the list of mappings, desc.lock for an entry. The MSI
 * mask register and the MSI-X table entry belong to one descriptor each.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/page.h>
#include <arch/pci.h>

#define PCI_STATUS        0x06
#define PCI_STATUS_CAPS   0x10
#define PCI_HEADER_TYPE   0x0e
#define PCI_HEADER_BRIDGE 1
#define PCI_BAR(n)        (0x10 + 4 * (n))
#define PCI_BAR_IO        1U
#define PCI_BAR_64BIT     4U
#define PCI_CAP_PTR       0x34
#define PCI_CAP_MSI       0x05
#define PCI_CAP_MSIX      0x11
#define PCI_CAPS_MAX      48 /* as many as fit */

#define TABLE_BIR 7U

/* An MSI-X entry in words of 32 bits */
#define ENTRY_WORDS       4
#define ENTRY_ADDR_LO     0
#define ENTRY_ADDR_HI     1
#define ENTRY_DATA        2
#define ENTRY_CTRL        3
#define ENTRY_CTRL_MASKED 1U
#define ENTRY_BYTES       (ENTRY_WORDS * 4)

/* Address: physical destination; data: fixed delivery, edge */
#define MSI_ADDRESS    0xfee00000U
#define MSI_DEST_SHIFT 12

static unsigned int find_cap(uint32_t sbdf, unsigned int id)
{
	unsigned int pos;

	if (!(pci_config_read(sbdf, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	pos = pci_config_read(sbdf, PCI_CAP_PTR, 1) & 0xfc;
	for (unsigned int n = 0; pos >= 0x40 && n < PCI_CAPS_MAX; n++) {
		uint32_t cap = pci_config_read(sbdf, pos, 2);

		if ((cap & 0xff) == id)
			return pos;
		pos = (cap >> 8) & 0xfc;
	}
	return 0;
}

unsigned int msi_cap_len(const struct pci_dev *dev)
{
	/* Control, address, data; each option adds its words. */
	if (dev->msi_maskable)
		return dev->msi_64bit ? 24 : 20;
	return dev->msi_64bit ? 14 : 10;
}

/* Register of the data word, and of the mask bits, of plain MSI. */
static unsigned int msi_data_reg(const struct pci_dev *dev)
{
	return dev->msi_cap + (dev->msi_64bit ? 12U : 8U);
}

static unsigned int msi_mask_reg(const struct pci_dev *dev)
{
	return dev->msi_cap + (dev->msi_64bit ? 16U : 12U);
}

void msi_probe(struct pci_dev *dev)
{
	uint32_t ctrl;

	dev->msi_cap = (uint8_t)find_cap(dev->sbdf, PCI_CAP_MSI);
	if (dev->msi_cap) {
		ctrl = pci_config_read(dev->sbdf, dev->msi_cap + PCI_MSI_CTRL, 2);
		dev->msi_64bit = ctrl & PCI_MSI_CTRL_64BIT;
		dev->msi_maskable = ctrl & PCI_MSI_CTRL_MASKABLE;
		if (dev->msi_cap + msi_cap_len(dev) > 256)
			dev->msi_cap = 0;
	}
	dev->msix_cap = (uint8_t)find_cap(dev->sbdf, PCI_CAP_MSIX);
	if (dev->msix_cap) {
		ctrl = pci_config_read(dev->sbdf, dev->msix_cap + PCI_MSIX_CTRL, 2);
		dev->msix_nr = (ctrl & PCI_MSIX_CTRL_SIZE) + 1;
	}
}

/* ---- the MSI-X table ---------------------------------------------------------- */

/* Start of a memory BAR; 0: it isn't one, or unassigned. */
static paddr_t read_bar(uint32_t sbdf, unsigned int n)
{
	unsigned int type = pci_config_read(sbdf, PCI_HEADER_TYPE, 1) & 0x7f;
	unsigned int nr = type == PCI_HEADER_BRIDGE ? 2 : 6;
	paddr_t addr;
	uint32_t low;

	if (n >= nr)
		return 0;
	low = pci_config_read(sbdf, PCI_BAR(n), 4);
	if (low & PCI_BAR_IO)
		return 0;
	addr = low & ~15U;
	if ((low & 6) == PCI_BAR_64BIT && n + 1 < nr)
		addr |= (paddr_t)pci_config_read(sbdf, PCI_BAR(n + 1), 4) << 32;
	return addr;
}

/* No frame of RAM, and none that we keep to ourselves. */
static bool is_device_memory(paddr_t pa, size_t len)
{
	for (unsigned long f = PFN_DOWN(pa); f <= PFN_DOWN(pa + len - 1); f++) {
		if (!iomem_access_ok(hardware_domain, _mfn(f)))
			return false;
	}
	return true;
}

/*
 * Domains may only read the table's pages. One that doesn't start with the table
 * may have other registers in it, which drivers write to: it is left alone.
 */
static void protect_table(paddr_t pa, size_t len)
{
	mfn_t first = _mfn(PFN_UP(pa));
	unsigned long end = PFN_UP(pa + len);

	if (mfn_x(first) < end && iomem_deny_write(first, end - mfn_x(first)))
		pr_warn("MSI-X table at %#lx can't be write-protected\n", pa);
}

/*
 * Mappings of tables. They stay when the device or its driver goes: it comes back
 * with the same table, and address space for mappings is given out only once.
 */
static volatile uint32_t *table_mapping(paddr_t pa, size_t len)
{
	struct mapping {
		struct mapping *next;
		paddr_t pa;
		size_t len;
		volatile uint32_t *va;
	} * m;
	static struct mapping *mappings;
	static unsigned int nr_mappings;

	for (m = mappings; m; m = m->next) {
		if (m->pa == pa && m->len >= len)
			return m->va;
	}
	m = nr_mappings < PCI_MAX_DEVICES ? hv_zalloc(sizeof(*m)) : NULL;
	if (!m)
		return NULL;
	*m = (struct mapping){mappings, pa, len, ioremap(pa, len)};
	if (!m->va) {
		hv_free(m);
		return NULL;
	}
	mappings = m;
	nr_mappings++;
	return m->va;
}

static int map_table(struct pci_dev *dev, paddr_t table_base)
{
	uint32_t where = pci_config_read(dev->sbdf, dev->msix_cap + PCI_MSIX_TABLE, 4);
	size_t len = dev->msix_nr * ENTRY_BYTES;
	paddr_t bar = read_bar(dev->sbdf, where & TABLE_BIR), pa;

	/* BARs of a virtual function are in its physical function's SR-IOV capability. */
	if (dev->is_virtfn)
		bar = table_base;
	pa = bar + (where & ~TABLE_BIR);
	if (!bar || (bar & 15) || bar != table_base || pa + len < pa || pa >> 52)
		return (int)hv_err(-EINVAL, "MSI-X table of " PCI_FMT " isn't in BAR %#lx",
				   PCI_ARGS(dev->sbdf), table_base);
	if (dev->msix_table && dev->msix_pa == pa)
		return 0;
	if (dev->nr_irqs)
		return -EBUSY;
	if (!is_device_memory(pa, len))
		return (int)hv_err(-EINVAL, "MSI-X table at %#lx isn't in device memory", pa);
	dev->msix_table = table_mapping(pa, len);
	if (!dev->msix_table)
		return -ENOMEM;
	dev->msix_pa = pa;
	protect_table(pa, len);
	return 0;
}

static volatile uint32_t *table_entry(const struct irq_desc *desc)
{
	return desc->dev->msix_table + desc->entry * ENTRY_WORDS;
}

/* ---- masking and messages ------------------------------------------------------- */

/* Plain MSI has one bit for each message; ours is the first. */
static void plain_set_masked(const struct pci_dev *dev, bool masked)
{
	pci_config_write(dev->sbdf, msi_mask_reg(dev), 4, masked ? ~0U : ~1U);
}

bool msi_mask(struct irq_desc *desc)
{
	if (!desc->dev)
		return false;
	if (desc->kind == IRQ_MSIX) {
		table_entry(desc)[ENTRY_CTRL] = ENTRY_CTRL_MASKED;
		/* The write has arrived when it can be read back. */
		(void)table_entry(desc)[ENTRY_CTRL];
		return true;
	}
	if (!desc->dev->msi_maskable)
		return false;
	plain_set_masked(desc->dev, true);
	return true;
}

void msi_unmask(struct irq_desc *desc)
{
	if (!desc->dev)
		return;
	if (desc->kind == IRQ_MSIX)
		table_entry(desc)[ENTRY_CTRL] = 0;
	else if (desc->dev->msi_maskable)
		plain_set_masked(desc->dev, false);
}

static uint32_t message_address(const struct irq_desc *desc)
{
	return MSI_ADDRESS | irq_dest_apic_id(desc) << MSI_DEST_SHIFT;
}

void msi_write_message(struct irq_desc *desc)
{
	const struct pci_dev *dev = desc->dev;
	uint32_t ctrl;

	if (!dev)
		return;
	if (desc->kind == IRQ_MSIX) {
		volatile uint32_t *e = table_entry(desc);

		e[ENTRY_ADDR_LO] = message_address(desc);
		e[ENTRY_ADDR_HI] = 0;
		e[ENTRY_DATA] = desc->vector;
		return;
	}
	ctrl = pci_config_read(dev->sbdf, dev->msi_cap + PCI_MSI_CTRL, 2);
	pci_config_write(dev->sbdf, dev->msi_cap + PCI_MSI_CTRL, 2, ctrl & ~PCI_MSI_CTRL_MULTI);
	pci_config_write(dev->sbdf, dev->msi_cap + PCI_MSI_ADDR_LO, 4, message_address(desc));
	if (dev->msi_64bit)
		pci_config_write(dev->sbdf, dev->msi_cap + PCI_MSI_ADDR_HI, 4, 0);
	pci_config_write(dev->sbdf, msi_data_reg(dev), 2, desc->vector);
}

void msi_set_dest(struct irq_desc *desc)
{
	const struct pci_dev *dev = desc->dev;
	bool masked;

	if (!dev)
		return;
	if (desc->kind != IRQ_MSIX) {
		pci_config_write(dev->sbdf, dev->msi_cap + PCI_MSI_ADDR_LO, 4,
				 message_address(desc));
		return;
	}
	/* A device may keep a copy of an entry until it sees it masked. */
	masked = table_entry(desc)[ENTRY_CTRL] & ENTRY_CTRL_MASKED;
	msi_mask(desc);
	table_entry(desc)[ENTRY_ADDR_LO] = message_address(desc);
	if (!masked)
		msi_unmask(desc);
}

/* ---- in and out of use ------------------------------------------------------------ */

int msi_attach(struct pci_dev *dev, struct irq_desc *desc, bool is_msix, unsigned int entry,
	       paddr_t table_base)
{
	unsigned long flags;
	int rc;

	ASSERT(spin_is_held(&pci_lock));
	if (!(is_msix ? dev->msix_cap : dev->msi_cap))
		return (int)hv_err(-ENODEV, PCI_FMT " has no such capability", PCI_ARGS(dev->sbdf));
	if (is_msix && entry >= dev->msix_nr)
		return (int)hv_err(-EINVAL, "MSI-X entry %u of %u", entry, dev->msix_nr);
	/* One MSI, or any MSI-X entries once each. */
	if (is_msix ? irq_msi_in_use(dev, IRQ_MSIX, entry) || irq_msi_in_use(dev, IRQ_MSI, 0)
		    : dev->nr_irqs)
		return (int)hv_err(-EBUSY, PCI_FMT " uses that already", PCI_ARGS(dev->sbdf));
	rc = is_msix ? map_table(dev, table_base) : 0;
	if (rc)
		return rc;
	rc = irq_assign_vector(desc);
	if (rc)
		return rc;
	flags = spin_lock_irqsave(&desc->lock);
	desc->kind = is_msix ? IRQ_MSIX : IRQ_MSI;
	desc->level = false;
	desc->dev = dev;
	desc->entry = entry;
	dev->nr_irqs++;
	msi_mask(desc);
	/* The control domain may enable MSI before it binds the event. */
	msi_write_message(desc);
	spin_unlock_irqrestore(&desc->lock, flags);
	return 0;
}

void msi_detach(struct irq_desc *desc)
{
	struct pci_dev *dev = desc->dev;
	unsigned long flags;

	ASSERT(spin_is_held(&pci_lock) && dev);
	flags = spin_lock_irqsave(&desc->lock);
	msi_mask(desc);
	/* What can't be masked must not go on sending a vector that others may get. */
	if (desc->kind == IRQ_MSI) {
		uint32_t ctrl = pci_config_read(dev->sbdf, dev->msi_cap + PCI_MSI_CTRL, 2);

		pci_config_write(dev->sbdf, dev->msi_cap + PCI_MSI_CTRL, 2,
				 ctrl & ~PCI_MSI_CTRL_ENABLE);
	}
	desc->dev = NULL;
	dev->nr_irqs--;
	spin_unlock_irqrestore(&desc->lock, flags);
	/* Drivers may move BARs while no interrupt is in use. */
	if (!dev->nr_irqs)
		dev->msix_table = NULL;
}
