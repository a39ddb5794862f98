/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Isolated roots: x86/mm/xpti.c over our real tables (x86/mm/own_tables.c). What the root
 * of a CPU shows of ours is looked up page by page; what it shows of a guest's, before
 * each time that one runs, is compared with a model, while vCPUs on several CPUs write to
 * roots, change them and their mode, and change places. Then the audit has to find what
 * is wrong with a root. Tries X7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hv/audit.h>
#include <hv/cmdline.h>
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/setup.h>
#include <arch/xpti.h>
#include "hypervisor/x86/mm/paging.h"

#define RW      (PTE_P | PTE_US | PTE_A | PTE_D | PTE_RW)
#define DOMAINS 3
#define ROOTS   4
#define TABLES  2

/* ---- the audit's other side --------------------------------------------------------- */

static unsigned int differences;

void audit_differs(const char *fmt, ...)
{
	differences++;
}

void audit_hold(const struct page_info *pg, bool typed)
{
}

uint32_t *audit_counters(unsigned long *ret_nr)
{
	static uint32_t counters[HT_FRAMES];

	memset(counters, 0, sizeof(counters));
	*ret_nr = ARRAY_SIZE(counters);
	return counters;
}

static unsigned int audited(void)
{
	differences = 0;
	xpti_audit();
	return differences;
}

/* ---- our own tables ------------------------------------------------------------------- */

static unsigned int boot_pages;

paddr_t boot_alloc(uint64_t size, uint64_t align)
{
	void *p = hyp_page_alloc();

	assert_true(p && size == PAGE_SIZE && align == PAGE_SIZE);
	memset(p, 0xee, PAGE_SIZE);
	boot_pages++;
	return virt_to_paddr(p);
}

/* The way in: here code over the end of a table, there a page on its own, data. */
#define CODE  (HV_VIRT_START + (1UL << L2_SHIFT) - 2 * PAGE_SIZE)
#define DATA  (HV_VIRT_START + (5UL << L2_SHIFT))
#define STACK (VMAP_VIRT_START + (1UL << 29))

static const struct xpti_part parts[] = {
	{CODE, 5, PTE_HV_RX},
	{DATA, 2, PTE_HV_RO},
	{STACK, 1, PTE_HV_RW},
};
#define SHOWN 8

static void map(unsigned long va, unsigned long nr, uint64_t flags)
{
	for (; nr; nr--, va += PAGE_SIZE)
		assert_int_equal(map_pages(va, virt_to_mfn(hyp_page_alloc()), 1, flags), 0);
}

static void make_own_tables(void)
{
	idle_l4 = paging_new_table();
	for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++)
		idle_l4[i] = pte_make(virt_to_mfn(paging_new_table()), PTE_HV_TABLE | PTE_US);
	assert_int_equal(boot_pages, 17);
	paging_allocator_ready = true;
	/* With neighbours that are no business of guests'. */
	map(CODE - 3 * PAGE_SIZE, 12, PTE_HV_RX);
	map(DATA - PAGE_SIZE, 4, PTE_HV_RW);
	map(STACK - PAGE_SIZE, 3, PTE_HV_RW);
	map(DIRECTMAP_VIRT_START, 20, PTE_HV_RW);
	for (unsigned int i = 0; i < HT_CPUS; i++)
		map(GDT_WIN(i), 2, PTE_HV_RW & ~PTE_G);
	assert_int_equal(boot_pages, 17);
}

static void make_roots(void)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		ht_cpu_info[i].cpu = i;
		assert_int_equal(
			xpti_init_cpu(&ht_cpu_info[i], parts, ARRAY_SIZE(parts), GDT_WIN(i)), 0);
	}
}

static uint64_t *root_of(unsigned int cpu)
{
	return paddr_to_virt(ht_cpu_info[cpu].xpti_cr3);
}

/* The entry for @va in a root, 0: there is none. */
static uint64_t *find(uint64_t *table, unsigned long va)
{
	for (unsigned int level = 4; level > 1; level--) {
		uint64_t e = table[pt_index(va, level)];

		if (!(e & PTE_P))
			return NULL;
		table = mfn_to_virt(pte_mfn(e));
	}
	return &table[pt_index(va, 1)];
}

