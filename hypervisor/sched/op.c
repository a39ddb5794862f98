/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The sched_op hypercall: yield, block, poll, shutdown. */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/sched.h>
#include <hv/time.h>
#include <arch/cpu.h>

#define POLL_MAX_PORTS 128

static long op_block(struct vcpu *v)
{
	WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, 0);
	vcpu_block(v);
	return 0;
}

/* Is one of the ports pending, masked or not? -EINVAL: no such port. */
static long poll_ports_pending(struct domain *d, const struct sched_poll *p)
{
	for (unsigned int i = 0; i < p->nr_ports; i++) {
		evtchn_port_t port;

		if (guest_from(p->ports, i, &port))
			return -EFAULT;
		if (!evtchn_port_is_valid(d, port))
			return -EINVAL;
		if (evtchn_port_is_pending(d, port))
			return 1;
	}
	return 0;
}

static long op_poll(struct vcpu *v, uint64_t arg)
{
	struct domain *d = v->domain;
	struct sched_poll p;
	evtchn_port_t first = 0;
	long rc;

	if (guest_copy_in(&p, arg, sizeof(p)))
		return -EFAULT;
	if (p.nr_ports > POLL_MAX_PORTS)
		return -EINVAL;
	if (p.nr_ports == 1 && guest_from(p.ports, 0, &first))
		return -EFAULT;
	/* First be findable by senders, then look: an event in between wakes us. */
	v->poll_port = first;
	set_bit(VPF_polling, &v->pause_flags);
	set_bit(v->id, d->poll_mask);
	smp_mb();
	rc = poll_ports_pending(d, &p);
	if (rc || arch_vcpu_event_deliverable(v)) {
		clear_bit(v->id, d->poll_mask);
		clear_bit(VPF_polling, &v->pause_flags);
		return min(rc, 0L);
	}
	timer_migrate(&v->poll_timer, smp_processor_id());
	if (p.timeout)
		timer_set(&v->poll_timer,
			  p.timeout > (uint64_t)STIME_MAX ? STIME_MAX : (s_time_t)p.timeout);
	else
		timer_stop(&v->poll_timer);
	softirq_raise(SOFTIRQ_SCHED);
	return 0;
}

static long op_shutdown(struct vcpu *v, uint64_t arg)
{
	struct sched_shutdown s;

	if (guest_copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	if (s.reason > SHUTDOWN_MAX)
		return -EINVAL;
	domain_shutdown(v->domain, (uint8_t)s.reason);
	return 0;
}

static long op_shutdown_code(struct vcpu *v, uint64_t arg)
{
	struct sched_shutdown s;

	if (guest_copy_in(&s, arg, sizeof(s)))
		return -EFAULT;
	v->domain->shutdown_code = (uint8_t)s.reason;
	return 0;
}

static long op_remote_shutdown(uint64_t arg)
{
	struct sched_remote_shutdown r;
	struct domain *d;

	if (guest_copy_in(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!is_control_domain(current->domain))
		return -EPERM;
	if (r.reason > SHUTDOWN_MAX)
		return -EINVAL;
	d = domain_get_by_id(r.domain_id);
	if (!d)
		return -ESRCH;
	domain_shutdown(d, (uint8_t)r.reason);
	domain_put(d);
	return 0;
}

long do_sched_op(int cmd, uint64_t arg)
{
	struct vcpu *v = current;

	switch (cmd) {
	case SCHEDOP_yield:
		sched_policy->yield(v);
		softirq_raise(SOFTIRQ_SCHED);
		return 0;
	case SCHEDOP_block:
		return op_block(v);
	case SCHEDOP_poll:
		return op_poll(v, arg);
	case SCHEDOP_shutdown:
		return op_shutdown(v, arg);
	case SCHEDOP_shutdown_code:
		return op_shutdown_code(v, arg);
	case SCHEDOP_remote_shutdown:
		return op_remote_shutdown(arg);
	default:
		return hypercall_no_subop(__HYPERVISOR_sched_op, (unsigned int)cmd);
	}
}
