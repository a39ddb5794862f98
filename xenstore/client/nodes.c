/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The client's view of nodes: values, directories, permissions, paths.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/client/internal.h>

int xsc_path_check(const char *path)
{
	size_t len = strlen(path);

	if (len > XENSTORE_ABS_PATH_MAX) {
		return -ENAMETOOLONG;
	}
	return len ? 0 : -EINVAL;
}

/* A request whose payload is @path. */
static int talk_path(struct xsc *c, uint32_t type, uint32_t tx, const char *path,
		     const char **ret_reply)
{
	int rc = xsc_path_check(path);

	return rc ? rc : xsc_talk_str(c, type, tx, path, ret_reply);
}

/* ---- values -------------------------------------------------------------- */

int xsc_read(struct xsc *c, uint32_t tx, const char *path, char **ret_value, size_t *ret_len)
{
	const char *reply;
	char *copy;
	int n = talk_path(c, XS_READ, tx, path, &reply);

	if (n < 0) {
		return n;
	}
	copy = malloc((size_t)n + 1);
	if (!copy) {
		return -ENOMEM;
	}
	memcpy(copy, reply, (size_t)n + 1);
	*ret_value = copy;
	if (ret_len) {
		*ret_len = (size_t)n;
	}
	return 0;
}

int xsc_read_int(struct xsc *c, uint32_t tx, const char *path, long long *ret_value)
{
	const char *reply;
	long long value;
	char *end;
	int n = talk_path(c, XS_READ, tx, path, &reply);

	if (n < 0) {
		return n;
	}
	if (n == 0 || reply[0] == ' ' || (size_t)n != strlen(reply)) {
		return -EINVAL;
	}
	errno = 0;
	value = strtoll(reply, &end, 0);
	if (*end || errno) {
		return errno == ERANGE ? -ERANGE : -EINVAL;
	}
	*ret_value = value;
	return 0;
}

int xsc_write(struct xsc *c, uint32_t tx, const char *path, const void *value, size_t len)
{
	struct part parts[] = {{path, strlen(path) + 1}, {value, len}};
	int rc = xsc_path_check(path);

	rc = rc ? rc : xsc_talk(c, XS_WRITE, tx, parts, 2, NULL);
	return rc < 0 ? rc : 0;
}

int xsc_write_str(struct xsc *c, uint32_t tx, const char *path, const char *value)
{
	return xsc_write(c, tx, path, value, strlen(value));
}

int xsc_printf(struct xsc *c, uint32_t tx, const char *path, const char *fmt, ...)
{
	char text[XENSTORE_PAYLOAD_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0) {
		return -EINVAL;
	}
	return (size_t)n < sizeof(text) ? xsc_write(c, tx, path, text, (size_t)n) : -ENAMETOOLONG;
}

int xsc_mkdir(struct xsc *c, uint32_t tx, const char *path)
{
	int rc = talk_path(c, XS_MKDIR, tx, path, NULL);

	return rc < 0 ? rc : 0;
}

int xsc_rm(struct xsc *c, uint32_t tx, const char *path)
{
	int rc = talk_path(c, XS_RM, tx, path, NULL);

	return rc < 0 ? rc : 0;
}

int xsc_rm_tidy(struct xsc *c, uint32_t tx, const char *path)
{
	struct xsc_path parent;
	const char *reply;
	char *slash;
	int rc = xsc_rm(c, tx, path);

	if (rc) {
		return rc;
	}
	memcpy(parent.s, path, strlen(path) + 1);
	while ((slash = strrchr(parent.s, '/')) && slash != parent.s) {
		*slash = '\0';
		rc = talk_path(c, XS_READ, tx, parent.s, &reply);
		if (rc == 0) {
			rc = talk_path(c, XS_DIRECTORY, tx, parent.s, &reply);
		}
		if (rc) {
			/* Not empty, or more children than fit, or not to be read. */
			return rc > 0 || rc == -E2BIG || rc == -EACCES ? 0 : rc;
		}
		rc = xsc_rm(c, tx, parent.s);
		if (rc) {
			return rc == -EACCES ? 0 : rc;
		}
	}
	return 0;
}

