/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * hv/elf.h and hv/bzimage.h: a kernel made here is read and loaded right, each
 * kind of damage is named, and no damage at random makes the parsers read
 * outside of the file (the sanitizers watch; the file ends at its heap block's
 * end) or accept what doesn't fit.
 *
 * With kernel images as arguments (bzImage or ELF) it prints what is in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bzimage.h>
#include <hv/elf.h>

#include "../../../hypervisor/lib/elf_format.h"

#define VBASE      0xffffffff80000000ull
#define HOLE_START 0xffff800000000000ull
#define HOLE_END   0xffff880000000000ull

/* A kernel under construction: 4 KiB of file, segments as the test wants. */
struct kernel {
	uint8_t file[4096];
	size_t size;
	size_t notes_len;
};

enum { PH_TEXT, PH_DATA, PH_NOTE, PH_COUNT };
#define NOTES_OFF 2048

static struct elf64_ehdr *kernel_ehdr(struct kernel *k)
{
	return (struct elf64_ehdr *)k->file;
}

static struct elf64_phdr *kernel_phdr(struct kernel *k, int i)
{
	return (struct elf64_phdr *)(k->file + 64) + i;
}

static void kernel_note(struct kernel *k, uint32_t type, const void *desc, size_t len)
{
	struct elf64_nhdr nh = {4, (uint32_t)len, type};
	uint8_t *p = k->file + NOTES_OFF + k->notes_len;

	memcpy(p, &nh, sizeof(nh));
	memcpy(p + sizeof(nh), "Xen", 4);
	memcpy(p + sizeof(nh) + 4, desc, len);
	k->notes_len += sizeof(nh) + 4 + ((len + 3) & ~3ul);
	kernel_phdr(k, PH_NOTE)->p_filesz = k->notes_len;
}

static void kernel_number(struct kernel *k, uint32_t type, uint64_t value)
{
	kernel_note(k, type, &value, sizeof(value));
}

static void kernel_text(struct kernel *k, uint32_t type, const char *s)
{
	kernel_note(k, type, s, strlen(s) + 1);
}

static void kernel_init(struct kernel *k)
{
	struct elf64_ehdr eh = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = 0x1000000,
		.e_phoff = 64,
		.e_ehsize = 64,
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = PH_COUNT,
	};
	size_t i;

	memset(k, 0, sizeof(*k));
	for (i = 1024; i < sizeof(k->file); i++) {
		k->file[i] = (uint8_t)(i * 7 + 1);
	}
	k->size = sizeof(k->file);
	memcpy(k->file, &eh, sizeof(eh));
	*kernel_phdr(k, PH_TEXT) = (struct elf64_phdr){.p_type = PT_LOAD,
						       .p_offset = 1024,
						       .p_vaddr = VBASE + 0x1000000,
						       .p_paddr = 0x1000000,
						       .p_filesz = 512,
						       .p_memsz = 512};
	*kernel_phdr(k, PH_DATA) = (struct elf64_phdr){.p_type = PT_LOAD,
						       .p_offset = 1536,
						       .p_vaddr = 0, /* as Linux' per-CPU data */
						       .p_paddr = 0x1001000,
						       .p_filesz = 256,
						       .p_memsz = 0x2000};
	*kernel_phdr(k, PH_NOTE) =
		(struct elf64_phdr){.p_type = PT_NOTE, .p_offset = NOTES_OFF, .p_align = 4};
	kernel_text(k, ELF_XEN_XEN_VERSION, "xen-3.0");
	kernel_text(k, ELF_XEN_LOADER, "generic");
	kernel_number(k, ELF_XEN_ENTRY, VBASE + 0x1000010);
	kernel_number(k, ELF_XEN_VIRT_BASE, VBASE);
	kernel_number(k, ELF_XEN_PADDR_OFFSET, 0);
}

static const struct elf_xen_policy dom0_policy = {
	.control_domain = true,
	.features_offered = 1 << 0 | 1 << 4,
	.hv_start = HOLE_START,
	.hv_end = HOLE_END,
};

