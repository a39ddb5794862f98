/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Kernel and ramdisk files: what is accepted, and that everything else is
 * refused with one line that names the file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dom0-tools/libdomain/decompress.h"
#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"
#include "tests/unit/libdomain/fake_hv.h"
#include "tests/unit/libdomain/make_kernel.h"

static struct dom_ctx *ctx;

static int setup(void **state)
{
	fake_reset();
	return dom_open(DOM_OPEN_NO_STORE, NULL, &ctx);
}

static int teardown(void **state)
{
	dom_close(ctx);
	make_files_remove();
	return 0;
}

/* One line, with the file's name, and no newline. */
static void check_message(const char *path)
{
	assert_non_null(strstr(dom_errmsg(ctx), path));
	assert_null(strchr(dom_errmsg(ctx), '\n'));
}

static int load(const void *data, size_t len, struct dom_kernel *k)
{
	const char *path = make_file(data, len);
	int rc = dom_kernel_load(ctx, path, k);

	if (rc) {
		check_message(path);
	}
	return rc;
}

static int load_made(const struct make_kernel *m)
{
	struct dom_kernel k;
	size_t len;
	uint8_t *elf = make_kernel_elf(m, &len);
	int rc = load(elf, len, &k);

	if (!rc) {
		dom_kernel_free(&k);
	}
	free(elf);
	return rc;
}

static void check_default(const struct dom_kernel *k, const struct make_kernel *m)
{
	assert_int_equal(k->nr_segments, 2);
	assert_int_equal(k->paddr_start, m->paddr);
	assert_int_equal(k->paddr_end, m->paddr + m->size + m->bss);
	assert_int_equal(k->entry, m->entry);
	assert_int_equal(k->virt_base, m->virt_base);
	assert_true(k->has_init_p2m);
	assert_int_equal(k->init_p2m, m->init_p2m);
	assert_true(k->mod_start_pfn);
	assert_false(k->has_hypercall_page);
	assert_string_equal(k->guest_os, "linux");
	for (uint64_t i = 0; i < k->segments[1].filesz; i++) {
		assert_int_equal(k->segments[1].data[i], make_kernel_byte(0x1000 + i));
	}
}

static void test_containers(void **state)
{
	struct make_kernel m;
	size_t elf_len, len, bz_len;
	uint8_t *elf;

	make_kernel_default(&m);
	elf = make_kernel_elf(&m, &elf_len);
	for (enum pack pack = PACK_NONE; pack < PACK_NR; pack++) {
		uint8_t *packed = make_packed(pack, elf, elf_len, &len);
		uint8_t *bz = make_bzimage(packed, len, &bz_len);
		struct dom_kernel k;

		/* On its own, and inside a bzImage. */
		assert_int_equal(load(packed, len, &k), 0);
		check_default(&k, &m);
		dom_kernel_free(&k);
		assert_int_equal(load(bz, bz_len, &k), 0);
		check_default(&k, &m);
		dom_kernel_free(&k);
		free(bz);
		free(packed);
	}
	free(elf);
}

/* Any truncation and any flipped byte of a payload is noticed, or harmless. */
static void test_damage(void **state)
{
	struct make_kernel m;
	size_t elf_len, len, bz_len;
	uint8_t *elf;

	make_kernel_default(&m);
	elf = make_kernel_elf(&m, &elf_len);
	for (enum pack pack = PACK_GZIP; pack < PACK_NR; pack++) {
		uint8_t *packed = make_packed(pack, elf, elf_len, &len);
		uint8_t *bz = make_bzimage(packed, len, &bz_len);
		struct dom_kernel k;

		for (size_t cut = 600; cut < bz_len - 64; cut += bz_len / 37) {
			assert_true(load(bz, cut, &k) < 0);
		}
		for (size_t at = 3000; at < bz_len - 80; at += bz_len / 61) {
			bz[at] ^= 0x55;
			/* LZMA alone and LZ4 have no check sum. */
			if (!load(bz, bz_len, &k)) {
				assert_true(pack == PACK_LZ4 || pack == PACK_LZMA ||
					    pack == PACK_ZSTD);
				dom_kernel_free(&k);
			}
			bz[at] ^= 0x55;
		}
		make_files_remove();
		free(bz);
		free(packed);
	}
	free(elf);
}

static void test_wrong_size(void **state)
{
	uint8_t content[5000], out[6000];
	size_t len;

	for (size_t i = 0; i < sizeof(content); i++) {
		content[i] = make_kernel_byte(i * i);
	}
	for (enum pack pack = PACK_GZIP; pack < PACK_NR; pack++) {
		uint8_t *p = make_packed(pack, content, sizeof(content), &len);

		assert_non_null(decompress_name(p, len));
		assert_int_equal(decompress(ctx, p, len, out, sizeof(content)), 0);
		assert_memory_equal(out, content, sizeof(content));
		assert_true(decompress(ctx, p, len, out, sizeof(content) - 1) < 0);
		assert_true(decompress(ctx, p, len, out, sizeof(content) + 1) < 0);
		free(p);
	}
	assert_int_equal(decompress(ctx, content, sizeof(content), out, 10), -EILSEQ);
}

