/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Looking at domains: the hypervisor's records, names from the store, ids.
 * Owns nothing; no locks.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uuid/uuid.h>

#include "dom0-tools/libdomain/internal.h"

#define LIST_CHUNK 256u

static void convert(const struct xen_domctl_getdomaininfo *in, struct dom_info *out)
{
	memset(out, 0, sizeof(*out));
	out->domid = in->domain;
	memcpy(out->uuid, in->handle, sizeof(out->uuid));
	out->running = in->flags & XEN_DOMINF_running;
	out->blocked = in->flags & XEN_DOMINF_blocked;
	out->paused = in->flags & XEN_DOMINF_paused;
	out->shutdown = in->flags & XEN_DOMINF_shutdown;
	out->dying = in->flags & XEN_DOMINF_dying;
	out->hvm = in->flags & XEN_DOMINF_hvm_guest;
	out->shutdown_reason = in->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	out->current_kb = in->tot_pages * DOM_KB_PER_PAGE;
	out->outstanding_kb = in->outstanding_pages * DOM_KB_PER_PAGE;
	out->shared_kb = in->shr_pages * DOM_KB_PER_PAGE;
	out->paged_kb = in->paged_pages * DOM_KB_PER_PAGE;
	out->max_kb = in->max_pages >= UINT64_MAX / DOM_KB_PER_PAGE
			      ? UINT64_MAX
			      : in->max_pages * DOM_KB_PER_PAGE;
	out->cpu_time = in->cpu_time;
	out->vcpus_online = in->nr_online_vcpus;
	out->vcpus_max = in->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : in->max_vcpu_id + 1;
	out->cpupool = in->cpupool;
	out->ssidref = in->ssidref;
}

int dom_info(struct dom_ctx *ctx, uint32_t domid, struct dom_info *ret_info)
{
	struct xen_domctl_getdomaininfo raw;
	int rc = dom_getinfo(ctx, domid, &raw);

	if (!rc) {
		convert(&raw, ret_info);
	}
	return rc;
}

int dom_list(struct dom_ctx *ctx, struct dom_info **ret_infos, size_t *ret_nr)
{
	struct xen_domctl_getdomaininfo *raw;
	struct dom_info *infos = NULL;
	uint32_t first = 0;
	size_t nr = 0;
	int got;

	raw = calloc(LIST_CHUNK, sizeof(*raw));
	if (!raw) {
		return dom_err_sys(ctx, -ENOMEM, "listing domains");
	}
	do {
		struct dom_info *more;

		got = hv_domain_getinfolist(ctx->hv, (domid_t)first, LIST_CHUNK, raw);
		if (got < 0) {
			break;
		}
		more = realloc(infos, (nr + (size_t)got + 1) * sizeof(*infos));
		if (!more) {
			got = -ENOMEM;
			break;
		}
		infos = more;
		for (int i = 0; i < got; i++) {
			convert(&raw[i], &infos[nr++]);
			first = raw[i].domain + 1u;
		}
	} while (got == LIST_CHUNK && first < DOMID_FIRST_RESERVED);
	free(raw);
	if (got < 0) {
		free(infos);
		return dom_err_sys(ctx, got, "listing domains");
	}
	*ret_infos = infos;
	*ret_nr = nr;
	return 0;
}

int dom_name(struct dom_ctx *ctx, uint32_t domid, char **ret_name)
{
	struct xsc_path p;
	int rc = dom_need_store(ctx);

	if (rc) {
		return rc;
	}
	rc = xsc_read(ctx->xs, XSC_NO_TX, xsc_pathf(&p, DOM_PATH_LOCAL "/%u/name", domid), ret_name,
		      NULL);
	if (rc == -ENOENT) {
		return dom_err(ctx, rc, "domain %u has no name", domid);
	}
	return rc ? dom_err_sys(ctx, rc, "reading the name of domain %u", domid) : 0;
}

int dom_find_name(struct dom_ctx *ctx, const char *name, uint32_t *ret_domid)
{
	struct dom_info *infos;
	bool found = false;
	size_t nr;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_list(ctx, &infos, &nr);
	}
	if (rc) {
		return rc;
	}
	for (size_t i = 0; i < nr && !found; i++) {
		char have[DOM_NAME_MAX + 2];

		if (dom_store_get(ctx, have, sizeof(have), DOM_PATH_LOCAL "/%u/name",
				  infos[i].domid) >= 0 &&
		    !strcmp(have, name)) {
			*ret_domid = infos[i].domid;
			found = true;
		}
	}
	free(infos);
	return found ? 0 : dom_err(ctx, -ESRCH, "domain '%s' does not exist (see xl list)", name);
}

int dom_find(struct dom_ctx *ctx, const char *name_or_id, uint32_t *ret_domid)
{
	struct xen_domctl_getdomaininfo info;
	unsigned long id;
	char *end;

	if (!isdigit((unsigned char)name_or_id[0])) {
		return dom_find_name(ctx, name_or_id, ret_domid);
	}
	errno = 0;
	id = strtoul(name_or_id, &end, 10);
	if (*end) { /* a name that begins with a digit */
		return dom_find_name(ctx, name_or_id, ret_domid);
	}
	if (errno || id >= DOMID_FIRST_RESERVED || dom_getinfo(ctx, (uint32_t)id, &info)) {
		return dom_err(ctx, -ESRCH, "domain %s does not exist (see xl list)", name_or_id);
	}
	*ret_domid = (uint32_t)id;
	return 0;
}

