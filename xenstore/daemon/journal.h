/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The journal: a file in memory-backed storage, mapped, to which the changes of
 * each request are appended before its reply goes out. A store to a shared
 * mapping outlives the process whatever kills it, so a commit is a copy and no
 * system call.
 *
 *   header	magic, the boot it belongs to
 *   frame	u32 length, u32 CRC-32C, items (record.h): all of one request
 *   ...
 *   zeroes
 *
 * The length is stored last: a frame is there wholly or not at all. When much
 * has come, or somewhat less and the daemon has time, a snapshot is written to
 * another file, in blocks (block.h), a bit each round, and what came since is
 * copied behind it.
 *
 * Beside it lie the rings' slots, one for each domain (slot.h).
 */
#ifndef PAVISE_XSD_JOURNAL_H
#define PAVISE_XSD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore/store/record.h>

struct journal;
struct xsd;

/* What a journal's bytes may be asked for; also by the fuzzer. */
#define JOURNAL_HEADER     64u
#define JOURNAL_FRAME_HEAD 8u

/*
 * The frame at *@pos of @size bytes: steps over it and returns its items. False
 * at the end, or where something is damaged.
 */
bool journal_frame(const char *data, size_t size, size_t *pos, struct rec_in *ret_items);

/* Puts a frame's head in front of @len bytes of items that are at @at + JOURNAL_FRAME_HEAD. */
void journal_seal(char *at, size_t len);

/*
 * Opens the journal at @path or makes one. @fresh: whatever is there is not
 * wanted. @follow: it is another daemon's, which is about to hand over to us.
 */
int journal_open(struct xsd *d, const char *path, bool fresh, bool follow);
void journal_close(struct xsd *d);
int journal_chown(struct xsd *d, unsigned int uid, unsigned int gid);

/*
 * Applies what has come since the last call. A frame that cannot be applied is
 * logged and skipped.
 */
void journal_catch_up(struct xsd *d);

/* From here on changes are recorded. */
void journal_start(struct xsd *d);

/* Makes the store's batch permanent. Cheap if there is nothing in it. */
void journal_commit_batch(struct xsd *d);

/* A bit of a snapshot if one is being written. True: there is more to do. */
bool journal_work(struct xsd *d);

/* No snapshots while somebody follows. */
void journal_pin(struct xsd *d, bool pinned);

struct journal_stats {
	uint64_t bytes, frames, snapshots;
};

void journal_stats(struct xsd *d, struct journal_stats *ret_st);

#endif
