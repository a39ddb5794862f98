/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libvirt's domain XML, the part that describes a PV domain. What it holds
 * besides is warned about by name, never left out in silence; what can't be
 * expressed in it is a comment in what we write.
 */
#ifndef PAVISE_XL_XML_H
#define PAVISE_XL_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "dom0-tools/xl/cpulist.h"

struct cfg_report;
struct domain_config;

/* Whether a file's beginning looks like XML. */
bool xml_looks_like(const char *text, size_t len);

/*
 * Fills in @cfg, made by domain_config_init(). -EINVAL: errors were reported
 * with file and line; -ENOMEM. Still wants domain_config_finish().
 */
int xml_read_config(const char *name, const char *text, size_t len, const struct cpu_host *host,
		    const struct cfg_report *report, struct domain_config *cfg);

/*
 * The other way; *ret_text is for free(). -ENOMEM; -ENOPKG: libxml2 isn't
 * there. *ret_why then says which, in words.
 */
int xml_write_config(const struct domain_config *cfg, char **ret_text, const char **ret_why);

#endif
