/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What code compiled with -fstack-protector refers to: the canary, which every
 * function with an array puts below its return address, and where it goes when
 * that has changed. Their names are the compiler's.
 */
#include <hv/lib.h>
#include <hv/stack_protector.h>

unsigned long __stack_chk_guard __ro_after_init = 0x595e9fbd94fda700;

void __stack_chk_fail(void)
{
	panic("A function has written beyond its stack frame");
}

void __init stack_protector_seed(unsigned long random)
{
	/* A byte that ends strings comes first. */
	__stack_chk_guard = (__stack_chk_guard ^ random) & ~0xffUL;
}
