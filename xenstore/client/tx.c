/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Transactions, waiting, and what is about domains.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xenstore/client/internal.h>

int xsc_tx_start(struct xsc *c, uint32_t *ret_tx)
{
	const char *reply;
	uint64_t id;
	int rc = xsc_talk_str(c, XS_TRANSACTION_START, 0, "", &reply);

	if (rc < 0) {
		return rc;
	}
	if (wire_number_parse(reply, UINT32_MAX, &id) || id == 0) {
		return -EIO;
	}
	*ret_tx = (uint32_t)id;
	return 0;
}

int xsc_tx_end(struct xsc *c, uint32_t tx, bool commit)
{
	int rc = xsc_talk_str(c, XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL);

	return rc < 0 ? rc : 0;
}

int xsc_tx_run(struct xsc *c, int (*fn)(struct xsc *c, uint32_t tx, void *arg), void *arg)
{
	uint32_t tx;
	int rc, end;

	for (int i = 0; i < XSC_TX_TRIES; i++) {
		rc = xsc_tx_start(c, &tx);
		if (rc) {
			return rc;
		}
		rc = fn(c, tx, arg);
		end = xsc_tx_end(c, tx, rc >= 0);
		if (rc < 0) {
			return rc;
		}
		if (end != -EAGAIN) {
			return end ? end : rc;
		}
	}
	return -EAGAIN;
}

bool xsc_tx_retry(struct xsc *c, uint32_t tx, int *rc)
{
	int end = xsc_tx_end(c, tx, *rc >= 0);

	if (*rc < 0) {
		return false;
	}
	if (end == -EAGAIN) {
		return true;
	}
	if (end) {
		*rc = end;
	}
	return false;
}

#define AGAIN_MS    50
#define PATIENCE_MS 30000 /* for a daemon that is started again */

/* ---- waiting ------------------------------------------------------------- */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Puts an event that is somebody else's back at the end of the queue. */
static int put_aside(struct xsc_event *ev, struct event ***end)
{
	size_t path_len = strlen(ev->path) + 1, len = path_len + strlen(ev->token) + 1;
	struct event *e = malloc(sizeof(*e) + len);

	if (!e) {
		return -ENOMEM;
	}
	e->next = NULL;
	e->path_len = path_len;
	e->len = len;
	memcpy(e->text, ev->path, len);
	**end = e;
	*end = &e->next;
	return 0;
}

/* After -EPIPE: the daemon may be started again, with all that it had but our watch. */
static int wait_again(struct xsc *c, const char *path, const char *token, long long end)
{
	int rc;

	for (;;) {
		rc = xsc_reconnect(c, 1);
		if (rc == -EPIPE) {
			return rc;
		}
		/* A daemon that is dying may still have taken the connection. */
		rc = rc ? rc : xsc_watch(c, path, token);
		if (!rc || now_ms() >= end) {
			return rc ? -EPIPE : 0;
		}
		poll(NULL, 0, AGAIN_MS);
	}
}

int xsc_wait(struct xsc *c, const char *path, int timeout_ms, int (*done)(struct xsc *c, void *arg),
	     void *arg)
{
	long long end = now_ms() + timeout_ms, left = timeout_ms;
	struct event *others = NULL, **others_end = &others;
	struct xsc_event ev;
	uint64_t one = 1;
	char token[32];
	int rc;

	snprintf(token, sizeof(token), "xsc-wait-%u", c->req_id);
	rc = xsc_watch(c, path, token);
	if (rc) {
		return rc;
	}
	for (;;) {
		rc = done(c, arg);
		if (rc && rc != -EPIPE) {
			break;
		}
		if (timeout_ms >= 0) {
			left = end - now_ms();
			if (left <= 0) {
				rc = -ETIMEDOUT;
				break;
			}
		}
		rc = rc ? rc : xsc_event(c, timeout_ms < 0 ? -1 : (int)left, &ev);
		if (rc == -EPIPE) {
			long long patience = now_ms() + PATIENCE_MS;

			rc = wait_again(c, path, token,
					timeout_ms >= 0 && end < patience ? end : patience);
			if (!rc) {
				continue;
			}
		}
		if (rc) {
			break;
		}
		if (strcmp(ev.token, token) != 0) {
			rc = put_aside(&ev, &others_end);
		}
		xsc_event_free(&ev);
		if (rc) {
			break;
		}
	}
	xsc_unwatch(c, path, token);
	if (others) {
		/* In front of what has come since: they are older. */
		*others_end = c->events;
		if (!c->events) {
			c->events_end = others_end;
		}
		c->events = others;
		if (!c->woken && write(c->wake_fd, &one, sizeof(one)) > 0) {
			c->woken = true;
		}
	}
	return rc > 0 ? 0 : rc;
}

