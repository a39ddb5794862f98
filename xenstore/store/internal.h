/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the store's own files share. See store.h for the whole and node.h for
 * the tree.
 *
 *   request.c, request_dom.c, control.c   payload <-> operation
 *   ops.c				   read, write ... on a view, with permissions and quotas
 *   tx.c				   transactions: snapshot, record, check, replay
 *   watch.c				   who wants to know
 *   account.c				   who has how much
 *   jobs.c				   what is left to be done after a change
 *   record.c, replay.c			   changes for a journal, and back
 */
#ifndef PAVISE_STORE_INTERNAL_H
#define PAVISE_STORE_INTERNAL_H

#include <xenstore/store/node.h>
#include <xenstore/store/record.h>
#include <xenstore/store/store.h>
#include <xenstore/store/util.h>

enum quota { /* also for bits of which are set */
#define Q(field, name, value, text) QUOTA_##field,
	     STORE_QUOTAS(Q)
#undef Q
		     NR_QUOTAS
};

/* ---- accounts: what each domain has (account.c) -------------------------- */

struct account {
	struct account *next;
	uint16_t domid;
	bool warned; /* the soft memory quota was exceeded and that was logged */
	uint32_t holders; /* clients and changes that point here */
	uint64_t nodes, node_bytes;
	uint64_t watches, transactions, outstanding;
	uint64_t other_bytes; /* watches, transactions, queues */
	uint64_t requests, errors, latency_ns, latency_max_ns;
	uint64_t waited_requests_max, waited_work_max;
	unsigned int quota_set; /* quotas of its own */
	uint64_t quota[NR_QUOTAS];
};

#define ACCOUNT_BUCKETS 64

/* Never NULL: made when missing. */
struct account *account_of(struct store *s, uint16_t domid);
void account_free_all(struct store *s);

/* Frees it if nothing is left in it. */
void account_free(struct store *s, struct account *a);

/* Counts a node that came into the tree (1) or is about to leave it (-1). */
void account_move(struct store *s, const struct node *n, int sign);
uint64_t account_memory(const struct account *a);

/* The domain's own, or if it has none everybody's. */
uint64_t quota_of(const struct store *s, const struct account *a, enum quota q);
const char *quota_name(enum quota q);

/* NR_QUOTAS: there is none. */
enum quota quota_by_name(const char *name);

/* Node counts of a transaction that is not committed yet, per owner. */
struct delta {
	uint16_t domid;
	int64_t nodes, bytes;
};

struct deltas {
	struct delta *d;
	unsigned int nr, cap;
};

void deltas_add(struct deltas *ds, uint16_t domid, int64_t nodes, int64_t bytes);
struct delta deltas_of(const struct deltas *ds, uint16_t domid);
void deltas_apply(struct store *s, struct deltas *ds); /* and empties it */
void deltas_clear(struct deltas *ds);

/* ---- clients ------------------------------------------------------------- */

struct store_client {
	struct store *store;
	void *ctx;
	struct account *account;
	uint16_t domid;
	int target; /* domid, or -1 */
	int create_as; /* who owns what it makes, if it is nobody; or -1 */
	bool durable; /* its watches and transactions are recorded */
	struct watch *watches, **watches_end; /* in order of registration */
	struct tx *txs;
	uint32_t next_tx;
	uint32_t nr_watches, nr_txs;
	uint64_t bytes; /* of the account's other_bytes, this client's part */
	uint64_t outstanding; /* likewise */
	unsigned int nr_jobs, big_jobs; /* not done yet */
	struct store_client *next, **pprev;
};

enum access {
	ACCESS_READ = WIRE_PERM_READ,
	ACCESS_WRITE = WIRE_PERM_WRITE,
	ACCESS_OWNER = 4,
};

/* All that @c may do where @p holds. */
unsigned int client_access(const struct store_client *c, const struct perms *p);

/* ---- the store ----------------------------------------------------------- */

enum special { SPECIAL_INTRODUCE, SPECIAL_RELEASE, NR_SPECIAL };

/* Where the nodes from the root to the last one that a snapshot brought are. */
struct loading {
	struct node ***at;
	unsigned int depth, cap;
};

