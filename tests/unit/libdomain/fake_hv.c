/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See fake_hv.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/version.h>

#include "dom0-tools/libhv/libhv.h"
#include "tests/unit/libdomain/fake_hv.h"

#define PAGE 4096u

struct fake_machine fake;
unsigned int fake_calls;
bool fake_failed;

static int memory = -1; /* the machine's pages */
static uint8_t *view; /* all of them, for tests */
static unsigned int fail_at;
static struct hv_handle {
	int dummy;
} handle;

void fake_fail_at(unsigned int at)
{
	fail_at = at;
	fake_calls = 0;
	fake_failed = false;
}

bool fake_fails(void)
{
	if (++fake_calls != fail_at) {
		return false;
	}
	fake_failed = true;
	return true;
}

void fake_reset(void)
{
	if (memory >= 0) {
		munmap(view, FAKE_PAGES * (size_t)PAGE);
		close(memory);
	}
	memset(&fake, 0, sizeof(fake));
	memory = memfd_create("machine", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, FAKE_PAGES * (off_t)PAGE)) {
		abort();
	}
	view = mmap(NULL, FAKE_PAGES * (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (view == MAP_FAILED) {
		abort();
	}
	/* Memory is never zero by itself, and page 0 is nobody's. */
	memset(view, 0xa5, FAKE_PAGES * (size_t)PAGE);
	fake.page_owner[0] = UINT64_MAX;
	fake.dom[0] = (struct fake_domain){.exists = true, .max_vcpus = 1};
	fake_fail_at(0);
}

void *fake_page(uint64_t mfn)
{
	return view + mfn * PAGE;
}

struct fake_domain *fake_find(uint32_t domid)
{
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++) {
		if (fake.dom[i].exists && fake.dom[i].domid == domid) {
			return &fake.dom[i];
		}
	}
	return NULL;
}

unsigned int fake_free_pages(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < FAKE_PAGES; i++) {
		nr += !fake.page_owner[i];
	}
	return nr;
}

/* Scattered, so that nobody takes neighbours for granted; 0: none left. */
static uint64_t take_page(uint32_t domid)
{
	static uint64_t at;

	for (unsigned int i = 0; i < FAKE_PAGES; i++) {
		at = (at + 7919) % FAKE_PAGES;
		if (!fake.page_owner[at]) {
			fake.page_owner[at] = domid + 1;
			return at;
		}
	}
	return 0;
}

static uint64_t take_big(uint32_t domid)
{
	for (unsigned int mfn = 512; mfn + 512 <= FAKE_PAGES; mfn += 512) {
		unsigned int i = 0;

		while (i < 512 && !fake.page_owner[mfn + i]) {
			i++;
		}
		if (i == 512) {
			for (i = 0; i < 512; i++) {
				fake.page_owner[mfn + i] = domid + 1;
			}
			return mfn;
		}
	}
	return 0;
}

/* ---- the handle, memory, maps ---------------------------------------------------- */

int hv_open(struct hv_handle **ret_h)
{
	*ret_h = &handle;
	return 0;
}

void hv_close(struct hv_handle *h)
{
}

void *hv_buf_alloc(struct hv_handle *h, size_t bytes)
{
	void *p = fake_fails() ? NULL : calloc(1, bytes ? bytes : 1);

	fake.bufs += p != NULL;
	return p;
}

void hv_buf_free(struct hv_handle *h, void *buf, size_t bytes)
{
	fake.bufs -= buf != NULL;
	free(buf);
}

int hv_foreign_map(struct hv_handle *h, domid_t dom, int prot, const xen_pfn_t *frames, size_t nr,
		   int *errs, void **ret_addr)
{
	uint8_t *addr;

	if (fake_fails()) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr; i++) {
		if (frames[i] >= FAKE_PAGES || fake.page_owner[frames[i]] != dom + 1u) {
			return -EINVAL;
		}
	}
	addr = mmap(NULL, nr * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < nr; i++) {
		if (mmap(addr + i * PAGE, PAGE, prot, MAP_SHARED | MAP_FIXED, memory,
			 (off_t)(frames[i] * PAGE)) == MAP_FAILED) {
			abort();
		}
	}
	fake.maps++;
	*ret_addr = addr;
	return 0;
}

void hv_foreign_unmap(struct hv_handle *h, void *addr, size_t nr)
{
	if (addr) {
		munmap(addr, nr * PAGE);
		fake.maps--;
	}
}

