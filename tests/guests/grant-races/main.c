/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Two vCPUs map, unmap, copy by and withdraw the same grants at the same time, and
 * change the table's version under each other. Each mapping is undone exactly once,
 * an entry in use keeps its meaning, and in the end nothing is in use and no frame is
 * held. Tries G1, G2, G3, G4, F3; the classes of XSA-18, -26, -134, -218, -224, -228,
 * -230, -234, -236, -380, -394, -486, -500.
 */
#include "lib/guest.h"

const char test_title[] = "Grants, from two sides at once";

/*
 * Beyond what, read as entries of version 2, are the reserved ones: with something odd
 * in those the version can't be changed back.
 */
#define FIRST_REF 16
#define REFS      4
#define SLOTS     8

enum { EMPTY, BUSY, MAPPED };

static struct grant_entry_v1 *table;
static domid_t self;
static char *granted[REFS], *destination;
static uint64_t home[SLOTS];

/*
 * A slot isn't mapped again while somebody is about to undo its last mapping: that one's
 * handle may be another slot's by then, and if both map the same frame alike the unmap
 * succeeds here for the other's mapping.
 */
static struct {
	char *window;
	volatile unsigned int state, undoing;
	volatile grant_handle_t handle;
} slots[SLOTS];

static volatile unsigned long maps[2], unmaps[2], copies[2], switches;

