/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Configurations of domains that run: config-update, domxml-export. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cpulist.h"
#include "dom0-tools/xl/handlers.h"
#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/load.h"
#include "dom0-tools/xl/xml.h"

static int store_config(struct xl *xl, uint32_t domid, const struct domain_config *cfg)
{
	char *text;
	size_t len;
	int ret;

	if (json_write_config(cfg, &text, &len)) {
		xl_error(xl, "out of memory");
		return XL_FAIL;
	}
	ret = dom_userdata_store(xl->dom, domid, "config", text, len);
	free(text);
	return ret ? xl_dom_error(xl) : XL_OK;
}

/* The new configuration, but the domain stays who it is. */
static int update(struct xl *xl, uint32_t domid, const char *path, char **settings, size_t nr)
{
	struct cpu_host host = {0};
	struct domain_config cfg;
	struct dom_info info;
	int ret;

	domain_config_init(&cfg);
	ret = xl_cpu_host(xl, &host);
	if (ret == XL_OK)
		ret = load_config(xl, path, settings, nr, &host, &cfg);
	if (ret == XL_OK && dom_info(xl->dom, domid, &info))
		ret = xl_dom_error(xl);
	if (ret == XL_OK)
		memcpy(cfg.uuid, info.uuid, sizeof(cfg.uuid));
	if (ret == XL_OK && xl->dryrun)
		ret = json_print_config(xl, &cfg);
	else if (ret == XL_OK) {
		fprintf(xl->err, "setting dom%u configuration\n", domid);
		ret = store_config(xl, domid, &cfg);
	}
	xl_cpu_host_fini(&host);
	domain_config_fini(&cfg);
	return ret;
}

int cmd_config_update(struct xl *xl, int argc, char **argv)
{
	const char *path = NULL;
	uint32_t domid;
	int opt, at;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		if (opt == 'f')
			path = xl->optarg;
		else if (opt == 'd')
			xl->verbose = 2;
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	at = xl->optind;
	if (at == argc) {
		fprintf(xl->err, "xl config-update requires a domain argument\n");
		xl_print_usage(xl->err, xl->command);
		return XL_FAIL;
	}
	if (xl_find(xl, argv[at++], &domid))
		return XL_FAIL;
	if (!path && at < argc && !strchr(argv[at], '='))
		path = argv[at++];
	if (!path) {
		fprintf(xl->err, "Config file not specified\n");
		return XL_FAIL;
	}
	return update(xl, domid, path, argv + at, (size_t)(argc - at));
}

/* ---- domxml-export ------------------------------------------------------------------- */

static int load_live(struct xl *xl, const char *which, struct domain_config *cfg)
{
	uint32_t domid;
	char *text;
	size_t len;
	int ret;

	if (xl_find(xl, which, &domid))
		return XL_FAIL;
	if (dom_userdata_load(xl->dom, domid, "config", &text, &len)) {
		xl_error(xl, "no configuration is kept for domain '%s': %s", which,
			 dom_errmsg(xl->dom));
		return XL_FAIL;
	}
	ret = json_read_config(text, cfg);
	free(text);
	if (ret)
		xl_error(xl, "the configuration kept for domain '%s' is damaged", which);
	return ret ? XL_FAIL : XL_OK;
}

int cmd_domxml_export(struct xl *xl, int argc, char **argv)
{
	struct cpu_host host = {0};
	struct domain_config cfg;
	const char *which, *why;
	char *text;
	int ret;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	which = argv[xl->optind];
	domain_config_init(&cfg);
	/* A domain's name has no slash, a path has one. */
	if (!strchr(which, '/')) {
		ret = load_live(xl, which, &cfg);
	} else {
		ret = xl_cpu_host_or_guess(xl, &host);
		if (ret == XL_OK)
			ret = load_config(xl, which, NULL, 0, &host, &cfg);
		xl_cpu_host_fini(&host);
	}
	if (ret == XL_OK && xml_write_config(&cfg, &text, &why)) {
		xl_error(xl, "no XML: %s", why);
		ret = XL_FAIL;
	} else if (ret == XL_OK) {
		fputs(text, xl->out);
		free(text);
	}
	domain_config_fini(&cfg);
	return ret;
}