/* ---- domains ------------------------------------------------------------- */

static int about_domain(struct xsc *c, uint32_t type, unsigned int domid, const char **ret_reply)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", domid);
	return xsc_talk_str(c, type, 0, text, ret_reply);
}

int xsc_introduce(struct xsc *c, unsigned int domid, uint64_t gfn, unsigned int port)
{
	char text[64];
	struct part part = {text, 0};
	int rc;

	/* Three strings: the blanks become NULs. The frame is sent as a signed number. */
	part.len = (size_t)snprintf(text, sizeof(text), "%u %lld %u", domid, (long long)gfn, port);
	for (size_t i = 0; i < part.len; i++) {
		if (text[i] == ' ') {
			text[i] = '\0';
		}
	}
	part.len++;
	rc = xsc_talk(c, XS_INTRODUCE, 0, &part, 1, NULL);
	return rc < 0 ? rc : 0;
}

int xsc_release(struct xsc *c, unsigned int domid)
{
	int rc = about_domain(c, XS_RELEASE, domid, NULL);

	return rc < 0 ? rc : 0;
}

int xsc_resume(struct xsc *c, unsigned int domid)
{
	int rc = about_domain(c, XS_RESUME, domid, NULL);

	return rc < 0 ? rc : 0;
}

int xsc_set_target(struct xsc *c, unsigned int domid, unsigned int target)
{
	char a[16], b[16];
	struct part parts[] = {{a, 0}, {b, 0}};
	int rc;

	parts[0].len = (size_t)snprintf(a, sizeof(a), "%u", domid) + 1;
	parts[1].len = (size_t)snprintf(b, sizeof(b), "%u", target) + 1;
	rc = xsc_talk(c, XS_SET_TARGET, 0, parts, 2, NULL);
	return rc < 0 ? rc : 0;
}

int xsc_is_introduced(struct xsc *c, unsigned int domid)
{
	const char *reply;
	int rc = about_domain(c, XS_IS_DOMAIN_INTRODUCED, domid, &reply);

	return rc < 0 ? rc : strcmp(reply, "T") == 0;
}

static int copy_reply(int len, const char *reply, char **ret_text)
{
	char *copy;

	if (len < 0) {
		return len;
	}
	copy = malloc((size_t)len + 1);
	if (!copy) {
		return -ENOMEM;
	}
	memcpy(copy, reply, (size_t)len + 1);
	*ret_text = copy;
	return 0;
}

int xsc_get_domain_path(struct xsc *c, unsigned int domid, char **ret_path)
{
	const char *reply = NULL;
	int rc = about_domain(c, XS_GET_DOMAIN_PATH, domid, &reply);

	return copy_reply(rc, reply, ret_path);
}

int xsc_control(struct xsc *c, const char *cmd, const char *const *args, char **ret_text)
{
	char text[XENSTORE_PAYLOAD_MAX];
	struct part part = {text, 0};
	const char *reply = NULL;
	size_t len;
	int rc;

	for (const char *s = cmd; s; s = args ? *args++ : NULL) {
		len = strlen(s) + 1;
		if (len > sizeof(text) - part.len) {
			return -ENAMETOOLONG;
		}
		memcpy(text + part.len, s, len);
		part.len += len;
	}
	rc = xsc_talk(c, XS_CONTROL, 0, &part, 1, &reply);
	return copy_reply(rc, reply, ret_text);
}
