/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Runs the parser of xl.cfg and owns what it makes. No locks. */
#include "dom0-tools/xl/cfg_ast.h"
#include "dom0-tools/xl/cfg_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg_parse.tab.h"

/* Of the scanner, which flex makes without a header. */
int cfg_yylex_init_extra(struct cfg_parse *parse, void **ret_scanner);
int cfg_yylex_destroy(void *scanner);
struct yy_buffer_state *cfg_yy_scan_bytes(const char *text, int len, void *scanner);

const char *cfg_kind_name(enum cfg_kind kind)
{
	return kind == CFG_STRING ? "a string" : kind == CFG_NUMBER ? "a number" : "a list";
}

/* ---- messages --------------------------------------------------------------- */

static void report_line(void (*sink)(void *arg, const char *line), void *arg, const char *file,
			struct cfg_loc loc, const char *format, va_list args)
{
	char *text = NULL, *line = NULL;

	if (!sink)
		return;
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	if (!loc.line)
		loc.line = asprintf(&line, "%s: %s", file, text ? text : format);
	else
		loc.line = asprintf(&line, "%s:%d:%d: %s", file, loc.line, loc.column,
				    text ? text : format);
	sink(arg, loc.line < 0 ? format : line);
	if (loc.line >= 0)
		free(line);
	free(text);
}

void cfg_error(const struct cfg_report *report, const char *file, struct cfg_loc loc,
	       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_line(report->error, report->arg, file, loc, format, args);
	va_end(args);
}

void cfg_warning(const struct cfg_report *report, const char *file, struct cfg_loc loc,
		 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_line(report->warning, report->arg, file, loc, format, args);
	va_end(args);
}

void cfg_parse_error(struct cfg_parse *parse, struct cfg_loc loc, const char *format, ...)
{
	va_list args;

	/* The first error is the one that helps. */
	if (parse->failed)
		return;
	parse->failed = true;
	va_start(args, format);
	report_line(parse->report->error, parse->report->arg, parse->name, loc, format, args);
	va_end(args);
}

/* ---- values ----------------------------------------------------------------- */

void cfg_value_fini(struct cfg_value *value)
{
	for (size_t i = 0; i < value->nr_items; i++)
		cfg_value_fini(&value->items[i]);
	free(value->items);
	free(value->text);
	*value = (struct cfg_value){.kind = value->kind};
}

void cfg_free(struct cfg_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->nr_settings; i++) {
		free(file->settings[i].key);
		cfg_value_fini(&file->settings[i].value);
	}
	free(file->settings);
	free(file->name);
	free(file);
}

void cfg_parse_add(struct cfg_parse *parse, char *key, struct cfg_loc loc, bool append,
		   struct cfg_value *value)
{
	struct cfg_file *file = parse->file;
	struct cfg_setting *grown;

	grown = reallocarray(file->settings, file->nr_settings + 1, sizeof(*grown));
	if (!grown) {
		parse->no_memory = true;
		free(key);
		cfg_value_fini(value);
		return;
	}
	file->settings = grown;
	grown[file->nr_settings++] =
		(struct cfg_setting){.key = key, .loc = loc, .append = append, .value = *value};
}

void cfg_parse_push(struct cfg_parse *parse, struct cfg_value *list, struct cfg_value *item)
{
	struct cfg_value *grown;

	grown = reallocarray(list->items, list->nr_items + 1, sizeof(*grown));
	if (!grown) {
		parse->no_memory = true;
		cfg_value_fini(item);
		return;
	}
	list->items = grown;
	grown[list->nr_items++] = *item;
}

/* ---- the whole --------------------------------------------------------------- */

static int run_parser(struct cfg_parse *parse, const char *text, size_t len)
{
	struct yy_buffer_state *buffer;
	void *scanner;
	int ret;

	if (cfg_yylex_init_extra(parse, &scanner))
		return -ENOMEM;
	buffer = cfg_yy_scan_bytes(text, (int)len, scanner);
	ret = buffer ? cfg_yyparse(scanner, parse) : 2;
	cfg_yylex_destroy(scanner);
	if (parse->no_memory || ret == 2)
		return -ENOMEM;
	return ret || parse->failed ? -EINVAL : 0;
}

int cfg_parse(const char *name, const char *text, size_t len, const struct cfg_report *report,
	      struct cfg_file **ret_file)
{
	struct cfg_parse parse = {.name = name, .report = report, .line = 1, .column = 1};
	int ret = -ENOMEM;

	if (len > CFG_MAX_BYTES) {
		cfg_parse_error(&parse, (struct cfg_loc){0, 0}, "the file is longer than %u bytes",
				CFG_MAX_BYTES);
		return -EINVAL;
	}
	parse.file = calloc(1, sizeof(*parse.file));
	if (parse.file)
		parse.file->name = strdup(name);
	if (parse.file && parse.file->name)
		ret = run_parser(&parse, text, len);
	if (ret == -ENOMEM)
		cfg_parse_error(&parse, (struct cfg_loc){0, 0}, "out of memory");
	free(parse.bad);
	if (ret) {
		cfg_free(parse.file);
		return ret;
	}
	*ret_file = parse.file;
	return 0;
}
