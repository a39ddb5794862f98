/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * --respawn: a process that does nothing but wait, and starts the daemon again
 * when it has died of anything but an order. It is the reaper of all that come
 * after the daemon in live updates, too: only when none is left was that the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

#define ENV      "XENSTORED_GUARDED"
#define SOON_MS  2000 /* one that has lived for less ... */
#define SOON_MAX 10 /* ... so many times in a row can't be helped */
#define PAUSE_US 200000

static volatile sig_atomic_t ending;

bool guard_wanted(const struct xsd *d)
{
	return d->opt.respawn && d->opt.take_over < 0 && !getenv(ENV);
}

/* Told to end: so are all others of the group. */
static void pass_on(int sig)
{
	if (!ending) {
		ending = 1;
		kill(0, SIGTERM);
	}
}

static pid_t spawn(struct xsd *d)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		setenv(ENV, "1", 1);
		execv(d->binary, d->argv);
		fprintf(stderr, "xenstored: %s: %s\n", d->binary, strerror(errno));
		_exit(1);
	}
	return pid;
}

/* Waits until nobody is left. Returns how the last one ended. */
static int wait_all(void)
{
	int status = 0, last = 0;

	while (waitpid(-1, &status, 0) > 0 || errno == EINTR) {
		last = status;
		status = 0;
	}
	return last;
}

static int keep_up(struct xsd *d, pid_t first)
{
	uint64_t since = now_ms();
	int soon = 0, status;

	for (;;) {
		status = first < 0 ? 1 : wait_all();
		if (status == 0 || ending) {
			return 0;
		}
		soon = now_ms() - since < SOON_MS ? soon + 1 : 0;
		if (soon == SOON_MAX) {
			syslog(LOG_ERR, "the daemon dies again and again: given up");
			return 1;
		}
		syslog(LOG_ERR, "the daemon has died (%s %d): started again",
		       WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		if (soon) {
			usleep(PAUSE_US);
		}
		since = now_ms();
		first = spawn(d);
	}
}

/* The first one of the background; whoever started us waits for @report. */
static int in_background(struct xsd *d, int report)
{
	char result = 1;
	int status, null;
	pid_t pid;

	setsid();
	pid = spawn(d);
	/* It is back when the daemon, which is another then, can be reached. */
	if (pid > 0 && waitpid(pid, &status, 0) == pid) {
		result = status != 0;
	}
	if (write(report, &result, 1) != 1 || result) {
		return 1;
	}
	close(report);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++) {
		dup2(null, fd);
	}
	return keep_up(d, pid);
}

int guard(struct xsd *d)
{
	struct sigaction act = {.sa_handler = pass_on};
	char result = 1;
	int ends[2];

	openlog("xenstored", LOG_PID, LOG_DAEMON);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGHUP, SIG_IGN);
	if (d->opt.no_fork) {
		setpgid(0, 0);
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		return keep_up(d, spawn(d));
	}
	if (pipe2(ends, O_CLOEXEC)) {
		fprintf(stderr, "xenstored: %s\n", strerror(errno));
		return 1;
	}
	switch (fork()) {
	case -1:
		fprintf(stderr, "xenstored: %s\n", strerror(errno));
		return 1;
	case 0:
		close(ends[0]);
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		_exit(in_background(d, ends[1]));
	default:
		close(ends[1]);
		return read(ends[0], &result, 1) == 1 && !result ? 0 : 1;
	}
}
