/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The machine and its hypervisor: sizes, versions, topology, CPU pools, the
 * console ring, debug keys. Owns nothing; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/memory.h>
#include <public/version.h>

#include "dom0-tools/libdomain/internal.h"

#define CONSOLE_CHUNK 16384u

/* Pages that sharing saves; a hypervisor without sharing has none. */
static int sharing_pages(struct dom_ctx *ctx, unsigned int op, uint64_t *ret)
{
	long rc = hv_call(ctx->hv, __HYPERVISOR_memory_op, op, 0, 0, 0, 0);

	if (rc < 0 && rc != -ENOSYS) {
		return dom_err_sys(ctx, (int)rc, "asking for shared pages");
	}
	*ret = rc < 0 ? 0 : (uint64_t)rc;
	return 0;
}

int dom_physinfo(struct dom_ctx *ctx, struct dom_physinfo *ret_info)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
	const struct xen_sysctl_physinfo *p = &op.u.physinfo;
	struct dom_physinfo info = {0};
	int rc = dom_sysctl(ctx, &op, "asking for the machine's properties");

	if (!rc) {
		rc = sharing_pages(ctx, XENMEM_get_sharing_freed_pages, &info.sharing_freed_pages);
	}
	if (!rc) {
		rc = sharing_pages(ctx, XENMEM_get_sharing_shared_pages, &info.sharing_used_pages);
	}
	if (rc) {
		return rc;
	}
	info.threads_per_core = p->threads_per_core;
	info.cores_per_socket = p->cores_per_socket;
	info.nr_cpus = p->nr_cpus;
	info.max_cpu_id = p->max_cpu_id;
	info.nr_nodes = p->nr_nodes;
	info.cpu_khz = p->cpu_khz;
	info.capabilities = p->capabilities;
	info.total_pages = p->total_pages;
	info.free_pages = p->free_pages;
	info.scrub_pages = p->scrub_pages;
	info.outstanding_pages = p->outstanding_pages;
	info.max_possible_mfn = p->max_mfn;
	memcpy(info.hw_cap, p->hw_cap, sizeof(info.hw_cap));
	*ret_info = info;
	return 0;
}

/* ---- version -------------------------------------------------------------------- */

static int version_call(struct dom_ctx *ctx, unsigned int cmd, void *arg, size_t bytes)
{
	long rc = hv_cmd(ctx->hv, __HYPERVISOR_xen_version, cmd, arg, bytes);

	return rc < 0 ? dom_err_sys(ctx, (int)rc, "asking for the hypervisor's version") : (int)rc;
}

static void terminate(char *s, size_t size)
{
	s[size - 1] = '\0';
}

#define BUILD_ID_MAX 64u

static void build_id(struct dom_ctx *ctx, char *text, size_t size)
{
	/* The length, then as many bytes. */
	struct {
		uint32_t len;
		uint8_t buf[BUILD_ID_MAX];
	} id = {.len = BUILD_ID_MAX};
	long len;

	text[0] = '\0';
	len = hv_cmd(ctx->hv, __HYPERVISOR_xen_version, XENVER_build_id, &id, sizeof(id));
	for (long i = 0; i < len && i < (long)BUILD_ID_MAX && (size_t)i * 2 + 3 <= size; i++) {
		snprintf(text + i * 2, 3, "%02x", id.buf[i]);
	}
}

int dom_version(struct dom_ctx *ctx, struct dom_version *ret_version)
{
	struct dom_version *v = calloc(1, sizeof(*v));
	struct xen_compile_info compile = {0};
	struct xen_platform_parameters platform = {0};
	int rc;

	if (!v) {
		return dom_err_sys(ctx, -ENOMEM, "asking for the hypervisor's version");
	}
	rc = version_call(ctx, XENVER_version, NULL, 0);
	v->major = (unsigned int)rc >> 16;
	v->minor = (unsigned int)rc & 0xffff;
	const struct {
		unsigned int cmd;
		void *arg;
		size_t bytes;
	} calls[] = {
		{XENVER_extraversion, v->extra, sizeof(v->extra)},
		{XENVER_compile_info, &compile, sizeof(compile)},
		{XENVER_capabilities, v->capabilities, sizeof(v->capabilities)},
		{XENVER_changeset, v->changeset, sizeof(v->changeset)},
		{XENVER_platform_parameters, &platform, sizeof(platform)},
		{XENVER_commandline, v->commandline, sizeof(v->commandline)},
	};
	for (size_t i = 0; rc >= 0 && i < DOM_ARRAY_LEN(calls); i++) {
		rc = version_call(ctx, calls[i].cmd, calls[i].arg, calls[i].bytes);
	}
	if (rc >= 0) {
		rc = version_call(ctx, XENVER_pagesize, NULL, 0);
		v->pagesize = (unsigned int)rc;
	}
	if (rc >= 0) {
		terminate(v->extra, sizeof(v->extra));
		terminate(v->capabilities, sizeof(v->capabilities));
		terminate(v->changeset, sizeof(v->changeset));
		terminate(v->commandline, sizeof(v->commandline));
		snprintf(v->compiler, sizeof(v->compiler), "%s", compile.compiler);
		snprintf(v->compile_by, sizeof(v->compile_by), "%s", compile.compile_by);
		snprintf(v->compile_domain, sizeof(v->compile_domain), "%s",
			 compile.compile_domain);
		snprintf(v->compile_date, sizeof(v->compile_date), "%s", compile.compile_date);
		v->virt_start = platform.virt_start;
		build_id(ctx, v->build_id, sizeof(v->build_id));
		*ret_version = *v;
		rc = 0;
	}
	free(v);
	return rc;
}

