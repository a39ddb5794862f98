/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenstore: the tools but ls, and the table of all.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/tools/tools.h>

struct tool_options opt = {.count = -1};
const char *tool_name;

int tool_fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", tool_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* ---- read, list, exists -------------------------------------------------- */

static int tool_read(struct xsc *c, int nr, char **args)
{
	char *value, *text;
	size_t len;

	for (int i = 0; i < nr; i++) {
		if (xsc_read(c, XSC_NO_TX, args[i], &value, &len)) {
			return tool_fail("couldn't read path %s", args[i]);
		}
		if (opt.prefix) {
			printf("%s: ", args[i]);
		}
		if (opt.raw) {
			fwrite(value, 1, len, stdout);
		} else {
			text = text_escape(value, len);
			puts(text ? text : "");
			free(text);
		}
		free(value);
	}
	return 0;
}

static int tool_list(struct xsc *c, int nr, char **args)
{
	char **names;

	for (int i = 0; i < nr; i++) {
		if (xsc_directory(c, XSC_NO_TX, args[i], &names, NULL)) {
			return tool_fail("could not list path %s", args[i]);
		}
		for (char **name = names; *name; name++) {
			if (opt.prefix) {
				printf("%s/", strcmp(args[i], "/") == 0 ? "" : args[i]);
			}
			puts(*name);
		}
		free(names);
	}
	return 0;
}

static int tool_exists(struct xsc *c, int nr, char **args)
{
	for (int i = 0; i < nr; i++) {
		if (xsc_exists(c, XSC_NO_TX, args[i]) != 1) {
			return 1;
		}
	}
	return 0;
}

/* ---- write, rm, chmod: in one transaction -------------------------------- */

struct args {
	int nr;
	char **v;
	struct xsc_perm *perms;
};

static int write_pair(struct xsc *c, uint32_t tx, const char *path, const char *text)
{
	size_t len = strlen(text);
	char *value;
	int rc;

	if (opt.raw) {
		return xsc_write(c, tx, path, text, len);
	}
	value = text_unescape(text, &len);
	rc = value ? xsc_write(c, tx, path, value, len) : -ENOMEM;
	free(value);
	return rc;
}

static int do_write(struct xsc *c, uint32_t tx, void *arg)
{
	struct args *a = arg;
	int rc;

	for (int i = 0; i < a->nr; i += 2) {
		rc = write_pair(c, tx, a->v[i], a->v[i + 1]);
		if (rc) {
			tool_fail("could not write path %s", a->v[i]);
			return rc;
		}
	}
	return 0;
}

static int do_rm(struct xsc *c, uint32_t tx, void *arg)
{
	struct args *a = arg;
	int rc;

	for (int i = 0; i < a->nr; i++) {
		rc = opt.tidy ? xsc_rm_tidy(c, tx, a->v[i]) : xsc_rm(c, tx, a->v[i]);
		if (rc) {
			tool_fail("could not remove path %s", a->v[i]);
			return rc;
		}
	}
	return 0;
}

static int chmod_one(struct xsc *c, uint32_t tx, const char *path, const struct args *a)
{
	int rc = xsc_set_perms(c, tx, path, a->perms, (size_t)a->nr);

	if (rc) {
		tool_fail("Error occurred setting permissions on '%s': %s", path, strerror(-rc));
	}
	return rc;
}

static int chmod_below(struct xsc *c, uint32_t tx, const char *path, const struct args *a)
{
	struct xsc_path *child;
	char **names;
	int rc = xsc_directory(c, tx, path, &names, NULL);

	if (rc) {
		tool_fail("could not list path %s", path);
		return rc;
	}
	child = malloc(sizeof(*child));
	rc = child ? 0 : -ENOMEM;
	for (char **name = names; *name && !rc; name++) {
		xsc_pathf(child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, *name);
		rc = chmod_one(c, tx, child->s, a);
		rc = rc ? rc : chmod_below(c, tx, child->s, a);
	}
	free(child);
	free(names);
	return rc;
}

