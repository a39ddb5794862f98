/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The command-line tools: one program, whose name (or first word) says which
 * tool it is. Options and output are those of Xen's xenstore-utils.
 */
#ifndef PAVISE_XS_TOOLS_H
#define PAVISE_XS_TOOLS_H

#include <stddef.h>

#include <xenstore/client/xsclient.h>

struct tool {
	const char *name;
	const char *options; /* getopt letters; all know h and s as well */
	const char *usage;
	int min_args;
	int (*run)(struct xsc *c, int nr, char **args);
};

/* What the options said. */
struct tool_options {
	bool full_path, prefix, perms, raw, tidy, recurse, upwards, watch;
	long count; /* of events to wait for; -1: for ever */
};

extern struct tool_options opt;
extern const char *tool_name; /* for messages: "xenstore-ls" */

/* "xenstore-ls: ..." on standard error. Returns 1, the exit code of failure. */
int tool_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

int tool_ls(struct xsc *c, int nr, char **args); /* ls.c */
int tool_top(struct xsc *c, int nr, char **args); /* top.c */

/*
 * Bytes as text and back: \n \r \t \\ \ooo \xhh. The results are to be
 * freed; NULL: no memory.
 */
char *text_escape(const char *value, size_t len);
char *text_unescape(const char *text, size_t *ret_len);

#endif
