/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Switching CPUs between vCPUs: x86/pv/context.c, on CPUs of which the test knows CR3
 * and whose TLB entries they have. Whenever a CPU does something that takes time, it has
 * walked its page tables; then, and seen by all others, its domain's dirty_cpus must have
 * it, and the vCPU whose root it is on must be loaded there, or its tables could be taken
 * apart. Tries F4, X3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <hv/audit.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/debugreg.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/pv.h>
#include <arch/runstate.h>
#include <arch/spec_ctrl.h>
#include <arch/traps.h>

#define DOMAINS 3
#define VCPUS   2

void return_to_guest(void);

static struct domain *dom[DOMAINS], *idle;

/* ---- the CPUs ---------------------------------------------------------------------- */

static struct {
	paddr_t cr3;
	unsigned long known; /* domains of which it has TLB entries */
	const struct vcpu *xstate, *segments, *descriptors;
	struct cpu_user_regs regs;
} cpu[HT_CPUS];
static unsigned long cr4;
static unsigned int barriers, failsafes;
static struct vcpu *switched;
static void (*jumped_to)(void);
static jmp_buf stack;
static bool bad_selector;

uint64_t *idle_l4;
unsigned long cr4_base = X86_CR4_PAE;
bool spec_ibpb_on_switch = true;

/* The vCPU that has this root, NULL: it is the hypervisor's own. */
static struct vcpu *owner_of(paddr_t cr3)
{
	for (unsigned int d = 0; d < DOMAINS; d++) {
		struct vcpu *v;

		for_each_vcpu (dom[d], v) {
			if (cr3 == virt_to_paddr(page_to_virt(v->arch.root)))
				return v;
		}
	}
	assert_int_equal(cr3, virt_to_paddr(idle_l4));
	return NULL;
}

/* CPUs walk when they like. What they know then is what others rely on. (F4) */
static void time_goes_by(void)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		struct vcpu *v = owner_of(cpu[i].cr3);

		if (v) {
			cpu[i].known |= 1UL << v->domain->id;
			assert_int_equal(v->arch.loaded_cpu, i);
		}
		for (unsigned int d = 0; d < DOMAINS; d++) {
			if (cpu[i].known >> d & 1)
				assert_true(cpumask_test(i, &dom[d]->dirty_cpus));
		}
	}
}

void write_cr3(unsigned long cr3)
{
	time_goes_by();
	cpu[ht_cpu].cr3 = cr3;
	cpu[ht_cpu].known = 0;
	time_goes_by();
}

unsigned long tlb_root_of(unsigned int n)
{
	return cpu[n].cr3;
}

void pv_load_root(struct vcpu *v)
{
	/* Of what was in the window before, the TLB forgets by the new root. */
	assert_ptr_equal(cpu[ht_cpu].descriptors, v);
	write_cr3(virt_to_paddr(page_to_virt(v->arch.root)));
}

void pv_load_descriptor_tables(struct vcpu *v, unsigned int n)
{
	assert_int_equal(n, ht_cpu);
	time_goes_by();
	cpu[n].descriptors = v;
}

void desc_set_ldt(unsigned int n, unsigned int entries)
{
	time_goes_by();
	cpu[n].descriptors = NULL;
}

void xstate_save(struct vcpu *v)
{
	time_goes_by();
	assert_ptr_equal(cpu[ht_cpu].xstate, v);
}

void xstate_load(struct vcpu *v)
{
	time_goes_by();
	cpu[ht_cpu].xstate = v;
}

void pv_save_segments(struct vcpu *v)
{
	time_goes_by();
	assert_ptr_equal(cpu[ht_cpu].segments, v);
}

/* By the descriptors of the vCPU, in its memory. */
bool pv_load_segments(struct vcpu *v)
{
	time_goes_by();
	assert_ptr_equal(cpu[ht_cpu].descriptors, v);
	assert_ptr_equal(owner_of(cpu[ht_cpu].cr3), v);
	cpu[ht_cpu].segments = v;
	return bad_selector;
}

