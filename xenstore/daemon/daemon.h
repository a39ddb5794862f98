/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenstored: one thread, one epoll loop, one struct xsd that owns everything.
 *
 *   main.c      options, daemonizing, start and end
 *   loop.c      epoll; rounds in which each connection gets one bounded slice
 *   conn.c      a connection: bytes <-> requests, queues and their bounds
 *   outq.c      what a connection has to send
 *   sock.c      connections over the Unix socket
 *   domain.c    domains: rings, their coming and going
 *   journal.c   what survives the daemon; frame.c, block.c: its bytes; slot.c: of a ring
 *   update.c    live update: another daemon takes over
 *   metrics.c   counters on a socket of their own
 *   guard.c     --respawn
 *   confine.c   what it may do once it serves
 *   log.c       messages and the trace file
 */
#ifndef PAVISE_XSD_DAEMON_H
#define PAVISE_XSD_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <public/io/xs_wire.h>
#include <xenstore/daemon/journal.h>
#include <xenstore/daemon/outq.h>
#include <xenstore/daemon/platform.h>
#include <xenstore/daemon/slot.h>
#include <xenstore/store/store.h>

/* What epoll's data points to. */
struct source {
	void (*ready)(struct source *src, uint32_t events);
	int fd;
};

struct conn;

/* The way of a connection's bytes. Both return bytes moved, 0 for none now, or an error. */
struct conn_io {
	ssize_t (*read)(struct conn *c, void *buf, size_t len);
	ssize_t (*write)(struct conn *c, const void *buf, size_t len);
	void (*moved)(struct conn *c); /* after a slice that moved something; may be NULL */
	/* Which way it wants to be woken; called when that changes. May be NULL. */
	void (*want)(struct conn *c, bool read, bool write);
	/* Whether there is input that no event will tell of again. May be NULL. */
	bool (*more)(struct conn *c);
	/* What has been read is to be out of there: somebody else goes on. May be NULL. */
	void (*settle)(struct conn *c);
	/*
	 * It is given up. -EPROTO: a message that is too long; -EIO: impossible
	 * indices; -ETIMEDOUT, -ENOBUFS: it doesn't take its events; others: the
	 * socket's.
	 */
	void (*failed)(struct conn *c, int error);
};

/* What has been done for everybody. */
struct done {
	uint64_t requests, work;
};

#define CONN_IN 8192

struct conn {
	struct source src; /* sockets only */
	const struct conn_io *io;
	struct xsd *d;
	struct domain *dom; /* rings only */
	struct store_client *client;
	unsigned int id; /* for the trace */
	uint16_t domid;
	struct conn *next, **pprev; /* all connections */
	struct conn *run_next;
	bool runnable, dead;
	bool waiting; /* for its turn, since so much was done */
	struct done since;
	bool want_read, want_write; /* what io->want() was told last */
	bool input, hung_up; /* sockets: there may be more; and its end */
	bool peek; /* sockets: what is read stays in there for a while */
	unsigned int peeks;
	size_t peeked;
	struct slot *slot; /* rings only, and NULL without a journal */
	bool held; /* its request is answered later: see update.c */
	struct xsd_sockmsg held_hdr;
	bool in_request; /* events for it wait behind the reply */
	bool moved;
	uint64_t stuck_since; /* ms; the first undelivered event; 0: none */
	size_t in_head, in_tail;
	struct outq out, late; /* late: events of the running request */
	size_t charged, counted; /* bytes and replies of out that the store knows of */
	char in[CONN_IN];
};

/* What the journal's last frame says of the request that it belongs to. */
struct last_request {
	bool there;
	uint16_t domid;
	uint32_t serial;
	const char *reply;
	size_t len;
};

struct xsd_options {
	bool no_fork, no_domain_init, keep_orphans, verbose, output_pid, no_recovery, no_journal,
		no_seccomp, respawn;
	const char *pid_file, *trace_file, *journal, *user;
	unsigned int watch_timeout; /* seconds */
	int take_over; /* the old daemon, from which we take over; or -1 */
};

struct xsd {
	struct xsd_options opt;
	struct store *store;
	struct journal *journal; /* or NULL */
	int rings_fd; /* or -1 */
	struct platform *platform; /* or NULL */
	struct source platform_src, listen_src, signal_src, metrics_src, update_src, settle_src,
		journal_src;
	pid_t update_pid;
	char binary[512], update_binary[512];
	char **argv;
	uint64_t round_start; /* ns */
	struct done done; /* by now */
	struct done polled, unpolled; /* at the last look for events, and at the one before */
	int trace_domid; /* the only one whose messages are traced; or -1 */
	int epoll;
	bool stop;
	bool listen_paused; /* no file descriptors left */
	const char *socket;
	struct conn *conns;
	struct conn *run_first, **run_end;
	struct domain *domains;
	struct offer *offers;
	struct domain **by_port;
	uint32_t nr_ports;
	struct last_request last; /* while a journal is applied */
	unsigned int next_conn;
	bool dead_conns; /* somebody is marked dead */
	bool ticking; /* a clock runs for somebody */
	bool settling; /* what has been read from sockets will be taken out */
	FILE *trace;
	bool tracing;
	char trace_name[512];
	bool in_background;
};

