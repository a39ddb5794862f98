/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Core files of domains, in Xen's dump-core format: an ELF64 core with notes,
 * vCPU contexts, the shared info page, a list of frames, and the frames.
 *
 *   header | section headers | notes | contexts | shared info | p2m | names | pages
 *
 * The file is written under another name and renamed when it is complete.
 * Owns nothing beyond a call; no locks.
 *
 * Sources: docs "dump-core-format" of Xen.
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

#include <public/elfnote.h>
#include <public/version.h>

#include "dom0-tools/libdomain/guest_p2m.h"
#include "dom0-tools/libdomain/internal.h"

#define CORE_MAGIC   0xF00FEBEDULL /* a PV domain */
#define CORE_VERSION 1ULL
#define BATCH        256u /* pages mapped at a time */

struct note_head {
	Elf64_Nhdr head;
	char name[4];
};

struct core_notes {
	struct note_head none;
	struct note_head header;
	struct {
		uint64_t magic, nr_vcpus, nr_pages, page_size;
	} header_desc;
	struct note_head version;
	struct {
		uint64_t major, minor;
		xen_extraversion_t extra;
		struct xen_compile_info compile;
		xen_capabilities_info_t capabilities;
		xen_changeset_info_t changeset;
		struct xen_platform_parameters platform;
		uint64_t pagesize;
	} version_desc;
	struct note_head format;
	uint64_t format_desc;
};

struct core_p2m {
	uint64_t pfn, gmfn;
};

enum core_section {
	SEC_NULL,
	SEC_NOTES,
	SEC_CPUS,
	SEC_SHARED,
	SEC_P2M,
	SEC_NAMES,
	SEC_PAGES,
	SEC_NR
};

static const char section_names[] =
	"\0.note.Xen\0.xen_prstatus\0.xen_shared_info\0.xen_p2m\0.shstrtab\0.xen_pages";

static const char *const section_name[SEC_NR] = {
	"", ".note.Xen", ".xen_prstatus", ".xen_shared_info", ".xen_p2m", ".shstrtab", ".xen_pages",
};

struct core {
	struct dom_ctx *ctx;
	uint32_t domid;
	int fd;
	void *shared_info; /* mapped */
	unsigned int nr_vcpus;
	struct vcpu_guest_context *cpus;
	uint64_t nr_pages;
	struct core_p2m *p2m;
	struct core_notes notes;
	Elf64_Shdr sections[SEC_NR];
};

/* ---- collecting ------------------------------------------------------------------ */

static int collect_cpus(struct core *c, unsigned int nr)
{
	struct vcpu_guest_context *buf = hv_buf_alloc(c->ctx->hv, sizeof(*buf));
	int rc = 0;

	c->cpus = calloc(nr + 1, sizeof(*c->cpus));
	c->nr_vcpus = nr;
	if (!buf || !c->cpus) {
		rc = dom_err_sys(c->ctx, -ENOMEM, "dumping domain %u", c->domid);
	}
	for (unsigned int i = 0; !rc && i < nr; i++) {
		struct xen_domctl op = {.cmd = XEN_DOMCTL_getvcpucontext};

		op.domain = (domid_t)c->domid;
		op.u.vcpucontext.vcpu = i;
		set_xen_guest_handle(op.u.vcpucontext.ctxt, buf);
		/* One that was never brought up has no context: it stays all zeros. */
		if (!hv_domctl(c->ctx->hv, &op)) {
			memcpy(&c->cpus[i], buf, sizeof(*buf));
		}
	}
	hv_buf_free(c->ctx->hv, buf, sizeof(*buf));
	return rc;
}

static int collect_pages(struct core *c)
{
	uint64_t *p2m;
	size_t nr;
	int rc = guest_p2m_read(c->ctx, c->domid, c->shared_info, &p2m, &nr);

	if (rc) {
		return rc;
	}
	c->p2m = calloc(nr, sizeof(*c->p2m));
	if (!c->p2m) {
		free(p2m);
		return dom_err_sys(c->ctx, -ENOMEM, "dumping domain %u", c->domid);
	}
	for (size_t pfn = 0; pfn < nr; pfn++) {
		if (p2m[pfn] != P2M_NONE) {
			c->p2m[c->nr_pages++] = (struct core_p2m){pfn, p2m[pfn]};
		}
	}
	free(p2m);
	return 0;
}

static void note_init(struct note_head *n, uint32_t type, size_t desc)
{
	n->head.n_namesz = sizeof(n->name);
	n->head.n_descsz = (Elf64_Word)desc;
	n->head.n_type = type;
	memcpy(n->name, "Xen", sizeof(n->name));
}

