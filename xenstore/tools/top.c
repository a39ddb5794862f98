/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenstore-top: who keeps the store busy. Reads the daemon's counters from its
 * metrics socket, again and again, and shows what they grew by.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenstore/tools/tools.h>

enum column {
	REQUESTS,
	ERRORS,
	LATENCY,
	LATENCY_MAX,
	WAITED,
	WORK,
	NODES,
	WATCHES,
	TRANSACTIONS,
	MEMORY,
	NR
};

static const char *const names[NR] = {
	[REQUESTS] = "requests_total",
	[ERRORS] = "errors_total",
	[LATENCY] = "latency_nanoseconds_total",
	[LATENCY_MAX] = "latency_max_nanoseconds",
	[WAITED] = "waited_requests_max",
	[WORK] = "waited_work_max",
	[NODES] = "nodes",
	[WATCHES] = "watches",
	[TRANSACTIONS] = "transactions",
	[MEMORY] = "memory_bytes",
};

struct row {
	unsigned int domid;
	uint64_t v[NR];
};

struct table {
	struct row *rows;
	size_t nr;
	uint64_t quota_nodes, quota_watches;
	double when;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int open_metrics(void)
{
	const char *dir = getenv("XENSTORED_RUNDIR"), *whole = getenv("XENSTORED_PATH");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *slash = whole ? strrchr(whole, '/') : NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (whole) {
		snprintf(a.sun_path, sizeof(a.sun_path), "%.*smetrics",
			 slash ? (int)(slash + 1 - whole) : 0, whole);
	} else {
		snprintf(a.sun_path, sizeof(a.sun_path), "%s/metrics",
			 dir ? dir : "/run/xenstored");
	}
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static struct row *row_of(struct table *t, unsigned int domid)
{
	for (size_t i = 0; i < t->nr; i++) {
		if (t->rows[i].domid == domid) {
			return &t->rows[i];
		}
	}
	t->rows = realloc(t->rows, (t->nr + 1) * sizeof(*t->rows));
	if (!t->rows) {
		exit(tool_fail("%s", strerror(ENOMEM)));
	}
	t->rows[t->nr] = (struct row){domid, {0}};
	return &t->rows[t->nr++];
}

static void take_line(struct table *t, const char *line)
{
	unsigned long long value;
	unsigned int domid;
	char name[64];

	if (sscanf(line, "xenstored_domain_%63[a-z_]{domain=\"%u\"} %llu", name, &domid, &value) ==
	    3) {
		for (int i = 0; i < NR; i++) {
			if (strcmp(names[i], name) == 0) {
				row_of(t, domid)->v[i] = value;
			}
		}
	} else if (sscanf(line, "xenstored_quota{name=\"nodes\"} %llu", &value) == 1) {
		t->quota_nodes = value;
	} else if (sscanf(line, "xenstored_quota{name=\"watches\"} %llu", &value) == 1) {
		t->quota_watches = value;
	}
}

static int look(struct table *t)
{
	int fd = open_metrics();
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[512];

	*t = (struct table){NULL, .when = now()};
	if (!f) {
		return tool_fail("the daemon's metrics socket: %s", strerror(errno));
	}
	while (fgets(line, sizeof(line), f)) {
		take_line(t, line);
	}
	fclose(f);
	return 0;
}

static int by_domid(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->domid > y->domid) - (x->domid < y->domid);
}

static void of_quota(unsigned long long value, unsigned long long quota, unsigned int domid)
{
	if (domid && quota) {
		printf(" %8llu %3llu%%", value, value * 100 / quota);
	} else {
		printf(" %8llu    -", value);
	}
}

static void show(struct table *last, struct table *t)
{
	double s = t->when - last->when;

	if (isatty(STDOUT_FILENO)) {
		fputs("\033[H\033[J", stdout);
	}
	if (t->nr) {
		qsort(t->rows, t->nr, sizeof(*t->rows), by_domid);
	}
	printf("%6s %9s %8s %9s %9s %6s %6s %8s quot %8s quot %5s %9s\n", "domain", "req/s",
	       "err/s", "avg us", "max us", "waited", "work", "nodes", "watches", "tx", "memory");
	for (size_t i = 0; i < t->nr; i++) {
		struct row *r = &t->rows[i], *old = row_of(last, r->domid);
		uint64_t n = r->v[REQUESTS] - old->v[REQUESTS];

		printf("%6u %9.0f %8.0f %9.1f %9.1f", r->domid, (double)n / s,
		       (double)(r->v[ERRORS] - old->v[ERRORS]) / s,
		       n ? (double)(r->v[LATENCY] - old->v[LATENCY]) / (double)n / 1000 : 0.0,
		       (double)r->v[LATENCY_MAX] / 1000);
		printf(" %6llu %6llu", (unsigned long long)r->v[WAITED],
		       (unsigned long long)r->v[WORK]);
		of_quota(r->v[NODES], t->quota_nodes, r->domid);
		of_quota(r->v[WATCHES], t->quota_watches, r->domid);
		printf(" %5llu %9llu\n", (unsigned long long)r->v[TRANSACTIONS],
		       (unsigned long long)r->v[MEMORY]);
	}
	fflush(stdout);
}

int tool_top(struct xsc *c, int nr, char **args)
{
	double delay = nr ? atof(args[0]) : 1;
	struct table last, t;
	long count = opt.count;
	int rc = look(&last);

	if (delay < 0.05) {
		return tool_fail("seconds between looks: at least 0.05");
	}
	while (!rc && (count < 0 || count-- > 0)) {
		usleep((useconds_t)(delay * 1e6));
		rc = look(&t);
		if (!rc) {
			show(&last, &t);
			free(last.rows);
			last = t;
		}
	}
	free(last.rows);
	return rc;
}
