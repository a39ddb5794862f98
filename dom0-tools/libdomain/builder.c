/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Filling an empty PV domain: memory is allocated, its pages are mapped here
 * and written, the page tables are handed to the hypervisor, vCPU 0 gets its
 * registers.
 *
 * Order matters in one place: every mapping of a page table must be gone
 * before the L4 is pinned, because the hypervisor lets nobody have a writable
 * mapping of a page table.
 *
 * Memory is builder_mem.c's. Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/xen.h>

#include "dom0-tools/libdomain/builder.h"
#include "dom0-tools/libdomain/builder_mem.h"
#include "dom0-tools/libdomain/internal.h"

#define START_MAGIC "xen-3.0-x86_64"
#define COPY_CHUNK  (4 * DOM_MIB) /* mapped at a time */

/* The grant references that every guest takes for its rings. */
#define GREF_CONSOLE  0
#define GREF_XENSTORE 1

#define EFLAGS_IF 0x200u
#define DR6_CLEAR 0xffff0ff0u
#define DR7_CLEAR 0x400u

static int map_err(struct dom_ctx *ctx, int rc)
{
	return dom_err_sys(ctx, rc, "mapping the new domain's memory");
}

/* Maps PFNs first .. +nr for writing. */
static int map_pfns(struct dom_ctx *ctx, struct pv_build *b, uint64_t first, uint64_t nr,
		    void **ret_addr)
{
	int rc = hv_foreign_map(ctx->hv, (domid_t)b->domid, PROT_READ | PROT_WRITE, b->p2m + first,
				nr, NULL, ret_addr);

	return rc ? map_err(ctx, rc) : 0;
}

/*
 * Writes @len bytes at pseudo-physical address @paddr and zeroes from there on
 * up to @total; chunk by chunk, so that little of the domain is mapped at once.
 */
static int write_paddr(struct dom_ctx *ctx, struct pv_build *b, uint64_t paddr, const uint8_t *data,
		       uint64_t len, uint64_t total, const char *phase)
{
	uint64_t done = 0;

	while (done < total) {
		uint64_t at = paddr + done;
		uint64_t in_page = at % DOM_PAGE_SIZE;
		uint64_t part =
			COPY_CHUNK - in_page < total - done ? COPY_CHUNK - in_page : total - done;
		uint64_t nr = (in_page + part + DOM_PAGE_SIZE - 1) >> DOM_PAGE_SHIFT;
		uint64_t copy = done >= len ? 0 : part < len - done ? part : len - done;
		void *map;
		int rc = map_pfns(ctx, b, at >> DOM_PAGE_SHIFT, nr, &map);

		if (rc) {
			return rc;
		}
		if (copy) {
			memcpy((uint8_t *)map + in_page, data + done, copy);
		}
		memset((uint8_t *)map + in_page + copy, 0, part - copy);
		hv_foreign_unmap(ctx->hv, map, nr);
		done += part;
		dom_progress(ctx, phase, done, total);
	}
	return 0;
}

static int write_kernel(struct dom_ctx *ctx, struct pv_build *b)
{
	const struct dom_kernel *k = b->kernel;

	for (unsigned int i = 0; i < k->nr_segments; i++) {
		const struct kernel_segment *s = &k->segments[i];
		int rc = write_paddr(ctx, b, s->paddr, s->data, s->filesz, s->memsz,
				     "loading kernel");

		if (rc) {
			return rc;
		}
	}
	return 0;
}

static int write_ramdisk(struct dom_ctx *ctx, struct pv_build *b)
{
	const struct pv_layout *l = &b->layout;

	return write_paddr(ctx, b, l->initrd_pfn << DOM_PAGE_SHIFT, b->ramdisk->data,
			   b->ramdisk->len, l->initrd_pages << DOM_PAGE_SHIFT, "loading ramdisk");
}

