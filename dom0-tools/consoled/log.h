/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * One log file: appended to, rotated by size, and never a reason to stop.
 *
 * When a file would grow beyond the policy's size it becomes FILE.1, FILE.1
 * becomes FILE.2 and so on, and the last one goes. A write that fails (a full
 * disk) is reported once; what could not be written is counted, and the count
 * is noted in the file as soon as writing works again.
 */
#ifndef CONSOLED_LOG_H
#define CONSOLED_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_policy {
	uint64_t max_size; /* bytes per file; 0: no limit */
	unsigned int keep; /* rotated files kept beside the current one */
	bool timestamp; /* "[date time] " before each line */
	bool replace_escape; /* ESC becomes '.', so that a log is safe to show */
};

struct log {
	const struct log_policy *policy;
	char *path;
	int fd; /* -1: not open (yet, or any more) */
	uint64_t size;
	uint64_t lost; /* bytes not written since the last success */
	int error; /* why, 0: all is well */
	bool line_start;
};

/*
 * Gets the log at @path ready. A file that can't be opened is reported and
 * tried again at each write. -ENOMEM is the only failure.
 */
int log_init(struct log *log, const char *path, const struct log_policy *policy);

/* Takes a zeroed struct too. */
void log_fini(struct log *log);

void log_write(struct log *log, const char *buf, size_t n);

/* Opens the path anew, for when somebody else has renamed the file. */
void log_reopen(struct log *log);

#endif
