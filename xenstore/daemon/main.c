/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenstored: options, daemonizing, start and end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

#define KEEP_FREE (64 << 20)
#define OOM_SCORE "-500"

static void usage(FILE *f)
{
	fputs("Usage: xenstored [OPTION]...\n"
	      "\n"
	      "  -D, --no-domain-init       don't connect the control domain's own kernel\n"
	      "  -F, --pid-file FILE        write the daemon's pid to FILE\n"
	      "  -H, --help                 print this and exit\n"
	      "  -N, --no-fork              stay in the foreground\n"
	      "  -P, --output-pid           print the daemon's pid\n"
	      "  -T, --trace-file FILE      log messages and requests to FILE\n"
	      "  -E, --entry-nb N           quota: nodes per domain (1000)\n"
	      "  -S, --entry-size N         quota: size of a node (2048)\n"
	      "  -W, --watch-nb N           quota: watches per domain (128)\n"
	      "  -t, --transaction N        quota: transactions per domain (10)\n"
	      "  -A, --perm-nb N            quota: permission entries per node (5)\n"
	      "  -M, --path-max N           quota: length of a path (2048)\n"
	      "  -Q, --quota WHAT=N         any quota by name; also outstanding, memory,\n"
	      "                             transaction-nodes; 0: unlimited\n"
	      "  -q, --quota-soft WHAT=N    log when exceeded; WHAT: memory\n"
	      "  -w, --timeout WHAT=SECONDS WHAT: watch-event (20; 0: none)\n"
	      "  -K, --keep-orphans         keep the nodes of domains that are gone\n"
	      "  -J, --journal FILE         where the journal is (journal, beside the socket)\n"
	      "  -n, --no-journal           none: a crash loses everything\n"
	      "  -u, --user NAME            be that user once it serves\n"
	      "  -G, --respawn              start again when it dies of anything but a signal to end\n"
	      "  -X, --no-seccomp           don't restrict system calls\n"
	      "  -R, --no-recovery          begin with an empty store, whatever the journal says\n"
	      "  -I, --internal-db[=on|off] accepted, has no meaning here\n"
	      "  -V, --verbose              trace requests to standard error or the trace file\n",
	      f);
}

static const struct option options[] = {
	{"no-domain-init", 0, NULL, 'D'}, {"entry-nb", 1, NULL, 'E'},
	{"pid-file", 1, NULL, 'F'},       {"help", 0, NULL, 'H'},
	{"no-fork", 0, NULL, 'N'},        {"output-pid", 0, NULL, 'P'},
	{"entry-size", 1, NULL, 'S'},     {"trace-file", 1, NULL, 'T'},
	{"watch-nb", 1, NULL, 'W'},       {"transaction", 1, NULL, 't'},
	{"perm-nb", 1, NULL, 'A'},        {"path-max", 1, NULL, 'M'},
	{"quota", 1, NULL, 'Q'},          {"quota-soft", 1, NULL, 'q'},
	{"timeout", 1, NULL, 'w'},        {"no-recovery", 0, NULL, 'R'},
	{"internal-db", 2, NULL, 'I'},    {"keep-orphans", 0, NULL, 'K'},
	{"verbose", 0, NULL, 'V'},        {"journal", 1, NULL, 'J'},
	{"no-journal", 0, NULL, 'n'},     {"take-over", 1, NULL, 'Z'},
	{"user", 1, NULL, 'u'},           {"no-seccomp", 0, NULL, 'X'},
	{"respawn", 0, NULL, 'G'},        {NULL, 0, NULL, 0},
};

static uint64_t number(const char *text)
{
	uint64_t n;

	if (wire_number_parse(text, UINT32_MAX, &n)) {
		fprintf(stderr, "xenstored: '%s' is not a number\n", text);
		exit(1);
	}
	return n;
}

/* WHAT=N: returns N and cuts the '=' off. */
static uint64_t assignment(char *text)
{
	char *equals = strchr(text, '=');

	if (!equals) {
		fprintf(stderr, "xenstored: '%s' should be NAME=NUMBER\n", text);
		exit(1);
	}
	*equals = '\0';
	return number(equals + 1);
}

static void unknown(const char *what, const char *name)
{
	fprintf(stderr, "xenstored: unknown %s '%s'\n", what, name);
	exit(1);
}

static void quota_option(struct xsd *d, int opt, char *arg)
{
	struct store_quota *q = store_quota(d->store);
	uint64_t value = strchr("Qqw", opt) ? assignment(arg) : number(arg);

	switch (opt) {
	case 'E':
		q->nodes = value;
		break;
	case 'S':
		q->node_size = value;
		break;
	case 'W':
		q->watches = value;
		break;
	case 't':
		q->transactions = value;
		break;
	case 'A':
		q->perms = value;
		break;
	case 'M':
		q->path_max = value;
		break;
	case 'Q':
		if (store_quota_set(d->store, arg, value)) {
			unknown("quota", arg);
		}
		break;
	case 'q':
		if (strcmp(arg, "memory") != 0) {
			unknown("soft quota", arg);
		}
		q->soft_memory = value;
		break;
	default:
		if (strcmp(arg, "watch-event") != 0) {
			unknown("timeout", arg);
		}
		d->opt.watch_timeout = (unsigned int)value;
	}
}

