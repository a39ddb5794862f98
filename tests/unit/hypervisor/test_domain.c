/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * domain/domain.c and domain/vcpu.c over the real scheduler, timers, event channels and
 * page tables: making (with each allocation failing in turn), lookups, the vcpu_op
 * hypercall, shutting down, and the end. Three domains, each vCPU on a CPU of its own;
 * time is what the test says. Each test ends with every frame back. Tries S3, R2, S4, X4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include <hv/audit.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <hv/page_type.h>
#include <hv/softirq.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/runstate.h>
#include <arch/timer.h>

#define NR_DOMAINS 3
#define FOREVER    0x7000000000000000L

/* ---- what is made up ------------------------------------------------------------------ */

static s_time_t now = SECONDS(1), deadline[HT_CPUS];
static unsigned int dumps, deaths_audited, wall_updates;
static const char *machine_end;
static jmp_buf ended;
static bool pirqs_fail;
bool time_tsc_stable;

s_time_t time_now(void)
{
	return now;
}

void time_update_vcpu(struct vcpu *v)
{
	v->vcpu_info->time.system_time = (uint64_t)now;
}

void time_update_wallclock(struct domain *d)
{
	wall_updates++;
}

void arch_timer_program(s_time_t when)
{
	deadline[ht_cpu] = when;
}

void apic_send_ipi(unsigned int cpu, unsigned int vector)
{
}

void arch_cpu_poke(unsigned int cpu)
{
}

/* Each does it, when its interrupts are on: so it has finished what it was at. */
static void (*called)(void);

void on_cpus(struct cpumask m, void (*fn)(void *), void *data)
{
	assert_true(local_irq_is_enabled());
	assert_int_equal(m.bits, cpu_online_map.bits);
	fn(data);
	if (called)
		called();
}

void arch_runstate_enter(struct vcpu *v)
{
}

bool arch_vcpu_event_deliverable(const struct vcpu *v)
{
	return v->vcpu_info->evtchn_upcall_pending && !v->vcpu_info->evtchn_upcall_mask;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	ht_current[ht_cpu] = next;
	next->arch.loaded_cpu = ht_cpu;
	if (!is_idle_vcpu(next))
		next->domain->dirty_cpus.bits |= 1UL << ht_cpu;
	sched_switched(prev);
	local_irq_enable();
}

void arch_vcpu_dump(const struct vcpu *v)
{
	dumps++;
}

void audit_after_death(void)
{
	deaths_audited++;
}

static __noreturn void machine_ends(const char *how)
{
	machine_end = how;
	longjmp(ended, 1);
}

__noreturn void machine_poweroff(void)
{
	machine_ends("poweroff");
}

__noreturn void machine_reboot(void)
{
	machine_ends("reboot");
}

__noreturn void machine_after_crash(void)
{
	machine_ends("crash");
}

int pirq_init_domain(struct domain *d)
{
	return pirqs_fail ? -ENOMEM : 0;
}

void pirq_fini_domain(struct domain *d)
{
}

void pirq_release_all(struct domain *d)
{
}

/* ---- the machine ------------------------------------------------------------------------- */

/* All CPUs do what they have to do. */
static void settle(void)
{
	unsigned int was = ht_cpu, rounds = 0;
	bool again;

	do {
		again = false;
		for (ht_cpu = 0; ht_cpu < HT_CPUS; ht_cpu++) {
			again = again || softirq_pending(ht_cpu);
			softirq_run();
		}
		assert_true(++rounds < 100);
	} while (again);
	ht_cpu = was;
}

/* One waits for the others to leave their CPUs: they may, where nothing says otherwise. */
static void others_go_on(void)
{
	unsigned int was = ht_cpu;

	for (ht_cpu = 0; ht_cpu < HT_CPUS; ht_cpu++) {
		if (ht_cpu != was)
			softirq_run();
	}
	ht_cpu = was;
}

static void nobody_may_wait(void)
{
	panic("waits for a vCPU of its own domain");
}

static void time_passes(s_time_t t)
{
	unsigned int was = ht_cpu;

	now += t;
	for (ht_cpu = 0; ht_cpu < HT_CPUS; ht_cpu++) {
		if (deadline[ht_cpu] > now)
			continue;
		deadline[ht_cpu] = STIME_MAX;
		softirq_raise(SOFTIRQ_TIMER);
	}
	ht_cpu = was;
	settle();
}

static struct domain *dom[NR_DOMAINS];
static unsigned long free_before;
static mfn_t root[NR_DOMAINS];

static struct xen_domctl_createdomain config(unsigned int vcpus)
{
	return (struct xen_domctl_createdomain){.max_vcpus = vcpus,
						.max_evtchn_port = 127,
						.max_grant_frames = 4,
						.max_maptrack_frames = 4,
						.grant_opts = 2};
}

static mfn_t new_page(struct domain *d)
{
	struct page_info *pg = page_alloc(0, MEMF_zero);

	assert_non_null(pg);
	assert_int_equal(page_assign(d, pg, 0), 0);
	return page_to_mfn(pg);
}

