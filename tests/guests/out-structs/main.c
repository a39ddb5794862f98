/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Every structure that the hypervisor writes for an ordinary domain: it is poisoned
 * before the call, twice with different poison. What is written is the same each time,
 * nothing lies beyond the structure's end, and no word of it is an address of the
 * hypervisor. New memory, tables and areas are empty. Tries X4, R7, R8; the classes of
 * XSA-100, -122, -132, -313.
 */
#include "lib/guest.h"

#include <public/physdev.h>

const char test_title[] = "What is left in structures that are written";

static uint8_t first[2 * PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t second[2 * PAGE_SIZE] __attribute__((aligned(4096)));

/* Bytes that the call has not written keep their poison; others must agree. */
static void compare(const char *what, size_t size)
{
	size_t i;

	for (i = 0; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, first + i, 8);
		if (is_hypervisor_address(word))
			failure("%s: word at %lu is %#lx", what, i, word);
	}
	for (i = size; i < sizeof(first); i++) {
		if (first[i] != 0x5a || second[i] != 0xc3) {
			failure("%s: byte %lu is written beyond %lu", what, i, size);
			return;
		}
	}
}

static void poison(void)
{
	memset(first, 0x5a, sizeof(first));
	memset(second, 0xc3, sizeof(second));
}

/* Both results, when the call takes no input from the structure */
static void agree(const char *what, size_t size, bool times)
{
	size_t i;

	compare(what, size);
	for (i = 0; !times && i < size; i++) {
		bool untouched = first[i] == 0x5a && second[i] == 0xc3;

		if (first[i] != second[i] && !untouched)
			failure("%s: byte %lu is %#x, then %#x", what, i, first[i], second[i]);
	}
}

static void versions(void)
{
	static const struct {
		const char *name;
		unsigned int cmd;
		size_t size;
	} rows[] = {
		{"extraversion", XENVER_extraversion, 16},
		{"compile_info", XENVER_compile_info, sizeof(struct xen_compile_info)},
		{"capabilities", XENVER_capabilities, 1024},
		{"changeset", XENVER_changeset, 64},
		{"platform_parameters", XENVER_platform_parameters, 8},
		{"guest_handle", XENVER_guest_handle, 16},
		{"commandline", XENVER_commandline, 1024},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		poison();
		expect(hypercall(xen_version, rows[i].cmd, first) >= 0);
		expect(hypercall(xen_version, rows[i].cmd, second) >= 0);
		if (rows[i].cmd == XENVER_platform_parameters) {
			/* That is where it begins, for all to know. */
			expect_eq(*(uint64_t *)first, HYPERVISOR_VIRT_START);
			continue;
		}
		agree(rows[i].name, rows[i].size, false);
	}
}

static void vcpu_structs(void)
{
	static struct vcpu_runstate_info elsewhere;
	struct vcpu_register_runstate_memory_area area;

	poison();
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, first), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, second), 0);
	agree("runstate", sizeof(struct vcpu_runstate_info), true);
	/* The padding behind the state is defined, or left alone. */
	expect(!memcmp(first + 4, "\0\0\0\0", 4) || !memcmp(first + 4, "\x5a\x5a\x5a\x5a", 4));
	poison();
	area.addr.v = (void *)first;
	expect_eq(hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area), 0);
	sleep_ns(3000000);
	compare("runstate area", sizeof(struct vcpu_runstate_info));
	/* It is written at any time: not where others look for what they don't expect. */
	area.addr.v = &elsewhere;
	expect_eq(hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area), 0);
}

static void event_structs(void)
{
	unsigned int port;

	for (port = 0; port < 5; port++) {
		struct evtchn_status *a = (void *)first, *b = (void *)second;

		poison();
		a->dom = b->dom = DOMID_SELF;
		a->port = b->port = port;
		if (hypercall(event_channel_op, EVTCHNOP_status, a))
			continue;
		expect_eq(hypercall(event_channel_op, EVTCHNOP_status, b), 0);
		agree("evtchn status", sizeof(*a), false);
	}
}

