/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See make_kernel.h. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <public/elfnote.h>

#include "tests/unit/libdomain/make_kernel.h"

#define NOTES_AT  512u
#define IMAGE_AT  4096u
#define FILES_MAX 64u

static char files[FILES_MAX][64];
static unsigned int nr_files;

void make_kernel_default(struct make_kernel *k)
{
	*k = (struct make_kernel){
		.paddr = 0x1000000,
		.size = 0x12345,
		.bss = 0x20000,
		.virt_base = 0xffffffff80000000,
		.entry = 0xffffffff81000040,
		.has_init_p2m = true,
		.init_p2m = 0x8000000000,
		.mod_start_pfn = true,
		.xen_version = "xen-3.0",
		.loader = "generic",
		.features = "!writable_page_tables|pae_pgdir_above_4gb",
		.guest_os = "linux",
	};
}

uint8_t make_kernel_byte(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8) + 1);
}

static uint8_t *add_note(uint8_t *p, uint32_t type, const void *desc, size_t len)
{
	Elf64_Nhdr nh = {.n_namesz = 4, .n_descsz = (Elf64_Word)len, .n_type = type};

	memcpy(p, &nh, sizeof(nh));
	memcpy(p + sizeof(nh), "Xen", 4);
	memcpy(p + sizeof(nh) + 4, desc, len);
	return p + sizeof(nh) + 4 + ((len + 3) & ~3UL);
}

static uint8_t *add_number(uint8_t *p, uint32_t type, uint64_t value)
{
	return add_note(p, type, &value, sizeof(value));
}

/* As Linux does it for FEATURES: without a NUL. */
static uint8_t *add_text(uint8_t *p, uint32_t type, const char *text)
{
	return text ? add_note(p, type, text, strlen(text)) : p;
}

static size_t write_notes(const struct make_kernel *k, uint8_t *at)
{
	uint8_t *p = at;

	/* Somebody else's, which must be skipped. */
	Elf64_Nhdr gnu = {.n_namesz = 4, .n_descsz = 6, .n_type = XEN_ELFNOTE_ENTRY};

	memcpy(p, &gnu, sizeof(gnu));
	memcpy(p + sizeof(gnu), "GNU\0abcdef\0\0", 12);
	p += sizeof(gnu) + 12;
	if (k->no_notes) {
		return (size_t)(p - at);
	}
	p = add_text(p, XEN_ELFNOTE_GUEST_OS, k->guest_os);
	p = add_text(p, XEN_ELFNOTE_XEN_VERSION, k->xen_version);
	p = add_text(p, XEN_ELFNOTE_LOADER, k->loader);
	p = add_text(p, XEN_ELFNOTE_FEATURES, k->features);
	p = add_number(p, XEN_ELFNOTE_VIRT_BASE, k->virt_base);
	if (k->entry) {
		p = add_number(p, XEN_ELFNOTE_ENTRY, k->entry);
	}
	if (k->phys32_entry) {
		p = add_number(p, XEN_ELFNOTE_PHYS32_ENTRY, k->paddr);
	}
	if (k->has_init_p2m) {
		p = add_number(p, XEN_ELFNOTE_INIT_P2M, k->init_p2m);
	}
	if (k->mod_start_pfn) {
		uint32_t one = 1;

		p = add_note(p, XEN_ELFNOTE_MOD_START_PFN, &one, sizeof(one));
	}
	if (k->has_hypercall_page) {
		p = add_number(p, XEN_ELFNOTE_HYPERCALL_PAGE, k->hypercall_page);
	}
	return (size_t)(p - at);
}