static void parse_options(struct xsd *d, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "DE:F:HNPS:t:A:M:Q:q:T:RVW:w:I::KJ:nu:XG", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'D':
			d->opt.no_domain_init = true;
			break;
		case 'F':
			d->opt.pid_file = optarg;
			break;
		case 'H':
			usage(stdout);
			exit(0);
		case 'N':
			d->opt.no_fork = true;
			break;
		case 'P':
			d->opt.output_pid = true;
			break;
		case 'T':
			d->opt.trace_file = optarg;
			break;
		case 'K':
			d->opt.keep_orphans = true;
			break;
		case 'V':
			d->opt.verbose = true;
			break;
		case 'R':
			d->opt.no_recovery = true;
			break;
		case 'J':
			d->opt.journal = optarg;
			break;
		case 'Z':
			d->opt.take_over = (int)number(optarg);
			break;
		case 'u':
			d->opt.user = optarg;
			break;
		case 'X':
			d->opt.no_seccomp = true;
			break;
		case 'G':
			d->opt.respawn = true;
			break;
		case 'n':
			d->opt.no_journal = true;
			break;
		case 'I':
			break;
		case '?':
			usage(stderr);
			exit(1);
		default:
			quota_option(d, opt, optarg);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "xenstored: what is '%s'?\n", argv[optind]);
		exit(1);
	}
}

/* ---- daemonizing --------------------------------------------------------- */

/*
 * The parent waits until the child serves (or has failed), so that whoever
 * started us may connect at once. Returns the pipe's end to say so.
 */
static int into_background(void)
{
	int ends[2];
	char result = 1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC)) {
		return -errno;
	}
	pid = fork();
	if (pid < 0) {
		return -errno;
	}
	if (pid) {
		close(ends[1]);
		if (read(ends[0], &result, 1) != 1) {
			result = 1;
		}
		_exit(result);
	}
	close(ends[0]);
	setsid();
	/* Not a session leader: it can't get a terminal by accident. */
	pid = fork();
	if (pid) {
		_exit(pid < 0);
	}
	return ends[1];
}

static void quiet_files(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (fd > 2) {
			close(fd);
		}
	}
	if (chdir("/")) {
		syslog(LOG_NOTICE, "chdir: %m");
	}
}

static int write_pid(const struct xsd *d)
{
	FILE *f;

	if (d->opt.output_pid) {
		printf("%d\n", (int)getpid());
		fflush(stdout);
	}
	if (!d->opt.pid_file) {
		return 0;
	}
	f = fopen(d->opt.pid_file, "we");
	if (!f) {
		fprintf(stderr, "xenstored: %s: %s\n", d->opt.pid_file, strerror(errno));
		return -1;
	}
	fprintf(f, "%d\n", (int)getpid());
	return fclose(f);
}

/* ---- signals ------------------------------------------------------------- */

static void signal_ready(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, signal_src));
	struct signalfd_siginfo info;

	if (read(src->fd, &info, sizeof(info)) != sizeof(info)) {
		return;
	}
	if (info.ssi_signo == SIGHUP) {
		log_reopen(d);
	} else {
		d->stop = true;
	}
}

static int signal_init(struct xsd *d)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	d->signal_src = (struct source){signal_ready, fd};
	return loop_add(d, &d->signal_src, EPOLLIN);
}

/* ---- start and end ------------------------------------------------------- */

static const char *socket_path(void)
{
	static char path[256];
	const char *dir = getenv("XENSTORED_RUNDIR"), *whole = getenv("XENSTORED_PATH");

	if (whole) {
		return whole;
	}
	dir = dir ? dir : "/run/xenstored";
	if (mkdir(dir, 0755) && errno != EEXIST) {
		fprintf(stderr, "xenstored: %s: %s\n", dir, strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/socket", dir);
	return path;
}

static void open_trace(struct xsd *d)
{
	int rc = d->opt.trace_file ? log_switch(d, true, d->opt.trace_file) : 0;

	if (rc) {
		fprintf(stderr, "xenstored: %s: %s\n", d->opt.trace_file, strerror(-rc));
		exit(1);
	}
	if (d->opt.verbose && !d->trace && d->opt.no_fork) {
		d->trace = stderr;
		d->tracing = true;
	}
}

/* One connection, one file: as many as we may have. */
static void raise_file_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

/* A machine without memory is to end something else first. Root only; or not. */
static void spare_from_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0) {
			errno = 0;
		}
		close(fd);
	}
}

