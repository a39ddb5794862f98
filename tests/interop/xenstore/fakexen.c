/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A make-believe hypervisor for store daemons, to be preloaded into them, so
 * that they can be compared on a machine without any: domains are files.
 *
 * $FAKEXEN_DIR/dom.N   one character: 'r' running, 's' shut down, 'd' dying;
 *                      no file: there is no domain N
 * $FAKEXEN_DIR/ring.N  the store ring page of domain N
 * $FAKEXEN_DIR/evt     a FIFO: the test writes a port as u32 to raise it
 *
 * Port N of the daemon belongs to domain N; port 60000 is VIRQ_DOM_EXC. What
 * the daemon notifies is not passed on: a test looks at the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PORT_VIRQ 60000

static long handle[512];

static const char *file(const char *what, int n)
{
	static char name[512];
	const char *dir = getenv("FAKEXEN_DIR");

	snprintf(name, sizeof(name), n < 0 ? "%s/%s" : "%s/%s.%d", dir ? dir : ".", what, n);
	return name;
}

/* 0 when there is no such domain. */
static char domain_state(uint32_t id)
{
	char c = 'r';
	int fd;

	if (id == 0) {
		return 'r';
	}
	fd = open(file("dom", (int)id), O_RDONLY);
	if (fd < 0) {
		return 0;
	}
	if (read(fd, &c, 1) != 1) {
		c = 'r';
	}
	close(fd);
	return c;
}

static void *map_ring(uint32_t id)
{
	void *p;
	int fd = open(file("ring", (int)id), O_RDWR);

	if (fd < 0) {
		return NULL;
	}
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* The kernel's files about the control domain's own ring. */
static const char *redirect(const char *name)
{
	const char *base = strstr(name, "xsd_");

	return strstr(name, "/xen/") && base ? file(base, -1) : name;
}

int open(const char *name, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return (int)syscall(SYS_openat, AT_FDCWD, redirect(name), flags, mode);
}

int open64(const char *name, int flags, ...) __attribute__((alias("open")));

/* oxenstored insists on its file limit. */
int setrlimit(__rlimit_resource_t what, const struct rlimit *lim)
{
	return 0;
}

int setrlimit64(__rlimit_resource_t what, const struct rlimit64 *lim)
{
	return 0;
}

xc_interface *xc_interface_open(xentoollog_logger *l, xentoollog_logger *d, unsigned int flags)
{
	return (xc_interface *)handle;
}

int xc_interface_close(xc_interface *xch)
{
	return 0;
}

static uint32_t first_domain(uint32_t from)
{
	for (; from < 200; from++) {
		if (domain_state(from)) {
			return from;
		}
	}
	return UINT32_MAX;
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
	uint32_t id = first_domain(first);

	if (id == UINT32_MAX) {
		errno = ESRCH;
		return -1;
	}
	memset(info, 0, sizeof(*info));
	info->domid = id;
	info->shutdown = domain_state(id) == 's';
	info->dying = domain_state(id) == 'd';
	return 1;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
			  xc_domaininfo_t *info)
{
	uint32_t id = first_domain(first);

	if (id == UINT32_MAX) {
		return 0;
	}
	memset(info, 0, sizeof(*info));
	info->domain = (domid_t)id;
	if (domain_state(id) == 's') {
		info->flags = XEN_DOMINF_shutdown;
	} else if (domain_state(id) == 'd') {
		info->flags = XEN_DOMINF_dying;
	}
	return 1;
}

/* Declared by headers that come with no package. */
void *xc_map_foreign_range(xc_interface *xch, uint32_t dom, int size, int prot, unsigned long mfn);
void *xc_map_foreign_range(xc_interface *xch, uint32_t dom, int size, int prot, unsigned long mfn)
{
	return map_ring(dom);
}

xenevtchn_handle *xenevtchn_open(xentoollog_logger *l, unsigned int flags)
{
	return (xenevtchn_handle *)handle;
}

int xenevtchn_close(xenevtchn_handle *x)
{
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *x)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open(file("evt", -1), O_RDWR | O_NONBLOCK);
	}
	return fd;
}

int xenevtchn_bind_virq(xenevtchn_handle *x, unsigned int virq)
{
	return PORT_VIRQ;
}

int xenevtchn_bind_interdomain(xenevtchn_handle *x, uint32_t dom, evtchn_port_t port)
{
	return (int)dom;
}

int xenevtchn_unbind(xenevtchn_handle *x, evtchn_port_t port)
{
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *x, evtchn_port_t port)
{
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *x, evtchn_port_t port)
{
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *x)
{
	uint32_t port;

	return read(xenevtchn_fd(x), &port, sizeof(port)) == sizeof(port) ? (int)port : -1;
}

xengnttab_handle *xengnttab_open(xentoollog_logger *l, unsigned int flags)
{
	return (xengnttab_handle *)handle;
}

int xengnttab_close(xengnttab_handle *x)
{
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *x, uint32_t nr)
{
	return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *x, uint32_t dom, uint32_t ref, int prot)
{
	return ref == 1 ? map_ring(dom) : NULL;
}

int xengnttab_unmap(xengnttab_handle *x, void *addr, uint32_t nr)
{
	return munmap(addr, 4096);
}
