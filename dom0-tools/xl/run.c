/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The program's frame: global options, looking a command up, running it. */
#include "dom0-tools/xl/xl.h"

#include <getopt.h>
#include <string.h>

#include "dom0-tools/xl/suggest.h"

static const char *name_at(const void *arg, size_t i)
{
	return i < xl_nr_commands ? xl_commands[i].name : NULL;
}

static void tell_ambiguous(struct xl *xl, const char *word)
{
	const char *name;
	size_t i;

	fprintf(xl->err, "xl: '%s' is ambiguous:", word);
	for (i = 0; (name = xl_name_at(i)); i++) {
		if (!strncmp(name, word, strlen(word)))
			fprintf(xl->err, " %s", name);
	}
	fputc('\n', xl->err);
}

static void tell_unknown(struct xl *xl, const char *word)
{
	const char *near = suggest_nearest(word, xl_nr_commands, name_at, NULL);

	if (near)
		xl_error(xl, "there is no command '%s'; did you mean '%s'?", word, near);
	else
		xl_error(xl, "there is no command '%s'; 'xl help' lists them", word);
}

int xl_run(struct xl *xl, int argc, char **argv)
{
	const struct xl_command *command = NULL;
	const char *name = NULL;

	switch (xl_lookup(argv[0], &command, &name)) {
	case XL_FOUND:
		break;
	case XL_FOUND_XEN_ONLY:
		xl_error(xl, "'%s' is a command of Xen's xl that this one does not have", name);
		return XL_FAIL;
	case XL_AMBIGUOUS:
		tell_ambiguous(xl, argv[0]);
		return XL_FAIL;
	case XL_UNKNOWN:
		tell_unknown(xl, argv[0]);
		return XL_FAIL;
	}
	if (xl->dryrun && !command->dryrun) {
		xl_error(xl, "'%s' does not implement the -N (dryrun) option", command->name);
		return XL_FAIL;
	}
	xl->command = command;
	xl->optind = 0;
	return command->run(xl, argc, argv);
}

static int global_options(struct xl *xl, int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	static char version[] = "version";
	int opt;

	opterr = 0;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+vfNtTh", longs, NULL)) != -1) {
		switch (opt) {
		case 'v':
			xl->verbose++;
			break;
		case 'f':
			xl->force = true;
			break;
		case 'N':
			xl->dryrun = true;
			break;
		case 't':
			xl->progress_cr = true;
			break;
		case 'T':
			xl->timestamps = true;
			break;
		case 'h':
			xl_print_commands(xl->out);
			xl->exit_code = XL_OK;
			return -1;
		case 'V':
			argv[optind - 1] = version;
			return optind - 1;
		default:
			if (optopt)
				xl_error(xl, "unknown global option '-%c'", optopt);
			else
				xl_error(xl, "unknown global option '%s'", argv[optind - 1]);
			xl->exit_code = XL_FAIL;
			return -1;
		}
	}
	return optind;
}

int xl_main(struct xl *xl, int argc, char **argv)
{
	int first = global_options(xl, argc, argv), ret;

	if (first < 0)
		return xl->exit_code;
	if (first == argc) {
		xl_print_commands(xl->err);
		return XL_FAIL;
	}
	ret = xl_run(xl, argc - first, argv + first);
	dom_close(xl->dom);
	xl->dom = NULL;
	/* What could not be written was not said. */
	if (fflush(xl->out) && ret == XL_OK) {
		fprintf(xl->err, "xl: cannot write the output: %m\n");
		ret = XL_FAIL;
	}
	return ret;
}
