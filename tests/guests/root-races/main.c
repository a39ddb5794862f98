/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * One vCPU changes an entry of the root that both run on, between two trees of tables;
 * the other looks through it all the time. It sees the page of the one or of the
 * other, that of the new one once all TLBs have been flushed, and no fault: where a
 * hypervisor runs guests on copies of their roots (XPTI), an entry that was written isn't
 * missed, and none is made of the bytes of two; what that would refer to is memory of
 * ours that looks like a table, and that nobody has checked. Tries R1, F2, X7.
 */
#include "lib/guest.h"

const char test_title[] = "A root changed under another vCPU";

#define SLOT 300
#define POOL 64

static const uint64_t magic[2] = {0x1111222233334444, 0xaaaabbbbccccdddd};
static volatile uint64_t *const window = (uint64_t *)(0xffff000000000000 | (uint64_t)SLOT << 39);
static uint64_t *pool[POOL], *l3[2];
static unsigned long looks, changes, faults, wrong, old;
/* Twice the number of changes; odd while there is one. */
static volatile unsigned long sequence;

/* In how many bytes the entries for two tables differ. */
static unsigned int differing_bytes(const void *a, const void *b)
{
	uint64_t differ = virt_to_maddr(a) ^ virt_to_maddr(b);
	unsigned int n = 0;

	for (; differ; differ >>= 8)
		n += (differ & 0xff) != 0;
	return n;
}

/* Two whose entries' bytes make others of the pool, if they are mixed. */
static void choose_tables(void)
{
	unsigned int i, other = 1;

	for (i = 0; i < POOL; i++)
		pool[i] = alloc_page();
	while (other < POOL - 1 && differing_bytes(pool[0], pool[other]) < 2)
		other++;
	l3[0] = pool[0];
	l3[1] = pool[other];
}

/* All others look like a tree, to a page with nothing in it. */
static void forge_tables(void)
{
	uint64_t *l2 = alloc_page(), *l1 = alloc_page();
	unsigned int i;

	l1[0] = virt_to_maddr(alloc_page()) | PTE_RO;
	l2[0] = virt_to_maddr(l1) | PTE_RW;
	for (i = 0; i < POOL; i++) {
		if (pool[i] != l3[0] && pool[i] != l3[1])
			pool[i][0] = virt_to_maddr(l2) | PTE_RW;
	}
}

static void make_tree(unsigned int i)
{
	uint64_t *l2 = alloc_page(), *l1 = alloc_page(), *data = alloc_page();

	*data = magic[i];
	l1[0] = virt_to_maddr(data) | PTE_RO;
	l2[0] = virt_to_maddr(l1) | PTE_RW;
	l3[i][0] = virt_to_maddr(l2) | PTE_RW;
	expect_eq(make_readonly(l1), 0);
	expect_eq(make_readonly(l2), 0);
	expect_eq(make_readonly(l3[i]), 0);
	expect_eq(pin_table(l3[i], 3), 0);
}

static int set_entry(uint64_t entry)
{
	return (int)pt_write(virt_to_maddr((uint64_t *)start_info->pt_base + SLOT), entry);
}

static void change(unsigned long turn)
{
	struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_ALL};
	unsigned long next = sequence / 2 + 1;

	sequence++;
	expect_eq(set_entry(virt_to_maddr(l3[next & 1]) | PTE_RW), 0);
	expect_eq(hypercall(mmuext_op, &flush, 1, 0, DOMID_SELF), 0);
	sequence++;
	changes++;
}

static void look(unsigned long turn)
{
	unsigned long before = sequence;
	uint64_t seen = 0;

	looks++;
	if (!PROBE("movq (%1), %0", : "=&r"(seen) : "r"(window) : "memory"))
		faults++;
	else if (seen != magic[0] && seen != magic[1])
		wrong++;
	else if (before % 2 == 0 && sequence == before && seen != magic[before / 2 & 1])
		old++;
	if (turn % 2)
		hypercall(xen_version, XENVER_version, 0);
}

void test_main(void)
{
	evtchn_mask_all();
	choose_tables();
	forge_tables();
	make_tree(0);
	make_tree(1);
	change(0);
	race(2000, look, change);
	printf("%lu looks, %lu changes\n", looks, changes);
	expect_eq(faults, 0);
	expect_eq(wrong, 0);
	expect_eq(old, 0);
	expect(looks > 100 && changes > 100);
	expect_eq(set_entry(0), 0);
	expect_eq(unpin_table(l3[0]), 0);
	expect_eq(unpin_table(l3[1]), 0);
	expect(is_unused(l3[0]) && is_unused(l3[1]));
}
