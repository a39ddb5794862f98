/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Configurations as JSON, with libxl's names and units, so that programs that
 * read `xl list -l` of Xen's xl can read ours. It is also how a domain's
 * configuration is kept while it runs.
 */
#ifndef PAVISE_XL_JSON_H
#define PAVISE_XL_JSON_H

#include <stddef.h>
#include <stdint.h>

struct dom_info;
struct domain_config;
struct domain_disk;
struct domain_vif;
struct xl;

/* The whole configuration as text, for free(). -ENOMEM. */
int json_write_config(const struct domain_config *cfg, char **ret_text, size_t *ret_len);

/*
 * The other way: fills in @cfg, made by domain_config_init(). -EINVAL: not
 * such a text; -ENOMEM. Members it doesn't know are left out.
 */
int json_read_config(const char *text, struct domain_config *cfg);

/* What the commands print. XL_OK or XL_FAIL, printed. */
int json_print_config(struct xl *xl, const struct domain_config *cfg);
int json_print_domains(struct xl *xl, const struct dom_info *infos, size_t nr);
int json_print_disk(struct xl *xl, const struct domain_disk *disk);
int json_print_vif(struct xl *xl, const struct domain_vif *vif);

#endif
