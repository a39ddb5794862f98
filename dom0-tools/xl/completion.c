/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Completion for bash, written out of the table of commands. */
#include "dom0-tools/xl/xl.h"

#include <string.h>

#include "dom0-tools/xl/handlers.h"

static void print_options(FILE *to, const struct xl_command *command)
{
	const struct xl_option *option;

	fputs("--help", to);
	for (option = command->options; option->letter || option->name; option++) {
		if (option->letter)
			fprintf(to, " -%c", option->letter);
		if (option->name)
			fprintf(to, " --%s", option->name);
	}
}

static void print_case(FILE *to, const struct xl_command *command)
{
	static const char *const words[] = {
		[XL_ARG_NONE] = "",
		[XL_ARG_DOMAIN] = "domains",
		[XL_ARG_FILE] = "files",
		[XL_ARG_COMMAND] = "commands",
	};

	fprintf(to, "\t%s)\n\t\toptions=\"", command->name);
	print_options(to, command);
	fprintf(to, "\"\n\t\tkind=\"%s\"\n\t\t;;\n", words[command->complete]);
}

static void print_bash(FILE *to)
{
	size_t i;

	fputs("# bash completion of xl, made by 'xl completion bash'\n_xl()\n{\n"
	      "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" commands options=\"\" kind=\"\" i cmd=\"\"\n"
	      "\tcommands=\"",
	      to);
	for (i = 0; i < xl_nr_commands; i++)
		fprintf(to, "%s%s", i ? " " : "", xl_commands[i].name);
	fputs("\"\n\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tif [[ ${COMP_WORDS[i]} != -* ]]; then\n"
	      "\t\t\tcmd=\"${COMP_WORDS[i]}\"\n\t\t\tbreak\n\t\tfi\n\tdone\n"
	      "\tif [[ -z $cmd ]]; then\n"
	      "\t\toptions=\"-v -f -N -t -T --help --version\"\n\t\tkind=\"commands\"\n\tfi\n"
	      "\tcase \"$cmd\" in\n",
	      to);
	for (i = 0; i < xl_nr_commands; i++)
		print_case(to, &xl_commands[i]);
	fputs("\tesac\n"
	      "\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	      "\t\treturn 0\n\tfi\n"
	      "\tcase \"$kind\" in\n"
	      "\tcommands)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n\t\t;;\n"
	      "\tdomains)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(xl list 2>/dev/null | "
	      "awk 'NR > 1 { print $1 }')\" -- \"$cur\")\n\t\t;;\n"
	      "\tfiles)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\t\t;;\n"
	      "\tesac\n\treturn 0\n}\ncomplete -o filenames -F _xl xl\n",
	      to);
}

int cmd_completion(struct xl *xl, int argc, char **argv)
{

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl->optind < argc && strcmp(argv[xl->optind], "bash")) {
		xl_error(xl, "there is no completion for '%s' (there is bash)", argv[xl->optind]);
		return XL_USAGE;
	}
	print_bash(xl->out);
	return XL_OK;
}
