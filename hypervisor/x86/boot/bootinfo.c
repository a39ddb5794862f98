/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Reads what Multiboot 1 and Multiboot 2 loaders hand over. See hv/bootinfo.h.
 *
 * (X8) Pointers are the loader's word; lengths and counts are checked, so that nothing
 * outside of what they point to is read.
 */
#include <hv/bootinfo.h>
#include <hv/lib.h>
#include <arch/page.h>

#define MB1_LOADER_MAGIC 0x2badb002
#define MB2_LOADER_MAGIC 0x36d76289

#define MB1_INFO_CMDLINE (1U << 2)
#define MB1_INFO_MODS    (1U << 3)
#define MB1_INFO_MMAP    (1U << 6)

/* What a loader can mean seriously */
#define MB1_STRING_MAX 4096U
#define MB1_MODS_MAX   64U
#define MB2_TOTAL_MAX  (1U << 20)

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
};

struct mb1_module {
	uint32_t start, end, string, reserved;
};

struct mb1_mmap {
	uint32_t size; /* of the rest */
	uint64_t addr, len;
	uint32_t type;
} __packed;

enum {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_EFI64_ST = 12,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15
};

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char string[];
};

struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
	char entries[];
};

struct mb2_mmap_entry {
	uint64_t addr, len;
	uint32_t type, zero;
};

struct boot_info boot_info __initdata;
struct e820_map machine_e820 __ro_after_init;

/* GRUB writes a placeholder there, QEMU the file name: the first word is never ours. */
static void __init copy_args(char *dst, size_t size, const char *src, size_t max)
{
	size_t i = 0, n;

	while (i < max && src[i] && src[i] != ' ')
		i++;
	while (i < max && src[i] == ' ')
		i++;
	n = min(strnlen(src + i, max - i), size - 1);
	memcpy(dst, src + i, n);
	dst[n] = 0;
}

static void __init add_module(paddr_t start, paddr_t end, const char *string, size_t max)
{
	struct boot_module *m = &boot_info.module[boot_info.nr_modules];

	if (boot_info.nr_modules == BOOT_MODULES_MAX || end <= start)
		return;
	m->start = start;
	m->size = end - start;
	copy_args(m->args, sizeof(m->args), string, max);
	boot_info.nr_modules++;
}

static void __init add_range(uint64_t addr, uint64_t size, uint32_t type)
{
	struct e820_map *map = &machine_e820;

	if (map->nr < E820_MAX && size)
		map->e[map->nr++] = (struct e820_entry){addr, size, type};
}

static void __init read_mb1(paddr_t pa)
{
	const struct mb1_info *mbi = paddr_to_virt(pa);

	boot_info.loader = "Multiboot 1";
	if (mbi->flags & MB1_INFO_CMDLINE)
		copy_args(boot_info.cmdline, sizeof(boot_info.cmdline), paddr_to_virt(mbi->cmdline),
			  MB1_STRING_MAX);
	if (mbi->flags & MB1_INFO_MODS) {
		const struct mb1_module *m = paddr_to_virt(mbi->mods_addr);

		for (uint32_t i = 0; i < min(mbi->mods_count, MB1_MODS_MAX); i++)
			add_module(m[i].start, m[i].end,
				   m[i].string ? paddr_to_virt(m[i].string) : "",
				   m[i].string ? MB1_STRING_MAX : 1);
	}
	if (mbi->flags & MB1_INFO_MMAP) {
		const char *p = paddr_to_virt(mbi->mmap_addr), *end = p + mbi->mmap_length;

		while (end - p >= (long)sizeof(struct mb1_mmap)) {
			const struct mb1_mmap *e = (const void *)p;

			if (e->size < sizeof(*e) - sizeof(e->size))
				break;
			add_range(e->addr, e->len, e->type);
			p += (uint64_t)e->size + sizeof(e->size);
		}
	}
}

static void __init read_mb2_mmap(const struct mb2_mmap *t)
{
	if (t->tag.size < sizeof(*t) || t->entry_size < sizeof(struct mb2_mmap_entry))
		return;
	for (uint32_t left = t->tag.size - sizeof(*t), off = 0; left >= t->entry_size;
	     left -= t->entry_size, off += t->entry_size) {
		struct mb2_mmap_entry e;

		memcpy(&e, t->entries + off, sizeof(e));
		add_range(e.addr, e.len, e.type);
	}
}

static void __init read_mb2_rsdp(const struct mb2_tag *t)
{
	/* The newer one, if there are both. */
	if (boot_info.has_rsdp && t->type == MB2_ACPI_OLD)
		return;
	memset(boot_info.rsdp, 0, sizeof(boot_info.rsdp));
	memcpy(boot_info.rsdp, t + 1, min(t->size - sizeof(*t), sizeof(boot_info.rsdp)));
	boot_info.has_rsdp = true;
}

/* @t is whole. */
static void __init read_mb2_tag(const struct mb2_tag *t)
{
	const struct mb2_module *m = (const void *)t;

	switch (t->type) {
	case MB2_CMDLINE:
		/* GRUB leaves the file name out and its menu writes a placeholder. */
		copy_args(boot_info.cmdline, sizeof(boot_info.cmdline), (const char *)(t + 1),
			  t->size - sizeof(*t));
		break;
	case MB2_MODULE:
		if (t->size >= sizeof(*m))
			add_module(m->start, m->end, m->string, t->size - sizeof(*m));
		break;
	case MB2_MMAP:
		read_mb2_mmap((const void *)t);
		break;
	case MB2_EFI64_ST:
		if (t->size >= sizeof(*t) + sizeof(uint64_t))
			memcpy(&boot_info.efi_systab, t + 1, sizeof(uint64_t));
		break;
	case MB2_ACPI_OLD:
	case MB2_ACPI_NEW:
		read_mb2_rsdp(t);
		break;
	default:
		break;
	}
}

static void __init read_mb2(paddr_t pa)
{
	const char *base = paddr_to_virt(pa);
	uint32_t total, off = 8;

	memcpy(&total, base, sizeof(total));
	total = min(total, MB2_TOTAL_MAX);
	boot_info.loader = "Multiboot 2";
	while (off < total && total - off >= sizeof(struct mb2_tag)) {
		const struct mb2_tag *t = (const void *)(base + off);

		if (t->type == MB2_END || t->size < sizeof(*t) || t->size > total - off)
			return;
		read_mb2_tag(t);
		off += ROUND_UP(t->size, 8U);
	}
}

bool __init bootinfo_read(uint32_t magic, paddr_t info)
{
	if (magic == MB1_LOADER_MAGIC)
		read_mb1(info);
	else if (magic == MB2_LOADER_MAGIC)
		read_mb2(info);
	else
		return false;
	e820_sanitize(&machine_e820);
	return true;
}
