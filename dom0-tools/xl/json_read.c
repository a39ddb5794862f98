/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* (X8) Reads a configuration that json_write.c wrote. */
#include "dom0-tools/xl/json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>
#include <yajl/yajl_tree.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/json_names.h"

/* ---- access: what is missing or of another kind leaves the field alone ------------- */

static yajl_val get(yajl_val map, const char *key, yajl_type type)
{
	const char *path[] = {key, NULL};

	return map ? yajl_tree_get(map, path, type) : NULL;
}

static int get_string(yajl_val map, const char *key, char **field)
{
	yajl_val value = get(map, key, yajl_t_string);

	return value ? domain_config_set_string(field, YAJL_GET_STRING(value)) : 0;
}

static long long get_integer(yajl_val map, const char *key, long long min, long long max,
			     long long otherwise)
{
	yajl_val value = get(map, key, yajl_t_number);
	long long number;

	if (!value || !YAJL_IS_INTEGER(value))
		return otherwise;
	number = YAJL_GET_INTEGER(value);
	return number < min || number > max ? otherwise : number;
}

static bool get_flag(yajl_val map, const char *key, bool otherwise)
{
	yajl_val value = get(map, key, yajl_t_any);

	if (!value)
		return otherwise;
	if (value->type == yajl_t_string)
		return !strcmp(value->u.string, "True");
	if (value->type == yajl_t_true || value->type == yajl_t_false)
		return value->type == yajl_t_true;
	return otherwise;
}

static int get_cpus(yajl_val array, struct domain_cpumap *map)
{
	unsigned int nr = 0;
	size_t i;
	int ret;

	for (i = 0; i < array->u.array.len; i++) {
		yajl_val cpu = array->u.array.values[i];

		if (YAJL_IS_INTEGER(cpu) && YAJL_GET_INTEGER(cpu) >= 0 &&
		    YAJL_GET_INTEGER(cpu) < 65536 && YAJL_GET_INTEGER(cpu) >= nr)
			nr = (unsigned int)YAJL_GET_INTEGER(cpu) + 1;
	}
	ret = domain_cpumap_init(map, nr);
	for (i = 0; i < array->u.array.len && !ret; i++) {
		yajl_val cpu = array->u.array.values[i];

		if (YAJL_IS_INTEGER(cpu) && YAJL_GET_INTEGER(cpu) >= 0)
			domain_cpumap_set(map, (unsigned int)YAJL_GET_INTEGER(cpu), true);
	}
	return ret;
}

static int get_affinity(yajl_val map, const char *key, struct domain_affinity *aff)
{
	yajl_val list = get(map, key, yajl_t_array);
	size_t i;
	int ret = 0;

	if (!list || !list->u.array.len)
		return 0;
	aff->maps = calloc(list->u.array.len, sizeof(*aff->maps));
	if (!aff->maps)
		return -ENOMEM;
	for (i = 0; i < list->u.array.len && !ret; i++) {
		if (!YAJL_IS_ARRAY(list->u.array.values[i]))
			return -EINVAL;
		ret = get_cpus(list->u.array.values[i], &aff->maps[i]);
		aff->nr = (unsigned int)i + !ret;
	}
	return ret;
}

/* ---- parts ------------------------------------------------------------------------- */

static int read_create_info(yajl_val map, struct domain_config *cfg)
{
	char *uuid = NULL;
	int ret;

	ret = get_string(map, "name", &cfg->name);
	if (!ret)
		ret = get_string(map, "pool_name", &cfg->pool);
	if (!ret)
		ret = get_string(map, "uuid", &uuid);
	cfg->has_uuid = uuid && !uuid_parse(uuid, cfg->uuid);
	free(uuid);
	cfg->driver_domain = get_flag(map, "driver_domain", false);
	cfg->suspend_evtchn_compat = get_flag(map, "xend_suspend_evtchn_compat", false);
	return ret;
}

