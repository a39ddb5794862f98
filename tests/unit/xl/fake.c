/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See fake.h. */
#include "tests/unit/xl/fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/domctl.h>
#include <public/sysctl.h>

#include "dom0-tools/libhv/libhv.h"
#include "dom0-tools/xl/cfg_ast.h"
#include "dom0-tools/xl/xl.h"

struct fake fake;

struct dom_ctx {
	struct dom_hooks hooks;
};

static char *out_text, *err_text;
static char report_text[8192];
static struct xen_sysctl_credit_schedule pool_params;
static struct dom_sched_credit credit;

void fake_reset(void)
{
	free(fake.config);
	memset(&fake, 0, sizeof(fake));
	fake.nr = 2;
	fake.names[0] = "Domain-0";
	fake.infos[0] = (struct dom_info){
		.running = true,
		.current_kb = 1048576,
		.max_kb = UINT64_MAX,
		.cpu_time = 6900000000,
		.vcpus_online = 1,
		.vcpus_max = 1,
	};
	fake.names[1] = "demo";
	fake.infos[1] = (struct dom_info){
		.domid = 1,
		.paused = true,
		.current_kb = 262144,
		.max_kb = 263168,
		.vcpus_online = 1,
		.vcpus_max = 2,
		.uuid = {0xb3, 0xec, 0xc7, 0x08, 0x70, 0x26, 0x4b, 0x2c, 0x85, 0xc2, 0x20, 0x14,
			 0xf7, 0x7d, 0x2c, 0xe8},
	};
	fake.free_pages = 515584;
	fake.dom0_target = 1048575;
	fake.cmdline = "console=com1 dom0_mem=1024M";
	pool_params = (struct xen_sysctl_credit_schedule){30, 1000, 0};
	credit = (struct dom_sched_credit){256, 0};
	report_text[0] = '\0';
}

int fake_run(const char **out, const char **err, ...)
{
	char *argv[16] = {strdup("xl")};
	struct xl xl = {0};
	int argc = 1, ret, i;
	const char *arg;
	size_t size;
	va_list args;

	va_start(args, err);
	while ((arg = va_arg(args, const char *)) && argc < 15)
		argv[argc++] = strdup(arg);
	va_end(args);
	free(out_text);
	free(err_text);
	xl.out = open_memstream(&out_text, &size);
	xl.err = open_memstream(&err_text, &size);
	ret = xl_main(&xl, argc, argv);
	fclose(xl.out);
	fclose(xl.err);
	for (i = 0; i < 16; i++)
		free(argv[i]);
	if (out)
		*out = out_text;
	if (err)
		*err = err_text;
	return ret;
}

static void collect(void *arg, const char *line)
{
	snprintf(report_text + strlen(report_text), sizeof(report_text) - strlen(report_text),
		 "%s%s\n", (const char *)arg, line);
}

static void collect_error(void *arg, const char *line)
{
	collect((void *)(uintptr_t) "", line);
}

static void collect_warning(void *arg, const char *line)
{
	collect((void *)(uintptr_t) "warning: ", line);
}

const struct cfg_report *fake_report(void)
{
	static const struct cfg_report report = {.error = collect_error,
						 .warning = collect_warning};

	report_text[0] = '\0';
	return &report;
}

const char *fake_report_text(void)
{
	return report_text;
}

