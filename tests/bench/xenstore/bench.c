/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Measures a store daemon over its socket, one row a kind of work: "name rate
 * cpu" on each line, operations per second, and the CPU time of daemon and
 * client together per operation, in microseconds, which is the same however
 * busy the machine is. One write and one read system call per request, nothing
 * else, so that it is the daemon that counts.
 *
 * usage: bench SOCKET [SECONDS [ROW]]
 *        bench --echo [SECONDS]         an echo over a socket: what the machine allows
 *        bench --fill NODES SOCKET      creates as many, as guests have them
 *        bench --longest SECONDS SOCKET the longest request among many
 *        bench --first SOCKET           returns with the first answer
 *        bench --victim WHAT SOCKET     how much the daemon works, in microseconds
 *                                       of CPU time, while a client waits for a
 *                                       read: median, 99 of 100, longest; while
 *                                       others send all they can (flood), or one
 *                                       removes all that --fill has made (rm), ends
 *                                       a transaction with 10,000 changes (commit),
 *                                       writes what 10,000 watch (event). For root
 *                                       only, and all on one CPU: the client must
 *                                       go on as soon as it can.
 */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <public/io/xs_wire.h>
#include <tests/bench/xenstore/guest.h>

static double seconds = 1.0;
static const char *sock_path;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* This process and its children that have ended. */
static double own_cpu(void)
{
	struct rusage r;
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	getrusage(RUSAGE_CHILDREN, &r);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9 + (double)r.ru_utime.tv_sec +
	       (double)r.ru_stime.tv_sec + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* What the scheduler has counted for a process. */
static double cpu_of(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1) {
		ns = 0;
	}
	if (f) {
		fclose(f);
	}
	return (double)ns / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		die(path);
	}
	return fd;
}

/* ---- requests ------------------------------------------------------------ */

struct client {
	int fd;
	pid_t daemon; /* whose CPU time counts as well; 0: none */
	uint32_t tx;
	char in[65536];
};

static void send_req(struct client *c, uint32_t type, const char *path, const char *value)
{
	char buf[8192];
	size_t len = strlen(path) + 1, value_len = value ? strlen(value) : 0;
	struct xsd_sockmsg h = {type, 1, c->tx, (uint32_t)(len + value_len)};

	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), path, len);
	if (value_len) {
		memcpy(buf + sizeof(h) + len, value, value_len);
	}
	len = sizeof(h) + h.len;
	if (write(c->fd, buf, len) != (ssize_t)len) {
		die("write");
	}
}

/* The reply's type; its payload is at c->in + 16. Events are skipped. */
static uint32_t get_reply(struct client *c)
{
	struct xsd_sockmsg h;
	size_t have = 0;

	for (;;) {
		ssize_t n = read(c->fd, c->in + have, sizeof(c->in) - have);

		if (n <= 0) {
			die("read");
		}
		have += (size_t)n;
		while (have >= sizeof(h)) {
			memcpy(&h, c->in, sizeof(h));
			if (have < sizeof(h) + h.len) {
				break;
			}
			if (h.type != XS_WATCH_EVENT) {
				c->in[sizeof(h) + h.len] = '\0';
				return h.type;
			}
			have -= sizeof(h) + h.len;
			memmove(c->in, c->in + sizeof(h) + h.len, have);
		}
	}
}

static void req(struct client *c, uint32_t type, const char *path, const char *value)
{
	send_req(c, type, path, value);
	if (get_reply(c) == XS_ERROR) {
		fprintf(stderr, "request %u %s: %s\n", type, path, c->in + 16);
		exit(1);
	}
}

static void tx_start(struct client *c)
{
	c->tx = 0;
	req(c, XS_TRANSACTION_START, "", NULL);
	c->tx = (uint32_t)strtoul(c->in + 16, NULL, 10);
}

static bool tx_end(struct client *c)
{
	bool ok;

	send_req(c, XS_TRANSACTION_END, "T", NULL);
	ok = get_reply(c) != XS_ERROR;
	c->tx = 0;
	return ok;
}

