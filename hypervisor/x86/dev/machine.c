/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ending the machine: off, again, or still. Called from the control domain's
 * wish and from a panic alike, so it takes no locks and trusts nothing.
 */
#include <hv/console.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <arch/acpi.h>
#include <arch/cpu.h>

#define RESET_CONTROL 0xcf9
#define RESET_SYSTEM  0x02
#define RESET_CPU     0x04
#define RESET_FULL    0x08

#define KBC_COMMAND     0x64
#define KBC_BUSY        0x02
#define KBC_PULSE_RESET 0xfe

__noreturn void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

static void reset_by_port_cf9(void)
{
	uint8_t v = inb(RESET_CONTROL) & (uint8_t) ~(RESET_SYSTEM | RESET_CPU | RESET_FULL);

	/* The change of the CPU bit from 0 to 1 is what resets. */
	outb(RESET_CONTROL, v | RESET_SYSTEM);
	machine_delay_ms(1);
	outb(RESET_CONTROL, v | RESET_SYSTEM | RESET_CPU);
	machine_delay_ms(50);
}

static void reset_by_keyboard_controller(void)
{
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int ms = 0; ms < 20 && (inb(KBC_COMMAND) & KBC_BUSY); ms++)
			machine_delay_ms(1);
		outb(KBC_COMMAND, KBC_PULSE_RESET);
		machine_delay_ms(5);
	}
}

/* An exception with no table to find its handler in. */
static __noreturn void reset_by_triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed empty = {0, 0};

	__asm__ volatile("lidt %0; int3" ::"m"(empty) : "memory");
	machine_halt();
}

__noreturn void machine_reboot(void)
{
	local_irq_disable();
	/* Waits for what is still on its way to the serial line. */
	console_force_sync();
	pr_info("Resetting the machine\n");
	acpi_reset();
	reset_by_port_cf9();
	reset_by_keyboard_controller();
	reset_by_triple_fault();
}

__noreturn void machine_poweroff(void)
{
	local_irq_disable();
	console_force_sync();
	pr_info("Switching the machine off\n");
	acpi_enter_s5();
	pr_err("The machine doesn't switch off by itself: it is safe to do it by hand\n");
	machine_halt();
}
