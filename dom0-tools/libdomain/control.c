/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Pausing domains, asking guests to shut down, waiting for what they do.
 * Owns nothing; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/internal.h"

int dom_pause(struct dom_ctx *ctx, uint32_t domid)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_pausedomain};

	return dom_domctl(ctx, &op, domid, "pausing the domain");
}

int dom_unpause(struct dom_ctx *ctx, uint32_t domid)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_unpausedomain};
	int rc = dom_domctl(ctx, &op, domid, "unpausing the domain");

	return rc == -EINVAL ? dom_err(ctx, rc, "domain %u is not paused", domid) : rc;
}

/* ---- requests to the guest ----------------------------------------------------- */

/* The guest says that it has taken a request by emptying the node. */
static int request_taken(struct xsc *c, void *arg)
{
	const char *path = arg;
	char *value;
	int rc = xsc_read(c, XSC_NO_TX, path, &value, NULL);

	if (rc) {
		return rc == -ENOENT ? 1 : rc; /* the domain is gone: taken indeed */
	}
	rc = !value[0];
	free(value);
	return rc;
}

/* Takes a request back that nobody has taken. */
static void request_withdraw(struct dom_ctx *ctx, const char *path, const char *request)
{
	uint32_t tx;
	int rc;

	do {
		char *value;

		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		rc = xsc_read(ctx->xs, tx, path, &value, NULL);
		if (!rc) {
			rc = strcmp(value, request) ? 0 : xsc_write_str(ctx->xs, tx, path, "");
			free(value);
		}
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
}

static int request(struct dom_ctx *ctx, uint32_t domid, const char *what)
{
	struct xen_domctl_getdomaininfo info;
	struct xsc_path p;
	char feature[8];
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	if (domid && (info.flags & XEN_DOMINF_shutdown)) {
		return dom_err(ctx, -EALREADY, "domain %u is down already (xl destroy removes it)",
			       domid);
	}
	if (domid && (info.flags & XEN_DOMINF_paused)) {
		return dom_err(ctx, -EAGAIN,
			       "domain %u is paused: it can't hear of it (xl unpause it first)",
			       domid);
	}
	/* A guest that hasn't come so far yet finds the request when it has. */
	dom_store_get(ctx, feature, sizeof(feature), DOM_PATH_LOCAL "/%u/control/feature-%s", domid,
		      what);
	if (!strcmp(feature, "0")) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "PV control interface not available: the guest in domain %u doesn't "
			       "listen for %s (xl destroy ends it)",
			       domid, what);
	}
	xsc_pathf(&p, DOM_PATH_LOCAL "/%u/control/shutdown", domid);
	rc = xsc_write_str(ctx->xs, XSC_NO_TX, p.s, what);
	if (rc) {
		return dom_err_sys(ctx, rc, "asking domain %u for %s", domid, what);
	}
	rc = xsc_wait(ctx->xs, p.s, DOM_SHUTDOWN_TIMEOUT, request_taken, p.s);
	if (rc >= 0) {
		return 0;
	}
	request_withdraw(ctx, p.s, what);
	if (rc == -ETIMEDOUT) {
		return dom_err(ctx, rc,
			       "the guest in domain %u hasn't taken the %s request within %d s (is "
			       "it hung? xl destroy ends it)",
			       domid, what, DOM_SHUTDOWN_TIMEOUT / 1000);
	}
	return dom_err_sys(ctx, rc, "waiting for domain %u to take the %s request", domid, what);
}

int dom_request_shutdown(struct dom_ctx *ctx, uint32_t domid)
{
	return request(ctx, domid, "poweroff");
}

int dom_request_reboot(struct dom_ctx *ctx, uint32_t domid)
{
	return request(ctx, domid, "reboot");
}

int dom_sysrq(struct dom_ctx *ctx, uint32_t domid, char key)
{
	struct xen_domctl_getdomaininfo info;
	const char value[2] = {key, '\0'};
	struct xsc_path p;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	rc = xsc_write_str(ctx->xs, XSC_NO_TX,
			   xsc_pathf(&p, DOM_PATH_LOCAL "/%u/control/sysrq", domid), value);
	return rc ? dom_err_sys(ctx, rc, "sending SysRq to domain %u", domid) : 0;
}

/* ---- waiting --------------------------------------------------------------------- */

struct waiter {
	struct dom_ctx *ctx;
	uint32_t *left; /* ids that haven't got there */
	size_t nr;
	bool death;
	void (*on_each)(void *arg, uint32_t domid, bool gone, const struct dom_info *info);
	void *arg;
};

static int look(struct waiter *w, uint32_t domid, bool *ret_there)
{
	struct xen_domctl_getdomaininfo raw;
	struct dom_info info;
	bool gone;
	int rc = hv_domain_getinfo(w->ctx->hv, (domid_t)domid, &raw);

	if (rc && rc != -ESRCH) {
		return rc;
	}
	gone = rc == -ESRCH || raw.domain != domid || (raw.flags & XEN_DOMINF_dying);
	*ret_there = gone || (!w->death && (raw.flags & XEN_DOMINF_shutdown));
	if (*ret_there && w->on_each) {
		if (gone || dom_info(w->ctx, domid, &info)) {
			w->on_each(w->arg, domid, true, NULL);
		} else {
			w->on_each(w->arg, domid, false, &info);
		}
	}
	return 0;
}

static int all_there(struct xsc *c, void *arg)
{
	struct waiter *w = arg;
	size_t kept = 0;

	for (size_t i = 0; i < w->nr; i++) {
		bool there;
		int rc = look(w, w->left[i], &there);

		if (rc) {
			return rc;
		}
		if (!there) {
			w->left[kept++] = w->left[i];
		}
	}
	w->nr = kept;
	return !kept;
}

int dom_wait(struct dom_ctx *ctx, const uint32_t *domids, size_t nr, bool death, int timeout_ms,
	     void (*on_each)(void *arg, uint32_t domid, bool gone, const struct dom_info *info),
	     void *arg)
{
	struct waiter w = {.ctx = ctx, .nr = nr, .death = death, .on_each = on_each, .arg = arg};
	int rc = dom_need_store(ctx);

	if (rc || !nr) {
		return rc;
	}
	w.left = malloc(nr * sizeof(*w.left));
	if (!w.left) {
		return dom_err_sys(ctx, -ENOMEM, "waiting for domains");
	}
	memcpy(w.left, domids, nr * sizeof(*w.left));
	rc = xsc_wait(ctx->xs, "@releaseDomain", timeout_ms, all_there, &w);
	if (rc == -ETIMEDOUT) {
		dom_err(ctx, rc, "domain %u %s in time", w.left[0],
			death ? "is not gone" : "did not shut down");
	} else if (rc < 0) {
		dom_err_sys(ctx, rc, "waiting for domains");
	}
	free(w.left);
	return rc < 0 ? rc : 0;
}