struct store {
	const struct store_hooks *hooks;
	void *daemon;
	struct node *root;
	uint64_t gen;
	struct perms_table perms;
	struct perms *special[NR_SPECIAL]; /* who may hear of them */
	struct store_quota quota;
	unsigned int quota_set; /* those that CONTROL has changed */
	struct account *account[ACCOUNT_BUCKETS];
	struct store_client *clients;
	struct watch **watch_bucket;
	uint32_t nr_watch_buckets, nr_watches;
	uint64_t watch_seq;
	uint32_t nr_txs;
	uint64_t requests[WIRE_TYPE_COUNT];
	bool recording; /* changes go to batch */
	bool quiet; /* records are being applied: no events, no quotas */
	struct rec batch; /* what the present request has changed */
	struct store_client *asking; /* whose request it is; or NULL */
	unsigned int work; /* nodes and events that it has cost */
	struct job *jobs, **jobs_end; /* jobs.c */
	bool running; /* a job is */
	uint64_t watch_limit; /* watches from this one on don't count */
	struct loading loading;
};

/* A client that may do everything, for what the store does on its own. */
struct store_client store_nobody(struct store *s);

void store_logf(struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* SPECIAL_* for "@introduceDomain" and "@releaseDomain" and what is below; -1. */
int special_of(const char *path);

/* ---- operations (ops.c) -------------------------------------------------- */

/*
 * What an operation works on: the store itself, or a transaction's copy. Its
 * counts go to @deltas and are the caller's to apply or to forget.
 */
struct view {
	struct store_client *client;
	struct node **root;
	struct deltas *deltas;
};

/*
 * Paths are valid and absolute. All check permissions; the changing ones check
 * quotas too, and either do all or nothing.
 */
int op_get(struct view *v, const char *path, unsigned int access, struct node **ret_node);
int op_write(struct view *v, const char *path, const void *value, size_t len);

/* 1: it was there already and nothing changed. */
int op_mkdir(struct view *v, const char *path);

/*
 * *@ret_removed (NULL on 0: there was nothing) is the caller's to put, and to
 * take off the accounts.
 */
int op_rm(struct view *v, const char *path, struct node **ret_removed);

/* Takes @n and what is below off the accounts in @ds. False: too many, and nothing done. */
bool op_uncount(struct deltas *ds, struct node *n);
int op_set_perms(struct view *v, const char *path, const struct wire_perm *list, unsigned int nr);

/* ---- transactions (tx.c) ------------------------------------------------- */

enum tx_what {
	TX_READ = 1, /* value, or just whether it is there; and permissions */
	TX_LIST = 2, /* the names of its children */
	TX_CHANGED = 4, /* any of WRITE, MKDIR, SET_PERMS, RM */
	TX_SUBTREE = 8, /* RM: everything below counts */
};

enum tx_op_type { TX_OP_WRITE, TX_OP_MKDIR, TX_OP_RM, TX_OP_SET_PERMS };

struct tx_touch { /* one path that the transaction has to do with */
	struct tx_touch *next; /* in its bucket */
	struct tx_touch *later; /* the next one that was touched for the first time */
	uint32_t hash;
	unsigned int what;
	uint32_t last_op; /* on it, counted from 1; 0: none */
	bool told; /* an event for it is out (while committing) */
	char path[];
};

struct tx_op {
	enum tx_op_type type;
	struct tx_touch *touch;
	struct node *removed;
	bool counted; /* off the accounts */
	struct wire_perm *list;
	size_t len; /* of value, or entries in list */
	char *value;
};

struct tx {
	struct tx *next;
	struct store_client *client;
	uint32_t id;
	struct node *base; /* the tree it started from */
	struct node *root; /* the tree as it sees it */
	struct deltas deltas;
	struct tx_touch *touched, **touched_end;
	struct tx_touch **bucket;
	uint32_t nr_buckets, nr_touched;
	struct tx_op *ops;
	uint32_t nr_ops, cap_ops;
	uint32_t last_rm; /* the last removal, counted from 1 */
	uint64_t bytes; /* charged to the client */
	bool doomed; /* it was open when the daemon died: EAGAIN at its end */
};

int tx_start(struct store_client *c, uint32_t *ret_id);
struct tx *tx_by_id(struct store_client *c, uint32_t id);

/* One with this id, which must be free. No quota. */
struct tx *tx_create(struct store_client *c, uint32_t id);

/* Works on the present tree from now on; it has done nothing yet. */
void tx_restart(struct tx *tx);

/* Does again what a transaction did in another daemon; @path has been noted. */
int tx_again(struct tx *tx, enum tx_op_type type, const char *path, const void *data, size_t len);

/* -EAGAIN: conflict. The transaction is gone either way. */
int tx_commit(struct tx *tx);
void tx_abort(struct tx *tx);

/*
 * Notes an access. -ENOSPC: too many nodes. Called before the operation runs
 * so that a refused one has changed nothing.
 */
int tx_note(struct tx *tx, const char *path, unsigned int what);

/*
 * Notes a change that was just made to the transaction's tree, or adds it to one
 * that was noted before. Takes over @removed.
 */
struct tx_op *tx_record(struct tx *tx, enum tx_op_type type, const char *path, const void *data,
			size_t len, struct node *removed);

/* ---- watches (watch.c) --------------------------------------------------- */

struct watch {
	struct watch *next, **pprev; /* same bucket, in order of registration */
	struct watch *client_next, **client_pprev;
	struct store_client *client;
	uint64_t seq;
	uint32_t hash;
	int depth; /* levels below that count; -1: all */
	uint16_t skip; /* bytes of an absolute path to leave out of events */
	uint16_t path_len; /* of the absolute path */
	const char *token;
	char path[]; /* absolute, NUL, then the token */
};

/* @path is absolute, @skip is as above. -EEXIST, -E2BIG (quota). */
int watch_add(struct store_client *c, const char *path, unsigned int skip, const char *token,
	      int depth);
int watch_del(struct store_client *c, const char *path, const char *token);
void watch_del_all(struct store_client *c);

/*
 * Tells those who may read it that @path has changed; also those who might until
 * now (@before, its permissions then, may be NULL). False: it isn't there.
 */
bool watch_fire(struct store *s, const char *path, const struct perms *before);

/*
 * For jobs.c: @n was at @path and isn't any more. Tells the watches on that very
 * path; if it is the top one of a removal, without a @parent that is gone too, those
 * above it as well.
 */
void watch_fire_gone(struct store *s, const char *path, const struct node *n,
		     const struct node *parent);
void watch_fire_special(struct store *s, enum special which, uint16_t domid);
size_t watch_bytes(const struct watch *w);

/* ---- what is left to be done after a change (jobs.c) --------------------- */

/* Events have to wait for others, or there have been too many at once. */
static inline bool jobs_first(const struct store *s)
{
	return !s->running && (s->jobs || s->work >= STORE_SLICE);
}

/* An event of @path, or if @special >= 0 that of @domid, when its turn has come. */
void job_fire(struct store *s, const char *path, const struct perms *before, int special,
	      uint16_t domid);

/*
 * @removed is gone from @path: tells of it and what was below it, deepest first,
 * and takes them off the accounts unless they are @counted. @told: @path itself
 * has had its event. Takes over @removed.
 */
void job_gone(struct store *s, const char *path, struct node *removed, bool counted, bool told);

/* Removes what the domain owned and forgets its permissions and its account. */
void job_forget(struct store *s, uint16_t domid, bool keep);
void jobs_domain_again(struct store *s, uint16_t domid);

/* Checks everything and answers the request that is running. */
void job_check(struct store *s);
void jobs_forget_client(struct store *s, struct store_client *c);

/* A check of all nodes, one by one in the order of a walk (store.c). */
struct checking {
	struct deltas found, want;
	const char *wrong;
};

void check_begin(struct store *s, struct checking *k);
void check_node(struct checking *k, const struct node *n);

/* NULL: all is well. */
const char *check_end(struct store *s, struct checking *k);
void check_drop(struct checking *k);

/* ---- noting changes for the journal (replay.c) --------------------------- */

void note_write(struct store_client *c, const char *path, const void *value, size_t len);
void note_rm(struct store *s, const char *path);
void note_perms(struct store *s, const char *path, const struct wire_perm *list, unsigned int nr);
void note_special(struct store *s, int which);
void note_forget(struct store *s, uint16_t domid, bool keep);
void note_quota(struct store *s, const char *name, uint64_t value);
void note_own_quota(struct store *s, const struct account *a, enum quota q);
void note_watch(const struct watch *w, bool added);
void note_tx(const struct tx *tx, bool started);

/* ---- requests ------------------------------------------------------------ */

struct request {
	struct store_client *client;
	uint32_t type;
	struct tx *tx; /* or NULL */
	const char *payload;
	size_t len;
	struct store_reply *reply;
};

/* Handlers return 0 with the reply filled in, or a negative errno. */
int request_reply(struct request *rq, const void *data, size_t len);
int request_ok(struct request *rq);

/* @n strings exactly, or -EINVAL. */
int request_strings(struct request *rq, const char **strs, int n);

/*
 * Where the protocol keeps what follows for extensions: bytes behind the last NUL
 * don't matter. Returns how many strings there are; no more than @max are stored.
 */
int request_strings_open(struct request *rq, const char **strs, int max);

int request_domain(struct request *rq); /* request_dom.c */
int request_quota(struct request *rq); /* likewise */
int request_feature(struct request *rq);
int request_control(struct request *rq); /* control.c */

#endif