static int write_p2m(struct dom_ctx *ctx, struct pv_build *b)
{
	const struct pv_layout *l = &b->layout;

	return write_paddr(ctx, b, l->p2m_pfn << DOM_PAGE_SHIFT, (const uint8_t *)b->p2m,
			   l->nr_pages * sizeof(uint64_t), l->p2m_pages << DOM_PAGE_SHIFT,
			   "writing P2M list");
}

static void fill_start_info(const struct pv_build *b, uint64_t shared_info_mfn,
			    struct start_info *si)
{
	const struct pv_layout *l = &b->layout;

	memcpy(si->magic, START_MAGIC, sizeof(START_MAGIC));
	si->nr_pages = l->nr_pages;
	si->shared_info = shared_info_mfn << DOM_PAGE_SHIFT;
	si->store_mfn = b->p2m[l->store_pfn];
	si->store_evtchn = b->store_port;
	si->console.domU.mfn = b->p2m[l->console_pfn];
	si->console.domU.evtchn = b->console_port;
	si->pt_base = pv_layout_va(l, l->l4_pfn);
	si->nr_pt_frames = l->nr_pt;
	si->mfn_list = l->p2m_va;
	if (l->initrd_pages && l->initrd_mapped) {
		si->mod_start = pv_layout_va(l, l->initrd_pfn);
		si->mod_len = b->ramdisk->len;
	} else if (l->initrd_pages) {
		si->flags |= SIF_MOD_START_PFN;
		si->mod_start = l->initrd_pfn;
		si->mod_len = b->ramdisk->len;
	}
	if (l->p2m_outside) {
		const uint64_t *nr = l->p2m.nr_tables;

		si->first_p2m_pfn = l->p2m_pfn;
		si->nr_p2m_frames = l->p2m_pages + nr[0] + nr[1] + nr[2];
	}
	snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", b->cmdline ? b->cmdline : "");
}

/* start_info, both rings (zeroed), and a stack. */
static int write_start_info(struct dom_ctx *ctx, struct pv_build *b, uint64_t shared_info_mfn)
{
	const struct pv_layout *l = &b->layout;
	uint8_t page[DOM_PAGE_SIZE] = {0};
	struct start_info si = {0};
	int rc;

	fill_start_info(b, shared_info_mfn, &si);
	memcpy(page, &si, sizeof(si));
	/* start_info, store and console follow each other. */
	rc = write_paddr(ctx, b, l->start_info_pfn << DOM_PAGE_SHIFT, page, sizeof(page),
			 3 * DOM_PAGE_SIZE, "writing start info");
	if (!rc) {
		rc = write_paddr(ctx, b, l->stack_pfn << DOM_PAGE_SHIFT, NULL, 0, DOM_PAGE_SIZE,
				 "writing start info");
	}
	return rc;
}

static int write_tables(struct dom_ctx *ctx, struct pv_build *b)
{
	const struct pv_layout *l = &b->layout;
	const uint64_t *nr = l->p2m.nr_tables;
	uint64_t nr_p2m_pt = l->p2m_outside ? nr[0] + nr[1] + nr[2] : 0;
	void *base, *p2m = NULL;
	int rc;

	dom_progress(ctx, "writing page tables", 0, 1);
	rc = map_pfns(ctx, b, l->l4_pfn, l->nr_pt, &base);
	if (rc) {
		return rc;
	}
	memset(base, 0, l->nr_pt << DOM_PAGE_SHIFT);
	pt_range_fill(&l->base, base, (uint64_t *)base + PT_ENTRIES, b->p2m, l->l4_pfn, l->nr_pt);
	if (nr_p2m_pt) {
		rc = map_pfns(ctx, b, l->p2m.table_pfn, nr_p2m_pt, &p2m);
	}
	if (p2m) {
		memset(p2m, 0, nr_p2m_pt << DOM_PAGE_SHIFT);
		pt_range_fill(&l->p2m, base, p2m, b->p2m, 0, 0);
		hv_foreign_unmap(ctx->hv, p2m, nr_p2m_pt);
	}
	hv_foreign_unmap(ctx->hv, base, l->nr_pt);
	dom_progress(ctx, "writing page tables", 1, 1);
	return rc;
}

