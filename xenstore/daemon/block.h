/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Blocks: many items of a snapshot packed into one, because a journal is memory.
 *
 *   Z length bytes	items that are @length bytes long unpacked, as an LZ4 block
 *
 * Each block is unpacked by itself and is alone in its frame, whose checksum is
 * that of the packed bytes. There is none in a block.
 */
#ifndef PAVISE_XSD_BLOCK_H
#define PAVISE_XSD_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include <xenstore/store/record.h>

#define BLOCK_TYPE  'Z'
#define BLOCK_BYTES (48u << 10) /* a new one is begun when it has so many */
#define BLOCK_MAX   (128u << 10) /* nobody has to believe more */

/*
 * Packs items from @in into one item that is put behind what @out has, as many
 * as make a block, and steps over them. False, and nothing done, if there is
 * less than a block and it isn't to be the @last, or nothing at all.
 */
bool block_pack(struct rec *out, struct rec_in *in, bool last);

/* The items of a block's fields, in memory that is @buf's. False: damaged. */
bool block_unpack(struct rec_in *fields, struct rec *buf, struct rec_in *ret_items);

#endif