uint8_t *make_kernel_elf(const struct make_kernel *k, size_t *ret_len)
{
	size_t len = IMAGE_AT + k->size + sizeof(Elf64_Shdr);
	uint8_t *elf = calloc(1, len);
	Elf64_Ehdr eh = {
		.e_type = ET_EXEC,
		.e_machine = k->machine ? k->machine : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = k->section_notes ? 2 : 3,
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	/* The image in two segments, the second of them with p_vaddr 0. */
	Elf64_Phdr ph[3] = {
		{.p_type = PT_LOAD,
		 .p_offset = IMAGE_AT,
		 .p_vaddr = k->virt_base + k->paddr,
		 .p_paddr = k->paddr,
		 .p_filesz = 0x1000,
		 .p_memsz = 0x1000},
		{.p_type = PT_LOAD,
		 .p_offset = IMAGE_AT + 0x1000,
		 .p_vaddr = 0,
		 .p_paddr = k->paddr + 0x1000,
		 .p_filesz = k->size - 0x1000,
		 .p_memsz = k->size - 0x1000 + k->bss},
		{.p_type = PT_NOTE, .p_offset = NOTES_AT},
	};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	ph[2].p_filesz = write_notes(k, elf + NOTES_AT);
	for (uint64_t i = 0; i < k->size; i++) {
		elf[IMAGE_AT + i] = make_kernel_byte(i);
	}
	if (k->section_notes) {
		Elf64_Shdr sh = {
			.sh_type = SHT_NOTE, .sh_offset = NOTES_AT, .sh_size = ph[2].p_filesz};

		eh.e_shnum = 1;
		eh.e_shoff = len - sizeof(sh);
		memcpy(elf + eh.e_shoff, &sh, sizeof(sh));
	}
	memcpy(elf, &eh, sizeof(eh));
	memcpy(elf + sizeof(eh), ph, sizeof(ph));
	*ret_len = len;
	return elf;
}

/* ---- packing ---------------------------------------------------------------------- */

static size_t pack_gzip(const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	z_stream z = {0};
	size_t done;

	deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	deflate(&z, Z_FINISH);
	done = room - z.avail_out;
	deflateEnd(&z);
	return done;
}

static size_t pack_xz(const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	size_t done = 0;

	if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, data, len, out, &done, room)) {
		abort();
	}
	return done;
}

static size_t pack_lzma(const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	size_t done;

	lzma_lzma_preset(&options, 1);
	if (lzma_alone_encoder(&s, &options)) {
		abort();
	}
	s.next_in = data;
	s.avail_in = len;
	s.next_out = out;
	s.avail_out = room;
	if (lzma_code(&s, LZMA_FINISH) != LZMA_STREAM_END) {
		abort();
	}
	done = room - s.avail_out;
	lzma_end(&s);
	return done;
}

static size_t pack_lz4(const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	uint32_t magic = 0x184c2102, block;
	int n = LZ4_compress_default((const char *)data, (char *)out + 8, (int)len,
				     (int)(room - 8));

	block = (uint32_t)n;
	memcpy(out, &magic, 4);
	memcpy(out + 4, &block, 4);
	return 8 + block;
}

uint8_t *make_packed(enum pack pack, const uint8_t *data, size_t len, size_t *ret_len)
{
	size_t room = len + len / 8 + 65536, done = 0;
	uint8_t *out = malloc(room + 4);
	uint32_t size = (uint32_t)len;

	switch (pack) {
	case PACK_GZIP:
		done = pack_gzip(data, len, out, room);
		break;
	case PACK_XZ:
		done = pack_xz(data, len, out, room);
		break;
	case PACK_LZMA:
		done = pack_lzma(data, len, out, room);
		break;
	case PACK_LZ4:
		done = pack_lz4(data, len, out, room);
		break;
	case PACK_ZSTD:
		done = ZSTD_compress(out, room, data, len, 1);
		break;
	case PACK_NONE:
	case PACK_NR:
	default:
		memcpy(out, data, len);
		*ret_len = len;
		return out;
	}
	memcpy(out + done, &size, 4);
	*ret_len = done + 4;
	return out;
}

uint8_t *make_bzimage(const uint8_t *payload, size_t len, size_t *ret_len)
{
	size_t start = 5 * 512 + 100;
	uint8_t *bz = calloc(1, start + len + 64);
	uint32_t offset = 100, length = (uint32_t)len;

	bz[0x1f1] = 4;
	bz[0x1fe] = 0x55;
	bz[0x1ff] = 0xaa;
	memcpy(bz + 0x202, "HdrS", 4);
	bz[0x206] = 0x0f;
	bz[0x207] = 0x02;
	memcpy(bz + 0x248, &offset, 4);
	memcpy(bz + 0x24c, &length, 4);
	memcpy(bz + start, payload, len);
	*ret_len = start + len + 64;
	return bz;
}

/* ---- files ---------------------------------------------------------------------------- */

const char *make_file(const void *data, size_t len)
{
	char *name = files[nr_files++ % FILES_MAX];
	int fd;

	if (name[0]) {
		unlink(name);
	}
	strcpy(name, "/tmp/pavise-test-XXXXXX");
	fd = mkstemp(name);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
		abort();
	}
	close(fd);
	return name;
}

void make_files_remove(void)
{
	for (unsigned int i = 0; i < FILES_MAX; i++) {
		if (files[i][0]) {
			unlink(files[i]);
			files[i][0] = '\0';
		}
	}
}
