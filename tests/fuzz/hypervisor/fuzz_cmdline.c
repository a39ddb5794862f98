/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The boot command line, of any bytes: each word is either taken or spoken of, once,
 * and variables keep their bounds. The input may name our options by control
 * characters. Tries X8.
 */
#include <stdlib.h>

#include <hv/cmdline.h>
#include <hv/lib.h>

#include "../../../hypervisor/x86/pv/dom0_options.c"

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool opt_bool[3] = {true, false, true};
static uint8_t opt_u8[3] = {0x5a, 0, 0x5a};
static uint32_t opt_u32[3] = {0x5a5a5a5a, 0, 0x5a5a5a5a};
static uint64_t opt_size;
static char opt_string[16] = "";

CMDLINE_BOOL("bool", opt_bool[1]);
CMDLINE_UINT("u8", opt_u8[1]);
CMDLINE_UINT("u32", opt_u32[1]);
CMDLINE_SIZE("size", opt_size);
CMDLINE_STRING("string", opt_string);
CMDLINE_IGNORED("no-real-mode");

static const char *list_start;

static int parse_list_item(const struct cmdline_item *item)
{
	const char *end = list_start + strlen(list_start);

	CHECK(item->value >= list_start && item->value + item->value_length <= end);
	CHECK(!item->name || (item->name >= list_start && item->name + item->length <= end));
	CHECK(!memchr(item->value, ',', item->value_length));
	CHECK(item->on <= 1);
	return cmdline_item_is(item, "u8") ? -EINVAL : 0;
}

static int parse_list(const char *value)
{
	list_start = value;
	return cmdline_list(value, parse_list_item);
}
CMDLINE_CUSTOM("list", parse_list, "yes");

static unsigned int lines;

void printk(enum loglvl lvl, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = hv_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	CHECK(n > 0 && (size_t)n < sizeof(line) && line[n - 1] == '\n');
	lines++;
}

extern const struct cmdline_option __start_ht_cmdline[], __stop_ht_cmdline[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const word[] = {
		" bool=",     " u8=", " u32=", " size=",           " string=", " no-",
		" dom0_mem=", "min:", "max:",  " dom0_max_vcpus=", " list=",   ",no-"};
	char *line = malloc(size * 20 + 1);
	unsigned int words = 0;
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] && data[i] <= ARRAY_SIZE(word)) {
			strcpy(line + n, word[data[i] - 1]);
			n += strlen(word[data[i] - 1]);
		} else {
			line[n++] = (char)data[i];
		}
	}
	line[n] = 0;
	line = realloc(line, n + 1);
	lines = 0;
	cmdline_parse(line, __start_ht_cmdline, __stop_ht_cmdline);
	for (const char *p = line; *p; p++) {
		if (*p != ' ' && *p != '\t' && (p == line || p[-1] == ' ' || p[-1] == '\t'))
			words++;
	}
	CHECK(lines <= words);
	CHECK(opt_u8[0] == 0x5a && opt_u8[2] == 0x5a && opt_bool[0] && opt_bool[2]);
	CHECK(opt_u32[0] == 0x5a5a5a5a && opt_u32[2] == 0x5a5a5a5a);
	CHECK(memchr(opt_string, 0, sizeof(opt_string)));
	CHECK(strlen(cmdline_saved()) < CMDLINE_MAX &&
	      !strncmp(cmdline_saved(), line, n < CMDLINE_MAX ? n + 1 : CMDLINE_MAX - 1));
	free(line);
	return 0;
}
