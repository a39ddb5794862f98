/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The rings' slots. See slot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenstore/daemon/daemon.h>
#include <xenstore/daemon/slot.h>

#define SLOT_BYTES 16384u

_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot's room in the file");

struct slot *slot_map(struct xsd *d, uint16_t domid)
{
	off_t at = (off_t)domid * SLOT_BYTES;
	void *p;

	/* Allocated, so that a store into it cannot fail. */
	if (d->rings_fd < 0 || posix_fallocate(d->rings_fd, at, SLOT_BYTES)) {
		return NULL;
	}
	p = mmap(NULL, SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, d->rings_fd, at);
	return p == MAP_FAILED ? NULL : p;
}

void slot_unmap(struct xsd *d, struct slot *s, uint16_t domid, bool forget)
{
	if (!s) {
		return;
	}
	munmap(s, SLOT_BYTES);
	if (forget) {
		fallocate(d->rings_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)domid * SLOT_BYTES, SLOT_BYTES);
	}
}

/* After everything that was stored before; nobody else looks while we live. */
static void set(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

uint32_t slot_serial(const struct slot *s)
{
	return (uint32_t)s->done;
}

void slot_reset(struct slot *s, uint32_t req_cons)
{
	set(&s->sending, 0);
	set(&s->done, (uint32_t)(slot_serial(s) + 1));
	set(&s->taken, req_cons | (uint64_t)(uint16_t)slot_serial(s) << 48);
}

void slot_took(struct slot *s, const void *buf, size_t at, size_t len, uint32_t req_cons)
{
	memcpy(s->in + at, buf, len);
	set(&s->taken,
	    req_cons | (uint64_t)(at + len) << 32 | (uint64_t)(uint16_t)slot_serial(s) << 48);
}

size_t slot_taken(const struct slot *s, void *buf, uint32_t *ret_req_cons)
{
	size_t len = s->taken >> 32 & 0xffff;

	*ret_req_cons = (uint32_t)s->taken;
	/* A request that is done: its bytes are of no use any more. */
	if ((uint16_t)(s->taken >> 48) != (uint16_t)slot_serial(s) || len > SLOT_MESSAGE) {
		return 0;
	}
	memcpy(buf, s->in, len);
	return len;
}

void slot_done(struct slot *s, const void *reply, size_t len)
{
	memcpy(s->reply, reply, len);
	set(&s->done, (uint32_t)(slot_serial(s) + 1) | (uint64_t)len << 32);
}

#define EVENT (1ull << 47)
#define MARK  (0xffffull << 48)

/* The last reply that was sent, or begun, is the one to this serial. */
static uint64_t reply_mark(const struct slot *s)
{
	return (1ull << 63) | (uint64_t)(slot_serial(s) & 0x7fffu) << 48;
}

void slot_sending(struct slot *s, const void *msg, size_t len, uint32_t base)
{
	struct xsd_sockmsg hdr;
	bool event;

	memcpy(&hdr, msg, sizeof(hdr));
	event = hdr.type == XS_WATCH_EVENT;
	memcpy(s->out, msg, len);
	set(&s->sending, base | (uint64_t)len << 32 | (event ? EVENT : 0) |
				 (event ? s->sending & MARK : reply_mark(s)));
}

struct slot_rest slot_rest(const struct slot *s, uint32_t rsp_prod)
{
	struct slot_rest rest = {.reply = s->reply, .reply_len = s->done >> 32};
	size_t len = s->sending >> 32 & 0x7fff;
	uint32_t out = rsp_prod - (uint32_t)s->sending;

	if (rest.reply_len > SLOT_MESSAGE || len > SLOT_MESSAGE) {
		return (struct slot_rest){NULL};
	}
	if ((s->sending & MARK) == reply_mark(s)) {
		rest.reply_len = 0;
	}
	/* A domain that has changed rsp_prod harms itself only. */
	if (out < len) {
		rest.part = s->out + out;
		rest.part_len = len - out;
		rest.part_event = (s->sending & EVENT) != 0;
	}
	return rest;
}
