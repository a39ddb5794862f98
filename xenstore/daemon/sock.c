/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Connections over the Unix socket. Whoever may open it (root) is domain 0.
 *
 * What is read is only looked at (MSG_PEEK) and taken out later, several
 * requests at a time: taking it out would wake up the client, which waits for
 * the reply, to tell it that there is room again, once for each request. No
 * more is left than the smallest of sockets has room for, and not for long.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

#define PEEKS      4 /* at most so many are left */
#define PEEK_BYTES 512u /* of so many bytes together */
#define PEEK_MS    5 /* for so long */

/* Takes out what has been read. */
static void sock_settle(struct conn *c)
{
	static char junk[CONN_IN];

	while (c->peeked) {
		size_t len = c->peeked < sizeof(junk) ? c->peeked : sizeof(junk);
		ssize_t n = recv(c->src.fd, junk, len, MSG_DONTWAIT);

		if (n <= 0) {
			break;
		}
		c->peeked -= (size_t)n;
	}
	c->peeked = c->peeks = 0;
}

static void settle_all(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, settle_src));
	uint64_t nr;

	d->settling = read(src->fd, &nr, sizeof(nr)) < 0;
	for (struct conn *c = d->conns; c; c = c->next) {
		if (c->peeked) {
			sock_settle(c);
		}
	}
}

/* In a while, all of them. */
static void settle_later(struct xsd *d)
{
	const struct itimerspec when = {.it_value.tv_nsec = PEEK_MS * 1000000};

	if (!d->settling) {
		d->settling = timerfd_settime(d->settle_src.fd, 0, &when, NULL) == 0;
	}
}

static ssize_t sock_read(struct conn *c, void *buf, size_t len)
{
	ssize_t n;

	if (c->peeks == PEEKS) {
		sock_settle(c);
	}
	n = recv(c->src.fd, buf, len, MSG_DONTWAIT | (c->peek ? MSG_PEEK : 0));
	if (n == 0) {
		return -EPIPE;
	}
	if (n < 0) {
		c->input = errno == EINTR;
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	c->input = (size_t)n == len;
	if (c->peek) {
		c->peeked += (size_t)n;
		c->peeks++;
		if (c->peeked > PEEK_BYTES) {
			sock_settle(c);
		} else {
			settle_later(c->d);
		}
	}
	return n;
}

static bool sock_more(struct conn *c)
{
	return c->input || c->hung_up;
}

static ssize_t sock_write(struct conn *c, const void *buf, size_t len)
{
	ssize_t n = send(c->src.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return n;
}

/* Once for whatever comes: what is left in there on purpose is no event. */
#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

static void sock_want(struct conn *c, bool want_read, bool want_write)
{
	loop_mod(c->d, &c->src, (want_read ? EVENTS : EPOLLET) | (want_write ? EPOLLOUT : 0u));
}

static void sock_failed(struct conn *c, int error)
{
	/* Requests that came before the bad one have been answered already. */
	loop_del(c->d, &c->src);
	close(c->src.fd);
	c->src.fd = -1;
	if (c->d->listen_paused) {
		c->d->listen_paused = false;
		loop_mod(c->d, &c->d->listen_src, EPOLLIN);
	}
}

static const struct conn_io sock_io = {
	.read = sock_read,
	.write = sock_write,
	.want = sock_want,
	.more = sock_more,
	.settle = sock_settle,
	.failed = sock_failed,
};

static void sock_ready(struct source *src, uint32_t events)
{
	struct conn *c = (struct conn *)((char *)src - offsetof(struct conn, src));

	/* Nobody there any more, and we weren't reading: that is the end too. */
	if ((events & (EPOLLHUP | EPOLLERR)) && !c->want_read && !c->dead) {
		sock_failed(c, -EPIPE);
		conn_kill(c);
		return;
	}
	c->input = true;
	c->hung_up |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	conn_wake(c);
}

static bool can_peek(struct xsd *d, int fd)
{
	int zero = 0;

	return d->settle_src.fd >= 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof(zero)) == 0;
}

struct conn *sock_conn(struct xsd *d, int fd)
{
	struct conn *c;

	if (fd < 0) {
		return NULL;
	}
	c = conn_create(d, &sock_io, 0);
	c->src.fd = fd;
	c->src.ready = sock_ready;
	c->peek = can_peek(d, fd);
	if (loop_add(d, &c->src, EVENTS)) {
		sock_failed(c, -ENOMEM);
		conn_kill(c);
	}
	return c;
}

static void accept_one(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, listen_src));
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			/* Mostly no file descriptors left: wait until one is closed. */
			log_line(d, "accept: %s", strerror(errno));
			d->listen_paused = true;
			loop_mod(d, src, 0);
		}
		return;
	}
	sock_conn(d, fd);
}

/* Whether somebody listens at @addr. */
static bool answered(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0) {
		return false;
	}
	yes = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
	close(fd);
	return yes;
}

static void settle_start(struct xsd *d)
{
	d->settle_src = (struct source){
		settle_all, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
	if (d->settle_src.fd >= 0 && loop_add(d, &d->settle_src, EPOLLIN)) {
		close(d->settle_src.fd);
		d->settle_src.fd = -1;
	}
}

void sock_adopt(struct xsd *d, int fd)
{
	settle_start(d);
	d->listen_src = (struct source){accept_one, fd};
	loop_add(d, &d->listen_src, EPOLLIN);
}

int sock_listen(struct xsd *d)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, rc;

	if (strlen(d->socket) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, d->socket);
	if (answered(&addr)) {
		return -EADDRINUSE;
	}
	if (unlink(d->socket) && errno != ENOENT) {
		return -errno;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	mask = umask(0177);
	rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	rc = rc ? -errno : 0;
	umask(mask);
	if (!rc && listen(fd, SOMAXCONN)) {
		rc = -errno;
	}
	if (rc) {
		close(fd);
		return rc;
	}
	settle_start(d);
	d->listen_src = (struct source){accept_one, fd};
	return loop_add(d, &d->listen_src, EPOLLIN);
}

void sock_close(struct xsd *d)
{
	if (d->listen_src.fd < 0) {
		return;
	}
	close(d->listen_src.fd);
	d->listen_src.fd = -1;
	unlink(d->socket);
}
