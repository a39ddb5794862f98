/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Live update: a new binary takes over while requests go on.
 *
 *   old						new
 *   starts it, with one end of a socket pair
 *   serves on					reads the journal, follows it
 *						R: has caught up
 *   stops; state of connections, files ---->	applies the journal's last frames,
 *						takes the connections
 *						D: could go on
 *   G: do; exits				serves
 *
 * So nobody waits longer than for what is between R and G, which has to do with
 * how many connections, watches and open transactions there are, not with the
 * size of the store. Until G the old daemon can go on as if nothing had been:
 * if the new one dies or takes too long, it is killed and that's what happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>
#include <xenstore/store/util.h>

#define FDS_AT_ONCE 200
#define READY_MS    60000 /* for the new one to catch up */
#define DONE_MS     5000 /* to take over */

/* ---- files and bytes through the pair ------------------------------------ */

static int send_fds(int sock, const int *fds, size_t nr)
{
	union {
		char buf[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
		struct cmsghdr align;
	} control;
	char dummy = 'F';
	struct iovec iov = {&dummy, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};

	while (nr) {
		size_t n = nr < FDS_AT_ONCE ? nr : FDS_AT_ONCE;
		struct cmsghdr *cm = &control.align;

		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) != 1) {
			return -errno;
		}
		fds += n;
		nr -= n;
	}
	return 0;
}

static int recv_fds(int sock, int *fds, size_t nr)
{
	union {
		char buf[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
		struct cmsghdr align;
	} control;
	char dummy;
	struct iovec iov = {&dummy, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};

	while (nr) {
		struct cmsghdr *cm;
		size_t n;

		msg.msg_controllen = sizeof(control.buf);
		if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1) {
			return -EPIPE;
		}
		cm = CMSG_FIRSTHDR(&msg);
		if (!cm || cm->cmsg_type != SCM_RIGHTS) {
			return -EPROTO;
		}
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > nr) {
			return -EPROTO;
		}
		memcpy(fds, CMSG_DATA(cm), n * sizeof(int));
		fds += n;
		nr -= n;
	}
	return 0;
}

static bool told(int fd, char what, int ms)
{
	struct pollfd p = {fd, POLLIN};
	char got = 0;

	return poll(&p, 1, ms) == 1 && read(fd, &got, 1) == 1 && got == what;
}

/* ---- the old one --------------------------------------------------------- */

/* How much follows, and in how many files. */
struct head {
	uint64_t bytes;
	uint32_t nr_fds;
};

static int into_memory(const struct rec *r)
{
	int fd = memfd_create("xenstored-state", MFD_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (write(fd, r->data, r->len) != (ssize_t)r->len) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static void put_globals(struct xsd *d, struct rec *r)
{
	rec_begin(r, 'g');
	rec_u32(r, d->next_conn);
	rec_u8(r, d->tracing);
	rec_u8(r, d->trace != NULL);
	rec_str(r, d->trace_name);
	rec_u32(r, d->platform ? platform_domexc_port(d->platform) : 0);
	rec_u8(r, d->platform != NULL);
	rec_u8(r, d->metrics_src.fd >= 0);
	rec_end(r);
}

/* Connections are made anew from the last to the first: so their order stays. */
static void put_conns(struct conn *c, struct rec *r, int *fds, size_t *nr)
{
	if (!c) {
		return;
	}
	put_conns(c->next, r, fds, nr);
	if (c->dead) {
		return;
	}
	rec_begin(r, 'c');
	rec_u8(r, c->dom != NULL);
	rec_u16(r, c->domid);
	rec_u32(r, c->id);
	conn_give(c, r);
	rec_end(r);
	store_client_give(c->client, r);
	if (!c->dom) {
		fds[(*nr)++] = c->src.fd;
	}
}

static int hand_over(struct xsd *d)
{
	int fd = d->update_src.fd, *fds, rc;
	struct rec r = {NULL};
	struct head head;
	size_t nr = 1, max = 8;

	/* What is left of big changes isn't handed over, but done. */
	store_settle(d->store);
	commit(d);
	for (struct conn *c = d->conns; c; c = c->next) {
		max++;
	}
	fds = store_alloc(max * sizeof(int));
	put_globals(d, &r);
	domain_give(d, &r);
	fds[nr++] = d->listen_src.fd;
	if (d->platform) {
		fds[nr++] = platform_fd(d->platform);
	}
	if (d->metrics_src.fd >= 0) {
		fds[nr++] = d->metrics_src.fd;
	}
	put_conns(d->conns, &r, fds, &nr);
	head = (struct head){r.len, (uint32_t)nr};
	rc = fds[0] = into_memory(&r);
	if (rc >= 0) {
		rc = write(fd, &head, sizeof(head)) == sizeof(head) ? 0 : -EPIPE;
		rc = rc ? rc : send_fds(fd, fds, nr);
		close(fds[0]);
	}
	rec_fini(&r);
	free(fds);
	if (!rc && !told(fd, 'D', DONE_MS)) {
		rc = -ETIMEDOUT;
	}
	return rc;
}

/* Back to normal; whoever asked is told how it went. */
static void update_over(struct xsd *d, const char *text)
{
	loop_del(d, &d->update_src);
	close(d->update_src.fd);
	d->update_src.fd = -1;
	if (d->update_pid > 0) {
		kill(d->update_pid, SIGKILL);
		waitpid(d->update_pid, NULL, 0);
		d->update_pid = 0;
	}
	journal_pin(d, false);
	log_line(d, "live update: %s", text);
	for (struct conn *c = d->conns; c; c = c->next) {
		conn_answer(c, text);
	}
}

static void update_ready(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, update_src));
	char go = 'G';
	int rc;

	if (!told(src->fd, 'R', 0)) {
		update_over(d, "the new daemon has failed");
		return;
	}
	commit(d);
	rc = hand_over(d);
	if (!rc && write(src->fd, &go, 1) == 1) {
		_exit(0);
	}
	update_over(d, "the new daemon didn't take over");
}