static bool move(unsigned int i, unsigned int from, unsigned int to)
{
	return __atomic_compare_exchange_n(&slots[i].state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void try_map(unsigned int i)
{
	static const uint32_t flags[] = {GNTMAP_host_map, GNTMAP_host_map | GNTMAP_readonly};
	struct gnttab_map_grant_ref op;

	if (!move(i, EMPTY, BUSY))
		return;
	if (__atomic_load_n(&slots[i].undoing, __ATOMIC_SEQ_CST)) {
		move(i, BUSY, EMPTY);
		return;
	}
	op = grant_map(self, FIRST_REF + (uint32_t)(random64() % REFS), (uintptr_t)slots[i].window,
		       flags[random64() % 2]);
	slots[i].handle = op.handle;
	maps[this_vcpu()] += op.status == GNTST_okay;
	__atomic_store_n(&slots[i].state, op.status == GNTST_okay ? MAPPED : EMPTY,
			 __ATOMIC_SEQ_CST);
}

/* Both may be at it: of one mapping only one is told that it did it. */
static void try_unmap(unsigned int i)
{
	__atomic_add_fetch(&slots[i].undoing, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&slots[i].state, __ATOMIC_SEQ_CST) == MAPPED &&
	    grant_unmap((uintptr_t)slots[i].window, slots[i].handle) == GNTST_okay) {
		unmaps[this_vcpu()]++;
		if (!move(i, MAPPED, EMPTY))
			maps[this_vcpu()] += 1000000; /* seen below */
	}
	__atomic_sub_fetch(&slots[i].undoing, 1, __ATOMIC_SEQ_CST);
}

static void try_copy(void)
{
	struct gnttab_copy op = {.flags = GNTCOPY_source_gref, .len = 64};

	op.source.u.ref = FIRST_REF + (uint32_t)(random64() % REFS);
	op.source.domid = op.dest.domid = DOMID_SELF;
	op.dest.u.gmfn = virt_to_mfn(destination);
	if (random64() % 2) {
		op.flags |= GNTCOPY_dest_gref;
		op.dest.u.ref = FIRST_REF + (uint32_t)(random64() % REFS);
	}
	if (!hypercall(grant_table_op, GNTTABOP_copy, &op, 1) && op.status == GNTST_okay)
		copies[this_vcpu()]++;
}

/* As a kernel would, and as none would: while in use. */
static void rewrite(void)
{
	unsigned int i = (unsigned int)random64() % REFS;
	struct grant_entry_v1 *e = &table[FIRST_REF + i];

	switch (random64() % 4) {
	case 0:
		e->frame = (uint32_t)virt_to_mfn(granted[random64() % REFS]);
		break;
	case 1:
		e->flags = 0;
		break;
	case 2:
		e->frame = 0x100;
		break;
	default:
		grant_v1(e, self, virt_to_mfn(granted[i]), GTF_permit_access);
		break;
	}
}

static void swap(void)
{
	struct gnttab_swap_grant_ref op = {.ref_a = FIRST_REF + (uint32_t)(random64() % REFS),
					   .ref_b = FIRST_REF + (uint32_t)(random64() % REFS)};

	hypercall(grant_table_op, GNTTABOP_swap_grant_ref, &op, 1);
}

static void use(unsigned long turn)
{
	unsigned int i = (unsigned int)random64() % SLOTS;

	switch (random64() % 8) {
	case 0:
	case 1:
	case 2:
		try_map(i);
		break;
	case 3:
	case 4:
	case 5:
		try_unmap(i);
		break;
	case 6:
		try_copy();
		break;
	default:
		rewrite();
		break;
	}
}

static void use_and_swap(unsigned long turn)
{
	use(turn);
	if (turn % 8 == 0)
		swap();
}

static long set_version(uint32_t version)
{
	struct gnttab_set_version op = {.version = version};

	return hypercall(grant_table_op, GNTTABOP_set_version, &op, 1);
}

static void change_version(unsigned long turn)
{
	unsigned int i;

	if (set_version(2) == 0)
		switches++;
	for (i = 0; i < 20; i++)
		use(turn);
	if (set_version(1))
		return;
	for (i = 0; i < REFS; i++)
		grant_v1(&table[FIRST_REF + i], self, virt_to_mfn(granted[i]), GTF_permit_access);
}

static void nothing_is_left(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		try_unmap(i);
	for (i = 0; i < SLOTS; i++) {
		expect_eq(slots[i].state, EMPTY);
		expect_eq(*pte_of(slots[i].window) & PTE_P, 0);
	}
	expect_eq(maps[0] + maps[1], unmaps[0] + unmaps[1]);
	/* It takes an unused table to change the version twice. */
	expect_eq(set_version(2), 0);
	expect_eq(set_version(1), 0);
	for (i = 0; i < REFS; i++) {
		expect_eq(table[FIRST_REF + i].flags & (GTF_reading | GTF_writing), 0);
		expect(is_unused(granted[i]));
	}
	expect(is_unused(destination));
}

void test_main(void)
{
	unsigned int i;

	evtchn_mask_all();
	table = grant_table_v1(1);
	self = own_domid();
	destination = alloc_page();
	for (i = 0; i < REFS; i++) {
		granted[i] = alloc_page();
		grant_v1(&table[FIRST_REF + i], self, virt_to_mfn(granted[i]), GTF_permit_access);
	}
	for (i = 0; i < SLOTS; i++) {
		slots[i].window = alloc_page();
		home[i] = virt_to_maddr(slots[i].window) | PTE_RW;
		expect_eq(set_pte(slots[i].window, 0), 0);
	}
	if (set_version(2))
		skip("this domain has version 1 only");
	expect_eq(set_version(1), 0);
	for (i = 0; i < REFS; i++)
		grant_v1(&table[FIRST_REF + i], self, virt_to_mfn(granted[i]), GTF_permit_access);
	race(700, use, use_and_swap);
	race(500, use, change_version);
	set_version(1);
	printf("%lu maps, %lu unmaps, %lu copies, %lu changes of version\n", maps[0] + maps[1],
	       unmaps[0] + unmaps[1], copies[0] + copies[1], switches);
	expect(maps[0] + maps[1] > 0 && copies[0] + copies[1] > 0);
	nothing_is_left();
	for (i = 0; i < SLOTS; i++)
		expect_eq(set_pte(slots[i].window, home[i]), 0);
}
