/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X8) Reading single ACPI tables into acpi_info. Pure functions of the table's bytes:
 * tests feed them with made-up and damaged ones.
 */
#include <hv/lib.h>
#include <arch/acpi.h>

#include "acpi_format.h"

/* Flags of a CPU's entry */
#define CPU_ENABLED 1U

/* Interrupt source override: polarity and trigger mode; 0 means the bus's own */
#define INTI_POLARITY(f) ((f)&3)
#define INTI_TRIGGER(f)  (((f) >> 2) & 3)
#define INTI_LOW         3
#define INTI_LEVEL       3

/* AML: encodings that \_S5 is made of */
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_PACKAGE 0x12
#define AML_ROOT    '\\'

static void madt_cpu(uint32_t apic_id, uint32_t acpi_id, uint32_t flags)
{
	if (!(flags & CPU_ENABLED))
		return;
	/* A CPU with a small id may be listed in both forms. */
	for (unsigned int i = 0; i < acpi_info.nr_cpus; i++) {
		if (acpi_info.cpu[i].apic_id == apic_id)
			return;
	}
	if (acpi_info.nr_cpus == ACPI_MAX_CPUS) {
		pr_warn("ACPI: more than %u CPUs, APIC id %u is left out\n", ACPI_MAX_CPUS,
			apic_id);
		return;
	}
	acpi_info.cpu[acpi_info.nr_cpus++] = (struct acpi_cpu){apic_id, acpi_id};
}

static void madt_ioapic(struct acpi_blob e)
{
	struct acpi_ioapic *io = &acpi_info.ioapic[acpi_info.nr_ioapics];

	if (acpi_info.nr_ioapics == ACPI_MAX_IOAPICS) {
		pr_warn("ACPI: more than %u IO-APICs\n", ACPI_MAX_IOAPICS);
		return;
	}
	*io = (struct acpi_ioapic){
		.id = (uint32_t)acpi_field(e, 2, 1),
		.addr = acpi_field(e, 4, 4),
		.gsi_base = (uint32_t)acpi_field(e, 8, 4),
	};
	if (io->addr)
		acpi_info.nr_ioapics++;
}

static void madt_override(struct acpi_blob e)
{
	uint32_t irq = (uint32_t)acpi_field(e, 3, 1), flags = (uint32_t)acpi_field(e, 8, 2);

	if (acpi_field(e, 2, 1) != 0 || irq >= ACPI_NR_ISA) {
		pr_warn("ACPI: interrupt override of no ISA interrupt (%u)\n", irq);
		return;
	}
	acpi_info.isa[irq] = (struct acpi_isa_irq){
		.gsi = (uint32_t)acpi_field(e, 4, 4),
		.level = INTI_TRIGGER(flags) == INTI_LEVEL,
		.active_low = INTI_POLARITY(flags) == INTI_LOW,
	};
}

static void madt_entry(struct acpi_blob e)
{
	static const uint8_t min_len[] = {
		[MADT_LAPIC] = 8,         [MADT_IOAPIC] = 12, [MADT_OVERRIDE] = 10,
		[MADT_LAPIC_ADDR64] = 12, [MADT_X2APIC] = 16,
	};
	uint8_t type = e.p[0];

	if (type >= ARRAY_SIZE(min_len) || e.len < min_len[type])
		return;
	switch (type) {
	case MADT_LAPIC:
		madt_cpu((uint32_t)acpi_field(e, 3, 1), (uint32_t)acpi_field(e, 2, 1),
			 (uint32_t)acpi_field(e, 4, 4));
		break;
	case MADT_X2APIC:
		madt_cpu((uint32_t)acpi_field(e, 4, 4), (uint32_t)acpi_field(e, 12, 4),
			 (uint32_t)acpi_field(e, 8, 4));
		break;
	case MADT_IOAPIC:
		madt_ioapic(e);
		break;
	case MADT_OVERRIDE:
		madt_override(e);
		break;
	case MADT_LAPIC_ADDR64:
		acpi_info.lapic_addr = acpi_field(e, 4, 8);
		break;
	default:
		break;
	}
}

void acpi_parse_madt(struct acpi_blob t)
{
	acpi_info.lapic_addr = acpi_field(t, MADT_LAPIC_ADDR, 4);
	acpi_info.has_8259 = acpi_field(t, MADT_FLAGS, 4) & 1;
	for (uint32_t off = MADT_ENTRIES; off < t.len && t.len - off >= 2;) {
		struct acpi_blob e = {t.p + off, t.p[off + 1]};

		if (e.len < 2 || e.len > t.len - off) {
			pr_warn("ACPI: MADT entry at %u has length %u\n", off, e.len);
			return;
		}
		madt_entry(e);
		off += e.len;
	}
}

static struct acpi_reg read_gas(struct acpi_blob t, uint32_t off)
{
	return (struct acpi_reg){
		.space = (uint8_t)acpi_field(t, off, 1),
		.width = (uint8_t)acpi_field(t, off + 1, 1),
		.addr = acpi_field(t, off + 4, 8),
	};
}

/* A register given in the new way, or else as an I/O port in the old. */
static struct acpi_reg fadt_reg(struct acpi_blob t, uint32_t x_off, uint32_t off, uint8_t width)
{
	struct acpi_reg r = read_gas(t, x_off);