int hv_resource_map(struct hv_handle *h, domid_t dom, unsigned int type, unsigned int id,
		    unsigned long frame, size_t nr, int prot, void **ret_addr)
{
	struct fake_domain *d = fake_find(dom);
	xen_pfn_t mfn;

	if (fake.no_resource) {
		return -EOPNOTSUPP;
	}
	if (!d || type != XENMEM_resource_grant_table || id || frame || nr != 1) {
		return -EINVAL;
	}
	mfn = d->grant_mfn;
	return hv_foreign_map(h, dom, prot, &mfn, 1, NULL, ret_addr);
}

void hv_resource_unmap(struct hv_handle *h, void *addr, size_t nr)
{
	hv_foreign_unmap(h, addr, nr);
}

/* ---- domctl ------------------------------------------------------------------------ */

static int create(struct xen_domctl *op)
{
	static uint32_t last;

	for (unsigned int i = 1; i < FAKE_DOMAINS; i++) {
		struct fake_domain *d = &fake.dom[i];

		if (d->exists) {
			continue;
		}
		memset(d, 0, sizeof(*d));
		d->exists = d->paused = true;
		d->domid = ++last;
		d->max_vcpus = op->u.createdomain.max_vcpus;
		d->grant_opts = op->u.createdomain.grant_opts;
		d->next_port = 1;
		memcpy(d->handle, op->u.createdomain.handle, 16);
		d->shared_info_mfn = take_page(d->domid);
		d->grant_mfn = take_page(d->domid);
		memset(fake_page(d->shared_info_mfn), 0, PAGE);
		memset(fake_page(d->grant_mfn), 0, PAGE);
		op->domain = (domid_t)d->domid;
		return 0;
	}
	return -ENOMEM;
}

static int destroy(struct fake_domain *d)
{
	for (unsigned int i = 0; i < FAKE_PAGES; i++) {
		if (fake.page_owner[i] == d->domid + 1) {
			fake.page_owner[i] = 0;
		}
	}
	d->exists = false;
	return 0;
}

static void fill_info(const struct fake_domain *d, struct xen_domctl_getdomaininfo *info)
{
	memset(info, 0, sizeof(*info));
	info->domain = (domid_t)d->domid;
	info->flags = d->paused ? XEN_DOMINF_paused : XEN_DOMINF_running;
	info->tot_pages = d->pages;
	info->max_pages = d->max_pages;
	info->shared_info_frame = d->shared_info_mfn;
	info->max_vcpu_id = d->max_vcpus - 1;
	memcpy(info->handle, d->handle, 16);
}

int hv_domain_getinfo(struct hv_handle *h, domid_t first, struct xen_domctl_getdomaininfo *ret_info)
{
	for (uint32_t id = first; id < first + 1000u; id++) {
		struct fake_domain *d = fake_find(id);

		if (d) {
			fill_info(d, ret_info);
			return 0;
		}
	}
	return -ESRCH;
}

int hv_domain_getinfolist(struct hv_handle *h, domid_t first, unsigned int max,
			  struct xen_domctl_getdomaininfo *infos)
{
	unsigned int nr = 0;
	uint32_t id = first;

	while (nr < max && !hv_domain_getinfo(h, (domid_t)id, &infos[nr])) {
		id = infos[nr++].domain + 1u;
	}
	return (int)nr;
}

static int set_context(struct fake_domain *d, const struct xen_domctl_vcpucontext *c)
{
	if (c->vcpu || d->has_context) {
		return -EINVAL;
	}
	memcpy(&d->context, c->ctxt.p, sizeof(d->context));
	/* A root that isn't pinned is none here. */
	if (xen_cr3_to_pfn(d->context.ctrlreg[3]) != d->pinned_l4) {
		return -EINVAL;
	}
	d->has_context = true;
	return 0;
}

