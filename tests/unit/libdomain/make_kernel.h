/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Kernel files for tests, made to order. */
#ifndef PAVISE_TEST_MAKE_KERNEL_H
#define PAVISE_TEST_MAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the kernel is to be. make_kernel_default() is a Linux of our days. */
struct make_kernel {
	uint64_t paddr, size, bss; /* where it lies; bytes in the file; and beyond */
	uint64_t virt_base, entry; /* entry: 0: no note */
	bool phys32_entry, no_notes, section_notes;
	bool has_init_p2m, mod_start_pfn, has_hypercall_page;
	uint64_t init_p2m, hypercall_page;
	const char *xen_version, *loader, *features, *guest_os;
	uint16_t machine; /* 0: x86-64 */
};

void make_kernel_default(struct make_kernel *k);

/* The ELF file, malloc()ed. The content is a pattern: make_kernel_byte(). */
uint8_t *make_kernel_elf(const struct make_kernel *k, size_t *ret_len);
uint8_t make_kernel_byte(uint64_t offset);

/* Formats in which a payload may be packed. */
enum pack { PACK_NONE, PACK_GZIP, PACK_XZ, PACK_LZMA, PACK_LZ4, PACK_ZSTD, PACK_NR };

/* Packs, with the size of the content behind, as Linux does it. malloc()ed. */
uint8_t *make_packed(enum pack pack, const uint8_t *data, size_t len, size_t *ret_len);

/* A bzImage around a payload. malloc()ed. */
uint8_t *make_bzimage(const uint8_t *payload, size_t len, size_t *ret_len);

/* Writes a temporary file, which make_files_remove() removes. */
const char *make_file(const void *data, size_t len);
void make_files_remove(void);

#endif