/* ---- names ------------------------------------------------------------------ */

static int name_valid(struct dom_ctx *ctx, const char *name)
{
	bool digits = true;

	if (!name || !name[0]) {
		return dom_err(ctx, -EINVAL, "a domain needs a name");
	}
	if (strlen(name) > DOM_NAME_MAX) {
		return dom_err(ctx, -EINVAL, "a domain's name has at most %d characters",
			       DOM_NAME_MAX);
	}
	for (const char *c = name; *c; c++) {
		if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c) || *c == '/') {
			return dom_err(ctx, -EINVAL,
				       "'%s' is no name for a domain: white space, slashes and "
				       "control characters aren't allowed",
				       name);
		}
		digits = digits && isdigit((unsigned char)*c);
	}
	if (digits) {
		return dom_err(ctx, -EINVAL,
			       "'%s' is no name for a domain: it would be taken for a domain id",
			       name);
	}
	return 0;
}

int dom_name_check(struct dom_ctx *ctx, const char *name, uint32_t except)
{
	uint32_t owner;
	int rc = name_valid(ctx, name);

	if (rc) {
		return rc;
	}
	rc = dom_find_name(ctx, name, &owner);
	if (rc == -ESRCH || (!rc && owner == except)) {
		return 0;
	}
	return rc ? rc
		  : dom_err(ctx, -EEXIST,
			    "a domain with the name '%s' exists already, its id is %u (choose "
			    "another name, or destroy it first)",
			    name, owner);
}

int dom_rename(struct dom_ctx *ctx, uint32_t domid, const char *new_name)
{
	struct xen_domctl_getdomaininfo info;
	char vm[64];
	struct xsc_path p;
	uint32_t tx;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (!rc) {
		rc = dom_name_check(ctx, new_name, domid);
	}
	if (rc) {
		return rc;
	}
	dom_store_get(ctx, vm, sizeof(vm), DOM_PATH_LOCAL "/%u/vm", domid);
	do {
		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, DOM_PATH_LOCAL "/%u/name", domid),
				   new_name);
		if (!rc && vm[0]) {
			rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/name", vm), new_name);
		}
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
	return rc ? dom_err_sys(ctx, rc, "renaming domain %u", domid) : 0;
}

void dom_uuid_format(const uint8_t uuid[16], char buf[DOM_UUID_STRLEN])
{
	uuid_unparse_lower(uuid, buf);
}

/* ---- how long it has run ------------------------------------------------------ */

static int host_uptime(struct dom_ctx *ctx, uint64_t *ret_seconds)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_BOOTTIME, &ts)) {
		return dom_err_sys(ctx, -errno, "reading the uptime");
	}
	*ret_seconds = (uint64_t)ts.tv_sec;
	return 0;
}

int dom_uptime(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_seconds)
{
	struct xen_domctl_getdomaininfo info;
	char uuid[DOM_UUID_STRLEN], text[32];
	double start;
	time_t now;
	int rc;

	if (!domid) {
		return host_uptime(ctx, ret_seconds);
	}
	rc = dom_need_store(ctx);
	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	dom_uuid_format(info.handle, uuid);
	rc = dom_store_get(ctx, text, sizeof(text), "/vm/%s/start_time", uuid);
	if (rc < 0) {
		return dom_err_sys(ctx, rc, "reading the start time of domain %u", domid);
	}
	start = strtod(text, NULL);
	now = time(NULL);
	*ret_seconds = (double)now > start ? (uint64_t)((double)now - start) : 0;
	return 0;
}

/* ---- console -------------------------------------------------------------------- */

struct tty_wait {
	const char *path;
	char *tty;
};

static int tty_there(struct xsc *c, void *arg)
{
	struct tty_wait *w = arg;
	int rc = xsc_read(c, XSC_NO_TX, w->path, &w->tty, NULL);

	if (rc == -ENOENT || (!rc && !w->tty[0])) {
		free(rc ? NULL : w->tty);
		return 0;
	}
	return rc ? rc : 1;
}

int dom_console_tty(struct dom_ctx *ctx, uint32_t domid, int timeout_ms, char **ret_tty)
{
	struct xen_domctl_getdomaininfo info;
	struct xsc_path p;
	struct tty_wait w = {.path = xsc_pathf(&p, DOM_PATH_LOCAL "/%u/console/tty", domid)};
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	rc = xsc_wait(ctx->xs, w.path, timeout_ms, tty_there, &w);
	if (rc == -ETIMEDOUT) {
		return dom_err(ctx, rc,
			       "domain %u has no console terminal (is the console daemon running?)",
			       domid);
	}
	if (rc < 0) {
		return dom_err_sys(ctx, rc, "looking for the console of domain %u", domid);
	}
	*ret_tty = w.tty;
	return 0;
}
