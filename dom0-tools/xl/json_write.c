/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Writes configurations as JSON with libxl's names. */
#include "dom0-tools/xl/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>
#include <yajl/yajl_gen.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/json_names.h"
#include "dom0-tools/xl/xl.h"

static void put_key(yajl_gen gen, const char *key)
{
	yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
}

static void put_string(yajl_gen gen, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(gen, key);
	put_key(gen, value);
}

static void put_integer(yajl_gen gen, const char *key, long long value)
{
	put_key(gen, key);
	yajl_gen_integer(gen, value);
}

/* libxl's "defbool": a string that is left out where it's the default. */
static void put_flag(yajl_gen gen, const char *key, bool value)
{
	if (value)
		put_string(gen, key, "True");
}

static void put_map(yajl_gen gen, const char *key)
{
	put_key(gen, key);
	yajl_gen_map_open(gen);
}

static void put_cpus(yajl_gen gen, const struct domain_cpumap *map)
{
	unsigned int cpu;

	yajl_gen_array_open(gen);
	for (cpu = 0; cpu < map->nr; cpu++) {
		if (domain_cpumap_test(map, cpu))
			yajl_gen_integer(gen, cpu);
	}
	yajl_gen_array_close(gen);
}

static void put_affinity(yajl_gen gen, const char *key, const struct domain_affinity *aff)
{
	unsigned int i;

	if (!aff->nr)
		return;
	put_key(gen, key);
	yajl_gen_array_open(gen);
	for (i = 0; i < aff->nr; i++)
		put_cpus(gen, &aff->maps[i]);
	yajl_gen_array_close(gen);
}

/* ---- parts ---------------------------------------------------------------------- */

static void put_create_info(yajl_gen gen, const struct domain_config *cfg)
{
	char uuid[UUID_STR_LEN];

	put_map(gen, "c_info");
	put_string(gen, "type", domain_type_name(cfg->type));
	put_string(gen, "name", cfg->name);
	if (cfg->has_uuid) {
		uuid_unparse_lower(cfg->uuid, uuid);
		put_string(gen, "uuid", uuid);
	}
	put_string(gen, "pool_name", cfg->pool);
	put_flag(gen, "driver_domain", cfg->driver_domain);
	put_flag(gen, "xend_suspend_evtchn_compat", cfg->suspend_evtchn_compat);
	yajl_gen_map_close(gen);
}

static void put_vcpus(yajl_gen gen, const struct domain_config *cfg)
{
	unsigned int i;

	if (cfg->max_vcpus)
		put_integer(gen, "max_vcpus", cfg->max_vcpus);
	if (cfg->vcpus) {
		put_key(gen, "avail_vcpus");
		yajl_gen_array_open(gen);
		for (i = 0; i < cfg->vcpus; i++)
			yajl_gen_integer(gen, i);
		yajl_gen_array_close(gen);
	}
	put_affinity(gen, "vcpu_hard_affinity", &cfg->hard_affinity);
	put_affinity(gen, "vcpu_soft_affinity", &cfg->soft_affinity);
}

static void put_limits(yajl_gen gen, const struct domain_config *cfg)
{
	if (cfg->tsc_mode != DOMAIN_TSC_DEFAULT)
		put_string(gen, "tsc_mode", domain_tsc_mode_name(cfg->tsc_mode));
	if (cfg->max_memory_kb)
		put_integer(gen, "max_memkb", (long long)cfg->max_memory_kb);
	if (cfg->memory_kb)
		put_integer(gen, "target_memkb", (long long)cfg->memory_kb);
	if (cfg->rtc_timeoffset)
		put_integer(gen, "rtc_timeoffset", cfg->rtc_timeoffset);
	put_flag(gen, "localtime", cfg->localtime);
	put_flag(gen, "disable_migrate", cfg->nomigrate);
	if (cfg->max_grant_frames >= 0)
		put_integer(gen, "max_grant_frames", cfg->max_grant_frames);
	if (cfg->max_maptrack_frames >= 0)
		put_integer(gen, "max_maptrack_frames", cfg->max_maptrack_frames);
	if (cfg->max_grant_version >= 0)
		put_integer(gen, "max_grant_version", cfg->max_grant_version);
	put_map(gen, "sched_params");
	if (cfg->cpu_weight)
		put_integer(gen, "weight", cfg->cpu_weight);
	if (cfg->cap >= 0)
		put_integer(gen, "cap", cfg->cap);
	yajl_gen_map_close(gen);
	put_string(gen, "claim_mode", cfg->claim ? "True" : "False");
	if (cfg->event_channels && cfg->event_channels != DOMAIN_EVENT_CHANNELS_DEFAULT)
		put_integer(gen, "event_channels", cfg->event_channels);
}

