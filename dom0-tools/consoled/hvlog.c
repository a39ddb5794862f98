/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The hypervisor's console in a log file (--log=hv).
 *
 * VIRQ_CON_RING says that there is something new; the sysctl reads on from an
 * index. The index is kept in the state directory, so that a successor neither
 * repeats nor skips.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "report.h"

#define CHUNK 16384

struct hvlog {
	struct daemon *d;
	struct log log;
	char *buf; /* hypercall memory */
	uint32_t index;
	int state_fd; /* -1: the index can't be kept */
	evtchn_port_t port;
	bool failed; /* reported */
};

static int hvlog_load_index(struct hvlog *l)
{
	char *path;

	if (asprintf(&path, "%s/hypervisor.index", l->d->opt.state_dir) < 0)
		return -ENOMEM;
	l->state_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->state_fd < 0)
		report_error("%s: %s", path, strerror(errno));
	else if (pread(l->state_fd, &l->index, sizeof(l->index), 0) != sizeof(l->index))
		l->index = 0;
	free(path);
	return 0;
}

static void hvlog_save_index(struct hvlog *l)
{
	if (l->state_fd >= 0 &&
	    pwrite(l->state_fd, &l->index, sizeof(l->index), 0) != sizeof(l->index)) {
		report_error("the hypervisor log's position cannot be kept: %s", strerror(errno));
		close(l->state_fd);
		l->state_fd = -1;
	}
}

/* Reads one chunk; returns its length, 0 at the end. */
static int hvlog_read(struct hvlog *l)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_readconsole};
	int rc;

	op.u.readconsole.incremental = 1;
	op.u.readconsole.index = l->index;
	op.u.readconsole.count = CHUNK;
	set_xen_guest_handle(op.u.readconsole.buffer, l->buf);
	rc = hv_sysctl(l->d->hv, &op);
	if (rc)
		return rc;
	l->index = op.u.readconsole.index;
	return op.u.readconsole.count;
}

static void hvlog_drain(struct hvlog *l)
{
	int n;

	while ((n = hvlog_read(l)) > 0) {
		log_write(&l->log, l->buf, n);
		hvlog_save_index(l);
	}
	if (n < 0 && !l->failed)
		report_error("the hypervisor's console cannot be read: %s", strerror(-n));
	l->failed = n < 0;
}

int hvlog_open(struct daemon *d, struct hvlog **ret_l)
{
	struct hvlog *l = calloc(1, sizeof(*l));
	char *path = NULL;
	int rc = -ENOMEM;

	if (!l)
		return rc;
	l->d = d;
	l->state_fd = -1;
	l->buf = hv_buf_alloc(d->hv, CHUNK);
	if (!l->buf || asprintf(&path, "%s/hypervisor.log", d->opt.log_dir) < 0)
		goto err;
	rc = log_init(&l->log, path, &d->opt.hv_policy);
	free(path);
	if (!rc)
		rc = hvlog_load_index(l);
	if (!rc)
		rc = hv_evtchn_bind_virq(d->evtchn, VIRQ_CON_RING);
	if (rc < 0)
		goto err;
	l->port = rc;
	hvlog_drain(l);
	*ret_l = l;
	return 0;
err:
	hvlog_close(l);
	return rc;
}

void hvlog_close(struct hvlog *l)
{
	if (!l)
		return;
	if (l->port)
		hv_evtchn_unbind(l->d->evtchn, l->port);
	if (l->state_fd >= 0)
		close(l->state_fd);
	log_fini(&l->log);
	if (l->buf)
		hv_buf_free(l->d->hv, l->buf, CHUNK);
	free(l);
}

evtchn_port_t hvlog_port(const struct hvlog *l)
{
	return l ? l->port : 0;
}

void hvlog_event(struct hvlog *l)
{
	hv_evtchn_unmask(l->d->evtchn, l->port);
	hvlog_drain(l);
}

void hvlog_reopen(struct hvlog *l)
{
	if (l)
		log_reopen(&l->log);
}
