/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The sysctl hypercall: framing and dispatch, the lists of domains, the console
 * ring and debug keys. What the machine is made of: sysctl_machine.c. CPU pools and
 * the scheduler: sysctl_sched.c.
 *
 * Lock: sysctl_lock (RANK_DOMCTL), as domctl's; never both.
 */
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>

#include "domctl.h"

#define MAX_DEBUG_KEYS 256U

static struct spinlock sysctl_lock = SPINLOCK_INIT(RANK_DOMCTL);

static int sysctl_refused(struct xen_sysctl *op)
{
	return -EOPNOTSUPP;
}

#define HANDLER_IMPLEMENTED(n, name) [n] = sysctl_##name,
#define HANDLER_PARTLY(n, name)      [n] = sysctl_##name,
#define HANDLER_REFUSED(n, name)     [n] = sysctl_refused,
#define HANDLER_NOT(n, name)
#define HANDLER(prefix, name, status, remark) HANDLER_##status(prefix##name, name)

static const sysctl_fn handlers[] = {SUBOPS_sysctl(HANDLER)};

static sysctl_fn find_handler(uint32_t cmd)
{
	return cmd < ARRAY_SIZE(handlers) ? handlers[index_nospec(cmd, ARRAY_SIZE(handlers))]
					  : NULL;
}

long do_sysctl(uint64_t arg)
{
	const unsigned long again[] = {arg};
	struct xen_sysctl op, before;
	sysctl_fn fn;
	int rc;

	if (guest_copy_in(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return hv_err(-EACCES, "interface version %#x, this is %#x", op.interface_version,
			      XEN_SYSCTL_INTERFACE_VERSION);
	fn = find_handler(op.cmd);
	if (!fn)
		return hypercall_no_subop(__HYPERVISOR_sysctl, op.cmd);
	if (!spin_trylock(&sysctl_lock))
		return hypercall_continue(__HYPERVISOR_sysctl, 1, again);
	/* Padding and all, so that only what a handler changed differs. */
	memcpy(&before, &op, sizeof(op));
	rc = fn(&op);
	spin_unlock(&sysctl_lock);
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(&op, &before, sizeof(op)) && guest_copy_out(arg, &op, sizeof(op)))
		return -EFAULT;
	return rc;
}

int sysctl_readconsole(struct xen_sysctl *op)
{
	return console_ring_read(&op->u.readconsole);
}

int sysctl_debug_keys(struct xen_sysctl *op)
{
	const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

	if (k->nr_keys > MAX_DEBUG_KEYS)
		return (int)hv_err(-E2BIG, "%u debug keys at once", k->nr_keys);
	for (uint32_t i = 0; i < k->nr_keys; i++) {
		char key;

		if (guest_from(k->keys, i, &key))
			return -EFAULT;
		keyhandler_run(key, guest_regs());
	}
	return 0;
}

int sysctl_getdomaininfolist(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	domid_t next = l->first_domain;
	uint32_t n;

	for (n = 0; n < l->max_domains; n++) {
		struct xen_domctl_getdomaininfo info;
		struct domain *d = domain_get_from_id(next);

		if (!d)
			break;
		domain_get_info(d, &info);
		next = (domid_t)(d->id + 1);
		domain_put(d);
		if (guest_to(l->buffer, n, &info))
			return -EFAULT;
	}
	l->num_domains = n;
	return 0;
}
