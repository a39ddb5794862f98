/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The ELF notes by which a PV kernel says how it wants to be started. */
#ifndef PAVISE_LIBDOMAIN_ELFNOTES_H
#define PAVISE_LIBDOMAIN_ELFNOTES_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

struct dom_blob;
struct dom_ctx;

struct elf_notes {
	bool has_entry, has_phys32_entry, has_init_p2m, has_hypercall_page;
	uint64_t entry, virt_base, paddr_offset, init_p2m, hypercall_page;
	bool mod_start_pfn, suspend_cancel;
	unsigned int found; /* how many notes there were */
	char xen_version[32], loader[32], guest_os[32], guest_version[32];
	char features[512]; /* as libelf writes them: "!needed|has" */
};

/*
 * Reads the notes of @elf, whose header @eh has been checked, and refuses what
 * can't run as a PV guest here: -ENOEXEC with a message.
 */
int elf_notes_read(struct dom_ctx *ctx, const char *path, const struct dom_blob *elf,
		   const Elf64_Ehdr *eh, struct elf_notes *ret_notes);

#endif
