/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Log files: rotation by size, time stamps, survival of a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "report.h"

/* A rotation waits for a line's end, but not longer than this. */
#define LINE_SLACK 4096

static void log_failed(struct log *log, int error, size_t lost)
{
	log->lost += lost;
	if (log->error == error)
		return;
	log->error = error;
	report_error("%s: %s; the console goes on without its log", log->path, strerror(error));
}

static int log_open(struct log *log)
{
	struct stat st;

	log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
	if (log->fd < 0)
		return -errno;
	log->size = fstat(log->fd, &st) ? 0 : (uint64_t)st.st_size;
	return 0;
}

static void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* Writes all or fails; what was written before a failure counts. */
static int log_put(struct log *log, const char *buf, size_t n, size_t *ret_done)
{
	*ret_done = 0;
	while (*ret_done < n) {
		ssize_t w = write(log->fd, buf + *ret_done, n - *ret_done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		*ret_done += w;
		log->size += w;
	}
	return 0;
}

/* FILE.@n, or FILE itself for 0. */
static void rotated_name(const struct log *log, unsigned int n, char name[PATH_MAX])
{
	if (n)
		snprintf(name, PATH_MAX, "%s.%u", log->path, n);
	else
		snprintf(name, PATH_MAX, "%s", log->path);
}

static void log_rotate(struct log *log)
{
	char from[PATH_MAX], to[PATH_MAX];

	log_close(log);
	for (unsigned int i = log->policy->keep; i > 0; i--) {
		rotated_name(log, i - 1, from);
		rotated_name(log, i, to);
		if (rename(from, to) && errno != ENOENT)
			report_error("%s: cannot be rotated: %s", from, strerror(errno));
	}
	if (!log->policy->keep)
		unlink(log->path);
}

static bool log_full(const struct log *log, size_t n)
{
	uint64_t max = log->policy->max_size;

	if (!max || !log->size || log->size + n <= max)
		return false;
	return log->line_start || log->size + n > max + LINE_SLACK;
}

/* After a failure: notes in the file what is missing. */
static int log_note_loss(struct log *log)
{
	char note[160];
	size_t done;
	int rc, n;

	n = snprintf(note, sizeof(note), "%s[xenconsoled: %llu bytes are missing here: %s]\n",
		     log->line_start ? "" : "\n", (unsigned long long)log->lost,
		     strerror(log->error));
	rc = log_put(log, note, n, &done);
	if (rc)
		return rc;
	report_error("%s: logging goes on, %llu bytes are missing", log->path,
		     (unsigned long long)log->lost);
	log->line_start = true;
	log->lost = 0;
	log->error = 0;
	return 0;
}

static size_t stamp(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return strftime(buf, size, "[%Y-%m-%d %H:%M:%S] ", &tm);
}

/* The text as it goes to the file: stamped and with escapes replaced. */
static char *log_render(struct log *log, const char *buf, size_t n, size_t *ret_len)
{
	bool line_start = log->line_start;
	char head[40];
	size_t head_len = log->policy->timestamp ? stamp(head, sizeof(head)) : 0;
	size_t lines = 1, len = 0;
	char *out;

	for (size_t i = 0; i < n; i++)
		lines += buf[i] == '\n';
	out = malloc(n + lines * head_len + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (line_start && head_len) {
			memcpy(out + len, head, head_len);
			len += head_len;
		}
		out[len++] = buf[i] == '\033' && log->policy->replace_escape ? '.' : buf[i];
		line_start = buf[i] == '\n';
	}
	*ret_len = len;
	return out;
}

int log_init(struct log *log, const char *path, const struct log_policy *policy)
{
	int rc;

	*log = (struct log){.policy = policy, .fd = -1, .line_start = true};
	log->path = strdup(path);
	if (!log->path)
		return -ENOMEM;
	rc = log_open(log);
	if (rc)
		log_failed(log, -rc, 0);
	return 0;
}

void log_fini(struct log *log)
{
	if (!log->path)
		return;
	log_close(log);
	free(log->path);
	log->path = NULL;
}

void log_write(struct log *log, const char *buf, size_t n)
{
	size_t len, done = 0;
	char *text;
	int rc = 0;

	if (!log->path || !n)
		return;
	text = log_render(log, buf, n, &len);
	if (!text) {
		log_failed(log, ENOMEM, n);
		return;
	}
	if (log->fd >= 0 && log_full(log, len))
		log_rotate(log);
	if (log->fd < 0)
		rc = log_open(log);
	if (!rc && log->error)
		rc = log_note_loss(log);
	if (!rc)
		rc = log_put(log, text, len, &done);
	if (rc)
		log_failed(log, -rc, len - done);
	if (done)
		log->line_start = text[done - 1] == '\n';
	free(text);
}

void log_reopen(struct log *log)
{
	int rc;

	if (!log->path)
		return;
	log_close(log);
	rc = log_open(log);
	if (rc)
		log_failed(log, -rc, 0);
}
