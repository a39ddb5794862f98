/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What has to be known of a ring when the daemon is gone: which of its bytes
 * have been taken, whether they were carried out, and which of the reply's have
 * been put. A page or three in the file "rings", mapped, one for each domain.
 *
 * A ring is served one request at a time, each with a serial number:
 *
 *   bytes of the request are copied to in[], then .taken says how many, then
 *   the ring's req_cons moves;
 *   the request's changes go to the journal with an item E: serial and reply;
 *   the reply is copied to reply[], then .done says so: the next serial;
 *   each message to the ring is copied to out[], then .sending says so and
 *   where in the ring it begins; how much is out is rsp_prod - base.
 *
 * Each of the words is stored at once, after what it speaks of. A request that
 * changes nothing and wasn't done is simply carried out again.
 */
#ifndef PAVISE_XSD_SLOT_H
#define PAVISE_XSD_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/io/xs_wire.h>

#define SLOT_MESSAGE (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

struct slot {
	uint64_t taken; /* req_cons : 32, bytes in in[] : 16, serial's low half : 16 */
	uint64_t done; /* serial of the next request : 32, length of reply[] : 32 */
	uint64_t
		sending; /* base : 32, length of out[] : 15, an event : 1, last reply's serial : 16 */
	char in[SLOT_MESSAGE];
	char reply[SLOT_MESSAGE];
	char out[SLOT_MESSAGE];
};

struct xsd;

/* The domain's slot, mapped; NULL: there is no journal, or no memory. */
struct slot *slot_map(struct xsd *d, uint16_t domid);

/* Takes NULL. @forget: nobody will want to know what was in it. */
void slot_unmap(struct xsd *d, struct slot *s, uint16_t domid, bool forget);

/* A connection begins: the ring's next byte is at @req_cons. */
void slot_reset(struct slot *s, uint32_t req_cons);

void slot_took(struct slot *s, const void *buf, size_t at, size_t len, uint32_t req_cons);

/* Copies the part of a request that had been taken; returns its length. */
size_t slot_taken(const struct slot *s, void *buf, uint32_t *ret_req_cons);

uint32_t slot_serial(const struct slot *s);

/* The request is done and this is its reply. */
void slot_done(struct slot *s, const void *reply, size_t len);

/* The next message to the ring, of which the first byte goes to @base. */
void slot_sending(struct slot *s, const void *msg, size_t len, uint32_t base);

/*
 * What is left to be put: the rest of the message that was being sent, and the
 * last reply if it wasn't begun. Lengths are 0 when there is none.
 */
struct slot_rest {
	const char *part, *reply;
	size_t part_len, reply_len;
	bool part_event;
};

struct slot_rest slot_rest(const struct slot *s, uint32_t rsp_prod);

#endif
