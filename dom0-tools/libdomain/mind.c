/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What follows the end of a guest. xl's background process spends its life in
 * here. Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uuid/uuid.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"

#define RESTART_PAUSE_MS 1000 /* a guest that dies at once must not eat the machine */
#define KEEP_NAMES       1000

/* What dom_wait() saw. */
struct seen {
	bool gone;
	struct dom_info info;
};

static void note_end(void *arg, uint32_t domid, bool gone, const struct dom_info *info)
{
	struct seen *s = arg;

	s->gone = gone;
	if (info) {
		s->info = *info;
	}
}

static const char *reason_name(unsigned int reason)
{
	static const char *const names[] = {
		"powered off", "wants to reboot",           "is suspended",
		"crashed",     "was ended by its watchdog", "wants a soft reset"};

	return reason < DOM_ARRAY_LEN(names) ? names[reason] : "ended for an unknown reason";
}

static enum domain_action action_for(const struct domain_config *cfg, unsigned int reason)
{
	switch (reason) {
	case DOM_SHUTDOWN_POWEROFF:
		return cfg->on_poweroff;
	case DOM_SHUTDOWN_REBOOT:
		return cfg->on_reboot;
	case DOM_SHUTDOWN_CRASH:
		return cfg->on_crash;
	case DOM_SHUTDOWN_WATCHDOG:
		return cfg->on_watchdog;
	case DOM_SHUTDOWN_SOFT_RESET:
		/* A PV guest has no state that a reset would keep. */
		return cfg->on_soft_reset == DOMAIN_ACTION_SOFT_RESET ? DOMAIN_ACTION_DESTROY
								      : cfg->on_soft_reset;
	case DOM_SHUTDOWN_SUSPEND: /* whoever suspended it goes on with it */
	default:
		return DOMAIN_ACTION_PRESERVE;
	}
}

/* A failing dump is told of, and doesn't keep the domain. */
static void dump(struct dom_ctx *ctx, uint32_t domid, const struct domain_config *cfg)
{
	char path[512], stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m%d-%H%M.%S", &tm);
	snprintf(path, sizeof(path), DOM_DUMP_DIR "/%s-%s.%u.core", stamp, cfg->name, domid);
	if (dom_dump_core(ctx, domid, path)) {
		dom_log(ctx, DOM_LOG_ERROR, "%s", dom_errmsg(ctx));
	} else {
		dom_log(ctx, DOM_LOG_INFO, "dumped domain %u to %s", domid, path);
	}
}

/*
 * Keeps the ended domain to be looked at, under another name and UUID and
 * without its devices, which its successor needs.
 */
static int set_aside(struct dom_ctx *ctx, uint32_t domid, const struct domain_config *cfg)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_setdomainhandle};
	char uuid[DOM_UUID_STRLEN], old[DOM_UUID_STRLEN], start[32], *name = NULL;
	struct xsc_path p;
	int rc = -EEXIST;

	for (unsigned int i = 1; rc == -EEXIST && i < KEEP_NAMES; i++) {
		free(name);
		if (asprintf(&name, "%s-%u", cfg->name, i) < 0) {
			return dom_err_sys(ctx, -ENOMEM, "renaming domain %u", domid);
		}
		rc = dom_rename(ctx, domid, name);
	}
	if (!rc) {
		rc = dom_devices_remove_all(ctx, domid);
	}
	if (!rc) {
		uuid_generate(op.u.setdomainhandle.handle);
		dom_uuid_format(op.u.setdomainhandle.handle, uuid);
		rc = dom_domctl(ctx, &op, domid, "giving the old domain a new UUID");
	}
	if (!rc) {
		dom_uuid_format(cfg->uuid, old);
		dom_userdata_remove(ctx, domid, old);
		dom_store_get(ctx, start, sizeof(start), "/vm/%s/start_time", old);
		xsc_rm(ctx->xs, XSC_NO_TX, xsc_pathf(&p, "/vm/%s", old));
		xsc_pathf(&p, "/vm/%s/name", uuid);
		rc = xsc_write_str(ctx->xs, XSC_NO_TX, p.s, name);
	}
	if (!rc) {
		xsc_pathf(&p, "/vm/%s/start_time", uuid);
		rc = xsc_write_str(ctx->xs, XSC_NO_TX, p.s, start);
	}
	if (!rc) {
		rc = xsc_printf(ctx->xs, XSC_NO_TX, xsc_pathf(&p, DOM_PATH_LOCAL "/%u/vm", domid),
				"/vm/%s", uuid);
	}
	if (!rc) {
		dom_log(ctx, DOM_LOG_INFO, "domain %u is kept as '%s'", domid, name);
	}
	free(name);
	return rc;
}