static unsigned long count_leaves(const uint64_t *table, unsigned int level)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < PTES_PER_TABLE; i++) {
		if (table[i] & PTE_P)
			n += level == 1 ? 1
					: count_leaves(mfn_to_virt(pte_mfn(table[i])), level - 1);
	}
	return n;
}

static unsigned long hypervisor_pages(unsigned int cpu)
{
	unsigned long n = 0;

	for (unsigned int i = HV_L4_FIRST + 1; i <= HV_L4_LAST; i++) {
		if (root_of(cpu)[i] & PTE_P)
			n += count_leaves(mfn_to_virt(pte_mfn(root_of(cpu)[i])), 3);
	}
	return n;
}

/* ---- the way in -------------------------------------------------------------------------- */

static void only_the_way_in(void **state)
{
	for (unsigned int cpu = 0; cpu < HT_CPUS; cpu++) {
		uint64_t *l4 = root_of(cpu);

		assert_int_equal(l4[HV_L4_FIRST], idle_l4[HV_L4_FIRST]);
		for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
			for (unsigned long n = 0; n < parts[i].pages; n++) {
				unsigned long va = parts[i].va + n * PAGE_SIZE;

				assert_int_equal(*find(l4, va), pte_make(pte_mfn(*paging_l1_of(va)),
									 parts[i].flags));
			}
		}
		/* Those, what is in the window, and nothing else. */
		assert_int_equal(hypervisor_pages(cpu), SHOWN + 2);
		for (unsigned int i = 0; i < HT_CPUS; i++)
			assert_int_equal(find(l4, GDT_WIN(i)) != NULL, i == cpu);
		/* What comes into the window is there in both. */
		assert_ptr_equal(find(l4, GDT_WIN(cpu)), paging_l1_of(GDT_WIN(cpu)));
		assert_null(find(l4, DIRECTMAP_VIRT_START));
	}
	assert_int_equal(audited(), 0);
}

static void audit_finds(uint64_t *entry, uint64_t wrong)
{
	uint64_t right = *entry;

	*entry = wrong;
	assert_true(audited() > 0);
	*entry = right;
	assert_int_equal(audited(), 0);
}

static void what_the_audit_finds(void **state)
{
	uint64_t *code = find(root_of(2), CODE), *data = find(root_of(3), DATA);
	uint64_t *stack = find(root_of(0), STACK);

	audit_finds(data, *data | PTE_US);
	audit_finds(code, *code | PTE_US);
	audit_finds(data, 0);
	audit_finds(stack, pte_make(virt_to_mfn(idle_l4), PTE_HV_RW));
	audit_finds(code - 1, pte_make(pte_mfn(*paging_l1_of(CODE - PAGE_SIZE)), PTE_HV_RX));
	/* Writable where ours isn't. */
	audit_finds(code, *code | PTE_RW);
	/* All of a slot: the direct map. */
	audit_finds(&root_of(1)[pt_index(DIRECTMAP_VIRT_START, 4)],
		    idle_l4[pt_index(DIRECTMAP_VIRT_START, 4)]);
	/* Another CPU's window. */
	audit_finds(&((uint64_t *)mfn_to_virt(pte_mfn(((uint64_t *)mfn_to_virt(pte_mfn(root_of(
			    1)[pt_index(GDT_WIN(1), 4)])))[pt_index(GDT_WIN(1),
								    3)])))[pt_index(GDT_WIN(0), 2)],
		    *paging_entry(GDT_WIN(0), 2));
	xpti_active = false;
	root_of(0)[HV_L4_LAST] = 1;
	assert_int_equal(audited(), 0); /* there are none to look at */
	root_of(0)[HV_L4_LAST] = 0;
	xpti_active = true;
}

