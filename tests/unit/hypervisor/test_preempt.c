/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Tries S2, by counting: how much a long operation does before it looks whether something
 * else is due. The hypervisor's code is compiled with a counter in each basic block;
 * a page that is cleared or copied counts as 64 (its cache lines). Each operation is
 * done once undisturbed, where the longest way from one look to the next is taken,
 * and once with something always due, where each slice is: the way from the guest back
 * to the guest.
 *
 * At most BLOCKS may lie between two looks; that is a table, or an extent of the largest
 * order that a guest can have. A page step is what the check of one entry of an L1 table
 * takes; how many blocks that is depends on the compiler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>

#define RO         (PTE_P | PTE_US | PTE_A | PTE_D)
#define RW         (RO | PTE_RW)
#define TABLE      512U
#define BLOCKS     70000UL
#define PAGE_STEPS 64UL

static struct domain *d0, *d1;
static mfn_t boot_l4;

/* ---- counting ----------------------------------------------------------------------- */

static unsigned long blocks, last_look, longest, looks, per_step;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static unsigned long work(void)
{
	return blocks + ht_pages_written * PAGE_STEPS;
}

static bool always_due;

static void back_in_the_guest(void)
{
	longest = max(longest, work() - last_look);
	last_look = work();
}

static void look(void)
{
	looks++;
	if (!always_due)
		back_in_the_guest();
}

static void count_from_here(bool due)
{
	last_look = work();
	longest = looks = 0;
	always_due = due;
	ht_preempt_hook = look;
}

static void check_count(const char *what, unsigned long start)
{
	ht_preempt_hook = NULL;
	printf("%-46s %9lu blocks, %6lu looks, at most %6lu blocks = %4lu steps apart\n", what,
	       work() - start, looks, longest, (longest + per_step - 1) / per_step);
	assert_in_range(longest, 0, BLOCKS);
}

/* @op until it is through. It gives HT_CONTINUED or -ERESTART if it isn't. */
static unsigned int slices(const char *what, long (*op)(void), unsigned int every)
{
	unsigned long start = work();
	unsigned int n = 0;
	long rc;

	count_from_here(every);
	ht_preempt_every(every);
	do {
		rc = op();
		back_in_the_guest();
		n++;
		while (current->arch.old_root) {
			(void)pt_drop_deferred(current);
			back_in_the_guest();
			n++;
		}
	} while (rc == HT_CONTINUED || rc == -ERESTART);
	ht_preempt_every(0);
	check_count(what, start);
	assert_true(rc >= 0);
	return n;
}

/* ---- the machine ---------------------------------------------------------------------- */

static struct domain *make_domain(unsigned int id)
{
	struct domain *d = ht_domain_new(id, 2, 4095);
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));

	assert_int_equal(arch_domain_create(d, NULL), 0);
	assert_int_equal(grant_table_create(d, 64, 64, 2), 0);
	assert_int_equal(arch_vcpu_create(d->vcpu[0]), 0);
	assert_int_equal(arch_vcpu_create(d->vcpu[1]), 0);
	boot_l4 = ht_domain_page(d);
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(boot_l4));
	assert_int_equal(arch_vcpu_set_context(d->vcpu[0], c), 0);
	hv_free(c);
	d->vcpu[0]->arch.loaded_cpu = id;
	d->dirty_cpus.bits |= 1UL << id;
	return d;
}

static void end(struct domain *d)
{
	ht_domain_dying(d);
	while (arch_domain_relinquish(d) || grant_table_release_mappings(d))
		;
	while (evtchn_destroy(d))
		;
	grant_table_destroy(d);
	arch_vcpu_destroy(d->vcpu[0]);
	arch_vcpu_destroy(d->vcpu[1]);
	arch_domain_destroy(d);
	ht_domain_free(d);
}

static mfn_t fill(mfn_t to, uint64_t flags)
{
	mfn_t table = ht_domain_page(d1);

	for (unsigned int i = 0; i < TABLE; i++)
		((uint64_t *)mfn_to_virt(table))[i] = pte_make(to, flags);
	return table;
}

/* An L4 with @l1s full L1 tables of their own below. */
static mfn_t make_tree(unsigned int l1s)
{
	mfn_t page = ht_domain_page(d1), l4 = ht_domain_page(d1), l3 = ht_domain_page(d1);
	mfn_t l2 = ht_domain_page(d1);

	for (unsigned int i = 0; i < l1s; i++)
		((uint64_t *)mfn_to_virt(l2))[i] = pte_make(fill(page, RW), RW);
	((uint64_t *)mfn_to_virt(l3))[511] = pte_make(l2, RW);
	((uint64_t *)mfn_to_virt(l4))[511] = pte_make(l3, RW);
	return l4;
}

