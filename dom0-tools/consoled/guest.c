/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * One guest's console: its ring, terminal, backlog and log (struct guest).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon.h"
#include "report.h"
#include "ring.h"

/* A guest may have this many services per period. */
#define BUDGET    30
#define PERIOD_MS 200

/* How long a client may read on after the domain is gone. */
#define LINGER_MS 5000

#define BACKLOG_DEFAULT 1048576
#define BACKLOG_MIN     4096
#define BACKLOG_MAX     (64u << 20)

/* The grant reference by which a toolstack offers the console page. */
#define CONSOLE_GREF 0

/* ---- ring and port ------------------------------------------------------- */

static int ring_map(struct guest *g)
{
	struct daemon *d = g->d;
	grant_ref_t ref = CONSOLE_GREF;
	xen_pfn_t frame = g->ring_ref;
	void *addr;
	int rc;

	rc = hv_gnttab_map(d->gnttab, g->id, &ref, 1, PROT_READ | PROT_WRITE, &addr);
	g->ring_granted = !rc;
	if (rc)
		rc = hv_foreign_map(d->hv, g->id, PROT_READ | PROT_WRITE, &frame, 1, NULL, &addr);
	if (!rc)
		g->ring = addr;
	return rc;
}

static void ring_unmap(struct guest *g)
{
	if (!g->ring)
		return;
	if (g->ring_granted)
		hv_gnttab_unmap(g->d->gnttab, g->ring, 1);
	else
		hv_foreign_unmap(g->d->hv, g->ring, 1);
	g->ring = NULL;
}

static void port_unbind(struct guest *g)
{
	if (g->port)
		hv_evtchn_unbind(g->d->evtchn, g->port);
	g->port = 0;
	g->throttled = g->blocked = false;
}

/* ---- terminal ------------------------------------------------------------ */

/* Tells epoll what we can do with the terminal right now. */
static void tty_set_poll(struct guest *g)
{
	struct epoll_event ev = {.data.ptr = g};

	if (g->pty.master < 0)
		return;
	if (g->ring && ring_space(g->ring))
		ev.events |= EPOLLIN;
	if (g->tty_full && backlog_used(&g->backlog))
		ev.events |= EPOLLOUT;
	if (ev.events == g->poll_mask)
		return;
	if (!epoll_ctl(g->d->epoll, EPOLL_CTL_MOD, g->pty.master, &ev))
		g->poll_mask = ev.events;
}

/* Gives the terminal as much of the backlog as it takes. */
static void tty_flush(struct guest *g)
{
	char buf[4096];

	g->tty_full = false;
	while (pty_attached(&g->pty) && backlog_used(&g->backlog)) {
		ssize_t n = backlog_peek(&g->backlog, buf, sizeof(buf)), w;

		if (n <= 0)
			break;
		w = write(g->pty.master, buf, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			g->tty_full = true;
			break;
		}
		backlog_drop(&g->backlog, w);
	}
}

/* Moves what a client typed to the guest. */
static void tty_input(struct guest *g)
{
	char buf[RING_IN_SIZE];
	size_t space = g->ring ? ring_space(g->ring) : 0;
	ssize_t n;

	if (!space)
		return;
	n = read(g->pty.master, buf, space);
	if (n <= 0)
		return;
	ring_put(g->ring, buf, n);
	hv_evtchn_notify(g->d->evtchn, g->port);
}

struct tty_node {
	unsigned int domid;
	const char *value;
};

/* Only below what is still there: a tool may just have removed the domain's nodes. */
static int write_tty_node(struct xsc *xs, uint32_t tx, void *arg)
{
	const struct tty_node *n = arg;
	struct xsc_path p;
	int rc = xsc_exists(xs, tx, xsc_pathf(&p, "/local/domain/%u", n->domid));

	if (rc <= 0)
		return rc;
	return xsc_write_str(xs, tx, xsc_pathf(&p, "/local/domain/%u/console/tty", n->domid),
			     n->value);
}

static int tty_publish(struct guest *g, const char *value)
{
	struct tty_node n = {g->id, value};

	return g->d->xs ? xsc_tx_run(g->d->xs, write_tty_node, &n) : -EPIPE;
}

static int tty_open(struct guest *g)
{
	struct epoll_event ev = {.data.ptr = g};
	int rc;

	rc = pty_open(&g->pty, g->d->inotify);
	if (rc)
		return rc;
	g->poll_mask = 0;
	if (epoll_ctl(g->d->epoll, EPOLL_CTL_ADD, g->pty.master, &ev)) {
		rc = -errno;
		pty_close(&g->pty, g->d->inotify);
	}
	return rc;
}

