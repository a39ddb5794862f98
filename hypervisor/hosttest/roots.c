/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * In place of x86/mm/own_tables.c: the hypervisor's half has nothing in it. Of CPUs'
 * roots only what is copied from guests' is of interest.
 */
#include <hv/lib.h>
#include <arch/page.h>

/* Recognisable, and never walked. */
static uint64_t hypervisor_l4[PTES_PER_TABLE] = {
	[HV_L4_FIRST... HV_L4_LAST] = 0x0000555500000000UL | PTE_P,
};
uint64_t *idle_l4 = hypervisor_l4;

int paging_show(uint64_t *l4, unsigned long va, unsigned long nr, uint64_t flags)
{
	return 0;
}

int paging_share_l1(uint64_t *l4, unsigned long va)
{
	return 0;
}

uint64_t *paging_l1_of(unsigned long va)
{
	panic("Nothing of the hypervisor's is mapped here");
}
