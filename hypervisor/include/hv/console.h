/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The hypervisor's console: the serial line in both directions, the ring that
 * `xl dmesg` reads, the console_io hypercall of the control domain, and the
 * debug keys.
 *
 * Input goes to the control domain (VIRQ_CONSOLE); Ctrl-A three times switches
 * it to the debug keys and back.
 *
 * Locks: console_lock (RANK_CONSOLE), interrupts off, may be taken anywhere.
 */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include <hv/types.h>

struct cpu_user_regs;

/*
 * A character device that the console writes to. putc may poll; may be called
 * with interrupts off. getc: -1 when there is nothing.
 */
struct console_dev {
	const char *name;
	void (*putc)(char c);
	int (*getc)(void);
	/* After the interrupt system is up: receive by interrupt. */
	void (*init_irq)(void);
};

/* After the command line was read: starts the UART, polled, and shows what the ring has. */
void console_init_early(void);
/* Ring of conring_size= bytes; needs the allocator. */
void console_init_ring(void);
/* Interrupt-driven input. */
void console_init_irq(void);

/* One received character, from a device's interrupt or poll. */
void console_rx(char c);

void console_write(const char *s, size_t n);

/* Panic: break locks, poll, synchronous. */
void console_force_sync(void);

long do_console_io(unsigned int cmd, unsigned int count, uint64_t buf);

/* sysctl readconsole: see public/sysctl.h. */
struct xen_sysctl_readconsole;
int console_ring_read(struct xen_sysctl_readconsole *op);

/* ---- debug keys (console/keyhandler.c) ----------------------------------- */

/*
 * At start-up. @fn of the first runs as a softirq, with interrupts on and no lock
 * held, and only looks: the key '*' runs all of these. That of the second runs at
 * once, with the interrupted registers if known, or NULL.
 */
void keyhandler_register(char key, void (*fn)(char key), const char *help);
void keyhandler_register_irq(char key, void (*fn)(char key, struct cpu_user_regs *regs),
			     const char *help);
/* A key was pressed, on the serial line or by a tool. Unknown ones are ignored. Any context. */
void keyhandler_run(char key, struct cpu_user_regs *regs);
void keyhandler_init(void);

#endif
