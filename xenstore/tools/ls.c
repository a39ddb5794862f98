/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenstore-ls: the tree, indented, or with whole paths; with permissions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xenstore/tools/tools.h>

#define PERMS_COLUMN 60 /* dots lead to it */
#define NO_LIMIT     (1 << 30)

static int max_width;

/* Room for the value: a terminal's width, else 80; whole paths into a file are not cut. */
static void set_width(void)
{
	struct winsize ws;

	max_width = opt.full_path ? NO_LIMIT : 80;
	if (isatty(STDOUT_FILENO)) {
		max_width = 80;
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 2) {
			max_width = ws.ws_col - 2;
		}
	}
}

/* Prints " = "value"" after @col columns; returns the column it ends at, -1 if cut. */
static int print_value(struct xsc *c, const char *path, int col)
{
	char *value = NULL, *text;
	size_t len = 0, room;
	int rc = xsc_read(c, XSC_NO_TX, path, &value, &len);

	if (rc) {
		/* It may be gone since, or be nobody's business. */
		if (rc == -ENOENT || rc == -EACCES) {
			printf(":");
			return col + 1;
		}
		return tool_fail("%s: %s", path, strerror(-rc)), col;
	}
	text = text_escape(value, len);
	free(value);
	if (!text) {
		exit(tool_fail("%s", strerror(ENOMEM)));
	}
	len = strlen(text);
	room = max_width - col > 8 ? (size_t)(max_width - col - 8) : 0;
	if (len > room) {
		printf(" = \"%.*s\\...\"", (int)room, text);
		col = -1;
	} else {
		printf(" = \"%s\"", text);
		col += (int)len + 5;
	}
	free(text);
	return col;
}

static void print_perms(struct xsc *c, const char *path, int col)
{
	int column = max_width < PERMS_COLUMN ? max_width : PERMS_COLUMN;
	char text[XSC_PERM_STRLEN];
	struct xsc_perm *perms;
	size_t nr;

	if (xsc_get_perms(c, XSC_NO_TX, path, &perms, &nr)) {
		return;
	}
	if (col >= 0) {
		putchar(' ');
		for (col++; !opt.full_path && col < column; col++) {
			putchar(col & 1 ? '.' : ' ');
		}
	}
	fputs("  (", stdout);
	for (size_t i = 0; i < nr; i++) {
		xsc_perm_format(&perms[i], text);
		printf("%s%s", i ? "," : "", text);
	}
	putchar(')');
	free(perms);
}

static int list_below(struct xsc *c, const char *path, int depth)
{
	struct xsc_path *child;
	char **names;
	int rc, col;

	rc = xsc_directory(c, XSC_NO_TX, path, &names, NULL);
	if (rc) {
		/* Below the top: removed meanwhile, or not to be read. */
		return depth && (rc == -ENOENT || rc == -EACCES)
			       ? 0
			       : tool_fail("xs_directory (%s): %s", path, strerror(-rc));
	}
	child = malloc(sizeof(*child));
	for (char **name = names; child && *name && !rc; name++) {
		xsc_pathf(child, "%s/%s", path[1] ? path : "", *name);
		if (opt.full_path) {
			printf("%s", child->s);
			col = 0;
		} else {
			col = printf("%*s%s", depth, "", *name);
		}
		col = print_value(c, child->s, col);
		if (opt.perms) {
			print_perms(c, child->s, col);
		}
		putchar('\n');
		rc = list_below(c, child->s, depth + 1);
	}
	free(child);
	free(names);
	return rc;
}

/* ---- a live tree --------------------------------------------------------- */

#define REPAINT_MS 200

static int list_all(struct xsc *c, int nr, char **args)
{
	int rc = 0;

	if (!nr) {
		return list_below(c, "/", 0);
	}
	for (int i = 0; i < nr && !rc; i++) {
		rc = list_below(c, args[i], 0);
	}
	return rc;
}

/* Not on a terminal: a line for each change. */
static void print_change(struct xsc *c, const char *path)
{
	char *value, *text;
	size_t len;

	if (xsc_read(c, XSC_NO_TX, path, &value, &len)) {
		printf("%s removed\n", path);
		return;
	}
	text = text_escape(value, len);
	printf("%s = \"%s\"\n", path, text ? text : "");
	free(text);
	free(value);
}

static int watch_tree(struct xsc *c, int nr, char **args)
{
	bool screen = isatty(STDOUT_FILENO);
	char *root[] = {(char *)"/"};
	struct xsc_event ev;
	int rc = 0;

	if (!nr) {
		nr = 1;
		args = root;
	}
	for (int i = 0; i < nr; i++) {
		if (xsc_watch(c, args[i], args[i]) || xsc_event(c, -1, &ev)) {
			return tool_fail("Unable to add watch on %s", args[i]);
		}
		xsc_event_free(&ev); /* the one that says that the watch is there */
	}
	rc = list_all(c, nr, args);
	while (!rc && (opt.count < 0 || opt.count-- > 0)) {
		fflush(stdout);
		rc = xsc_event(c, -1, &ev);
		if (rc) {
			return tool_fail("waiting for an event: %s", strerror(-rc));
		}
		if (!screen) {
			print_change(c, ev.path);
		}
		xsc_event_free(&ev);
		if (!screen) {
			continue;
		}
		/* What comes at once is painted at once. */
		usleep(REPAINT_MS * 1000);
		while (xsc_event(c, 0, &ev) == 0) {
			xsc_event_free(&ev);
		}
		set_width();
		fputs("\033[H\033[J", stdout);
		list_all(c, nr, args);
	}
	return rc;
}

int tool_ls(struct xsc *c, int nr, char **args)
{
	set_width();
	return opt.watch ? watch_tree(c, nr, args) : list_all(c, nr, args);
}
