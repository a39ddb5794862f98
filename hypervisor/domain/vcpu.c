/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * vCPUs: making, their vcpu_info, the guest's timers, and the vcpu_op hypercall.
 *
 * A vCPU without a vcpu_info of its own (id >= XEN_LEGACY_MAX_VCPUS, not yet
 * registered) uses a dummy page that nobody reads.
 */
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/runstate.h>

#define MIN_PERIOD MILLISECS(1)

static struct vcpu_info dummy_info = {.evtchn_upcall_mask = 1};

/* ---- timers ---------------------------------------------------------------------- */

static void singleshot_fired(void *data)
{
	evtchn_send_virq(data, VIRQ_TIMER);
}

static void periodic_fired(void *data)
{
	struct vcpu *v = data;
	s_time_t now = time_now();

	evtchn_send_virq(v, VIRQ_TIMER);
	if (!v->periodic_period)
		return;
	/* Ticks that were missed are not made up for. */
	v->periodic_last = max(v->periodic_last + v->periodic_period, now);
	timer_set(&v->periodic_timer, v->periodic_last + v->periodic_period);
}

static void poll_fired(void *data)
{
	vcpu_poll_wake(data);
}

/* ---- making ------------------------------------------------------------------------ */

static struct vcpu_info *default_info(const struct vcpu *v)
{
	return v->domain->shared_info && v->id < XEN_LEGACY_MAX_VCPUS
		       ? &v->domain->shared_info->vcpu_info[v->id]
		       : &dummy_info;
}

/*
 * (R2) What is used and what is held change together: its guest may just register one.
 * Returns the page that was in use, if it was the guest's: it is held still, since who
 * sends an event may be writing to it.
 */
static struct page_info *replace_info(struct vcpu *v, struct vcpu_info *info)
{
	struct page_info *pg;

	spin_lock(&v->domain->evtchn_lock);
	pg = v->vcpu_info_page;
	WRITE_ONCE(v->vcpu_info, info);
	v->vcpu_info_page = NULL;
	v->vcpu_info_registered = false;
	spin_unlock(&v->domain->evtchn_lock);
	return pg;
}

static void nothing(void *unused)
{
}

/* Senders hold a port's lock, with interrupts off: who answers a call has none (any more). */
static void reset_info(struct vcpu *v)
{
	struct page_info *pg = replace_info(v, default_info(v));

	if (!pg)
		return;
	on_cpus(cpu_online_map, nothing, NULL);
	page_put_and_type_simple(pg);
}

int vcpu_create(struct domain *d, unsigned int id, unsigned int cpu)
{
	struct vcpu *v;
	int rc;

	if (id >= d->max_vcpus || d->vcpu[id])
		return -EINVAL;
	v = hv_zalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->domain = d;
	v->id = id;
	set_bit(VPF_down, &v->pause_flags);
	v->vcpu_info = default_info(v);
	timer_init(&v->periodic_timer, periodic_fired, v, cpu);
	timer_init(&v->singleshot_timer, singleshot_fired, v, cpu);
	timer_init(&v->poll_timer, poll_fired, v, cpu);
	rc = sched_init_vcpu(v, cpu);
	if (!rc)
		rc = arch_vcpu_create(v);
	if (rc) {
		arch_vcpu_destroy(v);
		sched_fini_vcpu(v);
		hv_free(v);
		return rc;
	}
	smp_wmb();
	d->vcpu[id] = v;
	return 0;
}

int vcpu_reset(struct vcpu *v)
{
	int rc;

	/* Another vCPU of the guest initialises it. */
	if (__atomic_exchange_n(&v->context_busy, true, __ATOMIC_ACQUIRE))
		return -ERESTART;
	vcpu_pause(v);
	/* It may not run before a reset that is preempted is finished. */
	set_bit(VPF_down, &v->pause_flags);
	rc = arch_vcpu_reset(v);
	if (!rc) {
		clear_bit(VPF_blocked, &v->pause_flags);
		timer_stop(&v->periodic_timer);
		timer_stop(&v->singleshot_timer);
		v->periodic_period = 0;
		v->runstate_guest = 0;
		reset_info(v);
	}
	vcpu_unpause(v);
	__atomic_store_n(&v->context_busy, false, __ATOMIC_RELEASE);
	return rc;
}

/* ---- vcpu_info ------------------------------------------------------------------------ */

static void copy_info(struct vcpu_info *new, const struct vcpu_info *old)
{
	if (old == &dummy_info) {
		memset(new, 0, sizeof(*new));
		new->evtchn_upcall_mask = 1;
	} else {
		memcpy(new, old, sizeof(*new));
	}
}

