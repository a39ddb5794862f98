/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The run-time that decompress.o brings along for the libraries in it.
 * Private to that object; its symbols are made local to it.
 */
#ifndef HV_X86_BOOT_DECOMPRESS_RT_H
#define HV_X86_BOOT_DECOMPRESS_RT_H

#include <stddef.h>

/* Gives malloc an arena; forgets what it gave out before. */
void rt_init(void *arena, size_t len);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);

#endif