void write_cr4(unsigned long v)
{
	time_goes_by();
	cr4 = v;
}

unsigned long pv_cr4_allowed(const struct vcpu *v)
{
	return X86_CR4_TSD;
}

void wrmsr(uint32_t msr, uint64_t v)
{
	time_goes_by();
	assert_true(msr == MSR_PRED_CMD_NR && v == 1);
	barriers++;
}

void pv_load_debugregs(struct vcpu *v)
{
}

void pv_set_ts(struct vcpu *v, bool set)
{
}

void time_update_vcpu(struct vcpu *v)
{
	assert_ptr_equal(switched, NULL);
}

void arch_runstate_enter(struct vcpu *v)
{
	assert_ptr_equal(owner_of(cpu[ht_cpu].cr3), v);
}

void pv_failsafe(struct vcpu *v, const uint16_t sel[4])
{
	assert_true(local_irq_is_enabled());
	assert_int_equal(sel[0], v->arch.regs.ds);
	failsafes++;
}

/* From now on another CPU may take it. */
void sched_switched(struct vcpu *prev)
{
	time_goes_by();
	assert_ptr_equal(prev, switched);
	switched = NULL;
}

void return_to_guest(void)
{
}

void idle_loop(void)
{
	abort();
}

void reset_stack_and_jump(void (*fn)(void))
{
	jumped_to = fn;
	longjmp(stack, 1);
}

/* From here on the test is that CPU. */
static void be(unsigned int n)
{
	cpu[ht_cpu].regs = ht_guest_regs;
	ht_guest_regs = cpu[n].regs;
	ht_cpu = n;
}

/* What another CPU goes to just before it is asked for something. */
static struct vcpu *taken_meanwhile;
static void take(struct vcpu *next);

void on_cpus(struct cpumask m, void (*fn)(void *), void *data)
{
	struct vcpu *v = taken_meanwhile;
	unsigned int here = ht_cpu;

	assert_true(local_irq_is_enabled());
	taken_meanwhile = NULL;
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		if (!cpumask_test(i, &m))
			continue;
		be(i);
		if (v)
			take(v);
		local_irq_disable();
		fn(data);
		time_goes_by();
		local_irq_enable();
	}
	be(here);
}

/* ---- the scheduler --------------------------------------------------------------------- */

/* What the registers of a vCPU must be: it changes them each time that it runs. */
static uint64_t value[DOMAINS][VCPUS];

static void runs(struct vcpu *v)
{
	uint64_t *val = &value[v->domain->id][v->id];

	assert_int_equal(ht_guest_regs.rbx, *val);
	ht_guest_regs.rbx = *val += 16;
}

/* This CPU goes to @next. */
static void take(struct vcpu *next)
{
	struct vcpu *prev = current;

	if (prev == next)
		return;
	if (!is_idle_vcpu(next) && next->arch.loaded_cpu != NO_CPU &&
	    next->arch.loaded_cpu != ht_cpu)
		arch_vcpu_sync(next);
	local_irq_disable();
	switched = prev;
	if (!setjmp(stack))
		arch_context_switch(prev, next);
	assert_null(switched);
	assert_ptr_equal(current, next);
	local_irq_enable();
	time_goes_by();
	if (is_idle_vcpu(next)) {
		assert_ptr_equal(jumped_to, idle_loop);
		return;
	}
	assert_ptr_equal(jumped_to, return_to_guest);
	assert_ptr_equal(owner_of(cpu[ht_cpu].cr3), next);
	assert_true(cpumask_test(ht_cpu, &next->domain->dirty_cpus));
	runs(next);
}

static struct vcpu *idle_of(unsigned int n)
{
	return idle->vcpu[n];
}

static bool is_dirty(unsigned int d, unsigned int n)
{
	return cpumask_test(n, &dom[d]->dirty_cpus);
}