static void put_build_info(yajl_gen gen, const struct domain_config *cfg)
{
	unsigned int i;

	put_map(gen, "b_info");
	put_vcpus(gen, cfg);
	put_limits(gen, cfg);
	put_string(gen, "kernel", cfg->kernel);
	put_string(gen, "cmdline", cfg->cmdline);
	put_string(gen, "ramdisk", cfg->ramdisk);
	put_string(gen, "bootloader", cfg->bootloader);
	if (cfg->nr_bootloader_args) {
		put_key(gen, "bootloader_args");
		yajl_gen_array_open(gen);
		for (i = 0; i < cfg->nr_bootloader_args; i++)
			put_key(gen, cfg->bootloader_args[i]);
		yajl_gen_array_close(gen);
	}
	put_map(gen, "type.pv");
	put_flag(gen, "e820_host", cfg->e820_host);
	yajl_gen_map_close(gen);
	put_map(gen, "arch_arm");
	yajl_gen_map_close(gen);
	put_map(gen, "arch_x86");
	put_flag(gen, "msr_relaxed", cfg->msr_relaxed);
	yajl_gen_map_close(gen);
	yajl_gen_map_close(gen);
}

static void put_disk(yajl_gen gen, const struct domain_disk *disk)
{
	yajl_gen_map_open(gen);
	put_string(gen, "backend_domname", disk->backend_domain);
	put_string(gen, "pdev_path", disk->target ? disk->target : "");
	put_string(gen, "vdev", disk->vdev);
	if (disk->backend != DOMAIN_DISK_BACKEND_AUTO)
		put_string(gen, "backend", domain_disk_backend_name(disk->backend));
	put_string(gen, "format", domain_disk_format_name(disk->format));
	put_string(gen, "script", disk->script);
	if (disk->removable)
		put_integer(gen, "removable", 1);
	if (disk->readwrite)
		put_integer(gen, "readwrite", 1);
	if (disk->cdrom)
		put_integer(gen, "is_cdrom", 1);
	if (disk->direct_io_safe) {
		put_key(gen, "direct_io_safe");
		yajl_gen_bool(gen, 1);
	}
	if (!disk->discard)
		put_string(gen, "discard_enable", "False");
	if (!disk->trusted)
		put_string(gen, "trusted", "False");
	yajl_gen_map_close(gen);
}

static void put_vif(yajl_gen gen, const struct domain_vif *vif)
{
	char mac[18];

	yajl_gen_map_open(gen);
	put_string(gen, "backend_domname", vif->backend_domain);
	if (vif->devid != DOMAIN_VIF_DEVID_AUTO)
		put_integer(gen, "devid", vif->devid);
	if (vif->mtu)
		put_integer(gen, "mtu", vif->mtu);
	put_string(gen, "model", vif->model);
	if (vif->has_mac) {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", vif->mac[0],
			 vif->mac[1], vif->mac[2], vif->mac[3], vif->mac[4], vif->mac[5]);
		put_string(gen, "mac", mac);
	}
	put_string(gen, "ip", vif->ip);
	put_string(gen, "bridge", vif->bridge);
	put_string(gen, "ifname", vif->vifname);
	put_string(gen, "script", vif->script);
	if (vif->rate_bytes) {
		put_integer(gen, "rate_bytes_per_interval", (long long)vif->rate_bytes);
		put_integer(gen, "rate_interval_usecs", vif->rate_usecs);
	}
	put_string(gen, "gatewaydev", vif->gatewaydev);
	if (!vif->trusted)
		put_string(gen, "trusted", "False");
	yajl_gen_map_close(gen);
}

static void put_devices(yajl_gen gen, const struct domain_config *cfg)
{
	unsigned int i;

	if (cfg->nr_disks) {
		put_key(gen, "disks");
		yajl_gen_array_open(gen);
		for (i = 0; i < cfg->nr_disks; i++)
			put_disk(gen, &cfg->disks[i]);
		yajl_gen_array_close(gen);
	}
	if (cfg->nr_vifs) {
		put_key(gen, "nics");
		yajl_gen_array_open(gen);
		for (i = 0; i < cfg->nr_vifs; i++)
			put_vif(gen, &cfg->vifs[i]);
		yajl_gen_array_close(gen);
	}
}

static void put_config(yajl_gen gen, const struct domain_config *cfg)
{
	size_t i;

	yajl_gen_map_open(gen);
	put_create_info(gen, cfg);
	put_build_info(gen, cfg);
	put_devices(gen, cfg);
	for (i = 0; i < json_nr_actions; i++) {
		const enum domain_action *action = json_action(cfg, i);
		char name[32], *dash;

		if (*action == DOMAIN_ACTION_DESTROY)
			continue; /* libxl's enumeration starts with it */
		snprintf(name, sizeof(name), "%s", domain_action_name(*action));
		for (dash = name; *dash; dash++)
			*dash = *dash == '-' ? '_' : *dash;
		put_string(gen, json_actions[i].key, name);
	}
	yajl_gen_map_close(gen);
}

