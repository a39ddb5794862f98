/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Interrupt vectors for devices. A vector means the same line on every CPU, so
 * that a line moves to another CPU by a change of its destination alone. The
 * caller locks.
 */
#include <hv/bitops.h>
#include <hv/lib.h>
#include <arch/apic.h>
#include <arch/irq.h>

#define VECTOR_INT80 0x80
/* One priority class of the local APIC, and one more: spreads over the classes. */
#define VECTOR_STEP  17

static bool vector_usable(unsigned int v)
{
	return v >= VECTOR_FIRST_DEVICE && v <= VECTOR_LAST_DEVICE && v != VECTOR_INT80;
}

int vector_alloc(struct vector_map *m)
{
	unsigned int v = m->next;

	/* The step has no factor in common with 256: every vector comes by once. */
	for (unsigned int i = 0; i < NR_VECTORS; i++) {
		v = (v + VECTOR_STEP) % NR_VECTORS;
		if (!vector_usable(v) || test_bit(v, m->used))
			continue;
		__set_bit(v, m->used);
		m->next = v;
		return (int)v;
	}
	return -ENOSPC;
}

void vector_free(struct vector_map *m, unsigned int vector)
{
	ASSERT(vector_usable(vector) && test_bit(vector, m->used));
	__clear_bit(vector, m->used);
}
