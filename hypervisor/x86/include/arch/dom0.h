/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The control domain at start-up (x86/pv/dom0_build.c). */
#ifndef ARCH_DOM0_H
#define ARCH_DOM0_H

/* Makes it from the boot modules; panics with the reason if that can't be done. */
void dom0_build(void);
/* Lets it run. */
void dom0_start(void);

/* Hypercall stubs of 32 bytes each (ABI: HYPERCALL_PAGE note, domctl hypercall_init). */
void pv_fill_hypercall_page(void *page);

#endif
