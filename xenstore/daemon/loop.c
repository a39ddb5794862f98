/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The event loop. A round: wait for events (not at all if somebody still has
 * requests), then give each runnable connection one slice. So nobody waits
 * longer than one slice of each other connection.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

#define MAX_EVENTS 64
#define TICK_MS    1000

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int loop_init(struct xsd *d)
{
	d->run_end = &d->run_first;
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	return d->epoll < 0 ? -errno : 0;
}

int loop_add(struct xsd *d, struct source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, src->fd, &ev) ? -errno : 0;
}

void loop_mod(struct xsd *d, struct source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};

	epoll_ctl(d->epoll, EPOLL_CTL_MOD, src->fd, &ev);
}

void loop_del(struct xsd *d, struct source *src)
{
	epoll_ctl(d->epoll, EPOLL_CTL_DEL, src->fd, NULL);
}

/* One slice for each that was runnable when the round began. */
static void run_round(struct xsd *d)
{
	struct conn *c = d->run_first, *next;

	d->run_first = NULL;
	d->run_end = &d->run_first;
	for (; c; c = next) {
		next = c->run_next;
		c->runnable = false;
		conn_slice(c);
	}
}

static void bury_dead(struct xsd *d)
{
	struct conn **pp = &d->run_first, *c;

	/* First off the list of the runnable: one may have been killed while on it. */
	while ((c = *pp)) {
		if (c->dead) {
			*pp = c->run_next;
			c->runnable = false;
		} else {
			pp = &c->run_next;
		}
	}
	d->run_end = pp;
	for (struct conn *next = d->conns; (c = next);) {
		next = c->next;
		if (c->dead) {
			conn_free(c);
		}
	}
}

/* Returns whether a clock runs for anybody. */
static bool tick(struct xsd *d)
{
	uint64_t now = now_ms();
	bool running = false;

	for (struct conn *c = d->conns; c; c = c->next) {
		running |= conn_check_timeout(c, now);
	}
	return running;
}

void loop_run(struct xsd *d)
{
	struct epoll_event ev[MAX_EVENTS];
	uint64_t last_tick = 0, now;
	bool working = false;
	int n;

	while (!d->stop) {
		n = epoll_wait(d->epoll, ev, MAX_EVENTS,
			       d->run_first || working ? 0
			       : d->ticking            ? TICK_MS
						       : -1);
		d->round_start = now_ns();
		d->unpolled = d->polled;
		d->polled = d->done;
		for (int i = 0; i < n; i++) {
			struct source *src = ev[i].data.ptr;

			src->ready(src, ev[i].events);
		}
		commit(d);
		run_round(d);
		working = journal_work(d);
		if (store_work(d->store, STORE_SLICE)) {
			working = true;
			d->done.work += STORE_SLICE;
		}
		commit(d);
		if (d->ticking && (now = now_ms()) - last_tick >= TICK_MS) {
			last_tick = now;
			d->ticking = tick(d);
		}
		if (d->dead_conns) {
			d->dead_conns = false;
			bury_dead(d);
			commit(d);
		}
	}
}
