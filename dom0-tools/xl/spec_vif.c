/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Network interface specifications: key=value or flag, separated by commas. */
#include "dom0-tools/xl/spec.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(struct spec_error *err, const char *what, const char *part, const char *spec)
{
	snprintf(err->text, sizeof(err->text), "vif: %s: '%s' in '%s'", what, part, spec);
	return -EINVAL;
}

/* ---- rate= -------------------------------------------------------------------- */

/* "10Mb/s", "250KB/s", "1MB/s@20ms": credit per interval. */
static int parse_rate(const char *text, uint64_t *ret_bytes, uint32_t *ret_usecs)
{
	uint64_t rate, usecs = 50000, multiplier = 1;
	bool bits;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	rate = strtoull(text, &end, 10);
	if (*end == 'G')
		multiplier = 1000000000;
	else if (*end == 'M')
		multiplier = 1000000;
	else if (*end == 'K')
		multiplier = 1000;
	if (multiplier > 1)
		end++;
	if (*end != 'B' && *end != 'b')
		return -EINVAL;
	bits = *end++ == 'b';
	if (errno || __builtin_mul_overflow(rate, multiplier, &rate) || strncmp(end, "/s", 2))
		return -EINVAL;
	end += 2;
	if (*end == '@') {
		if (!isdigit((unsigned char)end[1]))
			return -EINVAL;
		usecs = strtoull(end + 1, &end, 10);
		if (usecs > UINT32_MAX)
			return -EINVAL;
		if (!strcmp(end, "ms"))
			usecs *= 1000;
		else if (!strcmp(end, "s"))
			usecs *= 1000000;
		else if (strcmp(end, "us"))
			return -EINVAL;
		end += strlen(end);
	}
	if (*end || usecs == 0 || usecs > UINT32_MAX)
		return -EINVAL;
	if (bits)
		rate /= 8;
	if (__builtin_mul_overflow(rate, usecs, &rate))
		return -EINVAL;
	*ret_bytes = rate / 1000000;
	*ret_usecs = (uint32_t)usecs;
	return *ret_bytes ? 0 : -EINVAL;
}

/* ---- keys --------------------------------------------------------------------- */

static int parse_number(const char *text, unsigned long max, unsigned long *ret_value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*ret_value = strtoul(text, &end, 10);
	return errno || *end || *ret_value > max ? -EINVAL : 0;
}

static const struct {
	const char *key;
	size_t offset;
} string_keys[] = {
	{"bridge", offsetof(struct domain_vif, bridge)},
	{"ip", offsetof(struct domain_vif, ip)},
	{"vifname", offsetof(struct domain_vif, vifname)},
	{"script", offsetof(struct domain_vif, script)},
	{"gatewaydev", offsetof(struct domain_vif, gatewaydev)},
	{"netdev", offsetof(struct domain_vif, gatewaydev)},
	{"model", offsetof(struct domain_vif, model)},
	{"backend", offsetof(struct domain_vif, backend_domain)},
};

static int set_key(struct domain_vif *vif, const char *key, const char *value, const char *spec,
		   struct spec_error *err)
{
	unsigned long number;

	for (size_t i = 0; i < sizeof(string_keys) / sizeof(string_keys[0]); i++) {
		if (!strcmp(key, string_keys[i].key))
			return domain_config_set_string(
				(char **)((char *)vif + string_keys[i].offset), value);
	}
	if (!strcmp(key, "mac")) {
		if (domain_mac_parse(value, vif->mac))
			return wrong(err, "not a MAC address (like 00:16:3e:12:34:56)", value,
				     spec);
		if (vif->mac[0] & 1)
			return wrong(err, "a multicast address can't be an interface's", value,
				     spec);
		vif->has_mac = true;
	} else if (!strcmp(key, "rate")) {
		if (parse_rate(value, &vif->rate_bytes, &vif->rate_usecs))
			return wrong(err, "not a rate (like 10Mb/s or 1MB/s@20ms)", value, spec);
	} else if (!strcmp(key, "mtu")) {
		if (parse_number(value, 65535, &number) || number < 68)
			return wrong(err, "mtu is a number from 68 to 65535", value, spec);
		vif->mtu = (unsigned int)number;
	} else if (!strcmp(key, "devid")) {
		if (parse_number(value, INT_MAX, &number))
			return wrong(err, "not a device number", value, spec);
		vif->devid = (int)number;
	} else if (!strcmp(key, "type")) {
		if (strcmp(value, "vif") && strcmp(value, "ioemu"))
			return wrong(err, "unknown type (there are vif and ioemu)", value, spec);
	} else {
		return wrong(err, "unknown parameter", key, spec);
	}
	return 0;
}

static int parse_part(char *part, struct domain_vif *vif, const char *spec, struct spec_error *err)
{
	char *equals = strchr(part, '='), *end;

	end = part + strlen(part);
	while (end > part && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (equals) {
		*equals = '\0';
		return set_key(vif, part, equals + 1, spec, err);
	}
	if (!strcmp(part, "trusted"))
		vif->trusted = true;
	else if (!strcmp(part, "untrusted"))
		vif->trusted = false;
	else if (*part)
		return wrong(err, "neither key=value nor a flag", part, spec);
	return 0;
}

int spec_parse_vif(const char *spec, struct domain_vif *vif, struct spec_error *err)
{
	char *copy = strdup(spec), *part, *next;
	int ret = 0;

	err->text[0] = '\0';
	if (!copy)
		return -ENOMEM;
	for (part = copy; part && !ret; part = next) {
		next = strchr(part, ',');
		if (next)
			*next++ = '\0';
		while (isspace((unsigned char)*part))
			part++;
		ret = parse_part(part, vif, spec, err);
	}
	free(copy);
	if (ret == -ENOMEM)
		snprintf(err->text, sizeof(err->text), "out of memory");
	return ret;
}
