/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * CONTROL: looking into the running store and turning its knobs. Commands are
 * in one table, from which "help" is made too.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xenstore/store/internal.h>

#define MAX_ARGS 8

struct text {
	char *data;
	size_t used;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	size_t room = XENSTORE_PAYLOAD_MAX - t->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->data + t->used, room, fmt, ap);
	va_end(ap);
	if (n > 0) {
		t->used += (size_t)n < room ? (size_t)n : room - 1;
	}
}

static int done(struct request *rq, struct text *t)
{
	rq->reply->len = (uint32_t)t->used + 1;
	return 0;
}

static int control_check(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	const char *wrong;

	if (nr) {
		return -EINVAL;
	}
	if (s->hooks->answer) {
		job_check(s);
		return -EINPROGRESS;
	}
	wrong = store_check(s);
	if (wrong) {
		store_logf(s, "check: %s", wrong);
		return request_reply(rq, wrong, strlen(wrong) + 1);
	}
	return request_ok(rq);
}

static int control_log(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	bool on = nr && strcmp(args[0], "on") == 0;
	int rc;

	if (nr != 1 || (!on && strcmp(args[0], "off") != 0)) {
		return -EINVAL;
	}
	rc = s->hooks->log_switch ? s->hooks->log_switch(s->daemon, on, NULL) : -ENOSYS;
	return rc ? rc : request_ok(rq);
}

static int control_trace(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	int rc;

	if (nr != 1) {
		return -EINVAL;
	}
	rc = s->hooks->trace ? s->hooks->trace(s->daemon, args[0]) : -ENOSYS;
	return rc ? rc : request_ok(rq);
}

static int control_live_update(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	int rc = -ENOSYS;

	if (s->hooks->live_update) {
		rc = s->hooks->live_update(s->daemon, rq->client->ctx, args, nr);
	}
	return rc ? rc : request_ok(rq);
}

static int control_logfile(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	int rc;

	if (nr != 1) {
		return -EINVAL;
	}
	rc = s->hooks->log_switch ? s->hooks->log_switch(s->daemon, true, args[0]) : -ENOSYS;
	return rc ? rc : request_ok(rq);
}

static int control_memreport(struct request *rq, const char **args, int nr)
{
	struct text t = {rq->reply->data, 0};
	struct store_stats st;

	if (nr) {
		return -EINVAL;
	}
	store_stats(rq->client->store, &st);
	add(&t, "nodes            : %8llu\n", (unsigned long long)st.nodes);
	add(&t, "bytes in nodes   : %8llu\n", (unsigned long long)st.node_bytes);
	add(&t, "permission lists : %8llu\n", (unsigned long long)st.perm_lists);
	add(&t, "watches          : %8llu\n", (unsigned long long)st.watches);
	add(&t, "transactions     : %8llu\n", (unsigned long long)st.transactions);
	add(&t, "clients          : %8llu\n", (unsigned long long)st.clients);
	return done(rq, &t);
}

static int control_print(struct request *rq, const char **args, int nr)
{
	if (nr != 1) {
		return -EINVAL;
	}
	store_logf(rq->client->store, "%s", args[0]);
	return request_ok(rq);
}

static int quota_of_domain(struct request *rq, const char *arg)
{
	struct text t = {rq->reply->data, 0};
	const struct account *a;
	uint16_t domid;

	if (wire_domid_parse(arg, &domid)) {
		return -EINVAL;
	}
	a = account_of(rq->client->store, domid);
	add(&t, "Domain %u:\n", domid);
	add(&t, "nodes           : %8llu\n", (unsigned long long)a->nodes);
	add(&t, "watches         : %8llu\n", (unsigned long long)a->watches);
	add(&t, "transactions    : %8llu\n", (unsigned long long)a->transactions);
	add(&t, "outstanding     : %8llu\n", (unsigned long long)a->outstanding);
	add(&t, "memory          : %8llu\n", (unsigned long long)account_memory(a));
	return done(rq, &t);
}

static int control_quota(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	struct text t = {rq->reply->data, 0};
	uint64_t value;

	if (nr == 3 && strcmp(args[0], "set") == 0) {
		if (wire_number_parse(args[2], UINT32_MAX, &value) ||
		    store_quota_change(s, args[1], value)) {
			return -EINVAL;
		}
		return request_ok(rq);
	}
	if (nr == 1) {
		return quota_of_domain(rq, args[0]);
	}
	if (nr) {
		return -EINVAL;
	}
	add(&t, "Quota settings:\n");
#define Q(field, name, value, text) \
	add(&t, "%-17s: %8llu %s\n", name, (unsigned long long)s->quota.field, text);
	STORE_QUOTAS(Q)
#undef Q
	return done(rq, &t);
}

static int control_quota_soft(struct request *rq, const char **args, int nr)
{
	struct store *s = rq->client->store;
	struct text t = {rq->reply->data, 0};
	uint64_t value;

	if (nr == 3 && strcmp(args[0], "set") == 0) {
		if (strcmp(args[1], "memory") != 0 ||
		    wire_number_parse(args[2], UINT32_MAX, &value)) {
			return -EINVAL;
		}
		s->quota.soft_memory = value;
		return request_ok(rq);
	}
	if (nr) {
		return -EINVAL;
	}
	add(&t, "Quota settings:\n%-17s: %8llu %s\n", "memory",
	    (unsigned long long)s->quota.soft_memory,
	    "Total Xenstore memory per domain (warning level)");
	return done(rq, &t);
}

static int control_help(struct request *rq, const char **args, int nr);

static const struct {
	const char *name, *args;
	int (*fn)(struct request *rq, const char **args, int nr);
} commands[] = {
	{"check", "", control_check},
	{"live-update", "[-f <file>] [-s] [-a] [<file>]", control_live_update},
	{"log", "on|off", control_log},
	{"logfile", "<file>", control_logfile},
	{"memreport", "", control_memreport},
	{"print", "<string>", control_print},
	{"quota", "[set <name> <val>|<domid>]", control_quota},
	{"quota-soft", "[set <name> <val>]", control_quota_soft},
	{"trace", "<domid>|all|off", control_trace},
	{"help", "", control_help},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int control_help(struct request *rq, const char **args, int nr)
{
	struct text t = {rq->reply->data, 0};

	if (nr) {
		return -EINVAL;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		add(&t, "%s\t%s\n", commands[i].name, commands[i].args);
	}
	return done(rq, &t);
}

int request_control(struct request *rq)
{
	const char *strs[MAX_ARGS + 1];
	int nr = wire_strings(rq->payload, rq->len, strs, MAX_ARGS + 1);

	if (nr < 1 || nr > MAX_ARGS + 1) {
		return -EINVAL;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(commands[i].name, strs[0]) == 0) {
			return commands[i].fn(rq, strs + 1, nr - 1);
		}
	}
	return -EINVAL;
}
