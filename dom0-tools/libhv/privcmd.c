/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Hypercalls and foreign memory through /dev/xen/privcmd, and memory from
 * /dev/xen/hypercall that hypercalls may point to.
 *
 * Owns the two files and, per handle, one bounce page for small arguments. No
 * locks: a handle belongs to one thread at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0-tools/libhv/libhv.h"
#include "dom0-tools/libhv/internal.h"

struct hv_handle {
	int privcmd;
	int hypercall; /* mapped for hypercall-safe memory */
	void *bounce; /* one page */
	bool bounce_busy;
};

static size_t round_to_pages(size_t bytes)
{
	return (bytes + HV_PAGE_SIZE - 1) & ~(HV_PAGE_SIZE - 1);
}

int hv_open(struct hv_handle **ret_h)
{
	struct hv_handle *h = calloc(1, sizeof(*h));
	int rc;

	if (!h) {
		return -ENOMEM;
	}
	h->hypercall = -1;
	h->privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (h->privcmd < 0) {
		rc = -errno;
		goto err;
	}
	h->hypercall = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC);
	if (h->hypercall < 0) {
		rc = -errno;
		goto err;
	}
	h->bounce = hv_buf_alloc(h, HV_PAGE_SIZE);
	if (!h->bounce) {
		rc = -ENOMEM;
		goto err;
	}
	*ret_h = h;
	return 0;

err:
	hv_close(h);
	return rc;
}

void hv_close(struct hv_handle *h)
{
	if (!h) {
		return;
	}
	hv_buf_free(h, h->bounce, HV_PAGE_SIZE);
	if (h->hypercall >= 0) {
		close(h->hypercall);
	}
	if (h->privcmd >= 0) {
		close(h->privcmd);
	}
	free(h);
}

int hv_fd(const struct hv_handle *h)
{
	return h->privcmd;
}

long hv_call(struct hv_handle *h, unsigned int op, unsigned long a1, unsigned long a2,
	     unsigned long a3, unsigned long a4, unsigned long a5)
{
	struct privcmd_hypercall call = {.op = op, .arg = {a1, a2, a3, a4, a5}};
	/* The kernel returns the hypercall's own result, which glibc cuts to an int. */
	int rc = ioctl(h->privcmd, PRIVCMD_HYPERCALL, &call);

	return rc < 0 ? -errno : rc;
}

void *hv_buf_alloc(struct hv_handle *h, size_t bytes)
{
	size_t len = round_to_pages(bytes);
	void *p;

	if (!len) {
		return NULL;
	}
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, h->hypercall, 0);
	if (p == MAP_FAILED) {
		return NULL;
	}
	/* A child that wrote to it would spoil a call of ours under way. */
	if (madvise(p, len, MADV_DONTFORK)) {
		munmap(p, len);
		return NULL;
	}
	return p;
}

void hv_buf_free(struct hv_handle *h, void *buf, size_t bytes)
{
	if (buf) {
		munmap(buf, round_to_pages(bytes));
	}
}

/* Borrows the bounce page if it is free and large enough, else maps memory. */
static void *bounce_get(struct hv_handle *h, const void *arg, size_t bytes)
{
	void *p;

	if (!h->bounce_busy && bytes <= HV_PAGE_SIZE) {
		h->bounce_busy = true;
		p = h->bounce;
	} else {
		p = hv_buf_alloc(h, bytes);
	}
	if (p) {
		memcpy(p, arg, bytes);
	}
	return p;
}

static void bounce_put(struct hv_handle *h, void *p, void *arg, size_t bytes)
{
	memcpy(arg, p, bytes);
	if (p == h->bounce) {
		h->bounce_busy = false;
	} else {
		hv_buf_free(h, p, bytes);
	}
}

long hv_cmd(struct hv_handle *h, unsigned int op, unsigned int cmd, void *arg, size_t bytes)
{
	void *p;
	long rc;

	if (!arg) {
		return hv_call(h, op, cmd, 0, 0, 0, 0);
	}
	p = bounce_get(h, arg, bytes);
	if (!p) {
		return -ENOMEM;
	}
	rc = hv_call(h, op, cmd, (unsigned long)p, 0, 0, 0);
	bounce_put(h, p, arg, bytes);
	return rc;
}

long hv_memory_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes)
{
	return hv_cmd(h, __HYPERVISOR_memory_op, cmd, arg, bytes);
}

/* domctl and sysctl: the command is inside the structure. */
static int bounce_whole(struct hv_handle *h, unsigned int op, void *arg, size_t bytes)
{
	void *p = bounce_get(h, arg, bytes);
	long rc;

	if (!p) {
		return -ENOMEM;
	}
	rc = hv_call(h, op, (unsigned long)p, 0, 0, 0, 0);
	bounce_put(h, p, arg, bytes);
	return (int)rc;
}

int hv_domctl(struct hv_handle *h, struct xen_domctl *op)
{
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return bounce_whole(h, __HYPERVISOR_domctl, op, sizeof(*op));
}

int hv_sysctl(struct hv_handle *h, struct xen_sysctl *op)
{
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return bounce_whole(h, __HYPERVISOR_sysctl, op, sizeof(*op));
}