/* ---- topology --------------------------------------------------------------------- */

int dom_cputopo(struct dom_ctx *ctx, struct dom_cputopo **ret_cpus, size_t *ret_nr)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_cputopoinfo};
	struct xen_sysctl_cputopo *buf;
	struct dom_cputopo *cpus;
	uint32_t nr;
	int rc = dom_sysctl(ctx, &op, "asking for the CPUs' topology");

	if (rc) {
		return rc;
	}
	nr = op.u.cputopoinfo.num_cpus;
	buf = hv_buf_alloc(ctx->hv, nr * sizeof(*buf));
	cpus = calloc(nr + 1, sizeof(*cpus));
	rc = buf && cpus ? 0 : dom_err_sys(ctx, -ENOMEM, "asking for the CPUs' topology");
	if (!rc) {
		memset(&op, 0, sizeof(op));
		op.cmd = XEN_SYSCTL_cputopoinfo;
		op.u.cputopoinfo.num_cpus = nr;
		set_xen_guest_handle(op.u.cputopoinfo.cputopo, buf);
		rc = dom_sysctl(ctx, &op, "asking for the CPUs' topology");
	}
	if (!rc) {
		nr = op.u.cputopoinfo.num_cpus < nr ? op.u.cputopoinfo.num_cpus : nr;
		for (uint32_t i = 0; i < nr; i++) {
			cpus[i] = (struct dom_cputopo){buf[i].core, buf[i].socket, buf[i].node};
		}
		*ret_cpus = cpus;
		*ret_nr = nr;
		cpus = NULL;
	}
	free(cpus);
	hv_buf_free(ctx->hv, buf, nr * sizeof(*buf));
	return rc;
}

static int numa_call(struct dom_ctx *ctx, uint32_t *nr, struct xen_sysctl_meminfo *mem,
		     uint32_t *distance)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_numainfo};
	int rc;

	op.u.numainfo.num_nodes = *nr;
	set_xen_guest_handle(op.u.numainfo.meminfo, mem);
	set_xen_guest_handle(op.u.numainfo.distance, distance);
	rc = dom_sysctl(ctx, &op, "asking for the memory nodes");
	*nr = op.u.numainfo.num_nodes;
	return rc;
}

static struct dom_numa *numa_convert(uint32_t nr, const struct xen_sysctl_meminfo *mem,
				     const uint32_t *distance)
{
	size_t nodes = nr * sizeof(struct dom_numa);
	struct dom_numa *n = malloc(nodes + (size_t)nr * nr * sizeof(*distance) + 1);
	uint32_t *d;

	if (!n) {
		return NULL;
	}
	d = (uint32_t *)(void *)((char *)n + nodes);
	memcpy(d, distance, (size_t)nr * nr * sizeof(*distance));
	for (uint32_t i = 0; i < nr; i++) {
		n[i] = (struct dom_numa){mem[i].memsize, mem[i].memfree, d + (size_t)i * nr};
	}
	return n;
}

int dom_numa(struct dom_ctx *ctx, struct dom_numa **ret_nodes, size_t *ret_nr)
{
	struct xen_sysctl_meminfo *mem;
	struct dom_numa *nodes;
	uint32_t nr = 0, room, *distance;
	int rc = numa_call(ctx, &nr, NULL, NULL);

	if (rc) {
		return rc;
	}
	room = nr;
	mem = hv_buf_alloc(ctx->hv, room * sizeof(*mem));
	distance = hv_buf_alloc(ctx->hv, (size_t)room * room * sizeof(*distance));
	rc = mem && distance ? numa_call(ctx, &nr, mem, distance)
			     : dom_err_sys(ctx, -ENOMEM, "asking for the memory nodes");
	if (!rc) {
		nodes = numa_convert(nr < room ? nr : room, mem, distance);
		if (nodes) {
			*ret_nodes = nodes;
			*ret_nr = nr < room ? nr : room;
		} else {
			rc = dom_err_sys(ctx, -ENOMEM, "asking for the memory nodes");
		}
	}
	hv_buf_free(ctx->hv, mem, room * sizeof(*mem));
	hv_buf_free(ctx->hv, distance, (size_t)room * room * sizeof(*distance));
	return rc;
}

