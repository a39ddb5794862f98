/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Numbers shared by start.S and the C part of the library. */
#ifndef TESTS_GUESTS_LIB_VECTORS_H
#define TESTS_GUESTS_LIB_VECTORS_H

/* Exceptions have their vectors' numbers; the other entries have these. */
#define VECTOR_EVENT    0x100
#define VECTOR_SYSCALL  0x101
#define VECTOR_FAILSAFE 0x102
#define VECTOR_NMI      0x103

#define REGS_SIZE 176 /* sizeof(struct regs) */

#endif
