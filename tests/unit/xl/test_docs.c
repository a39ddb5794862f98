/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The manual pages against the tables: each command, each of its options and
 * each key stands in the manual, and nothing else does. Run from the top of
 * the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/xl.h"

#define MAX_WORDS 32

/* The words of the next line of @page, or 0 at its end. */
static int next_line(FILE *page, char *line, size_t size, char *words[MAX_WORDS])
{
	char *save = NULL, *word;
	int nr = 0;

	if (!fgets(line, (int)size, page))
		return -1;
	for (word = strtok_r(line, " \n", &save); word && nr < MAX_WORDS;
	     word = strtok_r(NULL, " \n", &save))
		words[nr++] = word;
	return nr;
}

static FILE *open_page(const char *path)
{
	FILE *page = fopen(path, "r");

	if (!page)
		fail_msg("cannot open %s: run me from the top of the tree", path);
	return page;
}

static int find_command(const char *name)
{
	for (size_t i = 0; i < xl_nr_commands; i++) {
		if (!strcmp(xl_commands[i].name, name))
			return (int)i;
	}
	fail_msg("the manual describes a command '%s' that there is not", name);
	return -1;
}

/* ".It Fl l , Fl \-long": marks the option as described. */
static void mark_option(const struct xl_command *command, char *words[], int nr,
			bool seen[XL_MAX_OPTIONS])
{
	const char *letter = NULL, *name = NULL;

	for (int i = 1; i + 1 < nr; i++) {
		if (strcmp(words[i], "Fl"))
			continue;
		if (!strncmp(words[i + 1], "\\-", 2))
			name = words[i + 1] + 2;
		else
			letter = words[i + 1];
	}
	for (int i = 0; i < XL_MAX_OPTIONS; i++) {
		const struct xl_option *o = &command->options[i];

		if (!o->letter && !o->name)
			break;
		if ((letter ? *letter : 0) == o->letter && !name == !o->name &&
		    (!name || !strcmp(name, o->name))) {
			seen[i] = true;
			return;
		}
	}
	fail_msg("the manual gives %s an option -%s --%s that it has not", command->name,
		 letter ? letter : "", name ? name : "");
}

static void commands(void **state)
{
	static bool described[64], options[64][XL_MAX_OPTIONS];
	FILE *page = open_page("docs/man/xl.1");
	char line[512], *words[MAX_WORDS];
	int nr, current = -1;

	while ((nr = next_line(page, line, sizeof(line), words)) >= 0) {
		if (nr >= 1 && !strcmp(words[0], ".Sh"))
			current = -1;
		if (nr < 3 || strcmp(words[0], ".It"))
			continue;
		if (!strcmp(words[1], "Ic")) {
			current = find_command(words[2]);
			assert_false(described[current]);
			described[current] = true;
		} else if (!strcmp(words[1], "Fl") && current >= 0) {
			mark_option(&xl_commands[current], words, nr, options[current]);
		}
	}
	fclose(page);
	for (size_t i = 0; i < xl_nr_commands; i++) {
		if (!described[i])
			fail_msg("the manual doesn't describe '%s'", xl_commands[i].name);
		for (int k = 0; k < XL_MAX_OPTIONS; k++) {
			const struct xl_option *o = &xl_commands[i].options[k];

			if (!o->letter && !o->name)
				break;
			if (!options[i][k])
				fail_msg("the manual doesn't describe -%c --%s of %s",
					 o->letter ? o->letter : ' ', o->name ? o->name : "",
					 xl_commands[i].name);
		}
	}
}

/* A key is ".It Ic key ..." where it works and ".Ic key" behind ".It" where it doesn't. */
static void keys(void **state)
{
	static int described[256]; /* 1: works, 2: does nothing */
	FILE *page = open_page("docs/man/xl.cfg.5");
	char line[512], *words[MAX_WORDS], name[64];
	bool item = false, in_keys = false;
	int nr;

	assert_true(cfg_nr_keys < 256);
	while ((nr = next_line(page, line, sizeof(line), words)) >= 0) {
		bool works = nr >= 3 && !strcmp(words[0], ".It") && !strcmp(words[1], "Ic");
		bool idle = item && nr == 2 && !strcmp(words[0], ".Ic");
		size_t k;

		if (nr >= 2 && !strcmp(words[0], ".Sh"))
			in_keys = !strcmp(words[1], "KEYS");
		item = nr == 1 && !strcmp(words[0], ".It");
		if (!in_keys || (!works && !idle))
			continue;
		snprintf(name, sizeof(name), "%s", words[works ? 2 : 1]);
		for (k = 0; k < cfg_nr_keys && strcmp(cfg_keys[k].name, name); k++)
			;
		if (k == cfg_nr_keys)
			fail_msg("the manual describes a key '%s' that there is not", name);
		if (described[k])
			fail_msg("the manual describes '%s' twice", name);
		described[k] = works ? 1 : 2;
	}
	fclose(page);
	for (size_t k = 0; k < cfg_nr_keys; k++) {
		int wanted = cfg_keys[k].kind == CFG_KEY_IGNORED ? 2 : 1;

		if (described[k] != wanted)
			fail_msg("the manual doesn't describe '%s' as it is", cfg_keys[k].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