static void memory_structs(void)
{
	struct xen_memory_map *a = (void *)first, *b = (void *)second;
	static uint8_t buffer[1024];

	poison();
	set_xen_guest_handle(a->buffer, (void *)buffer);
	set_xen_guest_handle(b->buffer, (void *)buffer);
	a->nr_entries = b->nr_entries = 20;
	memset(buffer, 0x77, sizeof(buffer));
	expect_eq(hypercall(memory_op, XENMEM_memory_map, a), 0);
	expect_eq(hypercall(memory_op, XENMEM_memory_map, b), 0);
	agree("memory_map", sizeof(*a), false);
	expect_eq(buffer[20 * a->nr_entries], 0x77);
	poison();
	expect_eq(hypercall(memory_op, XENMEM_machphys_mapping, first), 0);
	expect_eq(((struct xen_machphys_mapping *)first)->v_start, MACH2PHYS_VIRT_START);
	/* The map of the machine is in the hypervisor's half, for all to read. */
	memset(first, 0, 16);
	compare("machphys_mapping", sizeof(struct xen_machphys_mapping));
}

static void grant_structs(void)
{
	struct gnttab_query_size *q = (void *)first;
	struct gnttab_get_version *v = (void *)first;
	struct gnttab_map_grant_ref *m = (void *)first;

	poison();
	q->dom = DOMID_SELF;
	expect_eq(hypercall(grant_table_op, GNTTABOP_query_size, first, 1), 0);
	compare("query_size", sizeof(*q));
	poison();
	v->dom = DOMID_SELF;
	expect_eq(hypercall(grant_table_op, GNTTABOP_get_version, first, 1), 0);
	compare("get_version", sizeof(*v));
	poison();
	m->dom = 0;
	m->ref = 12345;
	m->flags = GNTMAP_host_map;
	expect_eq(hypercall(grant_table_op, GNTTABOP_map_grant_ref, first, 1), 0);
	expect(m->status < 0);
	compare("map_grant_ref", sizeof(*m));
}

static void physdev_structs(void)
{
	struct physdev_irq_status_query *q = (void *)first;
	unsigned int irq;

	for (irq = 0; irq < 300; irq += 7) {
		poison();
		q->irq = irq;
		hypercall(physdev_op, PHYSDEVOP_irq_status_query, first);
		compare("irq_status_query", sizeof(*q));
	}
}

/* Frames as they come: of any size, for a while all there are */
static void new_memory(void)
{
	static xen_pfn_t frames[64];
	struct xen_memory_reservation r = {.domid = DOMID_SELF, .nr_extents = 64};
	uint64_t *window = alloc_page();
	const uint64_t home = virt_to_maddr(window) | PTE_RW;
	long i, k, got;

	set_xen_guest_handle(r.extent_start, frames);
	got = hypercall(memory_op, XENMEM_increase_reservation, &r);
	for (i = 0; i < got; i++) {
		expect_eq(set_pte(window, frames[i] * PAGE_SIZE | PTE_RW), 0);
		for (k = 0; k < 512; k++) {
			if (window[k]) {
				failure("a new frame has %#lx at %ld", window[k], k * 8);
				break;
			}
		}
		memset(window, 0x99, PAGE_SIZE);
	}
	expect_eq(set_pte(window, home), 0);
	r.nr_extents = (xen_ulong_t)got;
	expect_eq(hypercall(memory_op, XENMEM_decrease_reservation, &r), got);
}

/* The rest of the shared info page, and of a new grant frame */
static void shared_pages(void)
{
	const uint64_t *words = (const uint64_t *)shared_info;
	struct grant_entry_v1 *table = grant_table_v1(2);
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (is_hypervisor_address(words[i]))
			failure("shared info has %#lx at %u", words[i], i * 8);
	}
	for (i = sizeof(*shared_info) / 8; i < 512; i++)
		expect_eq(words[i], 0);
	words = (const uint64_t *)(table + PAGE_SIZE / sizeof(*table));
	for (i = 0; i < 512; i++)
		expect_eq(words[i], 0);
}

void test_main(void)
{
	evtchn_mask_all();
	versions();
	vcpu_structs();
	event_structs();
	memory_structs();
	grant_structs();
	physdev_structs();
	new_memory();
	shared_pages();
}
