/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Decompression of kernel payloads by the libraries that are made for it.
 */
#ifndef PAVISE_LIBDOMAIN_DECOMPRESS_H
#define PAVISE_LIBDOMAIN_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>

struct dom_ctx;

/* "gzip", "XZ", "LZMA", "LZ4", "Zstandard", or NULL if it is none of them. */
const char *decompress_name(const uint8_t *data, size_t len);

/*
 * Unpacks @len bytes of a format that decompress_name() knows into @out, which
 * has room for @size bytes: the content must have exactly that size. What
 * follows the compressed stream is ignored. -EILSEQ: damaged; -EMSGSIZE: the
 * content is larger or smaller; -ENOMEM. @ctx (may be NULL) gets progress.
 */
int decompress(struct dom_ctx *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t size);

#endif
