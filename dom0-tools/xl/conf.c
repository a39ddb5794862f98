/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Reads xl.conf, whose grammar is that of xl.cfg. */
#include "dom0-tools/xl/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/load.h"
#include "dom0-tools/xl/suggest.h"
#include "dom0-tools/xl/xl.h"

enum conf_kind { TEXT, NUMBER, FLAG, BALLOON, NOTHING };

struct conf_key {
	const char *name;
	enum conf_kind kind;
	size_t offset;
};

#define AT(field) offsetof(struct xl_conf, field)

/* The old names of the same things come behind the new ones. */
static const struct conf_key keys[] = {
	{"autoballoon", BALLOON, 0},
	{"lockfile", TEXT, AT(lockfile)},
	{"vif.default.bridge", TEXT, AT(vif_bridge)},
	{"defaultbridge", TEXT, AT(vif_bridge)},
	{"vif.default.script", TEXT, AT(vif_script)},
	{"vifscript", TEXT, AT(vif_script)},
	{"vif.default.backend", TEXT, AT(vif_backend)},
	{"vif.default.gatewaydev", TEXT, AT(vif_gatewaydev)},
	{"max_grant_frames", NUMBER, AT(max_grant_frames)},
	{"max_maptrack_frames", NUMBER, AT(max_maptrack_frames)},
	{"max_grant_version", NUMBER, AT(max_grant_version)},
	{"claim_mode", FLAG, AT(claim)},
	/* Xen's that have nothing to act on here. */
	{"domid_policy", NOTHING, 0},
	{"run_hotplug_scripts", NOTHING, 0},
	{"output_format", NOTHING, 0},
	{"blkdev_start", NOTHING, 0},
	{"remus.default.netbufscript", NOTHING, 0},
	{"colo.default.proxyscript", NOTHING, 0},
	{"vm.cpumask", NOTHING, 0},
	{"vm.hvm.cpumask", NOTHING, 0},
	{"vm.pv.cpumask", NOTHING, 0},
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static const char *name_at(const void *arg, size_t i)
{
	return keys[i].name;
}

static int set_autoballoon(struct cfg_apply *run, const struct cfg_value *value,
			   struct xl_conf *conf)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (ret)
		return ret;
	if (!strcmp(text, "auto"))
		conf->autoballoon = XL_BALLOON_AUTO;
	else if (!strcmp(text, "on") || !strcmp(text, "1"))
		conf->autoballoon = XL_BALLOON_ON;
	else if (!strcmp(text, "off") || !strcmp(text, "0"))
		conf->autoballoon = XL_BALLOON_OFF;
	else
		return cfg_refuse(run, value, "autoballoon is \"on\", \"off\" or \"auto\"");
	return 0;
}

static int set_key(struct cfg_apply *run, const struct conf_key *key, const struct cfg_value *value,
		   struct xl_conf *conf)
{
	char *field = (char *)conf + key->offset;
	const char *text = NULL;
	long number = 0;
	int ret;

	switch (key->kind) {
	case TEXT:
		ret = cfg_value_text(run, value, &text);
		return ret ? ret : domain_config_set_string((char **)field, text);
	case NUMBER:
		return cfg_value_long(run, value, 0, INT_MAX, (long *)field);
	case FLAG:
		ret = cfg_value_long(run, value, 0, 1, &number);
		if (!ret)
			*(bool *)field = number != 0;
		return ret;
	case BALLOON:
		return set_autoballoon(run, value, conf);
	case NOTHING:
		cfg_warning(run->report, run->file, value->loc, "%s does nothing here", key->name);
		return 0;
	}
	return 0;
}

static int apply_file(const struct cfg_file *file, const struct cfg_report *report,
		      struct xl_conf *conf)
{
	struct cfg_apply run = {.report = report, .file = file->name};
	const char *near;
	int ret = 0, one;
	size_t i, k;

	for (i = 0; i < file->nr_settings; i++) {
		const struct cfg_setting *setting = &file->settings[i];

		for (k = 0; k < NR_KEYS && strcmp(keys[k].name, setting->key); k++)
			;
		run.key = setting->key;
		if (k < NR_KEYS) {
			one = set_key(&run, &keys[k], &setting->value, conf);
			ret = ret ? ret : one;
			continue;
		}
		near = suggest_nearest(setting->key, NR_KEYS, name_at, NULL);
		cfg_warning(report, file->name, setting->loc, "unknown key '%s' is ignored%s%s%s",
			    setting->key, near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "");
	}
	return ret;
}

int xl_conf_read(struct xl *xl, const char *path, struct xl_conf *ret_conf)
{
	struct cfg_report report;
	struct cfg_file *file;
	char *text;
	size_t len;
	int ret;

	*ret_conf = (struct xl_conf){
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.max_grant_version = -1,
		.claim = true,
	};
	ret = load_text(path, &text, &len);
	if (ret == -ENOENT)
		return XL_OK;
	if (ret) {
		xl_error(xl, "cannot read %s: %s", path, strerror(-ret));
		return XL_FAIL;
	}
	xl_cfg_report(xl, &report);
	ret = cfg_parse(path, text, len, &report, &file);
	free(text);
	if (ret)
		return XL_FAIL;
	ret = apply_file(file, &report, ret_conf);
	cfg_free(file);
	return ret ? XL_FAIL : XL_OK;
}

void xl_conf_fini(struct xl_conf *conf)
{
	free(conf->lockfile);
	free(conf->vif_bridge);
	free(conf->vif_script);
	free(conf->vif_backend);
	free(conf->vif_gatewaydev);
}

static int default_text(char **field, const char *value)
{
	return *field || !value ? 0 : domain_config_set_string(field, value);
}

int xl_conf_apply(const struct xl_conf *conf, struct domain_config *cfg)
{
	int ret = 0;

	if (cfg->max_grant_frames < 0)
		cfg->max_grant_frames = (int)conf->max_grant_frames;
	if (cfg->max_maptrack_frames < 0)
		cfg->max_maptrack_frames = (int)conf->max_maptrack_frames;
	if (cfg->max_grant_version < 0)
		cfg->max_grant_version = (int)conf->max_grant_version;
	cfg->claim = cfg->claim && conf->claim;
	for (unsigned int i = 0; i < cfg->nr_vifs && !ret; i++) {
		struct domain_vif *vif = &cfg->vifs[i];

		ret = default_text(&vif->bridge, conf->vif_bridge);
		if (!ret)
			ret = default_text(&vif->script, conf->vif_script);
		if (!ret)
			ret = default_text(&vif->backend_domain, conf->vif_backend);
		if (!ret)
			ret = default_text(&vif->gatewaydev, conf->vif_gatewaydev);
	}
	return ret;
}
