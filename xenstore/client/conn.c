/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The client's connection: sending a request, reading until its reply comes,
 * keeping the events that come in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenstore/client/internal.h>

#define XENBUS_DEV "/dev/xen/xenbus"

/* ---- opening ------------------------------------------------------------- */

static int watch_fds(struct xsc *c)
{
	struct epoll_event ev = {.events = EPOLLIN};

	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->wake_fd < 0 || c->poll_fd < 0 || epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, c->fd, &ev) ||
	    epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, c->wake_fd, &ev)) {
		return -errno;
	}
	return 0;
}

/* Takes over @fd. */
static int make_handle(int fd, struct xsc **ret_c)
{
	struct xsc *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	c->poll_fd = c->wake_fd = -1;
	c->events_end = &c->events;
	rc = watch_fds(c);
	if (rc) {
		xsc_close(c);
		return rc;
	}
	*ret_c = c;
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr))) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int xsc_open_path(const char *path, struct xsc **ret_c)
{
	char *copy = strdup(path);
	int fd = copy ? connect_to(path) : -ENOMEM;
	int rc = fd < 0 ? fd : make_handle(fd, ret_c);

	if (rc) {
		free(copy);
		return rc;
	}
	(*ret_c)->path = copy;
	return 0;
}

int xsc_reconnect(struct xsc *c, unsigned int own)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd;

	if (!c->broken || !c->path || c->nr_watches > own) {
		return -EPIPE;
	}
	fd = connect_to(c->path);
	if (fd < 0) {
		return fd == -EPIPE ? -ECONNREFUSED : fd;
	}
	/* The old one leaves the epoll when it is closed. */
	if (epoll_ctl(c->poll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		close(fd);
		return -ENOMEM;
	}
	close(c->fd);
	c->fd = fd;
	c->broken = false;
	c->have = 0;
	c->nr_watches = 0;
	return 0;
}

static const char *default_path(char *buf, size_t len)
{
	const char *dir = getenv("XENSTORED_RUNDIR"), *whole = getenv("XENSTORED_PATH");

	if (whole) {
		return whole;
	}
	if (!dir) {
		return XSC_SOCKET;
	}
	snprintf(buf, len, "%s/socket", dir);
	return buf;
}

int xsc_open(unsigned int flags, struct xsc **ret_c)
{
	char buf[256];
	int fd, rc;

	rc = xsc_open_path(default_path(buf, sizeof(buf)), ret_c);
	if (rc == 0 || (flags & XSC_SOCKET_ONLY)) {
		return rc;
	}
	fd = open(XENBUS_DEV, O_RDWR | O_CLOEXEC);
	/* The socket's error says more than a missing device. */
	return fd < 0 ? rc : make_handle(fd, ret_c);
}

void xsc_close(struct xsc *c)
{
	struct event *e;

	if (!c) {
		return;
	}
	while ((e = c->events)) {
		c->events = e->next;
		free(e);
	}
	free(c->path);
	close(c->fd);
	if (c->poll_fd >= 0) {
		close(c->poll_fd);
	}
	if (c->wake_fd >= 0) {
		close(c->wake_fd);
	}
	free(c);
}

int xsc_fd(const struct xsc *c)
{
	return c->poll_fd;
}

/* ---- messages in --------------------------------------------------------- */

static int broken(struct xsc *c)
{
	c->broken = true;
	return -EPIPE;
}

/*
 * Reads once, no further than the end of the message that is under way.
 * Returns 1 if c->buf now holds a whole one.
 */
static int read_some(struct xsc *c)
{
	struct xsd_sockmsg hdr = {.len = 0};
	size_t want = sizeof(hdr);
	ssize_t n;

	if (c->have >= sizeof(hdr)) {
		memcpy(&hdr, c->buf, sizeof(hdr));
		want += hdr.len;
	}
	n = read(c->fd, c->buf + c->have, want - c->have);
	if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
		return errno == EINTR ? -EINTR : 0;
	}
	if (n <= 0) {
		return broken(c);
	}
	c->have += (size_t)n;
	if (c->have < sizeof(hdr)) {
		return 0;
	}
	memcpy(&hdr, c->buf, sizeof(hdr));
	if (hdr.len > XENSTORE_PAYLOAD_MAX) {
		return broken(c);
	}
	return c->have == sizeof(hdr) + hdr.len;
}

