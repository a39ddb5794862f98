/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Between config.c and the fuzzers of each format. */
#ifndef FUZZ_XL_CONFIG_H
#define FUZZ_XL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_apply.h"

extern const struct cfg_report report;
extern const struct cpu_host host;

/* A text that is made, a piece at a time, and has no end but its own. */
struct fuzz_text {
	char *s;
	size_t len, room;
};
void fuzz_add(struct fuzz_text *t, const char *piece);
void fuzz_quoted(struct fuzz_text *t, const char *s);

/*
 * Makes something well-formed of the bytes: the libraries that read these formats tell
 * the fuzzer nothing of how far it has got, and of random bytes accept next to none.
 */
void fuzz_make(const uint8_t *data, size_t size, struct fuzz_text *t);

/* Values that are of interest here or there, and strings that may stand in any format. */
const char *fuzz_word(uint8_t which);

/* Reads the format of this fuzzer into @cfg. @text ends with a zero. 0: accepted. */
int fuzz_read(const char *text, size_t len, struct domain_config *cfg);

#endif