/* Kernels that don't make their own hypercalls have a page for it. */
static int hypercall_page(struct dom_ctx *ctx, struct pv_build *b)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_hypercall_init};
	uint64_t pfn;

	if (!b->kernel->has_hypercall_page) {
		return 0;
	}
	pfn = (b->kernel->hypercall_page - b->kernel->virt_base) >> DOM_PAGE_SHIFT;
	op.u.hypercall_init.gmfn = b->p2m[pfn];
	return dom_domctl(ctx, &op, b->domid, "filling the hypercall page");
}

static int pin_tables(struct dom_ctx *ctx, struct pv_build *b)
{
	struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE};
	int rc;

	op.arg1.mfn = b->p2m[b->layout.l4_pfn];
	rc = hv_mmuext_op(ctx->hv, &op, 1, (domid_t)b->domid);
	return rc < 0 ? dom_err_sys(ctx, rc, "the hypervisor refused the new page tables") : 0;
}

/* Events stay masked until the kernel is ready for them. */
static int init_shared_info(struct dom_ctx *ctx, struct pv_build *b, uint64_t mfn)
{
	xen_pfn_t frame = mfn;
	struct shared_info *si;
	void *map;
	int rc;

	rc = hv_foreign_map(ctx->hv, (domid_t)b->domid, PROT_READ | PROT_WRITE, &frame, 1, NULL,
			    &map);
	if (rc) {
		return map_err(ctx, rc);
	}
	si = map;
	for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
		si->vcpu_info[i].evtchn_upcall_mask = 1;
	}
	hv_foreign_unmap(ctx->hv, map, 1);
	return 0;
}

static void fill_context(const struct pv_build *b, struct vcpu_guest_context *c)
{
	const struct pv_layout *l = &b->layout;

	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = b->kernel->entry;
	c->user_regs.rsp = pv_layout_va(l, l->stack_pfn) + DOM_PAGE_SIZE;
	c->user_regs.rsi = pv_layout_va(l, l->start_info_pfn);
	c->user_regs.rflags = EFLAGS_IF;
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = xen_pfn_to_cr3(b->p2m[l->l4_pfn]);
	c->debugreg[6] = DR6_CLEAR;
	c->debugreg[7] = DR7_CLEAR;
}

static int init_vcpu(struct dom_ctx *ctx, struct pv_build *b)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_setvcpucontext};
	struct vcpu_guest_context *c = hv_buf_alloc(ctx->hv, sizeof(*c));
	int rc;

	if (!c) {
		return dom_err_sys(ctx, -ENOMEM, "setting the first vCPU's registers");
	}
	fill_context(b, c);
	op.u.vcpucontext.vcpu = 0;
	set_xen_guest_handle(op.u.vcpucontext.ctxt, c);
	rc = dom_domctl(ctx, &op, b->domid, "setting the first vCPU's registers");
	hv_buf_free(ctx->hv, c, sizeof(*c));
	return rc;
}

/* ---- grants for the daemons -------------------------------------------------- */

/* Without acquire_resource: ask for the table's frame and map it as foreign memory. */
static int map_grants_by_frame(struct dom_ctx *ctx, struct pv_build *b, void **ret_map)
{
	struct gnttab_setup_table setup = {.dom = (domid_t)b->domid, .nr_frames = 1};
	xen_pfn_t *list = hv_buf_alloc(ctx->hv, sizeof(*list));
	int rc;

	if (!list) {
		return -ENOMEM;
	}
	set_xen_guest_handle(setup.frame_list, list);
	rc = hv_grant_table_op(ctx->hv, GNTTABOP_setup_table, &setup, sizeof(setup));
	if (!rc && setup.status != GNTST_okay) {
		rc = -EINVAL;
	}
	if (!rc) {
		rc = hv_foreign_map(ctx->hv, (domid_t)b->domid, PROT_READ | PROT_WRITE, list, 1,
				    NULL, ret_map);
	}
	hv_buf_free(ctx->hv, list, sizeof(*list));
	return rc;
}