static void wake(struct xsc *c, bool on)
{
	uint64_t count = 1;

	if (on == c->woken) {
		return;
	}
	c->woken = on;
	if (on ? write(c->wake_fd, &count, sizeof(count)) < 0
	       : read(c->wake_fd, &count, sizeof(count)) < 0) {
		c->woken = !on;
	}
}

/* Moves the event in c->buf to the queue. */
static int keep_event(struct xsc *c)
{
	size_t len = c->have - sizeof(struct xsd_sockmsg);
	const char *text = c->buf + sizeof(struct xsd_sockmsg);
	const char *strs[2];
	struct event *e;

	c->have = 0;
	if (wire_strings(text, len, strs, 2) < 2) {
		return broken(c);
	}
	e = malloc(sizeof(*e) + len);
	if (!e) {
		return -ENOMEM;
	}
	e->next = NULL;
	e->path_len = (size_t)(strs[1] - strs[0]);
	e->len = len;
	memcpy(e->text, text, len);
	*c->events_end = e;
	c->events_end = &e->next;
	wake(c, true);
	return 0;
}

/* Waits for a whole message that is no event. */
static int read_reply(struct xsc *c, struct xsd_sockmsg *hdr)
{
	int rc;

	for (;;) {
		rc = read_some(c);
		/* A signal is no reason to lose the reply. */
		if (rc < 0 && rc != -EINTR) {
			return rc;
		}
		if (rc <= 0) {
			continue;
		}
		memcpy(hdr, c->buf, sizeof(*hdr));
		if (hdr->type != XS_WATCH_EVENT) {
			c->have = 0;
			return 0;
		}
		rc = keep_event(c);
		if (rc) {
			return rc;
		}
	}
}

/* ---- requests ------------------------------------------------------------ */

#define MAX_PARTS 8

static int send_all(struct xsc *c, struct iovec *iov, int nr)
{
	while (nr) {
		ssize_t n = writev(c->fd, iov, nr);

		if (n < 0) {
			if (errno == EINTR) {
				continue;
			}
			return broken(c);
		}
		while (nr && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			nr--;
		}
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Sockets raise SIGPIPE on a connection that is gone; a library shouldn't. */
static int send_request(struct xsc *c, const struct xsd_sockmsg *hdr, const struct part *parts,
			int nr)
{
	char flat[sizeof(*hdr) + XENSTORE_PAYLOAD_MAX], *p = flat;
	struct iovec iov;
	size_t left;
	ssize_t n;

	memcpy(p, hdr, sizeof(*hdr));
	p += sizeof(*hdr);
	for (int i = 0; i < nr; i++) {
		if (parts[i].len) {
			memcpy(p, parts[i].data, parts[i].len);
			p += parts[i].len;
		}
	}
	left = (size_t)(p - flat);
	n = send(c->fd, flat, left, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != ENOTSOCK && errno != EINTR) {
			return broken(c);
		}
		n = 0;
	}
	iov = (struct iovec){flat + n, left - (size_t)n};
	return iov.iov_len ? send_all(c, &iov, 1) : 0;
}

int xsc_talk(struct xsc *c, uint32_t type, uint32_t tx, const struct part *parts, int nr,
	     const char **ret_reply)
{
	struct xsd_sockmsg hdr = {.type = type, .tx_id = tx};
	size_t len = 0;
	char *reply;
	int rc;

	if (c->broken) {
		return -EPIPE;
	}
	for (int i = 0; i < nr; i++) {
		len += parts[i].len;
	}
	if (len > XENSTORE_PAYLOAD_MAX) {
		return -ENAMETOOLONG;
	}
	/* An event that is half here already has to come in whole first. */
	while (c->have) {
		rc = read_some(c);
		rc = rc > 0 ? keep_event(c) : rc;
		if (rc < 0 && rc != -EINTR) {
			return rc;
		}
	}
	hdr.len = (uint32_t)len;
	hdr.req_id = ++c->req_id;
	rc = send_request(c, &hdr, parts, nr);
	rc = rc ? rc : read_reply(c, &hdr);
	if (rc) {
		return rc;
	}
	if (hdr.req_id != c->req_id) {
		return broken(c);
	}
	reply = c->buf + sizeof(hdr);
	reply[hdr.len] = '\0';
	if (hdr.type == XS_ERROR) {
		return -wire_error_number(reply, strlen(reply));
	}
	if (hdr.type != type) {
		return broken(c);
	}
	if (ret_reply) {
		*ret_reply = reply;
	}
	return (int)hdr.len;
}

int xsc_talk_str(struct xsc *c, uint32_t type, uint32_t tx, const char *str, const char **ret_reply)
{
	struct part part = {str, strlen(str) + 1};

	return xsc_talk(c, type, tx, &part, 1, ret_reply);
}

/* ---- events -------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Waits for input until @end (0: for ever); 0 or an error. */
static int wait_input(struct xsc *c, int timeout_ms, uint64_t end)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int wait = timeout_ms, rc;

	if (timeout_ms > 0) {
		uint64_t now = now_ms();

		wait = now < end ? (int)(end - now) : 0;
	}
	rc = poll(&p, 1, wait);
	if (rc < 0) {
		return -errno;
	}
	if (rc == 0) {
		return timeout_ms ? -ETIMEDOUT : -EAGAIN;
	}
	return 0;
}

