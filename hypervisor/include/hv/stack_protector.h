/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
#ifndef HV_STACK_PROTECTOR_H
#define HV_STACK_PROTECTOR_H

#include <hv/compiler.h>

/* Read by the compiler's code. */
extern unsigned long __stack_chk_guard;
__noreturn void __stack_chk_fail(void);

/*
 * A new canary. Only a function that never returns, and was called by none that
 * does, may call this: their canaries are on the stack.
 */
void stack_protector_seed(unsigned long random) __attribute__((no_stack_protector));

#endif