/* Device registers: of our half, and so of no guest's root. */
static void device_registers(void **state)
{
	unsigned long va = (unsigned long)ioremap(0xfee00ff0, 0x20), more;
	const unsigned long all = (VMAP_VIRT_END - VMAP_VIRT_START) / PAGE_SIZE;

	assert_int_equal(va & (PAGE_SIZE - 1), 0xff0);
	assert_int_equal(*paging_l1_of(va), pte_make(_mfn(0xfee00), PTE_HV_UC));
	assert_int_equal(*paging_l1_of(va + PAGE_SIZE), pte_make(_mfn(0xfee01), PTE_HV_UC));
	more = (unsigned long)ioremap(0xfec00000, PAGE_SIZE);
	assert_true(more >= va + 2 * PAGE_SIZE);
	assert_int_equal(*paging_l1_of(more - PAGE_SIZE), 0); /* between neighbours */
	for (unsigned int cpu = 0; cpu < HT_CPUS; cpu++)
		assert_int_equal(hypervisor_pages(cpu), SHOWN + 2);
	unmap_pages(more, 1);
	assert_int_equal(*paging_l1_of(more), 0);
	/* What there is no room for takes none away. */
	assert_int_equal(vmap_reserve(all), 0);
	assert_int_equal(vmap_reserve(~0UL), 0);
	assert_true(vmap_reserve(511));
	ht_leave_free(0);
	assert_null(ioremap(0xfd000000, 512 * PAGE_SIZE)); /* a table is missing */
	ht_free_all();
	assert_non_null(ioremap(0xfd000000, 512 * PAGE_SIZE));
}

/* ---- the option ----------------------------------------------------------------------------- */

extern const struct cmdline_option __start_ht_cmdline[], __stop_ht_cmdline[];

static int option(const char *value)
{
	for (const struct cmdline_option *o = __start_ht_cmdline; o < __stop_ht_cmdline; o++) {
		if (!strcmp(o->name, "xpti"))
			return o->parse(value);
	}
	abort();
}

static struct domain *dom[DOMAINS];

static void chosen(const char *value, bool vulnerable, bool dom0, bool domu, const char *said)
{
	cr4_base |= X86_CR4_PGE;
	assert_int_equal(option("default"), 0);
	assert_int_equal(option(value), 0);
	assert_int_equal(xpti_choose(vulnerable), dom0 || domu);
	assert_int_equal(xpti_wanted(dom[0]), dom0);
	assert_int_equal(xpti_wanted(dom[1]), domu);
	assert_string_equal(xpti_description(), said);
	/* A global entry of ours would stay while a guest runs. */
	assert_int_equal(!(cr4_base & X86_CR4_PGE), dom0 || domu);
}

static void the_option(void **state)
{
	chosen("default", false, false, false, "no domain");
	chosen("default", true, true, true, "all domains");
	chosen("yes", false, true, true, "all domains");
	chosen("no", true, false, false, "no domain");
	chosen("dom0", false, true, false, "the control domain");
	chosen("no-dom0", true, false, true, "guests");
	chosen("domu=yes", false, false, true, "guests");
	chosen("yes,dom0=no", false, false, true, "guests");
	chosen("no,domu", true, false, true, "guests");
	/* A malformed list changes nothing. */
	chosen("dom0", false, true, false, "the control domain");
	assert_int_equal(option("no-dom0,domu,dom1"), -EINVAL);
	assert_int_equal(option("domu,dom0=what"), -EINVAL);
	assert_int_equal(option("what"), -EINVAL);
	xpti_choose(true);
	assert_string_equal(xpti_description(), "the control domain");
	chosen("yes", true, true, true, "all domains");
}

/* ---- guests --------------------------------------------------------------------------------- */

static mfn_t roots[DOMAINS][ROOTS], l3[DOMAINS][TABLES];
static uint64_t model[DOMAINS][ROOTS][PTES_PER_TABLE];

static void check_real(void)
{
	for (unsigned int d = 0; d < DOMAINS; d++) {
		for (unsigned int r = 0; r < ROOTS; r++) {
			const uint64_t *l4 = mfn_to_virt(roots[d][r]);

			for (unsigned int i = 0; i < PTES_PER_TABLE; i++) {
				if (pt_slot_is_guest(4, i))
					assert_int_equal(l4[i], model[d][r][i]);
			}
		}
	}
}

/* The CPU has taken the vCPU: context.c. */
static void be(struct vcpu *v, unsigned int cpu)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		if (ht_current[i] == v)
			ht_current[i] = NULL;
	}
	ht_cpu = cpu;
	if (ht_current[cpu])
		ht_current[cpu]->arch.loaded_cpu = NO_CPU;
	ht_current[cpu] = v;
	v->arch.loaded_cpu = cpu;
	pv_load_root(v);
}

