/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X8) ELF64: headers, bounds, and loading. See hv/elf.h; the Xen notes are read in
 * elf_xen.c. Pure; owns nothing; no locks.
 */
#include <hv/elf.h>

#include "elf_format.h"

static bool in_file(const struct elf_image *elf, uint64_t off, uint64_t len)
{
	return off <= elf->size && len <= elf->size - off;
}

bool elf_is_elf(const void *data, size_t size)
{
	const uint8_t *p = data;

	return size >= 4 && p[0] == 0x7f && p[1] == 'E' && p[2] == 'L' && p[3] == 'F';
}

static const char *check_ident(const struct elf64_ehdr *eh)
{
	if (eh->e_ident[EI_CLASS] == ELFCLASS32) {
		return "a 32-bit ELF file: only 64-bit kernels are supported";
	}
	if (eh->e_ident[EI_CLASS] != ELFCLASS64) {
		return "ELF class is not 64-bit";
	}
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB) {
		return "ELF byte order is not little-endian";
	}
	if (eh->e_ident[EI_VERSION] != EV_CURRENT || eh->e_version != EV_CURRENT) {
		return "unknown ELF version";
	}
	if (eh->e_machine != EM_X86_64) {
		return "ELF machine is not x86-64";
	}
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) {
		return "ELF file is not an executable";
	}
	if (eh->e_phentsize != sizeof(struct elf64_phdr)) {
		return "ELF program headers have a wrong size";
	}
	if (eh->e_phnum == 0) {
		return "ELF file has no program headers";
	}
	if (eh->e_phnum > ELF_MAX_SEGMENTS) {
		return "ELF file has too many program headers";
	}
	return NULL;
}

void elf_get_phdr(const struct elf_image *elf, unsigned int i, struct elf64_phdr *ph)
{
	memcpy(ph, elf->data + elf->phoff + i * sizeof(*ph), sizeof(*ph));
}

static const char *check_segment(struct elf_image *elf, const struct elf64_phdr *ph)
{
	uint64_t end;

	if (ph->p_filesz > ph->p_memsz) {
		return "ELF segment is larger in the file than in memory";
	}
	if (!in_file(elf, ph->p_offset, ph->p_filesz)) {
		return "ELF file is truncated: a segment ends behind the end of the file";
	}
	if (__builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end)) {
		return "ELF segment wraps around the end of the address space";
	}
	if (ph->p_memsz == 0) {
		return NULL;
	}
	if (ph->p_paddr < elf->pstart) {
		elf->pstart = ph->p_paddr;
	}
	if (end > elf->pend) {
		elf->pend = end;
	}
	return NULL;
}

/* The section table is a second choice for notes: a broken one is no error. */
static void find_sections(struct elf_image *elf, const struct elf64_ehdr *eh)
{
	elf->shoff = 0;
	elf->shnum = 0;
	if (eh->e_shentsize == sizeof(struct elf64_shdr) && eh->e_shoff != 0 &&
	    in_file(elf, eh->e_shoff, eh->e_shnum * sizeof(struct elf64_shdr))) {
		elf->shoff = eh->e_shoff;
		elf->shnum = eh->e_shnum;
	}
}

const char *elf_parse(struct elf_image *elf, const void *data, size_t size)
{
	struct elf64_ehdr eh;
	struct elf64_phdr ph;
	const char *why;
	unsigned int i;

	if (!elf_is_elf(data, size)) {
		return "not an ELF file";
	}
	if (size < sizeof(eh)) {
		return "ELF file is truncated: incomplete header";
	}
	memcpy(&eh, data, sizeof(eh));
	why = check_ident(&eh);
	if (why) {
		return why;
	}
	elf->data = data;
	elf->size = size;
	elf->entry = eh.e_entry;
	elf->phoff = eh.e_phoff;
	elf->phnum = eh.e_phnum;
	elf->pstart = UINT64_MAX;
	elf->pend = 0;
	if (!in_file(elf, elf->phoff, elf->phnum * sizeof(ph))) {
		return "ELF file is truncated: incomplete program headers";
	}
	find_sections(elf, &eh);
	for (i = 0; i < elf->phnum; i++) {
		elf_get_phdr(elf, i, &ph);
		if (ph.p_type == PT_LOAD) {
			why = check_segment(elf, &ph);
			if (why) {
				return why;
			}
		}
	}
	return elf->pstart < elf->pend ? NULL : "ELF file has nothing to load";
}

const char *elf_load(const struct elf_image *elf, elf_load_fn *fn, void *ctx)
{
	struct elf64_phdr ph;
	const char *why;
	unsigned int i;

	for (i = 0; i < elf->phnum; i++) {
		elf_get_phdr(elf, i, &ph);
		if (ph.p_type != PT_LOAD || ph.p_memsz == 0) {
			continue;
		}
		why = fn(ctx, ph.p_paddr, elf->data + ph.p_offset, ph.p_filesz,
			 ph.p_memsz - ph.p_filesz);
		if (why) {
			return why;
		}
	}
	return NULL;
}

struct flat {
	uint8_t *buf;
	uint64_t base;
};

static const char *load_flat_segment(void *ctx, uint64_t paddr, const void *src, uint64_t copy,
				     uint64_t zero)
{
	const struct flat *flat = ctx;
	uint8_t *to = flat->buf + (paddr - flat->base);

	memcpy(to, src, copy);
	memset(to + copy, 0, zero);
	return NULL;
}

const char *elf_load_flat(const struct elf_image *elf, void *buf, uint64_t len)
{
	struct flat flat = {.buf = buf, .base = elf->pstart};

	if (len < elf->pend - elf->pstart) {
		return "kernel does not fit into the memory that is meant for it";
	}
	return elf_load(elf, load_flat_segment, &flat);
}