static struct client *client_of(const char *path)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ucred who;
	socklen_t len = sizeof(who);

	c->fd = connect_to(path);
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
		c->daemon = who.pid;
	}
	return c;
}

/* ---- rows ---------------------------------------------------------------- */

typedef void row_fn(struct client *c, unsigned long i);

static void row_read(struct client *c, unsigned long i)
{
	req(c, XS_READ, "/bench/value/a/b", NULL);
}

static void row_write(struct client *c, unsigned long i)
{
	req(c, XS_WRITE, "/bench/value/a/b", i & 1 ? "first" : "other");
}

static void row_create(struct client *c, unsigned long i)
{
	char path[64];

	/* A thousand in each of many directories, as domains have them. */
	snprintf(path, sizeof(path), "/bench/create/%lu/%lu", i / 1000, i % 1000);
	req(c, XS_WRITE, path, "v");
}

static void row_list(struct client *c, unsigned long i)
{
	req(c, XS_DIRECTORY, "/bench/list", NULL);
}

static void row_tx(struct client *c, unsigned long i)
{
	char path[64];

	tx_start(c);
	for (int k = 0; k < 10; k++) {
		snprintf(path, sizeof(path), "/bench/tx/%d", k);
		req(c, XS_WRITE, path, "v");
	}
	tx_end(c);
}

static void print_row(const char *name, double nr, double t, double cpu)
{
	printf("%-28s %.0f %.3f\n", name, nr / t, cpu * 1e6 / nr);
	fflush(stdout);
}

static void rate(const char *name, row_fn *fn, struct client *c)
{
	double start = now(), cpu = own_cpu() + cpu_of(c->daemon), t;
	unsigned long i = 0;

	do {
		for (int k = 0; k < 20; k++) {
			fn(c, i++);
		}
		t = now() - start;
	} while (t < seconds);
	print_row(name, (double)i, t, own_cpu() + cpu_of(c->daemon) - cpu);
}

/* ---- eight clients ------------------------------------------------------- */

#define CLIENTS 8

/* Each in a process of its own, in a directory of its own; until told to stop. */
static void one_of_many(int id, int out)
{
	struct client *c = calloc(1, sizeof(*c));
	unsigned long done = 0;
	char path[64];
	double end;

	c->fd = connect_to(sock_path);
	end = now() + seconds;
	while (now() < end) {
		tx_start(c);
		for (int k = 0; k < 10; k++) {
			snprintf(path, sizeof(path), "/bench/many/%d/%d", id, k);
			if (k & 1) {
				req(c, XS_READ, "/bench/value/a/b", NULL);
			} else {
				req(c, XS_WRITE, path, "v");
			}
		}
		done += tx_end(c);
	}
	if (write(out, &done, sizeof(done)) != sizeof(done)) {
		die("write");
	}
	_exit(0);
}

static void many_clients(pid_t daemon)
{
	unsigned long sum = 0, done;
	int ends[2];
	double start = now(), cpu = own_cpu() + cpu_of(daemon);

	if (pipe(ends)) {
		die("pipe");
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (fork() == 0) {
			one_of_many(i, ends[1]);
		}
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (read(ends[0], &done, sizeof(done)) == sizeof(done)) {
			sum += done;
		}
		wait(NULL);
	}
	print_row("8-clients-10-op-tx", (double)sum, now() - start,
		  own_cpu() + cpu_of(daemon) - cpu);
}

/* ---- echo ---------------------------------------------------------------- */

static void echo_server(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0);
	char buf[8192];
	ssize_t n;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	while (epoll_wait(ep, &ev, 1, -1) > 0) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0 || write(fd, buf, (size_t)n) != n) {
			_exit(0);
		}
	}
}

static void row_echo(struct client *c, unsigned long i)
{
	send_req(c, XS_READ, "/bench/value/a/b", NULL);
	get_reply(c);
}

static void echo(struct client *c)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		die("socketpair");
	}
	c->daemon = fork();
	if (c->daemon == 0) {
		close(ends[0]);
		echo_server(ends[1]);
	}
	close(ends[1]);
	c->fd = ends[0];
	rate("echo", row_echo, c);
}

/* ---- other measures ------------------------------------------------------ */

