/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The image's symbol table, made by the build from the linked image (gen-symbols):
 * offsets from the image's start, sorted, and for each the place of its name.
 */
#ifndef ARCH_SYMBOLS_H
#define ARCH_SYMBOLS_H

#include <hv/types.h>

extern const uint32_t symbols_count;
extern const uint32_t symbols_offset[], symbols_name[];
extern const char symbols_names[];

/* The function that @addr is in, and how far; NULL: none of ours. */
const char *symbol_lookup(unsigned long addr, unsigned long *ret_off);

#endif
