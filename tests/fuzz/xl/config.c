/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What all fuzzers of configurations do with what theirs has read (config.h). Besides not
 * crashing: what is accepted and completed survives being written as JSON and read back.
 * Tries X8.
 */
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/xml.h"
#include "tests/fuzz/xl/config.h"

static void swallow(void *arg, const char *line)
{
	/* The message must at least be a string. */
	if (strlen(line) > (1U << 22))
		abort();
}

const struct cfg_report report = {.error = swallow, .warning = swallow};
const struct cpu_host host = {.nr_cpus = 8};

void fuzz_add(struct fuzz_text *t, const char *piece)
{
	size_t n = strlen(piece);

	if (t->len + n + 1 > t->room) {
		t->room = 2 * (t->len + n + 1);
		t->s = realloc(t->s, t->room);
	}
	memcpy(t->s + t->len, piece, n + 1);
	t->len += n;
}

void fuzz_quoted(struct fuzz_text *t, const char *s)
{
	fuzz_add(t, "\"");
	fuzz_add(t, s);
	fuzz_add(t, "\"");
}

const char *fuzz_word(uint8_t which)
{
	static const char *const words[] = {"",
					    " ",
					    "0",
					    "1",
					    "3",
					    "-1",
					    "64",
					    "4294967296",
					    "18446744073709551616",
					    "0-1,^1",
					    "all,^7",
					    "a",
					    "xvda",
					    "hdc:cdrom",
					    "phy:/dev/x,xvda,w",
					    "/k",
					    "destroy",
					    "native",
					    "b3ecc708-7026-4b2c-85c2-2014f77d2ce8",
					    "00:16:3e:01:02:03",
					    "1MB/s@20ms",
					    "yes",
					    "True",
					    "KiB",
					    "xen",
					    "file",
					    "block",
					    "cdrom",
					    "bridge=b,rate=1Mb/s",
					    "linux",
					    "destroy ",
					    "192.168.0.1"};

	return words[which % (sizeof(words) / sizeof(words[0]))];
}

static void check_json(const struct domain_config *cfg)
{
	struct domain_config back;
	char *first, *second, *xml;
	const char *why;
	size_t len;

	if (json_write_config(cfg, &first, &len))
		return; /* yajl refuses what is not UTF-8 */
	domain_config_init(&back);
	if (!json_read_config(first, &back) && !json_write_config(&back, &second, &len)) {
		if (strcmp(first, second))
			abort();
		free(second);
	}
	if (!xml_write_config(cfg, &xml, &why))
		free(xml);
	free(first);
	domain_config_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_text made = {NULL};
	struct domain_config cfg;
	char *text, *reason = NULL;

	if (!size)
		return 0;
	/* Texts hardly begin with such a byte: the others say what is made. */
	if (data[0] & 0x80) {
		fuzz_add(&made, "");
		fuzz_make(data + 1, size - 1, &made);
		data = (const uint8_t *)made.s;
		size = made.len;
	}
	text = malloc(size + 1); /* without a byte to spare */
	memcpy(text, data, size);
	text[size] = '\0';
	free(made.s);
	domain_config_init(&cfg);
	if (!fuzz_read(text, size, &cfg) && !domain_config_finish(&cfg, &reason))
		check_json(&cfg);
	free(reason);
	domain_config_fini(&cfg);
	free(text);
	return 0;
}