static int start_again(struct dom_ctx *ctx, uint32_t *domid, struct domain_config *cfg,
		       const struct dom_mind_ops *ops, uint64_t *started)
{
	uint64_t now = dom_now_ms();
	uint32_t new;
	int rc;

	if (now - *started < RESTART_PAUSE_MS) {
		poll(NULL, 0, (int)(RESTART_PAUSE_MS - (now - *started)));
	}
	rc = dom_create(ctx, cfg, &new);
	if (rc) {
		return rc;
	}
	*started = dom_now_ms();
	if (ops && ops->restarted) {
		ops->restarted(ops->arg, *domid, new);
	}
	dom_log(ctx, DOM_LOG_INFO, "domain '%s' is restarted as domain %u", cfg->name, new);
	*domid = new;
	return dom_unpause(ctx, new);
}

/* What the stored configuration says now, before destruction removes it. */
static int reload(struct dom_ctx *ctx, uint32_t domid, struct domain_config **cfg,
		  const struct dom_mind_ops *ops)
{
	int rc = ops && ops->reload ? ops->reload(ops->arg, domid, cfg) : 0;

	return rc ? dom_err_sys(ctx, rc, "reading the configuration of domain %u", domid) : 0;
}

/* Does @action. Returns an end, or a negative errno; 1 + the ends: go on. */
#define GO_ON 1000

static int act(struct dom_ctx *ctx, enum domain_action action, uint32_t *domid,
	       struct domain_config **cfg, const struct dom_mind_ops *ops, uint64_t *started)
{
	int rc;

	if (action == DOMAIN_ACTION_COREDUMP_DESTROY || action == DOMAIN_ACTION_COREDUMP_RESTART) {
		dump(ctx, *domid, *cfg);
	}
	switch (action) {
	case DOMAIN_ACTION_PRESERVE:
		return DOM_MIND_PRESERVED;
	case DOMAIN_ACTION_RESTART:
	case DOMAIN_ACTION_COREDUMP_RESTART:
		rc = reload(ctx, *domid, cfg, ops);
		if (!rc) {
			rc = dom_destroy(ctx, *domid);
		}
		break;
	case DOMAIN_ACTION_RENAME_RESTART:
		rc = reload(ctx, *domid, cfg, ops);
		if (!rc) {
			rc = set_aside(ctx, *domid, *cfg);
		}
		break;
	case DOMAIN_ACTION_DESTROY:
	case DOMAIN_ACTION_COREDUMP_DESTROY:
	case DOMAIN_ACTION_SOFT_RESET:
	default:
		rc = dom_destroy(ctx, *domid);
		return rc && rc != -ESRCH ? rc : DOM_MIND_GONE;
	}
	if (rc == -ESRCH) { /* somebody was faster */
		return DOM_MIND_GONE;
	}
	if (!rc) {
		rc = start_again(ctx, domid, *cfg, ops, started);
	}
	return rc ? rc : GO_ON;
}

int dom_mind(struct dom_ctx *ctx, uint32_t *domid, struct domain_config **cfg,
	     const struct dom_mind_ops *ops)
{
	uint64_t started = dom_now_ms();
	int rc;

	do {
		struct seen seen = {0};
		enum domain_action action;

		rc = dom_wait(ctx, domid, 1, false, -1, note_end, &seen);
		if (rc) {
			return rc;
		}
		/* An id may have been used again: it is ours only with our UUID. */
		if (seen.gone || memcmp(seen.info.uuid, (*cfg)->uuid, sizeof(seen.info.uuid))) {
			dom_log(ctx, DOM_LOG_INFO, "domain %u is gone", *domid);
			return DOM_MIND_GONE;
		}
		action = action_for(*cfg, seen.info.shutdown_reason);
		dom_log(ctx, DOM_LOG_INFO, "domain %u %s: %s", *domid,
			reason_name(seen.info.shutdown_reason), domain_action_name(action));
		rc = act(ctx, action, domid, cfg, ops, &started);
	} while (rc == GO_ON);
	return rc;
}