static void start_vcpu(struct domain *d, unsigned int id, unsigned int cpu)
{
	struct vcpu_guest_context c = {.flags = VGCF_in_kernel,
				       .ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root[d->id]))};
	struct vcpu *v = d->vcpu[id];

	assert_int_equal(sched_set_affinity(v, cpumask_of(cpu), cpumask_of(cpu)), 0);
	assert_int_equal(arch_vcpu_set_context(v, &c), 0);
	clear_bit(VPF_down, &v->pause_flags);
	vcpu_wake(v);
}

static void make_domain(unsigned int id, unsigned int vcpus)
{
	struct xen_domctl_createdomain c = config(vcpus);
	struct domain *d;

	assert_int_equal(domain_create((domid_t)id, &c, !id, &d), 0);
	dom[id] = d;
	d->max_pages = 64;
	if (!id)
		hardware_domain = d;
	root[id] = new_page(d);
	for (unsigned int i = 0; i < vcpus; i++)
		assert_int_equal(vcpu_create(d, i, 0), 0);
	domain_unpause(d);
}

static void once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	ht_machine_init_frames(1024);
	timers_init();
	domains_init();
	for (ht_cpu = 0; ht_cpu < HT_CPUS; ht_cpu++) {
		timer_init_cpu(ht_cpu);
		deadline[ht_cpu] = STIME_MAX;
		if (ht_cpu)
			sched_init_cpu(ht_cpu);
		else
			sched_init();
		ht_current[ht_cpu] = sched_idle_vcpu(ht_cpu);
	}
	ht_cpu = 0;
}

/* d0v0, d1v0, d1v1, d2v0 on CPUs 0 to 3; d1 has two more that nobody has started. */
static int setup(void **state)
{
	once();
	ht_relax = others_go_on;
	free_before = page_free_count();
	make_domain(0, 1);
	make_domain(1, 36);
	make_domain(2, 1);
	start_vcpu(dom[0], 0, 0);
	start_vcpu(dom[1], 0, 1);
	start_vcpu(dom[1], 1, 2);
	start_vcpu(dom[2], 0, 3);
	settle();
	machine_end = NULL;
	return 0;
}

static struct vcpu *become(unsigned int cpu)
{
	ht_cpu = cpu;
	return current;
}

static int teardown(void **state)
{
	ht_relax = others_go_on;
	ht_guest_fault(NULL, 0);
	ht_preempt_every(0);
	ht_preempt_hook = NULL;
	time_tsc_stable = false;
	ht_cpu = 0;
	for (unsigned int i = NR_DOMAINS; i--;) {
		if (!dom[i])
			continue;
		if (!i) {
			/* Nobody could do that to the control domain. */
			domain_pause_nosync(dom[0]);
			settle();
			hardware_domain = NULL;
		}
		while (domain_kill(dom[i]) == -ERESTART)
			;
		dom[i] = NULL;
	}
	settle();
	assert_true(list_empty(&domain_list));
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
	return 0;
}

/* ---- making -------------------------------------------------------------------------------- */

static void arguments_of_creation(void **state)
{
	struct xen_domctl_createdomain c = config(0);
	struct domain *d = NULL;

	assert_int_equal(domain_create(7, &c, false, &d), -EINVAL);
	c.max_vcpus = MAX_VCPUS + 1;
	assert_int_equal(domain_create(7, &c, false, &d), -EINVAL);
	c = config(1);
	assert_int_equal(domain_create(1, &c, false, &d), -EEXIST);
	/* Whose frames would be looked up as domain 1's */
	assert_int_equal(domain_create(1 + MAX_DOMAINS, &c, false, &d), -EEXIST);
	assert_null(d);
	assert_int_equal(vcpu_create(dom[2], 1, 0), -EINVAL);
	assert_int_equal(vcpu_create(dom[2], 0, 0), -EINVAL);
	assert_int_equal(vcpu_create(dom[2], ~0U, 0), -EINVAL);
}

/* A new domain stands still, and has nothing that another may see. */
static void a_new_domain(void **state)
{
	struct xen_domctl_createdomain c = config(1);
	struct domain *d;

	memset(c.handle, 0x5a, sizeof(c.handle));
	assert_int_equal(domain_create(9, &c, false, &d), 0);
	assert_memory_equal(d->handle, c.handle, sizeof(c.handle));
	assert_int_equal(d->pause_count, 1);
	assert_int_equal(d->tool_paused, 1);
	assert_false(d->is_privileged || d->is_hardware);
	assert_int_equal(d->max_pages, 0); /* (S4) nothing is its until somebody says */
	assert_int_equal(vcpu_create(d, 0, 0), 0);
	assert_true(test_bit(VPF_down, &d->vcpu[0]->pause_flags));
	assert_false(d->vcpu[0]->initialised);
	assert_ptr_equal(d->vcpu[0]->vcpu_info, &d->shared_info->vcpu_info[0]);
	become(0);
	assert_int_equal(domain_kill(d), 0);
}

