/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The Xen ELF notes of a PV kernel: reading and judging them. See hv/elf.h.
 * Pure; owns nothing; no locks.
 */
#include <hv/elf.h>

#include "elf_format.h"

#define XENFEAT_DOM0 11

/* Names of XENFEAT_* as they are spelled in the FEATURES note, by number. */
static const char *const feature_names[] = {
	[0] = "writable_page_tables",
	[1] = "writable_descriptor_tables",
	[2] = "auto_translated_physmap",
	[3] = "supervisor_mode_kernel",
	[4] = "pae_pgdir_above_4gb",
	[5] = "mmu_pt_update_preserve_ad",
	[6] = "highmem_assist",
	[7] = "gnttab_map_avail_bits",
	[8] = "hvm_callback_vector",
	[9] = "hvm_safe_pvclock",
	[10] = "hvm_pirqs",
	[XENFEAT_DOM0] = "dom0",
	[12] = "grant_map_identity",
	[13] = "memory_op_vnode_supported",
	[14] = "ARM_SMCCC_supported",
	[15] = "linux_rsdp_unrestricted",
	[16] = "not_direct_mapped",
	[17] = "direct_mapped",
};

bool elf_str_eq(const struct elf_str *text, const char *s)
{
	return text->s && strlen(s) == text->len && memcmp(text->s, s, text->len) == 0;
}

int elf_feature_number(const char *name, size_t len)
{
	struct elf_str text = {name, len};
	size_t i;

	for (i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++) {
		if (elf_str_eq(&text, feature_names[i])) {
			return (int)i;
		}
	}
	return -1;
}

/* One "name" or "!name". An unknown name matters only if it is required. */
static void parse_feature(struct elf_xen *xen, const char *s, size_t len)
{
	bool required = len > 0 && s[0] == '!';
	int nr;

	s += required;
	len -= required;
	if (len == 0) {
		return;
	}
	nr = elf_feature_number(s, len);
	if (nr < 0) {
		if (required) {
			xen->unknown_required = (struct elf_str){s, len};
		}
		return;
	}
	xen->features_supported |= 1u << nr;
	if (required) {
		xen->features_required |= 1u << nr;
	}
}

static void parse_features(struct elf_xen *xen, const struct elf_str *text)
{
	size_t start = 0, i;

	for (i = 0; i <= text->len; i++) {
		if (i == text->len || text->s[i] == '|') {
			parse_feature(xen, text->s + start, i - start);
			start = i + 1;
		}
	}
}

/* A number of 1, 2, 4 or 8 bytes. */
static bool get_number(const uint8_t *desc, size_t len, uint64_t *ret)
{
	if (len != 1 && len != 2 && len != 4 && len != 8) {
		return false;
	}
	*ret = 0;
	memcpy(ret, desc, len);
	return true;
}

static struct elf_str get_text(const uint8_t *desc, size_t len)
{
	size_t n = 0;

	while (n < len && desc[n]) {
		n++;
	}
	return (struct elf_str){(const char *)desc, n};
}

/* Notes that are texts. False: not one of these. */
static bool parse_text_note(struct elf_xen *xen, uint32_t type, const uint8_t *desc, size_t len)
{
	struct elf_str text = get_text(desc, len);

	switch (type) {
	case ELF_XEN_XEN_VERSION:
		xen->xen_version = text;
		return true;
	case ELF_XEN_GUEST_OS:
		xen->guest_os = text;
		return true;
	case ELF_XEN_GUEST_VERSION:
		xen->guest_version = text;
		return true;
	case ELF_XEN_LOADER:
		xen->loader = text;
		return true;
	case ELF_XEN_PAE_MODE:
		xen->pae_mode = text;
		return true;
	case ELF_XEN_BSD_SYMTAB:
		xen->bsd_symtab = elf_str_eq(&text, "yes");
		return true;
	case ELF_XEN_FEATURES:
		xen->feature_text = text;
		parse_features(xen, &text);
		return true;
	default:
		return false;
	}
}

static const char *parse_pair_note(struct elf_xen *xen, uint32_t type, const uint8_t *desc,
				   size_t len)
{
	if (type == ELF_XEN_L1_MFN_VALID) {
		if (len < 16) {
			return "Xen note L1_MFN_VALID is not a pair of 64-bit numbers";
		}
		memcpy(&xen->l1_mfn_mask, desc, 8);
		memcpy(&xen->l1_mfn_value, desc + 8, 8);
		return NULL;
	}
	/* PHYS32_RELOC: align, then optionally min and max */
	if (len < 4 || len % 4) {
		return "Xen note PHYS32_RELOC is not a list of 32-bit numbers";
	}
	memcpy(&xen->reloc_align, desc, 4);
	xen->reloc_min = 0;
	xen->reloc_max = UINT32_MAX;
	if (len >= 8) {
		memcpy(&xen->reloc_min, desc + 4, 4);
	}
	if (len >= 12) {
		memcpy(&xen->reloc_max, desc + 8, 4);
	}
	return NULL;
}

