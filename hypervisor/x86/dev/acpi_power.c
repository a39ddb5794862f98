/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * ACPI registers of the hardware: switching off and resetting. Also where table
 * memory is mapped. Used at the very end, possibly in a panic: nothing here takes
 * a lock or allocates after acpi_power_init().
 */
#include <hv/bootinfo.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/pci.h>

#define SLP_TYP_SHIFT 10
#define SLP_TYP_MASK  (7U << SLP_TYP_SHIFT)
#define SLP_EN        (1U << 13)
#define WAK_STS       (1U << 15)

/* Hardware-reduced sleep control register */
#define HW_SLP_TYP_SHIFT 2
#define HW_SLP_EN        (1U << 5)

static volatile void *reset_mapped, *sleep_mapped;

void *acpi_map(paddr_t pa, size_t len)
{
	paddr_t end = pa + len;

	if (!len || end < pa || end > 1UL << 52)
		return NULL;
	if (e820_all(&machine_e820, pa, end, E820_RAM) ||
	    e820_all(&machine_e820, pa, end, E820_ACPI))
		return paddr_to_virt(pa);
	return ioremap(pa, len);
}

static volatile void *map_reg(const struct acpi_reg *r)
{
	return r->addr && r->space == ACPI_SPACE_MEMORY ? ioremap(r->addr, 4) : NULL;
}

void acpi_power_init(void)
{
	reset_mapped = map_reg(&acpi_info.reset);
	sleep_mapped = map_reg(&acpi_info.sleep_control);
}

static volatile void *mapped_reg(const struct acpi_reg *r)
{
	return r == &acpi_info.reset           ? reset_mapped
	       : r == &acpi_info.sleep_control ? sleep_mapped
					       : NULL;
}

uint32_t acpi_reg_read(const struct acpi_reg *r)
{
	uint16_t port = (uint16_t)r->addr;

	if (!r->addr || r->space != ACPI_SPACE_IO)
		return ~0U;
	return r->width <= 8 ? inb(port) : r->width <= 16 ? inw(port) : inl(port);
}

void acpi_reg_write(const struct acpi_reg *r, uint32_t val)
{
	uint16_t port = (uint16_t)r->addr;
	volatile void *mem;

	if (!r->addr)
		return;
	if (r->space == ACPI_SPACE_MEMORY) {
		mem = mapped_reg(r);
		if (mem)
			*(volatile uint8_t *)mem = (uint8_t)val;
		return;
	}
	if (r->space == ACPI_SPACE_PCI) {
		/* Bus 0; device in bits 47-32, function in 31-16, offset below. */
		unsigned int devfn = (unsigned int)((r->addr >> 32) & 31) << 3 |
				     (unsigned int)((r->addr >> 16) & 7);

		pci_config_write(PCI_SBDF(0, 0, devfn), (unsigned int)(r->addr & 0xff), 1, val);
		return;
	}
	if (r->space != ACPI_SPACE_IO)
		return;
	if (r->width <= 8)
		outb(port, (uint8_t)val);
	else if (r->width <= 16)
		outw(port, (uint16_t)val);
	else
		outl(port, val);
}

void acpi_set_s5(uint16_t pm1a, uint16_t pm1b)
{
	acpi_info.s5_typ_a = (uint8_t)((pm1a & SLP_TYP_MASK) >> SLP_TYP_SHIFT);
	acpi_info.s5_typ_b = (uint8_t)((pm1b & SLP_TYP_MASK) >> SLP_TYP_SHIFT);
	acpi_info.s5_known = true;
}

static void pm1_sleep(void)
{
	uint32_t a = acpi_reg_read(&acpi_info.pm1a_cnt) & ~(SLP_TYP_MASK | SLP_EN);
	uint32_t b = acpi_reg_read(&acpi_info.pm1b_cnt) & ~(SLP_TYP_MASK | SLP_EN);

	a |= (uint32_t)acpi_info.s5_typ_a << SLP_TYP_SHIFT;
	b |= (uint32_t)acpi_info.s5_typ_b << SLP_TYP_SHIFT;
	/* A wake-up that is still noted would wake the machine at once. */
	acpi_reg_write(&acpi_info.pm1a_evt, WAK_STS);
	acpi_reg_write(&acpi_info.pm1b_evt, WAK_STS);
	/* Type first, then the bit that starts it: some chips want that. */
	acpi_reg_write(&acpi_info.pm1a_cnt, a);
	acpi_reg_write(&acpi_info.pm1b_cnt, b);
	acpi_reg_write(&acpi_info.pm1a_cnt, a | SLP_EN);
	acpi_reg_write(&acpi_info.pm1b_cnt, b | SLP_EN);
}

void acpi_enter_s5(void)
{
	unsigned long flags;

	if (!acpi_info.s5_known)
		return;
	flags = local_irq_save();
	if (acpi_info.hw_reduced)
		acpi_reg_write(&acpi_info.sleep_control,
			       (uint32_t)acpi_info.s5_typ_a << HW_SLP_TYP_SHIFT | HW_SLP_EN);
	else
		pm1_sleep();
	machine_delay_ms(500);
	local_irq_restore(flags);
}

void acpi_reset(void)
{
	if (!acpi_info.reset.addr)
		return;
	acpi_reg_write(&acpi_info.reset, acpi_info.reset_value);
	machine_delay_ms(100);
}
