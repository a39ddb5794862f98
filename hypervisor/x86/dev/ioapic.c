/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * IO-APICs: a redirection entry for each of their input lines. Owns their
 * registers; the control domain only ever sees copies (PHYSDEVOP_apic_read).
 *
 * Locks: one per controller (RANK_NONE, leaf) for the index register, inside of
 * irq_desc.lock, which protects an entry. Source: Intel 82093AA data sheet.
 */
#include <hv/bootinfo.h>
#include <hv/lib.h>
#include <hv/spinlock.h>
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/page.h>

#define IOREGSEL      0x00
#define IOWIN         0x10
#define IOAPIC_WINDOW 0x20

#define REG_ID       0
#define REG_VERSION  1
#define REG_RTE(pin) (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW (1U << 13)
#define RTE_LEVEL      (1U << 15)
#define RTE_MASKED     (1U << 16)
#define RTE_DEST_SHIFT 24

struct ioapic {
	struct spinlock lock;
	volatile uint8_t *regs;
	paddr_t addr;
	unsigned int gsi_base, nr_pins;
	uint32_t rte_lo[240]; /* what was written: reading costs more than memory */
};

static struct ioapic *ioapics[ACPI_MAX_IOAPICS];
static unsigned int nr_ioapics;
unsigned int nr_gsis;

/* Under the lock. */
static uint32_t reg_read(struct ioapic *io, unsigned int reg)
{
	*(volatile uint32_t *)(io->regs + IOREGSEL) = reg;
	return *(volatile uint32_t *)(io->regs + IOWIN);
}

static void reg_write(struct ioapic *io, unsigned int reg, uint32_t val)
{
	*(volatile uint32_t *)(io->regs + IOREGSEL) = reg;
	*(volatile uint32_t *)(io->regs + IOWIN) = val;
}

static struct ioapic *ioapic_of(unsigned int gsi, unsigned int *ret_pin)
{
	for (unsigned int i = 0; i < nr_ioapics; i++) {
		struct ioapic *io = ioapics[i];

		if (gsi >= io->gsi_base && gsi - io->gsi_base < io->nr_pins) {
			*ret_pin = gsi - io->gsi_base;
			return io;
		}
	}
	return NULL;
}

bool gsi_exists(unsigned int gsi)
{
	unsigned int pin;

	return ioapic_of(gsi, &pin) != NULL;
}

static bool __init overlaps(const struct ioapic *io)
{
	for (unsigned int i = 0; i < nr_ioapics; i++) {
		const struct ioapic *o = ioapics[i];

		if (io->gsi_base < o->gsi_base + o->nr_pins &&
		    o->gsi_base < io->gsi_base + io->nr_pins)
			return true;
	}
	return false;
}

static void __init init_one(const struct acpi_ioapic *info)
{
	struct ioapic *io;
	uint32_t version;

	iomem_deny(_mfn(PFN_DOWN(info->addr)), 1);
	e820_reserve(&machine_e820, info->addr & PAGE_MASK, PAGE_SIZE);
	if (info->gsi_base >= MAX_GSIS) {
		pr_warn("IO-APIC %u: GSI %u is beyond %u\n", info->id, info->gsi_base, MAX_GSIS);
		return;
	}
	io = hv_zalloc(sizeof(*io));
	if (!io)
		panic("No memory for an IO-APIC");
	spin_lock_init(&io->lock, RANK_NONE);
	io->addr = info->addr;
	io->gsi_base = info->gsi_base;
	io->regs = ioremap(info->addr, IOAPIC_WINDOW);
	version = io->regs ? reg_read(io, REG_VERSION) : ~0U;
	io->nr_pins = ((version >> 16) & 0xff) + 1;
	if (version == ~0U || io->nr_pins > ARRAY_SIZE(io->rte_lo) ||
	    io->gsi_base + io->nr_pins > MAX_GSIS || overlaps(io)) {
		pr_warn("IO-APIC %u at %#lx isn't usable\n", info->id, info->addr);
		hv_free(io);
		return;
	}
	/* Whatever the firmware has set up, the 8259s' way in first of all. */
	for (unsigned int pin = 0; pin < io->nr_pins; pin++) {
		io->rte_lo[pin] = RTE_MASKED;
		reg_write(io, REG_RTE(pin), RTE_MASKED);
	}
	ioapics[nr_ioapics++] = io;
	nr_gsis = max(nr_gsis, io->gsi_base + io->nr_pins);
	pr_info("IO-APIC %u at %#lx: GSI %u-%u\n", info->id, io->addr, io->gsi_base,
		io->gsi_base + io->nr_pins - 1);
}

void __init ioapic_init(void)
{
	for (unsigned int i = 0; i < acpi_info.nr_ioapics; i++)
		init_one(&acpi_info.ioapic[i]);
}

/* Changes of the entry's low word; the high one first, if there is one. */
static void rte_write(const struct irq_desc *desc, uint32_t clear, uint32_t set,
		      const uint32_t *high)
{
	unsigned long flags;
	unsigned int pin;
	struct ioapic *io = ioapic_of(desc->gsi, &pin);

	if (!io)
		return;
	flags = spin_lock_irqsave(&io->lock);
	if (high)
		reg_write(io, REG_RTE(pin) + 1, *high);
	io->rte_lo[pin] = (io->rte_lo[pin] & ~clear) | set;
	if (clear | set)
		reg_write(io, REG_RTE(pin), io->rte_lo[pin]);
	spin_unlock_irqrestore(&io->lock, flags);
}

void ioapic_program(const struct irq_desc *desc)
{
	uint32_t high = irq_dest_apic_id(desc) << RTE_DEST_SHIFT;
	uint32_t low = RTE_MASKED | desc->vector; /* fixed delivery, physical destination */

	if (desc->level)
		low |= RTE_LEVEL;
	if (desc->active_low)
		low |= RTE_ACTIVE_LOW;
	/* Masked before anything else changes. */
	rte_write(desc, 0, RTE_MASKED, NULL);
	rte_write(desc, ~0U, low, &high);
}

void ioapic_set_dest(const struct irq_desc *desc)
{
	uint32_t high = irq_dest_apic_id(desc) << RTE_DEST_SHIFT;

	rte_write(desc, 0, 0, &high);
}

void ioapic_mask(const struct irq_desc *desc)
{
	rte_write(desc, 0, RTE_MASKED, NULL);
}

void ioapic_unmask(const struct irq_desc *desc)
{
	rte_write(desc, RTE_MASKED, 0, NULL);
}

int ioapic_peek(paddr_t pa, unsigned int reg, uint32_t *ret_val)
{
	for (unsigned int i = 0; i < nr_ioapics; i++) {
		struct ioapic *io = ioapics[i];
		unsigned long flags;

		if (io->addr != pa)
			continue;
		if (reg > REG_VERSION + 1 && (reg < REG_RTE(0) || reg >= REG_RTE(io->nr_pins)))
			return -EINVAL;
		flags = spin_lock_irqsave(&io->lock);
		*ret_val = reg_read(io, reg);
		spin_unlock_irqrestore(&io->lock, flags);
		return 0;
	}
	return -ENODEV;
}
