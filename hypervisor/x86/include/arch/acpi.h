/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the firmware's ACPI tables say of the machine: CPUs, interrupt
 * controllers, power management registers, PCI configuration windows. Only
 * static tables are read; AML is the control domain's business.
 *
 * Tables are firmware's data: every length is checked against what was mapped,
 * every checksum is verified, every count is bounded. Written by acpi_init()
 * on the boot CPU, read-only after that: no locks.
 */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include <hv/types.h>

#define ACPI_MAX_TABLES      64
#define ACPI_MAX_CPUS        256
#define ACPI_MAX_IOAPICS     16
#define ACPI_MAX_MCFG        16
#define ACPI_NR_ISA          16
#define ACPI_TABLE_MAX_BYTES (16UL << 20)

/* A register, wherever it is ("generic address"). */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };

struct acpi_reg {
	uint8_t space; /* enum acpi_space */
	uint8_t width; /* bits */
	uint64_t addr; /* 0: there is no such register */
};

struct acpi_cpu {
	uint32_t apic_id, acpi_id;
};

struct acpi_ioapic {
	uint32_t id, gsi_base;
	paddr_t addr;
};

/* Where an ISA interrupt arrives, and how. */
struct acpi_isa_irq {
	uint32_t gsi;
	bool level, active_low;
};

struct acpi_mcfg {
	paddr_t addr; /* of bus 0 of the segment */
	uint16_t segment;
	uint8_t start_bus, end_bus;
};

struct acpi_info {
	/* MADT */
	paddr_t lapic_addr;
	bool has_8259;
	unsigned int nr_cpus, nr_ioapics;
	struct acpi_cpu cpu[ACPI_MAX_CPUS]; /* enabled ones, the firmware's order */
	struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
	struct acpi_isa_irq isa[ACPI_NR_ISA];
	/* FADT */
	struct acpi_reg pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_timer;
	struct acpi_reg reset, sleep_control;
	uint8_t reset_value;
	uint8_t pm1_evt_len;
	bool pm_timer_32bit, hw_reduced;
	uint16_t sci;
	uint8_t century; /* CMOS register, 0: none */
	/* SLP_TYP of state S5, from the DSDT's or an SSDT's \_S5 */
	bool s5_known;
	uint8_t s5_typ_a, s5_typ_b;
	/* Others */
	paddr_t hpet_addr; /* 0: none */
	unsigned int nr_mcfg;
	struct acpi_mcfg mcfg[ACPI_MAX_MCFG];
};

extern struct acpi_info acpi_info;

/*
 * Where the RSDP (or a copy) is, if the boot loader said. 0 makes acpi_init()
 * look for it in the BIOS areas.
 */
void acpi_set_rsdp(paddr_t pa);

/*
 * Finds and reads the tables. After the memory map is known and acpi_map works.
 * -ENOENT: no RSDP; -EINVAL: neither XSDT nor RSDT is sound. A table of its own
 * that is damaged is logged and left out.
 */
int acpi_init(void);

/* Ids of all usable local APICs, the boot CPU's too. Returns how many. */
unsigned int acpi_cpu_apic_ids(uint32_t *ids, unsigned int max);
/* The firmware's number for the CPU. False: not in the MADT. */
bool acpi_id_of_apic_id(uint32_t apic_id, uint32_t *ret_acpi_id);

/*
 * The n-th table with this signature, whole and with a good checksum; NULL if
 * there is none.
 */
const void *acpi_find_table(const char *sig, unsigned int n, uint32_t *ret_len);

/*
 * Hides all tables of that name from the control domain, which searches the same
 * memory: changes the name in place (and keeps the checksum right).
 */
void acpi_hide_table(const char *sig);

/* Does the tables' memory read as ACPI register; for sleep and reset. */
uint32_t acpi_reg_read(const struct acpi_reg *r);
void acpi_reg_write(const struct acpi_reg *r, uint32_t val);

/* Remembers how to enter S5 (enter_acpi_sleep: PM1 control register values). */
void acpi_set_s5(uint16_t pm1a, uint16_t pm1b);
/* Switches off. Returns if the machine won't. */
void acpi_enter_s5(void);
/* Through the reset register. Returns if there is none or nothing happens. */
void acpi_reset(void);
/* Maps what acpi_reset needs, while mapping is possible. */
void acpi_power_init(void);

/*
 * Physical memory of tables, for good: through the direct map where that has it,
 * by ioremap() else. NULL: impossible.
 */
void *acpi_map(paddr_t pa, size_t len);

#endif
