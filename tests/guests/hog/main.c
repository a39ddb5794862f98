/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The most expensive hypercall of each kind, in a tight loop, one kind after the other.
 * Each has to do what it is for; what it costs others is measured by the guest
 * `undisturbed` beside it (tests/system/fair.t).
 *
 * On the command line: ms=N for each kind (200), kinds=N (bits; all).
 */
#include "lib/guest.h"

const char test_title[] = "Expensive hypercalls in tight loops";

#define MS    1000000UL
#define TREE  1024 /* L1 tables, all entries present */
#define BATCH 1024
#define PORTS 600
#define REFS  1024

static uint64_t l1[TREE][512] __attribute__((aligned(4096)));
static uint64_t l2[2][512] __attribute__((aligned(4096)));
static uint64_t l3[512] __attribute__((aligned(4096)));
static uint64_t l4[512] __attribute__((aligned(4096)));
static char data[PAGE_SIZE] __attribute__((aligned(4096)));
static char balloon[BATCH][PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t gdt[14][512] __attribute__((aligned(4096)));

static xen_pfn_t list[BATCH], list2[BATCH];
static struct mmu_update updates[BATCH];
static struct mmuext_op exts[BATCH];
static struct multicall_entry calls[BATCH];
static struct gnttab_map_grant_ref maps[REFS];
static struct gnttab_unmap_grant_ref unmaps[REFS];
static struct gnttab_copy copies[REFS];
static struct grant_entry_v1 *grants;

/* ---- tables ------------------------------------------------------------------------- */

static void set_up_tree(void)
{
	for (unsigned int i = 0; i < TREE; i++) {
		for (unsigned int j = 0; j < 512; j++)
			l1[i][j] = virt_to_maddr(data) | PTE_RW;
		l2[i / 512][i % 512] = virt_to_maddr(l1[i]) | PTE_RW;
		expect_eq(make_readonly(l1[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		l3[i] = virt_to_maddr(l2[i]) | PTE_RW;
		expect_eq(make_readonly(l2[i]), 0);
	}
	l4[0] = virt_to_maddr(l3) | PTE_RW;
	expect_eq(make_readonly(l3), 0);
	expect_eq(make_readonly(l4), 0);
}

static void set_up_descriptors(void)
{
	for (unsigned int i = 0; i < 14; i++)
		expect_eq(make_readonly(gdt[i]), 0);
}

static bool spin(void)
{
	for (unsigned int i = 0; i < 1000; i++)
		barrier();
	return true;
}

static bool pin(void)
{
	return !pin_table(l4, 4) && !unpin_table(l4);
}

/* One entry of a pinned table, with all below. */
static bool entry(void)
{
	bool ok = !pin_table(l4, 4);
	uint64_t value = l4[0];

	for (unsigned int i = 0; i < 4; i++)
		ok = ok && !pt_write(virt_to_maddr(&l4[0]), i & 1 ? value : 0);
	return ok && !unpin_table(l4);
}

/* Of a vCPU that has no user tables, but should start there. */
static bool context(void)
{
	static struct vcpu_guest_context c;

	c.user_regs.cs = FLAT_USER_CS64;
	c.user_regs.ss = FLAT_USER_SS64;
	c.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(l4));
	return hypercall(vcpu_op, VCPUOP_initialise, 1, &c) == -XEN_EINVAL;
}

static bool update(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		updates[i] = (struct mmu_update){pte_maddr_of(balloon[i]),
						 virt_to_maddr(balloon[i]) | PTE_RW};
	return !hypercall(mmu_update, updates, BATCH, 0, DOMID_SELF);
}

static bool flush(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		exts[i].cmd = i & 1 ? MMUEXT_TLB_FLUSH_ALL : MMUEXT_TLB_FLUSH_LOCAL;
	return !hypercall(mmuext_op, exts, BATCH, 0, DOMID_SELF);
}

static bool multicall(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		calls[i].op = __HYPERVISOR_update_va_mapping;
		calls[i].args[0] = (unsigned long)balloon[i];
		calls[i].args[1] = virt_to_maddr(balloon[i]) | PTE_RW;
		calls[i].args[2] = UVMF_TLB_FLUSH | UVMF_ALL;
	}
	return !hypercall(multicall, calls, BATCH);
}

static bool descriptors(void)
{
	unsigned long frames[14];
	bool ok;

	for (unsigned int i = 0; i < 14; i++)
		frames[i] = virt_to_mfn(gdt[i]);
	ok = !hypercall(set_gdt, frames, 14 * 512);
	return ok && !hypercall(set_gdt, frames, 0);
}

/* ---- memory ------------------------------------------------------------------------- */

static long reservation(unsigned int cmd, unsigned long nr, unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = nr, .extent_order = order, .domid = DOMID_SELF};

	set_xen_guest_handle(r.extent_start, list);
	return hypercall(memory_op, cmd, &r);
}

static void unmap_balloon(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		list[i] = virt_to_mfn(balloon[i]);
		expect_eq(set_pte(balloon[i], 0), 0);
	}
}