static int do_chmod(struct xsc *c, uint32_t tx, void *arg)
{
	const struct args *a = arg;
	char *path = strdup(a->v[0]), *slash;
	int rc = path ? chmod_one(c, tx, path, a) : -ENOMEM;

	if (!rc && opt.recurse) {
		rc = chmod_below(c, tx, path, a);
	}
	while (!rc && opt.upwards && (slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		rc = chmod_one(c, tx, path, a);
	}
	free(path);
	return rc;
}

static int in_transaction(struct xsc *c, int (*fn)(struct xsc *, uint32_t, void *), struct args *a)
{
	int rc = xsc_tx_run(c, fn, a);

	/* What went wrong inside has been told there. */
	if (rc == -EAGAIN || rc == -EPIPE) {
		return tool_fail("transaction: %s", strerror(-rc));
	}
	return rc ? 1 : 0;
}

static int tool_write(struct xsc *c, int nr, char **args)
{
	return in_transaction(c, do_write, &(struct args){nr, args, NULL});
}

static int tool_rm(struct xsc *c, int nr, char **args)
{
	return in_transaction(c, do_rm, &(struct args){nr, args, NULL});
}

static int tool_chmod(struct xsc *c, int nr, char **args)
{
	struct args a = {nr - 1, args, calloc((size_t)nr, sizeof(struct xsc_perm))};
	int rc;

	for (int i = 0; a.perms && i < a.nr; i++) {
		if (xsc_perm_parse(args[i + 1], &a.perms[i])) {
			free(a.perms);
			return tool_fail("Invalid permission specification: '%s'", args[i + 1]);
		}
	}
	rc = a.perms ? in_transaction(c, do_chmod, &a) : tool_fail("%s", strerror(ENOMEM));
	free(a.perms);
	return rc;
}

/* ---- watch, control ------------------------------------------------------ */

static int tool_watch(struct xsc *c, int nr, char **args)
{
	struct xsc_event ev;
	int rc;

	for (int i = 0; i < nr; i++) {
		if (xsc_watch(c, args[i], args[i])) {
			return tool_fail("Unable to add watch on %s", args[i]);
		}
	}
	while (opt.count < 0 || opt.count-- > 0) {
		rc = xsc_event(c, -1, &ev);
		if (rc) {
			return tool_fail("waiting for an event: %s", strerror(-rc));
		}
		puts(ev.path);
		fflush(stdout);
		xsc_event_free(&ev);
	}
	return 0;
}

static int tool_control(struct xsc *c, int nr, char **args)
{
	char *text;
	int rc = xsc_control(c, args[0], (const char *const *)args + 1, &text);

	if (rc) {
		return tool_fail("%s: %s", args[0], strerror(-rc));
	}
	fputs(text, stdout);
	if (*text && text[strlen(text) - 1] != '\n') {
		putchar('\n');
	}
	free(text);
	return 0;
}

/* ---- the table ----------------------------------------------------------- */

static const struct tool tools[] = {
	{"chmod", "ru", "[-h] [-u] [-r] [-s] key <mode [modes...]>", 2, tool_chmod},
	{"control", "", "[-h] command [argument...]", 1, tool_control},
	{"exists", "p", "[-h] [-p] [-s] key [...]", 1, tool_exists},
	{"list", "p", "[-h] [-p] [-s] key [...]", 1, tool_list},
	{"ls", "fpwn:", "[-h] [-f] [-p] [-s] [--watch] [path]", 0, tool_ls},
	{"read", "pR", "[-h] [-p] [-s] [-R] key [...]", 1, tool_read},
	{"rm", "t", "[-h] [-s] [-t] key [...]", 1, tool_rm},
	{"top", "n:", "[-h] [-n NR] [seconds]", 0, tool_top},
	{"watch", "n:", "[-h] [-n NR] key", 1, tool_watch},
	{"write", "R", "[-h] [-s] [-R] key value [...]", 2, tool_write},
};

#define NR_TOOLS (sizeof(tools) / sizeof(tools[0]))

static const struct tool *find(const char *name)
{
	for (size_t i = 0; i < NR_TOOLS; i++) {
		if (strcmp(tools[i].name, name) == 0) {
			return &tools[i];
		}
	}
	return NULL;
}

static void set_option(const struct tool *t, int letter)
{
	switch (letter) {
	case 'f':
		opt.full_path = true;
		break;
	case 'p':
		opt.prefix = opt.perms = true;
		break;
	case 'R':
		opt.raw = true;
		break;
	case 't':
		opt.tidy = true;
		break;
	case 'r':
		opt.recurse = true;
		break;
	case 'u':
		opt.upwards = true;
		break;
	case 'w':
		opt.watch = true;
		break;
	case 'n':
		opt.count = atol(optarg);
		break;
	default:
		break; /* s: the socket only; it comes first anyway */
	}
}

static int run(const struct tool *t, int argc, char **argv)
{
	char letters[16];
	struct xsc *c;
	int letter, rc;

	/* No reordering: a value may begin with '-'. */
	snprintf(letters, sizeof(letters), "+hs%s", t->options);
	for (int i = 1; t->run == tool_ls && i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--watch") == 0) {
			strcpy(argv[i], "-w");
		}
	}
	while ((letter = getopt(argc, argv, letters)) != -1) {
		if (letter == 'h' || letter == '?') {
			fprintf(letter == 'h' ? stdout : stderr, "Usage: %s %s\n", tool_name,
				t->usage);
			return letter == '?';
		}
		set_option(t, letter);
	}
	if (argc - optind < t->min_args || (t->run == tool_write && (argc - optind) % 2 != 0)) {
		return tool_fail("Usage: %s %s", tool_name, t->usage);
	}
	rc = xsc_open(0, &c);
	if (rc) {
		return tool_fail("can't connect to xenstored: %s", strerror(-rc));
	}
	rc = t->run(c, argc - optind, argv + optind);
	xsc_close(c);
	if (fflush(stdout) || ferror(stdout)) {
		return tool_fail("standard output: %s", strerror(errno));
	}
	return rc;
}

static int usage(FILE *f)
{
	fputs("Usage: xenstore MODE [-h] [...]\n\nModes:\n", f);
	for (size_t i = 0; i < NR_TOOLS; i++) {
		fprintf(f, "  %-8s %s\n", tools[i].name, tools[i].usage);
	}
	return f == stderr;
}

int main(int argc, char **argv)
{
	static const char prefix[] = "xenstore-";
	const char *base = strrchr(argv[0], '/');
	const struct tool *t;

	tool_name = base ? base + 1 : argv[0];
	if (strncmp(tool_name, prefix, sizeof(prefix) - 1) == 0) {
		t = find(tool_name + sizeof(prefix) - 1);
		return t ? run(t, argc, argv) : tool_fail("not one of the tools");
	}
	if (argc < 2) {
		return usage(stderr);
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		return usage(stdout);
	}
	t = find(argv[1]);
	if (!t) {
		return tool_fail("unknown mode %s", argv[1]);
	}
	return run(t, argc - 1, argv + 1);
}
