/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The 2-level ABI: a pending and a mask bit per port in shared_info, a selector
 * bit per word of these in vcpu_info. No locks of its own: the words are the guest's too,
 * each is changed by one atomic operation and none is read for more than a bit.
 *
 * A port may have a number that the ABI has no bit for (it was made while the
 * FIFO ABI was in use, and is free now): every function checks.
 */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include "internal.h"

/* (E5) */
static void tell(struct domain *d, const struct evtchn *chn)
{
	struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)];

	/* vcpu_info may move under us: evtchn_vcpu_info_moved() then makes up for it. */
	if (v && !test_and_set_bit(chn->port / BITS_PER_LONG,
				   &READ_ONCE(v->vcpu_info)->evtchn_pending_sel))
		evtchn_notify_vcpu(v);
}

static void set_pending_2l(struct domain *d, struct evtchn *chn)
{
	ASSERT(evtchn_may_raise(d, chn));
	if (chn->port >= EVTCHN_2L_NR_CHANNELS)
		return;
	if (!test_and_set_bit(chn->port, d->shared_info->evtchn_pending) &&
	    !test_bit(chn->port, d->shared_info->evtchn_mask))
		tell(d, chn);
}

static void clear_pending_2l(struct domain *d, struct evtchn *chn)
{
	if (chn->port < EVTCHN_2L_NR_CHANNELS)
		clear_bit(chn->port, d->shared_info->evtchn_pending);
}

static bool is_pending_2l(struct domain *d, const struct evtchn *chn)
{
	return chn->port < EVTCHN_2L_NR_CHANNELS &&
	       test_bit(chn->port, d->shared_info->evtchn_pending);
}

static bool is_masked_2l(struct domain *d, const struct evtchn *chn)
{
	return chn->port >= EVTCHN_2L_NR_CHANNELS ||
	       test_bit(chn->port, d->shared_info->evtchn_mask);
}

static void unmask_2l(struct domain *d, struct evtchn *chn)
{
	ASSERT(evtchn_may_raise(d, chn));
	if (chn->port < EVTCHN_2L_NR_CHANNELS &&
	    test_and_clear_bit(chn->port, d->shared_info->evtchn_mask) &&
	    test_bit(chn->port, d->shared_info->evtchn_pending))
		tell(d, chn);
}

static bool is_busy_2l(struct domain *d, const struct evtchn *chn)
{
	return false;
}

const struct evtchn_port_ops evtchn_ops_2l = {
	.name = "2-level",
	.max_ports = EVTCHN_2L_NR_CHANNELS,
	.set_pending = set_pending_2l,
	.clear_pending = clear_pending_2l,
	.is_pending = is_pending_2l,
	.is_masked = is_masked_2l,
	.unmask = unmask_2l,
	.is_busy = is_busy_2l,
};
