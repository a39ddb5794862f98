/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store's wire protocol, as far as it is a matter of bytes: error names,
 * strings in a payload, paths, permission entries. No state, no I/O; used by
 * the daemon, the client library and the tests.
 */
#ifndef PAVISE_XS_WIRE_H
#define PAVISE_XS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/io/xs_wire.h>

/*
 * Requests that the protocol's document describes and Xen 4.17's header has no
 * numbers for: those that follow.
 */
enum wire_more {
	WIRE_GET_FEATURE = XS_DIRECTORY_PART + 1,
	WIRE_SET_FEATURE,
	WIRE_GET_QUOTA,
	WIRE_SET_QUOTA,
	WIRE_TYPE_COUNT
};

#define WIRE_PERM_READ  1u
#define WIRE_PERM_WRITE 2u

struct wire_perm {
	uint16_t domid;
	uint8_t access; /* WIRE_PERM_* */
};

/* "EINVAL" for 22 or -22; "EIO" for what the protocol has no name for. */
const char *wire_error_name(int err);

/* 22 for "EINVAL"; EIO for a name it doesn't know. @len excludes the NUL. */
int wire_error_number(const char *name, size_t len);

/* "READ" for XS_READ; "?" for no operation. */
const char *wire_op_name(uint32_t type);

/*
 * Splits a payload into its NUL-terminated strings. Returns how many there
 * are, though it stores no more than @max of them, or -EINVAL when the payload
 * doesn't end with a NUL.
 */
int wire_strings(const char *payload, size_t len, const char **strs, int max);

/*
 * Whether @path (no NUL inside, @len long) is a path: characters, single
 * slashes between the names, no slash at the end. It may be relative; it may
 * not begin with '@'.
 */
bool wire_path_valid(const char *path, size_t len);

/* The same for what may be watched though it isn't a node: "@...". */
bool wire_special_valid(const char *path, size_t len);

/*
 * One entry in text. Exactly one letter of nrwb and a decimal domain id, else
 * -EINVAL. The text form needs up to WIRE_PERM_STRLEN bytes with its NUL;
 * format returns its length without it.
 */
#define WIRE_PERM_STRLEN 8
int wire_perm_parse(const char *text, struct wire_perm *ret_perm);
size_t wire_perm_format(const struct wire_perm *perm, char buf[WIRE_PERM_STRLEN]);

/* A decimal domain id, 0 ... 65535, else -EINVAL. */
int wire_domid_parse(const char *text, uint16_t *ret_domid);

/* A decimal number; -EINVAL for anything else, -ERANGE above @max. */
int wire_number_parse(const char *text, uint64_t max, uint64_t *ret_nr);

#endif