/* The journal lies beside the socket unless told otherwise. */
static const char *journal_path(const struct xsd *d)
{
	static char path[512];
	const char *slash = strrchr(d->socket, '/');

	if (d->opt.journal) {
		return d->opt.journal;
	}
	if (getenv("XENSTORED_PATH")) {
		snprintf(path, sizeof(path), "%s.journal", d->socket);
	} else {
		snprintf(path, sizeof(path), "%.*s/journal", (int)(slash - d->socket), d->socket);
	}
	return path;
}

static int open_journal(struct xsd *d)
{
	const char *path = journal_path(d);
	char rings[600];
	int rc;

	rc = journal_open(d, path, d->opt.no_recovery && d->opt.take_over < 0,
			  d->opt.take_over >= 0);
	if (rc) {
		log_line(d, "%s: %s: no journal", path, strerror(-rc));
		return rc;
	}
	snprintf(rings, sizeof(rings), "%s.rings", path);
	d->rings_fd = open(rings, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return 0;
}

/* Everything that the last daemon acknowledged; without a journal we still serve. */
static void recover(struct xsd *d)
{
	if (d->opt.no_journal || open_journal(d)) {
		return;
	}
	store_load_begin(d->store);
	journal_catch_up(d);
	store_load_end(d->store);
	journal_start(d);
}

static int start(struct xsd *d)
{
	int rc;

	raise_file_limit();
	spare_from_oom();
	rc = loop_init(d);
	rc = rc ? rc : signal_init(d);
	if (rc) {
		return rc;
	}
	if (d->opt.take_over >= 0) {
		rc = open_journal(d);
		return rc ? rc : update_take(d, d->opt.take_over);
	}
	/* First: two daemons mustn't have one journal. */
	rc = sock_listen(d);
	if (rc) {
		log_line(d, "%s: %s", d->socket, strerror(-rc));
		return rc;
	}
	recover(d);
	if (!store_has(d->store, "/tool/xenstored")) {
		store_preset(d->store, "/tool/xenstored", "");
	}
	rc = domain_init(d);
	commit(d);
	metrics_listen(d);
	return rc;
}

static void finish(struct xsd *d)
{
	sock_close(d);
	metrics_close(d);
	store_record_on(d->store, false);
	journal_close(d);
	d->stop = true;
	domain_fini(d);
	while (d->conns) {
		if (d->conns->src.fd >= 0) {
			close(d->conns->src.fd);
		}
		conn_free(d->conns);
	}
	store_destroy(d->store);
	if (d->opt.pid_file) {
		unlink(d->opt.pid_file);
	}
}

/* Those for the next binary: all but the one that says from whom we took over. */
static char **own_arguments(char **argv)
{
	char **own;
	int n = 0, nr = 0;

	while (argv[n]) {
		n++;
	}
	own = calloc((size_t)n + 1, sizeof(char *));
	for (int i = 0; own && i < n; i++) {
		if (strcmp(argv[i], "--take-over") == 0) {
			i++;
		} else {
			own[nr++] = strdup(argv[i]); /* parsing cuts them up */
		}
	}
	return own;
}

int main(int argc, char **argv)
{
	static struct xsd d = {.opt.watch_timeout = 20,
			       .listen_src.fd = -1,
			       .rings_fd = -1,
			       .metrics_src.fd = -1,
			       .update_src.fd = -1,
			       .settle_src.fd = -1,
			       .journal_src.fd = -1,
			       .trace_domid = -1,
			       .opt.take_over = -1};
	char result = 0;
	int ready = -1;

	/* What is freed bit by bit mustn't be given back to the system in one go. */
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	d.store = store_create(&xsd_hooks, &d);
	d.socket = socket_path();
	d.argv = own_arguments(argv);
	parse_options(&d, argc, argv);
	if (readlink("/proc/self/exe", d.binary, sizeof(d.binary) - 1) < 0) {
		d.binary[0] = '\0';
	}
	if (guard_wanted(&d)) {
		return guard(&d);
	}
	if (d.opt.take_over >= 0) {
		fcntl(d.opt.take_over, F_SETFD, FD_CLOEXEC);
		d.in_background = !d.opt.no_fork;
		if (d.in_background) {
			openlog("xenstored", LOG_PID, LOG_DAEMON);
		}
	} else {
		open_trace(&d);
	}
	if (!d.opt.no_fork && d.opt.take_over < 0) {
		ready = into_background();
		if (ready < 0) {
			fprintf(stderr, "xenstored: %s\n", strerror(-ready));
			return 1;
		}
	}
	/* Having taken over there is no way back: without a pid file then. */
	if (start(&d) || (write_pid(&d) && d.opt.take_over < 0) || confine(&d)) {
		if (d.opt.take_over >= 0) {
			_exit(1); /* the socket and the journal are still the old one's */
		}
		finish(&d);
		return 1;
	}
	if (ready >= 0) {
		openlog("xenstored", LOG_PID, LOG_DAEMON);
		quiet_files();
		d.in_background = true;
		if (write(ready, &result, 1) != 1) {
			syslog(LOG_NOTICE, "nobody waits for us");
		}
		close(ready);
	}
	loop_run(&d);
	finish(&d);
	return 0;
}
