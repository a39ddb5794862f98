/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What a daemon gives up once it serves. */
#ifndef LIBHV_CONFINE_H
#define LIBHV_CONFINE_H

#include <stddef.h>

/*
 * From now on, for this thread and what it starts: only the @nr system calls in
 * @allowed (SYS_*), and socket() for AF_UNIX; all others fail with EPERM. Sets
 * no_new_privs. Nothing is done in builds with a sanitizer, which needs calls of its
 * own. -errno.
 */
int confine_syscalls(const int *allowed, size_t nr);

/* Gives up all capabilities of this thread, for good. -errno. */
int confine_capabilities(void);

#endif
