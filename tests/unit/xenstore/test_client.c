/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The client library against the real daemon over a socket of its own.
 *
 * usage: test_client XENSTORED
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenstore/client/xsclient.h>

static const char *daemon_path;
static char dir[] = "/tmp/xsc-XXXXXX";
static pid_t daemon_pid;
static struct xsc *a, *b;

static void start_daemon(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/log", dir);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		if (!freopen(path, "w", stderr)) {
			_exit(1);
		}
		execl(daemon_path, daemon_path, "-N", "-D", NULL);
		_exit(1);
	}
}

static int connect_both(void)
{
	int rc = -ENOENT;

	for (int i = 0; i < 500 && rc; i++) {
		usleep(10000);
		rc = xsc_open(XSC_SOCKET_ONLY, &a);
	}
	return rc ? rc : xsc_open(0, &b);
}

static int start(void **state)
{
	if (!mkdtemp(dir)) {
		return -1;
	}
	setenv("XENSTORED_RUNDIR", dir, 1);
	start_daemon();
	return connect_both();
}

static int stop(void **state)
{
	char path[64];
	int status;

	xsc_close(a);
	xsc_close(b);
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, &status, 0);
	snprintf(path, sizeof(path), "%s/log", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/journal", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/journal.rings", dir);
	unlink(path);
	/* The daemon has removed its socket, so the folder is empty. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? rmdir(dir) : -1;
}

static void values(void **state)
{
	struct xsc_path p;
	char *value;
	size_t len;
	long long n;

	assert_int_equal(xsc_write(a, 0, "/v/bin", "a\0b", 3), 0);
	assert_int_equal(xsc_read(a, 0, "/v/bin", &value, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a\0b", 4);
	free(value);
	assert_int_equal(xsc_printf(a, 0, xsc_pathf(&p, "/v/%d", 7), "%#x", 255), 0);
	assert_int_equal(xsc_read_int(a, 0, "/v/7", &n), 0);
	assert_int_equal(n, 255);
	assert_int_equal(xsc_read_int(a, 0, "/v/bin", &n), -EINVAL);
	assert_int_equal(xsc_write_str(a, 0, "/v/big", "99999999999999999999"), 0);
	assert_int_equal(xsc_read_int(a, 0, "/v/big", &n), -ERANGE);
	assert_int_equal(xsc_read_int(a, 0, "/v", &n), -EINVAL);
	assert_int_equal(xsc_read(a, 0, "/none", &value, NULL), -ENOENT);
	assert_int_equal(xsc_read(a, 0, "", &value, NULL), -EINVAL);
	assert_int_equal(xsc_read(a, 0, "/a b", &value, NULL), -EINVAL);
	assert_int_equal(xsc_exists(a, 0, "/v"), 1);
	assert_int_equal(xsc_exists(a, 0, "/none"), 0);
	value = calloc(1, 5000);
	assert_int_equal(xsc_write(a, 0, "/v/x", value, 4096), -ENAMETOOLONG);
	memset(value, 'x', 4999);
	assert_int_equal(xsc_rm(a, 0, value), -ENAMETOOLONG);
	assert_string_equal(xsc_pathf(&p, "/%s", value), "");
	free(value);
	assert_int_equal(xsc_rm(a, 0, "/v"), 0);
	assert_int_equal(xsc_rm(a, 0, "/v/x"), -ENOENT);
}

static void directories(void **state)
{
	struct xsc_path p;
	char **names;
	size_t nr;

	assert_int_equal(xsc_mkdir(a, 0, "/d/empty"), 0);
	assert_int_equal(xsc_directory(a, 0, "/d/empty", &names, &nr), 0);
	assert_int_equal(nr, 0);
	assert_null(names[0]);
	free(names);
	/* More than fits into one message. */
	for (int i = 0; i < 1500; i++) {
		assert_int_equal(xsc_mkdir(a, 0, xsc_pathf(&p, "/d/many/child-%04d", i)), 0);
	}
	assert_int_equal(xsc_directory(a, 0, "/d/many", &names, &nr), 0);
	assert_int_equal(nr, 1500);
	assert_string_equal(names[0], "child-0000");
	assert_string_equal(names[1499], "child-1499");
	assert_null(names[1500]);
	free(names);
	assert_int_equal(xsc_directory(a, 0, "/nope", &names, &nr), -ENOENT);
}

static void tidy(void **state)
{
	assert_int_equal(xsc_write_str(a, 0, "/t/keep/k", "v"), 0);
	assert_int_equal(xsc_mkdir(a, 0, "/t/keep/1/2/3"), 0);
	assert_int_equal(xsc_rm_tidy(a, 0, "/t/keep/1/2/3"), 0);
	assert_int_equal(xsc_exists(a, 0, "/t/keep/1"), 0);
	assert_int_equal(xsc_exists(a, 0, "/t/keep"), 1);
	assert_int_equal(xsc_rm_tidy(a, 0, "/t/keep/k"), 0);
	assert_int_equal(xsc_exists(a, 0, "/t"), 0);
}

