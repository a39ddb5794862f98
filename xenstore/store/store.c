/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store as a whole: its life, its clients, domains that go away, and the
 * check of everything.
 */
#include <assert.h>
#include <limits.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

static const char *const special_names[NR_SPECIAL] = {"@introduceDomain", "@releaseDomain"};

int special_of(const char *path)
{
	for (int i = 0; i < NR_SPECIAL; i++) {
		if (strcmp(path, special_names[i]) == 0) {
			return i;
		}
	}
	return -1;
}

struct store *store_create(const struct store_hooks *hooks, void *daemon)
{
	static const struct wire_perm dom0 = {0, 0};
	struct store *s = store_zalloc(sizeof(*s));
	struct account *a;

	s->hooks = hooks;
	s->daemon = daemon;
	s->jobs_end = &s->jobs;
	s->watch_limit = UINT64_MAX;
#define Q(field, name, value, text) s->quota.field = value;
	STORE_QUOTAS(Q)
#undef Q
	s->quota.soft_memory = 2097152;
	perms_table_init(&s->perms);
	for (int i = 0; i < NR_SPECIAL; i++) {
		s->special[i] = perms_make(&s->perms, &dom0, 1);
	}
	s->root = node_make("", 0, perms_make(&s->perms, &dom0, 1));
	a = account_of(s, 0);
	a->nodes = 1;
	a->node_bytes = node_bytes(0, 0);
	return s;
}

void store_destroy(struct store *s)
{
	if (!s) {
		return;
	}
	assert(!s->clients);
	s->recording = false;
	store_settle(s);
	node_put(&s->perms, s->root);
	tree_reap(&s->perms, UINT_MAX);
	for (int i = 0; i < NR_SPECIAL; i++) {
		perms_put(&s->perms, s->special[i]);
	}
	perms_table_fini(&s->perms);
	account_free_all(s);
	free(s->watch_bucket);
	free(s->loading.at);
	rec_fini(&s->batch);
	free(s);
}

struct store_quota *store_quota(struct store *s)
{
	return &s->quota;
}

int store_quota_set(struct store *s, const char *name, uint64_t value)
{
#define Q(field, quota_name, default_value, text) \
	if (strcmp(name, quota_name) == 0) {      \
		s->quota.field = value;           \
		return 0;                         \
	}
	STORE_QUOTAS(Q)
#undef Q
	return -EINVAL;
}

int store_quota_change(struct store *s, const char *name, uint64_t value)
{
	int rc = store_quota_set(s, name, value);

	if (rc) {
		return rc;
	}
#define Q(field, quota_name, default_value, text)    \
	if (strcmp(name, quota_name) == 0) {         \
		s->quota_set |= 1u << QUOTA_##field; \
	}
	STORE_QUOTAS(Q)
#undef Q
	note_quota(s, name, value);
	return 0;
}

void store_logf(struct store *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!s->hooks->log) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->hooks->log(s->daemon, line);
}

/* ---- clients ------------------------------------------------------------- */

struct store_client *store_client_create(struct store *s, uint16_t domid, void *ctx)
{
	struct store_client *c = store_zalloc(sizeof(*c));

	c->store = s;
	c->ctx = ctx;
	c->domid = domid;
	c->target = -1;
	c->create_as = -1;
	c->account = account_of(s, domid);
	c->account->holders++;
	c->watches_end = &c->watches;
	c->next = s->clients;
	c->pprev = &s->clients;
	if (c->next) {
		c->next->pprev = &c->next;
	}
	s->clients = c;
	return c;
}

void store_client_set_durable(struct store_client *c)
{
	c->durable = true;
}

void store_client_reset(struct store_client *c)
{
	watch_del_all(c);
	while (c->txs) {
		tx_abort(c->txs);
	}
}

void store_client_destroy(struct store_client *c)
{
	if (!c) {
		return;
	}
	store_client_reset(c);
	jobs_forget_client(c->store, c);
	store_client_charge(c, -(long)c->bytes);
	store_client_outstanding(c, -(long)c->outstanding);
	c->account->holders--;
	*c->pprev = c->next;
	if (c->next) {
		c->next->pprev = c->pprev;
	}
	free(c);
}

void store_client_set_target(struct store_client *c, int target)
{
	c->target = target;
}

bool store_client_privileged(const struct store_client *c)
{
	return c->domid == 0;
}

void store_client_charge(struct store_client *c, long delta)
{
	struct account *a = c->account;
	uint64_t soft = c->store->quota.soft_memory;

	c->bytes += (uint64_t)delta;
	a->other_bytes += (uint64_t)delta;
	if (!soft || store_client_privileged(c)) {
		return;
	}
	if (account_memory(a) <= soft) {
		a->warned = false;
	} else if (!a->warned) {
		a->warned = true;
		store_logf(c->store, "domain %u uses %llu bytes, more than the soft quota of %llu",
			   c->domid, (unsigned long long)account_memory(a),
			   (unsigned long long)soft);
	}
}

void store_client_took(struct store_client *c, unsigned int nr, uint64_t ns)
{
	struct account *a = c->account;

	a->latency_ns += nr * ns;
	if (ns > a->latency_max_ns) {
		a->latency_max_ns = ns;
	}
}

