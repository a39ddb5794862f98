/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The hypervisor's lists of hypercalls and sub-operations, and the tables of
 * docs/abi/hypercalls.md made from them.
 *	hypercalls check FILE  each table as it should be? Exit code 1 if not.
 *	hypercalls write FILE  prints FILE with the tables as they should be
 *	hypercalls list        a line per sub-operation, for handlers.awk
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/arch-x86/xen-mca.h>
#include <public/callback.h>
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/nmi.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/xen.h>

#include "hypervisor/hypercall/subops.h"

#define MAX_TABLE 16384
#define ALL       "All hypercalls"

enum status { IMPLEMENTED, PARTLY, REFUSED, NOT };

static const char *const status_text[] = {"implemented", "partly", "refused", "not implemented"};

struct subop {
	const char *prefix, *name;
	unsigned int number;
	enum status status;
	const char *remark;
};

#define SUBOP(prefix, name, status, remark) {#prefix, #name, prefix##name, status, remark},
#define SUBOPS(name)                        static const struct subop name##_subops[] = {SUBOPS_##name(SUBOP){0}};
HYPERCALLS_WITH_SUBOPS(SUBOPS)

static const struct {
	const char *name;
	const struct subop *subop;
} tables[] = {
#define TABLE(name) {#name, name##_subops},
	HYPERCALLS_WITH_SUBOPS(TABLE)};

#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct {
	unsigned int number, args;
	const char *name;
	int privileged;
} hypercalls[] = {
#define HYPERCALL(name, nr_args, priv) {__HYPERVISOR_##name, nr_args, #name, priv},
#include "hypervisor/hypercall/list.h"
};

#define NR_HYPERCALLS (sizeof(hypercalls) / sizeof(hypercalls[0]))

/* ---- tables as they should be --------------------------------------------------------- */

static void add(char *text, const char *line)
{
	if (strlen(text) + strlen(line) >= MAX_TABLE)
		abort();
	strcat(text, line);
}

static void make_hypercalls(char *text)
{
	char line[256];

	add(text, "| number | hypercall | arguments | who |\n|---:|---|---:|---|\n");
	for (size_t i = 0; i < NR_HYPERCALLS; i++) {
		snprintf(line, sizeof(line), "| %u | `%s` | %u | %s |\n", hypercalls[i].number,
			 hypercalls[i].name, hypercalls[i].args,
			 hypercalls[i].privileged ? "control domain" : "all");
		add(text, line);
	}
}

static void make_subops(char *text, const struct subop *s)
{
	char line[256];

	add(text, "| number | operation | status | remark |\n|---:|---|---|---|\n");
	for (; s->name; s++) {
		snprintf(line, sizeof(line), "| %u | `%s%s` | %s | %s%s|\n", s->number, s->prefix,
			 s->name, status_text[s->status], s->remark, *s->remark ? " " : "");
		add(text, line);
	}
}

/* The table under a heading. False: that heading has none. */
static bool make_table(char *text, const char *heading)
{
	*text = 0;
	if (!strcmp(heading, ALL)) {
		make_hypercalls(text);
		return true;
	}
	for (size_t i = 0; i < NR_TABLES; i++) {
		if (!strcmp(heading, tables[i].name)) {
			make_subops(text, tables[i].subop);
			return true;
		}
	}
	return false;
}

/* ---- the document ------------------------------------------------------------------------ */

static bool is_heading(const char *line)
{
	return !strncmp(line, "## ", 3);
}

/* Compares what was found under @heading; 1: it isn't as it should be. */
static int compare(const char *file, const char *heading, const char *found)
{
	char want[MAX_TABLE];
	const char *w = want, *f = found;
	int line = 1;

	if (!make_table(want, heading))
		return *found ? fprintf(stderr, "%s: '%s' should have no table\n", file, heading) >
					0
			      : 0;
	for (; *w && *w == *f; w++, f++)
		line += *w == '\n';
	if (*w == *f)
		return 0;
	while (w > want && w[-1] != '\n') {
		w--;
		f--;
	}
	fprintf(stderr, "%s: '%s', line %d of its table is\n  %.*s\nand should be\n  %.*s\n", file,
		heading, line, (int)strcspn(f, "\n"), f, (int)strcspn(w, "\n"), w);
	return 1;
}

static int check(FILE *doc, const char *file)
{
	char line[1024], heading[64] = "", found[MAX_TABLE] = "";
	size_t sections = 0;
	int bad = 0;

	while (fgets(line, sizeof(line), doc)) {
		if (line[0] == '|')
			add(found, line);
		if (!is_heading(line))
			continue;
		bad += compare(file, heading, found);
		snprintf(heading, sizeof(heading), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
		*found = 0;
		sections++;
	}
	bad += compare(file, heading, found);
	if (sections != NR_TABLES + 1) {
		fprintf(stderr, "%s has %zu sections, the lists make %zu\n", file, sections,
			NR_TABLES + 1);
		bad++;
	}
	return bad ? 1 : 0;
}

/* The table goes to the end of its section. */
static void finish_section(const char *heading, bool blank)
{
	char text[MAX_TABLE];

	if (make_table(text, heading))
		printf("%s%s", blank ? "" : "\n", text);
}

static int rewrite(FILE *doc)
{
	char line[1024], heading[64] = "";
	int blanks = 0;

	while (fgets(line, sizeof(line), doc)) {
		if (line[0] == '|')
			continue;
		if (line[0] == '\n') {
			blanks++;
			continue;
		}
		if (is_heading(line)) {
			if (*heading) {
				putchar('\n');
				finish_section(heading, true);
			}
			snprintf(heading, sizeof(heading), "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
			blanks = 1;
		}
		if (blanks)
			putchar('\n');
		blanks = 0;
		fputs(line, stdout);
	}
	finish_section(heading, false);
	return 0;
}

static int list(void)
{
	for (size_t i = 0; i < NR_TABLES; i++) {
		for (const struct subop *s = tables[i].subop; s->name; s++)
			printf("@subop %s %s%s %s\n", tables[i].name, s->prefix, s->name,
			       status_text[s->status]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	FILE *doc;
	int rc;

	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc != 3 || (strcmp(argv[1], "check") && strcmp(argv[1], "write"))) {
		fprintf(stderr, "Usage: %s check|write FILE, or list\n", argv[0]);
		return 2;
	}
	doc = fopen(argv[2], "r");
	if (!doc) {
		perror(argv[2]);
		return 2;
	}
	rc = argv[1][0] == 'c' ? check(doc, argv[2]) : rewrite(doc);
	fclose(doc);
	return rc;
}
