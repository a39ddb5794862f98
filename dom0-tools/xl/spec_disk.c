/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Disk specifications:
 *
 *     [key=value|flag,]... [target[,format[,vdev[,access]]]] [key=value|flag,]...
 *     [target=everything up to the end]
 *
 * and xend's older "[prefix:]target,vdev[:cdrom],access". A part without "="
 * that isn't a flag goes to the first positional parameter not yet given.
 */
#include "dom0-tools/xl/spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disk_parse {
	struct domain_disk *disk;
	struct spec_error *err;
	const char *spec;
	bool has_target, has_format, has_vdev, has_access, has_devtype, has_script;
};

static int wrong(struct disk_parse *p, const char *what, const char *part)
{
	if (part)
		snprintf(p->err->text, sizeof(p->err->text), "disk: %s: '%s' in '%s'", what, part,
			 p->spec);
	else
		snprintf(p->err->text, sizeof(p->err->text), "disk: %s in '%s'", what, p->spec);
	return -EINVAL;
}

static int once(struct disk_parse *p, bool *seen, const char *name)
{
	if (*seen) {
		snprintf(p->err->text, sizeof(p->err->text), "disk: %s is given twice in '%s'",
			 name, p->spec);
		return -EINVAL;
	}
	*seen = true;
	return 0;
}

/* ---- the parameters ---------------------------------------------------------- */

/* xend's prefixes: some name a format or a script, the others mean nothing. */
static const char *strip_prefixes(struct disk_parse *p, const char *target)
{
	static const char *const formats[] = {"raw", "qcow2", "qcow", "vhd"};
	static const char *const noise[] = {"tapdisk", "tap2", "tap", "aio",
					    "ioemu",   "file", "phy"};
	size_t i, len;
	bool again;

	do {
		again = false;
		for (i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
			len = strlen(noise[i]);
			if (!strncmp(target, noise[i], len) && target[len] == ':') {
				target += len + 1;
				again = true;
			}
		}
		for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
			len = strlen(formats[i]);
			if (!strncmp(target, formats[i], len) && target[len] == ':') {
				domain_disk_format_parse(formats[i], &p->disk->format);
				p->has_format = true;
				target += len + 1;
				again = true;
			}
		}
	} while (again);
	return target;
}

static int set_path(struct disk_parse *p, const char *target)
{
	char *path;

	if (!*target)
		return 0; /* an empty one is the default: none */
	if (target[0] == '/' || p->has_script)
		return domain_config_set_string(&p->disk->target, target);
	if (asprintf(&path, "/dev/%s", target) < 0)
		return -ENOMEM;
	free(p->disk->target);
	p->disk->target = path;
	return 0;
}

static int set_target(struct disk_parse *p, const char *value)
{
	static const char *const scripts[] = {"iscsi", "nbd", "enbd", "drbd"};
	char script[32];
	size_t i, len;
	int ret;

	ret = once(p, &p->has_target, "target");
	if (ret)
		return ret;
	value = strip_prefixes(p, value);
	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		len = strlen(scripts[i]);
		if (strncmp(value, scripts[i], len) || value[len] != ':')
			continue;
		snprintf(script, sizeof(script), "block-%s", scripts[i]);
		p->has_script = true;
		ret = domain_config_set_string(&p->disk->script, script);
		if (ret)
			return ret;
		value += len + 1;
	}
	return set_path(p, value);
}

static int set_format(struct disk_parse *p, const char *value)
{
	int ret = once(p, &p->has_format, "format");

	if (ret || !*value)
		return ret;
	if (domain_disk_format_parse(value, &p->disk->format) ||
	    p->disk->format == DOMAIN_DISK_EMPTY)
		return wrong(p, "unknown format (there are raw, qcow, qcow2, vhd, qed)", value);
	return 0;
}

static int set_devtype(struct disk_parse *p, const char *value)
{
	int ret = once(p, &p->has_devtype, "devtype");

	if (ret || !*value)
		return ret;
	if (!strcmp(value, "disk"))
		return 0;
	if (strcmp(value, "cdrom"))
		return wrong(p, "unknown devtype (there are cdrom and disk)", value);
	p->disk->cdrom = true;
	p->disk->removable = true;
	return 0;
}

static bool is_vdev(const char *text)
{
	static const char *const kinds[] = {"xvd", "sd", "hd", "vd"};
	size_t i, len, letters;
	const char *digits;

	/* d0p1: a disk and a partition; digits alone: the number itself */
	if (isdigit((unsigned char)text[0])) {
		char *end;

		strtoul(text, &end, 0);
		return *end == '\0';
	}
	if (text[0] == 'd' && isdigit((unsigned char)text[1])) {
		digits = text + 1 + strspn(text + 1, "0123456789");
		if (*digits == 'p' && isdigit((unsigned char)digits[1]))
			digits += 1 + strspn(digits + 1, "0123456789");
		return *digits == '\0';
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		len = strlen(kinds[i]);
		if (strncmp(text, kinds[i], len))
			continue;
		letters = strspn(text + len, "abcdefghijklmnopqrstuvwxyz");
		digits = text + len + letters;
		return letters > 0 && digits[strspn(digits, "0123456789")] == '\0';
	}
	return false;
}

