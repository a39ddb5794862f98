/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X8) bzImage: the setup header and the payload behind it. See hv/bzimage.h.
 * Pure; owns nothing; no locks.
 */
#include <hv/bzimage.h>

#include <hv/elf.h>

/* Offsets in the image, and the header's constants. */
#define SETUP_SECTS    0x1f1
#define BOOT_FLAG      0x1fe
#define HEADER_MAGIC   0x202
#define PROTOCOL       0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END     0x250

#define SECTOR          512
#define OLD_SETUP_SECTS 4 /* what 0 in SETUP_SECTS means */
#define PROTOCOL_MIN    0x208

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

struct magic {
	enum payload_kind kind;
	uint8_t len;
	uint8_t bytes[6];
};

static const struct magic magics[] = {
	{PAYLOAD_GZIP, 3, {0x1f, 0x8b, 8}},          {PAYLOAD_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
	{PAYLOAD_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}}, {PAYLOAD_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}},
	{PAYLOAD_BZIP2, 3, {'B', 'Z', 'h'}},         {PAYLOAD_LZMA, 3, {0x5d, 0, 0}},
	{PAYLOAD_LZO, 5, {0x89, 'L', 'Z', 'O', 0}},
};

static bool magic_matches(const struct magic *m, const uint8_t *data, size_t len)
{
	size_t i;

	if (len < m->len) {
		return false;
	}
	for (i = 0; i < m->len; i++) {
		if (data[i] != m->bytes[i]) {
			return false;
		}
	}
	return true;
}

enum payload_kind payload_identify(const void *data, size_t len)
{
	size_t i;

	if (elf_is_elf(data, len)) {
		return PAYLOAD_ELF;
	}
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magic_matches(&magics[i], data, len)) {
			return magics[i].kind;
		}
	}
	return PAYLOAD_UNKNOWN;
}

const char *payload_name(enum payload_kind kind)
{
	switch (kind) {
	case PAYLOAD_ELF:
		return "ELF";
	case PAYLOAD_GZIP:
		return "gzip";
	case PAYLOAD_BZIP2:
		return "bzip2";
	case PAYLOAD_LZMA:
		return "lzma";
	case PAYLOAD_XZ:
		return "xz";
	case PAYLOAD_LZO:
		return "lzo";
	case PAYLOAD_LZ4:
		return "lz4";
	case PAYLOAD_ZSTD:
		return "zstd";
	case PAYLOAD_UNKNOWN:
		break;
	}
	return "unknown";
}

bool bzimage_is_bzimage(const void *image, size_t size)
{
	const uint8_t *p = image;

	return size >= HEADER_END && get16(p + BOOT_FLAG) == 0xaa55 && p[HEADER_MAGIC] == 'H' &&
	       p[HEADER_MAGIC + 1] == 'd' && p[HEADER_MAGIC + 2] == 'r' &&
	       p[HEADER_MAGIC + 3] == 'S';
}

const char *bzimage_parse(struct bzimage *bz, const void *image, size_t size)
{
	const uint8_t *p = image;
	uint64_t start, len;
	unsigned int sects;

	if (!bzimage_is_bzimage(image, size)) {
		return "not a bzImage (no setup header)";
	}
	bz->protocol = get16(p + PROTOCOL);
	if (bz->protocol < PROTOCOL_MIN) {
		return "bzImage of a boot protocol before 2.08";
	}
	sects = p[SETUP_SECTS] ? p[SETUP_SECTS] : OLD_SETUP_SECTS;
	start = (uint64_t)(sects + 1) * SECTOR + get32(p + PAYLOAD_OFFSET);
	len = get32(p + PAYLOAD_LENGTH);
	if (start > size || len > size - start) {
		return "bzImage is truncated: its payload ends behind the end of the file";
	}
	if (len < 16) {
		return "bzImage has no payload";
	}
	bz->data = p + start;
	bz->kind = payload_identify(bz->data, len);
	bz->len = len;
	bz->unpacked = get32(p + start + len - 4);
	switch (bz->kind) {
	case PAYLOAD_UNKNOWN:
		return "bzImage with a payload of an unknown compression";
	case PAYLOAD_ELF:
		bz->unpacked = (uint32_t)len;
		break;
	case PAYLOAD_GZIP: /* whose own trailer ends with the size */
		break;
	default: /* the kernel's build appended the size */
		bz->len -= 4;
	}
	return NULL;
}