/* The n-th frame that is asked for isn't there. */
static void creation_without_memory(void **state)
{
	struct xen_domctl_createdomain c = config(1);
	unsigned int failed = 0;
	int rc = -ENOMEM;

	become(0);
	for (unsigned int n = 0; rc; n++) {
		struct domain *d = NULL;
		unsigned long before;

		before = page_free_count();
		ht_leave_free(n);
		rc = domain_create(9, &c, false, &d);
		if (!rc) {
			rc = vcpu_create(d, 0, 0);
			assert_int_equal(domain_kill(d), 0);
		} else {
			assert_null(d);
		}
		ht_free_all();
		assert_true(!rc || rc == -ENOMEM);
		assert_null(domain_get_by_id(9));
		/* The allocator of small things keeps a frame now and then. */
		assert_in_range(before - page_free_count(), 0, 2);
		free_before -= before - page_free_count();
		failed += rc != 0;
		assert_true(n < 100);
	}
	assert_true(failed > 3);
	pirqs_fail = true;
	assert_int_equal(domain_create(9, &c, false, &(struct domain *){NULL}), -ENOMEM);
	pirqs_fail = false;
}

/* ---- finding ---------------------------------------------------------------------------------- */

static void put(struct domain *d)
{
	uint32_t was = d->refcount;

	domain_put(d);
	assert_int_equal(d->refcount, was - 1);
}

static void lookups(void **state)
{
	struct domain *d;

	become(1);
	d = domain_get_by_id(DOMID_SELF);
	assert_ptr_equal(d, dom[1]);
	put(d);
	d = domain_get_by_id(2);
	assert_ptr_equal(d, dom[2]);
	put(d);
	assert_null(domain_get_by_id(3));
	assert_null(domain_get_by_id(DOMID_IDLE_HV));
	assert_null(domain_get_by_id(DOMID_XEN));
	d = domain_get_from_id(1);
	assert_ptr_equal(d, dom[1]);
	put(d);
	assert_null(domain_get_from_id(3));
	assert_ptr_equal(domain_vcpu(dom[1], 1), dom[1]->vcpu[1]);
	assert_null(domain_vcpu(dom[1], 36));
	assert_null(domain_vcpu(dom[1], ~0U));
	assert_ptr_equal(page_get_owner(mfn_to_page(root[2])), dom[2]);
}

/* (R4) Whose frames one may ask for */
static void foreign_domains(void **state)
{
	const domid_t own[] = {1, DOMID_SELF, DOMID_IO}, others[] = {0, 2, DOMID_XEN};
	struct domain *d;

	become(1);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		assert_int_equal(domain_get_foreign(own[i], &d), i == 2 ? -EPERM : 0);
		if (i < 2)
			assert_ptr_equal(d, dom[1]);
		if (i < 2)
			put(d);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(domain_get_foreign(others[i], &d), -EPERM);
	assert_int_equal(domain_get_foreign(3, &d), -ESRCH);
	become(0);
	assert_int_equal(domain_get_foreign(1, &d), 0);
	put(d);
	assert_int_equal(domain_get_foreign(DOMID_IO, &d), 0);
	assert_ptr_equal(d, dom[0]);
	put(d);
	assert_int_equal(domain_get_foreign(DOMID_XEN, &d), 0);
	assert_int_equal(d->id, DOMID_XEN);
	put(d);
	assert_int_equal(domain_get_foreign(3, &d), -ESRCH);
}

/* ---- vCPUs up and down -------------------------------------------------------------------------- */

static long op(int cmd, unsigned int vcpu, void *arg)
{
	return do_vcpu_op(cmd, vcpu, ht_va(arg));
}

static struct vcpu_guest_context context;

