/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The boot command line, in Xen's spelling: words, `name`, `no-name`,
 * `name=value`. A subsystem declares its options where it uses them:
 *	CMDLINE_BOOL("noreboot", opt_noreboot);
 *	CMDLINE_UINT("maxcpus", opt_maxcpus);
 *	CMDLINE_CUSTOM("sched", parse_sched, "credit");
 * An unknown option is logged by name and ignored; a malformed value is logged
 * with the one that is used instead. A later duplicate wins.
 */
#ifndef HV_CMDLINE_H
#define HV_CMDLINE_H

#include <hv/compiler.h>
#include <hv/types.h>

enum cmdline_kind {
	CMDLINE_KIND_BOOL,
	CMDLINE_KIND_UINT,
	CMDLINE_KIND_SIZE,
	CMDLINE_KIND_STRING,
	CMDLINE_KIND_CUSTOM,
	CMDLINE_KIND_IGNORED
};

struct cmdline_option {
	const char *name;
	enum cmdline_kind kind;
	uint32_t size; /* of *var: string buffer, or integer */
	void *var;
	/* Custom: 0, or -EINVAL and nothing has changed. */
	int (*parse)(const char *value);
	const char *dflt; /* custom: the default, for messages */
};

#ifdef __PAVISE_HYPERVISOR__
#define CMDLINE_SECTION __attribute__((section(".init.cmdline"), used, aligned(8)))
#else
/* Programs find theirs between __start_ht_cmdline and __stop_ht_cmdline. */
#define CMDLINE_SECTION __attribute__((section("ht_cmdline"), used, aligned(8)))
#endif
#define CMDLINE_ID2(a, b) a##b
#define CMDLINE_ID(n)     CMDLINE_ID2(cmdline_option_, n)
#define CMDLINE_OPTION(...) \
	static const struct cmdline_option CMDLINE_ID(__COUNTER__) CMDLINE_SECTION = {__VA_ARGS__}

#define CMDLINE_BOOL(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_BOOL, .var = &(v), .size = sizeof(v))
#define CMDLINE_UINT(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_UINT, .var = &(v), .size = sizeof(v))
#define CMDLINE_SIZE(n, v) /* bytes, with suffix B K M G T; default K */ \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_SIZE, .var = &(v), .size = sizeof(v))
#define CMDLINE_STRING(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_STRING, .var = (v), .size = sizeof(v))
#define CMDLINE_CUSTOM(n, fn, d) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_CUSTOM, .parse = (fn), .dflt = (d))
/* Accepted without effect: known to Xen's users, nothing to do here. */
#define CMDLINE_IGNORED(n) CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_IGNORED)

/* Parses and keeps a copy for XENVER_commandline. */
void cmdline_parse(const char *line, const struct cmdline_option *first,
		   const struct cmdline_option *last);
const char *cmdline_saved(void);

/*
 * A size with suffix; *ret_end as in strtoull. Without suffix: KiB. One that no
 * number holds is CMDLINE_SIZE_TOO_LARGE.
 */
#define CMDLINE_SIZE_TOO_LARGE UINT64_MAX
uint64_t cmdline_parse_size(const char *s, const char **ret_end);

/* yes, no and their like, of @n characters; nothing at all is a yes. -EINVAL: neither. */
int cmdline_bool(const char *s, size_t n);

/* One item of a list: BOOL, NAME, no-NAME, NAME=VALUE. */
struct cmdline_item {
	const char *name; /* NULL: it is a truth value alone */
	size_t length;
	int on; /* 1 or 0; NAME=VALUE with a VALUE that is neither: -EINVAL */
	const char *value;
	size_t value_length;
};

bool cmdline_item_is(const struct cmdline_item *item, const char *name);

/*
 * Calls @parse with each item of @value, up to the first that it returns nonzero for,
 * and returns that. An empty list is one item: yes. -EINVAL: an item is empty.
 */
int cmdline_list(const char *value, int (*parse)(const struct cmdline_item *item));

#endif