/* ---- loop.c -------------------------------------------------------------- */

int loop_init(struct xsd *d);
int loop_add(struct xsd *d, struct source *src, uint32_t events);
void loop_mod(struct xsd *d, struct source *src, uint32_t events);
void loop_del(struct xsd *d, struct source *src);

/* Runs until d->stop. */
void loop_run(struct xsd *d);

uint64_t now_ms(void);
uint64_t now_ns(void);

/* ---- conn.c -------------------------------------------------------------- */

struct conn *conn_create(struct xsd *d, const struct conn_io *io, uint16_t domid);

/* Marks it; it goes at the end of the round. Its requests run no more. */
void conn_kill(struct conn *c);
void conn_free(struct conn *c);

/* Back to a fresh connection: nothing queued, no watches, no transactions. */
void conn_reset(struct conn *c);

/* Puts it on the list of those that get a slice in the next round. */
void conn_wake(struct conn *c);

/* One slice: send, read, carry out some requests, send. */
void conn_slice(struct conn *c);

/* True while it has something queued for which a clock runs. */
bool conn_check_timeout(struct conn *c, uint64_t now);

/* Answers a request that is held, if there is one, with CONTROL and @text. */
void conn_answer(struct conn *c, const char *text);

/* What it has read and not done, and what it has to send; and back. */
void conn_give(struct conn *c, struct rec *r);
void conn_take(struct conn *c, struct rec_in *in);

/* Puts a message, or the last @len bytes of one, in the queue again. */
void conn_resend(struct conn *c, const char *data, size_t len, bool part, bool event);

extern const struct store_hooks xsd_hooks;

/* What has been changed by now is permanent when this returns. */
static inline void commit(struct xsd *d)
{
	if (d->journal && store_batch(d->store)->len) {
		journal_commit_batch(d);
	}
}

/* ---- sock.c -------------------------------------------------------------- */

/* -EADDRINUSE: another daemon answers there. */
int sock_listen(struct xsd *d);
void sock_close(struct xsd *d);

/* For a live update: the listening socket, and one of a client. */
void sock_adopt(struct xsd *d, int fd);
struct conn *sock_conn(struct xsd *d, int fd);

/* ---- domain.c ------------------------------------------------------------ */

/* Opens the hypervisor, and the control domain's ring unless told not to. */
int domain_init(struct xsd *d);
void domain_fini(struct xsd *d);

/* Applies a journal's item about a domain; 1: it isn't one. */
int domain_apply(struct xsd *d, int type, struct rec_in *in);

/* Writes all that is known of the domains. */
void domain_record_all(struct xsd *d, struct rec *r);
int domain_introduce(void *d, uint16_t domid, uint64_t gfn, uint32_t port);
int domain_release(void *d, uint16_t domid);
int domain_resume(void *d, uint16_t domid);
int domain_set_target(void *d, uint16_t domid, uint16_t target);
bool domain_is_introduced(void *d, uint16_t domid);
uint32_t domain_features(void *d);
int domain_get_feature(void *d, uint16_t domid, uint32_t *ret_value);
int domain_set_feature(void *d, uint16_t domid, uint32_t value);

/* For a live update: ports and rings. */
void domain_give(struct xsd *d, struct rec *r);
int domain_adopt(struct xsd *d, int evtchn_fd, uint32_t domexc_port);
int domain_take(struct xsd *d, struct rec_in *in);
struct conn *domain_conn(struct xsd *d, uint16_t domid); /* or NULL */

/* ---- update.c ------------------------------------------------------------ */

/* CONTROL live-update. */
int update_control(void *d, void *ctx, const char **args, int nr);

/* Takes over from the daemon at the other end of @sock. */
int update_take(struct xsd *d, int sock);

/* ---- guard.c ------------------------------------------------------------- */

/* This process is to start the daemon, again and again; its exit status. */
bool guard_wanted(const struct xsd *d);
int guard(struct xsd *d);

/* ---- confine.c ----------------------------------------------------------- */

/* Gives up what it doesn't need. An error: it mustn't serve. */
int confine(struct xsd *d);

/* ---- metrics.c ----------------------------------------------------------- */

void metrics_listen(struct xsd *d);
void metrics_adopt(struct xsd *d, int fd);
void metrics_close(struct xsd *d);

/* ---- log.c --------------------------------------------------------------- */

void log_line(struct xsd *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_text(void *d, const char *text);
int log_switch(void *d, bool on, const char *file);
void log_reopen(struct xsd *d);

/* CONTROL trace: "off", "all", or a domain's id. */
int log_trace(void *d, const char *what);

/* The trace: one line a message. @in: from the client. */
void log_message(struct xsd *d, const struct conn *c, bool in, const struct xsd_sockmsg *hdr,
		 const char *payload);

#endif
