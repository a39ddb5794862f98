/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The pair of 8259 interrupt controllers, which the IO-APICs replace. Source:
 * Intel 8259A data sheet.
 */
#include <hv/irq.h>
#include <arch/cpu.h>
#include <arch/irq.h>

#define MASTER     0x20
#define SLAVE      0xa0
#define EDGE_LEVEL 0x4d0

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086      0x01
#define CASCADE_LINE   2

/* Out of the exceptions' way, should one get through in spite of all. */
#define VECTOR_BASE_MASTER 0x20
#define VECTOR_BASE_SLAVE  0x28

static void init_one(uint16_t port, uint8_t vector, uint8_t icw3)
{
	outb(port, ICW1_INIT_ICW4);
	outb(port + 1, vector);
	outb(port + 1, icw3);
	outb(port + 1, ICW4_8086);
	outb(port + 1, 0xff);
}

void i8259_disable(void)
{
	init_one(MASTER, VECTOR_BASE_MASTER, 1 << CASCADE_LINE);
	init_one(SLAVE, VECTOR_BASE_SLAVE, CASCADE_LINE);
	ioport_deny(MASTER, 2);
	ioport_deny(SLAVE, 2);
	ioport_deny(EDGE_LEVEL, 2);
}