/* Nobody has anything of a domain: its tables could go. */
static void put_away(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v) {
		arch_vcpu_sync(v);
		assert_int_equal(v->arch.loaded_cpu, NO_CPU);
	}
	assert_true(cpumask_empty(d->dirty_cpus));
	for (unsigned int i = 0; i < HT_CPUS; i++)
		assert_false(cpu[i].known >> d->id & 1);
}

static int setup(void **state)
{
	ht_machine_init();
	idle_l4 = hyp_page_alloc();
	idle = ht_domain_new(DOMAINS, HT_CPUS, 0);
	idle->id = DOMID_IDLE_HV;
	for (unsigned int d = 0; d < DOMAINS; d++) {
		struct vcpu *v;

		dom[d] = ht_domain_new(d, VCPUS, 0);
		for_each_vcpu (dom[d], v) {
			v->arch.loaded_cpu = NO_CPU;
			v->arch.in_kernel = true;
			v->arch.root = mfn_to_page(ht_domain_page(dom[d]));
			v->arch.regs.rbx = value[d][v->id] = d * 256 + v->id;
		}
	}
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		cpu[i].cr3 = virt_to_paddr(idle_l4);
		idle->vcpu[i]->arch.loaded_cpu = NO_CPU;
		ht_cpu = i;
		ht_run(idle, i);
	}
	be(0);
	barriers = failsafes = 0;
	bad_selector = false;
	return 0;
}

static int teardown(void **state)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		be(i);
		take(idle_of(i));
	}
	be(0);
	for (unsigned int d = 0; d < DOMAINS; d++) {
		put_away(dom[d]);
		pv_forget_domain(dom[d]);
		ht_domain_free(dom[d]);
	}
	idle->id = DOMAINS;
	ht_domain_free(idle);
	hyp_page_free(idle_l4);
	ht_assert_quiet();
	return 0;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void from_one_domain_to_another(void **state)
{
	take(dom[1]->vcpu[0]);
	assert_true(is_dirty(1, 0));
	take(dom[2]->vcpu[0]);
	assert_true(!is_dirty(1, 0) && is_dirty(2, 0));
	assert_int_equal(dom[1]->vcpu[0]->arch.loaded_cpu, NO_CPU);
	take(dom[1]->vcpu[0]);
	assert_true(is_dirty(1, 0) && !is_dirty(2, 0));
	assert_int_equal(barriers, 3);
}

static void within_a_domain(void **state)
{
	take(dom[1]->vcpu[0]);
	take(dom[1]->vcpu[1]);
	assert_true(is_dirty(1, 0));
	be(1);
	take(dom[1]->vcpu[0]);
	assert_true(is_dirty(1, 0) && is_dirty(1, 1));
	take(dom[0]->vcpu[0]);
	assert_true(is_dirty(1, 0) && !is_dirty(1, 1));
	be(0);
	assert_int_equal(barriers, 3); /* on each CPU, and for d0 */
}

/* Nothing is done for a CPU that has nothing to do, and for one that goes on. */
static void idle_keeps_it(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	take(v);
	take(idle_of(0));
	assert_true(is_dirty(1, 0));
	assert_ptr_equal(owner_of(cpu[0].cr3), v);
	take(v);
	assert_int_equal(barriers, 1);
	take(idle_of(0));
	take(dom[2]->vcpu[0]);
	assert_true(!is_dirty(1, 0) && is_dirty(2, 0));
}

/* One that got a dead one's memory is another domain, for the predictors of branches. */
static void branches_of_the_dead(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	take(v);
	be(1);
	take(dom[2]->vcpu[0]);
	take(dom[0]->vcpu[0]);
	be(0);
	take(idle_of(0));
	put_away(dom[1]);
	pv_forget_domain(dom[1]);
	barriers = 0;
	take(v);
	assert_int_equal(barriers, 1);
	be(1);
	take(idle_of(1));
	take(dom[0]->vcpu[0]);
	assert_int_equal(barriers, 1);
	be(0);
}

