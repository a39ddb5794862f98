/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A scheduler that counts what it is told. */
#include <hv/domain.h>
#include <hv/sched.h>

unsigned int ht_kicks[128], ht_poll_wakes[128];

void vcpu_kick(struct vcpu *v)
{
	__atomic_add_fetch(&ht_kicks[v->id], 1, __ATOMIC_RELAXED);
}

void vcpu_poll_wake(struct vcpu *v)
{
	if (test_and_clear_bit(v->id, v->domain->poll_mask))
		ht_poll_wakes[v->id]++;
}
