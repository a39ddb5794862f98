/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The boot command line, in Xen's spelling: words, `name`, `no-name`,
 * `name=value`. A subsystem declares its options where it uses them:
 *	CMDLINE_BOOL("noreboot", opt_noreboot);
 *	CMDLINE_UINT("maxcpus", opt_maxcpus);
 *	CMDLINE_CUSTOM("dom0_mem", parse_dom0_mem);
 * An unknown option is logged by name and ignored; a malformed value is logged
 * with the default that stays in force. A later duplicate wins.
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
	int (*parse)(const char *value); /* custom: 0 or -EINVAL */
};

#ifdef __PAVISE_HYPERVISOR__
#define CMDLINE_SECTION __attribute__((section(".init.cmdline"), used, aligned(8)))
#else
#define CMDLINE_SECTION __attribute__((unused))
#endif
#define CMDLINE_ID2(a, b) a##b
#define CMDLINE_ID(line)  CMDLINE_ID2(cmdline_option_, line)
#define CMDLINE_OPTION(...) \
	static const struct cmdline_option CMDLINE_ID(__LINE__) CMDLINE_SECTION = {__VA_ARGS__}

#define CMDLINE_BOOL(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_BOOL, .var = &(v), .size = sizeof(v))
#define CMDLINE_UINT(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_UINT, .var = &(v), .size = sizeof(v))
#define CMDLINE_SIZE(n, v) /* bytes, with suffix B K M G T; default K */ \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_SIZE, .var = &(v), .size = sizeof(v))
#define CMDLINE_STRING(n, v) \
	CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_STRING, .var = (v), .size = sizeof(v))
#define CMDLINE_CUSTOM(n, fn) CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_CUSTOM, .parse = (fn))
/* Accepted without effect: known to Xen's users, nothing to do here. */
#define CMDLINE_IGNORED(n)    CMDLINE_OPTION(.name = n, .kind = CMDLINE_KIND_IGNORED)

/* Parses and keeps a copy for XENVER_commandline. */
void cmdline_parse(const char *line, const struct cmdline_option *first,
		   const struct cmdline_option *last);
const char *cmdline_saved(void);

/* A size with suffix; *ret_end as in strtoull. Without suffix: KiB. */
uint64_t cmdline_parse_size(const char *s, const char **ret_end);

#endif