static void initialising(void **state)
{
	struct vcpu_register_vcpu_info r = {.mfn = mfn_x(new_page(dom[1]))};

	become(1);
	context = (struct vcpu_guest_context){.flags = VGCF_in_kernel,
					      .ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root[1]))};
	assert_int_equal(op(VCPUOP_up, 2, NULL), -EINVAL);
	assert_int_equal(op(VCPUOP_initialise, 36, &context), -ENOENT);
	assert_int_equal(op(VCPUOP_initialise, 0, &context), -EINVAL);
	assert_int_equal(op(VCPUOP_initialise, 1, &context), -EEXIST);
	/* Beyond the shared page's 32, first an area of its own */
	assert_int_equal(op(VCPUOP_initialise, 33, &context), -EINVAL);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 33, &r), 0);
	assert_int_equal(op(VCPUOP_initialise, 33, &context), 0);
	assert_int_equal(op(VCPUOP_is_up, 33, NULL), 0);
	ht_guest_fault(&context, 8);
	assert_int_equal(op(VCPUOP_initialise, 2, &context), -EFAULT);
	ht_guest_fault(NULL, 0);
	context.ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root[2]));
	assert_true(op(VCPUOP_initialise, 2, &context) < 0);
	assert_false(dom[1]->vcpu[2]->initialised);
	context.ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root[1]));
	/* While another does, it is busy. */
	dom[1]->vcpu[2]->context_busy = true;
	assert_int_equal(op(VCPUOP_initialise, 2, &context), -EBUSY);
	dom[1]->vcpu[2]->context_busy = false;
	assert_int_equal(op(VCPUOP_initialise, 2, &context), 0);
	/* It doesn't come up while somebody takes that from it. */
	dom[1]->vcpu[2]->context_busy = true;
	assert_int_equal(op(VCPUOP_up, 2, NULL), HT_CONTINUED);
	assert_int_equal(op(VCPUOP_is_up, 2, NULL), 0);
	dom[1]->vcpu[2]->context_busy = false;
	assert_int_equal(op(VCPUOP_initialise, 2, &context), -EEXIST);
	assert_int_equal(op(VCPUOP_up, 2, NULL), 0);
	assert_int_equal(op(VCPUOP_up, 2, NULL), 0);
	assert_int_equal(op(VCPUOP_is_up, 2, NULL), 1);
	ht_leave_free(0);
	(void)op(VCPUOP_initialise, 3, &context);
	ht_free_all();
}

/* (S2) A context whose tables take long is continued with the same arguments. */
static void initialising_in_slices(void **state)
{
	mfn_t l4 = new_page(dom[1]), l3 = new_page(dom[1]);
	long rc;

	for (unsigned int i = 0; i < 8; i++)
		((uint64_t *)mfn_to_virt(l3))[i] = pte_make(new_page(dom[1]), PTE_P | PTE_US);
	((uint64_t *)mfn_to_virt(l4))[0] = pte_make(l3, PTE_P | PTE_US);
	context = (struct vcpu_guest_context){.flags = VGCF_in_kernel,
					      .ctrlreg[3] = xen_pfn_to_cr3(mfn_x(l4))};
	become(1);
	ht_preempt_every(1);
	for (unsigned int n = 0;; n++) {
		rc = op(VCPUOP_initialise, 2, &context);
		if (rc != HT_CONTINUED)
			break;
		assert_int_equal(ht_continuation.op, __HYPERVISOR_vcpu_op);
		assert_int_equal(ht_continuation.arg[0], VCPUOP_initialise);
		assert_int_equal(ht_continuation.arg[1], 2);
		assert_int_equal(ht_continuation.arg[2], ht_va(&context));
		assert_int_equal(op(VCPUOP_up, 2, NULL), -EINVAL);
		assert_false(dom[1]->vcpu[2]->context_busy);
		assert_true(n < 100);
	}
	assert_int_equal(rc, 0);
}

/* (S3) Nobody waits for a vCPU to leave its CPU: that one may be just at the same. */
static void taking_each_other_down(void **state)
{
	ht_relax = nobody_may_wait;
	become(1);
	assert_int_equal(op(VCPUOP_down, 1, NULL), 0);
	become(2);
	assert_ptr_equal(current, dom[1]->vcpu[1]); /* still on it */
	assert_int_equal(op(VCPUOP_down, 0, NULL), 0);
	/* By then nobody is left: the guest has powered off. */
	assert_true(dom[1]->is_shut_down);
	assert_int_equal(dom[1]->shutdown_code, SHUTDOWN_poweroff);
	settle();
	assert_true(is_idle_vcpu(ht_current[1]) && is_idle_vcpu(ht_current[2]));
}

static void going_down(void **state)
{
	become(2);
	assert_int_equal(op(VCPUOP_down, 1, NULL), 0);
	assert_int_equal(op(VCPUOP_is_up, 1, NULL), 0);
	settle();
	assert_true(is_idle_vcpu(current));
	become(1);
	assert_int_equal(op(VCPUOP_down, 1, NULL), 0);
	assert_int_equal(op(VCPUOP_down, 2, NULL), 0); /* was never up */
	assert_false(dom[1]->is_shut_down);
	assert_int_equal(op(VCPUOP_up, 1, NULL), 0);
	settle();
	assert_ptr_equal(ht_current[2], dom[1]->vcpu[1]);
	assert_int_equal(op(VCPUOP_down, 1, NULL), 0);
	assert_int_equal(op(VCPUOP_down, 0, NULL), 0);
	assert_true(dom[1]->is_shut_down);
}

/* ---- areas ------------------------------------------------------------------------------------------ */

