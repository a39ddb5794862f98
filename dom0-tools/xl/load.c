/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Loads configurations. */
#include "dom0-tools/xl/load.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/xl.h"
#include "dom0-tools/xl/xml.h"

#define COMMAND_LINE "command line"

int load_text(const char *path, char **ret_text, size_t *ret_len)
{
	char *text = malloc(CFG_MAX_BYTES + 1);
	size_t len = 0;
	ssize_t got = 0;
	int fd, ret = 0;

	if (!text)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto err_free;
	}
	do {
		len += (size_t)got;
		got = read(fd, text + len, CFG_MAX_BYTES + 1 - len);
	} while (got > 0);
	if (got < 0)
		ret = -errno;
	else if (len > CFG_MAX_BYTES)
		ret = -EFBIG;
	close(fd);
	if (ret)
		goto err_free;
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;

err_free:
	free(text);
	return ret;
}

/* ---- settings on the command line ------------------------------------------------- */

/*
 * `name=demo`: the shell has eaten the quotes. Returns where the bare value
 * starts, or NULL if this isn't KEY=WORD.
 */
static const char *bare_value(const char *setting)
{
	const char *p = setting;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return NULL;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	if (*p++ != '=')
		return NULL;
	while (*p == ' ')
		p++;
	return strpbrk(p, "\"'[];\n") || isdigit((unsigned char)*p) ? NULL : p;
}

static int parse_setting(const char *setting, const struct cfg_report *report,
			 struct cfg_file **ret_file)
{
	const char *bare = bare_value(setting);
	char *quoted;
	int ret;

	if (!bare)
		return cfg_parse(COMMAND_LINE, setting, strlen(setting), report, ret_file);
	if (asprintf(&quoted, "%.*s'%s'", (int)(bare - setting), setting, bare) < 0)
		return -ENOMEM;
	ret = cfg_parse(COMMAND_LINE, quoted, strlen(quoted), report, ret_file);
	free(quoted);
	return ret;
}

/* ---- the whole ------------------------------------------------------------------------ */

static int load_settings(const char *path, const char *text, size_t len, char **settings, size_t nr,
			 const struct cpu_host *host, const struct cfg_report *report,
			 struct domain_config *cfg)
{
	struct cfg_file **files = calloc(nr + 1, sizeof(struct cfg_file *));
	size_t i, nr_files = 0;
	int ret = 0;

	if (!files)
		return -ENOMEM;
	if (text) {
		ret = cfg_parse(path, text, len, report, &files[0]);
		nr_files = !ret;
	}
	for (i = 0; i < nr && !ret; i++) {
		ret = parse_setting(settings[i], report, &files[nr_files]);
		nr_files += !ret;
	}
	if (!ret)
		ret = cfg_apply_files(files, nr_files, host, report, cfg);
	for (i = 0; i < nr_files; i++)
		cfg_free(files[i]);
	free(files);
	return ret;
}

int load_config(struct xl *xl, const char *path, char **settings, size_t nr,
		const struct cpu_host *host, struct domain_config *cfg)
{
	char *text = NULL, *reason = NULL;
	struct cfg_report report;
	size_t len = 0;
	int ret;

	xl_cfg_report(xl, &report);
	if (path) {
		ret = load_text(path, &text, &len);
		if (ret) {
			fprintf(xl->err, "Failed to read config file: %s: %s\n", path,
				ret == -EFBIG ? "longer than a configuration can be"
					      : strerror(-ret));
			return XL_CREATE_FAIL;
		}
	}
	if (text && xml_looks_like(text, len)) {
		if (nr) {
			xl_error(xl, "%s is XML: settings on the command line don't go with it",
				 path);
			free(text);
			return XL_FAIL;
		}
		ret = xml_read_config(path, text, len, host, &report, cfg);
	} else {
		ret = load_settings(path, text, len, settings, nr, host, &report, cfg);
	}
	free(text);
	if (!ret)
		ret = domain_config_finish(cfg, &reason);
	if (ret == -ENOMEM)
		xl_error(xl, "out of memory");
	else if (reason)
		xl_error(xl, "%s: %s", path ? path : COMMAND_LINE, reason);
	free(reason);
	return ret ? XL_FAIL : XL_OK;
}
