/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The client library's inside: the connection with its buffers.
 */
#ifndef PAVISE_XSCLIENT_INTERNAL_H
#define PAVISE_XSCLIENT_INTERNAL_H

#include <xenstore/client/xsclient.h>
#include <xenstore/proto/wire.h>

/* An event that waits. path and token follow one another in text. */
struct event {
	struct event *next;
	size_t path_len; /* with the NUL */
	size_t len; /* of both with their NULs */
	char text[];
};

struct xsc {
	int fd;
	int poll_fd; /* epoll of fd and wake_fd: what the user polls */
	int wake_fd; /* eventfd: counts up while events wait here */
	bool woken;
	bool broken; /* the connection is gone, or can't be made sense of */
	char *path; /* of the socket; NULL: it is the kernel's device */
	unsigned int nr_watches;
	uint32_t req_id;
	struct event *events, **events_end;
	size_t have; /* bytes in buf, the beginning of a message */
	char buf[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
};

/* Part of a request's payload. */
struct part {
	const void *data;
	size_t len;
};

/*
 * Sends one request and waits for its reply. *@ret_reply (NULL: only whether
 * it worked) points into the handle and holds until the next call; a NUL
 * follows it. Returns its length or a negative errno.
 */
int xsc_talk(struct xsc *c, uint32_t type, uint32_t tx, const struct part *parts, int nr,
	     const char **ret_reply);

/*
 * Connects again where the connection is gone and had no watches but @own ones;
 * they are gone then, as are transactions. -EPIPE: it can't; others: not now.
 */
int xsc_reconnect(struct xsc *c, unsigned int own);

/* The same with one string as the payload, its NUL included. */
int xsc_talk_str(struct xsc *c, uint32_t type, uint32_t tx, const char *str,
		 const char **ret_reply);

/* Whether @path may be sent: -EINVAL, -ENAMETOOLONG. */
int xsc_path_check(const char *path);

#endif
