/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grants are mapped into page tables by the machine addresses of entries, while another
 * vCPU writes those entries by mmu_update, unpins the tables and makes plain memory of
 * them. A mapping whose entry is gone can't be undone until there is the same entry
 * again; no reference is lost by any of it, and none is dropped twice: in the end every
 * handle can be given back and every frame is free. Tries G1, G4, R1, R2, R3, F3; the
 * classes of XSA-224, -227, -234, -380.
 */
#include "lib/guest.h"

const char test_title[] = "Grant mappings in tables that change";

#define TABLES  3
#define SLOTS   16
#define HANDLES 64
#define REFS    4

static uint64_t *tables[TABLES];
static char *granted[REFS], *data;
static domid_t self;

static struct mapping {
	volatile unsigned int state; /* 0: none, 1: being worked on, 2: there */
	grant_handle_t handle;
	uint64_t where, entry; /* of the entry, and what it was */
} mappings[HANDLES];

static volatile unsigned long maps, unmaps, misses;

static bool move(struct mapping *m, unsigned int from, unsigned int to)
{
	return __atomic_compare_exchange_n(&m->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static uint64_t any_entry(void)
{
	return virt_to_maddr(&tables[random64() % TABLES][random64() % SLOTS]);
}

static void try_map(struct mapping *m)
{
	unsigned int ref = (unsigned int)random64() % REFS;
	uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;
	uint64_t where = any_entry();
	struct gnttab_map_grant_ref op;

	if (!move(m, 0, 1))
		return;
	if (random64() % 2)
		flags |= GNTMAP_readonly;
	op = grant_map(self, 8 + ref, where, flags);
	if (op.status == GNTST_okay) {
		maps++;
		m->handle = op.handle;
		m->where = where;
		m->entry =
			virt_to_maddr(granted[ref]) | (flags & GNTMAP_readonly ? PTE_RO : PTE_RW);
	}
	move(m, 1, op.status == GNTST_okay ? 2 : 0);
}

static bool try_unmap(struct mapping *m)
{
	bool ok;

	if (!move(m, 2, 1))
		return false;
	ok = grant_unmap(m->where, m->handle) == GNTST_okay;
	unmaps += ok;
	misses += !ok;
	move(m, 1, ok ? 0 : 2);
	return ok;
}

static void grants(unsigned long turn)
{
	struct mapping *m = &mappings[random64() % HANDLES];

	if (random64() % 2)
		try_map(m);
	else
		try_unmap(m);
}

static void change_tables(unsigned long turn)
{
	uint64_t *table = tables[random64() % TABLES];

	switch (random64() % 8) {
	case 0:
		unpin_table(table);
		break;
	case 1:
	case 2:
		pin_table(table, 1);
		break;
	case 3:
		make_writable(table);
		break;
	case 4:
		make_readonly(table);
		break;
	case 5:
		pt_write(any_entry(), virt_to_maddr(data) | PTE_RW);
		break;
	case 6:
		pt_write(any_entry(), virt_to_maddr(granted[random64() % REFS]) | PTE_RO);
		break;
	default:
		pt_write(any_entry(), 0);
		break;
	}
}

/* Each mapping that has lost its entry gets one again, and is undone with it. */
static void take_back(void)
{
	uint64_t where = virt_to_maddr(&tables[0][SLOTS]);
	unsigned int i;

	for (i = 0; i < TABLES; i++) {
		make_readonly(tables[i]);
		pin_table(tables[i], 1);
	}
	for (i = 0; i < HANDLES; i++) {
		struct mapping *m = &mappings[i];

		if (m->state != 2)
			continue;
		expect_eq(pt_write(where, m->entry), 0);
		m->where = where;
		expect(try_unmap(m));
		expect_eq(pt_write(where, 0), 0);
	}
}

void test_main(void)
{
	struct grant_entry_v1 *table = grant_table_v1(1);
	unsigned int i, k;

	evtchn_mask_all();
	self = own_domid();
	data = alloc_page();
	for (i = 0; i < REFS; i++) {
		granted[i] = alloc_page();
		grant_v1(&table[8 + i], self, virt_to_mfn(granted[i]), GTF_permit_access);
	}
	for (i = 0; i < TABLES; i++) {
		tables[i] = alloc_page();
		expect_eq(make_readonly(tables[i]), 0);
		expect_eq(pin_table(tables[i], 1), 0);
	}
	race(800, grants, change_tables);
	take_back();
	printf("%lu maps, %lu unmaps, %lu misses\n", maps, unmaps, misses);
	expect(maps > 0 && unmaps == maps);
	for (i = 0; i < TABLES; i++) {
		for (k = 0; k < SLOTS; k++)
			expect_eq(pt_write(virt_to_maddr(&tables[i][k]), 0), 0);
		unpin_table(tables[i]);
		expect(is_unused(tables[i]));
	}
	for (i = 0; i < REFS; i++) {
		expect_eq(table[8 + i].flags, GTF_permit_access);
		expect(is_unused(granted[i]));
	}
	expect(is_unused(data));
}