static void perms(void **state)
{
	const struct xsc_perm set[] = {{0, XSC_PERM_NONE}, {5, XSC_PERM_READ}, {7, XSC_PERM_BOTH}};
	struct xsc_perm *got, one;
	char text[XSC_PERM_STRLEN];
	size_t nr;

	assert_int_equal(xsc_mkdir(a, 0, "/p"), 0);
	assert_int_equal(xsc_set_perms(a, 0, "/p", set, 3), 0);
	assert_int_equal(xsc_get_perms(a, 0, "/p", &got, &nr), 0);
	assert_int_equal(nr, 3);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(got[i].domid, set[i].domid);
		assert_int_equal(got[i].access, set[i].access);
	}
	free(got);
	assert_int_equal(xsc_perm_parse("w12", &one), 0);
	xsc_perm_format(&one, text);
	assert_string_equal(text, "w12");
	assert_int_equal(xsc_perm_parse("q1", &one), -EINVAL);
	assert_int_equal(xsc_set_perms(a, 0, "/p", set, 0), -EINVAL);
}

static int disturbed;

/* Somebody else writes what it has read, twice. */
static int in_tx(struct xsc *c, uint32_t tx, void *arg)
{
	char *value;
	int rc = xsc_read(c, tx, "/x/v", &value, NULL);

	free(rc ? NULL : value);
	if (!rc && disturbed < 2) {
		disturbed++;
		rc = xsc_printf(b, 0, "/x/v", "%d", disturbed);
	}
	return rc ? rc : xsc_write_str(c, tx, "/x/done", "yes");
}

static int failing(struct xsc *c, uint32_t tx, void *arg)
{
	int rc = xsc_write_str(c, tx, "/x/never", "");

	return rc ? rc : -EXDEV;
}

static void transactions(void **state)
{
	uint32_t tx, end;
	int rc;

	assert_int_equal(xsc_write_str(a, 0, "/x/v", "0"), 0);
	assert_int_equal(xsc_tx_run(a, in_tx, NULL), 0);
	assert_int_equal(disturbed, 2);
	assert_int_equal(xsc_exists(a, 0, "/x/done"), 1);
	assert_int_equal(xsc_tx_run(a, failing, NULL), -EXDEV);
	assert_int_equal(xsc_exists(a, 0, "/x/never"), 0);
	end = 0;
	do {
		rc = xsc_tx_start(a, &tx);
		assert_int_equal(rc, 0);
		rc = xsc_printf(a, tx, "/x/v", "%u", end);
		if (end++ == 0) {
			xsc_write_str(b, 0, "/x/v", "other");
		}
	} while (xsc_tx_retry(a, tx, &rc));
	assert_int_equal(rc, 0);
	assert_int_equal(end, 2);
	assert_int_equal(xsc_tx_end(a, tx, true), -ENOENT);
}

static bool readable(struct xsc *c)
{
	struct pollfd p = {.fd = xsc_fd(c), .events = POLLIN};

	return poll(&p, 1, 100) == 1;
}

static void watches(void **state)
{
	struct xsc_event ev;

	assert_int_equal(xsc_event(a, 0, &ev), -EAGAIN);
	assert_int_equal(xsc_event(a, 20, &ev), -ETIMEDOUT);
	assert_int_equal(xsc_watch(a, "/w", "tok"), 0);
	assert_int_equal(xsc_watch(a, "/w", "tok"), -EEXIST);
	assert_int_equal(xsc_event(a, 1000, &ev), 0);
	assert_string_equal(ev.path, "/w");
	assert_string_equal(ev.token, "tok");
	xsc_event_free(&ev);
	assert_false(readable(a));
	/* Came in while a reply was waited for: the descriptor must tell all the same. */
	assert_int_equal(xsc_write_str(b, 0, "/w/x", "1"), 0);
	assert_int_equal(xsc_write_str(a, 0, "/w/y", "1"), 0);
	assert_int_equal(xsc_exists(a, 0, "/w"), 1);
	assert_true(readable(a));
	assert_int_equal(xsc_event(a, 0, &ev), 0);
	assert_string_equal(ev.path, "/w/x");
	xsc_event_free(&ev);
	assert_int_equal(xsc_event(a, 1000, &ev), 0);
	assert_string_equal(ev.path, "/w/y");
	xsc_event_free(&ev);
	assert_int_equal(xsc_event(a, 0, &ev), -EAGAIN);
	assert_false(readable(a));
	/* What waits for a watch goes with it. */
	assert_int_equal(xsc_write_str(b, 0, "/w/x", "2"), 0);
	assert_int_equal(xsc_exists(a, 0, "/w"), 1);
	assert_int_equal(xsc_unwatch(a, "/w", "tok"), 0);
	assert_int_equal(xsc_unwatch(a, "/w", "tok"), -ENOENT);
	assert_int_equal(xsc_event(a, 0, &ev), -EAGAIN);
	assert_int_equal(xsc_watch(a, "/w", "tok"), 0);
	assert_int_equal(xsc_reset(a), 0);
	assert_int_equal(xsc_write_str(b, 0, "/w/x", "3"), 0);
	assert_int_equal(xsc_event(a, 50, &ev), -ETIMEDOUT);
}

