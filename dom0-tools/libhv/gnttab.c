/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Grant mappings through /dev/xen/gntdev. A mapping is made in two steps: the
 * references are given to the kernel, which answers with a file offset, and
 * the offset is mapped. Owns the file; no locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0-tools/libhv/libhv.h"
#include "dom0-tools/libhv/internal.h"

struct hv_gnttab {
	int fd;
};

int hv_gnttab_open(struct hv_gnttab **ret_g)
{
	struct hv_gnttab *g = malloc(sizeof(*g));
	int rc;

	if (!g) {
		return -ENOMEM;
	}
	g->fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
	if (g->fd < 0) {
		rc = -errno;
		free(g);
		return rc;
	}
	*ret_g = g;
	return 0;
}

void hv_gnttab_close(struct hv_gnttab *g)
{
	if (g) {
		close(g->fd);
		free(g);
	}
}

/* Step one; the answer is the file offset. */
static int insert_refs(struct hv_gnttab *g, domid_t dom, const grant_ref_t *refs, size_t nr,
		       uint64_t *ret_index)
{
	struct gntdev_map_grant_ref *map;
	int rc = 0;

	map = calloc(1, sizeof(*map) + nr * sizeof(map->refs[0]));
	if (!map) {
		return -ENOMEM;
	}
	map->count = (uint32_t)nr;
	for (size_t i = 0; i < nr; i++) {
		map->refs[i].domid = dom;
		map->refs[i].ref = refs[i];
	}
	if (ioctl(g->fd, GNTDEV_MAP_GRANT_REF, map)) {
		rc = -errno;
	} else {
		*ret_index = map->index;
	}
	free(map);
	return rc;
}

static int remove_refs(struct hv_gnttab *g, uint64_t index, size_t nr)
{
	struct gntdev_unmap_grant_ref unmap = {.index = index, .count = (uint32_t)nr};

	return ioctl(g->fd, GNTDEV_UNMAP_GRANT_REF, &unmap) ? -errno : 0;
}

static int map_index(struct hv_gnttab *g, uint64_t index, size_t nr, int prot, void **ret_addr)
{
	void *addr = mmap(NULL, nr * HV_PAGE_SIZE, prot, MAP_SHARED, g->fd, (off_t)index);

	if (addr == MAP_FAILED) {
		return -errno;
	}
	*ret_addr = addr;
	return 0;
}

int hv_gnttab_map(struct hv_gnttab *g, domid_t dom, const grant_ref_t *refs, size_t nr, int prot,
		  void **ret_addr)
{
	uint64_t index = 0;
	int rc;

	if (!nr || nr > INT32_MAX / HV_PAGE_SIZE) {
		return -EINVAL;
	}
	rc = insert_refs(g, dom, refs, nr, &index);
	if (rc) {
		return rc;
	}
	rc = map_index(g, index, nr, prot, ret_addr);
	if (rc) {
		remove_refs(g, index, nr);
	}
	return rc;
}

int hv_gnttab_unmap(struct hv_gnttab *g, void *addr, size_t nr)
{
	struct gntdev_get_offset_for_vaddr where = {.vaddr = (uintptr_t)addr};

	if (ioctl(g->fd, GNTDEV_GET_OFFSET_FOR_VADDR, &where)) {
		return -errno;
	}
	if (where.count != nr) {
		return -EINVAL;
	}
	if (munmap(addr, nr * HV_PAGE_SIZE)) {
		return -errno;
	}
	return remove_refs(g, where.offset, nr);
}

int hv_gnttab_map_notify(struct hv_gnttab *g, domid_t dom, grant_ref_t ref, int prot,
			 long notify_offset, evtchn_port_t notify_port, void **ret_addr)
{
	struct gntdev_unmap_notify notify = {0};
	uint64_t index = 0;
	int rc;

	rc = insert_refs(g, dom, &ref, 1, &index);
	if (rc) {
		return rc;
	}
	rc = map_index(g, index, 1, prot, ret_addr);
	if (rc) {
		remove_refs(g, index, 1);
		return rc;
	}
	notify.index = index;
	if (notify_offset >= 0) {
		notify.action |= GNTDEV_NOTIFY_CLEAR_BYTE;
		notify.index += (uint64_t)notify_offset;
	}
	if (notify_port) {
		notify.action |= GNTDEV_NOTIFY_SEND_EVENT;
		notify.event_channel_port = notify_port;
	}
	if (notify.action && ioctl(g->fd, GNTDEV_SET_UNMAP_NOTIFY, &notify)) {
		rc = -errno;
		munmap(*ret_addr, HV_PAGE_SIZE);
		remove_refs(g, index, 1);
	}
	return rc;
}