static void vcpu_infos(void **state)
{
	mfn_t page = new_page(dom[1]), table = new_page(dom[1]);
	struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_x(table)};
	struct vcpu_register_vcpu_info r = {.mfn = mfn_x(page), .offset = 64};
	struct vcpu *v = become(1);

	ht_relax = nobody_may_wait;
	ht_guest_fault(&r, 1);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EFAULT);
	ht_guest_fault(NULL, 0);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 1, &r), -EINVAL); /* it is up */
	r.offset = PAGE_SIZE - sizeof(struct vcpu_info) + 8;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	r.offset = ~7U;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	r.offset = 4;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	r.offset = PAGE_SIZE - sizeof(struct vcpu_info);
	r.mfn = 1UL << 40;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	r.mfn = mfn_x(root[2]);
	assert_true(op(VCPUOP_register_vcpu_info, 0, &r) < 0);
	/* (R1) A page table is no place for it, and its place becomes no page table. */
	assert_int_equal(do_mmuext_op(ht_va(&pin), 1, 0, DOMID_SELF), 0);
	r.mfn = mfn_x(table);
	assert_true(op(VCPUOP_register_vcpu_info, 0, &r) < 0);
	r.mfn = mfn_x(page);
	v->vcpu_info->evtchn_upcall_pending = 1;
	v->vcpu_info->evtchn_pending_sel = 0x77;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), 0);
	assert_ptr_equal(v->vcpu_info, (char *)mfn_to_virt(page) + r.offset);
	assert_int_equal(v->vcpu_info->evtchn_upcall_pending, 1);
	assert_int_equal(v->vcpu_info->evtchn_pending_sel & 0x77, 0x77);
	pin.arg1.mfn = mfn_x(page);
	assert_true(do_mmuext_op(ht_va(&pin), 1, 0, DOMID_SELF) < 0);
	/* Once */
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	assert_int_equal(page_type_count(mfn_to_page(page)), 1);
	/* One that has none begins with events masked, and nothing of others. */
	memset((char *)mfn_to_virt(page), 0xee, 64);
	r.offset = 0;
	assert_int_equal(op(VCPUOP_register_vcpu_info, 35, &r), 0);
	assert_int_equal(dom[1]->vcpu[35]->vcpu_info->evtchn_upcall_mask, 1);
	assert_int_equal(dom[1]->vcpu[35]->vcpu_info->arch.cr2, 0);
}

/* A sender that has looked up the old vcpu_info may be at it until all CPUs were asked. (R2) */
static struct page_info *info_page;
static bool info_was_held;

static void look_at_info(void)
{
	const struct vcpu *v = dom[1]->vcpu[1];

	info_was_held = page_type_count(info_page) == 1 && !v->vcpu_info_registered &&
			v->vcpu_info == &dom[1]->shared_info->vcpu_info[1];
}

static void resetting(void **state)
{
	struct vcpu_register_vcpu_info r = {.mfn = mfn_x(new_page(dom[1])), .offset = 128};
	struct page_info *pg = mfn_to_page(_mfn(r.mfn));
	struct vcpu_set_periodic_timer t = {MILLISECS(5)};
	struct vcpu *v = become(2);
	struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = v->id};

	assert_int_equal(do_event_channel_op(EVTCHNOP_bind_virq, ht_va(&b)), 0);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 1, &r), 0);
	assert_int_equal(op(VCPUOP_set_periodic_timer, 1, &t), 0);
	become(0);
	v->context_busy = true;
	assert_int_equal(vcpu_reset(v), -ERESTART);
	v->context_busy = false;
	info_page = pg;
	called = look_at_info;
	assert_int_equal(vcpu_reset(v), 0);
	called = NULL;
	assert_true(info_was_held);
	assert_false(v->initialised || v->vcpu_info_registered);
	assert_null(v->vcpu_info_page);
	assert_null(v->arch.root);
	assert_ptr_equal(v->vcpu_info, &dom[1]->shared_info->vcpu_info[1]);
	assert_int_equal(page_type_count(pg), 0);
	assert_int_equal(pg->count & PGC_count_mask, 1);
	assert_true(is_idle_vcpu(ht_current[2]));
	assert_true(test_bit(VPF_down, &v->pause_flags));
	assert_false(timer_is_armed(&v->periodic_timer));
	/* Its ports stay its guest's. */
	assert_int_equal(v->virq_port[VIRQ_TIMER], b.port);
	/* It can have another one. */
	become(1);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 1, &r), 0);
}

static void runstates(void **state)
{
	static struct vcpu_runstate_info area[2], poisoned[2];
	struct vcpu_register_runstate_memory_area a = {.addr.v = &area[0]};

	become(1);
	ht_guest_fault(&a, 8);
	assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), -EFAULT);
	ht_guest_fault(NULL, 0);
	a.addr.p = HYPERVISOR_START;
	assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), -EINVAL);
	assert_int_equal(dom[1]->vcpu[0]->runstate_guest, 0);
	a.addr.v = &area[0];
	assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
	assert_int_equal(dom[1]->vcpu[0]->runstate_guest, ht_va(&area[0]));
	/* Another's is written at once. */
	memset(&area[1], 0xee, sizeof(area[1]));
	a.addr.v = &area[1];
	assert_int_equal(op(VCPUOP_register_runstate_memory_area, 1, &a), 0);
	assert_int_equal(area[1].state, RUNSTATE_running);
	ht_guest_fault(&area[1], 1);
	assert_int_equal(op(VCPUOP_register_runstate_memory_area, 1, &a), -EFAULT);
	assert_int_equal(op(VCPUOP_get_runstate_info, 1, &area[1]), -EFAULT);
	ht_guest_fault(NULL, 0);
	/* (X4) All of it is written. */
	for (unsigned int i = 0; i < 2; i++) {
		memset(&poisoned[i], i ? 0xaa : 0x55, sizeof(poisoned[i]));
		assert_int_equal(op(VCPUOP_get_runstate_info, 2, &poisoned[i]), 0);
	}
	assert_memory_equal(&poisoned[0], &poisoned[1], sizeof(poisoned[0]));
	assert_int_equal(poisoned[0].state, RUNSTATE_offline);
}

