/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The command line: every kind of option with good and bad values, and what is
 * said of bad ones (by name, with the value that is used instead); the options of
 * the control domain's memory; random lines change nothing but by good values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cmdline.h>
#include <hv/lib.h>

/* The real thing: it is all options. */
#include "../../../hypervisor/x86/pv/dom0_options.c"

static bool opt_bool;
static uint8_t opt_u8;
static uint32_t opt_u32;
static uint64_t opt_u64, opt_size;
static uint32_t opt_size32;
static char opt_string[8];
static char custom[32];

CMDLINE_BOOL("flag", opt_bool);
CMDLINE_UINT("u8", opt_u8);
CMDLINE_UINT("u32", opt_u32);
CMDLINE_UINT("u64", opt_u64);
CMDLINE_SIZE("size", opt_size);
CMDLINE_SIZE("size32", opt_size32);
CMDLINE_STRING("string", opt_string);
CMDLINE_IGNORED("no-real-mode");

static int parse_custom(const char *s)
{
	if (!strcmp(s, "bad"))
		return -EINVAL;
	hv_strlcpy(custom, s, sizeof(custom));
	return 0;
}
CMDLINE_CUSTOM("custom", parse_custom, "dflt");

/* What a list was made of: "on", "name=1", "name=?value" one after the other. */
static char listed[128];

static int parse_list_item(const struct cmdline_item *item)
{
	size_t n = strlen(listed);

	if (cmdline_item_is(item, "wrong"))
		return -EINVAL;
	snprintf(listed + n, sizeof(listed) - n, "%s%.*s=%s%.*s", n ? " " : "",
		 item->name ? (int)item->length : 3, item->name ? item->name : "all",
		 item->on < 0 ? "?"
		 : item->on   ? "1"
			      : "0",
		 item->on < 0 ? (int)item->value_length : 0, item->value);
	return 0;
}

static int parse_list(const char *value)
{
	listed[0] = 0;
	return cmdline_list(value, parse_list_item);
}
CMDLINE_CUSTOM("list", parse_list, "all");

extern const struct cmdline_option __start_ht_cmdline[], __stop_ht_cmdline[];

static char said[4096];

void printk(enum loglvl lvl, const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, sizeof(said) - n, fmt, ap);
	va_end(ap);
}

static void parse(const char *line)
{
	said[0] = 0;
	cmdline_parse(line, __start_ht_cmdline, __stop_ht_cmdline);
	assert_string_equal(cmdline_saved(), line);
}

/* Without a word about it. */
static void good(const char *line)
{
	parse(line);
	assert_string_equal(said, "");
}

/* Something is said, once, and @what is in it. */
static void bad(const char *line, const char *what)
{
	parse(line);
	if (!strstr(said, what))
		fail_msg("'%s' gives '%s', without '%s'", line, said, what);
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void booleans(void **state)
{
	static const char *const yes[] = {"flag",      "flag=1",    "flag=y",      "flag=yes",
					  "flag=on",   "flag=true", "flag=",       "flag=enable",
					  "no-flag=0", "flag flag", "flag=no flag"};
	static const char *const no[] = {"no-flag",   "flag=0",       "flag=n",
					 "flag=no",   "flag=off",     "flag=false",
					 "no-flag=1", "flag=disable", "flag no-flag"};

	for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++) {
		opt_bool = false;
		good(yes[i]);
		assert_true(opt_bool);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(no); i++) {
		opt_bool = true;
		good(no[i]);
		assert_false(opt_bool);
	}
	for (unsigned int i = 0; i < 2; i++) {
		opt_bool = i;
		bad("flag=maybe", i ? "flag=yes is used" : "flag=no is used");
		assert_int_equal(opt_bool, i);
		bad("flag=10", "'flag=10'");
		bad("no-flag=maybe", "'no-flag=maybe'");
		assert_int_equal(opt_bool, i);
	}
}

