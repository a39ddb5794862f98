/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A domain's nodes in the store, exactly as Xen's own tools write them, since
 * front-ends, daemons and other people's tools read them:
 *
 *   /local/domain/N   what the guest sees; it may write only where it must
 *   /vm/UUID          what outlives a change of id
 *   /libxl/N          what tools keep for themselves
 *
 * All of it is written in one transaction before the domain has any memory,
 * and what only the builder knows in a second one. Owns nothing; no locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"

#define CONSOLE_LIMIT "1048576"

/* Nodes that the guest writes itself. */
static const char *const guest_nodes[] = {
	"device/suspend/event-channel",
	"control/shutdown",
	"control/feature-poweroff",
	"control/feature-reboot",
	"control/feature-suspend",
	"control/sysrq",
	"data",
	"drivers",
	"feature",
	"attr",
	"error",
};

/* A transaction that goes on only as long as nothing has failed. */
struct writer {
	struct xsc *c;
	uint32_t tx, domid;
	char base[64];
	int rc;
};

static void put(struct writer *w, const char *node, const char *value)
{
	struct xsc_path p;

	if (!w->rc) {
		w->rc = xsc_write_str(w->c, w->tx, xsc_pathf(&p, "%s/%s", w->base, node), value);
	}
}

static void put_num(struct writer *w, const char *node, unsigned long long value)
{
	struct xsc_path p;

	if (!w->rc) {
		w->rc = xsc_printf(w->c, w->tx, xsc_pathf(&p, "%s/%s", w->base, node), "%llu",
				   value);
	}
}

/* Makes @node ("": the base) the owner's, readable by @reader (0: nobody else). */
static void perms(struct writer *w, const char *node, uint32_t owner, uint32_t reader)
{
	struct xsc_perm list[2] = {{(uint16_t)owner, XSC_PERM_NONE},
				   {(uint16_t)reader, XSC_PERM_READ}};
	struct xsc_path p;

	if (!w->rc) {
		xsc_pathf(&p, "%s%s%s", w->base, node[0] ? "/" : "", node);
		w->rc = xsc_set_perms(w->c, w->tx, p.s, list, owner == reader ? 1 : 2);
	}
}

/* A fresh directory; nodes below inherit who may read it. */
static void fresh(struct writer *w, const char *base, uint32_t reader)
{
	strcpy(w->base, base);
	if (!w->rc) {
		w->rc = xsc_rm(w->c, w->tx, base);
		if (w->rc == -ENOENT) { /* not even its parent */
			w->rc = 0;
		}
	}
	if (!w->rc) {
		w->rc = xsc_mkdir(w->c, w->tx, base);
	}
	perms(w, "", 0, reader);
}

static void write_local(struct writer *w, const struct dom_tree *t)
{
	const struct domain_config *cfg = t->cfg;
	struct xsc_path p;

	fresh(w, xsc_pathf(&p, DOM_PATH_LOCAL "/%u", t->domid), t->domid);
	put(w, "vm", xsc_pathf(&p, "/vm/%s", t->uuid));
	put(w, "name", cfg->name);
	for (unsigned int i = 0; i < cfg->max_vcpus; i++) {
		put(w, xsc_pathf(&p, "cpu/%u/availability", i),
		    i < cfg->vcpus ? "online" : "offline");
	}
	put_num(w, "memory/static-max", cfg->max_memory_kb);
	put_num(w, "memory/target", cfg->memory_kb);
	put(w, "memory/videoram", "0");
	put(w, "device", "");
	put(w, "control", "");
	for (size_t i = 0; i < DOM_ARRAY_LEN(guest_nodes); i++) {
		if (i == 0 && cfg->suspend_evtchn_compat) {
			continue;
		}
		put(w, guest_nodes[i], "");
		perms(w, guest_nodes[i], t->domid, t->domid);
	}
	put(w, "control/platform-feature-multiprocessor-suspend", "1");
	put(w, "control/platform-feature-xs_reset_watches", "1");
	put_num(w, "domid", t->domid);
}

static void write_vm(struct writer *w, const struct dom_tree *t)
{
	const struct domain_config *cfg = t->cfg;
	struct timeval now;
	struct xsc_path p;

	fresh(w, xsc_pathf(&p, "/vm/%s", t->uuid), t->domid);
	put(w, "name", cfg->name);
	put(w, "uuid", t->uuid);
	put(w, "image/ostype", "linux");
	put(w, "image/kernel", cfg->kernel);
	if (cfg->ramdisk) {
		put(w, "image/ramdisk", cfg->ramdisk);
	}
	put(w, "image/cmdline", cfg->cmdline ? cfg->cmdline : "");
	gettimeofday(&now, NULL);
	put(w, "start_time",
	    xsc_pathf(&p, "%lld.%02d", (long long)now.tv_sec, (int)(now.tv_usec / 10000)));
}

