/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store as a library: tree, permissions, quotas, transactions, watches,
 * and the requests of the protocol that work on them. No I/O, no clock, no
 * threads; whoever owns a struct store calls everything from one thread.
 *
 * A client is one connection. Requests go in by store_request(), which fills
 * in the reply; watch events come out through the hooks while a request (or
 * one of the store_* calls below) runs, in the order in which they have to be
 * delivered.
 */
#ifndef PAVISE_STORE_STORE_H
#define PAVISE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <xenstore/proto/wire.h>

/*
 * Quotas: field, name on the command line and in CONTROL, default, what it
 * bounds. All are per domain and bind unprivileged domains only; 0 switches a
 * check off.
 */
#define STORE_QUOTAS(Q)                                                                         \
	Q(nodes, "nodes", 1000, "Nodes per domain")                                             \
	Q(watches, "watches", 128, "Watches per domain")                                        \
	Q(transactions, "transactions", 10, "Transactions per domain")                          \
	Q(outstanding, "outstanding", 20, "Outstanding requests per domain")                    \
	Q(tx_nodes, "transaction-nodes", 1024, "Max. number of accessed nodes per transaction") \
	Q(memory, "memory", 2621440, "Total Xenstore memory per domain (error level)")          \
	Q(node_size, "node-size", 2048, "Max. size of a node")                                  \
	Q(path_max, "path-max", 2048, "Max. length of a node path")                             \
	Q(perms, "permissions", 5, "Max. number of permissions per node")

struct store_quota {
#define Q(field, name, value, text) uint64_t field;
	STORE_QUOTAS(Q)
#undef Q
	uint64_t soft_memory; /* beyond: a line in the log */
};

struct rec;
struct rec_in;
struct store;
struct store_client;

/* What the store needs of its surroundings. Errors are negative errnos. */
struct store_hooks {
	/*
	 * One watch event for the client whose context is @ctx. Must not call
	 * back into the store. When it comes while that client's own request
	 * runs, it belongs behind the reply.
	 */
	void (*event)(void *ctx, const char *path, const char *token);

	/* The requests that are about domains; unset ones are -ENOSYS. */
	int (*introduce)(void *daemon, uint16_t domid, uint64_t gfn, uint32_t port);
	int (*release)(void *daemon, uint16_t domid);
	int (*resume)(void *daemon, uint16_t domid);
	int (*set_target)(void *daemon, uint16_t domid, uint16_t target);
	bool (*is_introduced)(void *daemon, uint16_t domid);

	/* Features of the ring: those there are, a domain's, what it will be offered. */
	uint32_t (*features)(void *daemon);
	int (*get_feature)(void *daemon, uint16_t domid, uint32_t *ret_value);
	int (*set_feature)(void *daemon, uint16_t domid, uint32_t value);

	/*
	 * CONTROL live-update, trace. -EINPROGRESS: the daemon will answer the
	 * request of the client with @ctx itself, later.
	 */
	int (*live_update)(void *daemon, void *ctx, const char **args, int nr);
	int (*trace)(void *daemon, const char *what);

	/* The answer of such a request; without this hook the store answers at once. */
	void (*answer)(void *ctx, const char *text);

	/* CONTROL log|on, log|off, logfile|name; and a line for the log. */
	int (*log_switch)(void *daemon, bool on, const char *file);
	void (*log)(void *daemon, const char *text);
};

/* @hooks must outlive the store. */
struct store *store_create(const struct store_hooks *hooks, void *daemon);

/* All clients must be gone. Takes NULL. */
void store_destroy(struct store *s);

struct store_quota *store_quota(struct store *s);

/* By name; -EINVAL: no such quota. */
int store_quota_set(struct store *s, const char *name, uint64_t value);

/* The same while it runs: a journal keeps it. */
int store_quota_change(struct store *s, const char *name, uint64_t value);

/* @ctx is what the event hook gets. */
struct store_client *store_client_create(struct store *s, uint16_t domid, void *ctx);

/* Its watches and transactions go too. Takes NULL. */
void store_client_destroy(struct store_client *c);

/* Forgets its watches and transactions. */
void store_client_reset(struct store_client *c);

/* Its watches and transactions are recorded: it outlives the daemon. */
void store_client_set_durable(struct store_client *c);

/* One event for each of its watches: it may have missed some. */
void store_client_retell(struct store_client *c);

/* From now on the client has the rights of @target as well; -1: no longer. */
void store_client_set_target(struct store_client *c, int target);