/*
 * (R2) The page is held once, whoever else registers one at the same time. Another
 * vCPU's only while that is down: two that stop each other would wait for ever (S3).
 */
int vcpu_register_info(struct vcpu *v, mfn_t mfn, unsigned int offset)
{
	struct domain *d = v->domain;
	struct vcpu_info *new;
	int rc;

	if (offset > PAGE_SIZE - sizeof(*new) || (offset & 7))
		return (int)hv_err(-EINVAL, "offset %#x is not for a vcpu_info", offset);
	if (v != current && !test_bit(VPF_down, &v->pause_flags))
		return (int)hv_err(-EINVAL, "vCPU %u is up", v->id);
	if (!mfn_valid(mfn))
		return -EINVAL;
	rc = page_get_and_type(mfn_to_page(mfn), d, PGT_writable);
	if (rc)
		return rc;
	spin_lock(&d->evtchn_lock);
	if (v->vcpu_info_registered) {
		spin_unlock(&d->evtchn_lock);
		page_put_and_type_simple(mfn_to_page(mfn));
		return (int)hv_err(-EINVAL, "vCPU %u has one already", v->id);
	}
	new = (struct vcpu_info *)((char *)mfn_to_virt(mfn) + offset);
	copy_info(new, v->vcpu_info);
	v->vcpu_info_page = mfn_to_page(mfn);
	v->vcpu_info_registered = true;
	smp_wmb();
	WRITE_ONCE(v->vcpu_info, new);
	/* Events that were raised into the old one meanwhile must not be lost. */
	evtchn_vcpu_info_moved(v);
	time_update_vcpu(v);
	spin_unlock(&d->evtchn_lock);
	return 0;
}

void vcpu_release_info(struct vcpu *v)
{
	struct page_info *pg = replace_info(v, &dummy_info);

	ASSERT(!v->domain->evtchn_count);
	if (pg)
		page_put_and_type_simple(pg);
}

/* ---- hypercalls ---------------------------------------------------------------------- */

