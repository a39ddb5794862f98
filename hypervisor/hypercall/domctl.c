/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The domctl hypercall: framing and dispatch. Handlers are in domctl_*.c and, for
 * what depends on the machine, in x86/pv/domctl*.c.
 *
 * Lock: domctl_lock (RANK_DOMCTL). All domctls are serialised by it. Who finds it
 * taken doesn't wait but executes the hypercall again, so that interrupts and the
 * scheduler get their turn.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>

#include "domctl.h"

static struct spinlock domctl_lock = SPINLOCK_INIT(RANK_DOMCTL);

static int domctl_refused(struct domain *d, struct xen_domctl *op)
{
	return -EOPNOTSUPP;
}

#define HANDLER_IMPLEMENTED(n, name) [n] = domctl_##name,
#define HANDLER_PARTLY(n, name)      [n] = domctl_##name,
#define HANDLER_REFUSED(n, name)     [n] = domctl_refused,
#define HANDLER_NOT(n, name)
#define HANDLER(prefix, name, status, remark) HANDLER_##status(prefix##name, name)

static const domctl_fn handlers[] = {SUBOPS_domctl(HANDLER)};

static domctl_fn find_handler(uint32_t cmd)
{
	return cmd < ARRAY_SIZE(handlers) ? handlers[index_nospec(cmd, ARRAY_SIZE(handlers))]
					  : NULL;
}

/* These two find or make their domain themselves. */
static bool needs_domain(uint32_t cmd)
{
	return cmd != XEN_DOMCTL_createdomain && cmd != XEN_DOMCTL_getdomaininfo;
}

static int call_handler(domctl_fn fn, struct xen_domctl *op)
{
	struct domain *d = NULL;
	int rc;

	if (needs_domain(op->cmd)) {
		/* No short forms here: tools name the domain. */
		d = op->domain < DOMID_FIRST_RESERVED ? domain_get_by_id(op->domain) : NULL;
		if (!d)
			return -ESRCH;
	}
	rc = fn(d, op);
	if (d)
		domain_put(d);
	return rc;
}

long do_domctl(uint64_t arg)
{
	const unsigned long again[] = {arg};
	struct xen_domctl op, before;
	domctl_fn fn;
	int rc;

	if (guest_copy_in(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return hv_err(-EACCES, "interface version %#x, this is %#x", op.interface_version,
			      XEN_DOMCTL_INTERFACE_VERSION);
	fn = find_handler(op.cmd);
	if (!fn)
		return hypercall_no_subop(__HYPERVISOR_domctl, op.cmd);
	if (!spin_trylock(&domctl_lock))
		return hypercall_continue(__HYPERVISOR_domctl, 1, again);
	/* Padding and all, so that only what a handler changed differs. */
	memcpy(&before, &op, sizeof(op));
	rc = call_handler(fn, &op);
	spin_unlock(&domctl_lock);
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(&op, &before, sizeof(op)) && guest_copy_out(arg, &op, sizeof(op)))
		return -EFAULT;
	return rc == -ERESTART ? hypercall_continue(__HYPERVISOR_domctl, 1, again) : rc;
}
