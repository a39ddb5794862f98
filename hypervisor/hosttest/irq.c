/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Pirqs that only remember to whom they are bound. */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>

uint32_t ht_pirq_port[HT_PIRQS];
unsigned int ht_pirq_vcpu[HT_PIRQS];

int pirq_bind(struct domain *d, unsigned int pirq, uint32_t port, bool share)
{
	if (pirq >= HT_PIRQ_FORBIDDEN)
		return -EINVAL;
	if (ht_pirq_port[pirq])
		return -EEXIST;
	ht_pirq_port[pirq] = port;
	return 0;
}

void pirq_unbind(struct domain *d, unsigned int pirq)
{
	BUG_ON(pirq >= HT_PIRQS || !ht_pirq_port[pirq]);
	ht_pirq_port[pirq] = 0;
}

void pirq_set_vcpu(struct domain *d, unsigned int pirq, struct vcpu *v)
{
	ht_pirq_vcpu[pirq] = v->id;
}
