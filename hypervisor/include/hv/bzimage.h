/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Linux' bzImage: find the compressed kernel in it (boot protocol 2.08 and
 * later: Linux' Documentation/arch/x86/boot.rst).
 *
 * Pure and bounds-checked like hv/elf.h, and used by hypervisor and tools.
 * Failures are reasons: NULL for success, else a constant string.
 */
#ifndef HV_BZIMAGE_H
#define HV_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_kind {
	PAYLOAD_UNKNOWN,
	PAYLOAD_ELF, /* not compressed at all */
	PAYLOAD_GZIP,
	PAYLOAD_BZIP2,
	PAYLOAD_LZMA,
	PAYLOAD_XZ,
	PAYLOAD_LZO,
	PAYLOAD_LZ4, /* the kernel's frame format, magic 0x184c2102 */
	PAYLOAD_ZSTD,
};

struct bzimage {
	uint16_t protocol; /* boot protocol: 0x20f is 2.15 */
	const void *data; /* the compressed stream, in the image */
	size_t len; /* of the stream, the appended size not counted */
	uint32_t unpacked; /* its size once decompressed, as the image claims */
	enum payload_kind kind;
};

/* What the first bytes say; needs at most 16 of them. */
enum payload_kind payload_identify(const void *data, size_t len);

/* "xz", "gzip", ... for messages. */
const char *payload_name(enum payload_kind kind);

/* True if the image has the boot sector's signature and the "HdrS" header. */
bool bzimage_is_bzimage(const void *image, size_t size);

/*
 * Finds the payload. A kind that payload_identify doesn't know is a failure;
 * one that no decompressor here can do (bzip2, lzma, lzo) isn't.
 */
const char *bzimage_parse(struct bzimage *bz, const void *image, size_t size);

#endif
