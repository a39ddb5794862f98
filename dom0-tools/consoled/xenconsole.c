/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenconsole: connects a terminal to a guest's console.
 *
 * The store names the pseudo terminal that serves the console. When that hangs
 * up, either the domain is gone (we end) or the daemon is being restarted (we
 * wait for the terminal it will name then). A lock on the pseudo terminal keeps
 * a second client out.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "xenstore/client/xsclient.h"

#define ESCAPE_KEY 0x1d /* Ctrl-] */

/* How long a console may take to appear, at first and after a hang-up. */
#define APPEAR_MS 10000

struct console {
	struct xsc *xs;
	unsigned int domid;
	struct xsc_path dir, tty_node;
	int tty; /* -1: not connected */
	int notify_fd; /* -1: nobody waits for us */
	bool leaves_at_eof; /* a terminal's end is a user who has left */
	bool stdin_open;
	bool told_waiting;
	long long give_up; /* ms; while not connected */
};

static struct termios saved_termios;
static volatile sig_atomic_t termios_changed;

static void restore_terminal(void)
{
	if (termios_changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	termios_changed = 0;
}

static void on_signal(int sig)
{
	restore_terminal();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void take_terminal(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved_termios))
		return;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
	t = saved_termios;
	cfmakeraw(&t);
	termios_changed = 1;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

/* One line; the cursor may be anywhere and the terminal raw. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("xenconsole: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs(termios_changed ? "\r\n" : "\n", stderr);
	va_end(ap);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int write_all(int fd, const char *buf, size_t n)
{
	while (n) {
		ssize_t w = write(fd, buf, n);

		if (w < 0 && errno != EINTR)
			return -errno;
		if (w > 0) {
			buf += w;
			n -= w;
		}
	}
	return 0;
}

/* Keeps other clients out; *ret_pid tells who is in already. */
static int lock_tty(int fd, pid_t *ret_pid)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_SETLK, &l))
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	*ret_pid = !fcntl(fd, F_GETLK, &l) && l.l_type != F_UNLCK ? l.l_pid : 0;
	return -EBUSY;
}

static void set_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return;
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

/*
 * Tries to connect. 0: done; -EAGAIN: there is no terminal yet; else the
 * reason was told.
 */
static int try_connect(struct console *c)
{
	char *name;
	pid_t pid = 0;
	int fd, rc;

	rc = xsc_exists(c->xs, XSC_NO_TX, c->dir.s);
	if (rc == 0)
		return -ENOENT;
	if (rc > 0)
		rc = xsc_read(c->xs, XSC_NO_TX, c->tty_node.s, &name, NULL);
	if (rc == -ENOENT)
		return -EAGAIN;
	if (rc) {
		say("the store: %s", strerror(-rc));
		return rc;
	}
	fd = *name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	rc = fd >= 0 ? lock_tty(fd, &pid) : *name ? -errno : -ENOENT;
	if (rc == -EBUSY)
		say("the console of domain %u is in use by process %d", c->domid, pid);
	else if (rc == -ENOENT || rc == -EIO)
		rc = -EAGAIN; /* a daemon's that is no more */
	else if (rc)
		say("%s: %s", name, strerror(-rc));
	free(name);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	set_raw(fd);
	c->tty = fd;
	return 0;
}

/* Tells whoever started us that from now on nothing is missed. */
static void notify_started(struct console *c)
{
	if (c->notify_fd < 0)
		return;
	if (write(c->notify_fd, "", 1) != 1)
		say("descriptor %d: %s", c->notify_fd, strerror(errno));
	close(c->notify_fd);
	c->notify_fd = -1;
}

static int no_console(struct console *c)
{
	int rc = xsc_exists(c->xs, XSC_NO_TX, c->dir.s);

	if (rc == 0)
		say("there is no domain %u", c->domid);
	else
		say("domain %u has no console here (is xenconsoled running?)", c->domid);
	return -ENXIO;
}

/* What the store said may be the terminal or the domain's end. */
static void drain_events(struct console *c)
{
	struct xsc_event ev;

	while (!xsc_event(c->xs, 0, &ev))
		xsc_event_free(&ev);
}

/* Terminal to guest. Returns 1 when the user wants to leave. */
static int from_user(struct console *c)
{
	char buf[512], *esc;
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		c->stdin_open = n < 0 && errno == EINTR;
		return !c->stdin_open && c->leaves_at_eof;
	}
	esc = memchr(buf, ESCAPE_KEY, n);
	if (esc)
		n = esc - buf;
	if (c->tty >= 0 && n && write_all(c->tty, buf, n))
		return 0; /* reading will tell why */
	return esc != NULL;
}

/* Guest to terminal. Negative errno: nobody takes our output. */
static int from_guest(struct console *c)
{
	char buf[4096];
	ssize_t n = read(c->tty, buf, sizeof(buf));

	if (n > 0)
		return write_all(STDOUT_FILENO, buf, n);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	close(c->tty);
	c->tty = -1;
	c->told_waiting = false;
	c->give_up = now_ms() + APPEAR_MS;
	return 0;
}

/*
 * While not connected: tries, and says what it waits for if that takes long.
 * Returns 0 to go on, 1 when the domain has gone, negative errno (told).
 */