int hv_domctl(struct hv_handle *h, struct xen_domctl *op)
{
	struct fake_domain *d = fake_find(op->domain);

	/* Ending and its pause are what undoing is made of: they always work. */
	if (op->cmd == XEN_DOMCTL_destroydomain) {
		return d ? destroy(d) : -ESRCH;
	}
	if (op->cmd != XEN_DOMCTL_pausedomain && fake_fails()) {
		return -EINVAL;
	}
	if (op->cmd == XEN_DOMCTL_createdomain) {
		return create(op);
	}
	if (!d) {
		return -ESRCH;
	}
	switch (op->cmd) {
	case XEN_DOMCTL_pausedomain:
		d->paused = true;
		return 0;
	case XEN_DOMCTL_max_vcpus:
		return op->u.max_vcpus.max == d->max_vcpus ? 0 : -EINVAL;
	case XEN_DOMCTL_max_mem:
		d->max_pages = op->u.max_mem.max_memkb / 4;
		return 0;
	case XEN_DOMCTL_settscinfo:
		d->tsc_mode = op->u.tsc_info.tsc_mode;
		return 0;
	case XEN_DOMCTL_settimeoffset:
		d->time_offset = (int32_t)op->u.settimeoffset.time_offset_seconds;
		return 0;
	case XEN_DOMCTL_hypercall_init:
		d->hypercall_mfn = op->u.hypercall_init.gmfn;
		return 0;
	case XEN_DOMCTL_setvcpucontext:
		return set_context(d, &op->u.vcpucontext);
	case XEN_DOMCTL_scheduler_op:
		d->weight = op->u.scheduler_op.u.credit.weight;
		return 0;
	default:
		return -ENOSYS;
	}
}

int hv_sysctl(struct hv_handle *h, struct xen_sysctl *op)
{
	if (fake_fails()) {
		return -EINVAL;
	}
	switch (op->cmd) {
	case XEN_SYSCTL_physinfo:
		op->u.physinfo.free_pages = fake_free_pages();
		op->u.physinfo.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
		return 0;
	case XEN_SYSCTL_sched_id:
		op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT;
		return 0;
	default:
		return -ENOSYS;
	}
}

/* ---- memory ---------------------------------------------------------------------------- */

static long populate(const struct xen_memory_reservation *r)
{
	struct fake_domain *d = fake_find(r->domid);
	unsigned long i;

	for (i = 0; i < r->nr_extents; i++) {
		uint64_t nr = 1ULL << r->extent_order, pfn = r->extent_start.p[i], mfn;

		if (d->pages + nr > d->max_pages) {
			break;
		}
		mfn = r->extent_order ? fake.no_big_pages ? 0 : take_big(d->domid)
				      : take_page(d->domid);
		if (!mfn) {
			break;
		}
		for (uint64_t j = 0; j < nr; j++) {
			fake.page_pfn[mfn + j] = pfn + j;
		}
		d->pages += nr;
		r->extent_start.p[i] = mfn;
	}
	return (long)i;
}

long hv_memory_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes)
{
	const struct xen_foreign_memory_map *map = arg;
	const struct xen_memory_reservation *r = arg;

	if (fake_fails()) {
		return -ENOMEM;
	}
	switch (cmd) {
	case XENMEM_populate_physmap:
		return populate(r);
	case XENMEM_claim_pages:
		if (fake.no_claims) {
			return -ENOSYS;
		}
		fake.claimed = r->nr_extents;
		return r->nr_extents <= fake_free_pages() ? 0 : -ENOMEM;
	case XENMEM_set_memory_map:
		memcpy(&fake_find(map->domid)->e820_size, (uint8_t *)map->map.buffer.p + 8, 8);
		return 0;
	default:
		return -ENOSYS;
	}
}

long hv_call(struct hv_handle *h, unsigned int op, unsigned long a1, unsigned long a2,
	     unsigned long a3, unsigned long a4, unsigned long a5)
{
	return -ENOSYS;
}

long hv_cmd(struct hv_handle *h, unsigned int op, unsigned int cmd, void *arg, size_t bytes)
{
	struct evtchn_alloc_unbound *a = arg;

	if (fake_fails()) {
		return -ENOSPC;
	}
	if (op != __HYPERVISOR_event_channel_op || cmd != EVTCHNOP_alloc_unbound) {
		return -ENOSYS;
	}
	a->port = fake_find(a->dom)->next_port++;
	return 0;
}

int hv_grant_table_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes)
{
	struct gnttab_setup_table *s = arg;

	if (fake_fails()) {
		return -EINVAL;
	}
	s->status = GNTST_okay;
	s->frame_list.p[0] = fake_find(s->dom)->grant_mfn;
	return 0;
}

int hv_mmuext_op(struct hv_handle *h, struct mmuext_op *ops, unsigned int nr, domid_t dom)
{
	if (fake_fails()) {
		return -EINVAL;
	}
	fake.pin_with_maps += fake.maps != 0;
	fake_find(dom)->pinned_l4 = ops[0].arg1.mfn;
	return 0;
}