/* ---- output -------------------------------------------------------------- */

static void keep_output(struct guest *g, const char *buf, size_t n)
{
	int rc;

	log_write(&g->log, buf, n);
	rc = backlog_append(&g->backlog, buf, n);
	if (rc && !g->backlog_failed)
		report_error("domain %u: unread output cannot be kept: %s", g->id, strerror(-rc));
	g->backlog_failed = rc;
}

/*
 * Takes up to one ring of output. Returns whether it was all; if not, there is
 * no room for the rest.
 */
static bool take_output(struct guest *g)
{
	bool hold = g->d->opt.keep_on_overflow && g->state == GUEST_CONNECTED;
	size_t max = RING_OUT_SIZE;
	char buf[RING_OUT_SIZE];
	ssize_t n;

	if (hold && backlog_space(&g->backlog) < max)
		max = backlog_space(&g->backlog);
	if (!max)
		return false;
	n = ring_peek(g->ring, buf, max);
	if (n < 0 && !g->ring_bad)
		report_error("domain %u: the indices of its console ring make no sense", g->id);
	g->ring_bad = n < 0;
	if (n <= 0)
		return true;
	keep_output(g, buf, n);
	ring_consume(g->ring, n);
	hv_evtchn_notify(g->d->evtchn, g->port);
	return max == RING_OUT_SIZE || (size_t)n < max;
}

/* Serves the ring and lets further events in, unless the guest must wait. */
static void guest_service(struct guest *g)
{
	g->blocked = !take_output(g);
	tty_flush(g);
	tty_set_poll(g);
	if (!g->blocked)
		hv_evtchn_unmask(g->d->evtchn, g->port);
}

static void guest_unblock(struct guest *g)
{
	if (g->blocked && !g->throttled && backlog_space(&g->backlog))
		guest_service(g);
}

void guest_event(struct guest *g)
{
	uint64_t now = now_ms();

	if (now >= g->period_end) {
		g->period_end = now + PERIOD_MS;
		g->budget = BUDGET;
	}
	if (!g->budget) {
		g->throttled = true;
		return;
	}
	g->budget--;
	guest_service(g);
}

void guest_tty_ready(struct guest *g, uint32_t events)
{
	if (events & EPOLLIN)
		tty_input(g);
	if (events & EPOLLOUT) {
		tty_flush(g);
		guest_unblock(g);
	}
	tty_set_poll(g);
}

void guest_tty_opened(struct guest *g, uint32_t mask)
{
	pty_event(&g->pty, mask);
	tty_flush(g);
	guest_unblock(g);
	tty_set_poll(g);
}

uint64_t guest_tick(struct guest *g, uint64_t now)
{
	if (g->state == GUEST_LINGERING) {
		bool unread = backlog_used(&g->backlog) || pty_unread(&g->pty);

		if (!pty_attached(&g->pty) || !unread || now >= g->linger_end) {
			g->state = GUEST_GONE;
			return now;
		}
		return now + 50;
	}
	if (!g->throttled)
		return UINT64_MAX;
	if (now < g->period_end)
		return g->period_end;
	g->throttled = false;
	guest_event(g);
	return UINT64_MAX;
}

/* ---- coming and going ---------------------------------------------------- */

struct guest *guest_new(struct daemon *d, const struct xen_domctl_getdomaininfo *info)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->d = d;
	g->id = info->domain;
	memcpy(g->uuid, info->handle, sizeof(g->uuid));
	g->pty = (struct pty){.master = -1, .slave = -1, .watch = -1};
	g->backlog.fd = -1;
	return g;
}

static int console_read(struct guest *g, const char *key, long long *ret)
{
	struct xsc_path p;

	return xsc_read_int(g->d->xs, XSC_NO_TX,
			    xsc_pathf(&p, "/local/domain/%u/console/%s", g->id, key), ret);
}

/* Whether the console is a pty's and ours to serve. */
static bool console_is_ours(struct guest *g)
{
	struct xsc_path p;
	char *v;
	bool ours = true;

	if (!xsc_read(g->d->xs, XSC_NO_TX, xsc_pathf(&p, "/local/domain/%u/console/type", g->id),
		      &v, NULL)) {
		ours = !strcmp(v, "xenconsoled");
		free(v);
	}
	if (ours && !xsc_read(g->d->xs, XSC_NO_TX,
			      xsc_pathf(&p, "/local/domain/%u/console/output", g->id), &v, NULL)) {
		ours = !strcmp(v, "pty");
		free(v);
	}
	return ours;
}