static int reconnect(struct console *c, bool *ever)
{
	int rc = try_connect(c);

	if (!rc) {
		*ever = true;
		notify_started(c);
		return 0;
	}
	if (rc == -ENOENT && *ever)
		return 1;
	if (rc == -ENOENT || (rc == -EAGAIN && now_ms() > c->give_up))
		return no_console(c);
	if (rc != -EAGAIN)
		return rc;
	if (!c->told_waiting && now_ms() > c->give_up - APPEAR_MS + 1000) {
		say("waiting for the console of domain %u", c->domid);
		c->told_waiting = true;
	}
	return 0;
}

static int serve(struct console *c)
{
	bool ever = false;

	c->give_up = now_ms() + APPEAR_MS;
	for (;;) {
		struct pollfd p[3] = {
			{.fd = c->stdin_open ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = xsc_fd(c->xs), .events = POLLIN},
			{.fd = -1, .events = POLLIN},
		};
		int rc = c->tty < 0 ? reconnect(c, &ever) : 0;

		if (rc)
			return rc < 0 ? rc : 0;
		p[2].fd = c->tty;
		/* Without a terminal the clock counts too. */
		if (poll(p, 3, c->tty < 0 ? 250 : -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			drain_events(c);
		if (c->tty >= 0 && p[2].revents)
			rc = from_guest(c);
		if (rc)
			return rc;
		if (p[0].revents && from_user(c))
			return 0;
	}
}

/* ---- options ------------------------------------------------------------- */

enum { OPT_TYPE = 256, OPT_NOTIFY, OPT_INTERACTIVE };

static const char usage_text[] =
	"Usage: xenconsole [OPTION]... DOMID\n"
	"Connects this terminal to the console of a domain. Ctrl-] leaves it.\n"
	"\n"
	"  -h, --help               show this and exit\n"
	"  -V, --version            show the version and exit\n"
	"  -n, --num N              the domain's console number N (0)\n"
	"      --type TYPE          pv (the default), serial or vuart\n"
	"      --start-notify-fd N  write a byte to descriptor N once connected\n"
	"      --interactive        the input's end leaves it, too, though it is no terminal\n";

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"num", required_argument, NULL, 'n'},
	{"type", required_argument, NULL, OPT_TYPE},
	{"start-notify-fd", required_argument, NULL, OPT_NOTIFY},
	{"interactive", no_argument, NULL, OPT_INTERACTIVE},
	{}};

static void usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "xenconsole: %s: `%s'\nTry `xenconsole --help'.\n", what, arg);
	exit(EINVAL);
}

static unsigned int parse_number(const char *arg, const char *what, unsigned int max)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(arg, &end, 10);
	if (errno || end == arg || *end || *arg == '-' || v > max)
		usage_error(what, arg);
	return v;
}

static void set_node(struct console *c, const char *type, unsigned int num)
{
	xsc_pathf(&c->dir, "/local/domain/%u", c->domid);
	if (!strcmp(type, "serial"))
		xsc_pathf(&c->tty_node, "%s/serial/%u/tty", c->dir.s, num);
	else if (!strcmp(type, "vuart"))
		xsc_pathf(&c->tty_node, "%s/vuart/0/tty", c->dir.s);
	else if (strcmp(type, "pv"))
		usage_error("neither pv, serial nor vuart", type);
	else if (num)
		xsc_pathf(&c->tty_node, "%s/device/console/%u/tty", c->dir.s, num);
	else
		xsc_pathf(&c->tty_node, "%s/console/tty", c->dir.s);
}

static void parse_options(struct console *c, int argc, char **argv)
{
	const char *type = "pv";
	unsigned int num = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "hVn:", long_options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			fputs(usage_text, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("xenconsole " PAVISE_VERSION);
			exit(EXIT_SUCCESS);
		case 'n':
			num = parse_number(optarg, "not a console number", 9999);
			break;
		case OPT_TYPE:
			type = optarg;
			break;
		case OPT_NOTIFY:
			c->notify_fd = parse_number(optarg, "not a descriptor", 1 << 20);
			break;
		case OPT_INTERACTIVE:
			c->leaves_at_eof = true;
			break;
		default:
			fputs("Try `xenconsole --help'.\n", stderr);
			exit(EINVAL);
		}
	}
	if (optind + 1 != argc)
		usage_error("wanted: the number of one domain",
			    optind < argc ? argv[optind + 1] : "");
	c->domid = parse_number(argv[optind], "not a domain number", 0x7fef);
	if (!c->domid)
		usage_error("the control domain's console is not for me", argv[optind]);
	set_node(c, type, num);
}

int main(int argc, char **argv)
{
	struct console c = {.tty = -1, .notify_fd = -1, .stdin_open = true};
	int rc;

	parse_options(&c, argc, argv);
	rc = xsc_open(0, &c.xs);
	if (!rc)
		rc = xsc_watch(c.xs, c.dir.s, "domain");
	if (rc) {
		say("the store: %s", strerror(-rc));
		return EXIT_FAILURE;
	}
	if (isatty(STDIN_FILENO)) {
		c.leaves_at_eof = true;
		take_terminal();
	}
	rc = serve(&c);
	restore_terminal();
	xsc_close(c.xs);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
