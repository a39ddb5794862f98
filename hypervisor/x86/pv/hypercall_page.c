/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The page of hypercall stubs that older kernels call: 128 slots of 32 bytes. */
#include <hv/lib.h>
#include <public/xen.h>
#include <arch/dom0.h>

#define SLOT   32
#define OP_RET 0xc3

void pv_fill_hypercall_page(void *page)
{
	/* push %rcx; push %r11; mov $nr, %eax; syscall; pop %r11; pop %rcx; ret */
	static const uint8_t stub[] = {0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
				       0,    0x0f, 0x05, 0x41, 0x5b, 0x59, OP_RET};
	/* push %rcx; push %r11; push %rax; mov $nr, %eax; syscall */
	static const uint8_t iret_stub[] = {0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret,
					    0,    0,    0,    0x0f, 0x05};
	uint8_t *p = page;

	memset(page, OP_RET, PAGE_SIZE);
	for (unsigned int i = 0; i < PAGE_SIZE / SLOT; i++, p += SLOT) {
		if (i == __HYPERVISOR_iret) {
			memcpy(p, iret_stub, sizeof(iret_stub));
			continue;
		}
		memcpy(p, stub, sizeof(stub));
		p[4] = (uint8_t)i;
	}
}
