/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * ELF notes of owner "Xen". They are in a PT_NOTE segment, or in kernels that
 * were linked without one, in SHT_NOTE sections. No state, no locks.
 *
 * Sources: public/elfnote.h.
 */
#include <errno.h>
#include <string.h>

#include <public/elfnote.h>

#include "dom0-tools/libdomain/elfnotes.h"
#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"

struct note {
	uint32_t type;
	const uint8_t *desc;
	uint32_t len;
};

/* Numbers are 4 or 8 bytes long, whatever the ELF class. */
static uint64_t note_number(const struct note *n)
{
	uint64_t v = 0;

	memcpy(&v, n->desc, n->len < sizeof(v) ? n->len : sizeof(v));
	return v;
}

/* Strings need not end with a NUL. */
static void note_string(const struct note *n, char *buf, size_t size)
{
	size_t len = n->len < size - 1 ? n->len : size - 1;

	memcpy(buf, n->desc, len);
	buf[len] = '\0';
}

/* MOD_START_PFN and SUSPEND_CANCEL are numbers in some kernels, "yes" in others. */
static bool note_bool(const struct note *n)
{
	if (n->len >= 3 && !memcmp(n->desc, "yes", 3)) {
		return true;
	}
	return n->len <= 8 && note_number(n) == 1;
}

static void take_note(struct elf_notes *notes, const struct note *n)
{
	notes->found++;
	switch (n->type) {
	case XEN_ELFNOTE_ENTRY:
		notes->has_entry = true;
		notes->entry = note_number(n);
		break;
	case XEN_ELFNOTE_HYPERCALL_PAGE:
		notes->has_hypercall_page = true;
		notes->hypercall_page = note_number(n);
		break;
	case XEN_ELFNOTE_VIRT_BASE:
		notes->virt_base = note_number(n);
		break;
	case XEN_ELFNOTE_PADDR_OFFSET:
		notes->paddr_offset = note_number(n);
		break;
	case XEN_ELFNOTE_XEN_VERSION:
		note_string(n, notes->xen_version, sizeof(notes->xen_version));
		break;
	case XEN_ELFNOTE_GUEST_OS:
		note_string(n, notes->guest_os, sizeof(notes->guest_os));
		break;
	case XEN_ELFNOTE_GUEST_VERSION:
		note_string(n, notes->guest_version, sizeof(notes->guest_version));
		break;
	case XEN_ELFNOTE_LOADER:
		note_string(n, notes->loader, sizeof(notes->loader));
		break;
	case XEN_ELFNOTE_FEATURES:
		note_string(n, notes->features, sizeof(notes->features));
		break;
	case XEN_ELFNOTE_SUSPEND_CANCEL:
		notes->suspend_cancel = note_bool(n);
		break;
	case XEN_ELFNOTE_INIT_P2M:
		notes->has_init_p2m = true;
		notes->init_p2m = note_number(n);
		break;
	case XEN_ELFNOTE_MOD_START_PFN:
		notes->mod_start_pfn = note_bool(n);
		break;
	case XEN_ELFNOTE_PHYS32_ENTRY:
		notes->has_phys32_entry = true;
		break;
	default:
		break; /* not about how to start it */
	}
}

static uint64_t align4(uint64_t n)
{
	return (n + 3) & ~3ULL;
}

/* One run of notes. What is left behind a damaged one is ignored. */
static void scan_notes(struct elf_notes *notes, const uint8_t *p, uint64_t len)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		struct note n;
		uint64_t name_len, whole;

		memcpy(&nh, p, sizeof(nh));
		name_len = align4(nh.n_namesz);
		whole = sizeof(nh) + name_len + align4(nh.n_descsz);
		if (sizeof(nh) + name_len + nh.n_descsz > len) {
			return;
		}
		n.type = nh.n_type;
		n.desc = p + sizeof(nh) + name_len;
		n.len = nh.n_descsz;
		if (nh.n_namesz == 4 && !memcmp(p + sizeof(nh), "Xen", 4)) {
			take_note(notes, &n);
		}
		if (whole >= len) {
			return;
		}
		p += whole;
		len -= whole;
	}
}

static void scan_range(struct elf_notes *notes, const struct dom_blob *elf, uint64_t off,
		       uint64_t len)
{
	if (off <= elf->len && len <= elf->len - off) {
		scan_notes(notes, elf->data + off, len);
	}
}

static void scan_segments(struct elf_notes *notes, const struct dom_blob *elf, const Elf64_Ehdr *eh)
{
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, elf->data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_NOTE) {
			scan_range(notes, elf, ph.p_offset, ph.p_filesz);
		}
	}
}

static void scan_sections(struct elf_notes *notes, const struct dom_blob *elf, const Elf64_Ehdr *eh)
{
	if (eh->e_shentsize != sizeof(Elf64_Shdr) || eh->e_shoff > elf->len ||
	    (elf->len - eh->e_shoff) / sizeof(Elf64_Shdr) < eh->e_shnum) {
		return;
	}
	for (unsigned int i = 0; i < eh->e_shnum; i++) {
		Elf64_Shdr sh;

		memcpy(&sh, elf->data + eh->e_shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_type == SHT_NOTE) {
			scan_range(notes, elf, sh.sh_offset, sh.sh_size);
		}
	}
}

/*
 * Features that a kernel needs ("!name") and a PV guest doesn't get here: it
 * would fail in obscure ways. "!writable_page_tables" is met by emulation.
 */
static const char *const features_missing[] = {
	"!writable_descriptor_tables",
	"!auto_translated_physmap",
	"!supervisor_mode_kernel",
};

static int check_features(struct dom_ctx *ctx, const char *path, const struct elf_notes *notes)
{
	for (size_t i = 0; i < DOM_ARRAY_LEN(features_missing); i++) {
		if (strstr(notes->features, features_missing[i])) {
			return dom_err(
				ctx, -ENOEXEC,
				"kernel '%s' needs the feature %s, which PV guests don't have",
				path, features_missing[i] + 1);
		}
	}
	return 0;
}

int elf_notes_read(struct dom_ctx *ctx, const char *path, const struct dom_blob *elf,
		   const Elf64_Ehdr *eh, struct elf_notes *ret_notes)
{
	struct elf_notes notes = {0};

	scan_segments(&notes, elf, eh);
	if (!notes.found) {
		scan_sections(&notes, elf, eh);
	}
	if (!notes.found) {
		return dom_err(
			ctx, -ENOEXEC,
			"kernel '%s' is not made for PV guests: it has no Xen ELF notes (Linux "
			"needs CONFIG_XEN_PV)",
			path);
	}
	if (!notes.has_entry) {
		return dom_err(ctx, -ENOEXEC,
			       "kernel '%s' has no PV entry point%s (Linux needs CONFIG_XEN_PV)",
			       path, notes.has_phys32_entry ? ", it is for PVH guests only" : "");
	}
	if (notes.xen_version[0] && strncmp(notes.xen_version, "xen-3.", 6)) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s' is for interface '%s', not xen-3.0",
			       path, notes.xen_version);
	}
	if (notes.loader[0] && strcmp(notes.loader, "generic")) {
		return dom_err(ctx, -ENOEXEC,
			       "kernel '%s' wants the loader '%s', only 'generic' is "
			       "here",
			       path, notes.loader);
	}
	*ret_notes = notes;
	return check_features(ctx, path, &notes);
}
