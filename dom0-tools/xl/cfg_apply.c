/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Merges settings and carries them into a configuration. No locks. */
#include "dom0-tools/xl/cfg_apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xl/suggest.h"

/* A key's value after all assignments; .setting is the last of them. */
struct merged {
	const char *file;
	const struct cfg_setting *setting;
	struct cfg_value value;
};

/* ---- for the keys' functions ------------------------------------------------ */

int cfg_refuse(struct cfg_apply *run, const struct cfg_value *value, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	cfg_error(run->report, run->file, value->loc, "%s", text ? text : format);
	free(text);
	return -EINVAL;
}

int cfg_value_text(struct cfg_apply *run, const struct cfg_value *value, const char **ret_text)
{
	if (value->kind == CFG_LIST)
		return cfg_refuse(run, value, "%s is a string, not a list", run->key);
	*ret_text = value->text;
	return 0;
}

int cfg_value_long(struct cfg_apply *run, const struct cfg_value *value, long min, long max,
		   long *ret_number)
{
	long number;
	char *end;

	if (value->kind == CFG_LIST || !value->text)
		return cfg_refuse(run, value, "%s is a number, not a list", run->key);
	errno = 0;
	number = strtol(value->text, &end, 0);
	if (end == value->text || *end)
		return cfg_refuse(run, value, "%s is a number, and \"%s\" is not one", run->key,
				  value->text);
	if (errno || number < min || number > max)
		return cfg_refuse(run, value, "%s is a number from %ld to %ld, not %s", run->key,
				  min, max, value->text);
	*ret_number = number;
	return 0;
}

/* ---- merging ---------------------------------------------------------------- */

static int copy_value(struct cfg_value *dst, const struct cfg_value *src)
{
	*dst = (struct cfg_value){.kind = src->kind, .loc = src->loc};
	if (src->text) {
		dst->text = strdup(src->text);
		if (!dst->text)
			return -ENOMEM;
	}
	if (src->nr_items) {
		dst->items = calloc(src->nr_items, sizeof(*dst->items));
		if (!dst->items)
			return -ENOMEM;
	}
	for (size_t i = 0; i < src->nr_items; i++) {
		dst->nr_items = i + 1;
		if (copy_value(&dst->items[i], &src->items[i]))
			return -ENOMEM;
	}
	return 0;
}

static int append_text(struct cfg_value *dst, const struct cfg_value *src)
{
	char *joined;

	if (asprintf(&joined, "%s%s", dst->text, src->text) < 0)
		return -ENOMEM;
	free(dst->text);
	dst->text = joined;
	return 0;
}

