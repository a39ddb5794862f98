/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The daemon's platform played with files, the same ones that fakexen.c shows
 * to Debian's daemons: $FAKEXEN_DIR/dom.N, ring.N, evt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenstore/daemon/platform.h>

#define PORT_VIRQ 60000

struct platform {
	int evt;
};

static const char *file(const char *what, int n)
{
	static char name[512];
	const char *dir = getenv("FAKEXEN_DIR");

	snprintf(name, sizeof(name), n < 0 ? "%s/%s" : "%s/%s.%d", dir ? dir : ".", what, n);
	return name;
}

int platform_open(struct platform **ret_p)
{
	int fd = open(file("evt", -1), O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return -ENODEV;
	}
	*ret_p = malloc(sizeof(**ret_p));
	(*ret_p)->evt = fd;
	return 0;
}

int platform_adopt(struct platform **ret_p, int evtchn_fd, uint32_t domexc_port)
{
	*ret_p = malloc(sizeof(**ret_p));
	(*ret_p)->evt = evtchn_fd;
	return 0;
}

void platform_close(struct platform *p)
{
	if (p) {
		close(p->evt);
		free(p);
	}
}

int platform_fd(const struct platform *p)
{
	return p->evt;
}

int platform_pending(struct platform *p)
{
	uint32_t port;

	return read(p->evt, &port, sizeof(port)) == sizeof(port) ? (int)port : -EAGAIN;
}

void platform_unmask(struct platform *p, uint32_t port)
{
}

uint32_t platform_domexc_port(const struct platform *p)
{
	return PORT_VIRQ;
}

enum domain_state platform_domain_state(struct platform *p, uint16_t domid)
{
	int fd = open(file("dom", domid), O_RDONLY | O_CLOEXEC);
	char c = 'r';

	if (fd < 0) {
		return DOMAIN_GONE;
	}
	if (read(fd, &c, 1) != 1) {
		c = 'r';
	}
	close(fd);
	return c == 's' ? DOMAIN_SHUTDOWN : c == 'd' ? DOMAIN_DYING : DOMAIN_RUNNING;
}

static int map(uint16_t domid, struct xenstore_domain_interface **ret_ring)
{
	int fd = open(file("ring", domid), O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0) {
		return -errno;
	}
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED) {
		return -errno;
	}
	*ret_ring = p;
	return 0;
}

int platform_ring_map(struct platform *p, uint16_t domid, uint64_t gfn,
		      struct xenstore_domain_interface **ret_ring)
{
	return map(domid, ret_ring);
}

int platform_ring_own(struct platform *p, struct xenstore_domain_interface **ret_ring,
		      uint32_t *ret_port)
{
	*ret_port = 1;
	return map(0, ret_ring);
}

void platform_ring_unmap(struct platform *p, struct xenstore_domain_interface *ring)
{
	munmap(ring, 4096);
}

int platform_bind(struct platform *p, uint16_t domid, uint32_t remote_port)
{
	return domid;
}

void platform_unbind(struct platform *p, uint32_t port)
{
}

void platform_notify(struct platform *p, uint32_t port)
{
}
