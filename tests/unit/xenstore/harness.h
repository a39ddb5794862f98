/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A store with some clients, requests written as text, events as a string.
 *
 * In request and reply text '|' stands for NUL: req(c, 0, XS_WRITE, "/a|v").
 */
#ifndef PAVISE_TEST_XS_HARNESS_H
#define PAVISE_TEST_XS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xenstore/store/internal.h>

struct test_client {
	struct store_client *c;
	char events[65536]; /* "path|token " for each */
};

static inline void note_event(void *ctx, const char *path, const char *token)
{
	struct test_client *t = ctx;
	size_t used = strlen(t->events);

	snprintf(t->events + used, sizeof(t->events) - used, "%s|%s ", path, token);
}

static const struct store_hooks test_hooks = {.event = note_event};

static inline struct test_client *client_new(struct store *s, uint16_t domid)
{
	struct test_client *t = calloc(1, sizeof(*t));

	t->c = store_client_create(s, domid, t);
	return t;
}

static inline void client_free(struct test_client *t)
{
	store_client_destroy(t->c);
	free(t);
}

/* The reply's payload with '|' for NUL; an error's name. */
static inline const char *req(struct test_client *t, uint32_t tx, uint32_t type, const char *text)
{
	static char data[XENSTORE_PAYLOAD_MAX + 1];
	struct store_reply reply = {.data = data};
	size_t len = strlen(text);
	/* Exactly as long as it is, so that the sanitizer sees one byte too many. */
	char *payload = malloc(len ? len : 1);

	for (size_t i = 0; i < len; i++) {
		payload[i] = (char)(text[i] == '|' ? '\0' : text[i]);
	}
	store_request(t->c, type, tx, payload, len, &reply);
	free(payload);
	assert_true(reply.len <= XENSTORE_PAYLOAD_MAX);
	for (size_t i = 0; i < reply.len; i++) {
		if (!data[i]) {
			data[i] = '|';
		}
	}
	data[reply.len] = '\0';
	if (reply.type == XS_ERROR) {
		data[reply.len - 1] = '\0';
	} else {
		assert_int_equal(reply.type, type);
	}
	return data;
}

#define assert_req(t, tx, type, text, reply) assert_string_equal(req(t, tx, type, text), reply)

/* All events since the last look. */
#define assert_events(t, text)                          \
	do {                                            \
		assert_string_equal((t)->events, text); \
		(t)->events[0] = '\0';                  \
	} while (0)

static inline uint32_t tx_begin(struct test_client *t)
{
	return (uint32_t)atoi(req(t, 0, XS_TRANSACTION_START, "|"));
}

#define assert_sound(s) assert_null(store_check(s))

#endif
