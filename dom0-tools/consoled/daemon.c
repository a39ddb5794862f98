/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The daemon's handles and its loop (struct daemon).
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "report.h"

/* After losing the store: how often to try again. */
#define STORE_RETRY_MS 500

#define INFO_BATCH 64

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int poll_add(struct daemon *d, int fd, uint64_t what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = what};

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* ---- the list of guests -------------------------------------------------- */

static struct guest *find_guest(struct daemon *d, domid_t id)
{
	struct guest *g = d->guests;

	while (g && (g->id != id || g->state > GUEST_CONNECTED))
		g = g->next;
	return g;
}

static struct guest *find_port(struct daemon *d, evtchn_port_t port)
{
	struct guest *g = d->guests;

	while (g && g->port != port)
		g = g->next;
	return g;
}

static void watch_console(struct daemon *d, struct guest *g)
{
	struct xsc_path p;
	int rc;

	rc = xsc_watch(d->xs, xsc_pathf(&p, "/local/domain/%u/console", g->id), "console");
	if (rc && rc != -EEXIST)
		report_error("domain %u: its console cannot be watched: %s", g->id, strerror(-rc));
}

static void forget_guest(struct daemon *d, struct guest *g)
{
	struct xsc_path p;

	if (d->xs)
		xsc_unwatch(d->xs, xsc_pathf(&p, "/local/domain/%u/console", g->id), "console");
	guest_domain_gone(g);
}

/* One domain that exists: new, known, or the id's next owner. */
static void see_domain(struct daemon *d, const struct xen_domctl_getdomaininfo *info)
{
	struct guest *g = find_guest(d, info->domain);

	if (g && memcmp(g->uuid, info->handle, sizeof(g->uuid)) && g->state == GUEST_CONNECTED) {
		forget_guest(d, g);
		g = NULL;
	}
	if (info->flags & XEN_DOMINF_dying)
		return;
	if (!g) {
		g = guest_new(d, info);
		if (!g)
			return;
		g->next = d->guests;
		d->guests = g;
		watch_console(d, g);
	}
	memcpy(g->uuid, info->handle, sizeof(g->uuid));
	guest_update(g);
}

static bool listed_alive(const struct xen_domctl_getdomaininfo *infos, size_t nr, domid_t id)
{
	for (size_t i = 0; i < nr; i++)
		if (infos[i].domain == id)
			return !(infos[i].flags & XEN_DOMINF_dying);
	return false;
}

/* All domains but our own; the caller frees them. Negative errno. */
static int list_domains(struct daemon *d, struct xen_domctl_getdomaininfo **ret)
{
	struct xen_domctl_getdomaininfo *infos = NULL;
	int nr = 0, n;

	do {
		void *more = realloc(infos, (nr + INFO_BATCH) * sizeof(*infos));

		if (!more) {
			free(infos);
			return -ENOMEM;
		}
		infos = more;
		n = hv_domain_getinfolist(d->hv, nr ? infos[nr - 1].domain + 1 : 1, INFO_BATCH,
					  infos + nr);
		if (n < 0) {
			free(infos);
			return n;
		}
		nr += n;
	} while (n == INFO_BATCH);
	*ret = infos;
	return nr;
}

static void rescan(struct daemon *d)
{
	struct xen_domctl_getdomaininfo *infos;
	int nr = list_domains(d, &infos);

	if (nr < 0) {
		report_error("the list of domains cannot be read: %s", strerror(-nr));
		return;
	}
	for (struct guest *g = d->guests; g; g = g->next)
		if (g->state <= GUEST_CONNECTED && !listed_alive(infos, nr, g->id))
			forget_guest(d, g);
	for (int i = 0; i < nr; i++)
		see_domain(d, &infos[i]);
	free(infos);
}

static void reap(struct daemon *d)
{
	struct guest **link = &d->guests, *g;

	while ((g = *link)) {
		if (g->state != GUEST_GONE) {
			link = &g->next;
			continue;
		}
		*link = g->next;
		report_info("domain %u: gone", g->id);
		guest_free(g, false);
	}
}

/* Backlogs whose domain went while no daemon was there. */
static void remove_stale_backlogs(struct daemon *d)
{
	DIR *dir = opendir(d->opt.state_dir);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir))) {
		struct guest *g = d->guests;
		size_t len = strlen(e->d_name);

		if (!strchr("0123456789", e->d_name[0]))
			continue;
		for (; g; g = g->next) {
			const char *path = g->backlog.path;

			if (path && strlen(path) > len &&
			    !strcmp(path + strlen(path) - len, e->d_name))
				break;
		}
		if (!g)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
}

/* ---- the store ----------------------------------------------------------- */

static int store_open(struct daemon *d)
{
	int rc = xsc_open(0, &d->xs);

	if (!rc)
		rc = xsc_watch(d->xs, "@introduceDomain", "domains");
	if (!rc)
		rc = xsc_watch(d->xs, "@releaseDomain", "domains");
	if (!rc)
		rc = poll_add(d, xsc_fd(d->xs), EV_STORE);
	if (rc) {
		xsc_close(d->xs);
		d->xs = NULL;
		return rc;
	}
	for (struct guest *g = d->guests; g; g = g->next)
		if (g->state <= GUEST_CONNECTED)
			watch_console(d, g);
	d->rescan = true;
	return 0;
}