static void time_areas(void **state)
{
	static struct vcpu_time_info t;
	struct vcpu_register_time_memory_area a = {.addr.v = &t};

	become(1);
	assert_int_equal(op(VCPUOP_register_vcpu_time_memory_area, 0, &a), -ENOSYS);
	time_tsc_stable = true;
	current->vcpu_info->time.system_time = 4711;
	assert_int_equal(op(VCPUOP_register_vcpu_time_memory_area, 0, &a), 0);
	assert_int_equal(t.system_time, 4711);
	ht_guest_fault(&t, 1);
	assert_int_equal(op(VCPUOP_register_vcpu_time_memory_area, 0, &a), -EFAULT);
	ht_guest_fault(&a, 1);
	assert_int_equal(op(VCPUOP_register_vcpu_time_memory_area, 0, &a), -EFAULT);
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static evtchn_port_t timer_port;

static void bind_timer(void)
{
	struct evtchn_bind_virq b = {.virq = VIRQ_TIMER, .vcpu = current->id};

	assert_int_equal(do_event_channel_op(EVTCHNOP_bind_virq, ht_va(&b)), 0);
	timer_port = b.port;
}

/* Has the timer fired since this was asked last? */
static bool fired(void)
{
	unsigned long bit = 1UL << timer_port, *word = &dom[1]->shared_info->evtchn_pending[0];
	bool was = *word & bit;

	*word &= ~bit;
	return was;
}

static void single_shots(void **state)
{
	struct vcpu_set_singleshot_timer t = {(uint64_t)now + MILLISECS(10), 0};

	become(1);
	bind_timer();
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 1, &t), -EINVAL); /* not its own */
	assert_int_equal(op(VCPUOP_stop_singleshot_timer, 1, NULL), -EINVAL);
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	time_passes(MILLISECS(9));
	assert_false(fired());
	time_passes(MILLISECS(1));
	assert_true(fired());
	time_passes(SECONDS(1));
	assert_false(fired());
	/* In the past: at once, unless it says that this would be wrong. */
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	time_passes(0);
	assert_true(fired());
	t.flags = VCPU_SSHOTTMR_future;
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &t), -ETIME);
	/* At the end of all time, which isn't the beginning. */
	t.timeout_abs_ns = ~0UL;
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	time_passes(SECONDS(1000));
	assert_false(fired());
	assert_int_equal(op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
	ht_guest_fault(&t, 1);
	assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &t), -EFAULT);
	/* The other hypercall for it */
	assert_int_equal(do_set_timer_op(now + MILLISECS(1)), 0);
	assert_int_equal(do_set_timer_op(0), 0);
	time_passes(MILLISECS(2));
	assert_false(fired());
	assert_int_equal(do_set_timer_op(-1), 0);
	time_passes(SECONDS(1000));
	assert_false(fired());
	assert_int_equal(do_set_timer_op(1), 0);
	time_passes(0);
	assert_true(fired());
}

static void periods(void **state)
{
	struct vcpu_set_periodic_timer t = {0};

	become(1);
	bind_timer();
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), -EINVAL);
	/* (S4) No guest has more than a thousand a second. */
	t.period_ns = MILLISECS(1) - 1;
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), -EINVAL);
	t.period_ns = ~0UL;
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), -EINVAL);
	t.period_ns = MILLISECS(10);
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), 0);
	for (unsigned int i = 0; i < 3; i++) {
		time_passes(MILLISECS(9));
		assert_false(fired());
		time_passes(MILLISECS(1));
		assert_true(fired());
	}
	/* What was missed isn't made up for. */
	time_passes(SECONDS(100));
	assert_true(fired());
	time_passes(MILLISECS(9));
	assert_false(fired());
	time_passes(MILLISECS(1));
	assert_true(fired());
	assert_int_equal(op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
	time_passes(SECONDS(1));
	assert_false(fired());
	t.period_ns = (uint64_t)STIME_MAX / 4;
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), 0);
	time_passes(SECONDS(1));
	assert_false(fired());
	ht_guest_fault(&t, 1);
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), -EFAULT);
}