static void test_notes(void **state)
{
	struct make_kernel m;
	struct dom_kernel k;
	size_t len;
	uint8_t *elf;

	make_kernel_default(&m);
	m.section_notes = true;
	assert_int_equal(load_made(&m), 0);

	/* GRUB's shape: loaded from 0, at 0, without anything special. */
	make_kernel_default(&m);
	m.paddr = 0;
	m.virt_base = 0;
	m.entry = 0x10;
	m.has_init_p2m = m.mod_start_pfn = false;
	m.guest_os = "GRUB";
	m.has_hypercall_page = true;
	m.hypercall_page = 0x2000;
	elf = make_kernel_elf(&m, &len);
	assert_int_equal(load(elf, len, &k), 0);
	assert_false(k.has_init_p2m);
	assert_false(k.mod_start_pfn);
	assert_int_equal(k.hypercall_page, 0x2000);
	dom_kernel_free(&k);
	free(elf);
}

static void test_unfit(void **state)
{
	struct make_kernel m;

#define UNFIT(change)                                      \
	do {                                               \
		make_kernel_default(&m);                   \
		change;                                    \
		assert_int_equal(load_made(&m), -ENOEXEC); \
	} while (0)

	UNFIT(m.no_notes = true);
	UNFIT(m.entry = 0);
	UNFIT((m.entry = 0, m.phys32_entry = true));
	assert_non_null(strstr(dom_errmsg(ctx), "PVH"));
	UNFIT(m.entry = 0xffffffff80000000);
	UNFIT(m.entry = 0x1000040);
	UNFIT(m.xen_version = "xen-2.0");
	UNFIT(m.loader = "special");
	UNFIT(m.features = "!auto_translated_physmap");
	UNFIT(m.virt_base = 0xffffffff80000800);
	UNFIT(m.machine = 40);
	UNFIT(m.paddr = 1ULL << 40);
	UNFIT((m.has_hypercall_page = true, m.hypercall_page = 0x1000));
	UNFIT((m.has_hypercall_page = true, m.hypercall_page = m.entry));
#undef UNFIT
}

/* Headers with nonsense in them: any error will do, a crash won't. */
static void test_nonsense(void **state)
{
	struct make_kernel m;
	struct dom_kernel k;
	size_t len;
	uint8_t *elf;

	make_kernel_default(&m);
	elf = make_kernel_elf(&m, &len);
	for (size_t at = 4; at < 512 + 400; at++) {
		uint8_t saved = elf[at];

		for (unsigned int v = 0; v < 3; v++) {
			elf[at] = (uint8_t[]){0, 0xff, 0x80}[v];
			if (!load(elf, len, &k)) {
				dom_kernel_free(&k);
			}
		}
		elf[at] = saved;
		make_files_remove();
	}
	free(elf);
}

static void test_no_file(void **state)
{
	struct dom_kernel k;

	assert_int_equal(dom_kernel_load(ctx, "/nonexistent/kernel", &k), -ENOENT);
	check_message("/nonexistent/kernel");
	assert_int_equal(dom_kernel_load(ctx, "/tmp", &k), -EINVAL);
	assert_int_equal(load("", 0, &k), -ENODATA);
	assert_int_equal(load("#!/bin/sh\n", 10, &k), -ENOEXEC);
}

/* ---- ramdisks ------------------------------------------------------------------------- */

static size_t cpio_entry(char *p, const char *name, const char *data)
{
	size_t names = strlen(name) + 1, size = strlen(data), at;

	at = (size_t)sprintf(p, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
			     0x81a4, 0, 0, 1, 0, size, 0, 0, 0, 0, names, 0);
	memcpy(p + at, name, names);
	at = (at + names + 3) & ~3UL;
	memcpy(p + at, data, size);
	return (at + size + 3) & ~3UL;
}

static int ramdisk(const void *data, size_t len, bool linux_guest)
{
	const char *path = make_file(data, len);
	struct dom_blob blob;
	int rc = dom_ramdisk_load(ctx, path, linux_guest, &blob);

	if (rc) {
		check_message(path);
	} else {
		assert_int_equal(blob.len, len);
		assert_memory_equal(blob.data, data, len);
		dom_blob_free(&blob);
	}
	return rc;
}

static void test_ramdisk(void **state)
{
	char cpio[8192] = {0};
	uint8_t two[32768] = {0};
	size_t len, packed_len;

	len = cpio_entry(cpio, "init", "#!/bin/sh\necho here\n");
	len += cpio_entry(cpio + len, "TRAILER!!!", "");
	assert_int_equal(ramdisk(cpio, len, true), 0);
	assert_int_equal(ramdisk(cpio, 1024, true), 0); /* padded */
	assert_int_equal(ramdisk(cpio, len - 20, true), -EILSEQ);
	for (enum pack pack = PACK_GZIP; pack < PACK_NR; pack++) {
		uint8_t *p = make_packed(pack, (uint8_t *)cpio, len, &packed_len);

		packed_len -= 4; /* no size behind a ramdisk */
		assert_int_equal(ramdisk(p, packed_len, true), 0);
		if (pack != PACK_LZMA) { /* which has no end mark to miss */
			assert_int_equal(ramdisk(p, packed_len - 9, true), -EILSEQ);
		}
		/* Microcode in front, as distributions do it. */
		memcpy(two, cpio, 512);
		memcpy(two + 512, p, packed_len);
		assert_int_equal(ramdisk(two, 512 + packed_len, true), 0);
		free(p);
	}
	assert_int_equal(ramdisk("nothing that anybody knows", 26, true), -EINVAL);
	assert_int_equal(ramdisk("nothing that anybody knows", 26, false), 0);
	assert_int_equal(ramdisk("", 0, true), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_containers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ramdisk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
