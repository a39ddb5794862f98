/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What the scanner, the grammar and cfg_ast.c share. Nobody else includes it. */
#ifndef PAVISE_XL_CFG_PARSER_H
#define PAVISE_XL_CFG_PARSER_H

#include "dom0-tools/xl/cfg_ast.h"

/* A list deeper than this is a mistake or an attack on the stack. */
#define CFG_MAX_DEPTH 16

struct cfg_ltype {
	int first_line, first_column, last_line, last_column;
};

struct cfg_parse {
	const char *name;
	const struct cfg_report *report;
	struct cfg_file *file;
	bool failed; /* one error was reported */
	bool no_memory;
	int line, column; /* of the next character */
	int depth; /* brackets that are open */
	char *bad; /* description of a token the scanner refused, or NULL */
};

/* Takes over @key and @value in every case. */
void cfg_parse_add(struct cfg_parse *parse, char *key, struct cfg_loc loc, bool append,
		   struct cfg_value *value);

/* Takes over @item in every case. */
void cfg_parse_push(struct cfg_parse *parse, struct cfg_value *list, struct cfg_value *item);

__attribute__((format(printf, 3, 4))) void cfg_parse_error(struct cfg_parse *parse,
							   struct cfg_loc loc, const char *format,
							   ...);

#endif