static void store_lost(struct daemon *d)
{
	report_error("the store is gone; consoles go on, and new ones wait for its return");
	xsc_close(d->xs);
	d->xs = NULL;
	d->xs_retry = now_ms() + STORE_RETRY_MS;
}

/* "/local/domain/7/console/port": 7. */
static bool console_path(const char *path, unsigned int *ret_id)
{
	int n = 0;

	return sscanf(path, "/local/domain/%u/console%n", ret_id, &n) == 1 && n;
}

static void store_event(struct daemon *d)
{
	struct xsc_event ev;
	int rc;

	while (!(rc = xsc_event(d->xs, 0, &ev))) {
		unsigned int id;
		struct guest *g;

		if (!strcmp(ev.token, "domains"))
			d->rescan = true;
		else if (console_path(ev.path, &id) && (g = find_guest(d, id)))
			guest_update(g);
		xsc_event_free(&ev);
	}
	if (rc != -EAGAIN && rc != -EINTR)
		store_lost(d);
}

/* ---- the loop ------------------------------------------------------------ */

static void evtchn_event(struct daemon *d)
{
	int port;

	while ((port = hv_evtchn_pending(d->evtchn)) > 0) {
		struct guest *g = find_port(d, port);

		if (d->hvlog && (evtchn_port_t)port == hvlog_port(d->hvlog))
			hvlog_event(d->hvlog);
		else if (g)
			guest_event(g);
	}
}

static void inotify_event(struct daemon *d)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(d->inotify, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (void *)p;

			for (struct guest *g = d->guests; g; g = g->next)
				if (ev->wd == g->pty.watch || ev->mask & IN_Q_OVERFLOW)
					guest_tty_opened(g, ev->mask);
			p += sizeof(*ev) + ev->len;
		}
	}
}

static void signal_event(struct daemon *d)
{
	struct signalfd_siginfo si;

	if (read(d->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGHUP) {
		d->stop = true;
		return;
	}
	hvlog_reopen(d->hvlog);
	for (struct guest *g = d->guests; g; g = g->next)
		log_reopen(&g->log);
}

static void handle(struct daemon *d, const struct epoll_event *ev)
{
	switch (ev->data.u64) {
	case EV_EVTCHN:
		evtchn_event(d);
		break;
	case EV_STORE:
		if (d->xs)
			store_event(d);
		break;
	case EV_INOTIFY:
		inotify_event(d);
		break;
	case EV_SIGNAL:
		signal_event(d);
		break;
	default:
		guest_tty_ready(ev->data.ptr, ev->events);
	}
}

/* What is due by the clock; returns how long epoll may wait. */
static int tick(struct daemon *d)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	if (!d->xs && now >= d->xs_retry) {
		d->xs_retry = now + STORE_RETRY_MS;
		if (!store_open(d))
			report_error("the store is back");
	}
	if (d->rescan && d->xs) {
		d->rescan = false;
		rescan(d);
	}
	if (!d->xs)
		next = d->xs_retry;
	for (struct guest *g = d->guests; g; g = g->next) {
		uint64_t t = guest_tick(g, now);

		next = t < next ? t : next;
	}
	reap(d);
	if (next == UINT64_MAX)
		return -1;
	return next > now ? next - now : 0;
}

int daemon_run(struct daemon *d)
{
	struct epoll_event evs[64];

	while (!d->stop) {
		int n = epoll_wait(d->epoll, evs, 64, tick(d));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			handle(d, &evs[i]);
	}
	return 0;
}

/* ---- start and end ------------------------------------------------------- */

static int loop_init(struct daemon *d)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (d->epoll < 0 || d->inotify < 0 || d->signals < 0)
		return -errno;
	rc = poll_add(d, d->inotify, EV_INOTIFY);
	return rc ? rc : poll_add(d, d->signals, EV_SIGNAL);
}

int daemon_init(struct daemon *d)
{
	const char *what = "hypervisor";
	int rc;

	d->epoll = d->inotify = d->signals = -1;
	rc = hv_open(&d->hv);
	if (!rc)
		rc = hv_gnttab_open(&d->gnttab);
	if (!rc)
		rc = hv_evtchn_open(&d->evtchn);
	if (!rc) {
		what = "event loop";
		rc = loop_init(d);
	}
	if (!rc)
		rc = poll_add(d, hv_evtchn_fd(d->evtchn), EV_EVTCHN);
	if (!rc) {
		what = "store";
		rc = store_open(d);
	}
	if (!rc && d->opt.log_hv) {
		what = "hypervisor log";
		rc = hvlog_open(d, &d->hvlog);
	}
	if (rc) {
		report_error("%s: %s", what, strerror(-rc));
		return rc;
	}
	d->rescan = false;
	rescan(d);
	remove_stale_backlogs(d);
	return 0;
}

void daemon_fini(struct daemon *d)
{
	while (d->guests) {
		struct guest *g = d->guests;

		d->guests = g->next;
		guest_free(g, g->state <= GUEST_CONNECTED);
	}
	hvlog_close(d->hvlog);
	xsc_close(d->xs);
	hv_evtchn_close(d->evtchn);
	hv_gnttab_close(d->gnttab);
	hv_close(d->hv);
	if (d->signals >= 0)
		close(d->signals);
	if (d->inotify >= 0)
		close(d->inotify);
	if (d->epoll >= 0)
		close(d->epoll);
}
