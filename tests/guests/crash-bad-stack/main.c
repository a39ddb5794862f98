/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest whose stack cannot take the frame of an exception is crashed: there
 * is no double fault for PV guests, and no endless loop in the hypervisor.
 */
#include "lib/guest.h"

const char test_title[] = "Crash: an exception without a stack";

void test_main(void)
{
	__asm__ volatile("mov %0, %%rsp\n"
			 "ud2\n"
			 :
			 : "r"(start_info->pt_base + 64)); /* a page table: read-only */
	__builtin_unreachable();
}