static int looks;

static int is_ready(struct xsc *c, void *arg)
{
	long long n = 0;
	int rc = xsc_read_int(c, 0, "/wait/state", &n);

	looks++;
	if (rc && rc != -ENOENT) {
		return rc;
	}
	if (n < 4) {
		/* The next state comes from elsewhere. */
		rc = xsc_printf(b, 0, "/wait/state", "%lld", n + 1);
		return rc ? rc : xsc_write_str(b, 0, "/elsewhere", "x");
	}
	return 1;
}

static int never(struct xsc *c, void *arg)
{
	return 0;
}

static void waiting(void **state)
{
	struct xsc_event ev;

	assert_int_equal(xsc_watch(a, "/elsewhere", "other"), 0);
	assert_int_equal(xsc_wait(a, "/wait", 5000, is_ready, NULL), 0);
	assert_true(looks >= 5);
	/* The events of the other watch are still there, and in order. */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(xsc_event(a, 1000, &ev), 0);
		assert_string_equal(ev.path, "/elsewhere");
		assert_string_equal(ev.token, "other");
		xsc_event_free(&ev);
	}
	assert_int_equal(xsc_event(a, 20, &ev), -ETIMEDOUT);
	assert_int_equal(xsc_wait(a, "/wait", 50, never, NULL), -ETIMEDOUT);
	assert_int_equal(xsc_reset(a), 0);
}

static int is_there_again(struct xsc *c, void *arg)
{
	int *looks_here = arg;
	int rc;

	if (++*looks_here == 2) {
		kill(daemon_pid, SIGKILL);
		waitpid(daemon_pid, NULL, 0);
		start_daemon();
	}
	rc = xsc_exists(c, XSC_NO_TX, "/wait");
	return rc < 0 || *looks_here < 4 ? (rc < 0 ? rc : 0) : 1;
}

/* The daemon dies during a wait, and is started again. */
static void waiting_for_a_daemon(void **state)
{
	struct xsc_event ev;
	int looks_here = 0;

	assert_int_equal(xsc_wait(a, "/wait", 5000, is_there_again, &looks_here), 0);
	assert_int_equal(looks_here, 4);
	assert_int_equal(xsc_exists(a, XSC_NO_TX, "/wait"), 1);
	looks_here = 1;
	/* With a watch of one's own there is no going on: its events would be lost. */
	assert_int_equal(xsc_watch(a, "/elsewhere", "other"), 0);
	assert_int_equal(xsc_event(a, 1000, &ev), 0);
	xsc_event_free(&ev);
	assert_int_equal(xsc_wait(a, "/wait", 5000, is_there_again, &looks_here), -EPIPE);
	xsc_close(a);
	xsc_close(b);
	assert_int_equal(connect_both(), 0);
	assert_int_equal(xsc_exists(b, XSC_NO_TX, "/wait"), 1);
}

static void domains(void **state)
{
	const char *const args[] = {"set", "nodes", "77", NULL};
	char *text;

	assert_int_equal(xsc_get_domain_path(a, 12, &text), 0);
	assert_string_equal(text, "/local/domain/12");
	free(text);
	assert_int_equal(xsc_is_introduced(a, 12), 0);
	assert_int_equal(xsc_is_introduced(a, 0), 1);
	assert_int_equal(xsc_introduce(a, 12, 0xfffffffffffff000u, 3), -ENOENT);
	assert_int_equal(xsc_release(a, 12), -ENOENT);
	assert_int_equal(xsc_resume(a, 12), -ENOENT);
	assert_int_equal(xsc_set_target(a, 12, 13), -ENOENT);
	assert_int_equal(xsc_control(a, "quota", args, &text), 0);
	assert_string_equal(text, "OK");
	free(text);
	assert_int_equal(xsc_control(a, "bogus", NULL, &text), -EINVAL);
	assert_int_equal(xsc_control(a, "check", NULL, &text), 0);
	assert_string_equal(text, "OK");
	free(text);
}

static void paths(void **state)
{
	assert_true(xsc_path_below("/a", "/a"));
	assert_true(xsc_path_below("/a", "/a/b"));
	assert_false(xsc_path_below("/a", "/ab"));
	assert_true(xsc_path_below("/", "/ab"));
	assert_false(xsc_path_below("/a/b", "/a"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),       cmocka_unit_test(directories),
		cmocka_unit_test(tidy),         cmocka_unit_test(perms),
		cmocka_unit_test(transactions), cmocka_unit_test(watches),
		cmocka_unit_test(waiting),      cmocka_unit_test(waiting_for_a_daemon),
		cmocka_unit_test(domains),      cmocka_unit_test(paths),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_client XENSTORED\n");
		return 1;
	}
	daemon_path = argv[1];
	return cmocka_run_group_tests(tests, start, stop);
}