struct number_note {
	size_t offset; /* of a uint64_t in struct elf_xen */
	const char *why;
};

#define NUMBER(name, field)                                  \
	[ELF_XEN_##name] = {offsetof(struct elf_xen, field), \
			    "Xen note " #name " is not a number of 1, 2, 4 or 8 bytes"}

static const struct number_note number_notes[ELF_XEN_NOTE_MAX + 1] = {
	NUMBER(ENTRY, entry),
	NUMBER(HYPERCALL_PAGE, hypercall_page),
	NUMBER(VIRT_BASE, virt_base),
	NUMBER(PADDR_OFFSET, paddr_offset),
	NUMBER(HV_START_LOW, hv_start_low),
	NUMBER(INIT_P2M, init_p2m),
	NUMBER(PHYS32_ENTRY, phys32_entry),
};

static const char *parse_number_note(struct elf_xen *xen, uint32_t type, const uint8_t *desc,
				     size_t len)
{
	uint64_t value;

	switch (type) {
	case ELF_XEN_SUSPEND_CANCEL:
		if (!get_number(desc, len, &value)) {
			return "Xen note SUSPEND_CANCEL is not a number";
		}
		xen->suspend_cancel = value != 0;
		return NULL;
	case ELF_XEN_MOD_START_PFN:
		if (!get_number(desc, len, &value)) {
			return "Xen note MOD_START_PFN is not a number";
		}
		xen->mod_start_pfn = value != 0;
		return NULL;
	case ELF_XEN_SUPPORTED_FEATURES:
		if (!get_number(desc, len, &value)) {
			return "Xen note SUPPORTED_FEATURES is not a number";
		}
		xen->features_supported |= (uint32_t)value;
		return NULL;
	default:
		if (!get_number(desc, len, &value)) {
			return number_notes[type].why;
		}
		memcpy((uint8_t *)xen + number_notes[type].offset, &value, sizeof(value));
		return NULL;
	}
}

/* A note of an unknown number is not ours to judge: it is skipped. */
static const char *parse_note(struct elf_xen *xen, uint32_t type, const uint8_t *desc, size_t len)
{
	if (type == 0 || type > ELF_XEN_NOTE_MAX) {
		return NULL;
	}
	xen->present |= 1u << type;
	if (parse_text_note(xen, type, desc, len)) {
		return NULL;
	}
	if (type == ELF_XEN_L1_MFN_VALID || type == ELF_XEN_PHYS32_RELOC) {
		return parse_pair_note(xen, type, desc, len);
	}
	return parse_number_note(xen, type, desc, len);
}

static uint64_t pad(uint64_t len, uint64_t align)
{
	return (len + align - 1) & ~(align - 1);
}

/* All notes of one segment or section; @off and @len are inside the file. */
static const char *parse_notes(const struct elf_image *elf, struct elf_xen *xen, uint64_t off,
			       uint64_t len, uint64_t align)
{
	const uint8_t *p = elf->data + off;
	uint64_t name_room, desc_room;
	struct elf64_nhdr nh;
	const char *why;

	align = align == 8 ? 8 : 4;
	while (len >= sizeof(nh)) {
		memcpy(&nh, p, sizeof(nh));
		/* 32-bit sizes in 64-bit sums: no overflow */
		name_room = pad(sizeof(nh) + (uint64_t)nh.n_namesz, align);
		desc_room = pad(nh.n_descsz, align);
		if (name_room > len || nh.n_descsz > len - name_room) {
			return "ELF note ends behind the end of its segment";
		}
		if (nh.n_namesz == 4 && memcmp(p + sizeof(nh), "Xen", 4) == 0) {
			why = parse_note(xen, nh.n_type, p + name_room, nh.n_descsz);
			if (why) {
				return why;
			}
		}
		if (desc_room > len - name_room) { /* the last one may lack its padding */
			break;
		}
		p += name_room + desc_room;
		len -= name_room + desc_room;
	}
	return NULL;
}

static const char *parse_note_segments(const struct elf_image *elf, struct elf_xen *xen)
{
	struct elf64_phdr ph;
	const char *why;
	unsigned int i;

	for (i = 0; i < elf->phnum; i++) {
		elf_get_phdr(elf, i, &ph);
		if (ph.p_type != PT_NOTE) {
			continue;
		}
		if (ph.p_offset > elf->size || ph.p_filesz > elf->size - ph.p_offset) {
			return "ELF file is truncated: a note segment ends behind the end of the file";
		}
		why = parse_notes(elf, xen, ph.p_offset, ph.p_filesz, ph.p_align);
		if (why) {
			return why;
		}
	}
	return NULL;
}

static const char *parse_note_sections(const struct elf_image *elf, struct elf_xen *xen)
{
	struct elf64_shdr sh;
	const char *why;
	unsigned int i;

	for (i = 0; i < elf->shnum; i++) {
		memcpy(&sh, elf->data + elf->shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_type != SHT_NOTE) {
			continue;
		}
		if (sh.sh_offset > elf->size || sh.sh_size > elf->size - sh.sh_offset) {
			return "ELF file is truncated: a note section ends behind the end of the file";
		}
		why = parse_notes(elf, xen, sh.sh_offset, sh.sh_size, sh.sh_addralign);
		if (why) {
			return why;
		}
	}
	return NULL;
}

const char *elf_xen_parse(const struct elf_image *elf, struct elf_xen *xen)
{
	const char *why;

	memset(xen, 0, sizeof(*xen));
	xen->entry = elf->entry;
	why = parse_note_segments(elf, xen);
	if (!why && xen->present == 0) {
		why = parse_note_sections(elf, xen);
	}
	if (!why && xen->present == 0) {
		why = "not a Xen PV kernel: it has no Xen ELF notes";
	}
	return why;
}

static bool canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

static bool in_hole(const struct elf_xen_policy *policy, uint64_t start, uint64_t end)
{
	return start < policy->hv_end && end > policy->hv_start;
}

static const char *check_versions(const struct elf_xen *xen, const struct elf_xen_policy *policy)
{
	uint32_t missing;

	if (!elf_str_eq(&xen->xen_version, "xen-3.0")) {
		return xen->xen_version.s ? "Xen note XEN_VERSION is not \"xen-3.0\""
					  : "Xen note XEN_VERSION is missing";
	}
	if (xen->loader.s && !elf_str_eq(&xen->loader, "generic")) {
		return "Xen note LOADER is not \"generic\"";
	}
	if (xen->unknown_required.s) {
		return "kernel requires a feature that is unknown (Xen note FEATURES)";
	}
	missing = xen->features_required & ~policy->features_offered;
	if (missing) {
		return "kernel requires a feature that is not offered (Xen note FEATURES)";
	}
	if (policy->control_domain && !(xen->features_supported & (1u << XENFEAT_DOM0))) {
		return "kernel can't be a control domain: it doesn't support feature dom0";
	}
	return NULL;
}

/* The kernel's range in virtual addresses, and what must lie in or out of it. */
static const char *check_range(const struct elf_image *elf, struct elf_xen *xen,
			       const struct elf_xen_policy *policy)
{
	if (elf->pstart < xen->paddr_offset) {
		return "kernel is loaded below its Xen note PADDR_OFFSET";
	}
	xen->virt_start = elf_xen_virt(xen, elf->pstart);
	xen->virt_end = elf_xen_virt(xen, elf->pend);
	if (xen->virt_start < xen->virt_base || xen->virt_end <= xen->virt_start ||
	    !canonical(xen->virt_start) || !canonical(xen->virt_end - 1) ||
	    (xen->virt_start ^ (xen->virt_end - 1)) >> 63) {
		return "kernel does not fit into the address space at its Xen note VIRT_BASE";
	}
	if (in_hole(policy, xen->virt_base, xen->virt_end)) {
		return "kernel wants addresses that belong to the hypervisor";
	}
	if (xen->entry < xen->virt_start || xen->entry >= xen->virt_end) {
		return "kernel's entry point is outside of its segments";
	}
	if (ELF_XEN_HAS(xen, ELF_XEN_HYPERCALL_PAGE) &&
	    (xen->hypercall_page % 4096 || xen->hypercall_page < xen->virt_start ||
	     xen->hypercall_page >= xen->virt_end || xen->virt_end - xen->hypercall_page < 4096)) {
		return "kernel's hypercall page is not a page of its segments";
	}
	return NULL;
}

const char *elf_xen_check(const struct elf_image *elf, struct elf_xen *xen,
			  const struct elf_xen_policy *policy)
{
	const char *why = check_versions(xen, policy);

	if (!why) {
		why = check_range(elf, xen, policy);
	}
	if (why) {
		return why;
	}
	if (ELF_XEN_HAS(xen, ELF_XEN_HV_START_LOW) && xen->hv_start_low > policy->hv_start) {
		return "kernel wants the hypervisor higher up (Xen note HV_START_LOW)";
	}
	if (ELF_XEN_HAS(xen, ELF_XEN_INIT_P2M) &&
	    (xen->init_p2m % 4096 || !canonical(xen->init_p2m) ||
	     (xen->init_p2m >= xen->virt_base && xen->init_p2m < xen->virt_end) ||
	     in_hole(policy, xen->init_p2m, xen->init_p2m + 1))) {
		return "kernel's Xen note INIT_P2M is not a usable address";
	}
	return NULL;
}