/* ---- printing ----------------------------------------------------------------------- */

static yajl_gen new_gen(void)
{
	yajl_gen gen = yajl_gen_alloc(NULL);

	if (gen)
		yajl_gen_config(gen, yajl_gen_beautify, 1);
	return gen;
}

/* Prints what @gen holds and frees it. */
static int print_gen(struct xl *xl, yajl_gen gen)
{
	const unsigned char *text;
	size_t len;
	int ret = XL_FAIL;

	if (gen && yajl_gen_get_buf(gen, &text, &len) == yajl_gen_status_ok) {
		fwrite(text, 1, len, xl->out);
		ret = XL_OK;
	} else {
		xl_error(xl, "cannot make JSON of it");
	}
	if (gen)
		yajl_gen_free(gen);
	return ret;
}

int json_write_config(const struct domain_config *cfg, char **ret_text, size_t *ret_len)
{
	const unsigned char *text;
	yajl_gen gen = new_gen();
	char *copy = NULL;
	size_t len;

	if (!gen)
		return -ENOMEM;
	put_config(gen, cfg);
	if (yajl_gen_get_buf(gen, &text, &len) == yajl_gen_status_ok)
		copy = strndup((const char *)text, len);
	yajl_gen_free(gen);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	*ret_len = len;
	return 0;
}

int json_print_config(struct xl *xl, const struct domain_config *cfg)
{
	yajl_gen gen = new_gen();

	if (gen)
		put_config(gen, cfg);
	return print_gen(xl, gen);
}

int json_print_disk(struct xl *xl, const struct domain_disk *disk)
{
	yajl_gen gen = new_gen();

	fprintf(xl->out, "disk: ");
	if (gen)
		put_disk(gen, disk);
	return print_gen(xl, gen);
}

int json_print_vif(struct xl *xl, const struct domain_vif *vif)
{
	yajl_gen gen = new_gen();

	fprintf(xl->out, "vif: ");
	if (gen)
		put_vif(gen, vif);
	return print_gen(xl, gen);
}

/* ---- xl list -l ------------------------------------------------------------------------ */

/* What is known of a domain that nobody kept a configuration for. */
static void config_from_info(struct xl *xl, const struct dom_info *info, struct domain_config *cfg)
{
	cfg->name = xl_domain_name(xl, info->domid);
	memcpy(cfg->uuid, info->uuid, sizeof(cfg->uuid));
	cfg->has_uuid = info->domid != 0;
	cfg->max_vcpus = info->vcpus_max;
	cfg->vcpus = info->vcpus_online;
	cfg->max_memory_kb = info->max_kb == UINT64_MAX ? 0 : info->max_kb;
	cfg->memory_kb = info->current_kb;
	cfg->on_reboot = DOMAIN_ACTION_DESTROY;
	cfg->on_soft_reset = DOMAIN_ACTION_DESTROY;
}

static void live_config(struct xl *xl, const struct dom_info *info, struct domain_config *cfg)
{
	struct dom_sched_credit sched;
	char *text, *name;
	uint64_t target, max;
	size_t len;
	int ret = -ENOENT;

	domain_config_init(cfg);
	if (!dom_userdata_load(xl->dom, info->domid, "config", &text, &len)) {
		ret = json_read_config(text, cfg);
		free(text);
	}
	if (ret) {
		domain_config_fini(cfg);
		config_from_info(xl, info, cfg);
	}
	/* What changes while it runs is asked for anew. */
	name = xl_domain_name(xl, info->domid);
	domain_config_set_string(&cfg->name, name);
	free(name);
	if (!dom_mem_target(xl->dom, info->domid, &target))
		cfg->memory_kb = target;
	if (!dom_mem_static_max(xl->dom, info->domid, &max))
		cfg->max_memory_kb = max;
	if (!dom_sched_credit_get(xl->dom, info->domid, &sched)) {
		cfg->cpu_weight = sched.weight;
		cfg->cap = (int)sched.cap;
	}
}

int json_print_domains(struct xl *xl, const struct dom_info *infos, size_t nr)
{
	struct domain_config cfg;
	yajl_gen gen = new_gen();
	int ret;

	if (gen)
		yajl_gen_array_open(gen);
	for (size_t i = 0; gen && i < nr; i++) {
		live_config(xl, &infos[i], &cfg);
		yajl_gen_map_open(gen);
		put_integer(gen, "domid", infos[i].domid);
		put_key(gen, "config");
		put_config(gen, &cfg);
		yajl_gen_map_close(gen);
		domain_config_fini(&cfg);
	}
	if (gen)
		yajl_gen_array_close(gen);
	ret = print_gen(xl, gen);
	fputc('\n', xl->out);
	return ret;
}
