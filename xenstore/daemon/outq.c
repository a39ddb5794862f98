/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Queues of messages. See outq.h.
 *
 * A guest that doesn't read must not make those slow who change what it watches:
 * so events that wait are in a hash table by their bytes, as positions in the
 * stream. One that has gone out since is a position in front of the queue; it is
 * recognized by that and goes when the table is made anew.
 */
#include <stdlib.h>
#include <string.h>

#include <xenstore/daemon/outq.h>
#include <xenstore/store/util.h>

#define FEW 16 /* are looked through one by one */

struct outq_seen {
	uint64_t at; /* position + 1; 0: empty */
	uint32_t hash;
};

char *outq_room(struct outq *q, size_t len)
{
	if (q->head == q->tail) {
		q->base += q->tail;
		q->head = q->tail = 0;
		/* A burst is over: don't keep its memory. */
		if (q->cap > OUTQ_KEEP) {
			free(q->data);
			q->data = NULL;
			q->cap = 0;
		}
		if (q->seen) {
			free(q->seen);
			q->seen = NULL;
			q->nr_seen = q->cap_seen = 0;
		}
	}
	if (q->cap - q->tail < len && q->head) {
		memmove(q->data, q->data + q->head, outq_used(q));
		q->base += q->head;
		q->tail -= q->head;
		q->head = 0;
	}
	if (q->cap - q->tail < len) {
		size_t cap = q->cap ? q->cap : 1024;

		while (cap - q->tail < len) {
			cap *= 2;
		}
		q->data = store_realloc(q->data, cap);
		q->cap = cap;
	}
	return q->data + q->tail;
}

void outq_put(struct outq *q, const struct xsd_sockmsg *hdr, const void *payload)
{
	char *p = outq_room(q, sizeof(*hdr) + hdr->len);

	memcpy(p, hdr, sizeof(*hdr));
	memcpy(p + sizeof(*hdr), payload, hdr->len);
	q->tail += sizeof(*hdr) + hdr->len;
	if (hdr->type == XS_WATCH_EVENT) {
		q->events++;
	} else {
		q->replies++;
	}
}

/* ---- events that wait ---------------------------------------------------- */

static uint32_t hash_event(const char *path, size_t path_len, const char *token, size_t token_len)
{
	return hash_final(hash_bytes(hash_bytes(HASH_INIT, path, path_len), token, token_len));
}

/* Whether the event at @pos of the queue's data is this one. */
static bool equal(const struct outq *q, size_t pos, const char *path, size_t path_len,
		  const char *token, size_t token_len)
{
	const char *p = q->data + pos + sizeof(struct xsd_sockmsg);
	struct xsd_sockmsg hdr;

	memcpy(&hdr, q->data + pos, sizeof(hdr));
	return hdr.type == XS_WATCH_EVENT && hdr.len == path_len + token_len &&
	       memcmp(p, path, path_len) == 0 && memcmp(p + path_len, token, token_len) == 0;
}

static void seen_add(struct outq *q, size_t pos, uint32_t hash)
{
	uint32_t i = hash & (q->cap_seen - 1);

	while (q->seen[i].at) {
		i = (i + 1) & (q->cap_seen - 1);
	}
	q->seen[i] = (struct outq_seen){q->base + pos + 1, hash};
	q->nr_seen++;
}

/* Makes the table from the events that wait now; a quarter of it is used then at most. */
static void seen_make(struct outq *q)
{
	struct xsd_sockmsg hdr;
	uint32_t cap = 4 * FEW;

	while (cap < 4 * q->events) {
		cap *= 2;
	}
	free(q->seen);
	q->seen = store_zalloc(cap * sizeof(*q->seen));
	q->cap_seen = cap;
	q->nr_seen = 0;
	for (size_t pos = q->head + q->frame_left; pos < q->tail; pos += sizeof(hdr) + hdr.len) {
		memcpy(&hdr, q->data + pos, sizeof(hdr));
		if (hdr.type == XS_WATCH_EVENT) {
			seen_add(q, pos,
				 hash_final(hash_bytes(HASH_INIT, q->data + pos + sizeof(hdr),
						       hdr.len)));
		}
	}
}

static bool waits(struct outq *q, const char *path, size_t path_len, const char *token,
		  size_t token_len, uint32_t hash)
{
	size_t first = q->head + q->frame_left;
	struct xsd_sockmsg hdr;

	if (q->events < FEW) {
		for (size_t pos = first; pos < q->tail; pos += sizeof(hdr) + hdr.len) {
			memcpy(&hdr, q->data + pos, sizeof(hdr));
			if (equal(q, pos, path, path_len, token, token_len)) {
				return true;
			}
		}
		return false;
	}
	if (!q->seen || 2 * q->nr_seen >= q->cap_seen) {
		seen_make(q);
	}
	for (uint32_t i = hash & (q->cap_seen - 1); q->seen[i].at;
	     i = (i + 1) & (q->cap_seen - 1)) {
		uint64_t at = q->seen[i].at - 1;

		if (q->seen[i].hash == hash && at >= q->base + first &&
		    equal(q, (size_t)(at - q->base), path, path_len, token, token_len)) {
			return true;
		}
	}
	return false;
}

void outq_put_event(struct outq *q, const char *path, size_t path_len, const char *token,
		    size_t token_len, bool once)
{
	struct xsd_sockmsg hdr = {.type = XS_WATCH_EVENT, .len = (uint32_t)(path_len + token_len)};
	uint32_t hash = once ? hash_event(path, path_len, token, token_len) : 0;
	char *p;

	if (once && waits(q, path, path_len, token, token_len, hash)) {
		return;
	}
	p = outq_room(q, sizeof(hdr) + hdr.len);
	if (once && q->seen) {
		seen_add(q, q->tail, hash);
	}
	memcpy(p, &hdr, sizeof(hdr));
	memcpy(p + sizeof(hdr), path, path_len);
	memcpy(p + sizeof(hdr) + path_len, token, token_len);
	q->tail += sizeof(hdr) + hdr.len;
	q->events++;
}

void outq_move_events(struct outq *q, struct outq *from, bool once)
{
	struct xsd_sockmsg hdr;

	for (size_t pos = from->head; pos < from->tail; pos += sizeof(hdr) + hdr.len) {
		const char *path = from->data + pos + sizeof(hdr);
		size_t path_len = strlen(path) + 1;

		memcpy(&hdr, from->data + pos, sizeof(hdr));
		outq_put_event(q, path, path_len, path + path_len, hdr.len - path_len, once);
	}
	from->head = from->tail = from->events = 0;
	free(from->seen);
	from->seen = NULL;
}

void outq_took(struct outq *q, size_t n)
{
	struct xsd_sockmsg hdr;

	while (n) {
		size_t part;

		if (!q->frame_left) {
			memcpy(&hdr, q->data + q->head, sizeof(hdr));
			q->frame_left = sizeof(hdr) + hdr.len;
			q->frame_event = hdr.type == XS_WATCH_EVENT;
		}
		part = n < q->frame_left ? n : q->frame_left;
		q->frame_left -= part;
		q->head += part;
		n -= part;
		if (!q->frame_left) {
			q->events -= q->frame_event;
			q->replies -= !q->frame_event;
		}
	}
}

void outq_clear(struct outq *q)
{
	free(q->data);
	free(q->seen);
	*q = (struct outq){NULL};
}
