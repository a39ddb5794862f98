/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Kernel payloads: gzip through zlib, XZ and LZMA through liblzma, LZ4's legacy
 * frames through liblz4, Zstandard through libzstd. The size of the content is
 * known beforehand, so each format unpacks straight into its destination.
 *
 * No state, no locks.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/decompress.h"

#define PHASE      "unpacking kernel"
#define OUT_STEP   DOM_MIB /* output between two looks at progress */
#define LZ4_BLOCK  (8 * DOM_MIB) /* the legacy format's fixed block size */
#define LZMA_MEM   (256 * DOM_MIB) /* more dictionary than any kernel uses */
#define MAGIC_SIZE 6

struct job {
	struct dom_ctx *ctx;
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t size;
};

static void job_progress(const struct job *job, size_t done)
{
	if (job->ctx) {
		dom_progress(job->ctx, PHASE, done, job->size);
	}
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int unpack_gzip(const struct job *job)
{
	z_stream z = {0};
	int zrc = Z_OK;
	size_t done = 0, fed = 0;

	/* 16: a gzip header, not zlib's. */
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		return -ENOMEM;
	}
	while (zrc == Z_OK && done < job->size) {
		/* zlib counts in unsigned int. */
		size_t in = min_size(job->in_len - fed, OUT_STEP);
		size_t out = min_size(job->size - done, OUT_STEP);

		z.next_in = (Bytef *)(uintptr_t)(job->in + fed);
		z.avail_in = (uInt)in;
		z.next_out = job->out + done;
		z.avail_out = (uInt)out;
		zrc = inflate(&z, Z_NO_FLUSH);
		fed += in - z.avail_in;
		done += out - z.avail_out;
		job_progress(job, done);
	}
	if (zrc == Z_OK) {
		/* All is out; the trailer's check sum is still to be read. */
		uint8_t more;

		z.next_in = (Bytef *)(uintptr_t)(job->in + fed);
		z.avail_in = (uInt)min_size(job->in_len - fed, OUT_STEP);
		z.next_out = &more;
		z.avail_out = 1;
		zrc = inflate(&z, Z_FINISH);
		done += 1 - z.avail_out;
	}
	inflateEnd(&z);
	if (done != job->size && (zrc == Z_STREAM_END || done > job->size)) {
		return -EMSGSIZE;
	}
	return zrc == Z_STREAM_END ? 0 : zrc == Z_MEM_ERROR ? -ENOMEM : -EILSEQ;
}

static int unpack_lzma(const struct job *job, bool xz)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret lrc;
	size_t done = 0;

	lrc = xz ? lzma_stream_decoder(&s, LZMA_MEM, 0) : lzma_alone_decoder(&s, LZMA_MEM);
	if (lrc != LZMA_OK) {
		return -ENOMEM;
	}
	s.next_in = job->in;
	s.avail_in = job->in_len;
	while (lrc == LZMA_OK && done < job->size) {
		size_t out = min_size(job->size - done, OUT_STEP);

		s.next_out = job->out + done;
		s.avail_out = out;
		/* FINISH is true from the start: all input is there. */
		lrc = lzma_code(&s, LZMA_FINISH);
		done += out - s.avail_out;
		job_progress(job, done);
	}
	if (lrc == LZMA_OK) {
		uint8_t more;

		s.next_out = &more;
		s.avail_out = 1;
		lrc = lzma_code(&s, LZMA_FINISH);
		done += 1 - s.avail_out;
	}
	lzma_end(&s);
	if (done != job->size && (lrc == LZMA_STREAM_END || done > job->size)) {
		return -EMSGSIZE;
	}
	if (lrc == LZMA_MEM_ERROR || lrc == LZMA_MEMLIMIT_ERROR) {
		return -ENOMEM;
	}
	return lrc == LZMA_STREAM_END ? 0 : -EILSEQ;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The legacy format: a magic, then blocks, each with its compressed size in front. */
static int unpack_lz4(const struct job *job)
{
	size_t pos = 4, done = 0;

	while (done < job->size) {
		size_t room = min_size(job->size - done, LZ4_BLOCK);
		uint32_t block;
		int got;

		if (job->in_len - pos < 4) {
			return -EILSEQ;
		}
		block = le32(job->in + pos);
		pos += 4;
		if (block > job->in_len - pos || block > INT32_MAX) {
			return -EILSEQ;
		}
		got = LZ4_decompress_safe((const char *)job->in + pos, (char *)job->out + done,
					  (int)block, (int)room);
		if (got <= 0) {
			return -EILSEQ;
		}
		pos += block;
		done += (size_t)got;
		job_progress(job, done);
	}
	return 0;
}

static int unpack_zstd(const struct job *job)
{
	/* Behind the frame comes the size of the content, which is no frame. */
	size_t frame = ZSTD_findFrameCompressedSize(job->in, job->in_len);
	size_t got;

	if (ZSTD_isError(frame)) {
		return -EILSEQ;
	}
	got = ZSTD_decompress(job->out, job->size, job->in, frame);
	if (ZSTD_isError(got)) {
		switch (ZSTD_getErrorCode(got)) {
		case ZSTD_error_memory_allocation:
			return -ENOMEM;
		case ZSTD_error_dstSize_tooSmall:
			return -EMSGSIZE;
		default:
			return -EILSEQ;
		}
	}
	job_progress(job, got);
	return got == job->size ? 0 : -EMSGSIZE;
}

static int unpack_xz(const struct job *job)
{
	return unpack_lzma(job, true);
}

static int unpack_lzma_alone(const struct job *job)
{
	return unpack_lzma(job, false);
}

static const struct format {
	const char *name;
	size_t magic_len;
	uint8_t magic[MAGIC_SIZE];
	int (*unpack)(const struct job *job);
} formats[] = {
	{"gzip", 2, {0x1f, 0x8b}, unpack_gzip},
	{"XZ", 6, {0xfd, '7', 'z', 'X', 'Z', 0}, unpack_xz},
	{"LZMA", 3, {0x5d, 0, 0}, unpack_lzma_alone},
	{"LZ4", 4, {0x02, 0x21, 0x4c, 0x18}, unpack_lz4},
	{"Zstandard", 4, {0x28, 0xb5, 0x2f, 0xfd}, unpack_zstd},
};

static const struct format *find_format(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < DOM_ARRAY_LEN(formats); i++) {
		const struct format *f = &formats[i];

		if (len >= f->magic_len && !memcmp(data, f->magic, f->magic_len)) {
			return f;
		}
	}
	return NULL;
}

const char *decompress_name(const uint8_t *data, size_t len)
{
	const struct format *f = find_format(data, len);

	return f ? f->name : NULL;
}

int decompress(struct dom_ctx *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t size)
{
	const struct format *f = find_format(data, len);
	struct job job = {ctx, data, len, out, size};

	if (!f) {
		return -EILSEQ;
	}
	job_progress(&job, 0);
	return f->unpack(&job);
}