static void numbers(void **state)
{
	opt_u32 = 7;
	good("u32=12 u8=255");
	assert_int_equal(opt_u32, 12);
	assert_int_equal(opt_u8, 255);
	good("u32=0x10 u8=010");
	assert_int_equal(opt_u32, 16);
	assert_int_equal(opt_u8, 8);
	good("u32=4294967295 u64=18446744073709551614");
	assert_int_equal(opt_u32, 0xffffffff);
	assert_true(opt_u64 == UINT64_MAX - 1);
	opt_u32 = 7;
	bad("u32=4294967296", "u32=7 is used");
	bad("u32=18446744073709551616", "u32=7 is used"); /* 2^64: not 0 */
	bad("u32=36893488147419103233", "u32=7 is used"); /* 2^65 + 1 */
	bad("u64=99999999999999999999999", "u64=18446744073709551614 is used");
	bad("u8=256", "u8=8 is used");
	bad("u32=abc", "u32=7 is used");
	bad("u32=-1", "u32=7 is used");
	bad("u32=1x", "u32=7 is used");
	bad("u32=08", "u32=7 is used");
	bad("u32=0x", "u32=7 is used");
	bad("u32=", "u32=7 is used");
	bad("u32", "u32=7 is used");
	bad("no-u32", "u32=7 is used");
	assert_int_equal(opt_u32, 7);
	good("u32=1 u32=2"); /* the later one wins */
	assert_int_equal(opt_u32, 2);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"size=1", 1024},       {"size=1B", 1},         {"size=3k", 3072},
		{"size=3K", 3072},      {"size=2m", 2 << 20},   {"size=512M", 512 << 20},
		{"size=3G", 3UL << 30}, {"size=1T", 1UL << 40}, {"size=0x10M", 16 << 20},
		{"size=0", 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		opt_size = 99;
		good(cases[i].text);
		assert_true(opt_size == cases[i].bytes);
	}
	opt_size = 4096;
	bad("size=12Q", "size=4096B is used");
	bad("size=M", "size=4096B is used");
	bad("size=1MM", "size=4096B is used");
	bad("size=", "size=4096B is used");
	bad("size=-1", "size=4096B is used");
	bad("size=16777216T", "size=4096B is used"); /* 2^64 */
	bad("size=18446744073709551616", "size=4096B is used");
	assert_true(opt_size == 4096);
	opt_size32 = 5;
	bad("size32=4G", "size32=5B is used");
	good("size32=4095M");
	assert_int_equal(opt_size32, 4095U << 20);
}

static void others(void **state)
{
	good("string=abcdefg");
	assert_string_equal(opt_string, "abcdefg");
	bad("string=abcdefgh", "string=abcdefg is used");
	assert_string_equal(opt_string, "abcdefg");
	good("custom=x=y");
	assert_string_equal(custom, "x=y");
	bad("custom=bad", "the default is custom=dflt");
	good("no-custom");
	assert_string_equal(custom, "no");
	good("no-real-mode");
	good("no-real-mode=1");
	good("no-no-real-mode");
	bad("no-string", "string=abcdefg is used");
	bad("no-size", "size=4096B is used");
}

