/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Names and numbers of virtual disks. A number is how the guest ABI calls a
 * disk; guests make a name of it:
 *
 *   xvdX, part p   202 << 8 | disk << 4 | p      disk <= 15, p <= 15
 *                  1 << 28 | disk << 8 | p       beyond
 *   sdX            8 << 8 | disk << 4 | p        disk <= 15, p <= 15
 *   hdX            (3 or 22) << 8 | (disk & 1) << 6 | p   disk <= 3, p <= 63
 *   dXpP           as xvd, both in decimal
 *
 * Sources: docs "xen-vbd-interface" of Xen. No state.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/libdomain.h"

#define MAJOR_IDE0 3u
#define MAJOR_IDE1 22u
#define MAJOR_SD   8u
#define MAJOR_XVD  202u
#define EXTENDED   (1u << 28)
#define DISK_LIMIT (1u << 20)

/* Decimal without signs, spaces or leading zeros; moves *s behind it. */
static bool decimal(const char **s, uint32_t limit, uint32_t *ret)
{
	uint32_t v = 0;

	if (!isdigit((unsigned char)**s) || (**s == '0' && isdigit((unsigned char)(*s)[1]))) {
		return false;
	}
	while (isdigit((unsigned char)**s)) {
		v = v * 10 + (uint32_t)(*(*s)++ - '0');
		if (v >= limit) {
			return false;
		}
	}
	*ret = v;
	return true;
}

/* "a" is 0, "z" is 25, "aa" is 26. */
static bool letters(const char **s, uint32_t *ret)
{
	uint32_t v = 0;

	if (!islower((unsigned char)**s)) {
		return false;
	}
	while (islower((unsigned char)**s)) {
		v = v * 26 + (uint32_t)(*(*s)++ - 'a') + 1;
		if (v > DISK_LIMIT) {
			return false;
		}
	}
	*ret = v - 1;
	return true;
}

static int encode_xvd(uint32_t disk, uint32_t part, uint32_t *ret)
{
	if (disk <= 15 && part <= 15) {
		*ret = MAJOR_XVD << 8 | disk << 4 | part;
	} else if (disk < DISK_LIMIT && part <= 255) {
		*ret = EXTENDED | disk << 8 | part;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int encode(const char *bus, uint32_t disk, uint32_t part, uint32_t *ret)
{
	if (!strcmp(bus, "xvd")) {
		return encode_xvd(disk, part, ret);
	}
	if (!strcmp(bus, "sd") && disk <= 15 && part <= 15) {
		*ret = MAJOR_SD << 8 | disk << 4 | part;
		return 0;
	}
	if (!strcmp(bus, "hd") && disk <= 3 && part <= 63) {
		*ret = (disk < 2 ? MAJOR_IDE0 : MAJOR_IDE1) << 8 | (disk & 1) << 6 | part;
		return 0;
	}
	return -EINVAL;
}

static int parse_number(const char *vdev, uint32_t *ret)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(vdev, &end, 0);
	if (errno || *end || v > INT32_MAX) {
		return -EINVAL;
	}
	*ret = (uint32_t)v;
	return 0;
}

int dom_vdev_parse(const char *vdev, uint32_t *ret_number)
{
	static const char *const buses[] = {"xvd", "sd", "hd"};
	uint32_t disk, part = 0;

	if (isdigit((unsigned char)vdev[0])) {
		return parse_number(vdev, ret_number);
	}
	if (vdev[0] == 'd' && isdigit((unsigned char)vdev[1])) {
		const char *s = vdev + 1;

		if (!decimal(&s, DISK_LIMIT, &disk)) {
			return -EINVAL;
		}
		if (*s == 'p') {
			s++;
			if (!decimal(&s, 256, &part)) {
				return -EINVAL;
			}
		}
		return *s ? -EINVAL : encode_xvd(disk, part, ret_number);
	}
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		size_t len = strlen(buses[i]);
		const char *s = vdev + len;

		if (strncmp(vdev, buses[i], len) || !letters(&s, &disk)) {
			continue;
		}
		if (*s && (*s == '0' || !decimal(&s, 256, &part))) {
			return -EINVAL;
		}
		return *s ? -EINVAL : encode(buses[i], disk, part, ret_number);
	}
	return -EINVAL;
}

static void format_name(char buf[16], const char *bus, uint32_t disk, uint32_t part)
{
	char name[8];
	size_t at = sizeof(name);

	name[--at] = '\0';
	for (disk++; disk; disk = (disk - 1) / 26) {
		name[--at] = (char)('a' + (disk - 1) % 26);
	}
	if (part) {
		snprintf(buf, 16, "%s%s%u", bus, name + at, part & 255);
	} else {
		snprintf(buf, 16, "%s%s", bus, name + at);
	}
}

void dom_vdev_format(uint32_t number, char buf[16])
{
	uint32_t low = number & 255;

	buf[0] = '\0';
	if (number & EXTENDED) {
		if (number >> 28 == 1) {
			format_name(buf, "xvd", number >> 8 & (DISK_LIMIT - 1), low);
		}
		return;
	}
	switch (number >> 8) {
	case MAJOR_XVD:
		format_name(buf, "xvd", low >> 4, low & 15);
		break;
	case MAJOR_SD:
		format_name(buf, "sd", low >> 4, low & 15);
		break;
	case MAJOR_IDE0:
	case MAJOR_IDE1:
		if (low < 128) {
			format_name(buf, "hd", (number >> 8 == MAJOR_IDE1 ? 2 : 0) + (low >> 6),
				    low & 63);
		}
		break;
	default:
		break;
	}
}
