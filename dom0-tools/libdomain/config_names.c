/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The configuration's enumerations in xl.cfg's spelling. */
#include "dom0-tools/libdomain/config.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const type_names[] = {
	[DOMAIN_TYPE_PV] = "pv",
	[DOMAIN_TYPE_PVH] = "pvh",
	[DOMAIN_TYPE_HVM] = "hvm",
};

static const char *const action_names[] = {
	[DOMAIN_ACTION_DESTROY] = "destroy",
	[DOMAIN_ACTION_RESTART] = "restart",
	[DOMAIN_ACTION_RENAME_RESTART] = "rename-restart",
	[DOMAIN_ACTION_PRESERVE] = "preserve",
	[DOMAIN_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[DOMAIN_ACTION_COREDUMP_RESTART] = "coredump-restart",
	[DOMAIN_ACTION_SOFT_RESET] = "soft-reset",
};

static const char *const tsc_mode_names[] = {
	[DOMAIN_TSC_DEFAULT] = "default",
	[DOMAIN_TSC_ALWAYS_EMULATE] = "always_emulate",
	[DOMAIN_TSC_NATIVE] = "native",
};

static const char *const disk_format_names[] = {
	[DOMAIN_DISK_RAW] = "raw", [DOMAIN_DISK_QCOW] = "qcow", [DOMAIN_DISK_QCOW2] = "qcow2",
	[DOMAIN_DISK_VHD] = "vhd", [DOMAIN_DISK_QED] = "qed",   [DOMAIN_DISK_EMPTY] = "empty",
};

static const char *const disk_backend_names[] = {
	[DOMAIN_DISK_BACKEND_AUTO] = "auto",
	[DOMAIN_DISK_BACKEND_PHY] = "phy",
	[DOMAIN_DISK_BACKEND_QDISK] = "qdisk",
};

static const char *name_of(const char *const *names, size_t count, unsigned int value)
{
	return value < count ? names[value] : "?";
}

static int value_of(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

#define DEFINE_NAMES(what)                                                              \
	const char *domain_##what##_name(enum domain_##what value)                      \
	{                                                                               \
		return name_of(what##_names, COUNT(what##_names), (unsigned int)value); \
	}                                                                               \
                                                                                        \
	int domain_##what##_parse(const char *name, enum domain_##what *ret_value)      \
	{                                                                               \
		int value = value_of(what##_names, COUNT(what##_names), name);          \
                                                                                        \
		if (value < 0)                                                          \
			return value;                                                   \
		*ret_value = (enum domain_##what)value;                                 \
		return 0;                                                               \
	}

DEFINE_NAMES(type)
DEFINE_NAMES(action)
DEFINE_NAMES(tsc_mode)
DEFINE_NAMES(disk_format)
DEFINE_NAMES(disk_backend)
