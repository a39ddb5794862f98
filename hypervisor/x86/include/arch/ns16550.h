/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The serial port as a console device (x86/dev/ns16550.c). */
#ifndef ARCH_NS16550_H
#define ARCH_NS16550_H

#include <hv/types.h>

struct console_dev;

#define NS16550_NR_PORTS 8

struct console_dev *ns16550_init(void);
void ns16550_force_sync(void);
/* Its first I/O port, to be kept from guests; 0: not in use. */
uint16_t ns16550_port(void);

#endif
