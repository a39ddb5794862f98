/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Completes a configuration: the defaults that depend on other fields, and the
 * checks that need the whole. What depends on the host (free memory, bridges,
 * whether a file exists) is the builder's to check.
 */
#include "dom0-tools/libdomain/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#define DEFAULT_MEMORY_KB  (32U << 10)
#define DEFAULT_RATE_USECS 50000U

__attribute__((format(printf, 2, 3))) static int refuse(char **ret_err, const char *format, ...)
{
	va_list args;

	if (!ret_err)
		return -EINVAL;
	va_start(args, format);
	if (vasprintf(ret_err, format, args) < 0)
		*ret_err = NULL;
	va_end(args);
	return -EINVAL;
}

static int finish_identity(struct domain_config *cfg, char **ret_err)
{
	const unsigned char *c;

	if (!cfg->name || !cfg->name[0])
		return refuse(ret_err, "the domain has no name");
	if (strlen(cfg->name) > DOMAIN_NAME_MAX)
		return refuse(ret_err, "the domain's name is longer than %u characters",
			      DOMAIN_NAME_MAX);
	for (c = (const unsigned char *)cfg->name; *c; c++) {
		if (*c < 0x20 || *c == 0x7f || *c == '/')
			return refuse(ret_err,
				      "the domain's name contains a slash or a control character");
	}
	/* xl takes a string of digits for a number wherever it takes a name. */
	if (strspn(cfg->name, "0123456789") == strlen(cfg->name))
		return refuse(ret_err, "the domain's name '%s' is a number", cfg->name);

	if (!cfg->has_uuid) {
		uuid_generate(cfg->uuid);
		cfg->has_uuid = true;
	}
	return 0;
}

static int finish_boot(struct domain_config *cfg, char **ret_err)
{
	if (cfg->type != DOMAIN_TYPE_PV)
		return refuse(ret_err,
			      "type \"%s\" is not supported: this hypervisor runs PV domains only",
			      domain_type_name(cfg->type));
	if (!cfg->kernel && !cfg->bootloader)
		return refuse(ret_err, "neither a kernel nor a bootloader is given");
	return 0;
}

static int finish_memory(struct domain_config *cfg, char **ret_err)
{
	if (!cfg->memory_kb)
		cfg->memory_kb = cfg->max_memory_kb ? cfg->max_memory_kb : DEFAULT_MEMORY_KB;
	if (!cfg->max_memory_kb)
		cfg->max_memory_kb = cfg->memory_kb;
	if (cfg->memory_kb < DOMAIN_MIN_MEMORY_KB)
		return refuse(ret_err, "memory is less than %u MiB", DOMAIN_MIN_MEMORY_KB >> 10);
	if (cfg->max_memory_kb > DOMAIN_MAX_MEMORY_KB)
		return refuse(ret_err, "maxmem is more than %" PRIu64 " MiB",
			      DOMAIN_MAX_MEMORY_KB >> 10);
	if (cfg->memory_kb > cfg->max_memory_kb)
		return refuse(ret_err, "memory (%" PRIu64 " MiB) exceeds maxmem (%" PRIu64 " MiB)",
			      cfg->memory_kb >> 10, cfg->max_memory_kb >> 10);
	return 0;
}

static int check_affinity(const struct domain_affinity *aff, const char *key, char **ret_err)
{
	unsigned int i;

	for (i = 0; i < aff->nr; i++) {
		if (aff->maps[i].nr && !domain_cpumap_count(&aff->maps[i]))
			return refuse(ret_err, "%s leaves vCPU %u no CPU to run on", key, i);
	}
	return 0;
}