static int open_log(struct guest *g)
{
	struct xsc_path p;
	char *name = NULL, *path;
	int rc;

	if (!g->d->opt.log_guest || g->log.path)
		return 0;
	rc = xsc_read(g->d->xs, XSC_NO_TX, xsc_pathf(&p, "/local/domain/%u/name", g->id), &name,
		      NULL);
	if (rc || !*name)
		rc = asprintf(&path, "%s/guest-%u.log", g->d->opt.log_dir, g->id);
	else
		rc = asprintf(&path, "%s/guest-%s.log", g->d->opt.log_dir, name);
	free(name);
	if (rc < 0)
		return -ENOMEM;
	for (char *c = path + strlen(g->d->opt.log_dir) + 1; *c; c++)
		if (*c == '/')
			*c = '_';
	rc = log_init(&g->log, path, &g->d->opt.guest_policy);
	free(path);
	return rc;
}

static int open_backlog(struct guest *g)
{
	long long limit;
	char *path, *c;
	int rc;

	if (g->backlog.fd >= 0)
		return 0;
	if (console_read(g, "limit", &limit) || limit <= 0)
		limit = BACKLOG_DEFAULT;
	limit = limit < BACKLOG_MIN ? BACKLOG_MIN : limit > BACKLOG_MAX ? BACKLOG_MAX : limit;
	/* The UUID tells a successor that it is still the same domain. */
	if (asprintf(&path, "%s/%u-%032d", g->d->opt.state_dir, g->id, 0) < 0)
		return -ENOMEM;
	c = path + strlen(path) - 32;
	for (size_t i = 0; i < sizeof(g->uuid); i++)
		sprintf(c + 2 * i, "%02x", g->uuid[i]);
	rc = backlog_open(&g->backlog, path, limit);
	free(path);
	return rc;
}

/* Everything from a pair of numbers in the store to a working console. */
static int guest_connect(struct guest *g, uint64_t ring_ref, evtchn_port_t port)
{
	const char *what = "its log";
	int rc;

	g->ring_ref = ring_ref;
	g->remote_port = port;
	rc = open_log(g);
	if (!rc) {
		what = "its backlog";
		rc = open_backlog(g);
	}
	if (!rc && g->pty.master < 0) {
		what = "its terminal";
		rc = tty_open(g);
	}
	if (!rc) {
		what = "its ring";
		rc = ring_map(g);
	}
	if (!rc) {
		what = "its event channel";
		rc = hv_evtchn_bind_interdomain(g->d->evtchn, g->id, port);
	}
	if (rc < 0) {
		report_error("domain %u: %s: %s", g->id, what, strerror(-rc));
		ring_unmap(g);
		return rc;
	}
	g->port = rc;
	g->state = GUEST_CONNECTED;
	return 0;
}

void guest_update(struct guest *g)
{
	long long ring_ref, port;
	int rc;

	if (!g->d->xs || g->state > GUEST_CONNECTED)
		return;
	if (console_read(g, "ring-ref", &ring_ref) || console_read(g, "port", &port))
		return;
	if (port <= 0 || port > UINT32_MAX || ring_ref < 0 || !console_is_ours(g))
		return;
	if (g->state == GUEST_CONNECTED && g->ring_ref == (uint64_t)ring_ref &&
	    g->remote_port == port)
		return;
	if (g->state == GUEST_CONNECTED) {
		take_output(g);
		ring_unmap(g);
		port_unbind(g);
		g->state = GUEST_KNOWN;
	}
	if (guest_connect(g, ring_ref, port))
		return;
	rc = tty_publish(g, g->pty.name);
	if (rc)
		report_error("domain %u: its terminal's name cannot be published: %s", g->id,
			     strerror(-rc));
	report_info("domain %u: console on %s", g->id, g->pty.name);
	/* There may be output from before we came, of which no event tells. */
	guest_event(g);
}

void guest_domain_gone(struct guest *g)
{
	if (g->state == GUEST_KNOWN)
		g->state = GUEST_GONE;
	if (g->state != GUEST_CONNECTED)
		return;
	g->state = GUEST_LINGERING;
	g->linger_end = now_ms() + LINGER_MS;
	take_output(g);
	ring_unmap(g);
	port_unbind(g);
	tty_flush(g);
	tty_set_poll(g);
}

void guest_free(struct guest *g, bool handover)
{
	if (handover && g->state == GUEST_CONNECTED)
		tty_publish(g, "");
	ring_unmap(g);
	port_unbind(g);
	pty_close(&g->pty, g->d->inotify);
	backlog_close(&g->backlog, !handover);
	log_fini(&g->log);
	free(g);
}