static mfn_t subject;

/* A call that is continued goes on with the arguments that it has left. */
static long mmuext(unsigned int cmd)
{
	static struct mmuext_op op;
	static unsigned long arg, count;
	static bool continued;
	long rc;

	if (!continued) {
		op = (struct mmuext_op){.cmd = cmd, .arg1.mfn = mfn_x(subject)};
		arg = ht_va(&op);
		count = 1;
	}
	rc = do_mmuext_op(arg, (unsigned int)count, 0, DOMID_SELF);
	continued = rc == HT_CONTINUED;
	arg = ht_continuation.arg[0];
	count = ht_continuation.arg[1];
	return rc;
}

static long pin_l1(void)
{
	return mmuext(MMUEXT_PIN_L1_TABLE);
}

static long pin(void)
{
	return mmuext(MMUEXT_PIN_L4_TABLE);
}

static long unpin(void)
{
	return mmuext(MMUEXT_UNPIN_TABLE);
}

/* One entry of a table, without anything around it. */
static void measure_step(void)
{
	unsigned long start;

	subject = fill(ht_domain_page(d1), RW);
	start = work();
	assert_int_equal(pin_l1(), 0);
	per_step = (work() - start) / TABLE;
	printf("a page step: %lu basic blocks\n", per_step);
	assert_in_range(per_step, 5, 100);
}

static int setup(void **state)
{
	ht_machine_init();
	d0 = make_domain(0);
	d1 = make_domain(1);
	ht_run(d1, 0);
	if (!per_step)
		measure_step();
	return 0;
}

static int teardown(void **state)
{
	ht_preempt_every(0);
	ht_preempt_hook = NULL;
	ht_run(d0, 0);
	end(d1);
	end(d0);
	return 0;
}

/* ---- tables ---------------------------------------------------------------------------- */

static void pin_and_unpin(void **state)
{
	subject = make_tree(200);
	slices("pin a tree of 200 full tables", pin, 0);
	slices("unpin it", unpin, 0);
	assert_true(slices("pin, with something due", pin, 1) > 200);
	assert_true(slices("unpin, with something due", unpin, 1) > 200);
}

static struct mmu_update updates[TABLE];

static long mmu_update(void)
{
	return do_mmu_update(ht_va(updates), TABLE, 0, DOMID_SELF);
}

static void many_updates(void **state)
{
	mfn_t l1 = fill(ht_domain_page(d1), RW), page = ht_domain_page(d1);

	subject = l1;
	assert_int_equal(pin_l1(), 0);
	for (unsigned int i = 0; i < TABLE; i++) {
		updates[i].ptr = mfn_x(l1) << PAGE_SHIFT | i * 8;
		updates[i].val = pte_make(page, RW);
	}
	slices("mmu_update of 512 entries", mmu_update, 0);
}

/* An entry of a pinned table that has a tree below it. */
static struct mmu_update update;

static long update_one(void)
{
	return do_mmu_update(ht_va(&update), 1, 0, DOMID_SELF);
}

static void entry_of_a_pinned_table(void **state)
{
	mfn_t l4 = make_tree(150);
	uint64_t entry = ((uint64_t *)mfn_to_virt(l4))[511];

	subject = l4;
	slices("pin a tree of 150 full tables", pin, 0);
	update.ptr = mfn_x(l4) << PAGE_SHIFT | 511 * 8;
	update.val = 0;
	slices("clear the entry that it hangs at", update_one, 0);
	update.val = entry;
	slices("set it again, with something due", update_one, 1);
	update.val = 0;
	slices("clear it, with something due", update_one, 1);
}

/*
 * VCPUOP_initialise with tables that nobody has pinned, and something else in it that
 * isn't right: the tables were checked for nothing.
 */
static bool with_user_root;

static long bad_context(void)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	long rc;

	c->flags = with_user_root ? VGCF_in_kernel : 0;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(subject));
	c->ctrlreg[1] = with_user_root ? c->ctrlreg[3] : 0;
	c->gdt_ents = 1;
	c->gdt_frames[0] = HT_FRAMES;
	rc = arch_vcpu_set_context(d1->vcpu[1], c);
	hv_free(c);
	return rc == -EINVAL ? 0 : rc;
}

static void contexts(void **state)
{
	subject = make_tree(100);
	slices("a vCPU's context without a user root", bad_context, 1);
	with_user_root = true;
	slices("a vCPU's context without a GDT", bad_context, 1);
}

