/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Operations that take long, and are interrupted every millisecond: pinning and
 * unpinning a root over hundreds of tables, taking it as a vCPU's, lists of a thousand
 * entries, populating and giving back. Meanwhile vCPU 1 changes the tables that are just
 * being looked at, unpins, and takes their frames away. Each operation ends, this vCPU's
 * timer goes on during all of them, and afterwards every frame is free. Tries S2, R3,
 * R6; the classes of XSA-45, -264, -290, -299, -310, -385, -410.
 */
#include "lib/guest.h"

const char test_title[] = "Long operations under change";

#define L1S     24
#define L2S     4
#define EXTENTS 256

static uint64_t *l4, *l3, *l2[L2S], *l1[L1S];
static char *data;
static struct mmu_update list[1024];
static xen_pfn_t extents[EXTENTS];
static volatile unsigned long done, refused;
static uint64_t longest;

static void fill(void)
{
	unsigned int i, k;

	for (i = 0; i < L1S; i++) {
		for (k = 0; k < 512; k++)
			l1[i][k] = virt_to_maddr(data) | (k % 2 ? PTE_RO : PTE_RW);
		make_readonly(l1[i]);
	}
	/* Each L1 many times: what counts is the number of entries. */
	for (i = 0; i < L2S; i++) {
		for (k = 0; k < 512; k++)
			l2[i][k] = virt_to_maddr(l1[(i * 7 + k) % L1S]) | PTE_RW;
		make_readonly(l2[i]);
	}
	for (k = 0; k < 512; k++)
		l3[k] = virt_to_maddr(l2[k % L2S]) | PTE_RW;
	make_readonly(l3);
	for (k = 0; k < 256; k++)
		l4[k] = virt_to_maddr(l3) | PTE_RW;
	l4[0] = *(uint64_t *)start_info->pt_base;
	make_readonly(l4);
}

static void note(long rc)
{
	if (rc >= 0)
		done++;
	else
		refused++;
}

static void reservations(void)
{
	struct xen_memory_reservation r = {.nr_extents = EXTENTS, .domid = DOMID_SELF};
	long got;

	set_xen_guest_handle(r.extent_start, extents);
	got = hypercall(memory_op, XENMEM_increase_reservation, &r);
	r.nr_extents = got > 0 ? (xen_ulong_t)got : 0;
	note(hypercall(memory_op, XENMEM_decrease_reservation, &r));
}

static void operate(unsigned long turn)
{
	uint64_t start = system_time(), took;
	unsigned int i;

	switch (turn % 4) {
	case 0:
		note(pin_table(l4, 4));
		unpin_table(l4);
		break;
	case 1:
		note(mmu_ext(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(l4), 0));
		mmu_ext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
		break;
	case 2:
		for (i = 0; i < ARRAY_SIZE(list); i++) {
			list[i].ptr = virt_to_maddr(&l1[i % L1S][i % 512]);
			list[i].val = virt_to_maddr(data) | (i & 1 ? PTE_RW : PTE_RO);
		}
		note(hypercall(mmu_update, list, ARRAY_SIZE(list), 0, DOMID_SELF));
		break;
	default:
		reservations();
		break;
	}
	took = system_time() - start;
	longest = took > longest ? took : longest;
}

/* Another's hands in the middle of it. Values are such that the tables stay possible. */
static void disturb(unsigned long turn)
{
	uint64_t *t = l1[random64() % L1S];
	unsigned int slot = (unsigned int)random64() % 512;

	switch (random64() % 7) {
	case 0:
		pt_write(virt_to_maddr(&t[slot]), virt_to_maddr(data) | PTE_RW);
		break;
	case 1:
		pt_write(virt_to_maddr(&l2[random64() % L2S][slot]), 0);
		break;
	case 2:
		pt_write(virt_to_maddr(&l2[random64() % L2S][slot]), virt_to_maddr(t) | PTE_RW);
		break;
	case 3:
		pt_write(virt_to_maddr(&l3[slot]),
			 random64() % 2 ? 0 : virt_to_maddr(l2[random64() % L2S]) | PTE_RW);
		break;
	case 4:
		unpin_table(l4);
		break;
	case 5:
		/* One that makes the check fail somewhere in the middle, for a while */
		pt_write(virt_to_maddr(&t[slot]), 0x100000UL | PTE_RW);
		break;
	default:
		if (!make_writable(t)) {
			t[slot] = random64() % 4 ? 0 : 0x100000UL | PTE_RW;
			make_readonly(t);
		}
		break;
	}
}

static void clean_up(void)
{
	unsigned int i, k;

	mmu_ext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
	unpin_table(l4);
	for (k = 0; k < 512; k++) {
		pt_write(virt_to_maddr(&l3[k]), 0);
		if (k < 256)
			pt_write(virt_to_maddr(&l4[k]), 0);
		for (i = 0; i < L2S; i++)
			pt_write(virt_to_maddr(&l2[i][k]), 0);
		for (i = 0; i < L1S; i++)
			pt_write(virt_to_maddr(&l1[i][k]), 0);
	}
	expect(is_unused(l4));
	expect(is_unused(l3));
	for (i = 0; i < L2S; i++)
		expect(is_unused(l2[i]));
	for (i = 0; i < L1S; i++)
		expect(is_unused(l1[i]));
	expect(is_unused(data));
}

void test_main(void)
{
	struct vcpu_set_periodic_timer tick = {.period_ns = 1000000};
	unsigned int i;

	evtchn_mask_all();
	l4 = alloc_page();
	l3 = alloc_page();
	data = alloc_page();
	for (i = 0; i < L2S; i++)
		l2[i] = alloc_page();
	for (i = 0; i < L1S; i++)
		l1[i] = alloc_page();
	fill();
	hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &tick);
	race(1200, operate, disturb);
	hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	printf("%lu done, %lu refused, the longest took %lu us\n", done, refused, longest / 1000);
	expect(done > 0);
	clean_up();
}