/* ---- libdomain ------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static int did(const char *format, ...)
{
	size_t used = strlen(fake.calls);
	va_list args;

	va_start(args, format);
	vsnprintf(fake.calls + used, sizeof(fake.calls) - used, format, args);
	va_end(args);
	used = strlen(fake.calls);
	snprintf(fake.calls + used, sizeof(fake.calls) - used, "; ");
	return fake.fail;
}

int dom_open(unsigned int flags, const struct dom_hooks *hooks, struct dom_ctx **ret_ctx)
{
	*ret_ctx = calloc(1, sizeof(struct dom_ctx));
	return *ret_ctx ? 0 : -ENOMEM;
}

void dom_close(struct dom_ctx *ctx)
{
	free(ctx);
}

struct hv_handle *dom_hv(struct dom_ctx *ctx)
{
	return NULL;
}

const char *dom_errmsg(const struct dom_ctx *ctx)
{
	return "the fake says no";
}

static int index_of(uint32_t domid)
{
	for (size_t i = 0; i < fake.nr; i++) {
		if (fake.infos[i].domid == domid)
			return (int)i;
	}
	return -1;
}

int dom_info(struct dom_ctx *ctx, uint32_t domid, struct dom_info *ret_info)
{
	int i = index_of(domid);

	if (i < 0)
		return -ESRCH;
	*ret_info = fake.infos[i];
	return 0;
}

int dom_list(struct dom_ctx *ctx, struct dom_info **ret_infos, size_t *ret_nr)
{
	*ret_infos = calloc(fake.nr, sizeof(**ret_infos));
	memcpy(*ret_infos, fake.infos, fake.nr * sizeof(**ret_infos));
	*ret_nr = fake.nr;
	return 0;
}

int dom_name(struct dom_ctx *ctx, uint32_t domid, char **ret_name)
{
	int i = index_of(domid);

	if (i < 0)
		return -ESRCH;
	*ret_name = strdup(fake.names[i]);
	return 0;
}

int dom_find_name(struct dom_ctx *ctx, const char *name, uint32_t *ret_domid)
{
	for (size_t i = 0; i < fake.nr; i++) {
		if (!strcmp(fake.names[i], name)) {
			*ret_domid = fake.infos[i].domid;
			return 0;
		}
	}
	return -ESRCH;
}

int dom_find(struct dom_ctx *ctx, const char *name_or_id, uint32_t *ret_domid)
{
	uint32_t domid = (uint32_t)atoi(name_or_id);

	if (name_or_id[0] < '0' || name_or_id[0] > '9')
		return dom_find_name(ctx, name_or_id, ret_domid);
	if (index_of(domid) < 0)
		return -ESRCH;
	*ret_domid = domid;
	return 0;
}

int dom_rename(struct dom_ctx *ctx, uint32_t domid, const char *new_name)
{
	return did("rename %u %s", domid, new_name);
}

void dom_uuid_format(const uint8_t uuid[16], char buf[DOM_UUID_STRLEN])
{
	int i, at = 0;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf[at++] = '-';
		at += sprintf(buf + at, "%02x", uuid[i]);
	}
}

int dom_uptime(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_seconds)
{
	*ret_seconds = domid ? 90061 + 86400 : 12;
	return 0;
}

int dom_console_tty(struct dom_ctx *ctx, uint32_t domid, int timeout_ms, char **ret_tty)
{
	return -ETIMEDOUT;
}

int dom_prepare(struct dom_ctx *ctx, struct domain_config *cfg, struct dom_prepared **ret_prepared)
{
	*ret_prepared = (struct dom_prepared *)cfg;
	return 0;
}

int dom_create_prepared(struct dom_ctx *ctx, struct dom_prepared *prepared, uint32_t *ret_domid)
{
	*ret_domid = 7;
	return did("create %s", ((struct domain_config *)prepared)->name);
}

void dom_prepared_free(struct dom_prepared *prepared)
{
}

int dom_destroy(struct dom_ctx *ctx, uint32_t domid)
{
	return did("destroy %u", domid);
}

int dom_pause(struct dom_ctx *ctx, uint32_t domid)
{
	return did("pause %u", domid);
}

int dom_unpause(struct dom_ctx *ctx, uint32_t domid)
{
	return did("unpause %u", domid);
}

int dom_request_shutdown(struct dom_ctx *ctx, uint32_t domid)
{
	return did("shutdown %u", domid);
}

int dom_request_reboot(struct dom_ctx *ctx, uint32_t domid)
{
	return did("reboot %u", domid);
}

int dom_wait(struct dom_ctx *ctx, const uint32_t *domids, size_t nr, bool death, int timeout_ms,
	     void (*on_each)(void *arg, uint32_t domid, bool gone, const struct dom_info *info),
	     void *arg)
{
	struct dom_info info = {.shutdown_reason = 0};

	for (size_t i = 0; i < nr; i++)
		on_each(arg, domids[i], death, &info);
	return did("wait %zu", nr);
}

int dom_sysrq(struct dom_ctx *ctx, uint32_t domid, char key)
{
	return did("sysrq %u %c", domid, key);
}

int dom_mind(struct dom_ctx *ctx, uint32_t *domid, struct domain_config **cfg,
	     const struct dom_mind_ops *ops)
{
	return did("mind %u", *domid);
}

int dom_dump_core(struct dom_ctx *ctx, uint32_t domid, const char *path)
{
	return did("dump-core %u %s", domid, path);
}

int dom_vcpu_list(struct dom_ctx *ctx, uint32_t domid, struct dom_vcpu **ret_vcpus, size_t *ret_nr)
{
	struct dom_vcpu *v = calloc(2, sizeof(*v));

	v[0] = (struct dom_vcpu){.online = true, .running = domid == 0, .cpu_time = 12100000000};
	v[0].hard = (struct dom_cpumap){.nr = 8, .bits = {0xff}};
	v[0].soft = v[0].hard;
	v[1] = (struct dom_vcpu){.id = 1, .hard = {.nr = 8, .bits = {0x0b}}};
	v[1].soft = v[0].soft;
	*ret_vcpus = v;
	*ret_nr = domid ? 2 : 1;
	return 0;
}

int dom_vcpu_pin(struct dom_ctx *ctx, uint32_t domid, uint32_t vcpu,
		 const struct domain_cpumap *hard, const struct domain_cpumap *soft, bool force,
		 bool *ret_narrowed)
{
	return did("pin %u %d %02x %02x%s", domid, (int)vcpu, hard ? hard->bits[0] : 0,
		   soft ? soft->bits[0] : 0, force ? " force" : "");
}

int dom_vcpu_set(struct dom_ctx *ctx, uint32_t domid, unsigned int count)
{
	return did("vcpu-set %u %u", domid, count);
}

int dom_mem_set(struct dom_ctx *ctx, uint32_t domid, uint64_t target_kb)
{
	if (domid == 0) {
		fake.free_pages += (fake.dom0_target - target_kb) / 4;
		fake.dom0_target = target_kb;
	}
	return did("mem-set %u %llu", domid, (unsigned long long)target_kb);
}

int dom_mem_max(struct dom_ctx *ctx, uint32_t domid, uint64_t max_kb)
{
	return did("mem-max %u %llu", domid, (unsigned long long)max_kb);
}

int dom_mem_target(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb)
{
	*ret_kb = domid ? 262144 : fake.dom0_target;
	return 0;
}

int dom_mem_static_max(struct dom_ctx *ctx, uint32_t domid, uint64_t *ret_kb)
{
	return dom_mem_target(ctx, domid, ret_kb);
}

int dom_mem_need(struct dom_ctx *ctx, const struct domain_config *cfg, uint64_t *ret_kb)
{
	*ret_kb = cfg->max_memory_kb + 1024;
	return 0;
}

int dom_sched_credit_get(struct dom_ctx *ctx, uint32_t domid, struct dom_sched_credit *ret_params)
{
	*ret_params = credit;
	return 0;
}

int dom_sched_credit_set(struct dom_ctx *ctx, uint32_t domid, const struct dom_sched_credit *params)
{
	return did("credit %u %u %u", domid, params->weight, params->cap);
}

int dom_sched_name(struct dom_ctx *ctx, const char **ret_name)
{
	*ret_name = "credit";
	return 0;
}

int dom_physinfo(struct dom_ctx *ctx, struct dom_physinfo *ret_info)
{
	*ret_info = (struct dom_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = 4,
		.nr_cpus = 4,
		.max_cpu_id = 3,
		.nr_nodes = 1,
		.cpu_khz = 2596120,
		.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
				XEN_SYSCTL_PHYSCAP_gnttab_v2,
		.total_pages = 786303,
		.free_pages = fake.free_pages,
		.hw_cap = {0x0fcbf3fd, 0xf6d8320b},
	};
	return 0;
}

int dom_version(struct dom_ctx *ctx, struct dom_version *ret_version)
{
	*ret_version = (struct dom_version){
		.major = 4,
		.minor = 17,
		.extra = ".7",
		.capabilities = "xen-3.0-x86_64 ",
		.virt_start = 0xffff800000000000,
		.pagesize = 4096,
		.compiler = "gcc",
		.build_id = "151b",
	};
	snprintf(ret_version->commandline, sizeof(ret_version->commandline), "%s", fake.cmdline);
	return 0;
}

int dom_free_cpus(struct dom_ctx *ctx, struct dom_cpumap *ret_map)
{
	*ret_map = (struct dom_cpumap){.nr = 8};
	return 0;
}

int dom_cputopo(struct dom_ctx *ctx, struct dom_cputopo **ret_cpus, size_t *ret_nr)
{
	*ret_cpus = calloc(4, sizeof(**ret_cpus));
	for (uint32_t i = 0; i < 4; i++)
		(*ret_cpus)[i] = (struct dom_cputopo){i, 0, i / 2};
	*ret_nr = 4;
	return 0;
}

int dom_numa(struct dom_ctx *ctx, struct dom_numa **ret_nodes, size_t *ret_nr)
{
	*ret_nodes = calloc(1, sizeof(**ret_nodes) + sizeof(uint32_t));
	(*ret_nodes)[0].size = UINT64_C(3071) << 20;
	(*ret_nodes)[0].free = UINT64_C(2014) << 20;
	(*ret_nodes)[0].distances = (uint32_t *)(*ret_nodes + 1);
	(*ret_nodes)[0].distances[0] = 10;
	*ret_nr = 1;
	return 0;
}

int dom_cpupool(struct dom_ctx *ctx, uint32_t first, struct dom_cpupool *ret_pool)
{
	if (first)
		return -ENOENT;
	*ret_pool = (struct dom_cpupool){
		.sched_id = XEN_SCHEDULER_CREDIT, .nr_domains = 2, .name = "Pool-0"};
	return 0;
}

int dom_console_ring(struct dom_ctx *ctx, bool clear,
		     int (*sink)(void *arg, const char *text, size_t len), void *arg)
{
	did("dmesg%s", clear ? " clear" : "");
	return sink(arg, "(XEN) hello\n", 12);
}

int dom_debug_keys(struct dom_ctx *ctx, const char *keys)
{
	return did("debug-keys %s", keys);
}

void dom_devices_free(struct dom_device *devs, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(devs[i].backend_path);
		free(devs[i].mac);
	}
	free(devs);
}

static struct dom_device *one_device(const char *class, uint32_t devid, const char *mac)
{
	struct dom_device *dev = calloc(1, sizeof(*dev));

	snprintf(dev->class, sizeof(dev->class), "%s", class);
	dev->devid = devid;
	dev->state = 1;
	dev->evtchn = dev->ring_ref = dev->rx_ring_ref = -1;
	dev->mac = mac ? strdup(mac) : NULL;
	if (asprintf(&dev->backend_path, "/local/domain/0/backend/%s/1/%u", class, devid) < 0)
		abort();
	return dev;
}

int dom_block_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_disk *disk)
{
	return did("block-attach %u %s %s", domid, disk->vdev, disk->target);
}

int dom_block_detach(struct dom_ctx *ctx, uint32_t domid, const char *vdev, bool force)
{
	return did("block-detach %u %s%s", domid, vdev, force ? " force" : "");
}

int dom_block_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		   size_t *ret_nr)
{
	*ret_devs = one_device("vbd", 51728, NULL);
	*ret_nr = 1;
	return 0;
}

int dom_network_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_vif *nic)
{
	return did("network-attach %u %s", domid, nic->bridge ? nic->bridge : "-");
}

int dom_network_detach(struct dom_ctx *ctx, uint32_t domid, const char *which, bool force)
{
	return did("network-detach %u %s", domid, which);
}

int dom_network_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		     size_t *ret_nr)
{
	*ret_devs = one_device("vif", 0, "00:16:3e:19:cd:24");
	*ret_nr = 1;
	return 0;
}

int dom_userdata_store(struct dom_ctx *ctx, uint32_t domid, const char *kind, const void *data,
		       size_t len)
{
	free(fake.config);
	fake.config = strndup(data, len);
	return did("store %u %s", domid, kind);
}

int dom_userdata_load(struct dom_ctx *ctx, uint32_t domid, const char *kind, char **ret_data,
		      size_t *ret_len)
{
	if (!fake.config || domid == 0)
		return -ENOENT;
	*ret_data = strdup(fake.config);
	*ret_len = strlen(fake.config);
	return 0;
}

/* ---- libhv -------------------------------------------------------------------------- */

int hv_sysctl(struct hv_handle *h, struct xen_sysctl *op)
{
	if (op->u.scheduler_op.cmd == XEN_SYSCTL_SCHEDOP_getinfo) {
		op->u.scheduler_op.u.sched_credit = pool_params;
	} else {
		pool_params = op->u.scheduler_op.u.sched_credit;
		did("pool %u %u %u", pool_params.tslice_ms, pool_params.ratelimit_us,
		    pool_params.vcpu_migr_delay_us);
	}
	return 0;
}