static int read_bootloader_args(yajl_val map, struct domain_config *cfg)
{
	yajl_val list = get(map, "bootloader_args", yajl_t_array);
	size_t i;
	int ret = 0;

	if (!list || !list->u.array.len)
		return 0;
	cfg->bootloader_args = calloc(list->u.array.len, sizeof(char *));
	if (!cfg->bootloader_args)
		return -ENOMEM;
	for (i = 0; i < list->u.array.len && !ret; i++) {
		if (!YAJL_IS_STRING(list->u.array.values[i]))
			return -EINVAL;
		ret = domain_config_set_string(&cfg->bootloader_args[i],
					       YAJL_GET_STRING(list->u.array.values[i]));
		cfg->nr_bootloader_args = (unsigned int)i + !ret;
	}
	return ret;
}

static void read_numbers(yajl_val map, struct domain_config *cfg)
{
	yajl_val sched = get(map, "sched_params", yajl_t_object);
	yajl_val avail = get(map, "avail_vcpus", yajl_t_array);
	yajl_val tsc = get(map, "tsc_mode", yajl_t_string);

	cfg->max_vcpus = (unsigned int)get_integer(map, "max_vcpus", 1, DOMAIN_MAX_VCPUS, 0);
	if (avail && avail->u.array.len <= DOMAIN_MAX_VCPUS)
		cfg->vcpus = (unsigned int)avail->u.array.len;
	cfg->max_memory_kb = (uint64_t)get_integer(map, "max_memkb", 0, LLONG_MAX, 0);
	cfg->memory_kb = (uint64_t)get_integer(map, "target_memkb", 0, LLONG_MAX, 0);
	cfg->rtc_timeoffset = (int)get_integer(map, "rtc_timeoffset", INT_MIN, INT_MAX, 0);
	cfg->max_grant_frames = (int)get_integer(map, "max_grant_frames", 0, INT_MAX, -1);
	cfg->max_maptrack_frames = (int)get_integer(map, "max_maptrack_frames", 0, INT_MAX, -1);
	cfg->max_grant_version = (int)get_integer(map, "max_grant_version", 0, 2, -1);
	cfg->event_channels = (unsigned int)get_integer(map, "event_channels", 1, INT_MAX, 0);
	cfg->cpu_weight = (unsigned int)get_integer(sched, "weight", 1, DOMAIN_SCHED_WEIGHT_MAX, 0);
	cfg->cap = (int)get_integer(sched, "cap", 0, INT_MAX, -1);
	if (tsc)
		domain_tsc_mode_parse(YAJL_GET_STRING(tsc), &cfg->tsc_mode);
	cfg->localtime = get_flag(map, "localtime", false);
	cfg->nomigrate = get_flag(map, "disable_migrate", false);
	cfg->claim = get_flag(map, "claim_mode", true);
	cfg->e820_host = get_flag(get(map, "type.pv", yajl_t_object), "e820_host", false);
	cfg->msr_relaxed = get_flag(get(map, "arch_x86", yajl_t_object), "msr_relaxed", false);
}

static int read_build_info(yajl_val map, struct domain_config *cfg)
{
	int ret;

	read_numbers(map, cfg);
	ret = get_string(map, "kernel", &cfg->kernel);
	if (!ret)
		ret = get_string(map, "cmdline", &cfg->cmdline);
	if (!ret)
		ret = get_string(map, "ramdisk", &cfg->ramdisk);
	if (!ret)
		ret = get_string(map, "bootloader", &cfg->bootloader);
	if (!ret)
		ret = read_bootloader_args(map, cfg);
	if (!ret)
		ret = get_affinity(map, "vcpu_hard_affinity", &cfg->hard_affinity);
	if (!ret)
		ret = get_affinity(map, "vcpu_soft_affinity", &cfg->soft_affinity);
	return ret;
}

