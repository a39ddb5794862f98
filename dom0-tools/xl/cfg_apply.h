/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the keys of xl.cfg mean: from parsed settings to a configuration.
 *
 * The table of keys is in cfg_keys.c. Every key that Xen's xl.cfg(5) names is
 * in it; one that can't be honoured is warned about with the reason, and one
 * that nobody knows with the nearest known name.
 */
#ifndef PAVISE_XL_CFG_APPLY_H
#define PAVISE_XL_CFG_APPLY_H

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_ast.h"
#include "dom0-tools/xl/cpulist.h"

struct cfg_apply;

enum cfg_key_kind {
	CFG_KEY_STRING, /* char *, at .offset */
	CFG_KEY_BOOL, /* bool: 0 or 1 */
	CFG_KEY_UINT, /* unsigned int in .min .. .max */
	CFG_KEY_INT, /* int in .min .. .max */
	CFG_KEY_MIB, /* uint64_t in KiB, given in MiB */
	CFG_KEY_ACTION, /* enum domain_action */
	CFG_KEY_OTHER, /* .apply does it */
	CFG_KEY_IGNORED, /* known; .reason says why it does nothing here */
};

struct cfg_key {
	const char *name;
	enum cfg_key_kind kind;
	size_t offset;
	long min, max;
	int (*apply)(struct cfg_apply *run, const struct cfg_value *value);
	const char *reason;
};

extern const struct cfg_key cfg_keys[];
extern const size_t cfg_nr_keys;

/* One run over all settings; what the keys' functions see. */
struct cfg_apply {
	const struct cfg_report *report;
	const struct cpu_host *host;
	struct domain_config *cfg;
	const char *file; /* of the setting at work */
	const char *key;
	/* Kept until all is read: they only mean something together. */
	char *cmdline, *root, *extra;
	struct cfg_value cpus, cpus_soft;
	const char *cpus_file, *cpus_soft_file;
};

/*
 * Fills in @cfg, made by domain_config_init(), from @nr files; a later one
 * overrides an earlier one. -EINVAL: at least one error was reported (all are);
 * -ENOMEM. The result still wants domain_config_finish().
 */
int cfg_apply_files(struct cfg_file *const *files, size_t nr, const struct cpu_host *host,
		    const struct cfg_report *report, struct domain_config *cfg);

/* For the keys' functions: reports at @value's place and returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int cfg_refuse(struct cfg_apply *run,
						     const struct cfg_value *value,
						     const char *format, ...);
/* *ret_text is @value's own text; lists are refused. */
int cfg_value_text(struct cfg_apply *run, const struct cfg_value *value, const char **ret_text);
/* Decimal, octal or hexadecimal, written with or without quotes. */
int cfg_value_long(struct cfg_apply *run, const struct cfg_value *value, long min, long max,
		   long *ret_number);

#endif