static int take_event(struct xsc *c, struct xsc_event *ret_ev)
{
	struct event *e = c->events;
	char *text = malloc(e->len);

	if (!text) {
		return -ENOMEM;
	}
	memcpy(text, e->text, e->len);
	ret_ev->path = text;
	ret_ev->token = text + e->path_len;
	c->events = e->next;
	if (!c->events) {
		c->events_end = &c->events;
		wake(c, false);
	}
	free(e);
	return 0;
}

int xsc_event(struct xsc *c, int timeout_ms, struct xsc_event *ret_ev)
{
	uint64_t end = timeout_ms > 0 ? now_ms() + (uint64_t)timeout_ms : 0;
	struct xsd_sockmsg hdr;
	int rc;

	while (!c->events) {
		if (c->broken) {
			return -EPIPE;
		}
		rc = wait_input(c, timeout_ms, end);
		rc = rc ? rc : read_some(c);
		if (rc < 0) {
			return rc;
		}
		if (rc > 0) {
			memcpy(&hdr, c->buf, sizeof(hdr));
			rc = hdr.type == XS_WATCH_EVENT ? keep_event(c) : broken(c);
			if (rc) {
				return rc;
			}
		}
	}
	return take_event(c, ret_ev);
}

void xsc_event_free(struct xsc_event *ev)
{
	free(ev->path);
	ev->path = ev->token = NULL;
}

int xsc_watch(struct xsc *c, const char *path, const char *token)
{
	struct part parts[] = {{path, strlen(path) + 1}, {token, strlen(token) + 1}};
	int rc = xsc_talk(c, XS_WATCH, 0, parts, 2, NULL);

	c->nr_watches += rc >= 0;
	return rc < 0 ? rc : 0;
}

/* Throws waiting events away: all, or those of one watch. */
static void drop_events(struct xsc *c, const char *path, const char *token)
{
	struct event **pp = &c->events, *e;

	while ((e = *pp)) {
		if (path &&
		    (strcmp(e->text + e->path_len, token) != 0 || !xsc_path_below(path, e->text))) {
			pp = &e->next;
			continue;
		}
		*pp = e->next;
		free(e);
	}
	c->events_end = pp;
	wake(c, c->events != NULL);
}

int xsc_unwatch(struct xsc *c, const char *path, const char *token)
{
	struct part parts[] = {{path, strlen(path) + 1}, {token, strlen(token) + 1}};
	int rc = xsc_talk(c, XS_UNWATCH, 0, parts, 2, NULL);

	if (rc < 0) {
		return rc;
	}
	c->nr_watches--;
	drop_events(c, path, token);
	return 0;
}

int xsc_reset(struct xsc *c)
{
	int rc = xsc_talk_str(c, XS_RESET_WATCHES, 0, "", NULL);

	if (rc < 0) {
		return rc;
	}
	c->nr_watches = 0;
	drop_events(c, NULL, NULL);
	return 0;
}
