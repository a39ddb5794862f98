/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The grammar of xl.cfg (see cfg_ast.h). The parser is pure: all its state is
 * in struct cfg_parse and the scanner's handle.
 */
%require "3.6"
%define api.pure full
%define api.prefix {cfg_yy}
%define api.location.type {struct cfg_ltype}
%define parse.error custom
%define parse.lac full
%locations
%param { void *scanner }
%parse-param { struct cfg_parse *parse }

%code requires {
#include "dom0-tools/xl/cfg_parser.h"
}

%code {
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cfg_yylex(union CFG_YYSTYPE *value, struct cfg_ltype *loc, void *scanner);

static void cfg_yyerror(struct cfg_ltype *loc, void *scanner, struct cfg_parse *parse,
			const char *message)
{
	struct cfg_loc at = { loc->first_line, loc->first_column };

	cfg_parse_error(parse, at, "%s", message);
}

static struct cfg_loc place(const struct cfg_ltype *loc)
{
	return (struct cfg_loc){ loc->first_line, loc->first_column };
}
}

%union {
	char *text;
	struct cfg_value value;
}

%token END 0 "end of file"
%token NEWLINE "end of line"
%token SEMICOLON "';'"
%token EQUALS "'='"
%token PLUS_EQUALS "'+='"
%token OPEN "'['"
%token CLOSE "']'"
%token COMMA "','"
%token BAD "something else"
%token <text> NAME "a name"
%token <text> STRING "a string"
%token <text> NUMBER "a number"

%type <value> value list items
%destructor { free($$); } <text>
%destructor { cfg_value_fini(&$$); } <value>

%%

file:
	lines
|	lines setting
;

lines:
	%empty
|	lines setting separator
|	lines separator
;

separator: NEWLINE | SEMICOLON;

setting:
	NAME EQUALS value	{ cfg_parse_add(parse, $1, place(&@1), false, &$3); }
|	NAME PLUS_EQUALS value	{ cfg_parse_add(parse, $1, place(&@1), true, &$3); }
;

value:
	STRING	{ $$ = (struct cfg_value){ .kind = CFG_STRING, .loc = place(&@1), .text = $1 }; }
|	NUMBER	{ $$ = (struct cfg_value){ .kind = CFG_NUMBER, .loc = place(&@1), .text = $1 }; }
|	list
;

list:
	OPEN CLOSE		{ $$ = (struct cfg_value){ .kind = CFG_LIST, .loc = place(&@1) }; }
|	OPEN items CLOSE	{ $$ = $2; $$.loc = place(&@1); }
|	OPEN items COMMA CLOSE	{ $$ = $2; $$.loc = place(&@1); }
;

items:
	value {
		$$ = (struct cfg_value){ .kind = CFG_LIST };
		cfg_parse_push(parse, &$$, &$1);
	}
|	items COMMA value {
		$$ = $1;
		cfg_parse_push(parse, &$$, &$3);
	}
;

%%

/* "a", "a or b", "a, b or c" from the tokens that could have come here. */
static void describe_expected(char *buf, size_t size, const yysymbol_kind_t *tokens, int nr)
{
	size_t used = 0;
	int i;

	buf[0] = '\0';
	for (i = 0; i < nr && used < size; i++) {
		const char *between = i == 0 ? "" : i == nr - 1 ? " or " : ", ";

		used += (size_t)snprintf(buf + used, size - used, "%s%s", between,
					 yysymbol_name(tokens[i]));
	}
}

static int yyreport_syntax_error(const yypcontext_t *ctx, void *scanner, struct cfg_parse *parse)
{
	yysymbol_kind_t tokens[YYNTOKENS];
	struct cfg_loc at = place(yypcontext_location(ctx));
	yysymbol_kind_t found = yypcontext_token(ctx);
	int nr = yypcontext_expected_tokens(ctx, tokens, YYNTOKENS);
	char expected[256];

	if (nr < 0)
		return nr;
	describe_expected(expected, sizeof(expected), tokens, nr);
	if (found == YYSYMBOL_BAD && parse->bad)
		cfg_parse_error(parse, at, "syntax error: %s, expected %s", parse->bad, expected);
	else
		cfg_parse_error(parse, at, "syntax error: found %s, expected %s",
				found == YYSYMBOL_YYEMPTY ? "input" : yysymbol_name(found),
				expected);
	return 0;
}
