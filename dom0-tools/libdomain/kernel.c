/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Kernel files: reading, unwrapping (bzImage, compression), ELF segments.
 * The notes are elfnotes.c's. Every number from the file is checked before it
 * is used; nothing of the file is trusted.
 *
 * No state, no locks.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-tools/libdomain/decompress.h"
#include "dom0-tools/libdomain/elfnotes.h"
#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/kernel.h"

#define KERNEL_FILE_MAX (256 * DOM_MIB)
#define KERNEL_SIZE_MAX (1024 * DOM_MIB)
#define BLOB_MAPPED     (256 * 1024u) /* from here on, see blob_alloc() */

/* The Linux/x86 boot protocol's header inside a bzImage. */
#define BZ_SETUP_SECTS    0x1f1
#define BZ_BOOT_FLAG      0x1fe
#define BZ_MAGIC          0x202
#define BZ_VERSION        0x206
#define BZ_PAYLOAD_OFFSET 0x248
#define BZ_PAYLOAD_LENGTH 0x24c
#define BZ_HEADER_END     0x250
#define BZ_SECTOR         512u

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

/* ---- files ---------------------------------------------------------------- */

static int read_all(int fd, uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = read(fd, data + done, len - done);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		if (!got) {
			return -EIO; /* it has become shorter under our eyes */
		}
		done += (size_t)got;
	}
	return 0;
}

/*
 * Room for @len bytes. A large one gets its pages at once: in a PV domain tens
 * of thousands of page faults take longer than unpacking a kernel.
 */
static int blob_alloc(size_t len, struct dom_blob *ret_blob)
{
	void *p;

	if (len < BLOB_MAPPED) {
		*ret_blob = (struct dom_blob){.data = malloc(len), .len = len};
		return ret_blob->data ? 0 : -ENOMEM;
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		 0);

	if (p == MAP_FAILED) {
		return -ENOMEM;
	}
	*ret_blob = (struct dom_blob){.data = p, .len = len, .mapped = len};
	return 0;
}

int dom_blob_read(struct dom_ctx *ctx, const char *what, const char *path, size_t max,
		  struct dom_blob *ret_blob)
{
	struct dom_blob blob = {0};
	struct stat st;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		rc = -errno;
		return dom_err(ctx, rc, "cannot open %s '%s': %s", what, path, strerror(-rc));
	}
	if (fstat(fd, &st)) {
		rc = dom_err_sys(ctx, -errno, "cannot read %s '%s'", what, path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = dom_err(ctx, -EINVAL, "%s '%s' is not a regular file", what, path);
	} else if (!st.st_size) {
		rc = dom_err(ctx, -ENODATA, "%s '%s' is empty", what, path);
	} else if ((uint64_t)st.st_size > max) {
		rc = dom_err(ctx, -EFBIG, "%s '%s' is larger than %zu MiB", what, path,
			     (size_t)(max / DOM_MIB));
	} else {
		rc = blob_alloc((size_t)st.st_size, &blob);
		if (!rc) {
			rc = read_all(fd, blob.data, blob.len);
		}
		if (rc) {
			dom_blob_free(&blob);
			rc = dom_err_sys(ctx, rc, "cannot read %s '%s'", what, path);
		}
	}
	close(fd);
	if (!rc) {
		*ret_blob = blob;
	}
	return rc;
}

void dom_blob_free(struct dom_blob *blob)
{
	if (blob->mapped) {
		munmap(blob->data, blob->mapped);
	} else {
		free(blob->data);
	}
	*blob = (struct dom_blob){0};
}

/* ---- containers ----------------------------------------------------------- */

