/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Creating a domain, step by step, in the order of the steps table below. Files
 * are read and checked before anything exists; from the moment there is a
 * domain, every failure ends in undo(), which leaves nothing behind.
 *
 * Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <public/event_channel.h>
#include <public/memory.h>

#include "dom0-tools/libdomain/builder.h"
#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"
#include "dom0-tools/libdomain/layout.h"

#define SCHED_WEIGHT_DEFAULT 256u
#define E820_RAM             1u

struct e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

/* One creation under way; what dom_prepare() hands out is its beginning. */
struct dom_prepared {
	struct domain_config *cfg;
	struct dom_kernel kernel;
	struct dom_blob ramdisk;
	uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
	uint32_t cpupool;
	bool exists; /* there is a domain */
	uint32_t domid;
	struct dom_tree tree;
	struct dom_rings rings;
};

/* ---- before there is a domain ----------------------------------------------------- */

static int check_kind(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	if (cfg->type != DOMAIN_TYPE_PV) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "domains of type %s can't be created here (use type=\"pv\")",
			       domain_type_name(cfg->type));
	}
	if (cfg->bootloader) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "bootloader '%s' isn't available (use kernel=, which may be GRUB's "
			       "image grub-x86_64-xen.bin)",
			       cfg->bootloader);
	}
	if (!cfg->kernel) {
		return dom_err(ctx, -EINVAL, "no kernel is given (kernel= in the configuration)");
	}
	return 0;
}

static int check_devices(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	int rc = 0;

	for (unsigned int i = 0; !rc && i < cfg->nr_disks; i++) {
		rc = dom_disk_check(ctx, &cfg->disks[i]);
	}
	for (unsigned int i = 0; !rc && i < cfg->nr_vifs; i++) {
		rc = dom_vif_check(ctx, &cfg->vifs[i]);
	}
	return rc;
}

static int finish_config(struct dom_ctx *ctx, struct domain_config *cfg)
{
	char *why = NULL;
	int rc = domain_config_finish(cfg, &why);

	if (rc) {
		dom_err(ctx, rc, "%s", why ? why : "the configuration is not complete");
	}
	free(why);
	return rc;
}

/* No other domain may have this one's UUID: its nodes would be overwritten. */
static int check_uuid(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	char uuid[DOM_UUID_STRLEN];
	struct dom_info *infos;
	size_t nr;
	int rc = dom_list(ctx, &infos, &nr);

	if (rc) {
		return rc;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!infos[i].dying && !memcmp(infos[i].uuid, cfg->uuid, sizeof(cfg->uuid))) {
			dom_uuid_format(cfg->uuid, uuid);
			rc = dom_err(ctx, -EEXIST, "domain %u has the UUID %s already",
				     infos[i].domid, uuid);
			break;
		}
	}
	free(infos);
	return rc;
}

static int load_files(struct dom_ctx *ctx, const struct domain_config *cfg, struct dom_prepared *c)
{
	struct pv_layout layout;
	int rc = dom_kernel_load(ctx, cfg->kernel, &c->kernel);

	if (!rc && cfg->ramdisk) {
		rc = dom_ramdisk_load(ctx, cfg->ramdisk, !strcmp(c->kernel.guest_os, "linux"),
				      &c->ramdisk);
	}
	if (!rc && cfg->cmdline && strlen(cfg->cmdline) >= MAX_GUEST_CMDLINE) {
		rc = dom_err(ctx, -E2BIG, "the kernel's command line is longer than %d characters",
			     MAX_GUEST_CMDLINE - 1);
	}
	if (!rc) { /* only to see that it fits */
		rc = pv_layout_compute(ctx, &c->kernel, c->ramdisk.len,
				       cfg->memory_kb / DOM_KB_PER_PAGE, &layout);
	}
	return rc;
}

static int find_pool(struct dom_ctx *ctx, const char *name, uint32_t *ret_id)
{
	struct dom_cpupool pool;

	*ret_id = 0;
	if (!name) {
		return 0;
	}
	for (uint32_t id = 0; !dom_cpupool(ctx, id, &pool); id = pool.id + 1) {
		char number[16];

		snprintf(number, sizeof(number), "%u", pool.id);
		if (!strcmp(pool.name, name) || !strcmp(number, name)) {
			*ret_id = pool.id;
			return 0;
		}
	}
	return dom_err(ctx, -ENOENT, "there is no CPU pool '%s' (see xl cpupool-list)", name);
}

