/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A PV kernel as an ELF64 file in memory: where its segments go, and what its
 * Xen ELF notes ask of whoever builds the domain (docs: Xen public/elfnote.h).
 *
 * Used by the hypervisor for the control domain and by the tools for guests,
 * so it needs nothing but memcpy and its family. The file may be hostile:
 * nothing outside [data, data + size) is ever read, and no sum is taken
 * without a check. There is no state besides the caller's structs, and no
 * lock; the structs point into the file, which must outlive them.
 *
 * Functions that can fail return NULL for success and otherwise a constant
 * string that says what is wrong, fit to follow "kernel: ". Outputs are
 * undefined after a failure.
 */
#ifndef HV_ELF_H
#define HV_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More program headers than this are refused, which bounds the work. */
#define ELF_MAX_SEGMENTS 128

/* Text inside the file: not terminated. s is NULL when the text is absent. */
struct elf_str {
	const char *s;
	size_t len;
};

struct elf_image {
	const uint8_t *data;
	size_t size;
	uint64_t entry; /* e_entry; a PV kernel's is in the notes */
	uint64_t phoff;
	unsigned int phnum;
	uint64_t shoff; /* 0: no usable section table */
	unsigned int shnum;
	/* What the loadable segments span, by p_paddr. pstart < pend. */
	uint64_t pstart;
	uint64_t pend;
};

/* Bits of struct elf_xen.present: 1 << note number. */
#define ELF_XEN_HAS(xen, note) ((((xen)->present) >> (note)) & 1)

/* Note numbers, as in Xen's public/elfnote.h. */
enum elf_xen_note {
	ELF_XEN_ENTRY = 1,
	ELF_XEN_HYPERCALL_PAGE = 2,
	ELF_XEN_VIRT_BASE = 3,
	ELF_XEN_PADDR_OFFSET = 4,
	ELF_XEN_XEN_VERSION = 5,
	ELF_XEN_GUEST_OS = 6,
	ELF_XEN_GUEST_VERSION = 7,
	ELF_XEN_LOADER = 8,
	ELF_XEN_PAE_MODE = 9,
	ELF_XEN_FEATURES = 10,
	ELF_XEN_BSD_SYMTAB = 11,
	ELF_XEN_HV_START_LOW = 12,
	ELF_XEN_L1_MFN_VALID = 13,
	ELF_XEN_SUSPEND_CANCEL = 14,
	ELF_XEN_INIT_P2M = 15,
	ELF_XEN_MOD_START_PFN = 16,
	ELF_XEN_SUPPORTED_FEATURES = 17,
	ELF_XEN_PHYS32_ENTRY = 18,
	ELF_XEN_PHYS32_RELOC = 19,
	ELF_XEN_NOTE_MAX = 19,
};

/* The Xen notes; a number that has no note is 0, a text {NULL, 0}. */
struct elf_xen {
	uint32_t present;
	uint64_t entry; /* virtual; e_entry when there is no note */
	uint64_t hypercall_page; /* virtual */
	uint64_t virt_base;
	uint64_t paddr_offset;
	uint64_t hv_start_low;
	uint64_t init_p2m;
	uint64_t phys32_entry;
	uint64_t l1_mfn_mask;
	uint64_t l1_mfn_value;
	uint32_t reloc_align; /* PHYS32_RELOC, for PVH */
	uint32_t reloc_min;
	uint32_t reloc_max;
	bool suspend_cancel;
	bool mod_start_pfn;
	bool bsd_symtab;
	struct elf_str guest_os;
	struct elf_str guest_version;
	struct elf_str xen_version;
	struct elf_str loader;
	struct elf_str pae_mode;
	struct elf_str feature_text;
	/* XENFEAT_* bits: what the kernel can use, and what it insists on. */
	uint32_t features_supported;
	uint32_t features_required;
	/* A name after '!' that we have never heard of; refused by elf_xen_check. */
	struct elf_str unknown_required;
	/* Filled by elf_xen_check: the kernel's segments in virtual addresses. */
	uint64_t virt_start;
	uint64_t virt_end;
};

/* What the builder offers, for elf_xen_check. */
struct elf_xen_policy {
	bool control_domain; /* XENFEAT_dom0 is then a must */
	uint32_t features_offered; /* XENFEAT_* bits that a "!name" may ask for */
	uint64_t hv_start; /* the hypervisor's hole in the address space, */
	uint64_t hv_end; /* [hv_start, hv_end), hv_end being its end */
};

/* True if @data begins like an ELF file of any class. */
bool elf_is_elf(const void *data, size_t size);

/* The ELF and program headers: class, machine, all segments inside the file. */
const char *elf_parse(struct elf_image *elf, const void *data, size_t size);

/*
 * Reads the notes owned by "Xen" in all PT_NOTE segments or, if these have
 * none, in the SHT_NOTE sections. A kernel without any is no PV kernel.
 */
const char *elf_xen_parse(const struct elf_image *elf, struct elf_xen *xen);

/*
 * Can a 64-bit PV domain be made of it? Checks the notes against each other,
 * against the segments and against @policy, and sets virt_start and virt_end
 * (whole bytes; round as you need).
 */
const char *elf_xen_check(const struct elf_image *elf, struct elf_xen *xen,
			  const struct elf_xen_policy *policy);

/* Where a load address of the file appears to the kernel; wraps freely. */
static inline uint64_t elf_xen_virt(const struct elf_xen *xen, uint64_t paddr)
{
	return paddr - xen->paddr_offset + xen->virt_base;
}

/*
 * Called by elf_load for each segment: the @copy bytes at @src go to @paddr,
 * @zero bytes of zeroes follow them. NULL to go on, or a reason to stop.
 */
typedef const char *elf_load_fn(void *ctx, uint64_t paddr, const void *src, uint64_t copy,
				uint64_t zero);

/* Presents every loadable segment in file order; returns @fn's reason if any. */
const char *elf_load(const struct elf_image *elf, elf_load_fn *fn, void *ctx);

/*
 * Loads into one buffer, whose first byte stands for pstart. Bytes that are in
 * no segment are not touched. Fails only if @len is less than pend - pstart.
 */
const char *elf_load_flat(const struct elf_image *elf, void *buf, uint64_t len);

/* Is the text, whatever its length, equal to the C string? */
bool elf_str_eq(const struct elf_str *text, const char *s);

/* XENFEAT_* number of a feature's name, or -1. */
int elf_feature_number(const char *name, size_t len);

#endif
