/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Between paging.c and own_tables.c. */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include <hv/types.h>

/* New tables come from the allocator; before that, from the memory of start-up. */
extern bool paging_allocator_ready;

/* A table, empty. NULL: no memory. */
uint64_t *paging_new_table(void);
/* The hypervisor's entry for @va at @level (1 to 3), tables made on the way. NULL: no memory. */
uint64_t *paging_entry(unsigned long va, unsigned int level);

#endif
