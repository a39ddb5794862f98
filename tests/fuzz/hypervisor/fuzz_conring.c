/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The console ring: the input is a program of writes and of reads with any arguments.
 * A reader gets consecutive bytes of what was said, never more than it has room for. Tries X8.
 */
#include <stdlib.h>

#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <public/sysctl.h>

#include "../../../hypervisor/console/conring.h"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct spinlock console_lock;
char *ht_ram;

unsigned long spin_lock_irqsave(struct spinlock *l)
{
	return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
}

void printk(enum loglvl lvl, const char *fmt, ...)
{
}

void softirq_set_handler(enum softirq nr, void (*fn)(void))
{
}

void evtchn_send_global_virq(unsigned int virq)
{
}

void *hyp_pages_alloc(unsigned int order)
{
	return calloc(1, PAGE_SIZE << order);
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	memcpy((void *)(uintptr_t)va, src, n);
	return 0;
}

static uint32_t written; /* bytes ever; byte i is said_at(i) */

static char said_at(uint32_t i)
{
	return (char)(i ^ i >> 8 ^ i >> 16);
}

static void write_some(uint32_t n)
{
	while (n--)
		conring_put(said_at(written++));
}

static void read_some(uint32_t index, uint32_t room, unsigned int how)
{
	struct xen_sysctl_readconsole op = {
		.clear = how & 1, .incremental = how & 2, .index = index, .count = room};
	char *buf = malloc(room + 1);

	buf = realloc(buf, room ? room : 1);
	op.buffer.p = buf;
	CHECK(!console_ring_read(&op));
	CHECK(op.count <= room && op.count <= 16384);
	CHECK(written - op.index <= 16384);
	for (uint32_t i = 0; i < op.count; i++)
		CHECK(buf[i] == said_at(op.index - op.count + i));
	/* It has room for all: then that was all. */
	CHECK(room < 16384 || op.index == written);
	free(buf);
}

extern const struct cmdline_option __start_ht_cmdline[], __stop_ht_cmdline[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;

	if (!started) {
		cmdline_parse("conring_size=16k", __start_ht_cmdline, __stop_ht_cmdline);
		console_init_ring();
		started = true;
	}
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint32_t a, b;

		memcpy(&a, data + i, 4);
		memcpy(&b, data + i + 4, 4);
		if (a & 1)
			write_some(b % 20000);
		else
			read_some(a & 8 ? b : written - b % 40000, (a >> 8) % 20000, a >> 1);
	}
	return 0;
}