void store_client_waited(struct store_client *c, uint64_t requests, uint64_t work)
{
	struct account *a = c->account;

	a->waited_requests_max =
		requests > a->waited_requests_max ? requests : a->waited_requests_max;
	a->waited_work_max = work > a->waited_work_max ? work : a->waited_work_max;
}

void store_client_outstanding(struct store_client *c, long delta)
{
	c->outstanding += (uint64_t)delta;
	c->account->outstanding += (uint64_t)delta;
}

uint64_t store_client_outstanding_max(const struct store_client *c)
{
	return quota_of(c->store, c->account, QUOTA_outstanding);
}

bool store_client_over_memory(const struct store_client *c)
{
	uint64_t quota = quota_of(c->store, c->account, QUOTA_memory);

	return quota && !store_client_privileged(c) && account_memory(c->account) > quota;
}

/* ---- domains ------------------------------------------------------------- */

void store_domain_introduced(struct store *s, uint16_t domid)
{
	jobs_domain_again(s, domid);
	watch_fire_special(s, SPECIAL_INTRODUCE, domid);
}

void store_domain_released(struct store *s, uint16_t domid)
{
	watch_fire_special(s, SPECIAL_RELEASE, domid);
}

struct store_client store_nobody(struct store *s)
{
	return (struct store_client){.store = s, .domid = 0, .target = -1, .create_as = -1};
}

void store_domain_forget(struct store *s, uint16_t domid, bool keep_nodes)
{
	note_forget(s, domid, keep_nodes);
	job_forget(s, domid, keep_nodes);
}

int store_preset(struct store *s, const char *path, const char *value)
{
	struct store_client god = store_nobody(s);
	struct deltas deltas = {NULL};
	struct view v = {&god, &s->root, &deltas};
	int rc = op_write(&v, path, value, strlen(value));

	deltas_apply(s, &deltas);
	deltas_clear(&deltas);
	if (!rc) {
		note_write(&god, path, value, strlen(value));
	}
	return rc;
}

bool store_has(struct store *s, const char *path)
{
	return tree_lookup(s->root, path) != NULL;
}

/* ---- looking at it ------------------------------------------------------- */

void store_stats(struct store *s, struct store_stats *ret_stats)
{
	struct store_stats st = {
		.watches = s->nr_watches,
		.transactions = s->nr_txs,
		.perm_lists = s->perms.nr,
	};

	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		for (struct account *a = s->account[i]; a; a = a->next) {
			st.nodes += a->nodes;
			st.node_bytes += a->node_bytes;
		}
	}
	for (struct store_client *c = s->clients; c; c = c->next) {
		st.clients++;
	}
	*ret_stats = st;
}

void check_begin(struct store *s, struct checking *k)
{
	*k = (struct checking){.wrong = NULL};
	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		for (struct account *a = s->account[i]; a; a = a->next) {
			if (a->nodes || a->node_bytes) {
				deltas_add(&k->want, a->domid, (int64_t)a->nodes,
					   (int64_t)a->node_bytes);
			}
		}
	}
}

void check_node(struct checking *k, const struct node *n)
{
	if (!n->refs || !n->perms || !n->perms->refs || !n->perms->nr) {
		k->wrong = "a node without reference or permissions";
	} else if (!kids_valid(node_kids(n))) {
		k->wrong = "children out of order";
	} else {
		deltas_add(&k->found, perms_owner(n->perms), 1,
			   (int64_t)node_bytes(n->name_len, n->value_len));
	}
}

/* What clients have, against what their domains' accounts say. */
static const char *check_clients(struct store *s)
{
	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		for (struct account *a = s->account[i]; a; a = a->next) {
			uint64_t watches = 0, txs = 0, bytes = 0, holders = 0;

			for (struct store_client *c = s->clients; c; c = c->next) {
				if (c->account == a) {
					watches += c->nr_watches;
					txs += c->nr_txs;
					bytes += c->bytes;
					holders++;
				}
			}
			if (a->watches != watches || a->transactions != txs ||
			    a->other_bytes != bytes || a->holders != holders) {
				return "a domain's count of watches, transactions or memory";
			}
		}
	}
	return NULL;
}

const char *check_end(struct store *s, struct checking *k)
{
	for (unsigned int i = 0; !k->wrong && i < k->want.nr; i++) {
		deltas_add(&k->found, k->want.d[i].domid, -k->want.d[i].nodes, -k->want.d[i].bytes);
	}
	for (unsigned int i = 0; !k->wrong && i < k->found.nr; i++) {
		if (k->found.d[i].nodes || k->found.d[i].bytes) {
			k->wrong = "a domain's count of nodes";
		}
	}
	return k->wrong ? k->wrong : check_clients(s);
}

void check_drop(struct checking *k)
{
	deltas_clear(&k->found);
	deltas_clear(&k->want);
}

static int check_below(struct node *n, void *arg)
{
	struct checking *k = arg;

	check_node(k, n);
	return k->wrong ? 1 : kids_walk(node_kids(n), check_below, k);
}

const char *store_check(struct store *s)
{
	struct checking k;
	const char *wrong;

	store_settle(s);
	check_begin(s, &k);
	check_below(s->root, &k);
	wrong = check_end(s, &k);
	check_drop(&k);
	return wrong;
}

unsigned int store_request_work(const struct store *s)
{
	return s->work;
}
