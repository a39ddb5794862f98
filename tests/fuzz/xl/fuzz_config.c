/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer on all that reads a configuration: xl.cfg, libvirt XML or the JSON
 * that is kept with a domain. Made three times, with FUZZ_CFG, FUZZ_XML or
 * FUZZ_JSON. Besides not crashing: what is accepted and completed survives
 * being written as JSON and read back.
 */
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/xml.h"

static void swallow(void *arg, const char *line)
{
	/* The message must at least be a string. */
	if (strlen(line) > (1U << 22))
		abort();
}

static const struct cfg_report report = {.error = swallow, .warning = swallow};
static const struct cpu_host host = {.nr_cpus = 8};

#if defined(FUZZ_CFG)
static int read_any(const char *text, size_t len, struct domain_config *cfg)
{
	struct cfg_file *file;
	int ret;

	if (cfg_parse("fuzz", text, len, &report, &file))
		return -1;
	ret = cfg_apply_files(&file, 1, &host, &report, cfg);
	cfg_free(file);
	return ret;
}
#elif defined(FUZZ_XML)
static int read_any(const char *text, size_t len, struct domain_config *cfg)
{
	xml_looks_like(text, len);
	return xml_read_config("fuzz", text, len, &host, &report, cfg);
}
#else
static int read_any(const char *text, size_t len, struct domain_config *cfg)
{
	return json_read_config(text, cfg);
}
#endif

static void check_json(const struct domain_config *cfg)
{
	struct domain_config back;
	char *first, *second, *xml;
	const char *why;
	size_t len;

	if (json_write_config(cfg, &first, &len))
		return; /* yajl refuses what is not UTF-8 */
	domain_config_init(&back);
	if (!json_read_config(first, &back) && !json_write_config(&back, &second, &len)) {
		if (strcmp(first, second))
			abort();
		free(second);
	}
	if (!xml_write_config(cfg, &xml, &why))
		free(xml);
	free(first);
	domain_config_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *reason = NULL;
	struct domain_config cfg;

	memcpy(text, data, size);
	text[size] = '\0';
	domain_config_init(&cfg);
	if (!read_any(text, size, &cfg) && !domain_config_finish(&cfg, &reason))
		check_json(&cfg);
	free(reason);
	domain_config_fini(&cfg);
	free(text);
	return 0;
}
