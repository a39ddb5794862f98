/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the parser of xl.cfg makes of a text: settings in the order written,
 * with their places, and nothing of what the keys mean (that is cfg_apply.c's).
 *
 * A text is
 *
 *     setting (";" or newline) setting ...
 *     setting:  KEY = value  |  KEY += value
 *     value:    "string"  |  'string'  |  number  |  [ value, value, ... ]
 *
 * "#" starts a comment, a backslash at a line's end joins it with the next,
 * and between brackets newlines don't count.
 */
#ifndef PAVISE_XL_CFG_AST_H
#define PAVISE_XL_CFG_AST_H

#include <stdbool.h>
#include <stddef.h>

/* No configuration is longer; a device or a disk image given by mistake is. */
#define CFG_MAX_BYTES (1U << 20)

struct cfg_loc {
	int line, column; /* from 1 */
};

enum cfg_kind { CFG_STRING, CFG_NUMBER, CFG_LIST };

struct cfg_value {
	enum cfg_kind kind;
	struct cfg_loc loc;
	char *text; /* string: contents; number: as written */
	struct cfg_value *items; /* list */
	size_t nr_items;
};

struct cfg_setting {
	char *key;
	struct cfg_loc loc;
	bool append; /* += */
	struct cfg_value value;
};

struct cfg_file {
	char *name; /* for messages: a path, or "command line" */
	struct cfg_setting *settings;
	size_t nr_settings;
};

/* Where messages go: a whole one-line message, without a newline. */
struct cfg_report {
	void (*error)(void *arg, const char *line);
	void (*warning)(void *arg, const char *line);
	void *arg;
};

/*
 * Parses @len bytes at @text. On failure (-EINVAL: the text is wrong; -ENOMEM)
 * one error "NAME:LINE:COLUMN: ..." is reported that says what is there and
 * what was expected, and *ret_file is untouched.
 */
int cfg_parse(const char *name, const char *text, size_t len, const struct cfg_report *report,
	      struct cfg_file **ret_file);
void cfg_free(struct cfg_file *file);

void cfg_value_fini(struct cfg_value *value);

/* "a string", "a number", "a list", for messages. */
const char *cfg_kind_name(enum cfg_kind kind);

__attribute__((format(printf, 4, 5))) void cfg_error(const struct cfg_report *report,
						     const char *file, struct cfg_loc loc,
						     const char *format, ...);
__attribute__((format(printf, 4, 5))) void cfg_warning(const struct cfg_report *report,
						       const char *file, struct cfg_loc loc,
						       const char *format, ...);

#endif
