/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ending a domain. Every step is tried, whatever failed before it: what is
 * left of a domain is in somebody's way. Owns nothing; no locks.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "dom0-tools/libdomain/internal.h"

/*
 * The hypervisor gives the last pages back when daemons and back-ends have
 * dropped their mappings, a moment after they learn of the domain's end. The
 * store tells of that end only once, so the rest is looked for, ever more
 * rarely, up to about a second.
 */
#define LINGER_FIRST_MS 1
#define LINGER_LAST_MS  256

static int kill_domain(struct dom_ctx *ctx, uint32_t domid)
{
	struct xen_domctl op;
	int rc;

	do { /* -EAGAIN: some of it is done, and it wants to be called again */
		memset(&op, 0, sizeof(op));
		op.cmd = XEN_DOMCTL_destroydomain;
		op.domain = (domid_t)domid;
		rc = hv_domctl(ctx->hv, &op);
	} while (rc == -EAGAIN);
	return rc == -ESRCH ? 0 : rc;
}

static bool is_there(struct dom_ctx *ctx, uint32_t domid, const uint8_t handle[16])
{
	struct xen_domctl_getdomaininfo info;

	return !hv_domain_getinfo(ctx->hv, (domid_t)domid, &info) && info.domain == domid &&
	       !memcmp(info.handle, handle, sizeof(info.handle));
}

static void wait_gone(struct dom_ctx *ctx, uint32_t domid, const uint8_t handle[16])
{
	for (int ms = LINGER_FIRST_MS; is_there(ctx, domid, handle); ms *= 2) {
		if (ms > LINGER_LAST_MS) {
			dom_log(ctx, DOM_LOG_WARN,
				"domain %u lingers: another domain still has some of its pages "
				"mapped",
				domid);
			return;
		}
		poll(NULL, 0, ms);
	}
}

int dom_destroy(struct dom_ctx *ctx, uint32_t domid)
{
	struct xen_domctl_getdomaininfo info;
	struct xen_domctl op = {.cmd = XEN_DOMCTL_pausedomain};
	char uuid[DOM_UUID_STRLEN];
	int first, rc;

	if (!domid) {
		return dom_err(ctx, -EPERM, "the control domain can't be destroyed");
	}
	first = dom_need_store(ctx);
	if (!first) {
		first = dom_getinfo(ctx, domid, &info);
	}
	if (first) {
		return first;
	}
	dom_uuid_format(info.handle, uuid);
	if (!(info.flags & XEN_DOMINF_dying)) {
		first = dom_domctl(ctx, &op, domid, "pausing the domain");
	}
	/* The first failure keeps its message. */
	ctx->undoing += first != 0;
	rc = dom_devices_remove_all(ctx, domid);
	ctx->undoing += rc && !first;
	first = first ? first : rc;
	rc = dom_tree_remove(ctx, domid, uuid);
	ctx->undoing += rc && !first;
	first = first ? first : rc;
	dom_userdata_remove(ctx, domid, uuid);
	rc = kill_domain(ctx, domid);
	if (rc) {
		dom_err_sys(ctx, rc, "destroying domain %u", domid);
	} else {
		wait_gone(ctx, domid, info.handle);
	}
	ctx->undoing -= first != 0;
	return first ? first : rc;
}
