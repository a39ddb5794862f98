/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The backlog: output of one guest that no client has read yet.
 *
 * A bounded queue of bytes in a file (in /run, so in memory): when the daemon
 * dies, for whatever reason, its successor opens the file and goes on where it
 * stopped. The file is a page of header and then the bytes; positions run
 * freely and are taken modulo the size. A byte is in the file before the
 * header counts it.
 */
#ifndef CONSOLED_BACKLOG_H
#define CONSOLED_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct backlog {
	int fd;
	char *path; /* NULL: an unnamed file that won't survive us */
	uint64_t size, prod, cons;
	uint64_t punched; /* up to here the file's memory was given back */
};

/*
 * Opens or creates the backlog at @path with room for @size bytes; the
 * contents of a file of the same size are kept. If the file can't be used an
 * unnamed one takes its place (and that is reported). Negative errno: not even
 * that.
 */
int backlog_open(struct backlog *b, const char *path, size_t size);

/* Leaves the file for a successor, or removes it. Takes a closed one. */
void backlog_close(struct backlog *b, bool remove);

static inline size_t backlog_used(const struct backlog *b)
{
	return b->prod - b->cons;
}

static inline size_t backlog_space(const struct backlog *b)
{
	return b->size - backlog_used(b);
}

/*
 * Appends @n <= size bytes; if there is too little room the oldest ones go.
 * Returns 0 or what the file system said (-ENOSPC), with nothing appended.
 */
int backlog_append(struct backlog *b, const char *buf, size_t n);

/* Copies up to @max of the oldest bytes and leaves them; returns their number. */
ssize_t backlog_peek(struct backlog *b, char *buf, size_t max);

/* Forgets @n <= backlog_used() of the oldest bytes. */
void backlog_drop(struct backlog *b, size_t n);

#endif
