/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Counters in Prometheus' text format, on a socket of their own beside the
 * store's: whoever connects gets them, as an HTTP response, and is closed.
 *
 * The whole text has to fit into the socket's buffer, which is made large; who
 * doesn't read gets what fitted, and nobody waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>

static void put_daemon(struct xsd *d, FILE *f)
{
	struct journal_stats js;

	journal_stats(d, &js);
	fprintf(f,
		"# TYPE xenstored_journal_bytes gauge\nxenstored_journal_bytes %llu\n"
		"# TYPE xenstored_journal_frames_total counter\n"
		"xenstored_journal_frames_total %llu\n"
		"# TYPE xenstored_journal_snapshots_total counter\n"
		"xenstored_journal_snapshots_total %llu\n",
		(unsigned long long)js.bytes, (unsigned long long)js.frames,
		(unsigned long long)js.snapshots);
}

static void put_text(struct xsd *d, int fd)
{
	int size = 4 << 20;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f) {
		return;
	}
	fputs("HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n", f);
	store_metrics(d->store, f);
	put_daemon(d, f);
	fclose(f);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (size_t pos = 0; pos < len;) {
		ssize_t n = send(fd, text + pos, len - pos, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0) {
			break;
		}
		pos += (size_t)n;
	}
	free(text);
}

static void metrics_ready(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, metrics_src));
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC);
	char request[4096];

	if (fd < 0) {
		return;
	}
	put_text(d, fd);
	/* What is unread when we close would make the other side lose the text. */
	shutdown(fd, SHUT_WR);
	while (recv(fd, request, sizeof(request), MSG_DONTWAIT) > 0) {
	}
	close(fd);
}

void metrics_adopt(struct xsd *d, int fd)
{
	d->metrics_src = (struct source){metrics_ready, fd};
	loop_add(d, &d->metrics_src, EPOLLIN);
}

static void metrics_path(const struct xsd *d, struct sockaddr_un *addr)
{
	const char *slash = strrchr(d->socket, '/');
	int dir = slash ? (int)(slash + 1 - d->socket) : 0;

	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%.*smetrics", dir, d->socket);
}

void metrics_listen(struct xsd *d)
{
	struct sockaddr_un addr;
	mode_t mask;
	int fd;

	metrics_path(d, &addr);
	unlink(addr.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16)) {
		log_line(d, "%s: %s: no metrics", addr.sun_path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		fd = -1;
	}
	umask(mask);
	if (fd >= 0) {
		metrics_adopt(d, fd);
	}
}

void metrics_close(struct xsd *d)
{
	struct sockaddr_un addr;

	if (d->metrics_src.fd < 0) {
		return;
	}
	close(d->metrics_src.fd);
	d->metrics_src.fd = -1;
	metrics_path(d, &addr);
	unlink(addr.sun_path);
}
