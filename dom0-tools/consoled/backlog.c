/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The backlog: a queue of bytes in a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backlog.h"
#include "report.h"

#define DATA_START    4096
#define BACKLOG_MAGIC 0x31474f4c4b434142ull /* "BACKLOG1" */

/* An empty queue gives its memory back after this many bytes. */
#define PUNCH_STEP 65536

struct head {
	uint64_t magic, size, prod, cons;
};

static int pwrite_all(int fd, const void *buf, size_t n, off_t at)
{
	const char *p = buf;

	while (n) {
		ssize_t w = pwrite(fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w ? -errno : -EIO;
		p += w;
		at += w;
		n -= w;
	}
	return 0;
}

static int put_head(struct backlog *b)
{
	struct head h = {BACKLOG_MAGIC, b->size, b->prod, b->cons};

	return pwrite_all(b->fd, &h, sizeof(h), 0);
}

/* Whether the file holds a queue of this size; if so its positions are taken. */
static bool take_head(struct backlog *b)
{
	struct head h;

	if (pread(b->fd, &h, sizeof(h), 0) != sizeof(h))
		return false;
	if (h.magic != BACKLOG_MAGIC || h.size != b->size || h.prod - h.cons > h.size)
		return false;
	b->prod = h.prod;
	b->cons = h.cons;
	return true;
}

int backlog_open(struct backlog *b, const char *path, size_t size)
{
	int rc;

	*b = (struct backlog){.fd = -1, .size = size};
	b->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd >= 0)
		b->path = strdup(path);
	if (b->path && take_head(b))
		return 0;
	if (b->path && !ftruncate(b->fd, 0) && !ftruncate(b->fd, DATA_START + size) && !put_head(b))
		return 0;
	report_error("%s: %s; unread output won't survive a restart of this daemon", path,
		     strerror(errno));
	backlog_close(b, true);
	b->size = size;
	b->fd = memfd_create("backlog", MFD_CLOEXEC);
	rc = b->fd < 0 || ftruncate(b->fd, DATA_START + size) ? -errno : put_head(b);
	if (rc && b->fd >= 0) {
		close(b->fd);
		b->fd = -1;
	}
	return rc;
}

void backlog_close(struct backlog *b, bool remove)
{
	if (b->path && remove)
		unlink(b->path);
	if (b->fd >= 0)
		close(b->fd);
	free(b->path);
	b->path = NULL;
	*b = (struct backlog){.fd = -1};
}

int backlog_append(struct backlog *b, const char *buf, size_t n)
{
	uint64_t at = b->prod % b->size;
	size_t first = b->size - at < n ? b->size - at : n;
	int rc;

	if (n > backlog_space(b))
		backlog_drop(b, n - backlog_space(b));
	rc = pwrite_all(b->fd, buf, first, DATA_START + at);
	if (!rc)
		rc = pwrite_all(b->fd, buf + first, n - first, DATA_START);
	if (rc)
		return rc;
	b->prod += n;
	return put_head(b);
}

ssize_t backlog_peek(struct backlog *b, char *buf, size_t max)
{
	size_t n = backlog_used(b) < max ? backlog_used(b) : max;
	uint64_t at = b->cons % b->size;
	size_t first = b->size - at < n ? b->size - at : n;

	if (pread(b->fd, buf, first, DATA_START + at) != (ssize_t)first)
		return -EIO;
	if (pread(b->fd, buf + first, n - first, DATA_START) != (ssize_t)(n - first))
		return -EIO;
	return n;
}

void backlog_drop(struct backlog *b, size_t n)
{
	b->cons += n;
	put_head(b);
	if (b->cons != b->prod || b->prod - b->punched < PUNCH_STEP)
		return;
	if (!fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, DATA_START, b->size))
		b->punched = b->prod;
}
