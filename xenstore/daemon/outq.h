/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A queue of messages to send: bytes, of which what is out comes off the front.
 * No I/O. Equal events that wait already can be found, however many wait.
 */
#ifndef PAVISE_XSD_OUTQ_H
#define PAVISE_XSD_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/io/xs_wire.h>

#define OUTQ_KEEP (64u << 10) /* more memory than that isn't kept for an empty queue */

struct outq_seen;

struct outq {
	char *data;
	size_t head, tail, cap;
	uint64_t base; /* how many bytes have been in the queue before data[0] */
	size_t frame_left; /* of the message that is partly out */
	bool frame_event;
	size_t replies, events; /* whole or partial messages in here */
	struct outq_seen *seen; /* where events are, by hash; NULL while they are few */
	uint32_t nr_seen, cap_seen;
};

static inline size_t outq_used(const struct outq *q)
{
	return q->tail - q->head;
}

/* Room for @len bytes at the end, which are q->data + q->tail and not in use yet. */
char *outq_room(struct outq *q, size_t len);
void outq_put(struct outq *q, const struct xsd_sockmsg *hdr, const void *payload);

/*
 * An event; both lengths with the NUL. @once: not if the same waits already and
 * is wholly there.
 */
void outq_put_event(struct outq *q, const char *path, size_t path_len, const char *token,
		    size_t token_len, bool once);

/* All of @from, which has events only, goes to the end of @q. */
void outq_move_events(struct outq *q, struct outq *from, bool once);

/* @n bytes are out: counts the messages that wholly are. */
void outq_took(struct outq *q, size_t n);
void outq_clear(struct outq *q);

#endif