static int ask_machine(struct dom_ctx *ctx, const struct domain_config *cfg, struct dom_prepared *c)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
	int rc = dom_sysctl(ctx, &op, "asking for the machine's properties");

	if (rc) {
		return rc;
	}
	c->capabilities = op.u.physinfo.capabilities;
	return find_pool(ctx, cfg->pool, &c->cpupool);
}

/* Better a clear word now than a failure half way. */
static int check_memory(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
	uint64_t need, free_pages;
	int rc = dom_sysctl(ctx, &op, "asking for the machine's memory");

	if (!rc) {
		rc = dom_mem_need(ctx, cfg, &need);
	}
	if (rc) {
		return rc;
	}
	free_pages = op.u.physinfo.free_pages - op.u.physinfo.outstanding_pages;
	if (need / DOM_KB_PER_PAGE > free_pages) {
		return dom_err(ctx, -ENOMEM,
			       "too little memory: domain '%s' takes %llu MiB, %llu MiB are free "
			       "(lower memory=, or give some back: xl mem-set 0 N)",
			       cfg->name, (unsigned long long)(need >> 10),
			       (unsigned long long)(free_pages >> 8));
	}
	return 0;
}

static int prepare(struct dom_ctx *ctx, const struct domain_config *cfg, struct dom_prepared *c)
{
	int rc = check_kind(ctx, cfg);

	if (!rc) {
		rc = dom_name_check(ctx, cfg->name, UINT32_MAX);
	}
	if (!rc) {
		rc = check_uuid(ctx, cfg);
	}
	if (!rc) {
		rc = check_devices(ctx, cfg);
	}
	if (!rc) {
		rc = load_files(ctx, cfg, c);
	}
	return rc ? rc : ask_machine(ctx, cfg, c);
}

/* ---- the steps ---------------------------------------------------------------------- */

static int grant_version(struct dom_ctx *ctx, const struct dom_prepared *c, uint32_t *ret)
{
	uint32_t best = c->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2   ? 2
			: c->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1 ? 1
									 : 0;
	int want = c->cfg->max_grant_version;

	if (want > (int)best) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "max_grant_version=%d: the hypervisor has version %u", want, best);
	}
	*ret = want < 0 ? best : (uint32_t)want;
	return 0;
}

static int step_domain(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_createdomain};
	struct xen_domctl_createdomain *d = &op.u.createdomain;
	const struct domain_config *cfg = c->cfg;
	int rc;

	memcpy(d->handle, cfg->uuid, sizeof(d->handle));
	d->max_vcpus = cfg->max_vcpus;
	d->max_evtchn_port = cfg->event_channels;
	d->max_grant_frames = cfg->max_grant_frames;
	d->max_maptrack_frames = cfg->max_maptrack_frames;
	d->cpupool_id = c->cpupool;
	d->arch.misc_flags = cfg->msr_relaxed ? XEN_X86_MSR_RELAXED : 0;
	rc = grant_version(ctx, c, &d->grant_opts);
	if (!rc) {
		rc = dom_domctl(ctx, &op, 0, "creating the domain");
	}
	if (rc) {
		return rc;
	}
	c->domid = op.domain;
	c->exists = true;
	return 0;
}

/* Which domain runs a daemon; normally this one. */
static uint32_t daemon_domid(struct dom_ctx *ctx, const char *daemon)
{
	char text[16];

	dom_store_get(ctx, text, sizeof(text), "/tool/%s/domid", daemon);
	return (uint32_t)strtoul(text, NULL, 10);
}

static int step_tree(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct dom_tree *t = &c->tree;

	t->domid = c->domid;
	t->cfg = c->cfg;
	dom_uuid_format(c->cfg->uuid, t->uuid);
	t->store_domid = daemon_domid(ctx, "xenstored");
	t->console_domid = daemon_domid(ctx, "xenconsoled");
	return dom_tree_create(ctx, t);
}

static int set_affinity(struct dom_ctx *ctx, const struct dom_prepared *c)
{
	const struct domain_affinity *hard = &c->cfg->hard_affinity;
	const struct domain_affinity *soft = &c->cfg->soft_affinity;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < c->cfg->max_vcpus; i++) {
		const struct domain_cpumap *h =
			i < hard->nr && hard->maps[i].nr ? &hard->maps[i] : NULL;
		const struct domain_cpumap *s =
			i < soft->nr && soft->maps[i].nr ? &soft->maps[i] : NULL;

		if (h || s) {
			rc = dom_vcpu_pin(ctx, c->domid, i, h, s, false, NULL);
		}
	}
	return rc;
}