/* ---- CPU pools ---------------------------------------------------------------------- */

/* One call that fills in a CPU map. */
static int pool_call(struct dom_ctx *ctx, uint32_t cmd, uint32_t id,
		     struct xen_sysctl_cpupool_op *ret, struct dom_cpumap *map)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
	uint8_t *buf = hv_buf_alloc(ctx->hv, sizeof(map->bits));
	int rc;

	if (!buf) {
		return -ENOMEM;
	}
	op.u.cpupool_op.op = cmd;
	op.u.cpupool_op.cpupool_id = id;
	op.u.cpupool_op.cpumap.nr_bits = DOM_CPUS_MAX;
	set_xen_guest_handle(op.u.cpupool_op.cpumap.bitmap, buf);
	rc = hv_sysctl(ctx->hv, &op);
	if (!rc) {
		map->nr = DOM_CPUS_MAX;
		memcpy(map->bits, buf, sizeof(map->bits));
		*ret = op.u.cpupool_op;
	}
	hv_buf_free(ctx->hv, buf, sizeof(map->bits));
	return rc;
}

int dom_free_cpus(struct dom_ctx *ctx, struct dom_cpumap *ret_map)
{
	struct xen_sysctl_cpupool_op op;
	int rc = pool_call(ctx, XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0, &op, ret_map);

	return rc ? dom_err_sys(ctx, rc, "asking for free CPUs") : 0;
}

int dom_cpupool(struct dom_ctx *ctx, uint32_t first, struct dom_cpupool *ret_pool)
{
	struct xen_sysctl_cpupool_op op;
	struct dom_cpupool pool;
	int rc = pool_call(ctx, XEN_SYSCTL_CPUPOOL_OP_INFO, first, &op, &pool.cpus);

	if (rc) {
		return dom_err_sys(ctx, rc, "asking for CPU pool %u", first);
	}
	pool.id = op.cpupool_id;
	pool.sched_id = op.sched_id;
	pool.nr_domains = op.n_dom;
	pool.name[0] = '\0';
	if (ctx->xs) {
		dom_store_get(ctx, pool.name, sizeof(pool.name), "/local/pool/%u/name", pool.id);
	}
	if (!pool.name[0]) {
		snprintf(pool.name, sizeof(pool.name), "Pool-%u", pool.id);
	}
	*ret_pool = pool;
	return 0;
}

/* ---- console ------------------------------------------------------------------------- */

static int ring_chunk(struct dom_ctx *ctx, char *buf, uint32_t *index, uint32_t *count, bool clear)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole};
	int rc;

	op.u.readconsole.clear = clear;
	op.u.readconsole.incremental = 1;
	op.u.readconsole.index = *index;
	op.u.readconsole.count = CONSOLE_CHUNK;
	set_xen_guest_handle(op.u.readconsole.buffer, buf);
	rc = dom_sysctl(ctx, &op, "reading the hypervisor's console");
	*index = op.u.readconsole.index;
	*count = op.u.readconsole.count;
	return rc;
}

int dom_console_ring(struct dom_ctx *ctx, bool clear,
		     int (*sink)(void *arg, const char *text, size_t len), void *arg)
{
	char *buf = hv_buf_alloc(ctx->hv, CONSOLE_CHUNK);
	uint32_t index = 0, count;
	int rc;

	if (!buf) {
		return dom_err_sys(ctx, -ENOMEM, "reading the hypervisor's console");
	}
	do {
		rc = ring_chunk(ctx, buf, &index, &count, clear);
		if (!rc && count && sink(arg, buf, count)) {
			break;
		}
	} while (!rc && count);
	hv_buf_free(ctx->hv, buf, CONSOLE_CHUNK);
	return rc;
}

int dom_debug_keys(struct dom_ctx *ctx, const char *keys)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys};
	size_t len = strlen(keys);
	char *buf;
	int rc;

	if (!len) {
		return 0;
	}
	buf = hv_buf_alloc(ctx->hv, len + 1);
	if (!buf) {
		return dom_err_sys(ctx, -ENOMEM, "sending debug keys");
	}
	memcpy(buf, keys, len + 1);
	op.u.debug_keys.nr_keys = (uint32_t)len;
	set_xen_guest_handle(op.u.debug_keys.keys, buf);
	rc = dom_sysctl(ctx, &op, "sending debug keys");
	hv_buf_free(ctx->hv, buf, len + 1);
	return rc;
}
