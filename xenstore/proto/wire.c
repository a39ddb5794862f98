/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X8) Wire protocol: names, strings, paths, permission entries. Owns nothing.
 */
#include <errno.h>
#include <string.h>

#include <xenstore/proto/wire.h>

static const struct {
	int number;
	const char *name;
} errors[] = {
#define ERR(e)        \
	{             \
		e, #e \
	}
	ERR(EINVAL), ERR(EACCES),  ERR(EEXIST),    ERR(EISDIR), ERR(ENOENT), ERR(ENOMEM),
	ERR(ENOSPC), ERR(EIO),     ERR(ENOTEMPTY), ERR(ENOSYS), ERR(EROFS),  ERR(EBUSY),
	ERR(EAGAIN), ERR(EISCONN), ERR(E2BIG),     ERR(EPERM),
#undef ERR
};

#define NR_ERRORS (sizeof(errors) / sizeof(errors[0]))

const char *wire_error_name(int err)
{
	if (err < 0) {
		err = -err;
	}
	for (size_t i = 0; i < NR_ERRORS; i++) {
		if (errors[i].number == err) {
			return errors[i].name;
		}
	}
	return "EIO";
}

int wire_error_number(const char *name, size_t len)
{
	/* Debian's oxenstored has one of its own for a full quota. */
	if (len == 6 && memcmp(name, "EQUOTA", 6) == 0) {
		return ENOSPC;
	}
	for (size_t i = 0; i < NR_ERRORS; i++) {
		if (strlen(errors[i].name) == len && memcmp(errors[i].name, name, len) == 0) {
			return errors[i].number;
		}
	}
	return EIO;
}

const char *wire_op_name(uint32_t type)
{
	static const char *const names[WIRE_TYPE_COUNT] = {
		[XS_CONTROL] = "CONTROL",
		[XS_DIRECTORY] = "DIRECTORY",
		[XS_READ] = "READ",
		[XS_GET_PERMS] = "GET_PERMS",
		[XS_WATCH] = "WATCH",
		[XS_UNWATCH] = "UNWATCH",
		[XS_TRANSACTION_START] = "TRANSACTION_START",
		[XS_TRANSACTION_END] = "TRANSACTION_END",
		[XS_INTRODUCE] = "INTRODUCE",
		[XS_RELEASE] = "RELEASE",
		[XS_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH",
		[XS_WRITE] = "WRITE",
		[XS_MKDIR] = "MKDIR",
		[XS_RM] = "RM",
		[XS_SET_PERMS] = "SET_PERMS",
		[XS_WATCH_EVENT] = "WATCH_EVENT",
		[XS_ERROR] = "ERROR",
		[XS_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED",
		[XS_RESUME] = "RESUME",
		[XS_SET_TARGET] = "SET_TARGET",
		[XS_RESET_WATCHES] = "RESET_WATCHES",
		[XS_DIRECTORY_PART] = "DIRECTORY_PART",
		[WIRE_GET_FEATURE] = "GET_FEATURE",
		[WIRE_SET_FEATURE] = "SET_FEATURE",
		[WIRE_GET_QUOTA] = "GET_QUOTA",
		[WIRE_SET_QUOTA] = "SET_QUOTA",
	};

	return type < WIRE_TYPE_COUNT && names[type] ? names[type] : "?";
}

int wire_strings(const char *payload, size_t len, const char **strs, int max)
{
	const char *end = payload + len;
	int n = 0;

	if (len == 0) {
		return 0;
	}
	if (end[-1] != '\0') {
		return -EINVAL;
	}
	for (const char *p = payload; p < end; p += strlen(p) + 1) {
		if (n < max) {
			strs[n] = p;
		}
		n++;
	}
	return n;
}

/* What a path may consist of: 1; a slash: 2, so that two of them are 2 & 2. */
static const unsigned char path_char[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['-'] = 1,
	['_'] = 1,         ['@'] = 1,         ['/'] = 2,
};

static bool names_valid(const char *path, size_t len)
{
	unsigned int last = 0;

	if (len == 0 || (path[len - 1] == '/' && len > 1)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned int kind = path_char[(unsigned char)path[i]];

		if (!kind || (kind & last & 2u)) {
			return false;
		}
		last = kind;
	}
	return true;
}

bool wire_path_valid(const char *path, size_t len)
{
	if (!names_valid(path, len) || path[0] == '@') {
		return false;
	}
	return path[0] == '/' ? len <= XENSTORE_ABS_PATH_MAX : len <= XENSTORE_REL_PATH_MAX;
}

bool wire_special_valid(const char *path, size_t len)
{
	return len > 1 && len <= XENSTORE_REL_PATH_MAX && path[0] == '@' && names_valid(path, len);
}

int wire_number_parse(const char *text, uint64_t max, uint64_t *ret_nr)
{
	uint64_t nr = 0;

	if (*text == '\0') {
		return -EINVAL;
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9') {
			return -EINVAL;
		}
		if (__builtin_mul_overflow(nr, 10u, &nr) ||
		    __builtin_add_overflow(nr, (uint64_t)(*text - '0'), &nr)) {
			return -ERANGE;
		}
	}
	if (nr > max) {
		return -ERANGE;
	}
	*ret_nr = nr;
	return 0;
}

int wire_domid_parse(const char *text, uint16_t *ret_domid)
{
	uint64_t nr;

	if (wire_number_parse(text, UINT16_MAX, &nr)) {
		return -EINVAL;
	}
	*ret_domid = (uint16_t)nr;
	return 0;
}

static const char letters[] = "nrwb"; /* index: WIRE_PERM_* bits */

int wire_perm_parse(const char *text, struct wire_perm *ret_perm)
{
	const char *letter = *text ? strchr(letters, *text) : NULL;

	if (!letter || wire_domid_parse(text + 1, &ret_perm->domid)) {
		return -EINVAL;
	}
	ret_perm->access = (uint8_t)(letter - letters);
	return 0;
}

size_t wire_perm_format(const struct wire_perm *perm, char buf[WIRE_PERM_STRLEN])
{
	char digits[5];
	unsigned int id = perm->domid;
	size_t nr = 0, pos = 0;

	do {
		digits[nr++] = (char)('0' + id % 10);
		id /= 10;
	} while (id);
	buf[pos++] = letters[perm->access & 3u];
	while (nr) {
		buf[pos++] = digits[--nr];
	}
	buf[pos] = '\0';
	return pos;
}
