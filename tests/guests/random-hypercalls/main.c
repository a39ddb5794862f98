/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Hypercalls with random numbers, operations and arguments, some of which point
 * at random structures. The guest may ruin itself; nobody else may notice. What
 * would merely end the test early is left out. Tries X5.
 */
#include "lib/guest.h"

const char test_title[] = "Random hypercalls";

static uint64_t seed = 0x9e3779b97f4a7c15UL;
static uint64_t junk_maddr;
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
		/* Not where our own code lies: it is not that guest we test. */
		return random() % 2 ? 1UL << random() % 12 : 1UL << (32 + random() % 32);
	default:
		return junk_maddr + random() % 3;
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
	case __HYPERVISOR_update_va_mapping:
		return op < start_info->nr_pages * PAGE_SIZE;
	case __HYPERVISOR_console_io:
		return true; /* too much to print */
	default:
		return false;
	}
}

static struct context end;
static unsigned int made;
static unsigned long last_nr, last_op;

/* It hit itself: that is its right, and the end. */
static bool give_up(struct regs *regs)
{
	trap_hook = NULL;
	resume_context(&end);
}

static void make_hypercalls(void)
{
	unsigned int i, j;

	for (i = 0; i < 20000; i++) {
		unsigned long nr = random() % 64, op = random() % 4 ? random() % 48 : interesting();

		if (ends_the_test(nr, op))
			continue;
		for (j = 0; j < 32; j++)
			junk[random() % ARRAY_SIZE(junk)] = interesting();
		last_nr = nr;
		last_op = op;
		made++;
		hypercall5(nr, op, interesting(), interesting(), interesting(), interesting());
	}
}

void test_main(void)
{
	evtchn_mask_all();
	junk_maddr = virt_to_maddr(junk);
	if (save_context(&end) == 0) {
		trap_hook = give_up;
		make_hypercalls();
		trap_hook = NULL;
	} else {
		printf("Ended by hypercall %lu, operation %#lx\n", last_nr, last_op);
	}
	printf("Made %u hypercalls\n", made);
}
