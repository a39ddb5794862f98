/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The store's counters as Prometheus' text.
 */
#include <stdio.h>

#include <xenstore/store/internal.h>

static void per_domain(struct store *s, FILE *f, const char *name, const char *type,
		       uint64_t (*get)(const struct account *a))
{
	fprintf(f, "# TYPE xenstored_domain_%s %s\n", name, type);
	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		for (const struct account *a = s->account[i]; a; a = a->next) {
			fprintf(f, "xenstored_domain_%s{domain=\"%u\"} %llu\n", name, a->domid,
				(unsigned long long)get(a));
		}
	}
}

#define GET(field)                                           \
	static uint64_t get_##field(const struct account *a) \
	{                                                    \
		return a->field;                             \
	}

GET(requests)
GET(errors)
GET(nodes)
GET(watches)
GET(transactions)
GET(outstanding)
GET(latency_ns)
GET(latency_max_ns)
GET(waited_requests_max)
GET(waited_work_max)

void store_metrics(struct store *s, FILE *f)
{
	struct store_stats st;

	store_stats(s, &st);
	fprintf(f, "# TYPE xenstored_requests_total counter\n");
	for (uint32_t i = 0; i < WIRE_TYPE_COUNT; i++) {
		if (s->requests[i]) {
			fprintf(f, "xenstored_requests_total{op=\"%s\"} %llu\n", wire_op_name(i),
				(unsigned long long)s->requests[i]);
		}
	}
#define ONE(what, value)                                                         \
	fprintf(f, "# TYPE xenstored_" what " gauge\nxenstored_" what " %llu\n", \
		(unsigned long long)(value))
	ONE("nodes", st.nodes);
	ONE("node_bytes", st.node_bytes);
	ONE("watches", st.watches);
	ONE("transactions", st.transactions);
	ONE("clients", st.clients);
#undef ONE
#define Q(field, name, value, text) \
	fprintf(f, "xenstored_quota{name=\"%s\"} %llu\n", name, (unsigned long long)s->quota.field);
	fprintf(f, "# TYPE xenstored_quota gauge\n");
	STORE_QUOTAS(Q)
#undef Q
	per_domain(s, f, "requests_total", "counter", get_requests);
	per_domain(s, f, "errors_total", "counter", get_errors);
	per_domain(s, f, "latency_nanoseconds_total", "counter", get_latency_ns);
	per_domain(s, f, "latency_max_nanoseconds", "gauge", get_latency_max_ns);
	per_domain(s, f, "waited_requests_max", "gauge", get_waited_requests_max);
	per_domain(s, f, "waited_work_max", "gauge", get_waited_work_max);
	per_domain(s, f, "nodes", "gauge", get_nodes);
	per_domain(s, f, "watches", "gauge", get_watches);
	per_domain(s, f, "transactions", "gauge", get_transactions);
	per_domain(s, f, "outstanding", "gauge", get_outstanding);
	per_domain(s, f, "memory_bytes", "gauge", account_memory);
}