static int spawn(struct xsd *d, const char *binary, int fd)
{
	char number[16], **argv;
	int n = 0, rc;

	while (d->argv[n]) {
		n++;
	}
	argv = store_alloc((size_t)(n + 3) * sizeof(char *));
	memcpy(argv, d->argv, (size_t)n * sizeof(char *));
	snprintf(number, sizeof(number), "%d", fd);
	argv[n] = (char *)"--take-over";
	argv[n + 1] = number;
	argv[n + 2] = NULL;
	rc = posix_spawn(&d->update_pid, binary, NULL, NULL, argv, environ);
	free(argv);
	return -rc;
}

/* "-f file": which binary. "-s", or nothing but a file: now. Others mean nothing here. */
int update_control(void *daemon, void *ctx, const char **args, int nr)
{
	struct xsd *d = daemon;
	bool start = nr == 0;
	int ends[2], rc;

	for (int i = 0; i < nr; i++) {
		if (strcmp(args[i], "-f") == 0 && i + 1 < nr) {
			snprintf(d->update_binary, sizeof(d->update_binary), "%s", args[++i]);
		} else if (strcmp(args[i], "-a") == 0) {
			d->update_binary[0] = '\0';
		} else if (strcmp(args[i], "-s") == 0) {
			start = true;
		} else if (args[i][0] == '/') {
			snprintf(d->update_binary, sizeof(d->update_binary), "%s", args[i]);
			start = true;
		} else if ((strcmp(args[i], "-t") == 0 || strcmp(args[i], "-c") == 0) &&
			   i + 1 < nr) {
			i++;
		} else if (strcmp(args[i], "-F") != 0) {
			return -EINVAL;
		}
	}
	if (!start) {
		return 0;
	}
	if (!d->journal || d->update_src.fd >= 0) {
		return d->journal ? -EBUSY : -ENOSYS;
	}
	if (!d->update_binary[0]) {
		snprintf(d->update_binary, sizeof(d->update_binary), "%s", d->binary);
	}
	if (access(d->update_binary, X_OK)) {
		return -ENOENT;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		return -errno;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	journal_pin(d, true);
	rc = spawn(d, d->update_binary, ends[1]);
	close(ends[1]);
	d->update_src = (struct source){update_ready, ends[0]};
	rc = rc ? rc : loop_add(d, &d->update_src, EPOLLIN);
	if (rc) {
		close(ends[0]);
		d->update_src.fd = -1;
		journal_pin(d, false);
		return rc;
	}
	log_line(d, "live update: %s has process id %d", d->update_binary, (int)d->update_pid);
	((struct conn *)ctx)->held = true;
	return -EINPROGRESS;
}

/* ---- the new one --------------------------------------------------------- */

struct taking {
	int *fds;
	size_t nr, pos;
	bool platform, metrics;
	uint32_t domexc_port;
	void *map;
	size_t map_len;
};

static int next_fd(struct taking *t)
{
	return t->pos < t->nr ? t->fds[t->pos++] : -1;
}

static void take_globals(struct xsd *d, struct taking *t, struct rec_in *in)
{
	bool tracing, open;

	d->next_conn = rec_get_u32(in);
	tracing = rec_get_u8(in);
	open = rec_get_u8(in);
	const char *name = rec_get_str(in);

	if (open && *name) {
		log_switch(d, tracing, name);
	}
	t->domexc_port = rec_get_u32(in);
	t->platform = rec_get_u8(in);
	t->metrics = rec_get_u8(in);
}

static struct conn *take_conn(struct xsd *d, struct taking *t, struct rec_in *in)
{
	bool ring = rec_get_u8(in);
	uint16_t domid = (uint16_t)rec_get_u16(in);
	uint32_t id = rec_get_u32(in);
	struct conn *c = ring ? domain_conn(d, domid) : sock_conn(d, next_fd(t));

	if (!c) {
		return NULL;
	}
	c->id = id;
	store_client_reset(c->client);
	conn_take(c, in);
	conn_wake(c);
	return c;
}

static int take_over(struct xsd *d, struct taking *t, struct rec_in *in)
{
	struct conn *c = NULL;
	struct rec_in item;
	int type, rc = 0;

	while (!rc && (type = rec_next(in, &item)) > 0) {
		switch (type) {
		case 'g':
			take_globals(d, t, &item);
			sock_adopt(d, next_fd(t));
			if (t->platform) {
				rc = domain_adopt(d, next_fd(t), t->domexc_port);
			}
			if (t->metrics) {
				metrics_adopt(d, next_fd(t));
			}
			break;
		case 'p':
			rc = domain_take(d, &item);
			break;
		case 'c':
			c = take_conn(d, t, &item);
			rc = c ? 0 : -ENOENT;
			break;
		default:
			rc = c ? store_client_take(c->client, type, &item) : -EPROTO;
		}
	}
	return rc ? rc : type;
}

static int receive(int sock, struct taking *t, struct rec_in *ret_in)
{
	struct head head;
	void *p;
	int rc;

	if (recv(sock, &head, sizeof(head), MSG_WAITALL) != sizeof(head)) {
		return -EPIPE;
	}
	t->nr = head.nr_fds;
	t->fds = store_zalloc((t->nr + 1) * sizeof(int));
	rc = recv_fds(sock, t->fds, t->nr);
	if (rc || !t->nr) {
		return rc ? rc : -EPROTO;
	}
	t->map_len = head.bytes;
	p = t->map = mmap(NULL, t->map_len, PROT_READ, MAP_PRIVATE, next_fd(t), 0);
	if (p == MAP_FAILED) {
		return -errno;
	}
	*ret_in = (struct rec_in){p, head.bytes};
	return 0;
}

int update_take(struct xsd *d, int sock)
{
	struct pollfd p = {sock, POLLIN};
	struct taking t = {NULL};
	struct rec_in in;
	char ready = 'R', done = 'D';
	int rc;

	/* Beside a daemon that serves: catch up until the last bit is a small one. */
	store_load_begin(d->store);
	journal_catch_up(d);
	if (write(sock, &ready, 1) != 1) {
		return -EPIPE;
	}
	while (poll(&p, 1, 1) == 0) {
		journal_catch_up(d);
	}
	rc = receive(sock, &t, &in);
	if (rc) {
		return rc;
	}
	journal_catch_up(d);
	rc = take_over(d, &t, &in);
	store_load_end(d->store);
	if (rc || write(sock, &done, 1) != 1 || !told(sock, 'G', DONE_MS)) {
		log_line(d, "live update: %s", strerror(rc ? -rc : EPIPE));
		return rc ? rc : -EPIPE;
	}
	journal_start(d);
	for (struct conn *c = d->conns; c; c = c->next) {
		conn_answer(c, "OK");
	}
	munmap(t.map, t.map_len);
	close(t.fds[0]);
	free(t.fds);
	close(sock);
	return 0;
}