/* To go on with @v's CPU: nothing has happened there. */
static void go_on(struct vcpu *v)
{
	ht_cpu = v->arch.loaded_cpu;
}

static unsigned int number_of(const struct domain *d, const struct page_info *pg)
{
	for (unsigned int r = 0; r < ROOTS; r++) {
		if (mfn_eq(roots[d->id][r], page_to_mfn(pg)))
			return r;
	}
	abort();
}

/* @v's guest goes on: what does it run on? */
static void run(struct vcpu *v)
{
	struct domain *d = v->domain;
	const uint64_t *l4, *want;

	go_on(v);
	local_irq_disable();
	xpti_sync(v);
	assert_false(xpti_stale(v));
	local_irq_enable();
	if (!d->arch.xpti) {
		assert_int_equal(cpu_info()->xpti_exit_cr3, 0);
		return;
	}
	assert_int_equal(cpu_info()->xpti_exit_cr3, cpu_info()->xpti_cr3);
	l4 = root_of(ht_cpu);
	want = model[d->id][number_of(d, v->arch.in_kernel ? v->arch.root : v->arch.user_root)];
	for (unsigned int i = 0; i < PTES_PER_TABLE; i++) {
		if (pt_slot_is_guest(4, i))
			assert_int_equal(l4[i], want[i]);
	}
	assert_int_equal(hypervisor_pages(ht_cpu), SHOWN + 2);
	assert_int_equal(l4[HV_L4_FIRST], idle_l4[HV_L4_FIRST]);
}

static long drop_deferred(long rc)
{
	while (current->arch.old_root)
		(void)pt_drop_deferred(current);
	return rc;
}

static long write_entry(mfn_t root, unsigned int slot, uint64_t val)
{
	struct mmu_update u = {mfn_x(root) << PAGE_SHIFT | slot * 8, val};

	return drop_deferred(do_mmu_update(ht_va(&u), 1, 0, DOMID_SELF));
}

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn_x(mfn)};

	return drop_deferred(do_mmuext_op(ht_va(&op), 1, 0, DOMID_SELF));
}

static void load(struct vcpu *v, mfn_t root)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));

	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root));
	assert_int_equal(arch_vcpu_set_context(v, c), 0);
	hv_free(c);
}

static void make_domain(unsigned int id, unsigned int vcpus)
{
	struct domain *d = dom[id] = ht_domain_new(id, vcpus, 0);
	struct vcpu *v;

	assert_int_equal(arch_domain_create(d, NULL), 0);
	assert_int_equal(grant_table_create(d, 2, 1, 2), 0);
	for (unsigned int i = 0; i < TABLES; i++)
		l3[id][i] = ht_domain_page(d);
	memset(model[id], 0, sizeof(model[id]));
	for (unsigned int i = 0; i < ROOTS; i++) {
		roots[id][i] = ht_domain_page(d);
		model[id][i][i] = pte_make(l3[id][0], RW);
		((uint64_t *)mfn_to_virt(roots[id][i]))[i] = model[id][i][i];
	}
	for_each_vcpu (d, v) {
		assert_int_equal(arch_vcpu_create(v), 0);
		load(v, roots[id][0]);
	}
}

static void end(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v)
		v->arch.loaded_cpu = NO_CPU;
	ht_domain_dying(d);
	while (arch_domain_relinquish(d) || grant_table_release_mappings(d))
		;
	grant_table_destroy(d);
	for_each_vcpu (d, v)
		arch_vcpu_destroy(v);
	arch_domain_destroy(d);
	ht_domain_free(d);
}

static int setup(void **state)
{
	if (!idle_l4) {
		ht_machine_init();
		make_own_tables();
		make_roots();
	}
	memset(ht_current, 0, sizeof(ht_current));
	(void)option("yes");
	xpti_choose(true);
	make_domain(0, 1);
	make_domain(1, 3);
	make_domain(2, 1);
	dom[2]->arch.xpti = false;
	return 0;
}

static int teardown(void **state)
{
	ht_cpu = 0;
	ht_run(dom[0], 0);
	for (unsigned int i = DOMAINS; i--;)
		end(dom[i]);
	memset(ht_tlb, 0, sizeof(ht_tlb));
	ht_assert_quiet();
	return 0;
}