/* All three steps on an exactly sized copy, so that an overrun is caught. */
static const char *kernel_check(const struct kernel *k, struct elf_image *elf, struct elf_xen *xen,
				const struct elf_xen_policy *policy)
{
	uint8_t *copy = malloc(k->size ? k->size : 1);
	const char *why;

	memcpy(copy, k->file, k->size);
	why = elf_parse(elf, copy, k->size);
	if (!why) {
		why = elf_xen_parse(elf, xen);
	}
	if (!why) {
		why = elf_xen_check(elf, xen, policy);
	}
	free(copy);
	return why;
}

static void expect_reason(const struct kernel *k, const char *part)
{
	static const struct elf_xen_policy guest = {
		.hv_start = HOLE_START, .hv_end = HOLE_END, .features_offered = 1};
	struct elf_image elf;
	struct elf_xen xen;
	const char *why = kernel_check(k, &elf, &xen, &guest);

	if (part == NULL) {
		assert_null(why);
		return;
	}
	if (why == NULL || strstr(why, part) == NULL) {
		fail_msg("expected \"...%s...\", got \"%s\"", part, why ? why : "success");
	}
}

static void test_good_kernel(void **state)
{
	const uint64_t pair[2] = {1, 1};
	const uint32_t reloc[3] = {0x200000, 0x1000000, 0x3fffffff};
	struct elf_image elf;
	struct elf_xen xen;
	struct kernel k;

	kernel_init(&k);
	kernel_number(&k, ELF_XEN_HV_START_LOW, HOLE_START);
	kernel_number(&k, ELF_XEN_INIT_P2M, 0x8000000000);
	kernel_note(&k, ELF_XEN_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb|bogus", 47);
	kernel_note(&k, ELF_XEN_MOD_START_PFN, "\1\0\0\0", 4);
	kernel_note(&k, ELF_XEN_SUSPEND_CANCEL, "\1\0\0\0", 4);
	kernel_note(&k, ELF_XEN_SUPPORTED_FEATURES, "\x01\x88\0\0", 4);
	kernel_note(&k, ELF_XEN_L1_MFN_VALID, pair, sizeof(pair));
	kernel_note(&k, ELF_XEN_PHYS32_RELOC, reloc, sizeof(reloc));
	kernel_text(&k, ELF_XEN_PAE_MODE, "yes");
	kernel_number(&k, 77, 1);
	assert_null(elf_parse(&elf, k.file, k.size));
	assert_null(elf_xen_parse(&elf, &xen));
	assert_null(elf_xen_check(&elf, &xen, &dom0_policy));
	assert_int_equal(elf.pstart, 0x1000000);
	assert_int_equal(elf.pend, 0x1003000);
	assert_int_equal(xen.virt_start, VBASE + 0x1000000);
	assert_int_equal(xen.virt_end, VBASE + 0x1003000);
	assert_int_equal(xen.entry, VBASE + 0x1000010);
	assert_int_equal(xen.features_required, 1);
	assert_int_equal(xen.features_supported, 0x8811);
	assert_int_equal(xen.feature_text.len, 47);
	assert_true(xen.mod_start_pfn && xen.suspend_cancel);
	assert_int_equal(xen.l1_mfn_mask, 1);
	assert_int_equal(xen.reloc_max, 0x3fffffff);
	assert_true(elf_str_eq(&xen.pae_mode, "yes"));
	assert_true(ELF_XEN_HAS(&xen, ELF_XEN_INIT_P2M));
	assert_false(ELF_XEN_HAS(&xen, ELF_XEN_HYPERCALL_PAGE));
}

static void test_load(void **state)
{
	struct elf_image elf;
	struct kernel k;
	uint8_t *mem = malloc(0x3000);
	size_t i;

	kernel_init(&k);
	assert_null(elf_parse(&elf, k.file, k.size));
	memset(mem, 0xee, 0x3000);
	assert_non_null(elf_load_flat(&elf, mem, 0x2fff));
	assert_int_equal(mem[0], 0xee);
	assert_null(elf_load_flat(&elf, mem, 0x3000));
	assert_memory_equal(mem, k.file + 1024, 512);
	assert_int_equal(mem[512], 0xee);
	assert_memory_equal(mem + 0x1000, k.file + 1536, 256);
	for (i = 0x1100; i < 0x3000; i++) {
		assert_int_equal(mem[i], 0);
	}
	free(mem);
}

static void test_header_reasons(void **state)
{
	struct kernel k;

	kernel_init(&k);
	expect_reason(&k, NULL);
	k.size = 3;
	expect_reason(&k, "not an ELF");
	k.size = 63;
	expect_reason(&k, "incomplete header");
	k.size = 100;
	expect_reason(&k, "incomplete program headers");
	k.size = 1600;
	expect_reason(&k, "a segment ends behind");
	k.size = NOTES_OFF + 8;
	expect_reason(&k, "note segment ends behind");
	kernel_init(&k);
	k.file[4] = ELFCLASS32;
	expect_reason(&k, "32-bit");
	kernel_init(&k);
	kernel_ehdr(&k)->e_machine = 183;
	expect_reason(&k, "machine");
	kernel_init(&k);
	kernel_ehdr(&k)->e_type = 1;
	expect_reason(&k, "not an executable");
	kernel_init(&k);
	kernel_ehdr(&k)->e_phnum = ELF_MAX_SEGMENTS + 1;
	expect_reason(&k, "too many");
	kernel_init(&k);
	kernel_ehdr(&k)->e_phoff = UINT64_MAX - 8;
	expect_reason(&k, "incomplete program headers");
	kernel_init(&k);
	kernel_phdr(&k, PH_DATA)->p_memsz = 255;
	expect_reason(&k, "larger in the file");
	kernel_init(&k);
	kernel_phdr(&k, PH_DATA)->p_offset = UINT64_MAX - 100;
	expect_reason(&k, "a segment ends behind");
	kernel_init(&k);
	kernel_phdr(&k, PH_DATA)->p_memsz = UINT64_MAX - 0x100000;
	expect_reason(&k, "wraps");
	kernel_init(&k);
	kernel_phdr(&k, PH_DATA)->p_type = 0;
	kernel_phdr(&k, PH_TEXT)->p_type = 0;
	expect_reason(&k, "nothing to load");
}

static void expect_number(uint32_t note, uint64_t value, const char *part)
{
	struct kernel k;

	kernel_init(&k);
	kernel_number(&k, note, value);
	expect_reason(&k, part);
}

static void expect_text(uint32_t note, const char *value, const char *part)
{
	struct kernel k;

	kernel_init(&k);
	kernel_text(&k, note, value);
	expect_reason(&k, part);
}

static void test_note_reasons(void **state)
{
	struct elf_image elf;
	struct elf_xen xen;
	struct kernel k;

	expect_text(ELF_XEN_XEN_VERSION, "xen-4.0", "XEN_VERSION");
	expect_text(ELF_XEN_LOADER, "special", "LOADER");
	expect_text(ELF_XEN_FEATURES, "!writable_page_tables|dom0", NULL);
	expect_text(ELF_XEN_FEATURES, "!auto_translated_physmap", "not offered");
	expect_text(ELF_XEN_FEATURES, "dom0|!new_thing", "unknown");
	expect_text(ELF_XEN_FEATURES, "new_thing||!", NULL);
	expect_number(ELF_XEN_ENTRY, VBASE + 0x1003000, "entry point");
	expect_number(ELF_XEN_ENTRY, 0, "entry point");
	expect_number(ELF_XEN_VIRT_BASE, 0xffff800000000000, "belong to the hypervisor");
	expect_number(ELF_XEN_VIRT_BASE, 0x7fffffffe000, "address space");
	expect_number(ELF_XEN_VIRT_BASE, 0xfffffffffff00000, "address space");
	expect_number(ELF_XEN_PADDR_OFFSET, 0x2000000, "PADDR_OFFSET");
	expect_number(ELF_XEN_HYPERCALL_PAGE, VBASE + 0x1001000, NULL);
	expect_number(ELF_XEN_HYPERCALL_PAGE, VBASE + 0x1001008, "hypercall page");
	expect_number(ELF_XEN_HYPERCALL_PAGE, VBASE + 0x1003000, "hypercall page");
	expect_number(ELF_XEN_HV_START_LOW, 0xffff900000000000, "HV_START_LOW");
	expect_number(ELF_XEN_INIT_P2M, 0x8000000001, "INIT_P2M");
	expect_number(ELF_XEN_INIT_P2M, VBASE + 0x1000000, "INIT_P2M");
	expect_number(ELF_XEN_INIT_P2M, HOLE_START, "INIT_P2M");
	expect_text(ELF_XEN_INIT_P2M, "ab", "INIT_P2M is not a number");
	expect_text(ELF_XEN_L1_MFN_VALID, "ab", "L1_MFN_VALID");

	kernel_init(&k);
	assert_string_equal(kernel_check(&k, &elf, &xen, &dom0_policy),
			    "kernel can't be a control domain: it doesn't support feature dom0");
	kernel_phdr(&k, PH_NOTE)->p_filesz = 0;
	expect_reason(&k, "no Xen ELF notes");
	kernel_init(&k);
	kernel_phdr(&k, PH_NOTE)->p_filesz -= 2;
	expect_reason(&k, "ELF note ends behind");
}

/* Linkers may leave notes to sections alone. */
static void test_note_sections(void **state)
{
	struct elf64_shdr *sh;
	struct kernel k;

	kernel_init(&k);
	sh = (struct elf64_shdr *)(k.file + 512);
	memset(sh, 0, sizeof(*sh));
	sh->sh_type = SHT_NOTE;
	sh->sh_offset = NOTES_OFF;
	sh->sh_size = kernel_phdr(&k, PH_NOTE)->p_filesz;
	kernel_phdr(&k, PH_NOTE)->p_type = 0;
	kernel_ehdr(&k)->e_shoff = 512;
	kernel_ehdr(&k)->e_shnum = 1;
	kernel_ehdr(&k)->e_shentsize = sizeof(*sh);
	expect_reason(&k, NULL);
	sh->sh_size = UINT64_MAX;
	expect_reason(&k, "note section ends behind");
	kernel_ehdr(&k)->e_shoff = UINT64_MAX - 3;
	expect_reason(&k, "no Xen ELF notes");
}

static void fuzz_once(struct kernel *k)
{
	struct elf_image elf;
	struct elf_xen xen;
	int i, n = 1 + rand() % 6;

	for (i = 0; i < n; i++) {
		size_t at = rand() % 3 ? rand() % 400 : NOTES_OFF + rand() % 300;

		k->file[at] = rand() % 2 ? (uint8_t)rand() : (uint8_t)(rand() % 2 * 255);
	}
	k->size = rand() % 4 ? sizeof(k->file) : (size_t)rand() % sizeof(k->file);
	if (kernel_check(k, &elf, &xen, &dom0_policy) == NULL) {
		assert_true(elf.pstart < elf.pend && xen.virt_start < xen.virt_end);
		assert_true(xen.entry >= xen.virt_start && xen.entry < xen.virt_end);
		assert_true(xen.virt_end <= HOLE_START || xen.virt_start >= HOLE_END);
	}
}

static void test_fuzz(void **state)
{
	struct kernel good, k;
	int i;

	kernel_init(&good);
	kernel_number(&good, ELF_XEN_INIT_P2M, 0x8000000000);
	kernel_text(&good, ELF_XEN_FEATURES, "!writable_page_tables|dom0");
	srand(1);
	for (i = 0; i < 200000; i++) {
		k = good;
		fuzz_once(&k);
	}
}

static void make_bzimage(uint8_t *image, size_t size)
{
	memset(image, 0, size);
	image[0x1f1] = 1;
	image[0x1fe] = 0x55;
	image[0x1ff] = 0xaa;
	memcpy(image + 0x202, "HdrS", 4);
	image[0x206] = 0x0f;
	image[0x207] = 0x02;
	image[0x248] = 0x10; /* payload at 1024 + 16, of 100 bytes */
	image[0x24c] = 100;
	memcpy(image + 1040,
	       "\xfd"
	       "7zXZ\0",
	       6);
	memcpy(image + 1136, "\x78\x56\x34\x12", 4);
}

static void test_bzimage(void **state)
{
	const size_t size = 1140;
	uint8_t *image = malloc(size);
	struct bzimage bz;

	make_bzimage(image, size);
	assert_null(bzimage_parse(&bz, image, size));
	assert_int_equal(bz.kind, PAYLOAD_XZ);
	assert_int_equal(bz.len, 96);
	assert_int_equal(bz.unpacked, 0x12345678);
	assert_ptr_equal(bz.data, image + 1040);
	memcpy(image + 1040, "\x1f\x8b\x08", 3);
	assert_null(bzimage_parse(&bz, image, size));
	assert_int_equal(bz.kind, PAYLOAD_GZIP);
	assert_int_equal(bz.len, 100);
	image[1040] = 0;
	assert_non_null(strstr(bzimage_parse(&bz, image, size), "unknown"));
	make_bzimage(image, size);
	assert_non_null(strstr(bzimage_parse(&bz, image, size - 1), "truncated"));
	image[0x24b] = 0xff;
	assert_non_null(strstr(bzimage_parse(&bz, image, size), "truncated"));
	make_bzimage(image, size);
	image[0x206] = 7;
	assert_non_null(strstr(bzimage_parse(&bz, image, size), "2.08"));
	image[0x202] = 'h';
	assert_non_null(strstr(bzimage_parse(&bz, image, size), "not a bzImage"));
	make_bzimage(image, size);
	image[0x24c] = 3;
	assert_non_null(strstr(bzimage_parse(&bz, image, size), "no payload"));
	free(image);
	assert_int_equal(payload_identify("\x28\xb5\x2f\xfd", 4), PAYLOAD_ZSTD);
	assert_int_equal(payload_identify("\x28\xb5\x2f", 3), PAYLOAD_UNKNOWN);
	assert_int_equal(payload_identify("\x02\x21\x4c\x18", 4), PAYLOAD_LZ4);
	assert_int_equal(payload_identify("", 0), PAYLOAD_UNKNOWN);
}

static void show_elf(const void *data, size_t size)
{
	struct elf_image elf;
	struct elf_xen xen;
	const char *why = elf_parse(&elf, data, size);

	why = why ? why : elf_xen_parse(&elf, &xen);
	why = why ? why : elf_xen_check(&elf, &xen, &dom0_policy);
	if (why) {
		printf("  %s\n", why);
		return;
	}
	printf("  load %#lx..%#lx entry %#lx virt %#lx..%#lx p2m %#lx features %#x, %#x required\n",
	       elf.pstart, elf.pend, xen.entry, xen.virt_start, xen.virt_end, xen.init_p2m,
	       xen.features_supported, xen.features_required);
}

static int show(const char *path)
{
	struct bzimage bz;
	const char *why;
	uint8_t *data;
	FILE *f = fopen(path, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		return 1;
	}
	rewind(f);
	data = malloc((size_t)size + 1);
	size = (long)fread(data, 1, (size_t)size, f);
	fclose(f);
	printf("%s:\n", path);
	if (elf_is_elf(data, (size_t)size)) {
		show_elf(data, (size_t)size);
	} else {
		why = bzimage_parse(&bz, data, (size_t)size);
		if (why) {
			printf("  %s\n", why);
		} else {
			printf("  %s payload at %#tx, %zu bytes, unpacked %u\n",
			       payload_name(bz.kind), (const uint8_t *)bz.data - data, bz.len,
			       bz.unpacked);
		}
	}
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_kernel),    cmocka_unit_test(test_load),
		cmocka_unit_test(test_header_reasons), cmocka_unit_test(test_note_reasons),
		cmocka_unit_test(test_note_sections),  cmocka_unit_test(test_fuzz),
		cmocka_unit_test(test_bzimage),
	};
	int i, ret = 0;

	for (i = 1; i < argc; i++) {
		ret |= show(argv[i]);
	}
	return argc > 1 ? ret : cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