static void lists(void **state)
{
	static const struct {
		const char *line, *items;
	} cases[] = {
		{"list", "all=1"},
		{"list=", "all=1"},
		{"no-list", "all=0"},
		{"list=off", "all=0"},
		{"list=a", "a=1"},
		{"list=no-a,b=no,c=yes,d", "a=0 b=0 c=1 d=1"},
		{"list=true,no-a", "all=1 a=0"},
		{"list=no,a", "all=0 a=1"},
		{"list=a=retpoline,b=", "a=?retpoline b=?"},
		{"list=no-", "no-=1"},
		{"list=no-a=1", "no-a=1"},
		{"list=a=b=c", "a=?b=c"},
		{"list=a,", "a=1"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		good(cases[i].line);
		assert_string_equal(listed, cases[i].items);
	}
	bad("list=a,wrong,b", "the default is list=all");
	assert_string_equal(listed, "a=1");
	bad("list=,a", "the default is list=all");
	bad("list=,", "the default is list=all");
	bad("list=no,,a", "the default is list=all");
}

static void unknown(void **state)
{
	char line[CMDLINE_MAX], *p;

	bad("frobnicate", "unknown option 'frobnicate'");
	bad("frobnicate=1", "unknown option 'frobnicate'");
	bad("no-frobnicate", "unknown option 'no-frobnicate'");
	bad("=1", "unknown option ''");
	bad("FLAG", "unknown option 'FLAG'");
	bad("flagg=1", "unknown option 'flagg'");
	bad("fla", "unknown option 'fla'");
	opt_bool = false;
	opt_u32 = 0;
	parse("\t flag  nonsense\tu32=3   ");
	assert_true(opt_bool);
	assert_int_equal(opt_u32, 3);
	/* A word that is too long for us, and one for the whole line. */
	p = line + sprintf(line, "u32=4 ");
	memset(p, 'x', 200);
	strcpy(p + 200, " u8=9");
	bad(line, "a word of 200 characters is ignored");
	assert_int_equal(opt_u8, 9);
	good("");
	good("   ");
}

static void dom0_options_test(void **state)
{
	static const char *const bads[] = {
		"dom0_mem=",         "dom0_mem=M",   "dom0_mem=1G,",       "dom0_mem=min:",
		"dom0_mem=max:x",    "dom0_mem=,1G", "dom0_mem=1G,,",      "dom0_mem=mid:1G",
		"dom0_mem=1Gmax:2G", "dom0_mem=-1G", "dom0_mem=99999999T", "dom0_mem=min:1G,2Q",
		"dom0_max_vcpus=a",
	};

	good("dom0_mem=512M dom0_max_vcpus=3");
	assert_true(dom0_options.mem == 512UL << 20);
	assert_int_equal(dom0_options.max_vcpus, 3);
	good("dom0_mem=1G,max:3G");
	assert_true(dom0_options.mem == 1UL << 30 && dom0_options.mem_max == 3UL << 30);
	good("dom0_mem=max:4G,min:256M,2G");
	assert_true(dom0_options.mem == 2UL << 30 && dom0_options.mem_max == 4UL << 30 &&
		    dom0_options.mem_min == 256UL << 20);
	for (unsigned int i = 0; i < ARRAY_SIZE(bads); i++) {
		struct dom0_options before = dom0_options;

		bad(bads[i], "malformed");
		assert_memory_equal(&before, &dom0_options, sizeof(before));
	}
}

/* Pieces of options, thrown together: whatever comes of it, no byte is out of place. */
static void random_lines(void **state)
{
	static const char *const piece[] = {
		"flag",     "u8",
		"u32",      "u64",
		"size",     "string",
		"custom",   "no-",
		"=",        "0x",
		"9999999",  "12",
		"M",        "T",
		",",        " ",
		"yes",      "bad",
		"dom0_mem", "min:",
		"max:",     "\t",
		"-",        "\xff",
		"%s%n",     "zzzzzzzzzzzzzzzz",
	};

	srandom(1);
	for (unsigned int i = 0; i < 20000; i++) {
		char *line = malloc(CMDLINE_MAX);
		size_t n = 0;

		for (long k = random() % 40; k; k--) {
			const char *p = piece[(size_t)random() % ARRAY_SIZE(piece)];

			n += (size_t)sprintf(line + n, "%s", p);
		}
		line[n] = 0;
		line = realloc(line, n + 1);
		parse(line);
		assert_non_null(memchr(opt_string, 0, sizeof(opt_string)));
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(booleans),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(others),
		cmocka_unit_test(lists),
		cmocka_unit_test(unknown),
		cmocka_unit_test(dom0_options_test),
		cmocka_unit_test(random_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
