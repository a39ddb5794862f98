/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Hypercalls with random numbers, operations and arguments, some of which point
 * at random structures. The guest may ruin itself; nobody else may notice. What
 * would merely end the test early is left out.
 */
#include "lib/guest.h"

const char test_title[] = "Random hypercalls";

static uint64_t seed = 0x9e3779b97f4a7c15UL;
static uint64_t junk[512] __attribute__((aligned(4096)));

static uint64_t random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Values near the limits of everything, as well as anything at all */
static uint64_t interesting(void)
{
	switch (random() % 8) {
	case 0:
		return random();
	case 1:
		return random() % 64;
	case 2:
		return DOMID_FIRST_RESERVED + random() % 16;
	case 3:
		return (uintptr_t)junk + random() % sizeof(junk);
	case 4:
		return ~0UL - random() % 8;
	case 5:
		return HYPERVISOR_VIRT_START + random() % (1UL << 44);
	case 6:
		return 1UL << random() % 64;
	default:
		return virt_to_maddr(junk) + random() % 3;
	}
}

static bool ends_the_test(unsigned long nr, unsigned long op)
{
	switch (nr) {
	case __HYPERVISOR_iret:
	case __HYPERVISOR_multicall: /* may hold any other */
	case __HYPERVISOR_set_trap_table:
	case __HYPERVISOR_set_callbacks:
	case __HYPERVISOR_callback_op:
	case __HYPERVISOR_sched_op_compat:
	case __HYPERVISOR_set_gdt:
		return true;
	case __HYPERVISOR_sched_op:
		return op != SCHEDOP_yield && op < 100;
	case __HYPERVISOR_event_channel_op:
		return op == EVTCHNOP_reset || op == EVTCHNOP_close;
	case __HYPERVISOR_event_channel_op_compat:
		return true;
	case __HYPERVISOR_vcpu_op:
		return op == VCPUOP_down;
	case __HYPERVISOR_console_io:
		return true; /* too much to print */
	default:
		return false;
	}
}

void test_main(void)
{
	unsigned int i, j, made = 0;

	evtchn_mask_all();
	for (i = 0; i < 20000; i++) {
		unsigned long nr = random() % 64, op = random() % 4 ? random() % 48 : interesting();

		if (ends_the_test(nr, op))
			continue;
		for (j = 0; j < 32; j++)
			junk[random() % ARRAY_SIZE(junk)] = interesting();
		hypercall5(nr, op, interesting(), interesting(), interesting(), interesting());
		made++;
	}
	printf("Made %u hypercalls\n", made);
}