/* Domain 0: every access, no quotas. */
bool store_client_privileged(const struct store_client *c);

/*
 * Memory that the daemon holds for the client (queued replies and events), so
 * that it counts towards the memory quota. @delta may be negative.
 */
void store_client_charge(struct store_client *c, long delta);

/* How many of its requests are unanswered, for CONTROL quota. */
void store_client_outstanding(struct store_client *c, long delta);

/* How many may be; 0: any number. */
uint64_t store_client_outstanding_max(const struct store_client *c);

/* It is beyond its memory quota: serve it no further for now. */
bool store_client_over_memory(const struct store_client *c);

/* How long @nr of its requests took from when the daemon could know of them. */
void store_client_took(struct store_client *c, unsigned int nr, uint64_t ns);

/* How many requests of others, and how much work, came before one of its own at most. */
void store_client_waited(struct store_client *c, uint64_t requests, uint64_t work);

/* A reply of this type isn't one: the daemon will answer. */
#define STORE_REPLY_LATER UINT32_MAX

/* The reply of a request: payload up to XENSTORE_PAYLOAD_MAX bytes into data. */
struct store_reply {
	uint32_t type;
	uint32_t len;
	char *data;
};

/*
 * Carries out one request. @payload (@len <= XENSTORE_PAYLOAD_MAX) need not be
 * terminated. Always leaves a reply.
 */
void store_request(struct store_client *c, uint32_t type, uint32_t tx_id, const char *payload,
		   size_t len, struct store_reply *reply);

/*
 * What a big change leaves to be done is done in slices of this many nodes and
 * events, between requests: a call of store_work() does up to @max of it, and is
 * true if there is more. What was small has been done with its request.
 */
#define STORE_SLICE 1024u

bool store_work(struct store *s, unsigned int max);
void store_settle(struct store *s); /* all of it */

/* How many the last request has cost. */
unsigned int store_request_work(const struct store *s);

/* Its next request has to wait until its last one is done. */
bool store_client_busy(const struct store_client *c);

/* ---- domains ------------------------------------------------------------- */

/* Fires @introduceDomain. */
void store_domain_introduced(struct store *s, uint16_t domid);

/* Fires @releaseDomain. */
void store_domain_released(struct store *s, uint16_t domid);

/*
 * The domain is no more: removes the nodes it owned, with everything below
 * them (unless @keep_nodes), and its entries in other nodes' permissions.
 */
void store_domain_forget(struct store *s, uint16_t domid, bool keep_nodes);

/*
 * For another daemon with the same tree: the watches and transactions of @c as
 * items, and back, one item at a time, into a client that has none.
 */
void store_client_give(struct store_client *c, struct rec *r);
int store_client_take(struct store_client *c, int type, struct rec_in *in);

bool store_has(struct store *s, const char *path);

/* ---- the journal (record.h) ---------------------------------------------- */

struct store_snap;

/* Changes are noted as items in the batch from now on, or no longer. */
void store_record_on(struct store *s, bool on);

/* What has changed since it was last emptied (len = 0), which is the caller's to do. */
struct rec *store_batch(struct store *s);

/*
 * Applies one item, between begin and end, with no events and no quotas. 1: not
 * one of the store's; -EINVAL and others: refused. The end makes transactions
 * that are open start anew, and fail at their end.
 */
void store_load_begin(struct store *s);
int store_apply(struct store *s, int type, struct rec_in *in);
void store_load_end(struct store *s);

/*
 * A snapshot as items: begin writes all but the nodes, each step up to @max
 * nodes as they were at the beginning, and is false after the last ones.
 */
struct store_snap *store_snap_begin(struct store *s, struct rec *r);
bool store_snap_step(struct store_snap *snap, unsigned int max, struct rec *r);
void store_snap_end(struct store_snap *snap); /* takes NULL */

/* ---- looking at it ------------------------------------------------------- */

/* Creates a node as domain 0 would, outside of any transaction. No events. */
int store_preset(struct store *s, const char *path, const char *value);

/*
 * Recounts everything and checks every invariant. NULL if all is well, else
 * what is wrong.
 */
const char *store_check(struct store *s);

struct store_stats {
	uint64_t nodes, node_bytes, watches, transactions, clients, perm_lists;
};

void store_stats(struct store *s, struct store_stats *ret_stats);

/* All counters in Prometheus' text format. */
void store_metrics(struct store *s, FILE *f);

#endif