static bool is_elf(const uint8_t *data, size_t len)
{
	return len >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

/* Unpacks into a new blob; the size is the little-endian word at the end. */
static int unpack(struct dom_ctx *ctx, const char *path, const uint8_t *data, size_t len,
		  struct dom_blob *ret_blob)
{
	const char *format = decompress_name(data, len);
	struct dom_blob blob = {0};
	int rc;

	if (!format || len < 8) {
		return dom_err(ctx, -ENOEXEC,
			       "kernel '%s' is packed in a way that isn't known here (known: gzip, "
			       "XZ, LZMA, LZ4, Zstandard)",
			       path);
	}
	blob.len = le32(data + len - 4);
	if (blob.len < sizeof(Elf64_Ehdr) || blob.len > KERNEL_SIZE_MAX) {
		return dom_err(ctx, -EILSEQ,
			       "kernel '%s' is damaged: a %s payload that says it unpacks to %zu "
			       "bytes (is the file complete?)",
			       path, format, blob.len);
	}
	rc = blob_alloc(blob.len, &blob);
	if (rc) {
		return dom_err_sys(ctx, rc, "unpacking kernel '%s'", path);
	}
	rc = decompress(ctx, data, len, blob.data, blob.len);
	if (rc) {
		dom_blob_free(&blob);
		if (rc == -ENOMEM) {
			return dom_err_sys(ctx, rc, "unpacking kernel '%s'", path);
		}
		return dom_err(ctx, -EILSEQ,
			       "kernel '%s' is damaged: its %s payload does not unpack (is the "
			       "file complete?)",
			       path, format);
	}
	*ret_blob = blob;
	return 0;
}

static bool is_bzimage(const struct dom_blob *file)
{
	return file->len >= BZ_HEADER_END && le16(file->data + BZ_BOOT_FLAG) == 0xaa55 &&
	       !memcmp(file->data + BZ_MAGIC, "HdrS", 4);
}

/* Finds the payload of a bzImage. */
static int bzimage_payload(struct dom_ctx *ctx, const char *path, const struct dom_blob *file,
			   const uint8_t **ret_data, size_t *ret_len)
{
	const uint8_t *d = file->data;
	uint64_t start, len;

	/* Payload fields came with 2.08 (Linux 2.6.26). */
	if (le16(d + BZ_VERSION) < 0x208) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s': a bzImage older than Linux 2.6.26",
			       path);
	}
	start = ((d[BZ_SETUP_SECTS] ? d[BZ_SETUP_SECTS] : 4u) + 1u) * BZ_SECTOR +
		(uint64_t)le32(d + BZ_PAYLOAD_OFFSET);
	len = le32(d + BZ_PAYLOAD_LENGTH);
	if (!len || start > file->len || len > file->len - start) {
		return dom_err(ctx, -EILSEQ,
			       "kernel '%s' is cut off: its payload ends at byte %llu, the file "
			       "at %zu (copy it again)",
			       path, (unsigned long long)(start + len), file->len);
	}
	*ret_data = d + start;
	*ret_len = len;
	return 0;
}

/* From the file to the ELF inside. Frees or replaces *file. */
static int unwrap(struct dom_ctx *ctx, const char *path, struct dom_blob *file)
{
	const uint8_t *data = file->data;
	size_t len = file->len;
	struct dom_blob elf;
	int rc;

	if (is_elf(data, len)) {
		return 0;
	}
	if (is_bzimage(file)) {
		rc = bzimage_payload(ctx, path, file, &data, &len);
	} else if (decompress_name(data, len)) {
		rc = 0;
	} else {
		rc = dom_err(ctx, -ENOEXEC,
			     "kernel '%s' is neither an ELF file nor a bzImage: not a kernel",
			     path);
	}
	if (!rc && is_elf(data, len)) { /* not packed at all */
		memmove(file->data, data, len);
		file->len = len;
		return 0;
	}
	if (!rc) {
		rc = unpack(ctx, path, data, len, &elf);
	}
	dom_blob_free(file);
	if (!rc) {
		*file = elf;
	}
	return rc;
}

/* ---- ELF ------------------------------------------------------------------- */

static int check_header(struct dom_ctx *ctx, const char *path, const struct dom_blob *elf,
			Elf64_Ehdr *ret_eh)
{
	if (elf->len < sizeof(*ret_eh) || !is_elf(elf->data, elf->len)) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s' does not contain an ELF file", path);
	}
	memcpy(ret_eh, elf->data, sizeof(*ret_eh));
	if (ret_eh->e_ident[EI_CLASS] != ELFCLASS64 || ret_eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret_eh->e_machine != EM_X86_64) {
		return dom_err(
			ctx, -ENOEXEC,
			"kernel '%s' is not a 64-bit x86 kernel (only those can be PV guests "
			"here)",
			path);
	}
	if (ret_eh->e_phentsize != sizeof(Elf64_Phdr) || !ret_eh->e_phnum ||
	    ret_eh->e_phoff > elf->len ||
	    (elf->len - ret_eh->e_phoff) / sizeof(Elf64_Phdr) < ret_eh->e_phnum) {
		return dom_err(
			ctx, -EILSEQ,
			"kernel '%s' is damaged: its program headers lie outside of the file",
			path);
	}
	return 0;
}