/* Nodes as guests have them, until there are @nr. */
static void fill(struct client *c, unsigned long nr)
{
	char path[GUEST_TEXT], value[GUEST_TEXT];

	for (unsigned long i = 0; i < nr; i++) {
		guest_node(i, path, value);
		req(c, XS_WRITE, path, value);
	}
}

/* How long the longest of many requests took, in milliseconds. */
static void longest(struct client *c)
{
	double start = now(), last = start, t, max = 0;
	unsigned long nr = 0;

	do {
		row_write(c, nr);
		row_read(c, nr++);
		t = now();
		if (t - last > max) {
			max = t - last;
		}
		last = t;
	} while (t - start < seconds);
	printf("%.2f\n", max * 1000);
}

/* Connects as soon as it is possible and waits for the first answer. */
static void first(struct client *c, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	for (;;) {
		c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
			break;
		}
		close(c->fd);
		usleep(500);
	}
	req(c, XS_READ, "/", NULL);
}

static void send_watch(struct client *w, const char *path, const char *token)
{
	char msg[256];
	int path_len = sprintf(msg + 16, "%s", path) + 1;
	int len = path_len + sprintf(msg + 16 + path_len, "%s", token) + 1;
	struct xsd_sockmsg h = {XS_WATCH, 1, 0, (uint32_t)len};

	memcpy(msg, &h, sizeof(h));
	if (write(w->fd, msg, sizeof(h) + (size_t)len) < 0) {
		die("write");
	}
	get_reply(w);
}

/* ---- a client among others ----------------------------------------------- */

#define FLOODS 4
#define BATCH  32

/* Sends big requests as fast as they are taken, until killed. */
static void flood(const char *path, int id)
{
	struct client *c = client_of(path);
	static char out[BATCH * 2200], in[1 << 16];
	size_t len = 0;

	for (int i = 0; i < BATCH; i++) {
		int path_len = sprintf(out + len + 16, "/bench/flood/%d/%d", id, i) + 1;
		struct xsd_sockmsg h = {XS_WRITE, 1, 0, (uint32_t)path_len + 2000};

		memset(out + len + 16 + path_len, 'x', 2000);
		memcpy(out + len, &h, sizeof(h));
		len += sizeof(h) + h.len;
	}
	for (;;) {
		if (write(c->fd, out, len) != (ssize_t)len) {
			_exit(1);
		}
		/* Never wait for an answer that isn't there. */
		while (recv(c->fd, in, sizeof(in), MSG_DONTWAIT) > 0) {
		}
	}
}

static void remove_all(const char *path)
{
	struct client *c = client_of(path);

	usleep(200000);
	req(c, XS_RM, "/local", NULL);
	_exit(0);
}

#define CHANGES 10000

/* Others change something meanwhile: all has to be compared and made again. */
static void commit_much(const char *path)
{
	struct client *c = client_of(path), *other = client_of(path);
	char node[64];

	tx_start(c);
	for (int i = 0; i < CHANGES; i++) {
		snprintf(node, sizeof(node), "/bench/commit/%d/%d", i / 100, i % 100);
		req(c, XS_WRITE, node, "v");
	}
	row_write(other, 0);
	usleep(50000);
	if (!tx_end(c)) {
		fprintf(stderr, "the big transaction failed\n");
	}
	req(c, XS_RM, "/bench/commit", NULL);
	_exit(0);
}

#define WATCHERS 100

