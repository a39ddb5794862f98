/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Life cycle of the configuration model: making, copying and freeing a
 * struct domain_config and its parts. Plain memory only; no locks.
 */
#include "dom0-tools/libdomain/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int domain_config_set_string(char **field, const char *value)
{
	char *copy = NULL;

	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

/* Copies @src into @*dst, which holds nothing yet; counts failures in @ret. */
static void copy_string(char **dst, const char *src, int *ret)
{
	*dst = NULL;
	if (*ret == 0)
		*ret = domain_config_set_string(dst, src);
}

/* ---- disks ---------------------------------------------------------------- */

void domain_disk_init(struct domain_disk *disk)
{
	*disk = (struct domain_disk){
		.readwrite = true,
		.discard = true,
		.trusted = true,
	};
}

void domain_disk_fini(struct domain_disk *disk)
{
	if (!disk)
		return;
	free(disk->target);
	free(disk->vdev);
	free(disk->script);
	free(disk->backend_domain);
	domain_disk_init(disk);
}

int domain_disk_copy(struct domain_disk *dst, const struct domain_disk *src)
{
	int ret = 0;

	*dst = *src;
	copy_string(&dst->target, src->target, &ret);
	copy_string(&dst->vdev, src->vdev, &ret);
	copy_string(&dst->script, src->script, &ret);
	copy_string(&dst->backend_domain, src->backend_domain, &ret);
	if (ret)
		domain_disk_fini(dst);
	return ret;
}

int domain_config_add_disk(struct domain_config *cfg, struct domain_disk **ret_disk)
{
	struct domain_disk *grown;

	grown = reallocarray(cfg->disks, cfg->nr_disks + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	cfg->disks = grown;
	domain_disk_init(&grown[cfg->nr_disks]);
	*ret_disk = &grown[cfg->nr_disks++];
	return 0;
}

/* ---- network interfaces ---------------------------------------------------- */

void domain_vif_init(struct domain_vif *vif)
{
	*vif = (struct domain_vif){
		.devid = DOMAIN_VIF_DEVID_AUTO,
		.trusted = true,
	};
}

void domain_vif_fini(struct domain_vif *vif)
{
	if (!vif)
		return;
	free(vif->bridge);
	free(vif->ip);
	free(vif->vifname);
	free(vif->script);
	free(vif->gatewaydev);
	free(vif->model);
	free(vif->backend_domain);
	domain_vif_init(vif);
}

int domain_vif_copy(struct domain_vif *dst, const struct domain_vif *src)
{
	int ret = 0;

	*dst = *src;
	copy_string(&dst->bridge, src->bridge, &ret);
	copy_string(&dst->ip, src->ip, &ret);
	copy_string(&dst->vifname, src->vifname, &ret);
	copy_string(&dst->script, src->script, &ret);
	copy_string(&dst->gatewaydev, src->gatewaydev, &ret);
	copy_string(&dst->model, src->model, &ret);
	copy_string(&dst->backend_domain, src->backend_domain, &ret);
	if (ret)
		domain_vif_fini(dst);
	return ret;
}

int domain_config_add_vif(struct domain_config *cfg, struct domain_vif **ret_vif)
{
	struct domain_vif *grown;

	grown = reallocarray(cfg->vifs, cfg->nr_vifs + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	cfg->vifs = grown;
	domain_vif_init(&grown[cfg->nr_vifs]);
	*ret_vif = &grown[cfg->nr_vifs++];
	return 0;
}

int domain_mac_parse(const char *text, uint8_t ret_mac[6])
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint8_t mac[6];
	int i;

	for (i = 0; i < 6; i++) {
		if (strspn(text, digits) != 2)
			return -EINVAL;
		mac[i] = (uint8_t)strtoul(text, NULL, 16);
		if (text[2] != (i == 5 ? '\0' : ':'))
			return -EINVAL;
		text += 3;
	}
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}

/* ---- the whole -------------------------------------------------------------- */

void domain_config_init(struct domain_config *cfg)
{
	*cfg = (struct domain_config){
		.cap = -1,
		.on_poweroff = DOMAIN_ACTION_DESTROY,
		.on_reboot = DOMAIN_ACTION_RESTART,
		.on_watchdog = DOMAIN_ACTION_DESTROY,
		.on_crash = DOMAIN_ACTION_DESTROY,
		.on_soft_reset = DOMAIN_ACTION_SOFT_RESET,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.max_grant_version = -1,
		.claim = true,
	};
}

void domain_config_fini(struct domain_config *cfg)
{
	unsigned int i;

	if (!cfg)
		return;
	free(cfg->name);
	free(cfg->pool);
	free(cfg->kernel);
	free(cfg->ramdisk);
	free(cfg->cmdline);
	free(cfg->bootloader);
	for (i = 0; i < cfg->nr_bootloader_args; i++)
		free(cfg->bootloader_args[i]);
	free(cfg->bootloader_args);
	domain_affinity_fini(&cfg->hard_affinity);
	domain_affinity_fini(&cfg->soft_affinity);
	for (i = 0; i < cfg->nr_disks; i++)
		domain_disk_fini(&cfg->disks[i]);
	free(cfg->disks);
	for (i = 0; i < cfg->nr_vifs; i++)
		domain_vif_fini(&cfg->vifs[i]);
	free(cfg->vifs);
	domain_config_init(cfg);
}

static int copy_bootloader_args(struct domain_config *dst, const struct domain_config *src)
{
	int ret = 0;

	if (!src->nr_bootloader_args)
		return 0;
	dst->bootloader_args = calloc(src->nr_bootloader_args, sizeof(*dst->bootloader_args));
	if (!dst->bootloader_args)
		return -ENOMEM;
	for (unsigned int i = 0; i < src->nr_bootloader_args && !ret; i++) {
		copy_string(&dst->bootloader_args[i], src->bootloader_args[i], &ret);
		dst->nr_bootloader_args = i + 1;
	}
	return ret;
}

static int copy_devices(struct domain_config *dst, const struct domain_config *src)
{
	unsigned int i;
	int ret;

	if (src->nr_disks) {
		dst->disks = calloc(src->nr_disks, sizeof(*dst->disks));
		if (!dst->disks)
			return -ENOMEM;
	}
	for (i = 0; i < src->nr_disks; i++) {
		ret = domain_disk_copy(&dst->disks[i], &src->disks[i]);
		if (ret)
			return ret;
		dst->nr_disks++;
	}

	if (src->nr_vifs) {
		dst->vifs = calloc(src->nr_vifs, sizeof(*dst->vifs));
		if (!dst->vifs)
			return -ENOMEM;
	}
	for (i = 0; i < src->nr_vifs; i++) {
		ret = domain_vif_copy(&dst->vifs[i], &src->vifs[i]);
		if (ret)
			return ret;
		dst->nr_vifs++;
	}
	return 0;
}

int domain_config_copy(struct domain_config *dst, const struct domain_config *src)
{
	int ret = 0;

	/* Scalars by assignment; then everything that points is made anew. */
	*dst = *src;
	dst->nr_bootloader_args = 0;
	dst->bootloader_args = NULL;
	dst->hard_affinity = (struct domain_affinity){0};
	dst->soft_affinity = (struct domain_affinity){0};
	dst->nr_disks = 0;
	dst->disks = NULL;
	dst->nr_vifs = 0;
	dst->vifs = NULL;

	copy_string(&dst->name, src->name, &ret);
	copy_string(&dst->pool, src->pool, &ret);
	copy_string(&dst->kernel, src->kernel, &ret);
	copy_string(&dst->ramdisk, src->ramdisk, &ret);
	copy_string(&dst->cmdline, src->cmdline, &ret);
	copy_string(&dst->bootloader, src->bootloader, &ret);
	if (!ret)
		ret = copy_bootloader_args(dst, src);
	if (!ret)
		ret = domain_affinity_copy(&dst->hard_affinity, &src->hard_affinity);
	if (!ret)
		ret = domain_affinity_copy(&dst->soft_affinity, &src->soft_affinity);
	if (!ret)
		ret = copy_devices(dst, src);
	if (ret)
		domain_config_fini(dst);
	return ret;
}
