/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Data kept with a domain: one file per domain and kind, named by id and UUID
 * so that what a crash left behind never belongs to a newer domain. Files are
 * replaced by renaming. Owns DOM_STATE_DIR; no locks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"

#define DATA_MAX (4 * DOM_MIB)
#define PATH_LEN 256

static const char *state_dir(void)
{
	const char *dir = getenv("PAVISE_STATE_DIR"); /* for tests */

	return dir ? dir : DOM_STATE_DIR;
}

static int check_kind(struct dom_ctx *ctx, const char *kind)
{
	size_t len = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (!len || len > 32 || kind[len]) {
		return dom_err(ctx, -EINVAL, "'%s' is no kind of user data", kind);
	}
	return 0;
}

static int file_name(struct dom_ctx *ctx, uint32_t domid, const char *kind, char path[PATH_LEN])
{
	struct xen_domctl_getdomaininfo info;
	char uuid[DOM_UUID_STRLEN];
	int rc = check_kind(ctx, kind);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	dom_uuid_format(info.handle, uuid);
	snprintf(path, PATH_LEN, "%s/domain-%u-%s.%s", state_dir(), domid, uuid, kind);
	return 0;
}

static int write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	int rc = 0;

	if (fd < 0) {
		return -errno;
	}
	while (!rc && done < len) {
		ssize_t put = write(fd, (const char *)data + done, len - done);

		if (put < 0 && errno != EINTR) {
			rc = -errno;
		} else if (put > 0) {
			done += (size_t)put;
		}
	}
	if (!rc && fsync(fd)) {
		rc = -errno;
	}
	if (close(fd) && !rc) {
		rc = -errno;
	}
	return rc;
}

int dom_userdata_store(struct dom_ctx *ctx, uint32_t domid, const char *kind, const void *data,
		       size_t len)
{
	char path[PATH_LEN], new[PATH_LEN + 8];
	int rc = file_name(ctx, domid, kind, path);

	if (rc) {
		return rc;
	}
	if (mkdir(state_dir(), 0755) && errno != EEXIST) {
		return dom_err_sys(ctx, -errno, "cannot make %s", state_dir());
	}
	snprintf(new, sizeof(new), "%s.new", path);
	rc = write_file(new, data, len);
	if (!rc && rename(new, path)) {
		rc = -errno;
	}
	if (rc) {
		unlink(new);
		return dom_err_sys(ctx, rc, "cannot write %s", path);
	}
	return 0;
}

int dom_userdata_load(struct dom_ctx *ctx, uint32_t domid, const char *kind, char **ret_data,
		      size_t *ret_len)
{
	struct dom_blob blob;
	char path[PATH_LEN], *text;
	int rc = file_name(ctx, domid, kind, path);

	if (rc) {
		return rc;
	}
	rc = dom_blob_read(ctx, "user data", path, DATA_MAX, &blob);
	if (rc) {
		return rc;
	}
	text = malloc(blob.len + 1);
	if (!text) {
		dom_blob_free(&blob);
		return dom_err_sys(ctx, -ENOMEM, "reading %s", path);
	}
	memcpy(text, blob.data, blob.len);
	text[blob.len] = '\0'; /* handy as a string, too */
	*ret_data = text;
	if (ret_len) {
		*ret_len = blob.len;
	}
	dom_blob_free(&blob);
	return 0;
}

void dom_userdata_remove(struct dom_ctx *ctx, uint32_t domid, const char *uuid)
{
	char prefix[64];
	struct dirent *e;
	DIR *dir = opendir(state_dir());

	if (!dir) {
		return; /* nothing was ever stored */
	}
	snprintf(prefix, sizeof(prefix), "domain-%u-%s.", domid, uuid);
	while ((e = readdir(dir))) {
		if (!strncmp(e->d_name, prefix, strlen(prefix)) &&
		    unlinkat(dirfd(dir), e->d_name, 0)) {
			dom_log(ctx, DOM_LOG_WARN, "removing %s/%s: %s", state_dir(), e->d_name,
				strerror(errno));
		}
	}
	closedir(dir);
}
