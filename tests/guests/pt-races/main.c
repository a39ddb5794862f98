/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Two vCPUs change the same page tables in all ways at the same time: mmu_update of
 * a table that is just unpinned, pinned as another level, hooked and unhooked, made
 * writable; long operations are preempted meanwhile by timers. Afterwards every frame
 * is free of references and types: it can become anything. Tries R1, R2, R3, R6, S2;
 * the classes of XSA-45, -58, -242, -264, -299, -310, -317.
 */
#include "lib/guest.h"

const char test_title[] = "Changing page tables from two sides";

#define TABLES 6
#define DATA   4

static uint64_t *tables[TABLES];
static char *data[DATA];

static uint64_t *any_table(void)
{
	return tables[random64() % TABLES];
}

static uint64_t any_entry(void)
{
	static const uint64_t flags[] = {PTE_RW, PTE_RO, PTE_RW, PTE_RW | PTE_NX, 0};
	void *to = random64() % 3 ? (void *)any_table() : data[random64() % DATA];

	return virt_to_maddr(to) | flags[random64() % ARRAY_SIZE(flags)];
}

/* Anything may be refused. */
static void change(unsigned long turn)
{
	uint64_t *table = any_table();
	struct mmu_update list[8];
	unsigned int i;

	switch (random64() % 8) {
	case 0:
		pin_table(table, 1 + random64() % 4);
		break;
	case 1:
		unpin_table(table);
		break;
	case 2:
		make_readonly(table);
		break;
	case 3:
		make_writable(table);
		break;
	case 4:
		(void)PROBE("movq %1, (%0)",
			    :
			    : "r"(&table[random64() % 512]), "r"(any_entry())
			    : "memory");
		break;
	default:
		for (i = 0; i < ARRAY_SIZE(list); i++) {
			list[i].ptr = virt_to_maddr(any_table() + random64() % 512);
			list[i].val = random64() % 3 ? any_entry() : 0;
			if (random64() % 4 == 0)
				list[i].ptr |= MMU_PT_UPDATE_PRESERVE_AD;
		}
		hypercall(mmu_update, list, ARRAY_SIZE(list), 0, DOMID_SELF);
		break;
	}
}

/* Takes all entries out, of the tables and of what became plain memory. */
static void clean_up(void)
{
	unsigned int i, j, turn;

	for (turn = 0; turn < TABLES; turn++) {
		for (i = 0; i < TABLES; i++) {
			for (j = 0; j < 512; j++) {
				if (tables[i][j])
					pt_write(virt_to_maddr(&tables[i][j]), 0);
			}
		}
	}
	for (i = 0; i < TABLES; i++)
		unpin_table(tables[i]);
}

void test_main(void)
{
	struct vcpu_set_periodic_timer tick = {.period_ns = 1000000};
	unsigned int i;

	evtchn_mask_all();
	for (i = 0; i < TABLES; i++)
		tables[i] = alloc_page();
	for (i = 0; i < DATA; i++)
		data[i] = alloc_page();
	hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &tick);
	race(1500, change, change);
	hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	clean_up();
	for (i = 0; i < TABLES; i++)
		expect(is_unused(tables[i]));
	for (i = 0; i < DATA; i++)
		expect(is_unused(data[i]));
}