static int append_items(struct cfg_value *dst, const struct cfg_value *src)
{
	struct cfg_value *grown;

	grown = reallocarray(dst->items, dst->nr_items + src->nr_items + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	dst->items = grown;
	for (size_t i = 0; i < src->nr_items; i++) {
		dst->nr_items++;
		if (copy_value(&dst->items[dst->nr_items - 1], &src->items[i]))
			return -ENOMEM;
	}
	return 0;
}

static int merge_setting(struct cfg_apply *run, struct merged *m, const struct cfg_file *file,
			 const struct cfg_setting *setting)
{
	int ret;

	run->file = file->name;
	run->key = setting->key;
	if (setting->append && m->setting) {
		if (m->value.kind != CFG_LIST && setting->value.kind != CFG_LIST)
			ret = append_text(&m->value, &setting->value);
		else if (m->value.kind == CFG_LIST && setting->value.kind == CFG_LIST)
			ret = append_items(&m->value, &setting->value);
		else
			return cfg_refuse(run, &setting->value, "%s is %s, and %s can't be added",
					  setting->key, cfg_kind_name(m->value.kind),
					  cfg_kind_name(setting->value.kind));
	} else {
		if (m->setting && m->file == file->name)
			cfg_warning(run->report, file->name, setting->loc,
				    "%s is set again; line %d no longer counts", setting->key,
				    m->setting->loc.line);
		cfg_value_fini(&m->value);
		ret = copy_value(&m->value, &setting->value);
	}
	m->file = file->name;
	m->setting = setting;
	return ret;
}

static const char *settable_name(const void *arg, size_t i)
{
	return cfg_keys[i].kind == CFG_KEY_IGNORED ? NULL : cfg_keys[i].name;
}

static const char *any_name(const void *arg, size_t i)
{
	return cfg_keys[i].name;
}

static void warn_unknown(struct cfg_apply *run, const struct cfg_file *file,
			 const struct cfg_setting *setting)
{
	const char *near = suggest_nearest(setting->key, cfg_nr_keys, settable_name, NULL);

	if (!near)
		near = suggest_nearest(setting->key, cfg_nr_keys, any_name, NULL);
	if (near)
		cfg_warning(run->report, file->name, setting->loc,
			    "unknown key '%s' is ignored; did you mean '%s'?", setting->key, near);
	else
		cfg_warning(run->report, file->name, setting->loc, "unknown key '%s' is ignored",
			    setting->key);
}

static size_t find_key(const char *name)
{
	size_t i;

	for (i = 0; i < cfg_nr_keys; i++) {
		if (!strcmp(cfg_keys[i].name, name))
			break;
	}
	return i;
}

static int merge_files(struct cfg_apply *run, struct cfg_file *const *files, size_t nr,
		       struct merged *merged)
{
	int ret = 0, one;
	size_t f, s, k;

	for (f = 0; f < nr; f++) {
		for (s = 0; s < files[f]->nr_settings; s++) {
			const struct cfg_setting *setting = &files[f]->settings[s];

			k = find_key(setting->key);
			if (k == cfg_nr_keys) {
				warn_unknown(run, files[f], setting);
				continue;
			}
			one = merge_setting(run, &merged[k], files[f], setting);
			if (one == -ENOMEM)
				return one;
			ret = ret ? ret : one;
		}
	}
	return ret;
}

/* ---- carrying over ------------------------------------------------------------ */

static int apply_action(struct cfg_apply *run, const struct cfg_value *value,
			enum domain_action *ret_action)
{
	const char *text = NULL;
	int ret;

	ret = cfg_value_text(run, value, &text);
	if (!ret && domain_action_parse(text, ret_action))
		return cfg_refuse(run, value, "unknown action \"%s\" for %s", text, run->key);
	return ret;
}

static int apply_key(struct cfg_apply *run, const struct cfg_key *key,
		     const struct cfg_value *value)
{
	char *field = (char *)run->cfg + key->offset;
	const char *text = NULL;
	long number = 0;
	int ret;

	switch (key->kind) {
	case CFG_KEY_STRING:
		ret = cfg_value_text(run, value, &text);
		return ret ? ret : domain_config_set_string((char **)field, text);
	case CFG_KEY_BOOL:
		ret = cfg_value_long(run, value, 0, 1, &number);
		if (!ret)
			*(bool *)field = number != 0;
		return ret;
	case CFG_KEY_UINT:
		ret = cfg_value_long(run, value, key->min, key->max, &number);
		if (!ret)
			*(unsigned int *)field = (unsigned int)number;
		return ret;
	case CFG_KEY_INT:
		ret = cfg_value_long(run, value, key->min, key->max, &number);
		if (!ret)
			*(int *)field = (int)number;
		return ret;
	case CFG_KEY_MIB:
		ret = cfg_value_long(run, value, 1, (long)(DOMAIN_MAX_MEMORY_KB >> 10), &number);
		if (!ret)
			*(uint64_t *)field = (uint64_t)number << 10;
		return ret;
	case CFG_KEY_ACTION:
		return apply_action(run, value, (enum domain_action *)field);
	case CFG_KEY_OTHER:
		return key->apply(run, value);
	case CFG_KEY_IGNORED:
		cfg_warning(run->report, run->file, value->loc, "%s is ignored: %s", key->name,
			    key->reason);
		return 0;
	}
	return 0;
}

static int apply_all(struct cfg_apply *run, struct merged *merged)
{
	int ret = 0, one;
	size_t k;

	for (k = 0; k < cfg_nr_keys; k++) {
		if (!merged[k].setting)
			continue;
		run->file = merged[k].file;
		run->key = cfg_keys[k].name;
		one = apply_key(run, &cfg_keys[k], &merged[k].value);
		if (one == -ENOMEM)
			return one;
		ret = ret ? ret : one;
	}
	return ret;
}

/* cmdline=, or else root= and extra=, as one string. */
static int join_cmdline(struct cfg_apply *run)
{
	char *joined;

	if (run->cmdline) {
		if (run->root || run->extra)
			cfg_warning(run->report, run->file, (struct cfg_loc){0, 0},
				    "root and extra are ignored because cmdline is given");
		return domain_config_set_string(&run->cfg->cmdline, run->cmdline);
	}
	if (!run->root)
		return domain_config_set_string(&run->cfg->cmdline, run->extra);
	if (asprintf(&joined, "root=%s%s%s", run->root, run->extra ? " " : "",
		     run->extra ? run->extra : "") < 0)
		return -ENOMEM;
	free(run->cfg->cmdline);
	run->cfg->cmdline = joined;
	return 0;
}

static int one_cpulist(struct cfg_apply *run, const struct cfg_value *value,
		       struct domain_cpumap *ret_map)
{
	const char *bad;
	int ret;

	if (value->kind == CFG_LIST)
		return cfg_refuse(run, value, "%s holds a list inside a list", run->key);
	ret = cpulist_parse(value->text, run->host, ret_map, &bad);
	if (ret == -EINVAL)
		return cfg_refuse(run, value, "%s: not a CPU list at '%s'", run->key, bad);
	if (!ret && !domain_cpumap_count(ret_map)) {
		domain_cpumap_fini(ret_map);
		return cfg_refuse(run, value, "%s: none of the CPUs in '%s' exists", run->key,
				  value->text);
	}
	return ret;
}

static int apply_affinity(struct cfg_apply *run, const char *key, const char *file,
			  const struct cfg_value *value, struct domain_affinity *aff)
{
	unsigned int vcpus =
		run->cfg->max_vcpus > run->cfg->vcpus ? run->cfg->max_vcpus : run->cfg->vcpus;
	struct domain_cpumap map;
	int ret = 0;

	run->key = key;
	run->file = file;
	if (!file)
		return 0;
	if (value->kind != CFG_LIST) {
		ret = one_cpulist(run, value, &map);
		if (ret)
			return ret;
		ret = domain_affinity_set_all(aff, &map, vcpus ? vcpus : 1);
		domain_cpumap_fini(&map);
		return ret;
	}
	if (!value->nr_items)
		return 0;
	aff->maps = calloc(value->nr_items, sizeof(*aff->maps));
	if (!aff->maps)
		return -ENOMEM;
	for (size_t i = 0; i < value->nr_items && !ret; i++) {
		ret = one_cpulist(run, &value->items[i], &aff->maps[i]);
		aff->nr = (unsigned int)i + !ret;
	}
	return ret;
}

int cfg_apply_files(struct cfg_file *const *files, size_t nr, const struct cpu_host *host,
		    const struct cfg_report *report, struct domain_config *cfg)
{
	struct cfg_apply run = {.report = report, .host = host, .cfg = cfg};
	struct merged *merged = calloc(cfg_nr_keys, sizeof(*merged));
	int ret = -ENOMEM, one;

	if (!merged)
		goto out;
	ret = merge_files(&run, files, nr, merged);
	if (ret == -ENOMEM)
		goto out;
	one = apply_all(&run, merged);
	ret = ret ? ret : one;
	one = join_cmdline(&run);
	ret = ret ? ret : one;
	one = apply_affinity(&run, "cpus", run.cpus_file, &run.cpus, &cfg->hard_affinity);
	ret = ret ? ret : one;
	one = apply_affinity(&run, "cpus_soft", run.cpus_soft_file, &run.cpus_soft,
			     &cfg->soft_affinity);
	ret = ret ? ret : one;
out:
	for (size_t k = 0; merged && k < cfg_nr_keys; k++)
		cfg_value_fini(&merged[k].value);
	free(merged);
	free(run.cmdline);
	free(run.root);
	free(run.extra);
	return ret;
}
