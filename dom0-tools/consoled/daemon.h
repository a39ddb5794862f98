/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The console daemon: what its parts share.
 *
 * One thread and one epoll loop. struct daemon owns the handles to the
 * hypervisor, the store and inotify; struct guest owns one domain's ring
 * mapping, port, terminal, backlog and log.
 *
 * A guest's output goes ring -> log -> backlog, and only then is it taken out
 * of the ring; from the backlog it goes to the terminal while a client has
 * that open. So a daemon that dies at any point has lost nothing: its
 * successor finds the rest in the ring and the backlog.
 *
 * Fairness: a service of a guest moves at most one ring of bytes, each guest
 * has a budget of services per period, and a guest that has used it up keeps
 * its port masked until the period ends.
 */
#ifndef CONSOLED_DAEMON_H
#define CONSOLED_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0-tools/libhv/libhv.h"
#include "xenstore/client/xsclient.h"
#include "backlog.h"
#include "log.h"
#include "pty.h"

struct xencons_interface;

struct options {
	bool log_guest, log_hv;
	bool keep_on_overflow; /* a full backlog holds the guest up */
	const char *log_dir;
	const char *state_dir;
	struct log_policy guest_policy, hv_policy;
};

enum guest_state {
	GUEST_KNOWN, /* exists; has no console for us yet */
	GUEST_CONNECTED, /* ring mapped, port bound */
	GUEST_LINGERING, /* the domain is gone, a client still reads */
	GUEST_GONE, /* to be freed */
};

struct guest {
	struct guest *next;
	struct daemon *d;
	domid_t id;
	uint8_t uuid[16];
	enum guest_state state;

	struct xencons_interface *ring;
	bool ring_granted; /* mapped by grant, else by frame number */
	uint64_t ring_ref;
	evtchn_port_t remote_port, port;
	bool ring_bad; /* its indices were reported as nonsense */

	struct pty pty;
	struct backlog backlog;
	bool backlog_failed; /* reported */
	struct log log;
	uint32_t poll_mask; /* what epoll waits for on the terminal */
	bool tty_full;

	unsigned int budget;
	uint64_t period_end; /* ms */
	bool throttled; /* port stays masked until the period's end */
	bool blocked; /* port stays masked until the backlog has room */
	uint64_t linger_end;
};

struct hvlog;

struct daemon {
	struct options opt;
	struct hv_handle *hv;
	struct hv_evtchn *evtchn;
	struct hv_gnttab *gnttab;
	struct xsc *xs; /* NULL while the store is away */
	uint64_t xs_retry; /* ms */
	int epoll, inotify, signals;
	struct guest *guests;
	struct hvlog *hvlog;
	bool rescan, stop;
};

/* What an epoll event belongs to: a guest's address, or one of these. */
enum { EV_EVTCHN = 1, EV_STORE, EV_INOTIFY, EV_SIGNAL };

/* Milliseconds of the monotonic clock. */
uint64_t now_ms(void);

/*
 * Opens everything and takes over the guests that exist. Reports its own
 * errors. @d is zeroed but for its options.
 */
int daemon_init(struct daemon *d);

/* Serves until SIGTERM or SIGINT; negative errno: something broke. */
int daemon_run(struct daemon *d);

/* Gives up what serving does not need (confine.c); says so if it could not. */
void daemon_confine(void);

/* Leaves guests, ports and backlogs as a successor wants them. */
void daemon_fini(struct daemon *d);

/* ---- guests -------------------------------------------------------------- */

/* A record for a domain that was just seen. NULL: no memory. */
struct guest *guest_new(struct daemon *d, const struct xen_domctl_getdomaininfo *info);

/*
 * Reads the domain's console nodes and connects, or connects anew if they have
 * changed; nothing happens if they aren't there or somebody else serves them.
 */
void guest_update(struct guest *g);

/* The domain is dying: takes what is left in the ring, and unmaps it. */
void guest_domain_gone(struct guest *g);

/* @handover: leave the backlog to a successor. */
void guest_free(struct guest *g, bool handover);

/* Its port had an event. */
void guest_event(struct guest *g);

/* Its terminal is ready, as epoll said. */
void guest_tty_ready(struct guest *g, uint32_t events);

/* inotify told of its terminal. */
void guest_tty_opened(struct guest *g, uint32_t mask);

/* Looks at its deadlines; returns the next one (ms) or UINT64_MAX. */
uint64_t guest_tick(struct guest *g, uint64_t now);

/* ---- hypervisor log ------------------------------------------------------ */

int hvlog_open(struct daemon *d, struct hvlog **ret_l);
void hvlog_close(struct hvlog *l);
evtchn_port_t hvlog_port(const struct hvlog *l);
void hvlog_event(struct hvlog *l);
void hvlog_reopen(struct hvlog *l);

#endif
