/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A kernel file: bzImage round an ELF, or an ELF. Nothing is read outside of it; what
 * is accepted is as it was said to be: segments inside the file and in memory that is
 * given, texts inside the file, the kernel outside of the hypervisor's hole.
 *
 * An ELF needs many right bytes before anything interesting comes: the input has them
 * made right unless its first byte forbids that. Tries X8.
 */
#include <stdlib.h>
#include <string.h>

#include <hv/bzimage.h>
#include <hv/elf.h>

#define CHECK(x)                          \
	do {                              \
		if (!(x))                 \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *file;
static size_t file_size;

static void inside(const struct elf_str *t)
{
	const uint8_t *s = (const uint8_t *)t->s;

	CHECK(!s || (s >= file && t->len <= file_size && s + t->len <= file + file_size));
}

static const char *segment(void *ctx, uint64_t paddr, const void *src, uint64_t copy, uint64_t zero)
{
	const struct elf_image *elf = ctx;
	const uint8_t *s = src;

	CHECK(!copy || (s >= file && copy <= file_size && s + copy <= file + file_size));
	CHECK(paddr >= elf->pstart && paddr + copy + zero <= elf->pend);
	CHECK(paddr + copy >= paddr && paddr + copy + zero >= paddr + copy);
	return NULL;
}

static void try_elf(void)
{
	static const struct elf_xen_policy policy = {
		.control_domain = true,
		.features_offered = ~0U,
		.hv_start = 0xffff800000000000,
		.hv_end = 0xffff880000000000,
	};
	struct elf_image elf;
	struct elf_xen xen;

	if (elf_parse(&elf, file, file_size))
		return;
	CHECK(elf.pstart < elf.pend);
	CHECK(!elf_load(&elf, segment, &elf));
	if (elf.pend - elf.pstart <= 1 << 20) {
		size_t len = elf.pend - elf.pstart;
		char *mem = malloc(len);

		CHECK(!elf_load_flat(&elf, mem, len));
		CHECK(elf_load_flat(&elf, mem, len - 1));
		free(mem);
	}
	if (elf_xen_parse(&elf, &xen))
		return;
	inside(&xen.guest_os);
	inside(&xen.guest_version);
	inside(&xen.xen_version);
	inside(&xen.loader);
	inside(&xen.pae_mode);
	inside(&xen.feature_text);
	inside(&xen.unknown_required);
	if (elf_xen_check(&elf, &xen, &policy))
		return;
	CHECK(xen.virt_start < xen.virt_end);
	CHECK(xen.virt_end <= policy.hv_start || xen.virt_start >= policy.hv_end);
	CHECK(xen.entry >= xen.virt_start && xen.entry < xen.virt_end);
}

/* As far as the input reaches, an ELF of our kind with at most 4 segments. */
static void make_right(uint8_t *p, size_t size)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	static const uint8_t rest[] = {2, 0, 62, 0, 1, 0, 0, 0};
	uint64_t phoff = 64;

	if (size < 64)
		return;
	memcpy(p, ident, sizeof(ident));
	memcpy(p + 16, rest, sizeof(rest));
	memcpy(p + 32, &phoff, 8);
	p[52] = 64;
	p[53] = p[55] = p[57] = 0;
	p[54] = 56;
	p[56] &= 3;
	p[58] = 64;
	for (size_t i = 0; i < p[56] && 64 + (i + 1) * 56 <= size; i++) {
		uint8_t *ph = p + 64 + i * 56;

		ph[0] = i == 1 ? 4 : 1; /* one with notes, the others to load */
		memset(ph + 1, 0, 3);
		/* Offsets and sizes that the file can have. */
		memset(ph + 10, 0, 6);
		memset(ph + 34, 0, 6);
		memset(ph + 43, 0, 5);
	}
}

#define NOTES (64 + 3 * 56)

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
}

/* The head of a note of Xen's. */
static void put_note(uint8_t *p, uint32_t type, uint32_t desc)
{
	static const uint32_t four = 4;

	memcpy(p, &four, 4);
	memcpy(p + 4, &desc, 4);
	memcpy(p + 8, &type, 4);
	memcpy(p + 12, "Xen", 4);
}

/* A kernel of one segment to load, with Xen's notes made of the rest of the input. */
static void make_notes(uint8_t *p, size_t size)
{
	static const uint8_t len[] = {8, 8, 4, 16, 8, 7, 1, 31};
	size_t off = NOTES;

	if (size < NOTES + 32)
		return;
	p[56] = 2;
	put64(p + 64 + 8, 0);
	put64(p + 64 + 32, size);
	put64(p + 64 + 40, size + p[64 + 40]);
	memset(p + 64 + 27, 0, 5); /* a load address below 16 MiB */
	while (size - off > 16 + 32) {
		uint32_t desc = len[p[off + 1] & 7];
		bool address = p[off + 1] & 8;

		put_note(p + off, p[off] % 21, desc);
		if (address && desc == 8) {
			memset(p + off + 16 + 3, 0, 1);
			p[off + 16 + 3] = 0x80;
			memset(p + off + 16 + 4, 0xff, 4);
		}
		off += 16 + ((desc + 3) & ~3U);
	}
	/* The last one, a text, goes to the end of the file, or says that it goes further. */
	if (size > off + 16 && p[off] & 1) {
		put_note(p + off, 5 + p[off] / 2 % 6,
			 (uint32_t)(size - off - 16) + (p[off] & 0x80 ? 8 : 0));
		memset(p + off + 16, 'x', size - off - 16);
		off = size;
	}
	put64(p + 120 + 8, NOTES);
	put64(p + 120 + 32, off - NOTES);
	put64(p + 120 + 40, off - NOTES);
}

static void try_bzimage(void)
{
	struct bzimage bz;

	if (bzimage_parse(&bz, file, file_size))
		return;
	CHECK((const uint8_t *)bz.data >= file && bz.len <= file_size);
	CHECK((const uint8_t *)bz.data + bz.len <= file + file_size);
	CHECK(payload_name(bz.kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (!size)
		return 0;
	copy = malloc(size); /* without a byte to spare */
	file_size = size - 1;
	memcpy(copy, data + 1, file_size);
	file = copy = realloc(copy, file_size ? file_size : 1);
	if (data[0] & 1)
		make_right(copy, file_size);
	if ((data[0] & 5) == 5)
		make_notes(copy, file_size);
	if (data[0] & 2 && file_size > 0x250) {
		memcpy(copy + 0x202, "HdrS\x0f\x02", 6);
		memcpy(copy + 0x1fe, "\x55\xaa", 2);
		copy[0x1f1] = data[0] >> 6;
		memset(copy + 0x24a, 0, 2);
		memset(copy + 0x24e, 0, 2);
	}
	payload_identify(file, file_size);
	try_bzimage();
	try_elf();
	free(copy);
	return 0;
}