static void map_balloon(const xen_pfn_t *frames)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		unsigned long pfn = (uintptr_t)balloon[i] / PAGE_SIZE;

		((unsigned long *)start_info->mfn_list)[pfn] = frames[i];
		expect_eq(set_pte(balloon[i], frames[i] * PAGE_SIZE | PTE_RW), 0);
	}
}

/* Pages go, large extents come and go, pages come again. */
static bool populate(void)
{
	bool ok;

	unmap_balloon();
	ok = reservation(XENMEM_decrease_reservation, BATCH, 0) == BATCH;
	for (unsigned int i = 0; ok && i < 3; i++) {
		list[0] = list[1] = (uintptr_t)balloon / PAGE_SIZE;
		/* There may be no 2 MiB in one piece. */
		if (reservation(XENMEM_populate_physmap, 1, 9) == 1)
			ok = reservation(XENMEM_decrease_reservation, 1, 9) == 1;
	}
	for (unsigned int i = 0; i < BATCH; i++)
		list[i] = (uintptr_t)balloon[i] / PAGE_SIZE;
	ok = ok && reservation(XENMEM_populate_physmap, BATCH, 0) == BATCH;
	map_balloon(list);
	return ok;
}

static bool exchange(void)
{
	struct xen_memory_exchange x = {
		.in = {.nr_extents = BATCH, .domid = DOMID_SELF},
		.out = {.nr_extents = BATCH, .domid = DOMID_SELF},
	};
	bool ok;

	unmap_balloon();
	for (unsigned int i = 0; i < BATCH; i++)
		list2[i] = (uintptr_t)balloon[i] / PAGE_SIZE;
	set_xen_guest_handle(x.in.extent_start, list);
	set_xen_guest_handle(x.out.extent_start, list2);
	ok = !hypercall(memory_op, XENMEM_exchange, &x) && x.nr_exchanged == BATCH;
	map_balloon(ok ? list2 : list);
	return ok;
}

/* ---- grants, ports ------------------------------------------------------------------- */

static void set_up_grants(void)
{
	grants = grant_table_v1(2);
	for (unsigned int i = 8; i < REFS; i++)
		grant_v1(&grants[i], own_domid(), virt_to_mfn(data), GTF_permit_access);
}

static bool map(void)
{
	unsigned int n = 0;
	domid_t self = own_domid();

	for (unsigned int i = 8; i < REFS; i++, n++)
		maps[n] = (struct gnttab_map_grant_ref){
			.flags = GNTMAP_device_map, .ref = i, .dom = self};
	if (hypercall(grant_table_op, GNTTABOP_map_grant_ref, maps, n))
		return false;
	for (unsigned int i = 0; i < n; i++)
		unmaps[i] = (struct gnttab_unmap_grant_ref){.handle = maps[i].handle,
							    .dev_bus_addr = virt_to_maddr(data)};
	return !hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, unmaps, n) &&
	       !maps[n - 1].status && !unmaps[n - 1].status;
}

static bool copy(void)
{
	domid_t self = own_domid();

	for (unsigned int i = 8; i < REFS; i++) {
		struct gnttab_copy *c = &copies[i - 8];

		*c = (struct gnttab_copy){.len = PAGE_SIZE, .flags = GNTCOPY_source_gref};
		c->source.u.ref = i;
		c->source.domid = self;
		c->dest.u.gmfn = virt_to_mfn(balloon[i]);
		c->dest.domid = DOMID_SELF;
	}
	return !hypercall(grant_table_op, GNTTABOP_copy, copies, REFS - 8) && !copies[0].status;
}

static bool ports(void)
{
	static evtchn_port_t port[PORTS];
	unsigned int n;

	for (n = 0; n < PORTS; n++) {
		port[n] = evtchn_alloc(DOMID_SELF);
		evtchn_send(port[n]);
	}
	while (n--)
		evtchn_close(port[n]);
	return true;
}

static const struct {
	const char *name;
	bool (*once)(void);
} kinds[] = {
	{"nothing", spin},          {"pin and unpin", pin},   {"an entry of a pinned table", entry},
	{"a bad context", context}, {"mmu_update", update},   {"flushes", flush},
	{"multicall", multicall},   {"set_gdt", descriptors}, {"populate", populate},
	{"exchange", exchange},     {"map grants", map},      {"copy grants", copy},
	{"ports", ports},
};

void test_main(void)
{
	uint64_t each = argument("ms", 200) * MS, which = argument("kinds", ~0UL);

	evtchn_mask_all();
	set_up_tree();
	set_up_descriptors();
	set_up_grants();
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t start = system_time(), n = 0;

		if (!(which >> i & 1))
			continue;
		do {
			if (!kinds[i].once())
				failure("%s, turn %lu", kinds[i].name, n);
			n++;
		} while (system_time() - start < each && !test_failed());
		printf("hog: from %lu to %lu ms %s, %lu times\n", start / MS, system_time() / MS,
		       kinds[i].name, n);
	}
}