static long gdt(void)
{
	static unsigned long frames[14];

	for (unsigned int i = 0; i < 14; i++)
		frames[i] = mfn_x(subject);
	return do_set_gdt(ht_va(frames), 14 * 512);
}

static void descriptor_tables(void **state)
{
	subject = ht_domain_page(d1);
	slices("set_gdt of 14 frames", gdt, 0);
}

/* ---- memory ------------------------------------------------------------------------------ */

static xen_pfn_t extents[1024], got[1024];
static struct xen_memory_reservation reservation = {{extents}, 0, 0, 0, DOMID_SELF};
static unsigned long memory_cmd, memory_arg;

/* A call that is continued has changed its arguments. */
static long memory(void)
{
	long rc = do_memory_op(memory_cmd, memory_arg);

	if (rc == HT_CONTINUED)
		memory_cmd = ht_continuation.arg[0];
	return rc;
}

static void memory_slices(const char *what, unsigned long cmd, void *arg, unsigned int every)
{
	memory_cmd = cmd;
	memory_arg = ht_va(arg);
	slices(what, memory, every);
}

static void reservations(void **state)
{
	for (unsigned int order = 0; order <= 9; order += 9) {
		reservation.nr_extents = order ? 4 : 600;
		reservation.extent_order = order;
		memory_slices(order ? "populate, 2 MiB each" : "populate 600 pages",
			      XENMEM_populate_physmap, &reservation, 0);
		memory_slices(order ? "decrease, 2 MiB each" : "decrease by 600 pages",
			      XENMEM_decrease_reservation, &reservation, 0);
		memory_slices(order ? "populate, 2 MiB each, with something due"
				    : "populate 600 pages, with something due",
			      XENMEM_populate_physmap, &reservation, 1);
		memory_slices(order ? "decrease, 2 MiB each, with something due"
				    : "decrease by 600 pages, with something due",
			      XENMEM_decrease_reservation, &reservation, 1);
	}
}

/*
 * An extent of frames that are half-checked tables, each the last to hold many others:
 * these must be taken apart in slices, too.
 */
static void half_checked_extent(void **state)
{
	mfn_t page = ht_domain_page(d1);

	reservation.nr_extents = 1;
	reservation.extent_order = 3;
	memory_cmd = XENMEM_populate_physmap;
	memory_arg = ht_va(&reservation);
	assert_int_equal(memory(), 1);
	for (unsigned int i = 0; i < 8; i++) {
		subject = _mfn(extents[0] + i);
		for (unsigned int j = 0; j < 100; j++)
			((uint64_t *)mfn_to_virt(subject))[j] = pte_make(fill(page, RW), RW);
		/* What no table may have: so far and no further */
		((uint64_t *)mfn_to_virt(subject))[100] = pte_make(_mfn(HT_FRAMES + 5), RW);
		assert_true(mmuext(MMUEXT_PIN_L2_TABLE) < 0);
		assert_true(mfn_to_page(subject)->type & PGT_partial);
	}
	memory_slices("decrease by 8 half-checked tables", XENMEM_decrease_reservation,
		      &reservation, 1);
	assert_int_equal(page_owner_id(mfn_to_page(subject)), DOMID_INVALID);
}

static void exchanges(void **state)
{
	struct xen_memory_exchange x = {.in = {{extents}, 400, 0, 0, DOMID_SELF},
					.out = {{got}, 400, 0, 0, DOMID_SELF}};

	reservation.nr_extents = 400;
	reservation.extent_order = 0;
	memory_cmd = XENMEM_populate_physmap;
	memory_arg = ht_va(&reservation);
	assert_int_equal(memory(), 400);
	memory_slices("exchange of 400 pages", XENMEM_exchange, &x, 0);
}

/* ---- grants ------------------------------------------------------------------------------- */

static unsigned int grant_cmd, grant_count;
static unsigned long grant_arg;

static long grant(void)
{
	long rc = do_grant_table_op(grant_cmd, grant_arg, grant_count);

	if (rc == HT_CONTINUED) {
		grant_arg = ht_continuation.arg[1];
		grant_count = (unsigned int)ht_continuation.arg[2];
	}
	return rc;
}

static void grant_slices(const char *what, unsigned int cmd, void *arg, unsigned int count,
			 unsigned int every)
{
	grant_cmd = cmd;
	grant_arg = ht_va(arg);
	grant_count = count;
	slices(what, grant, every);
}