int xsc_exists(struct xsc *c, uint32_t tx, const char *path)
{
	int rc = talk_path(c, XS_READ, tx, path, NULL);

	if (rc == -ENOENT) {
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* ---- directories --------------------------------------------------------- */

/* A list in the wire's form, growing. */
struct names {
	char *data;
	size_t len;
};

static int names_add(struct names *n, const char *data, size_t len)
{
	char *more = realloc(n->data, n->len + len + 1);

	if (!more) {
		return -ENOMEM;
	}
	n->data = more;
	memcpy(n->data + n->len, data, len);
	n->len += len;
	return 0;
}

/* The whole list in parts. -EAGAIN: it changed on the way. */
static int read_parts(struct xsc *c, uint32_t tx, const char *path, struct names *n)
{
	char offset[24], gen[24] = "";
	const char *reply;
	size_t gen_len;
	int len, rc;

	for (;;) {
		struct part parts[] = {{path, strlen(path) + 1}, {offset, 0}};

		parts[1].len = (size_t)snprintf(offset, sizeof(offset), "%zu", n->len) + 1;
		len = xsc_talk(c, XS_DIRECTORY_PART, tx, parts, 2, &reply);
		if (len < 0) {
			return len;
		}
		gen_len = strlen(reply) + 1;
		if (gen_len > sizeof(gen) || gen_len > (size_t)len) {
			return -EIO;
		}
		if (n->len && strcmp(gen, reply) != 0) {
			return -EAGAIN;
		}
		strcpy(gen, reply);
		len -= (int)gen_len;
		reply += gen_len;
		if (len < 1 || reply[len - 1]) {
			return -EIO;
		}
		/* The end is an empty name. */
		if (len == 1 || !reply[len - 2]) {
			return names_add(n, reply, (size_t)len - 1);
		}
		rc = names_add(n, reply, (size_t)len);
		if (rc) {
			return rc;
		}
	}
}

static int read_names(struct xsc *c, uint32_t tx, const char *path, struct names *n)
{
	const char *reply;
	int rc = talk_path(c, XS_DIRECTORY, tx, path, &reply);

	if (rc >= 0) {
		return names_add(n, reply, (size_t)rc);
	}
	if (rc != -E2BIG) {
		return rc;
	}
	do {
		n->len = 0;
		rc = read_parts(c, tx, path, n);
	} while (rc == -EAGAIN);
	return rc;
}

/* Pointers and strings in one allocation, as promised. */
static int names_split(const struct names *n, char ***ret_names, size_t *ret_nr)
{
	size_t nr = 0;
	char **names, *text;

	for (size_t i = 0; i < n->len; i++) {
		nr += n->data[i] == '\0';
	}
	names = malloc((nr + 1) * sizeof(*names) + n->len);
	if (!names) {
		return -ENOMEM;
	}
	text = (char *)(names + nr + 1);
	if (n->len) {
		memcpy(text, n->data, n->len);
	}
	for (size_t i = 0; i < nr; i++) {
		names[i] = text;
		text += strlen(text) + 1;
	}
	names[nr] = NULL;
	*ret_names = names;
	if (ret_nr) {
		*ret_nr = nr;
	}
	return 0;
}

int xsc_directory(struct xsc *c, uint32_t tx, const char *path, char ***ret_names, size_t *ret_nr)
{
	struct names n = {NULL, 0};
	int rc = read_names(c, tx, path, &n);

	if (!rc && n.len && n.data[n.len - 1]) {
		rc = -EIO;
	}
	rc = rc ? rc : names_split(&n, ret_names, ret_nr);
	free(n.data);
	return rc;
}

/* ---- paths --------------------------------------------------------------- */

const char *xsc_pathf(struct xsc_path *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->s, sizeof(p->s), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(p->s)) {
		p->s[0] = '\0';
	}
	return p->s;
}

bool xsc_path_below(const char *parent, const char *path)
{
	size_t len = strlen(parent);

	if (strcmp(parent, "/") == 0) {
		return path[0] == '/';
	}
	return strncmp(parent, path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* ---- permissions --------------------------------------------------------- */

void xsc_perm_format(const struct xsc_perm *perm, char buf[XSC_PERM_STRLEN])
{
	struct wire_perm w = {perm->domid, perm->access};

	wire_perm_format(&w, buf);
}

int xsc_perm_parse(const char *text, struct xsc_perm *ret_perm)
{
	struct wire_perm w;
	int rc = wire_perm_parse(text, &w);

	if (rc) {
		return rc;
	}
	*ret_perm = (struct xsc_perm){w.domid, w.access};
	return 0;
}

int xsc_get_perms(struct xsc *c, uint32_t tx, const char *path, struct xsc_perm **ret_perms,
		  size_t *ret_nr)
{
	struct xsc_perm *perms;
	const char *reply, *p;
	size_t nr = 0;
	int n = talk_path(c, XS_GET_PERMS, tx, path, &reply);

	if (n < 0) {
		return n;
	}
	for (p = reply; p < reply + n; p += strlen(p) + 1) {
		nr++;
	}
	perms = nr ? malloc(nr * sizeof(*perms)) : NULL;
	if (!perms) {
		return nr ? -ENOMEM : -EIO;
	}
	p = reply;
	for (size_t i = 0; i < nr; i++) {
		if (xsc_perm_parse(p, &perms[i])) {
			free(perms);
			return -EIO;
		}
		p += strlen(p) + 1;
	}
	*ret_perms = perms;
	*ret_nr = nr;
	return 0;
}

int xsc_set_perms(struct xsc *c, uint32_t tx, const char *path, const struct xsc_perm *perms,
		  size_t nr)
{
	char text[XENSTORE_PAYLOAD_MAX];
	struct part parts[] = {{path, strlen(path) + 1}, {text, 0}};
	int rc = xsc_path_check(path);

	for (size_t i = 0; i < nr && !rc; i++) {
		if (parts[1].len + XSC_PERM_STRLEN > sizeof(text)) {
			return -ENAMETOOLONG;
		}
		xsc_perm_format(&perms[i], text + parts[1].len);
		parts[1].len += strlen(text + parts[1].len) + 1;
	}
	rc = rc ? rc : xsc_talk(c, XS_SET_PERMS, tx, parts, 2, NULL);
	return rc < 0 ? rc : 0;
}
