/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Records: what has changed in the store, in a form that can be written to a
 * journal and applied to another store later.
 *
 * An item is a length (u32, of the whole item), a type (u8) and its fields,
 * unaligned, in the machine's byte order: a journal never leaves the machine.
 * The items of one request belong together: whoever keeps them keeps all or
 * none.
 *
 * Letters of the types; small ones are about a client that outlives the daemon
 * (a domain's ring), named by its domain id:
 *
 *   W owner path value   written; what was missing gets @owner, or RECORD_INHERIT
 *   R path               removed
 *   P path perms         permissions; S which perms: those of a special watch
 *   F domid keep         a domain is no more
 *   Q name value         a quota; q domid name value: of one domain
 *   N depth perms name value   a node of a snapshot, below the last one of depth - 1
 *   a domid skip depth path token   a watch added; d: removed; x domid: all
 *   t domid id           a transaction opened; e: ended
 *
 * The daemon has types of its own: D, G, E, f, Z.
 */
#ifndef PAVISE_STORE_RECORD_H
#define PAVISE_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_INHERIT 0xffffu
#define RECORD_HEAD    5u

/* Bytes that grow. */
struct rec {
	char *data;
	size_t len, cap;
	size_t item; /* where the item that is being made begins */
};

void rec_begin(struct rec *r, char type);
void rec_u8(struct rec *r, unsigned int v);
void rec_u16(struct rec *r, unsigned int v);
void rec_u32(struct rec *r, uint32_t v);
void rec_u64(struct rec *r, uint64_t v);
void rec_bytes(struct rec *r, const void *p, size_t len); /* with its length in front */
void rec_str(struct rec *r, const char *s); /* with its NUL and its length */
void rec_end(struct rec *r);
char *rec_room(struct rec *r, size_t len); /* @len bytes more, to be filled in */
void rec_fini(struct rec *r);

/* Taking apart what may be damaged: after the first fault everything is 0. */
struct rec_in {
	const char *p;
	size_t left;
	bool bad;
};

unsigned int rec_get_u8(struct rec_in *in);
unsigned int rec_get_u16(struct rec_in *in);
uint32_t rec_get_u32(struct rec_in *in);
uint64_t rec_get_u64(struct rec_in *in);
const void *rec_get_bytes(struct rec_in *in, size_t *ret_len);
const char *rec_get_str(struct rec_in *in); /* "" if there is none */

/* The next item of @in: its type, with @ret_item its fields. 0: none; -1: damaged. */
int rec_next(struct rec_in *in, struct rec_in *ret_item);

#endif
