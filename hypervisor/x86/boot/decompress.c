/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * decompress_run: one call into the right library. See decompress.h for what
 * surrounds it; part of decompress.o; init-only; no locks.
 */
#define LZMA_API_STATIC
#define ZSTD_STATIC_LINKING_ONLY
#define Z_SOLO

#include "decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <public/errno.h>

#include "decompress_rt.h"

/* Named by decompress.lds: the libraries' constructors (CRC64 has one). */
extern void (*const decompress_ctors[])(void) __attribute__((visibility("hidden")));
extern void (*const decompress_ctors_end[])(void) __attribute__((visibility("hidden")));

#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZ4_LEGACY_BLOCK (8u << 20)

struct job {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	void *scratch;
	size_t scratch_len;
	const char *why;
};

static int fail(struct job *job, int err, const char *why)
{
	job->why = why;
	return err;
}

static int bad_size(struct job *job)
{
	return fail(job, -XEN_EINVAL, "data unpacks to another size than the image gives");
}

static int run_xz(struct job *job)
{
	uint64_t memlimit = job->scratch_len;
	size_t in_pos = 0, out_pos = 0;
	lzma_ret ret;

	rt_init(job->scratch, job->scratch_len);
	ret = lzma_stream_buffer_decode(&memlimit, 0, NULL, job->in, &in_pos, job->in_len, job->out,
					&out_pos, job->out_len);
	switch (ret) {
	case LZMA_OK:
		return out_pos == job->out_len ? 0 : bad_size(job);
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return fail(job, -XEN_ENOMEM, "xz: not enough memory for the dictionary");
	case LZMA_OPTIONS_ERROR:
	case LZMA_UNSUPPORTED_CHECK:
		return fail(job, -XEN_EOPNOTSUPP, "xz: a filter or check that is not supported");
	case LZMA_FORMAT_ERROR:
		return fail(job, -XEN_EINVAL, "xz: not in xz format");
	case LZMA_BUF_ERROR:
		return bad_size(job);
	default:
		return fail(job, -XEN_EINVAL, "xz: data is corrupt or truncated");
	}
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A magic, then blocks of up to 8 MiB, each behind its compressed size. */
static int run_lz4(struct job *job)
{
	const uint8_t *p = job->in, *end = p + job->in_len;
	size_t done = 0, room;
	uint32_t len;
	int n;

	if (job->in_len < 4 || get32(p) != LZ4_LEGACY_MAGIC) {
		return fail(job, -XEN_EINVAL, "lz4: not in the kernel's lz4 format");
	}
	while (end - p >= 4) {
		len = get32(p);
		p += 4;
		if (len == LZ4_LEGACY_MAGIC) { /* another frame may follow */
			continue;
		}
		if (len > (size_t)(end - p) || len > LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK)) {
			return fail(job, -XEN_EINVAL, "lz4: data is corrupt or truncated");
		}
		room = job->out_len - done;
		if (room > LZ4_LEGACY_BLOCK) {
			room = LZ4_LEGACY_BLOCK;
		}
		n = LZ4_decompress_safe((const char *)p, (char *)job->out + done, (int)len,
					(int)room);
		if (n < 0) {
			return fail(job, -XEN_EINVAL, "lz4: data is corrupt or too large");
		}
		done += (size_t)n;
		p += len;
	}
	if (p != end) {
		return fail(job, -XEN_EINVAL, "lz4: data is corrupt or truncated");
	}
	return done == job->out_len ? 0 : bad_size(job);
}

static int run_zstd(struct job *job)
{
	ZSTD_DCtx *dctx;
	size_t n;

	dctx = ZSTD_initStaticDCtx(job->scratch, job->scratch_len);
	if (!dctx) {
		return fail(job, -XEN_ENOMEM, "zstd: not enough memory");
	}
	n = ZSTD_decompressDCtx(dctx, job->out, job->out_len, job->in, job->in_len);
	if (!ZSTD_isError(n)) {
		return n == job->out_len ? 0 : bad_size(job);
	}
	switch (ZSTD_getErrorCode(n)) {
	case ZSTD_error_memory_allocation:
		return fail(job, -XEN_ENOMEM, "zstd: not enough memory");
	case ZSTD_error_dstSize_tooSmall:
		return bad_size(job);
	case ZSTD_error_checksum_wrong:
		return fail(job, -XEN_EINVAL, "zstd: checksum is wrong");
	case ZSTD_error_prefix_unknown:
		return fail(job, -XEN_EINVAL, "zstd: not in zstd format");
	case ZSTD_error_dictionary_wrong:
	case ZSTD_error_version_unsupported:
	case ZSTD_error_frameParameter_unsupported:
		return fail(job, -XEN_EOPNOTSUPP, "zstd: an option that is not supported");
	default:
		return fail(job, -XEN_EINVAL, "zstd: data is corrupt or truncated");
	}
}

static void *gzip_alloc(void *opaque, unsigned int n, unsigned int size)
{
	return calloc(n, size);
}

static void gzip_free(void *opaque, void *p)
{
	free(p);
}

static int run_gzip(struct job *job)
{
	z_stream z = {.zalloc = gzip_alloc, .zfree = gzip_free};
	int ret;

	if (job->in_len > UINT32_MAX || job->out_len > UINT32_MAX) {
		return fail(job, -XEN_EOPNOTSUPP, "gzip: more than 4 GiB");
	}
	rt_init(job->scratch, job->scratch_len);
	z.next_in = (uint8_t *)(uintptr_t)job->in;
	z.avail_in = (unsigned int)job->in_len;
	z.next_out = job->out;
	z.avail_out = (unsigned int)job->out_len;
	/* 16: with a gzip header; the window is the output itself */
	ret = inflateInit2(&z, 16 + MAX_WBITS);
	if (ret == Z_OK) {
		ret = inflate(&z, Z_FINISH);
	}
	switch (ret) {
	case Z_STREAM_END:
		return z.avail_out == 0 ? 0 : bad_size(job);
	case Z_MEM_ERROR:
		return fail(job, -XEN_ENOMEM, "gzip: not enough memory");
	case Z_BUF_ERROR:
		return z.avail_out == 0 ? bad_size(job)
					: fail(job, -XEN_EINVAL, "gzip: data is truncated");
	default:
		return fail(job, -XEN_EINVAL, "gzip: data is corrupt");
	}
}

static void run_constructors(void)
{
	void (*const *f)(void);

	for (f = decompress_ctors; f < decompress_ctors_end; f++) {
		(*f)();
	}
}

static int run(struct job *job, enum payload_kind kind)
{
	switch (kind) {
	case PAYLOAD_XZ:
		return run_xz(job);
	case PAYLOAD_LZ4:
		return run_lz4(job);
	case PAYLOAD_ZSTD:
		return run_zstd(job);
	case PAYLOAD_GZIP:
		return run_gzip(job);
	default:
		return fail(job, -XEN_EOPNOTSUPP, "compression of this kind is not supported");
	}
}

int decompress_run(enum payload_kind kind, const void *in, size_t in_len, void *out, size_t out_len,
		   void *scratch, size_t scratch_len, const char **reason)
{
	struct job job = {
		.in = in,
		.in_len = in_len,
		.out = out,
		.out_len = out_len,
		.scratch = scratch,
		.scratch_len = scratch_len,
	};
	int ret;

	run_constructors();
	ret = run(&job, kind);
	if (ret) {
		*reason = job.why;
	}
	return ret;
}