/* One that is in its function when it is stopped: it doesn't set itself again. */
static void a_period_that_was_stopped(void **state)
{
	struct vcpu_set_periodic_timer t = {MILLISECS(10)};
	struct vcpu *v = become(1);

	bind_timer();
	assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &t), 0);
	v->periodic_period = 0;
	time_passes(MILLISECS(10));
	assert_true(fired());
	assert_false(timer_is_armed(&v->periodic_timer));
}

static void polling(void **state)
{
	struct sched_poll p = {.timeout = (uint64_t)now + MILLISECS(3)};
	struct vcpu *v = become(1);

	assert_int_equal(do_sched_op(SCHEDOP_poll, ht_va(&p)), 0);
	settle();
	assert_true(is_idle_vcpu(current));
	time_passes(MILLISECS(2));
	assert_true(is_idle_vcpu(current));
	time_passes(MILLISECS(1));
	assert_ptr_equal(current, v);
}

static void nmis(void **state)
{
	become(1);
	assert_int_equal(op(VCPUOP_send_nmi, 1, NULL), 0);
	assert_false(dom[1]->vcpu[1]->arch.nmi_pending); /* nowhere to go */
	dom[1]->vcpu[1]->arch.traps[2].address = 0x1000;
	assert_int_equal(op(VCPUOP_send_nmi, 1, NULL), 0);
	assert_true(dom[1]->vcpu[1]->arch.nmi_pending);
	assert_int_equal(op(12345, 1, NULL), -ENOSYS);
	assert_int_equal(op(VCPUOP_is_up, ~0U, NULL), -ENOENT);
}

/* ---- stopping ---------------------------------------------------------------------------------------------- */

static void shutting_down(void **state)
{
	become(3);
	domain_shutdown(dom[2], SHUTDOWN_reboot);
	assert_true(dom[2]->is_shut_down);
	settle();
	assert_true(is_idle_vcpu(ht_current[3]));
	/* Once is enough: the reason stays, and so does the count of pauses. */
	domain_shutdown(dom[2], SHUTDOWN_crash);
	assert_int_equal(dom[2]->shutdown_code, SHUTDOWN_reboot);
	domain_crash(dom[2], "again");
	assert_int_equal(dom[2]->shutdown_code, SHUTDOWN_reboot);
	domain_resume(dom[2]);
	domain_resume(dom[2]);
	settle();
	assert_ptr_equal(ht_current[3], dom[2]->vcpu[0]);
	assert_int_equal(dom[2]->pause_count, 0);
	/* A crash shows the registers of who did it. */
	become(3);
	dumps = 0;
	domain_crash(dom[2], "%s", "it did something");
	assert_int_equal(dumps, 1);
	assert_int_equal(dom[2]->shutdown_code, SHUTDOWN_crash);
	domain_crash(dom[1], "%s", "somebody did something");
	assert_int_equal(dumps, 1);
}

/* The control domain's end is the machine's, whoever says so; a guest can't. */
static void the_machines_end(void **state)
{
	static const struct {
		uint8_t reason;
		const char *how;
	} ends[] = {{SHUTDOWN_poweroff, "poweroff"},
		    {SHUTDOWN_reboot, "reboot"},
		    {SHUTDOWN_crash, "crash"},
		    {SHUTDOWN_suspend, "reboot"}};
	struct sched_remote_shutdown r = {.domain_id = 0, .reason = SHUTDOWN_poweroff};

	for (volatile unsigned int i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!setjmp(ended))
			domain_shutdown(dom[0], ends[i].reason);
		assert_string_equal(machine_end, ends[i].how);
	}
	machine_end = NULL;
	become(1);
	if (!setjmp(ended))
		assert_int_equal(do_sched_op(SCHEDOP_remote_shutdown, ht_va(&r)), -EPERM);
	assert_null(machine_end);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static void who_cannot_be_killed(void **state)
{
	become(0);
	assert_int_equal(domain_kill(dom[0]), -EINVAL);
	become(1);
	assert_int_equal(domain_kill(dom[1]), -EINVAL);
	assert_int_equal(dom[1]->dying, DOMDYING_alive);
}

