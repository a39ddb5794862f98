/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The machine as a whole: ending it, and waiting without a clock. */
#ifndef HV_MACHINE_H
#define HV_MACHINE_H

#include <hv/compiler.h>

/* Resets it by every means there is. */
__noreturn void machine_reboot(void);
/* ACPI S5 if the tables allow it; stands still otherwise. */
__noreturn void machine_poweroff(void);
/* Stops this CPU for ever. */
__noreturn void machine_halt(void);
/* What the command line says for after a crash: reset or stand still. */
__noreturn void machine_after_crash(void);
void machine_delay_ms(unsigned int ms);

#endif
