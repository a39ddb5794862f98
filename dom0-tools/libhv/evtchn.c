/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Event channels through /dev/xen/evtchn. Owns the file; the kernel closes the
 * ports that were bound through it when it is closed. No locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dom0-tools/libhv/libhv.h"
#include "dom0-tools/libhv/internal.h"

struct hv_evtchn {
	int fd;
};

int hv_evtchn_open(struct hv_evtchn **ret_e)
{
	struct hv_evtchn *e = malloc(sizeof(*e));
	int rc;

	if (!e) {
		return -ENOMEM;
	}
	/* Not blocking: hv_evtchn_pending() says -EAGAIN. */
	e->fd = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (e->fd < 0) {
		rc = -errno;
		free(e);
		return rc;
	}
	*ret_e = e;
	return 0;
}

int hv_evtchn_adopt(int fd, struct hv_evtchn **ret_e)
{
	struct hv_evtchn *e = malloc(sizeof(*e));

	if (!e) {
		return -ENOMEM;
	}
	e->fd = fd;
	*ret_e = e;
	return 0;
}

void hv_evtchn_close(struct hv_evtchn *e)
{
	if (e) {
		close(e->fd);
		free(e);
	}
}

int hv_evtchn_fd(const struct hv_evtchn *e)
{
	return e->fd;
}

static int control(struct hv_evtchn *e, unsigned long request, void *arg)
{
	int rc = ioctl(e->fd, request, arg);

	return rc < 0 ? -errno : rc;
}

int hv_evtchn_bind_interdomain(struct hv_evtchn *e, domid_t dom, evtchn_port_t remote_port)
{
	struct evtchn_bind_interdomain_arg arg = {dom, remote_port};

	return control(e, EVTCHN_BIND_INTERDOMAIN, &arg);
}

int hv_evtchn_bind_unbound(struct hv_evtchn *e, domid_t remote)
{
	unsigned int arg = remote;

	return control(e, EVTCHN_BIND_UNBOUND_PORT, &arg);
}

int hv_evtchn_bind_virq(struct hv_evtchn *e, unsigned int virq)
{
	return control(e, EVTCHN_BIND_VIRQ, &virq);
}

int hv_evtchn_unbind(struct hv_evtchn *e, evtchn_port_t port)
{
	unsigned int arg = port;

	return control(e, EVTCHN_UNBIND, &arg);
}

int hv_evtchn_notify(struct hv_evtchn *e, evtchn_port_t port)
{
	unsigned int arg = port;

	return control(e, EVTCHN_NOTIFY, &arg);
}

int hv_evtchn_pending(struct hv_evtchn *e)
{
	evtchn_port_t port;
	ssize_t got;

	do {
		got = read(e->fd, &port, sizeof(port));
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return -errno;
	}
	return got == sizeof(port) ? (int)port : -EIO;
}

int hv_evtchn_unmask(struct hv_evtchn *e, evtchn_port_t port)
{
	ssize_t put;

	do {
		put = write(e->fd, &port, sizeof(port));
	} while (put < 0 && errno == EINTR);
	if (put < 0) {
		return -errno;
	}
	return put == sizeof(port) ? 0 : -EIO;
}
