/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The daemon's hypervisor: libhv. The control domain's own ring comes from the
 * kernel, in xenfs or from /dev/xen/xenbus_backend.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <dom0-tools/libhv/libhv.h>
#include <public/grant_table.h>
#include <xenstore/daemon/platform.h>
#include <xenstore/store/util.h>

#define RING_BYTES 4096

/* How a ring was mapped says how to unmap it. */
struct ring_map {
	struct ring_map *next;
	void *addr;
	enum { BY_GRANT, BY_FRAME, BY_KERNEL } how;
};

struct platform {
	struct hv_handle *hv;
	struct hv_evtchn *evtchn;
	struct hv_gnttab *gnttab;
	struct ring_map *maps;
	uint32_t domexc_port;
};

/* @evtchn_fd: of another daemon, or -1. */
static int open_all(struct platform **ret_p, int evtchn_fd)
{
	struct platform *p = store_zalloc(sizeof(*p));
	int rc;

	rc = hv_open(&p->hv);
	if (rc) {
		goto err_free;
	}
	rc = evtchn_fd < 0 ? hv_evtchn_open(&p->evtchn) : hv_evtchn_adopt(evtchn_fd, &p->evtchn);
	if (rc) {
		goto err_hv;
	}
	rc = hv_gnttab_open(&p->gnttab);
	if (rc) {
		goto err_evtchn;
	}
	*ret_p = p;
	return 0;

err_evtchn:
	hv_evtchn_close(p->evtchn);
err_hv:
	hv_close(p->hv);
err_free:
	free(p);
	return rc;
}

int platform_open(struct platform **ret_p)
{
	int rc = open_all(ret_p, -1);

	if (rc) {
		return rc;
	}
	rc = hv_evtchn_bind_virq((*ret_p)->evtchn, VIRQ_DOM_EXC);
	if (rc < 0) {
		platform_close(*ret_p);
		return rc;
	}
	(*ret_p)->domexc_port = (uint32_t)rc;
	return 0;
}

int platform_adopt(struct platform **ret_p, int evtchn_fd, uint32_t domexc_port)
{
	int rc = open_all(ret_p, evtchn_fd);

	if (!rc) {
		(*ret_p)->domexc_port = domexc_port;
	}
	return rc;
}

void platform_close(struct platform *p)
{
	if (!p) {
		return;
	}
	while (p->maps) {
		platform_ring_unmap(p, p->maps->addr);
	}
	hv_gnttab_close(p->gnttab);
	hv_evtchn_close(p->evtchn);
	hv_close(p->hv);
	free(p);
}

int platform_fd(const struct platform *p)
{
	return hv_evtchn_fd(p->evtchn);
}

int platform_pending(struct platform *p)
{
	return hv_evtchn_pending(p->evtchn);
}

void platform_unmask(struct platform *p, uint32_t port)
{
	hv_evtchn_unmask(p->evtchn, port);
}

uint32_t platform_domexc_port(const struct platform *p)
{
	return p->domexc_port;
}

enum domain_state platform_domain_state(struct platform *p, uint16_t domid)
{
	struct xen_domctl_getdomaininfo info;

	if (hv_domain_getinfo(p->hv, domid, &info) || info.domain != domid) {
		return DOMAIN_GONE;
	}
	if (info.flags & XEN_DOMINF_dying) {
		return DOMAIN_DYING;
	}
	return info.flags & XEN_DOMINF_shutdown ? DOMAIN_SHUTDOWN : DOMAIN_RUNNING;
}

static int ring_done(struct platform *p, void *addr, int how,
		     struct xenstore_domain_interface **ret_ring)
{
	struct ring_map *m = store_zalloc(sizeof(*m));

	m->addr = addr;
	m->how = how;
	m->next = p->maps;
	p->maps = m;
	*ret_ring = addr;
	return 0;
}

int platform_ring_map(struct platform *p, uint16_t domid, uint64_t gfn,
		      struct xenstore_domain_interface **ret_ring)
{
	const grant_ref_t ref = GNTTAB_RESERVED_XENSTORE;
	xen_pfn_t frame = gfn;
	void *addr;
	int rc;

	rc = hv_gnttab_map(p->gnttab, domid, &ref, 1, PROT_READ | PROT_WRITE, &addr);
	if (!rc) {
		return ring_done(p, addr, BY_GRANT, ret_ring);
	}
	rc = hv_foreign_map(p->hv, domid, PROT_READ | PROT_WRITE, &frame, 1, NULL, &addr);
	return rc ? rc : ring_done(p, addr, BY_FRAME, ret_ring);
}

void platform_ring_unmap(struct platform *p, struct xenstore_domain_interface *ring)
{
	struct ring_map **pp = &p->maps, *m;

	while ((m = *pp) && m->addr != ring) {
		pp = &m->next;
	}
	if (!m) {
		return;
	}
	*pp = m->next;
	if (m->how == BY_GRANT) {
		hv_gnttab_unmap(p->gnttab, m->addr, 1);
	} else if (m->how == BY_FRAME) {
		hv_foreign_unmap(p->hv, m->addr, 1);
	} else {
		munmap(m->addr, RING_BYTES);
	}
	free(m);
}

/* ---- the control domain itself ------------------------------------------- */

#define BACKEND_DEV    "/dev/xen/xenbus_backend"
#define BACKEND_EVTCHN _IO('B', 0) /* returns the port */

static int own_port(uint32_t *ret_port)
{
	FILE *f = fopen("/proc/xen/xsd_port", "re");
	unsigned int port;
	int fd, rc;

	if (f) {
		rc = fscanf(f, "%u", &port) == 1 ? 0 : -EIO;
		fclose(f);
		*ret_port = port;
		return rc;
	}
	fd = open(BACKEND_DEV, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	rc = ioctl(fd, BACKEND_EVTCHN);
	rc = rc < 0 ? -errno : rc;
	close(fd);
	if (rc < 0) {
		return rc;
	}
	*ret_port = (uint32_t)rc;
	return 0;
}

int platform_ring_own(struct platform *p, struct xenstore_domain_interface **ret_ring,
		      uint32_t *ret_port)
{
	int fd, rc;
	void *addr;

	rc = own_port(ret_port);
	if (rc) {
		return rc;
	}
	fd = open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fd = open(BACKEND_DEV, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0) {
		return -errno;
	}
	addr = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	rc = addr == MAP_FAILED ? -errno : 0;
	close(fd);
	return rc ? rc : ring_done(p, addr, BY_KERNEL, ret_ring);
}

int platform_bind(struct platform *p, uint16_t domid, uint32_t remote_port)
{
	return hv_evtchn_bind_interdomain(p->evtchn, domid, remote_port);
}

void platform_unbind(struct platform *p, uint32_t port)
{
	hv_evtchn_unbind(p->evtchn, port);
}

void platform_notify(struct platform *p, uint32_t port)
{
	hv_evtchn_notify(p->evtchn, port);
}
