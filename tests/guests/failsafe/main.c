/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A segment that a vCPU has loaded may be taken out of its descriptor table.
 * When the vCPU is scheduled again the selector cannot be loaded: the guest is
 * told by the failsafe callback, with the selectors it had, and goes on with
 * the bad one zeroed.
 */
#include "lib/guest.h"

const char test_title[] = "The failsafe callback";

#define DATA32_DPL3 0x00cff3000000ffffUL
#define SELECTOR    (3 << 3 | 3)

static volatile unsigned int calls;
static uint8_t mask_inside;
static uint64_t selectors[4];

static bool note(struct regs *regs)
{
	if (regs->vector != VECTOR_FAILSAFE)
		return false;
	calls++;
	memcpy(selectors, failsafe_selectors, sizeof(selectors));
	mask_inside = vcpu_info->evtchn_upcall_mask;
	return true;
}

void test_main(void)
{
	uint64_t *gdt = alloc_page();
	xen_pfn_t frame = virt_to_mfn(gdt);
	uint16_t es = 99;
	unsigned int i;

	gdt[3] = DATA32_DPL3;
	expect_eq(make_readonly(gdt), 0);
	expect_eq(hypercall(set_gdt, &frame, 512), 0);
	trap_hook = note;
	__asm__ volatile("mov %0, %%es" : : "r"(SELECTOR));
	sleep_ns(10000000);
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	expect_eq(es, SELECTOR);
	expect_eq(calls, 0);

	expect_eq(hypercall(update_descriptor, virt_to_maddr(&gdt[3]), 0), 0);
	for (i = 0; i < 200 && !calls; i++)
		sleep_ns(10000000);
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	if (!calls && es == SELECTOR)
		skip("the vCPU was never taken off its CPU");
	expect_eq(calls, 1);
	expect_eq(selectors[1] & 0xffff, SELECTOR);
	expect_eq(selectors[0] & 0xffff, 0);
	expect_eq(mask_inside, 1);
	expect_eq(es, 0);
	trap_hook = NULL;
}
