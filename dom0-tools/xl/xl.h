/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xl: the command line of the control domain.
 *
 * One table (commands.c) describes every command: name, handler, usage,
 * options, help and what its arguments are; the parser of options, the help,
 * the completion and the manual's test all read it. A handler gets its own
 * argument vector (argv[0] is the command), prints to xl->out and xl->err, and
 * returns the exit code.
 *
 * Exit codes: 0 done; 1 it failed, or there is no such command or domain;
 * 2 the command line is wrong. `create` has two of Xen's more: 3 (the domain
 * could not be made) and 6 (no configuration was given).
 *
 * Errors are one line on stderr that names the cause; what the user typed
 * stands in quotes.
 */
#ifndef PAVISE_XL_H
#define PAVISE_XL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dom0-tools/libdomain/libdomain.h"

enum xl_exit {
	XL_OK = 0,
	XL_FAIL = 1,
	XL_USAGE = 2,
	XL_CREATE_FAIL = 3,
	XL_CREATE_NO_CONFIG = 6,
};

struct xl_command;
struct cfg_report;
struct cpu_host;

/* One run of the program. */
struct xl {
	FILE *out, *err;
	int verbose; /* -v, counted */
	bool dryrun; /* -N */
	bool force; /* -f */
	bool progress_cr; /* -t */
	bool timestamps; /* -T */
	bool quiet; /* no progress: -q of some commands */
	const struct xl_command *command;
	struct dom_ctx *dom; /* opened by xl_open() */
	bool progress_shown; /* a progress line waits to be overwritten */
	uint64_t progress_ms; /* when it was said */
	int exit_code; /* when xl_getopt() says XL_OPT_EXIT */
	const char *optarg; /* of the option that xl_getopt() found */
	int optind; /* first argument that isn't an option, when it's done */
};

/* ---- commands ------------------------------------------------------------- */

/* What a command's arguments are, for completion. */
enum xl_complete {
	XL_ARG_NONE,
	XL_ARG_DOMAIN,
	XL_ARG_FILE,
	XL_ARG_COMMAND,
};

struct xl_option {
	int letter; /* 0: long only */
	const char *name; /* NULL: letter only */
	const char *arg; /* NULL: takes none */
	const char *help; /* NULL: accepted, not shown */
};

#define XL_MAX_OPTIONS 12

struct xl_command {
	const char *name;
	int (*run)(struct xl *xl, int argc, char **argv);
	const char *usage; /* its arguments */
	const char *help; /* one line, without a full stop */
	int min_args, max_args; /* besides options; max -1: any number */
	enum xl_complete complete;
	bool modifies; /* shows -f in the usage, as Xen's does */
	bool dryrun; /* knows -N */
	struct xl_option options[XL_MAX_OPTIONS]; /* ends with an empty one */
};

extern const struct xl_command xl_commands[];
extern const size_t xl_nr_commands;

/* Xen's commands that this xl doesn't have: they still count for abbreviations. */
extern const char *const xl_xen_only_names[];
extern const size_t xl_nr_xen_only_names;

enum xl_lookup {
	XL_FOUND, /* *ret_command */
	XL_FOUND_XEN_ONLY, /* *ret_name */
	XL_AMBIGUOUS,
	XL_UNKNOWN,
};

/*
 * What a word means as a command: the exact name, or the only one of ours and
 * Xen's names that starts with it.
 */
enum xl_lookup xl_lookup(const char *word, const struct xl_command **ret_command,
			 const char **ret_name);

/* Name number @i of ours and Xen's together, NULL behind the last. */
const char *xl_name_at(size_t i);

/* Looks @argv[0] up and runs it; says so if it's no command. */
int xl_run(struct xl *xl, int argc, char **argv);

/* The program: global options, the command, closing. */
int xl_main(struct xl *xl, int argc, char **argv);

/* ---- options of a command --------------------------------------------------- */

#define XL_OPT_END  (-1)
#define XL_OPT_EXIT (-2) /* return xl->exit_code */
#define XL_OPT_LONG 256 /* + index into .options: an option without a letter */

/*
 * The next option of xl->command in @argv: its letter, or XL_OPT_LONG + index.
 * Prints help for -h and errors for what the table doesn't know. At the end
 * xl->optind is the first other argument, and their number has been checked.
 */
int xl_getopt(struct xl *xl, int argc, char **argv);

/* The same for a command that has none. False: return xl->exit_code. */
bool xl_no_options(struct xl *xl, int argc, char **argv);

void xl_print_usage(FILE *to, const struct xl_command *command);
void xl_print_commands(FILE *to);

/* ---- messages ---------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) void xl_error(struct xl *xl, const char *format, ...);
__attribute__((format(printf, 2, 3))) void xl_warning(struct xl *xl, const char *format, ...);

/* Prints why libdomain failed. */
void xl_say_dom_error(struct xl *xl);

/* The same, to end a handler with. */
static inline int xl_dom_error(struct xl *xl)
{
	xl_say_dom_error(xl);
	return XL_FAIL;
}

/* Messages of the configuration's readers to xl->err. */
void xl_cfg_report(struct xl *xl, struct cfg_report *ret_report);

/* ---- what many commands need -------------------------------------------------- */

/* Opens xl->dom unless it is. XL_OK, or XL_FAIL with the reason printed. */
int xl_open(struct xl *xl);

/* Opens and finds a domain by name or number. XL_OK or XL_FAIL, printed. */
int xl_find(struct xl *xl, const char *name_or_id, uint32_t *ret_domid);

/* The domain's name, or "(null)": never NULL; the caller frees it. */
char *xl_domain_name(struct xl *xl, uint32_t domid);

/*
 * "100m" in KiB: units b, k, m, g, t, either case; without one it is
 * @default_unit (such a letter). -EINVAL: no such size.
 */
int xl_parse_size(const char *text, char default_unit, uint64_t *ret_kb);

int xl_parse_uint(const char *text, unsigned long max, unsigned long *ret_value);

/*
 * The host's CPUs for CPU lists. *ret_host->node_of is allocated: give it to
 * free() through the pointer. XL_OK or XL_FAIL, printed.
 */
int xl_cpu_host(struct xl *xl, struct cpu_host *ret_host);
/* The same for what needs no hypervisor: without one, this machine's CPUs. */
int xl_cpu_host_or_guess(struct xl *xl, struct cpu_host *ret_host);
void xl_cpu_host_fini(struct cpu_host *host);

/*
 * How long a console may be in coming: a guest that restarts has its number
 * before it has been built, and Xen's client waits as long.
 */
#define XL_CONSOLE_WAIT_MS 30000

/* Runs the console client in place of this process; returns only on failure. */
int xl_exec_console(struct xl *xl, uint32_t domid, const char *type, unsigned int num);

#endif
