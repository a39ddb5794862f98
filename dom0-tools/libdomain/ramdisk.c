/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ramdisk files, and whether they are whole. A damaged one shows up late and
 * obscurely in the guest ("unable to mount root fs"), so it is refused before
 * there is a guest: archives are walked, compressed streams are unpacked into
 * nothing, which checks their check sums.
 *
 * No state, no locks.
 *
 * Sources: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"

#define RAMDISK_MAX (2048 * DOM_MIB)
#define SCRATCH     (1 * DOM_MIB)
#define LZ4_BLOCK   (8 * DOM_MIB)
#define LZ4_MAGIC   0x184c2102u

/*
 * Each walker gets what is left of the file, returns how many bytes are its
 * format's, or -EILSEQ, or -ENOMEM.
 */

#define CPIO_HEADER 110u

/* Eight hexadecimal digits of a cpio header. */
static bool cpio_field(const uint8_t *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++) {
		int c = p[i];

		if (c >= '0' && c <= '9') {
			c -= '0';
		} else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
			c = (c | 32) - 'a' + 10;
		} else {
			return false;
		}
		v = v << 4 | (uint32_t)c;
	}
	*ret = v;
	return true;
}

static int64_t walk_cpio(const uint8_t *p, size_t len)
{
	static const char end[] = "TRAILER!!!";
	uint64_t pos = 0;

	for (;;) {
		uint32_t size, name;
		bool last;

		if (len - pos < CPIO_HEADER || memcmp(p + pos, "07070", 5) ||
		    !cpio_field(p + pos + 54, &size) || !cpio_field(p + pos + 94, &name)) {
			return -EILSEQ;
		}
		if (len - pos - CPIO_HEADER < name) {
			return -EILSEQ;
		}
		last = name == sizeof(end) && !memcmp(p + pos + CPIO_HEADER, end, sizeof(end));
		pos = (pos + CPIO_HEADER + name + 3) & ~3ULL;
		if (last) {
			return (int64_t)(pos < len ? pos : len);
		}
		pos = (pos + size + 3) & ~3ULL;
		if (pos > len) {
			return -EILSEQ;
		}
	}
}

static int64_t walk_gzip(const uint8_t *p, size_t len)
{
	uint8_t *scratch = malloc(SCRATCH);
	z_stream z = {0};
	size_t fed = 0;
	int zrc = Z_OK;

	if (!scratch || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		free(scratch);
		return -ENOMEM;
	}
	while (zrc == Z_OK) {
		size_t in = len - fed < SCRATCH ? len - fed : SCRATCH;

		z.next_in = (Bytef *)(uintptr_t)(p + fed);
		z.avail_in = (uInt)in;
		z.next_out = scratch;
		z.avail_out = SCRATCH;
		zrc = inflate(&z, Z_NO_FLUSH);
		fed += in - z.avail_in;
	}
	inflateEnd(&z);
	free(scratch);
	return zrc == Z_STREAM_END ? (int64_t)fed : zrc == Z_MEM_ERROR ? -ENOMEM : -EILSEQ;
}

static int64_t walk_lzma_stream(lzma_stream *s, const uint8_t *p, size_t len)
{
	uint8_t *scratch = malloc(SCRATCH);
	lzma_ret lrc = LZMA_OK;

	if (!scratch) {
		return -ENOMEM;
	}
	s->next_in = p;
	s->avail_in = len;
	while (lrc == LZMA_OK) {
		s->next_out = scratch;
		s->avail_out = SCRATCH;
		lrc = lzma_code(s, LZMA_FINISH);
	}
	free(scratch);
	if (lrc == LZMA_MEM_ERROR) {
		return -ENOMEM;
	}
	return lrc == LZMA_STREAM_END ? (int64_t)(len - s->avail_in) : -EILSEQ;
}

static int64_t walk_xz(const uint8_t *p, size_t len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	int64_t used = -ENOMEM;

	if (lzma_stream_decoder(&s, UINT64_MAX, 0) == LZMA_OK) {
		used = walk_lzma_stream(&s, p, len);
	}
	lzma_end(&s);
	return used;
}

static int64_t walk_lzma(const uint8_t *p, size_t len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	int64_t used = -ENOMEM;

	if (lzma_alone_decoder(&s, UINT64_MAX) == LZMA_OK) {
		used = walk_lzma_stream(&s, p, len);
	}
	lzma_end(&s);
	return used;
}