static void give(struct domain *d, unsigned int nr, mfn_t mfn)
{
	mfn_t shared;

	for (unsigned int i = 0; i < nr; i++) {
		struct grant_entry_v1 *e;

		assert_int_equal(grant_table_get_frame(d, false, i / 512, &shared), 0);
		e = (struct grant_entry_v1 *)mfn_to_virt(shared) + i % 512;
		*e = (struct grant_entry_v1){GTF_permit_access, 1, (uint32_t)mfn_x(mfn)};
	}
}

static struct gnttab_map_grant_ref maps[1000];
static struct gnttab_unmap_grant_ref unmaps[1000];
static struct gnttab_copy copies[300];

static void grants(void **state)
{
	struct gnttab_set_version version = {2};
	mfn_t page = ht_domain_page(d0);

	give(d0, 1000, page);
	for (unsigned int i = 0; i < 1000; i++)
		maps[i] = (struct gnttab_map_grant_ref){
			.flags = GNTMAP_device_map, .ref = i, .dom = 0};
	grant_slices("map 1000 grants", GNTTABOP_map_grant_ref, maps, 1000, 0);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(maps[i].status, 0);
		unmaps[i] = (struct gnttab_unmap_grant_ref){
			.handle = maps[i].handle, .dev_bus_addr = mfn_x(page) << PAGE_SHIFT};
	}
	grant_slices("unmap 1000 grants", GNTTABOP_unmap_grant_ref, unmaps, 1000, 0);
	for (unsigned int i = 0; i < 300; i++)
		copies[i] = (struct gnttab_copy){
			.source = {{.ref = i}, 0, 0},
			.dest = {{.gmfn = mfn_x(ht_domain_page(d1))}, DOMID_SELF, 0},
			.len = 4096,
			.flags = GNTCOPY_source_gref};
	grant_slices("copy 300 pages", GNTTABOP_copy, copies, 300, 0);
	give(d1, 64 * 512, ht_domain_page(d1));
	grant_slices("version 2 of 64 frames", GNTTABOP_set_version, &version, 1, 0);
	version.version = 1;
	grant_slices("version 1 of 64 frames", GNTTABOP_set_version, &version, 1, 0);
}

static long release_mappings(void)
{
	return grant_table_release_mappings(d1);
}

static void mappings_of_a_dying_domain(void **state)
{
	give(d0, 1000, ht_domain_page(d0));
	for (unsigned int i = 0; i < 1000; i++)
		maps[i] = (struct gnttab_map_grant_ref){
			.flags = GNTMAP_device_map, .ref = i, .dom = 0};
	grant_slices("map 1000 grants, with something due", GNTTABOP_map_grant_ref, maps, 1000, 1);
	ht_domain_dying(d1);
	slices("a dead domain's 1000 mappings", release_mappings, 0);
}

/* ---- ports -------------------------------------------------------------------------------- */

static void open_ports(unsigned int nr)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};

	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(do_event_channel_op(EVTCHNOP_alloc_unbound, ht_va(&op)), 0);
}

static long reset(void)
{
	struct evtchn_reset op = {.dom = DOMID_SELF};

	return do_event_channel_op(EVTCHNOP_reset, ht_va(&op));
}

static long destroy_ports(void)
{
	return evtchn_destroy(d1);
}

static void ports(void **state)
{
	struct evtchn_close op;

	open_ports(4000);
	slices("reset of 4000 ports", reset, 0);
	open_ports(4000);
	slices("reset of 4000 ports, with something due", reset, 1);
	/* The last one alone is open. */
	open_ports(4000);
	for (op.port = 1; op.port < 4000; op.port++)
		(void)do_event_channel_op(EVTCHNOP_close, ht_va(&op));
	slices("reset of one port behind 3999", reset, 0);
	open_ports(4000);
	ht_domain_dying(d1);
	slices("a dead domain's 4000 ports", destroy_ports, 0);
}

/* ---- the end ------------------------------------------------------------------------------- */

static long relinquish(void)
{
	return arch_domain_relinquish(d1);
}

static void the_end_of_a_domain(void **state)
{
	subject = make_tree(300);
	assert_int_equal(pin(), 0);
	subject = make_tree(300);
	assert_int_equal(pin(), 0);
	ht_domain_dying(d1);
	ht_run(d0, 0);
	slices("a dead domain's memory", relinquish, 0);
	assert_int_equal(d1->tot_pages, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pin_and_unpin),
		T(many_updates),
		T(entry_of_a_pinned_table),
		T(contexts),
		T(descriptor_tables),
		T(reservations),
		T(half_checked_extent),
		T(exchanges),
		T(grants),
		T(mappings_of_a_dying_domain),
		T(ports),
		T(the_end_of_a_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