static void seed_grant(struct grant_entry_v1 *e, uint32_t domid, uint64_t mfn)
{
	e->frame = (uint32_t)mfn;
	e->domid = (domid_t)domid;
	e->flags = GTF_permit_access;
}

/* Grants the ring pages, so that daemons need no privilege over the domain. */
static int seed_grants(struct dom_ctx *ctx, struct pv_build *b)
{
	struct grant_entry_v1 *table;
	void *map;
	int rc;

	rc = hv_resource_map(ctx->hv, (domid_t)b->domid, XENMEM_resource_grant_table,
			     XENMEM_resource_grant_table_id_shared, 0, 1, PROT_READ | PROT_WRITE,
			     &map);
	if (rc == -EOPNOTSUPP) {
		rc = map_grants_by_frame(ctx, b, &map);
	}
	if (rc) {
		return dom_err_sys(ctx, rc, "writing the new domain's grant table");
	}
	table = map;
	seed_grant(&table[GREF_CONSOLE], b->console_domid, b->console_mfn);
	seed_grant(&table[GREF_XENSTORE], b->store_domid, b->store_mfn);
	hv_resource_unmap(ctx->hv, map, 1);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------- */

static int write_contents(struct dom_ctx *ctx, struct pv_build *b, uint64_t shared_info_mfn)
{
	int rc = write_kernel(ctx, b);

	if (!rc && b->layout.initrd_pages) {
		rc = write_ramdisk(ctx, b);
	}
	if (!rc) {
		rc = write_p2m(ctx, b);
	}
	if (!rc) {
		rc = write_start_info(ctx, b, shared_info_mfn);
	}
	if (!rc) {
		rc = hypercall_page(ctx, b);
	}
	if (!rc) {
		rc = write_tables(ctx, b);
	}
	return rc;
}

static int build_steps(struct dom_ctx *ctx, struct pv_build *b)
{
	struct xen_domctl_getdomaininfo info = {0};
	int rc;

	rc = builder_populate(ctx, b);
	if (!rc) {
		rc = dom_getinfo(ctx, b->domid, &info);
	}
	if (!rc) {
		rc = write_contents(ctx, b, info.shared_info_frame);
	}
	if (!rc) {
		rc = pin_tables(ctx, b);
	}
	if (!rc) {
		rc = init_shared_info(ctx, b, info.shared_info_frame);
	}
	if (!rc) {
		rc = init_vcpu(ctx, b);
	}
	if (rc) {
		return rc;
	}
	b->store_mfn = b->p2m[b->layout.store_pfn];
	b->console_mfn = b->p2m[b->layout.console_pfn];
	return seed_grants(ctx, b);
}

int pv_build(struct dom_ctx *ctx, struct pv_build *b)
{
	int rc;

	if (b->cmdline && strlen(b->cmdline) >= MAX_GUEST_CMDLINE) {
		return dom_err(ctx, -E2BIG,
			       "the kernel's command line is longer than %d characters",
			       MAX_GUEST_CMDLINE - 1);
	}
	rc = pv_layout_compute(ctx, b->kernel, b->ramdisk->len, b->nr_pages, &b->layout);
	if (rc) {
		return rc;
	}
	b->p2m = calloc(b->nr_pages, sizeof(*b->p2m));
	if (!b->p2m) {
		return dom_err_sys(ctx, -ENOMEM, "building a domain of %llu pages",
				   (unsigned long long)b->nr_pages);
	}
	rc = build_steps(ctx, b);
	free(b->p2m);
	b->p2m = NULL;
	return rc;
}
