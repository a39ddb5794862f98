/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest that takes all it can get, of each kind, comes to an end, is told so, and
 * can go on with what it gives back: ports, mappings of grants, frames of the grant
 * table, memory, timers. That nobody else is short of anything the runner sees: its own
 * tools go on working meanwhile. Tries S4, G1; the classes of XSA-15, -31, -149, -158.
 */
#include "lib/guest.h"

const char test_title[] = "Taking all there is";

#define MAX_PORTS  8192
#define MAX_FRAMES 4096
#define REFS       128

static evtchn_port_t ports[MAX_PORTS];
static xen_pfn_t frames[MAX_FRAMES];

static long alloc(evtchn_port_t *ret_port)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	long ret = hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &op);

	*ret_port = op.port;
	return ret;
}

static void all_ports(void)
{
	unsigned int n = 0;
	evtchn_port_t port;
	long ret;

	while ((ret = alloc(&port)) == 0 && n < MAX_PORTS)
		ports[n++] = port;
	expect_eq(ret, -XEN_ENOSPC);
	expect(n > 500);
	/* One back, one more; and no two. */
	expect_eq(evtchn_close(ports[n / 2]), 0);
	expect_eq(alloc(&port), 0);
	expect_eq(port, ports[n / 2]);
	expect_eq(alloc(&port), -XEN_ENOSPC);
	while (n)
		expect_eq(evtchn_close(ports[--n]), 0);
}

static int16_t grant_frames(unsigned int nr)
{
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = nr};

	set_xen_guest_handle(setup.frame_list, frames);
	expect_eq(hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0);
	return setup.status;
}

static void all_grant_frames(void)
{
	struct gnttab_query_size size = {.dom = DOMID_SELF};

	expect_eq(hypercall(grant_table_op, GNTTABOP_query_size, &size, 1), 0);
	expect(size.max_nr_frames < MAX_FRAMES);
	expect_eq(grant_frames(size.max_nr_frames), GNTST_okay);
	expect(grant_frames(size.max_nr_frames + 1) < 0);
	expect_eq(grant_frames(1), GNTST_okay);
}

/* More memory than the domain may have. */
static void all_memory(void)
{
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
	unsigned int n = 0;

	while (n < MAX_FRAMES) {
		set_xen_guest_handle(r.extent_start, &frames[n]);
		if (hypercall(memory_op, XENMEM_increase_reservation, &r) != 1)
			break;
		n++;
	}
	expect(n < MAX_FRAMES);
	r.nr_extents = n;
	set_xen_guest_handle(r.extent_start, &frames[0]);
	expect_eq(hypercall(memory_op, XENMEM_decrease_reservation, &r), n);
	r.nr_extents = 64;
	r.extent_order = 9;
	expect_eq(hypercall(memory_op, XENMEM_increase_reservation, &r), 0);
}

/* Mappings of one grant, each in a record of the mapper's, until there are no more. */
static void all_mappings(void)
{
	struct grant_entry_v1 *table = grant_table_v1(1);
	unsigned long window = 0x20000000000UL;
	static grant_handle_t handles[8192];
	struct gnttab_map_grant_ref op = {.status = 0};
	char *page = alloc_page();
	unsigned int n = 0, i;
	domid_t self = own_domid();

	/* By many entries: each can be in use so often. */
	for (i = 0; i < REFS; i++)
		grant_v1(&table[20 + i], self, virt_to_mfn(page), GTF_permit_access | GTF_readonly);
	for (i = 0; i < ARRAY_SIZE(handles) / 512; i++)
		expect_eq(map_at(window + i * 512 * PAGE_SIZE, 0), 0);
	while (n < ARRAY_SIZE(handles)) {
		op = grant_map(self, 20 + n % REFS, window + n * PAGE_SIZE,
			       GNTMAP_host_map | GNTMAP_readonly);
		if (op.status)
			break;
		handles[n++] = op.handle;
	}
	printf("%u mappings\n", n);
	expect(n > 100);
	if (n < ARRAY_SIZE(handles))
		expect(op.status == GNTST_no_device_space || op.status == GNTST_no_space);
	/* What comes back can be had again, and the grant is in use meanwhile. */
	expect(table[20].flags & GTF_reading);
	expect_eq(grant_unmap(window, handles[0]), GNTST_okay);
	op = grant_map(self, 20, window, GNTMAP_host_map | GNTMAP_readonly);
	expect_eq(op.status, GNTST_okay);
	handles[0] = op.handle;
	for (i = 0; i < n; i++)
		expect_eq(grant_unmap(window + i * PAGE_SIZE, handles[i]), GNTST_okay);
	expect_eq(table[20].flags, GTF_permit_access | GTF_readonly);
	expect(is_unused(page));
}

/* Every virtual interrupt and timer, and again: a fixed number each */
static void all_timers(void)
{
	struct vcpu_set_periodic_timer periodic = {.period_ns = 1000000};
	struct vcpu_set_singleshot_timer single = {.timeout_abs_ns = 1};
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		periodic.period_ns = 1000000 + i;
		expect_eq(hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &periodic), 0);
		single.timeout_abs_ns = system_time() + i * 1000;
		expect_eq(hypercall(vcpu_op, VCPUOP_set_singleshot_timer, 0, &single), 0);
	}
	expect_eq(hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0);
	/* Below the shortest period that is allowed */
	periodic.period_ns = 1000;
	expect(hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &periodic) < 0);
}

/* No promise about what isn't there is given to an ordinary domain. */
static void claims(void)
{
	struct xen_memory_reservation r = {.nr_extents = 1UL << 20, .domid = DOMID_SELF};

	expect(hypercall(memory_op, XENMEM_claim_pages, &r) < 0);
}

void test_main(void)
{
	evtchn_mask_all();
	all_ports();
	all_mappings();
	all_grant_frames();
	all_memory();
	all_timers();
	claims();
}
