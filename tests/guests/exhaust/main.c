/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest that takes all it can get, of each kind, comes to an end, is told so, and
 * can go on with what it gives back. That nobody else is short of anything the
 * runner sees: its own tools go on working meanwhile.
 */
#include "lib/guest.h"

const char test_title[] = "Taking all there is";

#define MAX_PORTS  8192
#define MAX_FRAMES 4096

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

void test_main(void)
{
	evtchn_mask_all();
	all_ports();
	all_grant_frames();
	all_memory();
}
