/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What is tried on another domain (victim=N on the command line): by every hypercall
 * that names a domain, and with any frame of the machine. All of it has to be refused,
 * but for what is only said of oneself: a port or a grant for it.
 */
#include "fuzz.h"

#include <public/domctl.h>
#include <public/physdev.h>
#include <public/sysctl.h>

static domid_t victim(void)
{
	static uint64_t id = ~0UL;

	if (id == ~0UL)
		id = argument("victim", DOMID_IO);
	return (domid_t)id;
}

/* Of the first 4 GiB, or what has been seen near one's own. */
static unsigned long any_frame(struct fuzzer *f)
{
	unsigned long near = virt_to_mfn(arena[0].va);

	return not_ours(rnd(f) % 2 ? rnd(f) % 0x100000 : near + rnd(f) % 0x8000 - 0x4000);
}

static uint64_t any_entry(struct fuzzer *f)
{
	return any_frame(f) << 12 | (rnd(f) % 2 ? PTE_RW : PTE_RO);
}

static bool memory_of(struct fuzzer *f)
{
	static const unsigned int cmds[] = {XENMEM_decrease_reservation,
					    XENMEM_increase_reservation, XENMEM_populate_physmap};
	xen_pfn_t extents[2] = {any_frame(f), any_frame(f)};
	struct xen_memory_reservation r = {
		.nr_extents = 2, .extent_order = (uint32_t)rnd(f) % 3, .domid = victim()};

	set_xen_guest_handle(r.extent_start, extents);
	return hypercall(memory_op, cmds[rnd(f) % ARRAY_SIZE(cmds)], &r) > 0;
}

static bool tables_of(struct fuzzer *f)
{
	unsigned int owner = rnd(f) % 2 ? victim() : victim() | (victim() + 1U) << 16;
	struct mmu_update req = {.ptr = any_frame(f) << 12 | rnd(f) % 512 * 8 | rnd(f) % 4,
				 .val = any_entry(f)};
	struct mmuext_op op = {.cmd = (unsigned int)rnd(f) % 5, .arg1.mfn = any_frame(f)};

	switch (rnd(f) % 4) {
	case 0:
		return hypercall(mmu_update, &req, 1, 0, owner) == 0;
	case 1:
		return hypercall(mmuext_op, &op, 1, 0, victim()) == 0;
	case 2:
		return hypercall(update_va_mapping_otherdomain, arena[0].va, any_entry(f),
				 UVMF_INVLPG, victim()) == 0;
	default:
		/* Their table as ours; unless it is one that we got a moment ago. */
		req.ptr = any_frame(f) << 12 | rnd(f) % 512 * 8;
		hypercall(mmu_update, &req, 1, 0, DOMID_SELF);
		return false;
	}
}

static bool grants_of(struct fuzzer *f)
{
	struct gnttab_map_grant_ref map = {.ref = (uint32_t)rnd(f) % 32,
					   .dom = victim(),
					   .flags = GNTMAP_host_map,
					   .host_addr = (uintptr_t)arena[1].va};
	struct gnttab_copy copy = {.len = 64, .flags = GNTCOPY_source_gref};
	struct gnttab_transfer transfer = {
		.mfn = arena[1].mfn, .domid = victim(), .ref = (uint32_t)rnd(f) % 32};

	switch (rnd(f) % 3) {
	case 0:
		hypercall(grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
		return map.status == GNTST_okay;
	case 1:
		copy.source.u.ref = (uint32_t)rnd(f) % 32;
		copy.source.domid = victim();
		copy.dest.u.gmfn = arena[1].mfn;
		copy.dest.domid = DOMID_SELF;
		if (rnd(f) % 2) {
			copy.flags = GNTCOPY_dest_gref;
			copy.source.u.gmfn = arena[1].mfn;
			copy.source.domid = DOMID_SELF;
			copy.dest.u.ref = (uint32_t)rnd(f) % 32;
			copy.dest.domid = victim();
		}
		hypercall(grant_table_op, GNTTABOP_copy, &copy, 1);
		return copy.status == GNTST_okay;
	default:
		hypercall(grant_table_op, GNTTABOP_transfer, &transfer, 1);
		return transfer.status == GNTST_okay;
	}
}

/* Fewer than the ports that a domain can have stay in use. */
static void port_for(struct fuzzer *f)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = victim()};
	struct evtchn_close close;

	if (hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &alloc))
		return;
	close.port = alloc.port;
	evtchn_send(alloc.port);
	hypercall(event_channel_op, EVTCHNOP_close, &close);
}

static bool ports_of(struct fuzzer *f)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = victim(),
					       .remote_port = (evtchn_port_t)(rnd(f) % 64)};
	struct evtchn_alloc_unbound alloc = {.dom = victim(), .remote_dom = DOMID_SELF};
	struct evtchn_status status = {.dom = victim(), .port = (evtchn_port_t)(rnd(f) % 64)};
	struct evtchn_reset reset = {.dom = victim()};

	switch (rnd(f) % 5) {
	case 0:
		return hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &bind) == 0;
	case 1:
		return hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &alloc) == 0;
	case 2:
		return hypercall(event_channel_op, EVTCHNOP_status, &status) == 0;
	case 3:
		return hypercall(event_channel_op, EVTCHNOP_reset, &reset) == 0;
	default:
		port_for(f);
		return false;
	}
}

static bool control_of(struct fuzzer *f)
{
	static const uint32_t cmds[] = {XEN_DOMCTL_pausedomain,     XEN_DOMCTL_destroydomain,
					XEN_DOMCTL_getdomaininfo,   XEN_DOMCTL_getvcpucontext,
					XEN_DOMCTL_setvcpucontext,  XEN_DOMCTL_max_mem,
					XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_resumedomain};
	struct xen_domctl domctl = {.cmd = cmds[rnd(f) % ARRAY_SIZE(cmds)],
				    .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
				    .domain = victim()};
	struct xen_sysctl sysctl = {.cmd = (uint32_t)rnd(f) % 32,
				    .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
	struct sched_remote_shutdown remote = {.domain_id = victim(), .reason = SHUTDOWN_crash};
	struct physdev_map_pirq map = {.domid = victim(), .type = MAP_PIRQ_TYPE_GSI, .index = 4};

	switch (rnd(f) % 4) {
	case 0:
		return hypercall(domctl, &domctl) == 0;
	case 1:
		return hypercall(sysctl, &sysctl) == 0;
	case 2:
		return hypercall(sched_op, SCHEDOP_remote_shutdown, &remote) == 0;
	default:
		return hypercall(physdev_op, PHYSDEVOP_map_pirq, &map) == 0;
	}
}

void fuzz_foreign(struct fuzzer *f)
{
	static bool (*const tries[])(struct fuzzer *) = {memory_of, tables_of, tables_of,
							 grants_of, ports_of,  control_of};
	unsigned int i = rnd(f) % ARRAY_SIZE(tries);

	if (victim() == DOMID_IO)
		return; /* there is none */
	if (tries[i](f))
		failure("attempt %u on domain %u was successful", i, victim());
}
