/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest's kernel file: container, compression, ELF segments and the notes
 * in which it says how it wants to be started.
 */
#ifndef PAVISE_LIBDOMAIN_KERNEL_H
#define PAVISE_LIBDOMAIN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dom_ctx;

/* A file in memory. */
struct dom_blob {
	uint8_t *data;
	size_t len;
	size_t mapped; /* 0: data is malloc()ed; else the size of its mapping */
};

/*
 * Reads a regular file of at most @max bytes. @what ("kernel") goes into the
 * message of a failure, which is also set for an empty file: -ENODATA.
 */
int dom_blob_read(struct dom_ctx *ctx, const char *what, const char *path, size_t max,
		  struct dom_blob *ret_blob);
void dom_blob_free(struct dom_blob *blob);

#define KERNEL_SEGMENTS_MAX 32

struct kernel_segment {
	uint64_t paddr; /* pseudo-physical, PADDR_OFFSET taken off */
	uint64_t memsz;
	uint64_t filesz;
	const uint8_t *data;
};

struct dom_kernel {
	struct dom_blob elf; /* what segments point into */
	unsigned int nr_segments;
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
	uint64_t paddr_start, paddr_end; /* of all segments together */

	/* From the notes */
	uint64_t entry; /* virtual address */
	uint64_t virt_base; /* virtual address of pseudo-physical 0 */
	bool has_init_p2m;
	uint64_t init_p2m;
	bool has_hypercall_page;
	uint64_t hypercall_page;
	bool mod_start_pfn; /* takes an initrd that isn't mapped */
	char guest_os[32], guest_version[32];
};

/*
 * Loads @path: an ELF64 PV kernel, plain or compressed, or a bzImage that
 * contains one. -ENOEXEC: it isn't something that can run as a PV guest here;
 * -EILSEQ: damaged; or what opening and reading the file gave.
 */
int dom_kernel_load(struct dom_ctx *ctx, const char *path, struct dom_kernel *ret_kernel);
void dom_kernel_free(struct dom_kernel *k);

/* The parsing half: takes over @elf, which it frees on failure too. */
int dom_kernel_parse(struct dom_ctx *ctx, const char *path, struct dom_blob *elf,
		     struct dom_kernel *ret_kernel);

/*
 * Loads a ramdisk. Refused with -EILSEQ are damaged or cut off streams of the
 * formats that Linux knows, and with -EINVAL, if @linux_guest, anything else.
 */
int dom_ramdisk_load(struct dom_ctx *ctx, const char *path, bool linux_guest,
		     struct dom_blob *ret_blob);

#endif
