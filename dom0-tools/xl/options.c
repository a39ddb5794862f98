/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A command's options and its help, both from the table. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xl/handlers.h"

/* ---- help ------------------------------------------------------------------- */

static void print_option(FILE *to, const struct xl_option *option)
{
	char left[80];
	int used = 0;

	if (option->letter)
		used = snprintf(left, sizeof(left), "-%c%s%s%s", option->letter,
				option->arg ? " " : "", option->arg ? option->arg : "",
				option->name ? ", " : "");
	if (option->name)
		snprintf(left + used, sizeof(left) - (size_t)used, "--%s%s%s", option->name,
			 option->arg ? "=" : "", option->arg ? option->arg : "");
	if (strlen(left) > 23)
		fprintf(to, "%s\n%24s%s.\n", left, "", option->help);
	else
		fprintf(to, "%-23s %s.\n", left, option->help);
}

void xl_print_usage(FILE *to, const struct xl_command *command)
{
	const struct xl_option *option;
	size_t len = strlen(command->help);

	fprintf(to, "Usage: xl [-vtT%s%s] %s %s\n\n%s%s\n\nOptions:\n\n",
		command->modifies ? "f" : "", command->dryrun ? "N" : "", command->name,
		command->usage, command->help, command->help[len - 1] == '.' ? "" : ".");
	for (option = command->options; option->letter || option->name; option++) {
		if (option->help)
			print_option(to, option);
	}
	fprintf(to, "%-23s Print this help.\n", "-h, --help");
}

void xl_print_commands(FILE *to)
{
	size_t i;

	fprintf(to, "Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n");
	for (i = 0; i < xl_nr_commands; i++)
		fprintf(to, " %-19s %s\n", xl_commands[i].name, xl_commands[i].help);
}

int cmd_help(struct xl *xl, int argc, char **argv)
{
	const struct xl_command *command;
	const char *name;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl->optind == argc) {
		xl_print_commands(xl->out);
		return XL_OK;
	}
	if (xl_lookup(argv[xl->optind], &command, &name) != XL_FOUND) {
		/* Xen's says it on standard output, with success. */
		fprintf(xl->out, "command \"%s\" not implemented\n", argv[xl->optind]);
		return XL_OK;
	}
	xl_print_usage(xl->out, command);
	return XL_OK;
}

/* ---- options ------------------------------------------------------------------ */

#define HELP_CODE 'h'

static int exit_with(struct xl *xl, int code)
{
	xl->exit_code = code;
	return XL_OPT_EXIT;
}

/* getopt's two descriptions from ours; +2 for help and the end. */
static void describe(const struct xl_command *command, char *shorts,
		     struct option longs[XL_MAX_OPTIONS + 2])
{
	const struct xl_option *option = command->options;
	size_t nr = 0;
	int i;

	*shorts++ = ':'; /* tell a missing argument apart */
	for (i = 0; i < XL_MAX_OPTIONS && (option[i].letter || option[i].name); i++) {
		if (option[i].letter) {
			*shorts++ = (char)option[i].letter;
			if (option[i].arg)
				*shorts++ = ':';
		}
		if (option[i].name)
			longs[nr++] = (struct option){
				.name = option[i].name,
				.has_arg = option[i].arg ? required_argument : no_argument,
				.val = option[i].letter ? option[i].letter : XL_OPT_LONG + i,
			};
	}
	*shorts++ = HELP_CODE;
	*shorts = '\0';
	longs[nr++] = (struct option){.name = "help", .val = HELP_CODE};
	longs[nr] = (struct option){0};
}

static int check_number(struct xl *xl, int argc, char **argv)
{
	const struct xl_command *command = xl->command;
	int nr = argc - optind;

	xl->optind = optind;
	if (nr < command->min_args) {
		fprintf(xl->err, "'xl %s' requires at least %d argument%s.\n\n", command->name,
			command->min_args, command->min_args == 1 ? "" : "s");
		xl_print_usage(xl->err, command);
		return exit_with(xl, XL_USAGE);
	}
	/* Xen's xl takes them without a word, so scripts may have them. */
	for (int i = command->max_args; command->max_args >= 0 && i < nr; i++)
		xl_warning(xl, "'%s' has no use for the argument '%s'", command->name,
			   argv[optind + i]);
	return XL_OPT_END;
}

int xl_getopt(struct xl *xl, int argc, char **argv)
{
	char shorts[2 * XL_MAX_OPTIONS + 3];
	struct option longs[XL_MAX_OPTIONS + 2];
	int opt, at;

	describe(xl->command, shorts, longs);
	if (xl->optind == 0) {
		optind = 0; /* glibc: start over */
		opterr = 0;
		xl->optind = 1;
	}
	at = optind ? optind : 1;
	opt = getopt_long(argc, argv, shorts, longs, NULL);
	xl->optarg = optarg;
	switch (opt) {
	case -1:
		return check_number(xl, argc, argv);
	case HELP_CODE:
		xl_print_usage(xl->out, xl->command);
		return exit_with(xl, XL_OK);
	case ':':
		xl_error(xl, "option '%s' requires an argument", argv[optind - 1]);
		return exit_with(xl, XL_USAGE);
	case '?':
		if (optopt > 0 && optopt < XL_OPT_LONG)
			fprintf(xl->err, "option `%c' not supported.\n", optopt);
		else
			fprintf(xl->err, "option `%s' not supported.\n",
				argv[optind > at ? optind - 1 : at]);
		return exit_with(xl, XL_USAGE);
	default:
		return opt;
	}
}

bool xl_no_options(struct xl *xl, int argc, char **argv)
{
	int opt;

	do {
		opt = xl_getopt(xl, argc, argv);
	} while (opt >= 0);
	return opt == XL_OPT_END;
}