static int collect_notes(struct core *c)
{
	struct core_notes *n = &c->notes;
	struct dom_version *v = malloc(sizeof(*v));
	int rc = v ? dom_version(c->ctx, v) : dom_err_sys(c->ctx, -ENOMEM, "dumping a domain");

	if (rc) {
		free(v);
		return rc;
	}
	note_init(&n->none, XEN_ELFNOTE_DUMPCORE_NONE, 0);
	note_init(&n->header, XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(n->header_desc));
	n->header_desc.magic = CORE_MAGIC;
	n->header_desc.nr_vcpus = c->nr_vcpus;
	n->header_desc.nr_pages = c->nr_pages;
	n->header_desc.page_size = DOM_PAGE_SIZE;
	note_init(&n->version, XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(n->version_desc));
	n->version_desc.major = v->major;
	n->version_desc.minor = v->minor;
	memcpy(n->version_desc.extra, v->extra, sizeof(v->extra));
	memcpy(n->version_desc.compile.compiler, v->compiler, sizeof(v->compiler));
	memcpy(n->version_desc.compile.compile_by, v->compile_by, sizeof(v->compile_by));
	memcpy(n->version_desc.compile.compile_domain, v->compile_domain,
	       sizeof(v->compile_domain));
	memcpy(n->version_desc.compile.compile_date, v->compile_date, sizeof(v->compile_date));
	memcpy(n->version_desc.capabilities, v->capabilities, sizeof(v->capabilities));
	memcpy(n->version_desc.changeset, v->changeset, sizeof(v->changeset));
	n->version_desc.platform.virt_start = v->virt_start;
	n->version_desc.pagesize = v->pagesize;
	note_init(&n->format, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(n->format_desc));
	n->format_desc = CORE_VERSION;
	free(v);
	return 0;
}

static int collect(struct core *c)
{
	struct xen_domctl_getdomaininfo info;
	xen_pfn_t frame;
	int rc = dom_getinfo(c->ctx, c->domid, &info);

	if (rc) {
		return rc;
	}
	frame = info.shared_info_frame;
	rc = hv_foreign_map(c->ctx->hv, (domid_t)c->domid, PROT_READ, &frame, 1, NULL,
			    &c->shared_info);
	if (rc) {
		return dom_err_sys(c->ctx, rc, "mapping the shared info of domain %u", c->domid);
	}
	rc = collect_cpus(c,
			  info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : info.max_vcpu_id + 1);
	if (!rc) {
		rc = collect_pages(c);
	}
	return rc ? rc : collect_notes(c);
}

/* ---- writing ----------------------------------------------------------------------- */

static int put(struct core *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t done = write(c->fd, p, len);

		if (done < 0 && errno == EINTR) {
			continue;
		}
		if (done < 0) {
			return -errno;
		}
		p += done;
		len -= (size_t)done;
	}
	return 0;
}

static uint32_t name_offset(const char *name)
{
	size_t at = 0;

	while (strcmp(section_names + at, name)) {
		at += strlen(section_names + at) + 1;
	}
	return (uint32_t)at;
}

static void layout(struct core *c)
{
	const size_t size[SEC_NR] = {
		[SEC_NOTES] = sizeof(c->notes),      [SEC_CPUS] = c->nr_vcpus * sizeof(*c->cpus),
		[SEC_SHARED] = DOM_PAGE_SIZE,        [SEC_P2M] = c->nr_pages * sizeof(*c->p2m),
		[SEC_NAMES] = sizeof(section_names), [SEC_PAGES] = c->nr_pages * DOM_PAGE_SIZE,
	};
	const size_t entry[SEC_NR] = {
		[SEC_CPUS] = sizeof(*c->cpus),
		[SEC_SHARED] = DOM_PAGE_SIZE,
		[SEC_P2M] = sizeof(*c->p2m),
		[SEC_PAGES] = DOM_PAGE_SIZE,
	};
	uint64_t at = sizeof(Elf64_Ehdr) + sizeof(c->sections);

	for (unsigned int i = SEC_NOTES; i < SEC_NR; i++) {
		Elf64_Shdr *s = &c->sections[i];

		if (i == SEC_PAGES) {
			at = DOM_ROUND_UP(at);
		}
		s->sh_name = name_offset(section_name[i]);
		s->sh_type = i == SEC_NOTES ? SHT_NOTE : i == SEC_NAMES ? SHT_STRTAB : SHT_PROGBITS;
		s->sh_offset = at;
		s->sh_size = size[i];
		s->sh_entsize = entry[i];
		s->sh_addralign = i == SEC_PAGES ? DOM_PAGE_SIZE : 8;
		at = (at + size[i] + 7) & ~7ULL;
	}
}

