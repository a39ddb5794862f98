/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* xl.conf: the host's defaults for new domains. */
#ifndef PAVISE_XL_CONF_H
#define PAVISE_XL_CONF_H

#include <stdbool.h>

#define XL_CONF_PATH "/etc/xen/xl.conf"

struct domain_config;
struct xl;

enum xl_autoballoon { XL_BALLOON_AUTO, XL_BALLOON_ON, XL_BALLOON_OFF };

struct xl_conf {
	enum xl_autoballoon autoballoon;
	char *lockfile;
	char *vif_bridge, *vif_script, *vif_backend, *vif_gatewaydev;
	long max_grant_frames, max_maptrack_frames, max_grant_version; /* -1: not given */
	bool claim;
};

/*
 * Reads @path; a missing file means all defaults. XL_OK, or XL_FAIL with what
 * is wrong printed. xl_conf_fini() is due either way.
 */
int xl_conf_read(struct xl *xl, const char *path, struct xl_conf *ret_conf);
void xl_conf_fini(struct xl_conf *conf);

/* Puts the defaults where @cfg gives nothing of its own. -ENOMEM. */
int xl_conf_apply(const struct xl_conf *conf, struct domain_config *cfg);

#endif
