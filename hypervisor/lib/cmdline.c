/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The boot command line. See hv/cmdline.h. */
#include <hv/cmdline.h>
#include <hv/lib.h>

static char saved[CMDLINE_MAX];

const char *cmdline_saved(void)
{
	return saved;
}

uint64_t cmdline_parse_size(const char *s, const char **ret_end)
{
	uint64_t v = hv_strtoull(s, &s, 0);
	unsigned int shift = 10;

	switch (*s | 0x20) {
	case 'b':
		shift = 0;
		s++;
		break;
	case 'k':
		s++;
		break;
	case 'm':
		shift = 20;
		s++;
		break;
	case 'g':
		shift = 30;
		s++;
		break;
	case 't':
		shift = 40;
		s++;
		break;
	default:
		break;
	}
	if (ret_end)
		*ret_end = s;
	return v > UINT64_MAX >> shift ? CMDLINE_SIZE_TOO_LARGE : v << shift;
}

static uint64_t load(const struct cmdline_option *o)
{
	switch (o->size) {
	case 1:
		return *(const uint8_t *)o->var;
	case 4:
		return *(const uint32_t *)o->var;
	default:
		return *(const uint64_t *)o->var;
	}
}

static void store(const struct cmdline_option *o, uint64_t v)
{
	switch (o->size) {
	case 1:
		*(uint8_t *)o->var = (uint8_t)v;
		break;
	case 4:
		*(uint32_t *)o->var = (uint32_t)v;
		break;
	default:
		*(uint64_t *)o->var = v;
		break;
	}
}

static int apply(const struct cmdline_option *o, const char *value, bool negated)
{
	const char *end;
	uint64_t v;
	int b;

	if (negated && o->kind == CMDLINE_KIND_CUSTOM)
		return o->parse("no");
	if (negated && o->kind != CMDLINE_KIND_BOOL && o->kind != CMDLINE_KIND_IGNORED)
		return -EINVAL;
	switch (o->kind) {
	case CMDLINE_KIND_BOOL:
		b = cmdline_bool(value, strlen(value));
		if (b < 0)
			return b;
		store(o, (uint64_t)(negated ? !b : b));
		return 0;
	case CMDLINE_KIND_UINT:
		v = hv_strtoull(value, &end, 0);
		if (!*value || *end || v == UINT64_MAX || (o->size < 8 && v >> (o->size * 8)))
			return -EINVAL;
		store(o, v);
		return 0;
	case CMDLINE_KIND_SIZE:
		v = cmdline_parse_size(value, &end);
		if (*value < '0' || *value > '9' || *end || v == CMDLINE_SIZE_TOO_LARGE ||
		    (o->size < 8 && v >> (o->size * 8)))
			return -EINVAL;
		store(o, v);
		return 0;
	case CMDLINE_KIND_STRING:
		if (strlen(value) >= o->size)
			return -EINVAL;
		hv_strlcpy(o->var, value, o->size);
		return 0;
	case CMDLINE_KIND_CUSTOM:
		return o->parse(value);
	case CMDLINE_KIND_IGNORED:
		break;
	}
	return 0;
}

/* The value is no good: which one is there instead? */
static void report(const struct cmdline_option *o, const char *word)
{
	switch (o->kind) {
	case CMDLINE_KIND_BOOL:
		pr_warn("Command line: '%s' is malformed, %s=%s is used instead\n", word, o->name,
			load(o) ? "yes" : "no");
		break;
	case CMDLINE_KIND_STRING:
		pr_warn("Command line: '%s' is malformed, %s=%s is used instead\n", word, o->name,
			(const char *)o->var);
		break;
	case CMDLINE_KIND_CUSTOM:
		pr_warn("Command line: '%s' is malformed and left out; the default is %s=%s\n",
			word, o->name, o->dflt);
		break;
	default:
		pr_warn("Command line: '%s' is malformed, %s=%lu%s is used instead\n", word,
			o->name, load(o), o->kind == CMDLINE_KIND_SIZE ? "B" : "");
		break;
	}
}

static const struct cmdline_option *find(const char *name, const struct cmdline_option *first,
					 const struct cmdline_option *last)
{
	for (; first < last; first++) {
		if (!strcmp(first->name, name))
			return first;
	}
	return NULL;
}

static void parse_word(const char *word, const struct cmdline_option *first,
		       const struct cmdline_option *last)
{
	const char *eq = strchr(word, '='), *value = eq ? eq + 1 : "";
	const struct cmdline_option *o;
	char name[64];
	bool negated = false;

	hv_strlcpy(name, word, eq ? min((size_t)(eq - word + 1), sizeof(name)) : sizeof(name));
	o = find(name, first, last);
	if (!o && !strncmp(name, "no-", 3)) {
		o = find(name + 3, first, last);
		negated = o != NULL;
	}
	if (!o) {
		pr_warn("Command line: unknown option '%s' is ignored\n", name);
		return;
	}
	if (apply(o, value, negated))
		report(o, word);
}

void cmdline_parse(const char *line, const struct cmdline_option *first,
		   const struct cmdline_option *last)
{
	char word[160];

	hv_strlcpy(saved, line, sizeof(saved));
	while (*line) {
		size_t n = 0;

		while (*line == ' ' || *line == '\t')
			line++;
		while (line[n] && line[n] != ' ' && line[n] != '\t')
			n++;
		if (!n)
			break;
		if (n >= sizeof(word))
			pr_warn("Command line: a word of %zu characters is ignored\n", n);
		else {
			memcpy(word, line, n);
			word[n] = 0;
			parse_word(word, first, last);
		}
		line += n;
	}
}
