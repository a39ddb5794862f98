/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPU 1 has written to a granted page that is mapped, and its TLB remembers it. Once an
 * unmap has returned, nothing that vCPU 1 writes arrives there. Tries F3.
 */
#include "lib/guest.h"

const char test_title[] = "Writing to granted pages through the TLB";

#define REF 20
#define NR  2

static volatile uint64_t *granted;
static char *window[NR];
static unsigned long wrote, arrived;

/* One, or all at once; the last is what vCPU 1 remembers. */
static void unmap(const struct gnttab_map_grant_ref *map, unsigned int nr)
{
	struct gnttab_unmap_grant_ref op[NR] = {{0}};
	unsigned int i;

	for (i = 0; i < nr; i++) {
		op[i].host_addr = map[i].host_addr;
		op[i].handle = map[i].handle;
	}
	expect_eq(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, op, nr), 0);
	for (i = 0; i < nr; i++)
		expect_eq(op[i].status, GNTST_okay);
}

static void come_and_go(unsigned long turn)
{
	struct gnttab_map_grant_ref map[NR];
	unsigned int nr = 1 + turn % NR, i;
	uint64_t before;

	for (i = 0; i < nr; i++) {
		map[i] = grant_map(own_domid(), REF, (uintptr_t)window[i], GNTMAP_host_map);
		expect_eq(map[i].status, GNTST_okay);
	}
	remember((volatile uint64_t *)window[nr - 1] + 17);
	unmap(map, nr);
	before = granted[17];
	wrote += write_again(before + 1);
	arrived += granted[17] != before;
}

void test_main(void)
{
	struct grant_entry_v1 *table = grant_table_v1(1);
	uint64_t home[NR], end;
	unsigned long rounds;
	unsigned int i;

	evtchn_mask_all();
	granted = alloc_page();
	for (i = 0; i < NR; i++) {
		window[i] = alloc_page();
		home[i] = virt_to_maddr(window[i]) | PTE_RW;
	}
	grant_v1(&table[REF], own_domid(), virt_to_mfn((void *)granted), GTF_permit_access);
	end = system_time() + 500000000UL;
	for (rounds = 0; !test_failed() && system_time() < end; rounds++)
		come_and_go(rounds);
	printf("%lu rounds\n", rounds);
	expect(rounds > 0);
	expect_eq(wrote, 0);
	expect_eq(arrived, 0);
	expect_eq(table[REF].flags, GTF_permit_access);
	for (i = 0; i < NR; i++)
		expect_eq(set_pte(window[i], home[i]), 0);
}