static int step_vcpus(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_max_vcpus};
	int rc;

	op.u.max_vcpus.max = c->cfg->max_vcpus;
	rc = dom_domctl(ctx, &op, c->domid, "allocating the vCPUs");
	return rc ? rc : set_affinity(ctx, c);
}

/* What the guest's balloon may grow to, as one region of RAM. */
static int set_memory_map(struct dom_ctx *ctx, const struct dom_prepared *c)
{
	struct xen_foreign_memory_map m = {.domid = (domid_t)c->domid};
	struct e820_entry *e = hv_buf_alloc(ctx->hv, sizeof(*e));
	long rc;

	if (!e) {
		return dom_err_sys(ctx, -ENOMEM, "setting the domain's memory map");
	}
	e->addr = 0;
	e->size = c->cfg->max_memory_kb << 10;
	e->type = E820_RAM;
	m.map.nr_entries = 1;
	set_xen_guest_handle(m.map.buffer, (void *)e);
	rc = hv_memory_op(ctx->hv, XENMEM_set_memory_map, &m, sizeof(m));
	hv_buf_free(ctx->hv, e, sizeof(*e));
	/* Without a map a guest takes what it has for all that there is. */
	if (rc < 0 && rc != -ENOSYS) {
		return dom_err_sys(ctx, (int)rc, "setting the domain's memory map");
	}
	return 0;
}

static int step_limits(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_max_mem};
	int rc;

	op.u.max_mem.max_memkb = c->cfg->memory_kb + DOM_MEM_SLACK_KB;
	rc = dom_domctl(ctx, &op, c->domid, "setting the memory limit");
	return rc ? rc : set_memory_map(ctx, c);
}

/* A port of the new domain's for each of its two rings. */
static int alloc_port(struct dom_ctx *ctx, uint32_t domid, uint32_t remote, uint32_t *ret_port)
{
	struct evtchn_alloc_unbound a = {.dom = (domid_t)domid, .remote_dom = (domid_t)remote};
	long rc = hv_cmd(ctx->hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &a,
			 sizeof(a));

	if (rc < 0) {
		return dom_err_sys(ctx, (int)rc, "allocating the domain's event channels");
	}
	*ret_port = a.port;
	return 0;
}

static int step_ports(struct dom_ctx *ctx, struct dom_prepared *c)
{
	int rc = alloc_port(ctx, c->domid, c->tree.store_domid, &c->rings.store_port);

	return rc ? rc : alloc_port(ctx, c->domid, c->tree.console_domid, &c->rings.console_port);
}

static int time_offset(const struct domain_config *cfg)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!cfg->localtime || !localtime_r(&now, &tm)) {
		return cfg->rtc_timeoffset;
	}
	return cfg->rtc_timeoffset + (int)tm.tm_gmtoff;
}

static int step_time(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_settscinfo};
	int offset = time_offset(c->cfg), rc;

	op.u.tsc_info.tsc_mode = (uint32_t)c->cfg->tsc_mode;
	rc = dom_domctl(ctx, &op, c->domid, "setting the TSC mode");
	if (rc || !offset) {
		return rc;
	}
	memset(&op, 0, sizeof(op));
	op.cmd = XEN_DOMCTL_settimeoffset;
	op.u.settimeoffset.time_offset_seconds = offset;
	return dom_domctl(ctx, &op, c->domid, "setting the clock's offset");
}

static int step_build(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct pv_build b = {
		.domid = c->domid,
		.kernel = &c->kernel,
		.ramdisk = &c->ramdisk,
		.cmdline = c->cfg->cmdline,
		.nr_pages = c->cfg->memory_kb / DOM_KB_PER_PAGE,
		.claim = c->cfg->claim,
		.store_port = c->rings.store_port,
		.console_port = c->rings.console_port,
		.store_domid = c->tree.store_domid,
		.console_domid = c->tree.console_domid,
	};
	int rc = pv_build(ctx, &b);

	c->rings.store_mfn = b.store_mfn;
	c->rings.console_mfn = b.console_mfn;
	return rc;
}

static int step_sched(struct dom_ctx *ctx, struct dom_prepared *c)
{
	struct dom_sched_credit p = {
		.weight = c->cfg->cpu_weight ? c->cfg->cpu_weight : SCHED_WEIGHT_DEFAULT,
		.cap = c->cfg->cap > 0 ? (unsigned int)c->cfg->cap : 0,
	};

	if (!c->cfg->cpu_weight && c->cfg->cap < 0) {
		return 0; /* the scheduler's own defaults */
	}
	return dom_sched_credit_set(ctx, c->domid, &p);
}

