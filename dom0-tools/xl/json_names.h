/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the writer and the reader of JSON configurations have in common. */
#ifndef PAVISE_XL_JSON_NAMES_H
#define PAVISE_XL_JSON_NAMES_H

#include <stddef.h>

#include "dom0-tools/libdomain/config.h"

struct json_action {
	const char *key;
	size_t offset;
};

static const struct json_action json_actions[] = {
	{"on_poweroff", offsetof(struct domain_config, on_poweroff)},
	{"on_reboot", offsetof(struct domain_config, on_reboot)},
	{"on_watchdog", offsetof(struct domain_config, on_watchdog)},
	{"on_crash", offsetof(struct domain_config, on_crash)},
	{"on_soft_reset", offsetof(struct domain_config, on_soft_reset)},
};

#define json_nr_actions (sizeof(json_actions) / sizeof(json_actions[0]))

static inline enum domain_action *json_action(const struct domain_config *cfg, size_t i)
{
	return (enum domain_action *)((uintptr_t)cfg + json_actions[i].offset);
}

#endif
