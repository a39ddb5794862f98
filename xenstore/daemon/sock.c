/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Connections over the Unix socket. Whoever may open it (root) is domain 0.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

static ssize_t sock_read(struct conn *c, void *buf, size_t len)
{
	ssize_t n = recv(c->src.fd, buf, len, MSG_DONTWAIT);

	if (n == 0) {
		return -EPIPE;
	}
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return n;
}

static ssize_t sock_write(struct conn *c, const void *buf, size_t len)
{
	ssize_t n = send(c->src.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return n;
}

static void sock_want(struct conn *c, bool want_read, bool want_write)
{
	loop_mod(c->d, &c->src, (want_read ? EPOLLIN : 0u) | (want_write ? EPOLLOUT : 0u));
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
	conn_wake(c);
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
	if (loop_add(d, &c->src, EPOLLIN)) {
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

void sock_adopt(struct xsd *d, int fd)
{
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
