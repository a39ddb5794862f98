/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The console ring: the last conring_size= bytes of what the hypervisor said, which
 * `xl dmesg` reads and xenconsoled may follow (VIRQ_CON_RING).
 *
 * Bytes have free-running numbers: [ring_cons, ring_prod) are there. Owns the ring;
 * console_lock protects it.
 */
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/softirq.h>
#include <public/sysctl.h>

#include "conring.h"

#define EARLY_RING 4096
#define RING_ORDER 2 /* at least 16 KiB */
#define RING_MAX   (16UL << 20)

static char early_ring[EARLY_RING];
static char *ring = early_ring;
static uint32_t ring_size = EARLY_RING, ring_prod, ring_cons;
static uint64_t opt_conring_size __initdata = 1UL << 20;
CMDLINE_SIZE("conring_size", opt_conring_size);

void conring_put(char c)
{
	ring[ring_prod++ & (ring_size - 1)] = c;
	if (ring_prod - ring_cons > ring_size)
		ring_cons = ring_prod - ring_size;
}

/* Bytes from @index on; more than there are means that it is none of ours. */
static bool in_ring(uint32_t index)
{
	return ring_prod - index <= ring_prod - ring_cons;
}

uint32_t conring_peek(char *buf, uint32_t max, uint32_t *index)
{
	uint32_t n;

	if (!in_ring(*index))
		*index = ring_cons;
	n = min(max, ring_prod - *index);
	for (uint32_t i = 0; i < n; i++)
		buf[i] = ring[(*index + i) & (ring_size - 1)];
	return n;
}

int console_ring_read(struct xen_sysctl_readconsole *op)
{
	uint32_t idx = op->index, n = 0, c;
	unsigned long flags;
	char chunk[128];

	if (!op->incremental)
		idx = READ_ONCE(ring_cons);
	do {
		flags = spin_lock_irqsave(&console_lock);
		c = conring_peek(chunk, min(op->count - n, (uint32_t)sizeof(chunk)), &idx);
		spin_unlock_irqrestore(&console_lock, flags);
		if (c && guest_copy_out(guest_handle_va(op->buffer) + n, chunk, c))
			return -EFAULT;
		n += c;
		idx += c;
	} while (c);
	op->count = n;
	op->index = idx;
	if (op->clear) {
		flags = spin_lock_irqsave(&console_lock);
		if (in_ring(idx))
			ring_cons = idx;
		spin_unlock_irqrestore(&console_lock, flags);
	}
	return 0;
}

/* Tells who follows the ring. A softirq, because a message may come with any lock held. */
static void ring_softirq(void)
{
	evtchn_send_global_virq(VIRQ_CON_RING);
}

void __init console_init_ring(void)
{
	unsigned int order = RING_ORDER;
	unsigned long flags;
	uint32_t size;
	char *p;

	softirq_set_handler(SOFTIRQ_CONSOLE, ring_softirq);
	while (PAGE_SIZE << order < opt_conring_size && PAGE_SIZE << order < RING_MAX)
		order++;
	size = (uint32_t)(PAGE_SIZE << order);
	p = hyp_pages_alloc(order);
	if (!p) {
		pr_warn("No memory for a console ring of %u KiB\n", size >> 10);
		return;
	}
	flags = spin_lock_irqsave(&console_lock);
	for (uint32_t i = ring_cons; i != ring_prod; i++)
		p[i & (size - 1)] = ring[i & (ring_size - 1)];
	ring = p;
	ring_size = size;
	spin_unlock_irqrestore(&console_lock, flags);
}