static int add_segment(struct dom_ctx *ctx, const char *path, struct dom_kernel *k,
		       const Elf64_Phdr *ph, uint64_t paddr_offset)
{
	uint64_t paddr = ph->p_paddr - paddr_offset;
	struct kernel_segment *seg;

	if (!ph->p_memsz) {
		return 0;
	}
	if (ph->p_filesz > ph->p_memsz || ph->p_offset > k->elf.len ||
	    ph->p_filesz > k->elf.len - ph->p_offset) {
		return dom_err(ctx, -EILSEQ,
			       "kernel '%s' is cut off: a segment ends behind the file", path);
	}
	if (ph->p_paddr < paddr_offset || paddr > KERNEL_SIZE_MAX ||
	    ph->p_memsz > KERNEL_SIZE_MAX - paddr) {
		return dom_err(
			ctx, -ENOEXEC,
			"kernel '%s' wants to be loaded at %#llx: not at the start of memory", path,
			(unsigned long long)paddr);
	}
	if (k->nr_segments == KERNEL_SEGMENTS_MAX) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s' has more than %d segments", path,
			       KERNEL_SEGMENTS_MAX);
	}
	seg = &k->segments[k->nr_segments++];
	seg->paddr = paddr;
	seg->memsz = ph->p_memsz;
	seg->filesz = ph->p_filesz;
	seg->data = k->elf.data + ph->p_offset;
	if (paddr < k->paddr_start) {
		k->paddr_start = paddr;
	}
	if (paddr + ph->p_memsz > k->paddr_end) {
		k->paddr_end = paddr + ph->p_memsz;
	}
	return 0;
}

static int load_segments(struct dom_ctx *ctx, const char *path, struct dom_kernel *k,
			 const Elf64_Ehdr *eh, uint64_t paddr_offset)
{
	k->paddr_start = UINT64_MAX;
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;
		int rc;

		memcpy(&ph, k->elf.data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD) {
			continue;
		}
		rc = add_segment(ctx, path, k, &ph, paddr_offset);
		if (rc) {
			return rc;
		}
	}
	if (!k->nr_segments) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s' has nothing to load", path);
	}
	return 0;
}

/* Whether a virtual address of a note lies in what is loaded. */
static bool inside(const struct dom_kernel *k, uint64_t va)
{
	uint64_t paddr = va - k->virt_base;

	return va >= k->virt_base && paddr >= k->paddr_start && paddr < k->paddr_end;
}

static int apply_notes(struct dom_ctx *ctx, const char *path, struct dom_kernel *k,
		       const struct elf_notes *notes)
{
	k->entry = notes->entry;
	k->virt_base = notes->virt_base;
	k->has_init_p2m = notes->has_init_p2m;
	k->init_p2m = notes->init_p2m;
	k->has_hypercall_page = notes->has_hypercall_page;
	k->hypercall_page = notes->hypercall_page;
	k->mod_start_pfn = notes->mod_start_pfn;
	memcpy(k->guest_os, notes->guest_os, sizeof(k->guest_os));
	memcpy(k->guest_version, notes->guest_version, sizeof(k->guest_version));
	if (k->virt_base & (DOM_PAGE_SIZE - 1)) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s': its VIRT_BASE %#llx is not on a page",
			       path, (unsigned long long)k->virt_base);
	}
	if (!inside(k, k->entry)) {
		return dom_err(ctx, -ENOEXEC, "kernel '%s': its entry %#llx lies outside of it",
			       path, (unsigned long long)k->entry);
	}
	if (k->has_hypercall_page &&
	    (!inside(k, k->hypercall_page) || (k->hypercall_page & (DOM_PAGE_SIZE - 1)))) {
		return dom_err(ctx, -ENOEXEC,
			       "kernel '%s': its hypercall page %#llx is no page inside of it",
			       path, (unsigned long long)k->hypercall_page);
	}
	return 0;
}

int dom_kernel_parse(struct dom_ctx *ctx, const char *path, struct dom_blob *elf,
		     struct dom_kernel *ret_kernel)
{
	struct dom_kernel k = {.elf = *elf};
	struct elf_notes notes;
	Elf64_Ehdr eh;
	int rc;

	*elf = (struct dom_blob){0};
	rc = check_header(ctx, path, &k.elf, &eh);
	if (!rc) {
		rc = elf_notes_read(ctx, path, &k.elf, &eh, &notes);
	}
	if (!rc) {
		rc = load_segments(ctx, path, &k, &eh, notes.paddr_offset);
	}
	if (!rc) {
		rc = apply_notes(ctx, path, &k, &notes);
	}
	if (rc) {
		dom_kernel_free(&k);
		return rc;
	}
	*ret_kernel = k;
	return 0;
}

int dom_kernel_load(struct dom_ctx *ctx, const char *path, struct dom_kernel *ret_kernel)
{
	struct dom_blob file = {0};
	int rc;

	dom_progress(ctx, "reading kernel", 0, 0);
	rc = dom_blob_read(ctx, "kernel", path, KERNEL_FILE_MAX, &file);
	if (!rc) {
		rc = unwrap(ctx, path, &file);
	}
	return rc ? rc : dom_kernel_parse(ctx, path, &file, ret_kernel);
}

void dom_kernel_free(struct dom_kernel *k)
{
	dom_blob_free(&k->elf);
	k->nr_segments = 0;
}