static int finish_cpus(struct domain_config *cfg, char **ret_err)
{
	int ret;

	if (!cfg->vcpus)
		cfg->vcpus = cfg->max_vcpus ? cfg->max_vcpus : 1;
	if (!cfg->max_vcpus)
		cfg->max_vcpus = cfg->vcpus;
	if (cfg->max_vcpus > DOMAIN_MAX_VCPUS)
		return refuse(ret_err, "maxvcpus is more than %u", DOMAIN_MAX_VCPUS);
	if (cfg->vcpus > cfg->max_vcpus)
		return refuse(ret_err, "vcpus (%u) exceeds maxvcpus (%u)", cfg->vcpus,
			      cfg->max_vcpus);
	if (cfg->cpu_weight > DOMAIN_SCHED_WEIGHT_MAX)
		return refuse(ret_err, "cpu_weight is more than %u", DOMAIN_SCHED_WEIGHT_MAX);
	if (cfg->cap > 0 && (unsigned int)cfg->cap > 100 * cfg->max_vcpus)
		return refuse(ret_err, "cap (%d) is more than 100 percent of each of %u vCPUs",
			      cfg->cap, cfg->max_vcpus);
	ret = check_affinity(&cfg->hard_affinity, "cpus", ret_err);
	if (!ret)
		ret = check_affinity(&cfg->soft_affinity, "cpus_soft", ret_err);
	return ret;
}

static int finish_limits(struct domain_config *cfg, char **ret_err)
{
	if (!cfg->event_channels)
		cfg->event_channels = DOMAIN_EVENT_CHANNELS_DEFAULT;
	if (cfg->max_grant_version != -1 && cfg->max_grant_version != 1 &&
	    cfg->max_grant_version != 2)
		return refuse(ret_err, "max_grant_version is %d, and there are 1 and 2",
			      cfg->max_grant_version);
	return 0;
}

static int check_disks(const struct domain_config *cfg, char **ret_err)
{
	const struct domain_disk *disk;
	unsigned int i, j;

	for (i = 0; i < cfg->nr_disks; i++) {
		disk = &cfg->disks[i];
		if (!disk->vdev)
			return refuse(ret_err, "disk %u has no vdev", i);
		if (!disk->target && !disk->cdrom)
			return refuse(ret_err, "disk %s has no target", disk->vdev);
		for (j = 0; j < i; j++) {
			if (!strcmp(disk->vdev, cfg->disks[j].vdev))
				return refuse(ret_err, "two disks are called %s", disk->vdev);
		}
	}
	return 0;
}

static bool devid_taken(const struct domain_config *cfg, int devid)
{
	unsigned int i;

	for (i = 0; i < cfg->nr_vifs; i++) {
		if (cfg->vifs[i].devid == devid)
			return true;
	}
	return false;
}

void domain_vif_finish(struct domain_vif *vif)
{
	uuid_t random;

	if (!vif->has_mac) {
		/* 00:16:3e is the block set aside for Xen's guests. */
		uuid_generate_random(random);
		memcpy(vif->mac, "\x00\x16\x3e", 3);
		vif->mac[3] = random[0] & 0x7f;
		vif->mac[4] = random[1];
		vif->mac[5] = random[2];
		vif->has_mac = true;
	}
	if (vif->rate_bytes && !vif->rate_usecs)
		vif->rate_usecs = DEFAULT_RATE_USECS;
}

static int finish_vifs(struct domain_config *cfg, char **ret_err)
{
	struct domain_vif *vif;
	unsigned int i, j;

	for (i = 0; i < cfg->nr_vifs; i++) {
		vif = &cfg->vifs[i];
		if (vif->devid == DOMAIN_VIF_DEVID_AUTO) {
			int devid = 0;

			while (devid_taken(cfg, devid))
				devid++;
			vif->devid = devid;
		}
		for (j = 0; j < i; j++) {
			if (vif->devid == cfg->vifs[j].devid)
				return refuse(ret_err, "two vifs have devid %d", vif->devid);
		}
		domain_vif_finish(vif);
	}
	return 0;
}

int domain_config_finish(struct domain_config *cfg, char **ret_err)
{
	int ret;

	if (ret_err)
		*ret_err = NULL;
	ret = finish_identity(cfg, ret_err);
	if (!ret)
		ret = finish_boot(cfg, ret_err);
	if (!ret)
		ret = finish_memory(cfg, ret_err);
	if (!ret)
		ret = finish_cpus(cfg, ret_err);
	if (!ret)
		ret = finish_limits(cfg, ret_err);
	if (!ret)
		ret = check_disks(cfg, ret_err);
	if (!ret)
		ret = finish_vifs(cfg, ret_err);
	return ret;
}