static void tell_many(const char *path)
{
	struct client *w[WATCHERS], *c = client_of(path);
	char token[16], in[4096];

	for (int i = 0; i < WATCHERS; i++) {
		w[i] = client_of(path);
		for (int k = 0; k < CHANGES / WATCHERS; k++) {
			sprintf(token, "token-%d", k);
			send_watch(w[i], "/bench/event", token);
		}
	}
	for (int n = 0; n < 5; n++) {
		usleep(50000);
		req(c, XS_WRITE, "/bench/event", "v");
	}
	usleep(100000);
	for (int i = 0; i < WATCHERS; i++) {
		while (recv(w[i]->fd, in, sizeof(in), MSG_DONTWAIT) > 0) {
		}
	}
	_exit(0);
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void victim(struct client *c, const char *what, const char *path)
{
	enum { MAX = 100000 };
	double *took = calloc(MAX, sizeof(*took)), start = now();
	pid_t child[FLOODS];
	void (*alone)(const char *path) = strcmp(what, "rm") == 0       ? remove_all
					  : strcmp(what, "commit") == 0 ? commit_much
					  : strcmp(what, "event") == 0  ? tell_many
									: NULL;
	int nr_children = alone ? 1 : FLOODS, nr = 0;
	struct sched_param first = {.sched_priority = 1};

	for (int i = 0; i < nr_children; i++) {
		child[i] = fork();
		if (child[i] == 0 && alone) {
			alone(path);
		} else if (child[i] == 0) {
			flood(path, i);
		}
	}
	if (sched_setscheduler(0, SCHED_FIFO, &first)) {
		die("SCHED_FIFO");
	}
	while (now() - start < 1.5 && nr < MAX) {
		double t = cpu_of(c->daemon);

		row_read(c, 0);
		took[nr++] = (cpu_of(c->daemon) - t) * 1e6;
		usleep(20);
	}
	for (int i = 0; i < nr_children; i++) {
		kill(child[i], SIGKILL);
		wait(NULL);
	}
	qsort(took, (size_t)nr, sizeof(*took), by_time);
	printf("%.0f %.0f %.0f\n", took[nr / 2], took[nr - 1 - nr / 100], took[nr - 1]);
}

static void watch_many(struct client *w)
{
	char path[64], token[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/watched/%d", i);
		snprintf(token, sizeof(token), "token-%d", i);
		send_watch(w, path, token);
	}
}

static void rows(const char *only)
{
	static const struct {
		const char *name;
		row_fn *fn;
	} simple[] = {
		{"read", row_read},     {"overwrite", row_write}, {"create", row_create},
		{"list-250", row_list}, {"10-write-tx", row_tx},
	};
	struct client *c = client_of(sock_path), *w = client_of(sock_path);
	char path[64];

	req(c, XS_WRITE, "/bench/value/a/b", "first");
	for (int i = 0; i < 250; i++) {
		snprintf(path, sizeof(path), "/bench/list/child-%d", i);
		req(c, XS_WRITE, path, "v");
	}
	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
		if (!only || strcmp(only, simple[i].name) == 0) {
			rate(simple[i].name, simple[i].fn, c);
		}
	}
	if (!only || strcmp(only, "8-clients-10-op-tx") == 0) {
		many_clients(c->daemon);
	}
	if (!only || strcmp(only, "write-under-1000-watches") == 0) {
		watch_many(w);
		rate("write-under-1000-watches", row_write, c);
	}
}

int main(int argc, char **argv)
{
	struct client *c = calloc(1, sizeof(*c));
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc > 2) {
		seconds = atof(argv[2]);
	}
	if (strcmp(mode, "--echo") == 0) {
		echo(c);
	} else if (strcmp(mode, "--fill") == 0 && argc == 4) {
		c->fd = connect_to(argv[3]);
		fill(c, strtoul(argv[2], NULL, 10));
	} else if (strcmp(mode, "--longest") == 0 && argc == 4) {
		c->fd = connect_to(argv[3]);
		req(c, XS_WRITE, "/bench/value/a/b", "first");
		longest(c);
	} else if (strcmp(mode, "--victim") == 0 && argc == 4) {
		c = client_of(argv[3]);
		req(c, XS_WRITE, "/bench/value/a/b", "first");
		victim(c, argv[2], argv[3]);
	} else if (strcmp(mode, "--first") == 0 && argc == 3) {
		first(c, argv[2]);
	} else if (argc > 1 && mode[0] != '-') {
		sock_path = mode;
		rows(argc > 3 ? argv[3] : NULL);
	} else {
		fprintf(stderr, "usage: bench SOCKET [SECONDS [ROW]] | --echo [SECONDS]\n"
				"       bench --fill NODES SOCKET | --longest SECONDS SOCKET\n"
				"       bench --first SOCKET | --victim WHAT SOCKET\n");
		return 1;
	}
	return 0;
}