static unsigned int rnd(unsigned int n)
{
	static uint64_t seed = 11;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

static void do_write(struct vcpu *v)
{
	static const uint16_t slots[] = {0,   1,  2, 3, 100, HV_L4_FIRST - 1, HV_L4_LAST + 1,
					 400, 511};
	unsigned int r = rnd(ROOTS), slot = slots[rnd(ARRAY_SIZE(slots))], d = v->domain->id;
	uint64_t val = rnd(3) ? pte_make(l3[d][rnd(TABLES)], RW) : 0;
	uint64_t *l4 = mfn_to_virt(roots[d][r]);

	if (page_type(mfn_to_page(roots[d][r])) == PGT_l4 &&
	    page_type_count(mfn_to_page(roots[d][r])))
		assert_int_equal(write_entry(roots[d][r], slot, val), 0);
	else
		l4[slot] = val; /* plain memory: nobody has to know */
	model[d][r][slot] = val;
}

static void do_root(struct vcpu *v)
{
	mfn_t root = roots[v->domain->id][rnd(ROOTS)];

	if (rnd(2)) {
		assert_int_equal(ext(MMUEXT_NEW_BASEPTR, root), 0);
		return;
	}
	if (v->arch.in_kernel)
		assert_int_equal(ext(MMUEXT_NEW_USER_BASEPTR, rnd(4) ? root : _mfn(0)), 0);
}

static void do_mode(struct vcpu *v)
{
	if (!v->arch.user_root)
		return;
	v->arch.in_kernel = !v->arch.in_kernel;
	pv_load_root(v);
}

static void roots_show_what_guests_made(void **state)
{
	for (unsigned int n = 0; n < 30000; n++) {
		struct domain *d = dom[rnd(DOMAINS)];
		struct vcpu *v = d->vcpu[rnd(d->max_vcpus)];

		if (v->arch.loaded_cpu == NO_CPU || !rnd(6))
			be(v, rnd(HT_CPUS));
		go_on(v);
		switch (rnd(4)) {
		case 0:
			do_root(v);
			break;
		case 1:
			do_mode(v);
			break;
		default:
			do_write(v);
		}
		/* A CPU that was told to flush goes by this way, too. */
		for (unsigned int i = 0; i < HT_CPUS; i++) {
			if (ht_current[i] && rnd(2))
				run(ht_current[i]);
		}
		if (n % 64 == 0)
			check_real();
	}
	assert_int_equal(audited(), 0);
}

/* A page fault of a copy that is behind isn't the guest's. */
static void stale(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0], *w = dom[1]->vcpu[1], *other = dom[0]->vcpu[0];

	be(v, 0);
	run(v);
	be(other, 1);
	run(other);
	be(w, 2);
	assert_int_equal(write_entry(roots[1][0], 511, pte_make(l3[1][1], RW)), 0);
	model[1][0][511] = pte_make(l3[1][1], RW);
	go_on(v);
	assert_true(xpti_stale(v));
	go_on(other);
	assert_false(xpti_stale(other));
	run(v);
	go_on(v);
	assert_false(xpti_stale(v));
	dom[1]->arch.xpti = false;
	dom[1]->arch.l4_writes++;
	assert_false(xpti_stale(v));
	run(v);
	dom[1]->arch.xpti = true;
	run(v);
}

/* Each allocation fails once; this leaves some behind, as a CPU that isn't started does. */
static void no_memory(void **state)
{
	struct cpu_info ci = {.cpu = 0};
	const unsigned long window = GDT_WIN(0);
	uint64_t *before = root_of(0);
	unsigned long n = 0;
	int rc;

	do {
		ht_leave_free(n++);
		rc = xpti_init_cpu(&ci, parts, ARRAY_SIZE(parts), window);
		ht_free_all();
		assert_true(!rc || (rc == -ENOMEM && !ci.xpti_cr3));
		assert_ptr_equal(root_of(0), before);
	} while (rc);
	assert_true(n > 8);
	assert_int_equal(ci.xpti_cr3 & (PAGE_SIZE - 1), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(only_the_way_in),
		T(device_registers),
		T(what_the_audit_finds),
		T(the_option),
		T(stale),
		T(roots_show_what_guests_made),
		T(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
