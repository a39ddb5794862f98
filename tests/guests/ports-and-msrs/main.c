/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A kernel reads and writes every I/O port there is, in all widths, by string
 * instructions into and out of the hypervisor's memory, and every MSR of the ranges in
 * which CPUs have some. Ports read as all ones or fault; what is written is gone, or the
 * machine would be reset, or its console disturbed, a few hundred times. MSRs tell
 * nothing of the hypervisor, and what is written to them has changed nothing. Tries X3,
 * X4, X5, X6; the classes of XSA-105, -333, -435.
 */
#include "lib/guest.h"

#include <public/physdev.h>

const char test_title[] = "All ports and MSRs";

static unsigned long readable, faults;

/* ---- ports ------------------------------------------------------------------- */

/* The reference shows everybody a clock. */
static bool has_clock(uint32_t port)
{
	return !beyond_abi() && (port == 0x70 || port == 0x71);
}

static void read_ports(void)
{
	uint64_t bad = 0;
	uint32_t port, value;

	for (port = 0; port < 0x10000; port++) {
		value = 0;
		if (!PROBE("inb %%dx, %%al", : "+a"(value) : "d"(port)))
			faults++;
		else if ((value & 0xff) != 0xff && !has_clock(port) && !bad++)
			failure("port %#x reads %#x", port, value & 0xff);
		if (port % 16)
			continue;
		value = 0;
		if (PROBE("inl %%dx, %%eax",
			  : "+a"(value)
			  : "d"(port)) &&
		    value != ~0U && !has_clock(port) && !bad++)
			failure("ports %#x read %#x", port, value);
		value = 0;
		if (PROBE("inw %%dx, %%ax",
			  : "+a"(value)
			  : "d"(port)) &&
		    (value & 0xffff) != 0xffff && !has_clock(port) && !bad++)
			failure("ports %#x read %#x", port, value & 0xffff);
	}
}

static void write_ports(void)
{
	uint32_t port;

	for (port = 0; port < 0x10000; port++) {
		/* Resets, power off, the console's, disks', DMA: 0xff, 0x0e, 0x06 do most. */
		(void)PROBE("outb %%al, %%dx", : : "a"(port & 1 ? 0x06 : 0xfe), "d"(port));
		if (port < 0x1000 || port % 16 == 0)
			(void)PROBE("outl %%eax, %%dx", : : "a"(0xffffffff), "d"(port));
	}
	(void)PROBE("outb %%al, %%dx", : : "a"(0x0e), "d"(0xcf9));
	(void)PROBE("outw %%ax, %%dx", : : "a"(0x2000), "d"(0x604));
	(void)PROBE("outw %%ax, %%dx", : : "a"(0x3400), "d"(0xb004));
}

/* INS and OUTS with operands that aren't ours, and counts without end */
static void strings(void)
{
	static const uint64_t where[] = {
		HYPERVISOR_VIRT_START + 0x8000000000UL, HYPERVISOR_VIRT_START + 0x30000000000UL,
		HYPERVISOR_VIRT_END - 4, 0x7ffffffffffcUL, 0x8000000000000000UL};
	static uint64_t table_word;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		uint64_t at = where[i], n = ~0UL;

		expect(!PROBE("insl", : "+D"(at) : "d"(0x80) : "memory"));
		at = where[i];
		expect(!PROBE("rep insb", : "+D"(at), "+c"(n) : "d"(0x80) : "memory"));
		at = where[i];
		n = ~0UL;
		expect(!PROBE("outsl", : "+S"(at) : "d"(0x3f8) : "memory"));
		expect(!PROBE("rep outsb", : "+S"(at), "+c"(n) : "d"(0x3f8) : "memory"));
		at = where[i];
		n = 4;
		__asm__ volatile("std");
		(void)PROBE("rep insl", : "+D"(at), "+c"(n) : "d"(0x80) : "memory");
		__asm__ volatile("cld");
	}
	/* Into a page table */
	table_word = start_info->pt_base;
	expect(!PROBE("insl", : "+D"(table_word) : "d"(0x80) : "memory"));
}

/* The bitmap is looked at in guest memory: anywhere it may be, it grants nothing. */
static void bitmaps(void)
{
	struct physdev_set_iobitmap map = {.nr_ports = 65536};
	uint32_t value;

	set_xen_guest_handle(map.bitmap, (void *)alloc_page()); /* zeros: all allowed */
	if (hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &map))
		return;
	for (uint32_t port = 0; port < 0x10000; port += 7) {
		value = 0;
		if (PROBE("inb %%dx, %%al",
			  : "+a"(value)
			  : "d"(port)) &&
		    (value & 0xff) != 0xff && !has_clock(port))
			failure("by the bitmap port %#x reads %#x", port, value & 0xff);
	}
	map.nr_ports = 0;
	expect_eq(hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &map), 0);
	map.nr_ports = 65537;
	expect(hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &map) < 0);
}

/* ---- MSRs ---------------------------------------------------------------------- */

static bool rdmsr(uint32_t msr, uint64_t *ret_value)
{
	uint32_t lo = 0, hi = 0;
	bool ok = PROBE("rdmsr", : "+a"(lo), "+d"(hi) : "c"(msr));

	*ret_value = lo | (uint64_t)hi << 32;
	return ok;
}

static bool wrmsr(uint32_t msr, uint64_t value)
{
	return PROBE("wrmsr", : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr));
}

/* The time counter moves by itself; the segment bases are the guest's own. */
static bool is_own(uint32_t msr)
{
	return msr == 0x10 || (msr >= 0xc0000100 && msr <= 0xc0000103);
}

/* Where the hypervisor's entry points and stacks would be found */
static void one_msr(uint32_t msr)
{
	static const uint64_t values[] = {0, ~0UL, 1, 0xdeadbeefcafeUL};
	uint64_t value, after;
	bool can_read = rdmsr(msr, &value);
	unsigned int i;

	if (can_read) {
		readable++;
		if (is_hypervisor_address(value))
			failure("MSR %#x reads %#lx", msr, value);
	}
	if (is_own(msr))
		return;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		(void)wrmsr(msr, values[i]);
	/* The reference has a machine check architecture for each. */
	if ((rdmsr(msr, &after) != can_read || (can_read && after != value)) && beyond_abi())
		failure("MSR %#x was %#lx, is %#lx", msr, value, after);
}

static void msrs(void)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0, 0x1fff},
		{0x40000000, 0x400000ff}, /* hypervisors', also Hyper-V's and KVM's */
		{0x4b564d00, 0x4b564d0f},
		{0xc0000000, 0xc0001fff},
		{0xc0010000, 0xc0011fff},
		{0x7ffffff0, 0x8000000f},
		{0xfffffff0, 0xffffffff},
	};
	unsigned int i;
	uint64_t msr;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (msr = ranges[i].first; msr <= ranges[i].last; msr++)
			one_msr((uint32_t)msr);
	}
	printf("%lu MSRs can be read\n", readable);
	expect_ours(readable < 20);
}

void test_main(void)
{
	struct physdev_set_iopl iopl = {.iopl = 1};

	evtchn_mask_all();
	read_ports(); /* without any right */
	expect_eq(faults, 0x10000);
	expect_eq(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0);
	read_ports();
	write_ports();
	strings();
	iopl.iopl = 0;
	expect_eq(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0);
	bitmaps();
	msrs();
}