static int set_vdev(struct disk_parse *p, const char *value)
{
	const char *colon = strchr(value, ':');
	char name[32];
	int ret;

	ret = once(p, &p->has_vdev, "vdev");
	if (ret || !*value)
		return ret;
	if (!colon)
		colon = value + strlen(value);
	snprintf(name, sizeof(name), "%.*s", (int)(colon - value), value);
	if (strlen(name) != (size_t)(colon - value) || !is_vdev(name))
		return wrong(p, "not the name of a virtual disk (like xvda or sdb1)", value);
	ret = domain_config_set_string(&p->disk->vdev, name);
	if (!ret && *colon)
		ret = set_devtype(p, colon + 1);
	return ret;
}

static int set_access(struct disk_parse *p, const char *value)
{
	int ret = once(p, &p->has_access, "access");

	if (ret)
		return ret;
	if (!*value) {
		p->has_access = false; /* the default depends on devtype */
		return 0;
	}
	if (!strcmp(value, "rw") || !strcmp(value, "w") || !strcmp(value, "w!"))
		p->disk->readwrite = true;
	else if (!strcmp(value, "ro") || !strcmp(value, "r"))
		p->disk->readwrite = false;
	else
		return wrong(p, "unknown access (there are rw, w, ro and r)", value);
	return 0;
}

static int set_backend_type(struct disk_parse *p, const char *value)
{
	if (domain_disk_backend_parse(value, &p->disk->backend))
		return wrong(p, "unknown backendtype (there are phy and qdisk)", value);
	return 0;
}

static int set_named(struct disk_parse *p, const char *key, const char *value)
{
	if (!strcmp(key, "format"))
		return set_format(p, value);
	if (!strcmp(key, "vdev"))
		return set_vdev(p, value);
	if (!strcmp(key, "access"))
		return set_access(p, value);
	if (!strcmp(key, "devtype"))
		return set_devtype(p, value);
	if (!strcmp(key, "backend"))
		return domain_config_set_string(&p->disk->backend_domain, value);
	if (!strcmp(key, "backendtype"))
		return set_backend_type(p, value);
	if (!strcmp(key, "script")) {
		p->has_script = true;
		return domain_config_set_string(&p->disk->script, value);
	}
	if (!strcmp(key, "specification") && !strcmp(value, "xen"))
		return 0;
	if (!strcmp(key, "specification"))
		return wrong(p, "unknown specification (there is xen)", value);
	return wrong(p, "unknown parameter", key);
}

/* Returns 1 if @word is no flag. */
static int set_flag(struct disk_parse *p, const char *word)
{
	struct domain_disk *disk = p->disk;

	if (!strcmp(word, "cdrom"))
		return set_devtype(p, "cdrom");
	if (!strcmp(word, "discard"))
		disk->discard = true;
	else if (!strcmp(word, "no-discard"))
		disk->discard = false;
	else if (!strcmp(word, "trusted"))
		disk->trusted = true;
	else if (!strcmp(word, "untrusted"))
		disk->trusted = false;
	else if (!strcmp(word, "direct-io-safe"))
		disk->direct_io_safe = true;
	else
		return 1;
	return 0;
}

static int set_positional(struct disk_parse *p, const char *word)
{
	/* xend put the vdev where the format is now. */
	if (p->has_target && !p->has_format && !p->has_vdev && *word && is_vdev(word)) {
		p->has_format = true;
		return set_vdev(p, word);
	}
	if (p->has_target && !p->has_format && strchr(word, ':')) {
		p->has_format = true;
		return set_vdev(p, word);
	}
	if (!p->has_target)
		return set_target(p, word);
	if (!p->has_format)
		return set_format(p, word);
	if (!p->has_vdev)
		return set_vdev(p, word);
	if (!p->has_access)
		return set_access(p, word);
	return wrong(p, "one part too many", word);
}

/* ---- the whole --------------------------------------------------------------- */

static int parse_part(struct disk_parse *p, char *part)
{
	char *equals = strchr(part, '=');
	int ret;

	/* A path may hold an equals sign; a key never holds a slash. */
	if (equals && !memchr(part, '/', (size_t)(equals - part))) {
		*equals = '\0';
		return set_named(p, part, equals + 1);
	}
	ret = set_flag(p, part);
	return ret == 1 ? set_positional(p, part) : ret;
}

static int finish(struct disk_parse *p)
{
	struct domain_disk *disk = p->disk;

	if (!disk->vdev)
		return wrong(p, "no vdev specified", NULL);
	if (disk->cdrom && !p->has_access)
		disk->readwrite = false;
	if (!disk->target) {
		if (!disk->cdrom)
			return wrong(p, "no target specified", NULL);
		disk->format = DOMAIN_DISK_EMPTY;
	}
	return 0;
}

int spec_parse_disk(const char *spec, struct domain_disk *disk, struct spec_error *err)
{
	struct disk_parse p = {.disk = disk, .err = err, .spec = spec};
	char *copy = strdup(spec), *part, *next;
	int ret = 0;

	err->text[0] = '\0';
	if (!copy)
		return -ENOMEM;
	for (part = copy; part && !ret; part = next) {
		while (*part == ' ' || *part == '\t')
			part++;
		/* target= takes all that follows, commas and blanks included. */
		if (!strncmp(part, "target=", 7)) {
			p.has_target = disk->target != NULL;
			ret = set_target(&p, part + 7);
			break;
		}
		next = strchr(part, ',');
		if (next)
			*next++ = '\0';
		else if (!*part)
			break;
		ret = parse_part(&p, part);
	}
	free(copy);
	if (!ret)
		ret = finish(&p);
	if (ret == -ENOMEM)
		snprintf(err->text, sizeof(err->text), "out of memory");
	return ret;
}
