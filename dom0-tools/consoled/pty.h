/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A pseudo terminal whose slave side is handed to clients by name.
 *
 * We keep the slave open ourselves, so that clients can come and go without
 * hanging it up, and watch its opens and closes by inotify to know whether
 * anybody is there to read.
 */
#ifndef CONSOLED_PTY_H
#define CONSOLED_PTY_H

#include <stdbool.h>
#include <stddef.h>

struct pty {
	int master; /* non-blocking; -1: none */
	int slave;
	int watch; /* inotify watch; -1: openers aren't known */
	unsigned int clients; /* how many have it open */
	char name[32]; /* "/dev/pts/3" */
};

/* Opens a raw one; @inotify is the descriptor to watch it with. */
int pty_open(struct pty *pty, int inotify);

/* Hangs up whoever has it open. Takes a closed one. */
void pty_close(struct pty *pty, int inotify);

/* What inotify said about it. */
void pty_event(struct pty *pty, unsigned int mask);

/* Whether somebody may be reading. */
static inline bool pty_attached(const struct pty *pty)
{
	return pty->clients || pty->watch < 0;
}

/* Bytes that were written to it and not yet read by a client. */
size_t pty_unread(const struct pty *pty);

#endif