	if (!r.addr) {
		r.space = ACPI_SPACE_IO;
		r.addr = acpi_field(t, off, 4);
	}
	r.width = width;
	if (r.space == ACPI_SPACE_IO && r.addr > 0xffff)
		r.addr = 0;
	return r;
}

void acpi_parse_fadt(struct acpi_blob t)
{
	uint32_t flags = (uint32_t)acpi_field(t, FADT_FLAGS, 4);

	acpi_info.hw_reduced = flags & FADT_FLAG_HW_REDUCED;
	acpi_info.sci = (uint16_t)acpi_field(t, FADT_SCI, 2);
	acpi_info.century = (uint8_t)acpi_field(t, FADT_CENTURY, 1);
	if (!acpi_info.hw_reduced) {
		acpi_info.pm1_evt_len = (uint8_t)acpi_field(t, FADT_PM1_EVT_LEN, 1);
		acpi_info.pm1a_evt = fadt_reg(t, FADT_X_PM1A_EVT, FADT_PM1A_EVT, 16);
		acpi_info.pm1b_evt = fadt_reg(t, FADT_X_PM1B_EVT, FADT_PM1B_EVT, 16);
		acpi_info.pm1a_cnt = fadt_reg(t, FADT_X_PM1A_CNT, FADT_PM1A_CNT, 16);
		acpi_info.pm1b_cnt = fadt_reg(t, FADT_X_PM1B_CNT, FADT_PM1B_CNT, 16);
		acpi_info.pm_timer = fadt_reg(t, FADT_X_PM_TMR, FADT_PM_TMR, 32);
		acpi_info.pm_timer_32bit = flags & FADT_FLAG_TMR_32BIT;
	}
	if (flags & FADT_FLAG_RESET_REG) {
		acpi_info.reset = read_gas(t, FADT_RESET_REG);
		acpi_info.reset.width = 8; /* by the specification */
		acpi_info.reset_value = (uint8_t)acpi_field(t, FADT_RESET_VALUE, 1);
	}
	if (acpi_info.hw_reduced) {
		acpi_info.sleep_control = read_gas(t, FADT_SLEEP_CONTROL);
		acpi_info.sleep_control.width = 8;
	}
}

paddr_t acpi_fadt_dsdt(struct acpi_blob t)
{
	paddr_t pa = acpi_field(t, FADT_X_DSDT, 8);

	return pa ? pa : acpi_field(t, FADT_DSDT, 4);
}

void acpi_parse_hpet(struct acpi_blob t)
{
	struct acpi_reg r = read_gas(t, HPET_ADDRESS);

	if (r.space == ACPI_SPACE_MEMORY)
		acpi_info.hpet_addr = r.addr;
}

void acpi_parse_mcfg(struct acpi_blob t)
{
	for (uint32_t off = MCFG_ENTRIES; off < t.len && t.len - off >= MCFG_ENTRY_LEN;
	     off += MCFG_ENTRY_LEN) {
		struct acpi_mcfg m = {
			.addr = acpi_field(t, off, 8),
			.segment = (uint16_t)acpi_field(t, off + 8, 2),
			.start_bus = (uint8_t)acpi_field(t, off + 10, 1),
			.end_bus = (uint8_t)acpi_field(t, off + 11, 1),
		};

		/* 1 MiB a bus; the window can't wrap. */
		if (m.end_bus < m.start_bus || (m.addr & 0xfffff) || m.addr >> 52) {
			pr_warn("ACPI: MCFG entry for segment %u makes no sense\n", m.segment);
			continue;
		}
		if (acpi_info.nr_mcfg < ACPI_MAX_MCFG)
			acpi_info.mcfg[acpi_info.nr_mcfg++] = m;
	}
}

/* A small integer at *off; advances. False: it is something else. */
static bool aml_small_int(struct acpi_blob t, uint32_t *off, uint8_t *ret_v)
{
	uint8_t op = (uint8_t)acpi_field(t, *off, 1);

	if (*off >= t.len)
		return false;
	*off += 1;
	if (op == AML_ZERO || op == AML_ONE) {
		*ret_v = op;
		return true;
	}
	if (op != AML_BYTE || *off >= t.len)
		return false;
	*ret_v = t.p[*off];
	*off += 1;
	return true;
}

/*
 * Name (_S5_, Package () {a, b, ...}), found by its bytes: names of sleep states
 * are always written out at the root, with constants.
 */
void acpi_parse_s5(struct acpi_blob t)
{
	static const char name[4] = {'_', 'S', '5', '_'};
	uint8_t a, b;

	for (uint32_t off = SDT_HEADER_LEN + 1; off + 8 < t.len; off++) {
		uint32_t pos = off + 4;
		bool named = t.p[off - 1] == AML_NAME ||
			     (t.p[off - 1] == AML_ROOT && t.p[off - 2] == AML_NAME);

		if (memcmp(t.p + off, name, 4) || !named || t.p[pos] != AML_PACKAGE)
			continue;
		/* Package length: 1 to 4 bytes, as the top bits of the first say. */
		pos += 2 + (t.p[pos + 1] >> 6);
		pos++; /* number of elements */
		if (!aml_small_int(t, &pos, &a) || !aml_small_int(t, &pos, &b) || a > 7 || b > 7)
			continue;
		acpi_info.s5_known = true;
		acpi_info.s5_typ_a = a;
		acpi_info.s5_typ_b = b;
		return;
	}
}