/* Another CPU wants it, from one that is idle and still has it. */
static void taken_from_an_idle_one(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	take(v);
	take(idle_of(0));
	be(2);
	take(v);
	assert_true(!is_dirty(1, 0) && is_dirty(1, 2));
	assert_null(owner_of(cpu[0].cr3));
	assert_null(cpu[0].descriptors);
	take(idle_of(2));
	be(0);
	put_away(dom[1]);
	/* Twice is once. */
	arch_vcpu_sync(v);
	take(v);
}

/* The wish comes to a CPU that has taken another vCPU meanwhile. */
static void wanted_too_late(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	take(v);
	take(idle_of(0));
	be(1);
	taken_meanwhile = dom[2]->vcpu[0];
	take(v);
	assert_true(is_dirty(2, 0) && !is_dirty(1, 0) && is_dirty(1, 1));
	assert_ptr_equal(ht_current[0], dom[2]->vcpu[0]);
	be(0);
}

static void bits_and_selectors(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	v->arch.cr4 = X86_CR4_TSD | X86_CR4_PGE;
	bad_selector = true;
	take(v);
	assert_int_equal(cr4, X86_CR4_PAE | X86_CR4_TSD);
	assert_int_equal(failsafes, 1);
	bad_selector = false;
	take(dom[2]->vcpu[0]);
	assert_int_equal(cr4, X86_CR4_PAE);
	assert_int_equal(failsafes, 1);
}

/* ---- the audit ----------------------------------------------------------------------------- */

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
	abort();
}

static unsigned int audited(void)
{
	differences = 0;
	pv_audit_loaded();
	return differences;
}

static void what_the_audit_finds(void **state)
{
	struct vcpu *v = dom[1]->vcpu[0];

	take(v);
	be(1);
	take(dom[2]->vcpu[0]);
	take(idle_of(1));
	assert_int_equal(audited(), 0);
	cpumask_clear(0, &dom[1]->dirty_cpus);
	assert_int_equal(audited(), 1);
	cpumask_set(0, &dom[1]->dirty_cpus);
	cpumask_set(3, &dom[1]->dirty_cpus);
	assert_int_equal(audited(), 1);
	cpumask_clear(3, &dom[1]->dirty_cpus);
	v->arch.loaded_cpu = NO_CPU;
	assert_int_equal(audited(), 1);
	v->arch.loaded_cpu = 0;
	cpu[2].cr3 = cpu[1].cr3;
	assert_int_equal(audited(), 1);
	cpu[2].cr3 = virt_to_paddr(idle_l4);
	cpu[1].cr3 = cpu[0].cr3;
	assert_int_equal(audited(), 1);
	cpu[1].cr3 = virt_to_paddr(page_to_virt(dom[2]->vcpu[0]->arch.root));
	assert_int_equal(audited(), 0);
	be(0);
}

static unsigned int rnd(unsigned int n)
{
	static uint64_t seed = 7;

	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

static bool is_running(const struct vcpu *v)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		if (ht_current[i] == v)
			return true;
	}
	return false;
}

static void any_order(void **state)
{
	for (unsigned int n = 0; n < 20000; n++) {
		struct domain *d = dom[rnd(DOMAINS)];
		struct vcpu *v = d->vcpu[rnd(VCPUS)];

		be(rnd(HT_CPUS));
		if (rnd(4) == 0)
			take(idle_of(ht_cpu));
		else if (!is_running(v))
			rnd(8) ? take(v) : arch_vcpu_sync(v);
		/* Each bit is a vCPU's that is loaded. */
		for (unsigned int i = 0; i < HT_CPUS; i++) {
			struct vcpu *there = owner_of(cpu[i].cr3);

			assert_int_equal(is_dirty(d->id, i), there && there->domain == d);
		}
		assert_int_equal(audited(), 0);
	}
	be(0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(from_one_domain_to_another), T(within_a_domain),        T(idle_keeps_it),
		T(branches_of_the_dead),       T(taken_from_an_idle_one), T(wanted_too_late),
		T(bits_and_selectors),         T(what_the_audit_finds),   T(any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