static int step_rings(struct dom_ctx *ctx, struct dom_prepared *c)
{
	return dom_tree_rings(ctx, &c->tree, &c->rings);
}

static int step_devices(struct dom_ctx *ctx, struct dom_prepared *c)
{
	unsigned int nr = c->cfg->nr_disks + c->cfg->nr_vifs, done = 0;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < c->cfg->nr_disks; i++) {
		dom_progress(ctx, "connecting devices", done++, nr);
		rc = dom_disk_add(ctx, c->domid, &c->cfg->disks[i]);
	}
	for (unsigned int i = 0; !rc && i < c->cfg->nr_vifs; i++) {
		dom_progress(ctx, "connecting devices", done++, nr);
		rc = dom_vif_add(ctx, c->domid, &c->cfg->vifs[i]);
	}
	if (!rc && nr) {
		dom_progress(ctx, "connecting devices", nr, nr);
	}
	return rc;
}

static const struct step {
	const char *what;
	int (*run)(struct dom_ctx *ctx, struct dom_prepared *c);
} steps[] = {
	{"domain", step_domain},   {"store nodes", step_tree}, {"vCPUs", step_vcpus},
	{"limits", step_limits},   {"ports", step_ports},      {"time", step_time},
	{"build", step_build},     {"scheduler", step_sched},  {"rings", step_rings},
	{"devices", step_devices},
};

static void undo(struct dom_ctx *ctx, struct dom_prepared *c)
{
	if (!c->exists) {
		return;
	}
	ctx->undoing++;
	dom_destroy(ctx, c->domid);
	ctx->undoing--;
}

/* Keys that are understood and have no effect (yet) are not ignored in silence. */
static void warn_without_effect(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	const struct {
		bool set;
		const char *key;
	} keys[] = {
		{cfg->nomigrate, "nomigrate"},
		{cfg->driver_domain, "driver_domain"},
		{cfg->e820_host, "e820_host"},
	};

	for (size_t i = 0; i < DOM_ARRAY_LEN(keys); i++) {
		if (keys[i].set) {
			dom_log(ctx, DOM_LOG_WARN, "%s= has no effect here", keys[i].key);
		}
	}
}

int dom_prepare(struct dom_ctx *ctx, struct domain_config *cfg, struct dom_prepared **ret_prepared)
{
	struct dom_prepared *c;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = finish_config(ctx, cfg);
	}
	if (rc) {
		return rc;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		return dom_err_sys(ctx, -ENOMEM, "preparing domain '%s'", cfg->name);
	}
	c->cfg = cfg;
	rc = prepare(ctx, cfg, c);
	if (rc) {
		dom_prepared_free(c);
		return rc;
	}
	warn_without_effect(ctx, cfg);
	*ret_prepared = c;
	return 0;
}

void dom_prepared_free(struct dom_prepared *prepared)
{
	if (prepared) {
		dom_kernel_free(&prepared->kernel);
		dom_blob_free(&prepared->ramdisk);
		free(prepared);
	}
}

int dom_create_prepared(struct dom_ctx *ctx, struct dom_prepared *prepared, uint32_t *ret_domid)
{
	const struct domain_config *cfg = prepared->cfg;
	int rc = check_memory(ctx, cfg);

	for (size_t i = 0; !rc && i < DOM_ARRAY_LEN(steps); i++) {
		dom_log(ctx, DOM_LOG_DEBUG, "creating '%s': %s", cfg->name, steps[i].what);
		rc = steps[i].run(ctx, prepared);
	}
	if (rc) {
		undo(ctx, prepared);
	} else {
		*ret_domid = prepared->domid;
	}
	return rc;
}

int dom_create(struct dom_ctx *ctx, struct domain_config *cfg, uint32_t *ret_domid)
{
	struct dom_prepared *prepared = NULL;
	int rc = dom_prepare(ctx, cfg, &prepared);

	if (!rc) {
		rc = dom_create_prepared(ctx, prepared, ret_domid);
		dom_prepared_free(prepared);
	}
	return rc;
}

int dom_create_check(struct dom_ctx *ctx, const struct domain_config *cfg)
{
	struct dom_prepared *prepared = NULL;
	struct domain_config copy;
	int rc = domain_config_copy(&copy, cfg);

	if (rc) {
		return dom_err_sys(ctx, rc, "checking the configuration");
	}
	rc = dom_prepare(ctx, &copy, &prepared);
	if (!rc) {
		dom_prepared_free(prepared);
	}
	domain_config_fini(&copy);
	return rc;
}