static int64_t walk_zstd(const uint8_t *p, size_t len)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	uint8_t *scratch = malloc(SCRATCH);
	ZSTD_inBuffer in = {p, len, 0};
	size_t left = 1;

	if (!z || !scratch) {
		ZSTD_freeDStream(z);
		free(scratch);
		return -ENOMEM;
	}
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 28);
	while (left && !ZSTD_isError(left)) {
		ZSTD_outBuffer out = {scratch, SCRATCH, 0};
		size_t before = in.pos;

		left = ZSTD_decompressStream(z, &out, &in);
		if (in.pos == before && !out.pos) {
			break; /* it wants more than there is */
		}
	}
	ZSTD_freeDStream(z);
	free(scratch);
	return left ? -EILSEQ : (int64_t)in.pos;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int64_t walk_lz4(const uint8_t *p, size_t len)
{
	char *scratch = malloc(LZ4_BLOCK);
	size_t pos = 4;
	int64_t rc = -EILSEQ;

	if (!scratch) {
		return -ENOMEM;
	}
	for (;;) {
		uint32_t block;

		/* The format has no end mark: the end of the file, or padding. */
		if (len - pos < 4 || !le32(p + pos)) {
			rc = (int64_t)pos;
			break;
		}
		block = le32(p + pos);
		if (block == LZ4_MAGIC) { /* another stream follows at once */
			pos += 4;
			continue;
		}
		if (block > len - pos - 4 || LZ4_decompress_safe((const char *)p + pos + 4, scratch,
								 (int)block, (int)LZ4_BLOCK) < 0) {
			break;
		}
		pos += 4 + (size_t)block;
	}
	free(scratch);
	return rc;
}

/* Known to Linux, but not looked into. */
static int64_t walk_nothing(const uint8_t *p, size_t len)
{
	return (int64_t)len;
}

static const struct kind {
	const char *name;
	size_t offset, len;
	const char *magic;
	int64_t (*walk)(const uint8_t *p, size_t len);
} kinds[] = {
	{"cpio archive", 0, 6, "070701", walk_cpio},
	{"cpio archive", 0, 6, "070702", walk_cpio},
	{"gzip stream", 0, 2, "\x1f\x8b", walk_gzip},
	{"XZ stream", 0, 6,
	 "\xfd"
	 "7zXZ\0",
	 walk_xz},
	{"LZMA stream", 0, 3, "\x5d\0\0", walk_lzma},
	{"LZ4 stream", 0, 4, "\x02\x21\x4c\x18", walk_lz4},
	{"Zstandard stream", 0, 4, "\x28\xb5\x2f\xfd", walk_zstd},
	{"bzip2 stream", 0, 3, "BZh", walk_nothing},
	{"LZO stream", 0, 9, "\x89LZO\0\r\n\x1a\n", walk_nothing},
	{"squashfs image", 0, 4, "hsqs", walk_nothing},
	{"romfs image", 0, 8, "-rom1fs-", walk_nothing},
	{"cramfs image", 0, 4, "\x45\x3d\xcd\x28", walk_nothing},
	{"tar archive", 257, 5, "ustar", walk_nothing},
	{"ext file system", 0x438, 2, "\x53\xef", walk_nothing},
	{"minix file system", 0x410, 2, "\x8f\x13", walk_nothing},
};

static const struct kind *find_kind(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < DOM_ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];

		if (len >= k->offset + k->len && !memcmp(p + k->offset, k->magic, k->len)) {
			return k;
		}
	}
	return NULL;
}

/* A ramdisk may be several archives, one behind the other, with zeros between. */
static int check(struct dom_ctx *ctx, const char *path, bool linux_guest,
		 const struct dom_blob *blob)
{
	size_t pos = 0;

	while (pos < blob->len) {
		const struct kind *k = find_kind(blob->data + pos, blob->len - pos);
		int64_t used;

		if (!k && pos) {
			if (blob->data[pos]) {
				dom_log(ctx, DOM_LOG_WARN,
					"ramdisk '%s': junk behind byte %zu, which the guest may "
					"complain about",
					path, pos);
				return 0;
			}
			pos++;
			continue;
		}
		if (!k) {
			return linux_guest
				       ? dom_err(ctx, -EINVAL,
						 "ramdisk '%s' is nothing that Linux can use: neither a "
						 "cpio archive, packed or not, nor a file system image",
						 path)
				       : 0;
		}
		used = k->walk(blob->data + pos, blob->len - pos);
		if (used == -ENOMEM) {
			return dom_err_sys(ctx, -ENOMEM, "checking ramdisk '%s'", path);
		}
		if (used < 0) {
			return dom_err(ctx, -EILSEQ,
				       "ramdisk '%s' is damaged or cut off: a %s that does not end "
				       "well (make it again)",
				       path, k->name);
		}
		pos += (size_t)used;
	}
	return 0;
}

int dom_ramdisk_load(struct dom_ctx *ctx, const char *path, bool linux_guest,
		     struct dom_blob *ret_blob)
{
	struct dom_blob blob;
	int rc;

	dom_progress(ctx, "reading ramdisk", 0, 0);
	rc = dom_blob_read(ctx, "ramdisk", path, RAMDISK_MAX, &blob);
	if (rc) {
		return rc;
	}
	rc = check(ctx, path, linux_guest, &blob);
	if (rc) {
		dom_blob_free(&blob);
		return rc;
	}
	*ret_blob = blob;
	return 0;
}