static int put_at(struct core *c, enum core_section section, const void *data)
{
	if (lseek(c->fd, (off_t)c->sections[section].sh_offset, SEEK_SET) < 0) {
		return -errno;
	}
	return put(c, data, c->sections[section].sh_size);
}

static int put_header(struct core *c)
{
	Elf64_Ehdr eh = {
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SEC_NR,
		.e_shstrndx = SEC_NAMES,
	};
	int rc;

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	rc = put(c, &eh, sizeof(eh));
	return rc ? rc : put(c, c->sections, sizeof(c->sections));
}

/* One batch; a page that has gone meanwhile is written as zeros. */
static int put_batch(struct core *c, uint64_t first, unsigned int nr)
{
	static const uint8_t zeros[DOM_PAGE_SIZE];
	xen_pfn_t frames[BATCH];
	int errs[BATCH] = {0};
	void *map;
	int rc;

	for (unsigned int i = 0; i < nr; i++) {
		frames[i] = c->p2m[first + i].gmfn;
	}
	rc = hv_foreign_map(c->ctx->hv, (domid_t)c->domid, PROT_READ, frames, nr, errs, &map);
	if (rc) {
		return rc;
	}
	for (unsigned int i = 0; !rc && i < nr; i++) {
		rc = put(c, errs[i] ? zeros : (uint8_t *)map + i * DOM_PAGE_SIZE, DOM_PAGE_SIZE);
	}
	hv_foreign_unmap(c->ctx->hv, map, nr);
	return rc;
}

static int put_pages(struct core *c)
{
	if (lseek(c->fd, (off_t)c->sections[SEC_PAGES].sh_offset, SEEK_SET) < 0) {
		return -errno;
	}
	for (uint64_t done = 0; done < c->nr_pages;) {
		unsigned int nr =
			c->nr_pages - done < BATCH ? (unsigned int)(c->nr_pages - done) : BATCH;
		int rc = put_batch(c, done, nr);

		if (rc) {
			return rc;
		}
		done += nr;
		dom_progress(c->ctx, "dumping memory", done, c->nr_pages);
	}
	return 0;
}

static int write_core(struct core *c)
{
	int rc;

	layout(c);
	rc = put_header(c);
	if (!rc) {
		rc = put_at(c, SEC_NOTES, &c->notes);
	}
	if (!rc) {
		rc = put_at(c, SEC_CPUS, c->cpus);
	}
	if (!rc) {
		rc = put_at(c, SEC_SHARED, c->shared_info);
	}
	if (!rc) {
		rc = put_at(c, SEC_P2M, c->p2m);
	}
	if (!rc) {
		rc = put_at(c, SEC_NAMES, section_names);
	}
	return rc ? rc : put_pages(c);
}

static int write_file(struct core *c, const char *path)
{
	char *new;
	int rc;

	if (asprintf(&new, "%s.part", path) < 0) {
		return dom_err_sys(c->ctx, -ENOMEM, "dumping domain %u", c->domid);
	}
	c->fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (c->fd < 0) {
		rc = -errno;
	} else {
		rc = write_core(c);
		if (close(c->fd) && !rc) {
			rc = -errno;
		}
		if (!rc && rename(new, path)) {
			rc = -errno;
		}
		if (rc) {
			unlink(new);
		}
	}
	free(new);
	return rc ? dom_err_sys(c->ctx, rc, "writing the core of domain %u to '%s'", c->domid, path)
		  : 0;
}

int dom_dump_core(struct dom_ctx *ctx, uint32_t domid, const char *path)
{
	struct core c = {.ctx = ctx, .domid = domid, .fd = -1};
	int rc = collect(&c);

	if (!rc) {
		if (!strncmp(path, DOM_DUMP_DIR "/", sizeof(DOM_DUMP_DIR))) {
			/* Opening the file says it if they can't be made. */
			mkdir(DOM_TOOLS_DIR, 0755);
			mkdir(DOM_DUMP_DIR, 0700);
		}
		rc = write_file(&c, path);
	}
	hv_foreign_unmap(ctx->hv, c.shared_info, 1);
	free(c.cpus);
	free(c.p2m);
	return rc;
}