static int read_disk(yajl_val map, struct domain_config *cfg)
{
	yajl_val text = get(map, "format", yajl_t_string);
	struct domain_disk *disk;
	int ret;

	ret = domain_config_add_disk(cfg, &disk);
	if (ret)
		return ret;
	if (text)
		domain_disk_format_parse(YAJL_GET_STRING(text), &disk->format);
	text = get(map, "backend", yajl_t_string);
	if (text)
		domain_disk_backend_parse(YAJL_GET_STRING(text), &disk->backend);
	disk->removable = get_integer(map, "removable", 0, 1, 0);
	disk->readwrite = get_integer(map, "readwrite", 0, 1, 0);
	disk->cdrom = get_integer(map, "is_cdrom", 0, 1, 0);
	disk->direct_io_safe = get_flag(map, "direct_io_safe", false);
	disk->discard = get_flag(map, "discard_enable", true);
	disk->trusted = get_flag(map, "trusted", true);
	ret = get_string(map, "vdev", &disk->vdev);
	if (!ret)
		ret = get_string(map, "script", &disk->script);
	if (!ret)
		ret = get_string(map, "backend_domname", &disk->backend_domain);
	if (!ret && disk->format != DOMAIN_DISK_EMPTY)
		ret = get_string(map, "pdev_path", &disk->target);
	return ret;
}

static int read_vif(yajl_val map, struct domain_config *cfg)
{
	yajl_val mac = get(map, "mac", yajl_t_string);
	struct domain_vif *vif;
	int ret;

	ret = domain_config_add_vif(cfg, &vif);
	if (ret)
		return ret;
	if (mac)
		vif->has_mac = !domain_mac_parse(YAJL_GET_STRING(mac), vif->mac);
	vif->devid = (int)get_integer(map, "devid", 0, INT_MAX, DOMAIN_VIF_DEVID_AUTO);
	vif->mtu = (unsigned int)get_integer(map, "mtu", 68, 65535, 0);
	vif->rate_bytes = (uint64_t)get_integer(map, "rate_bytes_per_interval", 0, LLONG_MAX, 0);
	vif->rate_usecs = (uint32_t)get_integer(map, "rate_interval_usecs", 0, UINT32_MAX, 0);
	vif->trusted = get_flag(map, "trusted", true);
	ret = get_string(map, "bridge", &vif->bridge);
	if (!ret)
		ret = get_string(map, "ip", &vif->ip);
	if (!ret)
		ret = get_string(map, "ifname", &vif->vifname);
	if (!ret)
		ret = get_string(map, "script", &vif->script);
	if (!ret)
		ret = get_string(map, "gatewaydev", &vif->gatewaydev);
	if (!ret)
		ret = get_string(map, "model", &vif->model);
	if (!ret)
		ret = get_string(map, "backend_domname", &vif->backend_domain);
	return ret;
}

static int each_device(yajl_val root, const char *key, struct domain_config *cfg,
		       int (*read)(yajl_val map, struct domain_config *cfg))
{
	yajl_val list = get(root, key, yajl_t_array);
	int ret = 0;

	for (size_t i = 0; list && i < list->u.array.len && !ret; i++) {
		if (!YAJL_IS_OBJECT(list->u.array.values[i]))
			return -EINVAL;
		ret = read(list->u.array.values[i], cfg);
	}
	return ret;
}

static void read_actions(yajl_val root, struct domain_config *cfg)
{
	char name[32], *c;
	size_t i;

	for (i = 0; i < json_nr_actions; i++) {
		yajl_val value = get(root, json_actions[i].key, yajl_t_string);

		*json_action(cfg, i) = DOMAIN_ACTION_DESTROY;
		if (!value)
			continue;
		snprintf(name, sizeof(name), "%s", YAJL_GET_STRING(value));
		for (c = name; *c; c++)
			*c = *c == '_' ? '-' : *c;
		domain_action_parse(name, json_action(cfg, i));
	}
}

int json_read_config(const char *text, struct domain_config *cfg)
{
	char err[128];
	yajl_val root = yajl_tree_parse(text, err, sizeof(err));
	int ret;

	if (!root)
		return -EINVAL;
	if (!get(root, "c_info", yajl_t_object) || !get(root, "b_info", yajl_t_object)) {
		yajl_tree_free(root);
		return -EINVAL;
	}
	ret = read_create_info(get(root, "c_info", yajl_t_object), cfg);
	if (!ret)
		ret = read_build_info(get(root, "b_info", yajl_t_object), cfg);
	if (!ret)
		ret = each_device(root, "disks", cfg, read_disk);
	if (!ret)
		ret = each_device(root, "nics", cfg, read_vif);
	read_actions(root, cfg);
	yajl_tree_free(root);
	return ret;
}
