/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The context: the handles that everything else works with, and how a failure
 * becomes one line for the user. Owns struct dom_ctx. No locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-tools/libdomain/internal.h"

/* The step that helps, for errors whose cause is nearly always the same. */
static const char *advice(int rc)
{
	switch (rc) {
	case -EACCES:
	case -EPERM:
		return " (are you root, in the control domain?)";
	case -ENOSPC:
		return " (free some space)";
	case -EPIPE:
	case -ECONNREFUSED:
		return " (is xenstored running?)";
	default:
		return "";
	}
}

static void set_message(struct dom_ctx *ctx, const char *line)
{
	if (ctx->undoing) {
		dom_log(ctx, DOM_LOG_WARN, "%s", line);
		return;
	}
	snprintf(ctx->errmsg, sizeof(ctx->errmsg), "%s", line);
}

void dom_set_error(struct dom_ctx *ctx, const char *fmt, ...)
{
	char line[DOM_ERRMSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	set_message(ctx, line);
}

void dom_set_error_sys(struct dom_ctx *ctx, int rc, const char *fmt, ...)
{
	char what[DOM_ERRMSG_MAX - 128];
	char line[DOM_ERRMSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%s: %s%s", what, strerror(-rc), advice(rc));
	set_message(ctx, line);
}

void dom_log(struct dom_ctx *ctx, enum dom_level level, const char *fmt, ...)
{
	char line[DOM_ERRMSG_MAX];
	va_list ap;

	if (!ctx->hooks.log) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ctx->hooks.log(ctx->hooks.arg, level, line);
}

void dom_progress(struct dom_ctx *ctx, const char *phase, uint64_t done, uint64_t total)
{
	unsigned int permille = total ? (unsigned int)(done * 1000 / total) : 0;

	if (!ctx->hooks.progress) {
		return;
	}
	if (done && done != total && permille == ctx->progress_permille) {
		return;
	}
	ctx->progress_permille = permille;
	ctx->hooks.progress(ctx->hooks.arg, phase, done, total);
}

static int open_hv(struct dom_ctx *ctx)
{
	int rc = hv_open(&ctx->hv);

	switch (rc) {
	case 0:
		return 0;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return dom_err(ctx, rc,
			       "no hypervisor here: this kernel has no /dev/xen/privcmd (boot it "
			       "under the hypervisor, and load xen-privcmd)");
	default:
		return dom_err_sys(ctx, rc, "cannot open /dev/xen/privcmd");
	}
}

static int open_store(struct dom_ctx *ctx)
{
	int rc = xsc_open(0, &ctx->xs);

	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		return dom_err(ctx, rc, "no store: xenstored is not running (start it first)");
	}
	if (rc) {
		return dom_err_sys(ctx, rc, "cannot reach the store");
	}
	return 0;
}

int dom_open(unsigned int flags, const struct dom_hooks *hooks, struct dom_ctx **ret_ctx)
{
	struct dom_ctx *ctx = calloc(1, sizeof(*ctx));
	int rc;

	*ret_ctx = ctx;
	if (!ctx) {
		return -ENOMEM;
	}
	if (hooks) {
		ctx->hooks = *hooks;
	}
	rc = open_hv(ctx);
	if (!rc && !(flags & DOM_OPEN_NO_STORE)) {
		rc = open_store(ctx);
	}
	return rc;
}

void dom_close(struct dom_ctx *ctx)
{
	if (!ctx) {
		return;
	}
	xsc_close(ctx->xs);
	hv_close(ctx->hv);
	free(ctx);
}

struct hv_handle *dom_hv(struct dom_ctx *ctx)
{
	return ctx->hv;
}

struct xsc *dom_xs(struct dom_ctx *ctx)
{
	return ctx->xs;
}

const char *dom_errmsg(const struct dom_ctx *ctx)
{
	return ctx ? ctx->errmsg : "out of memory";
}

int dom_need_store(struct dom_ctx *ctx)
{
	if (!ctx->xs) {
		return dom_err(ctx, -EACCES, "this needs the store: is xenstored running?");
	}
	return 0;
}

/* The two ways in which every control call can fail, in words. */
static int control_err(struct dom_ctx *ctx, int rc, const char *what)
{
	if (rc == -EACCES) {
		return dom_err(ctx, rc,
			       "%s: the hypervisor speaks another interface version than these "
			       "tools (install tools and hypervisor of one version)",
			       what);
	}
	if (rc == -ENOSYS || rc == -EOPNOTSUPP) {
		return dom_err(ctx, rc, "%s: this hypervisor doesn't support it", what);
	}
	return dom_err_sys(ctx, rc, "%s", what);
}

int dom_domctl(struct dom_ctx *ctx, struct xen_domctl *op, uint32_t domid, const char *what)
{
	int rc;

	op->domain = (domid_t)domid;
	rc = hv_domctl(ctx->hv, op);
	if (rc == -ESRCH) {
		return dom_err(ctx, rc, "%s: domain %u does not exist", what, domid);
	}
	return rc ? control_err(ctx, rc, what) : 0;
}

int dom_sysctl(struct dom_ctx *ctx, struct xen_sysctl *op, const char *what)
{
	int rc = hv_sysctl(ctx->hv, op);

	return rc ? control_err(ctx, rc, what) : 0;
}

int dom_getinfo(struct dom_ctx *ctx, uint32_t domid, struct xen_domctl_getdomaininfo *ret)
{
	struct xen_domctl_getdomaininfo info;
	int rc;

	if (domid >= DOMID_FIRST_RESERVED) {
		return dom_err(ctx, -ESRCH, "domain %u does not exist", domid);
	}
	rc = hv_domain_getinfo(ctx->hv, (domid_t)domid, &info);
	if (rc == -ESRCH || (!rc && info.domain != domid)) {
		return dom_err(ctx, -ESRCH, "domain %u does not exist", domid);
	}
	if (rc) {
		return control_err(ctx, rc, "looking at a domain");
	}
	*ret = info;
	return 0;
}

int dom_getinfo_live(struct dom_ctx *ctx, uint32_t domid, struct xen_domctl_getdomaininfo *ret)
{
	int rc = dom_getinfo(ctx, domid, ret);

	if (!rc && (ret->flags & XEN_DOMINF_dying)) {
		rc = dom_err(ctx, -ESRCH, "domain %u is being destroyed", domid);
	}
	return rc;
}

int dom_store_get(struct dom_ctx *ctx, char *buf, size_t size, const char *fmt, ...)
{
	struct xsc_path p;
	char *value;
	va_list ap;
	int len, rc;

	va_start(ap, fmt);
	len = vsnprintf(p.s, sizeof(p.s), fmt, ap);
	va_end(ap);
	buf[0] = '\0';
	if (len < 0 || (size_t)len >= sizeof(p.s)) {
		return -ENAMETOOLONG;
	}
	rc = xsc_read(ctx->xs, XSC_NO_TX, p.s, &value, NULL);
	if (rc) {
		return rc;
	}
	rc = snprintf(buf, size, "%s", value);
	free(value);
	return rc;
}

uint64_t dom_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int dom_ms_left(uint64_t deadline)
{
	uint64_t now = dom_now_ms();

	if (!deadline) {
		return -1;
	}
	return now >= deadline ? 0 : (int)(deadline - now);
}