/* Once, and by one: another would drop the root that it may run on already. */
static long initialise_once(struct vcpu *v, const struct vcpu_guest_context *c)
{
	long rc;

	if (__atomic_exchange_n(&v->context_busy, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	rc = v->initialised ? -EEXIST : arch_vcpu_set_context(v, c);
	__atomic_store_n(&v->context_busy, false, __ATOMIC_RELEASE);
	return rc;
}

static long op_initialise(struct vcpu *v, uint64_t arg)
{
	struct vcpu_guest_context *c;
	long rc;

	if (v == current || !v->vcpu_info || v->vcpu_info == &dummy_info)
		return -EINVAL;
	c = hv_zalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	rc = guest_copy_in(c, arg, sizeof(*c)) ? -EFAULT : initialise_once(v, c);
	hv_free(c);
	if (rc == -ERESTART) {
		const unsigned long args[] = {VCPUOP_initialise, v->id, arg};

		return hypercall_continue(__HYPERVISOR_vcpu_op, 3, args);
	}
	return rc;
}

/* Not while its context is being made, or, by the control domain, unmade: a bit later. */
static long op_up(struct vcpu *v)
{
	const unsigned long again[] = {VCPUOP_up, v->id, 0};
	bool ready, was_down = false;

	if (__atomic_exchange_n(&v->context_busy, true, __ATOMIC_ACQUIRE))
		return hypercall_continue(__HYPERVISOR_vcpu_op, 3, again);
	ready = v->initialised;
	if (ready)
		was_down = test_and_clear_bit(VPF_down, &v->pause_flags);
	__atomic_store_n(&v->context_busy, false, __ATOMIC_RELEASE);
	if (was_down)
		vcpu_wake(v);
	return ready ? 0 : -EINVAL;
}

static long op_down(struct vcpu *v)
{
	struct domain *d = v->domain;
	struct vcpu *other;
	unsigned int left = 0;

	/* One that takes its last vCPU down has powered off, in a way. */
	for_each_vcpu (d, other)
		left += other != v && !test_bit(VPF_down, &other->pause_flags);
	if (!left) {
		domain_shutdown(d, SHUTDOWN_poweroff);
		return 0;
	}
	if (!test_and_set_bit(VPF_down, &v->pause_flags)) {
		if (v == current)
			softirq_raise(SOFTIRQ_SCHED);
		else
			vcpu_sleep_nosync(v); /* it may be just at taking us down */
	}
	return 0;
}

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer t;

	if (guest_copy_in(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.period_ns < (uint64_t)MIN_PERIOD || t.period_ns > (uint64_t)STIME_MAX / 4)
		return -EINVAL;
	v->periodic_period = (s_time_t)t.period_ns;
	v->periodic_last = time_now();
	timer_set(&v->periodic_timer, v->periodic_last + v->periodic_period);
	return 0;
}

static void arm_singleshot(struct vcpu *v, s_time_t when)
{
	timer_migrate(&v->singleshot_timer, smp_processor_id());
	timer_set(&v->singleshot_timer, when);
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_singleshot_timer t;
	s_time_t when;

	if (v != current)
		return -EINVAL;
	if (guest_copy_in(&t, arg, sizeof(t)))
		return -EFAULT;
	when = t.timeout_abs_ns > (uint64_t)STIME_MAX ? STIME_MAX : (s_time_t)t.timeout_abs_ns;
	if ((t.flags & VCPU_SSHOTTMR_future) && when < time_now())
		return -ETIME;
	arm_singleshot(v, when);
	return 0;
}

static long op_register_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_runstate_memory_area a;

	if (guest_copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	if (!guest_range_ok(a.addr.p, sizeof(struct vcpu_runstate_info)))
		return -EINVAL;
	v->runstate_guest = a.addr.p;
	if (v == current) {
		arch_runstate_enter(v);
	} else {
		struct vcpu_runstate_info r;

		/* Of another vCPU: through our own tables, which share the kernel's half. */
		vcpu_runstate_get(v, &r);
		if (guest_copy_out(a.addr.p, &r, sizeof(r)))
			return -EFAULT;
	}
	return 0;
}

/*
 * The vCPU's time record once more, at an address of the guest's choice: one that
 * its user mode may read. Only offered when the record never changes.
 */
static long op_register_time(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_time_memory_area a;
	struct vcpu_time_info t;

	if (!time_tsc_stable)
		return -ENOSYS;
	if (guest_copy_in(&a, arg, sizeof(a)))
		return -EFAULT;
	spin_lock(&v->domain->evtchn_lock); /* it stays where it is */
	t = v->vcpu_info->time;
	spin_unlock(&v->domain->evtchn_lock);
	return guest_copy_out(a.addr.p, &t, sizeof(t)) ? -EFAULT : 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_runstate_info r;

	vcpu_runstate_get(v, &r);
	return guest_copy_out(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info r;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	return vcpu_register_info(v, _mfn(r.mfn), r.offset);
}

static long op_send_nmi(struct vcpu *v)
{
	if (v->arch.traps[2].address) {
		v->arch.nmi_pending = true;
		vcpu_kick(v);
	}
	return 0;
}

long do_vcpu_op(int cmd, unsigned int vcpuid, uint64_t arg)
{
	struct domain *d = current->domain;
	struct vcpu *v = domain_vcpu(d, vcpuid);

	if (!v)
		return -ENOENT;
	switch (cmd) {
	case VCPUOP_initialise:
		return op_initialise(v, arg);
	case VCPUOP_up:
		return op_up(v);
	case VCPUOP_down:
		return op_down(v);
	case VCPUOP_is_up:
		return !test_bit(VPF_down, &v->pause_flags);
	case VCPUOP_get_runstate_info:
		return op_get_runstate(v, arg);
	case VCPUOP_register_runstate_memory_area:
		return op_register_runstate(v, arg);
	case VCPUOP_set_periodic_timer:
		return op_set_periodic(v, arg);
	case VCPUOP_stop_periodic_timer:
		v->periodic_period = 0;
		timer_stop(&v->periodic_timer);
		return 0;
	case VCPUOP_set_singleshot_timer:
		return op_set_singleshot(v, arg);
	case VCPUOP_stop_singleshot_timer:
		if (v != current)
			return -EINVAL;
		timer_stop(&v->singleshot_timer);
		return 0;
	case VCPUOP_register_vcpu_info:
		return op_register_info(v, arg);
	case VCPUOP_register_vcpu_time_memory_area:
		return op_register_time(v, arg);
	case VCPUOP_send_nmi:
		return op_send_nmi(v);
	default:
		return hypercall_no_subop(__HYPERVISOR_vcpu_op, (unsigned int)cmd);
	}
}

long do_set_timer_op(s_time_t timeout)
{
	struct vcpu *v = current;

	if (!timeout)
		timer_stop(&v->singleshot_timer);
	else
		arm_singleshot(v, timeout < 0 ? STIME_MAX : timeout);
	return 0;
}