/* In slices, whatever it has; nothing of it can be used meanwhile. */
static void an_end_in_slices(void **state)
{
	struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};
	struct vcpu_register_vcpu_info r = {.mfn = mfn_x(new_page(dom[1]))};
	mfn_t l4 = new_page(dom[1]), l3 = new_page(dom[1]);
	struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn_x(l4)};
	unsigned int n = 0;
	int rc;

	become(1);
	for (unsigned int i = 0; i < 8; i++)
		((uint64_t *)mfn_to_virt(l3))[i] = pte_make(new_page(dom[1]), PTE_P | PTE_US);
	((uint64_t *)mfn_to_virt(l4))[0] = pte_make(l3, PTE_P | PTE_US);
	assert_int_equal(do_mmuext_op(ht_va(&pin), 1, 0, DOMID_SELF), 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(do_event_channel_op(EVTCHNOP_alloc_unbound, ht_va(&a)), 0);
	assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), 0);
	for (unsigned int i = 0; i < 20; i++)
		new_page(dom[1]);
	become(0);
	deaths_audited = 0;
	ht_preempt_every(1);
	while ((rc = domain_kill(dom[1])) == -ERESTART) {
		struct page_info *pg = page_alloc(0, 0);

		n++;
		assert_int_equal(dom[1]->dying, DOMDYING_dying);
		assert_int_equal(page_assign(dom[1], pg, 0), -EINVAL);
		page_free(pg, 0);
		assert_true(is_idle_vcpu(ht_current[1]) && is_idle_vcpu(ht_current[2]));
		assert_int_equal(deaths_audited, 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 2);
	assert_int_equal(deaths_audited, 1);
	assert_null(domain_get_by_id(1));
	dom[1] = NULL;
}

/* (R2) A frame that somebody still has keeps its dead owner, findable, until it is back. */
static void a_frame_outlives_its_domain(void **state)
{
	struct page_info *pg = mfn_to_page(new_page(dom[2]));
	struct xen_domctl_createdomain c = config(1);
	struct domain *d;

	become(0);
	assert_true(page_get(pg, dom[2]));
	deaths_audited = 0;
	assert_int_equal(domain_kill(dom[2]), 0);
	assert_int_equal(domain_kill(dom[2]), 0);
	d = domain_get_by_id(2);
	assert_ptr_equal(d, dom[2]);
	domain_put(d);
	assert_int_equal(dom[2]->dying, DOMDYING_dead);
	assert_int_equal(dom[2]->tot_pages, 1);
	assert_ptr_equal(page_get_owner(pg), dom[2]);
	/* Nobody new gets its number: the frame would be his. */
	assert_int_equal(domain_create(2, &c, false, &d), -EEXIST);
	assert_int_equal(deaths_audited, 0);
	page_put(pg);
	assert_int_equal(deaths_audited, 1);
	assert_null(domain_get_by_id(2));
	assert_int_equal(domain_create(2, &c, false, &dom[2]), 0);
	/* Nor does a late reference bring one back. */
	assert_false(page_get(pg, dom[2]));
}

static void references(void **state)
{
	struct domain *d;

	become(0);
	d = domain_get_by_id(2);
	assert_int_equal(domain_kill(dom[2]), 0);
	/* Out of all lists, but there. */
	assert_null(domain_get_by_id(2));
	assert_true(d->gone);
	assert_int_equal(d->refcount, 1);
	assert_true(domain_get(d));
	domain_put(d);
	domain_put(d);
	dom[2] = NULL;
}

/* ---- at the same time ---------------------------------------------------------------------- */

#define ROUNDS 20000

static pthread_barrier_t barrier;
static struct vcpu_register_vcpu_info shared_area;
static struct vcpu *victim;

static void *registers(void *unused)
{
	ht_thread_is_cpu(1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		(void)op(VCPUOP_register_vcpu_info, victim->id, &shared_area);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/*
 * (R2) A vCPU that the control domain resets, while another of its guest gives it an
 * area: what it uses in the end is an area whose page is held, or none.
 */
static void registering_against_releasing(void **state)
{
	struct page_info *pg;
	pthread_t other;

	victim = dom[1]->vcpu[5];
	shared_area = (struct vcpu_register_vcpu_info){.mfn = mfn_x(new_page(dom[1]))};
	pg = mfn_to_page(_mfn(shared_area.mfn));
	ht_thread_is_cpu(0);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&other, NULL, registers, NULL), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		for (unsigned int j = 0; j < 1000 && !READ_ONCE(victim->vcpu_info_page); j++)
			;
		vcpu_release_info(victim);
		pthread_barrier_wait(&barrier);
		if (victim->vcpu_info == mfn_to_virt(_mfn(shared_area.mfn))) {
			assert_ptr_equal(victim->vcpu_info_page, pg);
			assert_true(victim->vcpu_info_registered);
		}
		assert_int_equal(page_type_count(pg), victim->vcpu_info_page ? 1 : 0);
		assert_int_equal(vcpu_reset(victim), 0);
		assert_int_equal(page_type_count(pg), 0);
		pthread_barrier_wait(&barrier);
	}
	pthread_join(other, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(arguments_of_creation),
		T(a_new_domain),
		T(creation_without_memory),
		T(lookups),
		T(foreign_domains),
		T(initialising),
		T(initialising_in_slices),
		T(taking_each_other_down),
		T(going_down),
		T(vcpu_infos),
		T(resetting),
		T(runstates),
		T(time_areas),
		T(single_shots),
		T(periods),
		T(a_period_that_was_stopped),
		T(polling),
		T(nmis),
		T(shutting_down),
		T(the_machines_end),
		T(who_cannot_be_killed),
		T(an_end_in_slices),
		T(a_frame_outlives_its_domain),
		T(references),
		T(registering_against_releasing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