/* The console is a device like others in form, served by a daemon. */
static void write_console(struct writer *w, const struct dom_tree *t)
{
	struct xsc_path front, back;

	xsc_pathf(&front, DOM_PATH_LOCAL "/%u/console", t->domid);
	xsc_pathf(&back, DOM_PATH_LOCAL "/0/backend/console/%u/0", t->domid);

	fresh(w, back.s, t->domid);
	put(w, "frontend", front.s);
	put_num(w, "frontend-id", t->domid);
	put(w, "online", "1");
	put(w, "state", "1");
	put(w, "protocol", "vt100");

	strcpy(w->base, front.s);
	put(w, "backend", back.s);
	put_num(w, "backend-id", t->console_domid);
	perms(w, "backend-id", t->domid, 0);
	put(w, "limit", CONSOLE_LIMIT);
	put(w, "type", "xenconsoled");
	put(w, "output", "pty");
	put(w, "tty", "");
}

static void write_tools(struct writer *w, const struct dom_tree *t)
{
	struct xsc_path p;

	fresh(w, xsc_pathf(&p, DOM_PATH_TOOLS "/%u", t->domid), 0);
	put(w, "device/console/0/frontend", xsc_pathf(&p, DOM_PATH_LOCAL "/%u/console", t->domid));
	put(w, "device/console/0/backend",
	    xsc_pathf(&p, DOM_PATH_LOCAL "/0/backend/console/%u/0", t->domid));
	put_num(w, "device/console/0/frontend-id", t->domid);
	put(w, "device/console/0/online", "1");
	put(w, "device/console/0/state", "1");
	put(w, "device/console/0/protocol", "vt100");
	put(w, "type", "pv");
	put(w, "dm-version", "qemu_xen");
}

int dom_tree_create(struct dom_ctx *ctx, const struct dom_tree *t)
{
	struct writer w = {.c = ctx->xs, .domid = t->domid};

	do {
		w.rc = xsc_tx_start(ctx->xs, &w.tx);
		if (w.rc) {
			break;
		}
		write_local(&w, t);
		write_vm(&w, t);
		write_console(&w, t);
		write_tools(&w, t);
	} while (xsc_tx_retry(ctx->xs, w.tx, &w.rc));
	return w.rc ? dom_err_sys(ctx, w.rc, "writing the store nodes of domain '%s'", t->cfg->name)
		    : 0;
}

int dom_tree_rings(struct dom_ctx *ctx, const struct dom_tree *t, const struct dom_rings *r)
{
	struct writer w = {.c = ctx->xs, .domid = t->domid};
	struct xsc_path p;

	strcpy(w.base, xsc_pathf(&p, DOM_PATH_LOCAL "/%u", t->domid));
	do {
		w.rc = xsc_tx_start(ctx->xs, &w.tx);
		if (w.rc) {
			break;
		}
		put_num(&w, "store/port", r->store_port);
		put_num(&w, "store/ring-ref", r->store_mfn);
		put_num(&w, "console/port", r->console_port);
		put_num(&w, "console/ring-ref", r->console_mfn);
	} while (xsc_tx_retry(ctx->xs, w.tx, &w.rc));
	if (!w.rc) {
		w.rc = xsc_introduce(ctx->xs, t->domid, r->store_mfn, r->store_port);
	}
	return w.rc ? dom_err_sys(ctx, w.rc, "introducing domain '%s' to the store", t->cfg->name)
		    : 0;
}

/* Nothing to remove is fine. */
static int remove_path(struct dom_ctx *ctx, const char *path, bool tidy)
{
	int rc = tidy ? xsc_rm_tidy(ctx->xs, XSC_NO_TX, path) : xsc_rm(ctx->xs, XSC_NO_TX, path);

	if (rc && rc != -ENOENT) {
		return dom_err_sys(ctx, rc, "removing %s from the store", path);
	}
	return 0;
}

int dom_tree_remove(struct dom_ctx *ctx, uint32_t domid, const char *uuid)
{
	char vm[80] = "";
	struct xsc_path p;
	int first = 0, rc;

	if (uuid) {
		strcpy(vm, xsc_pathf(&p, "/vm/%s", uuid));
	} else {
		dom_store_get(ctx, vm, sizeof(vm), DOM_PATH_LOCAL "/%u/vm", domid);
	}
	if (!strncmp(vm, "/vm/", 4) && vm[4]) {
		first = remove_path(ctx, vm, true);
	}
	rc = remove_path(ctx, xsc_pathf(&p, DOM_PATH_LOCAL "/0/backend/console/%u", domid), true);
	first = first ? first : rc;
	rc = remove_path(ctx, xsc_pathf(&p, DOM_PATH_LOCAL "/%u", domid), false);
	first = first ? first : rc;
	rc = remove_path(ctx, xsc_pathf(&p, DOM_PATH_TOOLS "/%u", domid), true);
	return first ? first : rc;
}