int hv_grant_table_op(struct hv_handle *h, unsigned int cmd, void *arg, size_t bytes)
{
	void *p = bounce_get(h, arg, bytes);
	long rc;

	if (!p) {
		return -ENOMEM;
	}
	rc = hv_call(h, __HYPERVISOR_grant_table_op, cmd, (unsigned long)p, 1, 0, 0);
	bounce_put(h, p, arg, bytes);
	return (int)rc;
}

int hv_mmuext_op(struct hv_handle *h, struct mmuext_op *ops, unsigned int nr, domid_t dom)
{
	size_t bytes = nr * sizeof(*ops);
	void *p;
	long rc;

	if (bytes > HV_PAGE_SIZE) {
		return -E2BIG;
	}
	p = bounce_get(h, ops, bytes);
	if (!p) {
		return -ENOMEM;
	}
	rc = hv_call(h, __HYPERVISOR_mmuext_op, (unsigned long)p, nr, 0, dom, 0);
	bounce_put(h, p, ops, bytes);
	return (int)rc;
}

/* The call as such has worked: did every frame? */
static int first_error(const int *errs, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (errs[i]) {
			return errs[i];
		}
	}
	return 0;
}

int hv_foreign_map(struct hv_handle *h, domid_t dom, int prot, const xen_pfn_t *frames, size_t nr,
		   int *errs, void **ret_addr)
{
	struct privcmd_mmapbatch_v2 batch = {.num = (unsigned int)nr, .dom = dom, .arr = frames};
	int *own = NULL;
	void *addr;
	int rc = 0;

	if (!nr || nr > INT32_MAX) {
		return -EINVAL;
	}
	batch.err = errs;
	if (!errs) {
		own = calloc(nr, sizeof(*own));
		if (!own) {
			return -ENOMEM;
		}
		batch.err = own;
	}
	addr = mmap(NULL, nr << HV_PAGE_SHIFT, prot, MAP_SHARED, h->privcmd, 0);
	if (addr == MAP_FAILED) {
		rc = -errno;
		goto out;
	}
	batch.addr = (uintptr_t)addr;
	/* ENOENT says that some frame failed with it, which errs tells as well. */
	if (ioctl(h->privcmd, PRIVCMD_MMAPBATCH_V2, &batch) && !(errno == ENOENT && errs)) {
		rc = -errno;
	} else if (own) {
		rc = first_error(own, nr);
	}
	if (rc) {
		munmap(addr, nr << HV_PAGE_SHIFT);
		goto out;
	}
	*ret_addr = addr;
out:
	free(own);
	return rc;
}

void hv_foreign_unmap(struct hv_handle *h, void *addr, size_t nr)
{
	if (addr) {
		munmap(addr, nr << HV_PAGE_SHIFT);
	}
}

int hv_resource_map(struct hv_handle *h, domid_t dom, unsigned int type, unsigned int id,
		    unsigned long frame, size_t nr, int prot, void **ret_addr)
{
	struct privcmd_mmap_resource res = {
		.dom = dom, .type = type, .id = id, .idx = (uint32_t)frame, .num = nr};
	void *addr;
	int rc;

	addr = mmap(NULL, nr << HV_PAGE_SHIFT, prot, MAP_SHARED, h->privcmd, 0);
	if (addr == MAP_FAILED) {
		return -errno;
	}
	res.addr = (uintptr_t)addr;
	if (ioctl(h->privcmd, PRIVCMD_MMAP_RESOURCE, &res)) {
		/* A kernel without the ioctl says ENOTTY, one whose hypervisor can't: ENOSYS. */
		rc = errno == ENOTTY || errno == ENOSYS ? -EOPNOTSUPP : -errno;
		munmap(addr, nr << HV_PAGE_SHIFT);
		return rc;
	}
	*ret_addr = addr;
	return 0;
}

void hv_resource_unmap(struct hv_handle *h, void *addr, size_t nr)
{
	hv_foreign_unmap(h, addr, nr);
}

int hv_domain_getinfo(struct hv_handle *h, domid_t first, struct xen_domctl_getdomaininfo *ret_info)
{
	struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domain = first};
	int rc = hv_domctl(h, &op);

	if (!rc) {
		*ret_info = op.u.getdomaininfo;
	}
	return rc;
}

int hv_domain_getinfolist(struct hv_handle *h, domid_t first, unsigned int max,
			  struct xen_domctl_getdomaininfo *infos)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_getdomaininfolist};
	size_t bytes = (size_t)max * sizeof(*infos);
	struct xen_domctl_getdomaininfo *buf;
	int rc;

	if (!max) {
		return 0;
	}
	buf = hv_buf_alloc(h, bytes);
	if (!buf) {
		return -ENOMEM;
	}
	op.u.getdomaininfolist.first_domain = first;
	op.u.getdomaininfolist.max_domains = max;
	set_xen_guest_handle(op.u.getdomaininfolist.buffer, buf);
	rc = hv_sysctl(h, &op);
	if (!rc) {
		rc = (int)op.u.getdomaininfolist.num_domains;
		memcpy(infos, buf, (size_t)rc * sizeof(*infos));
	}
	hv_buf_free(h, buf, bytes);
	return rc;
}
