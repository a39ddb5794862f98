/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Start-up: what the steps of x86/boot/setup.c share. Gone once a guest runs. */
#ifndef ARCH_SETUP_H
#define ARCH_SETUP_H

#include <arch/layout.h>
#include <hv/compiler.h>
#include <hv/types.h>

extern char __image_start[], __text_ro_start[], __text_end[], __rodata_end[], __ro_after_init_end[];
extern char __init_start[], __init_end[], __load_end[], __bss_start[], __bss_end[], __image_end[];
extern char __entry_start[], __entry_end[];
extern char __percpu_start[], __percpu_end[];
extern const char __build_id_start[], __build_id_end[];
extern char cpu0_stack[];

static inline paddr_t image_paddr(const void *p)
{
	return (unsigned long)p - HV_VIRT_START + HV_PHYS_START;
}

/*
 * Memory before there is an allocator: from the top of RAM below 4 GiB, around
 * what boot_reserve() named. Panics when there is none.
 */
paddr_t boot_alloc(uint64_t size, uint64_t align);
void boot_reserve(paddr_t start, paddr_t end);
/* The rest goes to the allocator. */
void boot_alloc_finish(void);

void paging_init(void);
void paging_use_allocator(void);
/* After start-up: constants become read-only, init code vanishes. */
void paging_seal_image(void);

/* Address space for @pages pages, for good. 0: none left. */
unsigned long vmap_reserve(unsigned long pages);

__noreturn void start_hv(uint32_t magic, paddr_t info);
__noreturn void start_secondary(void);

#endif
