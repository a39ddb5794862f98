/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* From a file's name and the command line's settings to a configuration. */
#ifndef PAVISE_XL_LOAD_H
#define PAVISE_XL_LOAD_H

#include <stddef.h>

struct cpu_host;
struct domain_config;
struct xl;

/*
 * The whole of a small file, with a NUL behind it, for free(). -EFBIG: longer
 * than a configuration can be; else what open() and read() say.
 */
int load_text(const char *path, char **ret_text, size_t *ret_len);

/*
 * Reads @path (xl.cfg or libvirt XML; NULL: none) and then @nr settings like
 * `memory=64` or `name="x"; vcpus=2`, which override it; they don't go with
 * XML. Fills in @cfg, made by domain_config_init(), completely (see
 * domain_config_finish()). XL_OK, or an exit code with the reason printed.
 */
int load_config(struct xl *xl, const char *path, char **settings, size_t nr,
		const struct cpu_host *host, struct domain_config *cfg);

#endif
