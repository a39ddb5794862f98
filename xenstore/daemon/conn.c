/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A connection: from bytes to requests and from replies to bytes.
 *
 * Bounds. In: a fixed buffer; more is read only when there is room. Out: while
 * more than OUT_HIGH bytes (or as many replies as the quota "outstanding"
 * allows) wait, no more of this client's requests run, so replies cannot pile
 * up. Events are caused by others: equal ones that wait already are not queued
 * again for an unprivileged client, its connection ends when one has waited
 * for the timeout or when EVENT_MAX_DOMAIN bytes wait; a privileged one's when
 * OUT_MAX bytes wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/daemon/daemon.h>
#include <xenstore/store/util.h>

#define SLICE_REQUESTS   8 /* or fewer when they cost more than STORE_SLICE together */
#define OUT_HIGH         OUTQ_KEEP
#define EVENT_MAX_DOMAIN (256u << 10)
#define OUT_MAX          (16u << 20)

/* ---- life ---------------------------------------------------------------- */

struct conn *conn_create(struct xsd *d, const struct conn_io *io, uint16_t domid)
{
	struct conn *c = store_alloc(sizeof(*c));

	memset(c, 0, offsetof(struct conn, in));
	c->io = io;
	c->d = d;
	c->id = ++d->next_conn;
	c->domid = domid;
	c->src.fd = -1;
	c->want_read = true;
	c->client = store_client_create(d->store, domid, c);
	c->next = d->conns;
	c->pprev = &d->conns;
	if (c->next) {
		c->next->pprev = &c->next;
	}
	d->conns = c;
	return c;
}

void conn_kill(struct conn *c)
{
	c->dead = true;
	c->d->dead_conns = true;
}

void conn_free(struct conn *c)
{
	store_client_destroy(c->client);
	outq_clear(&c->out);
	outq_clear(&c->late);
	*c->pprev = c->next;
	if (c->next) {
		c->next->pprev = c->pprev;
	}
	free(c);
}

/* What its queue has now is what the store knows of it. */
static void account_out(struct conn *c)
{
	long bytes = (long)outq_used(&c->out) - (long)c->charged;
	long replies = (long)c->out.replies - (long)c->counted;

	if (bytes) {
		c->charged += (size_t)bytes;
		store_client_charge(c->client, bytes);
	}
	if (replies) {
		c->counted += (size_t)replies;
		store_client_outstanding(c->client, replies);
	}
}

/* Quotas bind it. */
static inline bool bound(const struct conn *c)
{
	return c->domid != 0;
}

void conn_reset(struct conn *c)
{
	c->in_head = c->in_tail = 0;
	c->held = false;
	outq_clear(&c->out);
	outq_clear(&c->late);
	account_out(c);
	c->stuck_since = 0;
	store_client_reset(c->client);
}

void conn_resend(struct conn *c, const char *data, size_t len, bool part, bool event)
{
	struct outq *q = &c->out;

	if (!len) {
		return;
	}
	memcpy(outq_room(q, len), data, len);
	q->tail += len;
	q->events += event;
	q->replies += !event;
	if (part) {
		q->frame_left = len;
		q->frame_event = event;
	}
	account_out(c);
}

void conn_wake(struct conn *c)
{
	if (c->runnable || c->dead) {
		return;
	}
	c->runnable = true;
	if (!c->waiting) {
		/*
		 * What it wants may be there since we last looked and saw nothing: in its
		 * turn (since is from there), or for events.
		 */
		c->waiting = true;
		c->since = c->since.work > c->d->unpolled.work ? c->since : c->d->unpolled;
	}
	c->run_next = NULL;
	*c->d->run_end = c;
	c->d->run_end = &c->run_next;
}

static void fail(struct conn *c, int error)
{
	c->io->failed(c, error);
	conn_kill(c);
}

/* ---- sending ------------------------------------------------------------- */

static void conn_event(void *ctx, const char *path, const char *token)
{
	struct conn *c = ctx;
	struct outq *q = c->in_request ? &c->late : &c->out;
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;

	if (c->dead) {
		return;
	}
	outq_put_event(q, path, path_len, token, token_len, bound(c));
	account_out(c);
	if (outq_used(q) > (bound(c) ? EVENT_MAX_DOMAIN : OUT_MAX)) {
		log_line(c->d, "connection %u: too many events that nobody reads", c->id);
		fail(c, -ENOBUFS);
		return;
	}
	conn_wake(c);
}

static void conn_answered(void *ctx, const char *text)
{
	conn_answer(ctx, text);
}

const struct store_hooks xsd_hooks = {
	.event = conn_event,
	.introduce = domain_introduce,
	.release = domain_release,
	.resume = domain_resume,
	.set_target = domain_set_target,
	.is_introduced = domain_is_introduced,
	.features = domain_features,
	.get_feature = domain_get_feature,
	.set_feature = domain_set_feature,
	.live_update = update_control,
	.answer = conn_answered,
	.trace = log_trace,
	.log_switch = log_switch,
	.log = log_text,
};

static void send_out(struct conn *c)
{
	size_t before = outq_used(&c->out);
	ssize_t n;

	while (outq_used(&c->out)) {
		n = c->io->write(c, c->out.data + c->out.head, outq_used(&c->out));
		if (n < 0) {
			fail(c, (int)n);
			return;
		}
		if (n == 0) {
			break;
		}
		c->moved = true;
		outq_took(&c->out, (size_t)n);
	}
	if (!c->out.events) {
		c->stuck_since = 0;
	} else if (!c->stuck_since || outq_used(&c->out) < before) {
		c->stuck_since = now_ms();
		c->d->ticking = true;
	}
}

bool conn_check_timeout(struct conn *c, uint64_t now)
{
	unsigned int limit = c->d->opt.watch_timeout;

	if (c->dead || !c->stuck_since || !limit || !bound(c)) {
		return false;
	}
	if (now - c->stuck_since > limit * 1000ull) {
		log_line(c->d, "connection %u: didn't take an event for %u seconds", c->id, limit);
		fail(c, -ETIMEDOUT);
		return false;
	}
	return true;
}

/* ---- requests ------------------------------------------------------------ */

/* Its replies have to get out before more of its requests run. */
static bool blocked(const struct conn *c)
{
	uint64_t max;

	if (c->held || store_client_busy(c->client)) {
		return true;
	}
	if (!outq_used(&c->out)) {
		return false;
	}
	/* A slot remembers one reply. */
	if (outq_used(&c->out) > OUT_HIGH || (c->slot && c->out.replies)) {
		return true;
	}
	if (!bound(c)) {
		return false;
	}
	max = store_client_outstanding_max(c->client);
	return (max && c->out.replies >= max) || store_client_over_memory(c->client);
}

/*
 * The request of a ring and what it changed are one: the journal knows which it
 * was and what was answered, so that it is neither lost nor done twice.
 */
static void commit_ring(struct conn *c, const char *msg, size_t len)
{
	struct rec *r = store_batch(c->d->store);

	if (r->len) {
		rec_begin(r, 'E');
		rec_u16(r, c->domid);
		rec_u32(r, slot_serial(c->slot));
		rec_bytes(r, msg, len);
		rec_end(r);
		commit(c->d);
	}
	slot_done(c->slot, msg, len);
}

static bool traced(const struct conn *c)
{
	return c->d->tracing && (c->d->trace_domid < 0 || c->d->trace_domid == c->domid);
}

void conn_answer(struct conn *c, const char *text)
{
	struct xsd_sockmsg out = c->held_hdr;

	if (!c->held || c->dead) {
		return;
	}
	c->held = false;
	out.len = (uint32_t)strlen(text) + 1;
	outq_put(&c->out, &out, text);
	if (c->slot) {
		commit_ring(c, c->out.data + c->out.tail - sizeof(out) - out.len,
			    sizeof(out) + out.len);
	}
	account_out(c);
	conn_wake(c);
}

/* ---- for another daemon -------------------------------------------------- */

void conn_give(struct conn *c, struct rec *r)
{
	if (c->io->settle) {
		c->io->settle(c);
	}
	rec_u8(r, c->held);
	rec_bytes(r, &c->held_hdr, sizeof(c->held_hdr));
	rec_bytes(r, c->in + c->in_head, c->in_tail - c->in_head);
	rec_u32(r, (uint32_t)c->out.frame_left);
	rec_u8(r, c->out.frame_event);
	rec_u32(r, (uint32_t)c->out.replies);
	rec_u32(r, (uint32_t)c->out.events);
	rec_bytes(r, c->out.data + c->out.head, outq_used(&c->out));
}

void conn_take(struct conn *c, struct rec_in *in)
{
	size_t len;
	const void *data;

	c->held = rec_get_u8(in);
	data = rec_get_bytes(in, &len);
	if (len == sizeof(c->held_hdr)) {
		memcpy(&c->held_hdr, data, len);
	}
	data = rec_get_bytes(in, &len);

	c->in_head = 0;
	c->in_tail = len < sizeof(c->in) ? len : sizeof(c->in);
	memcpy(c->in, data, c->in_tail);
	c->out.head = c->out.tail = 0;
	c->out.frame_left = rec_get_u32(in);
	c->out.frame_event = rec_get_u8(in);
	c->out.replies = rec_get_u32(in);
	c->out.events = rec_get_u32(in);
	data = rec_get_bytes(in, &len);
	if (len) {
		memcpy(outq_room(&c->out, len), data, len);
		c->out.tail += len;
	}
	account_out(c);
}

static void carry_out(struct conn *c, const struct xsd_sockmsg *hdr, const char *payload)
{
	/* The reply is made where it will be sent from. */
	char *msg = outq_room(&c->out, sizeof(*hdr) + XENSTORE_PAYLOAD_MAX);
	struct store_reply reply = {.data = msg + sizeof(*hdr)};
	struct xsd_sockmsg out = {.req_id = hdr->req_id, .tx_id = hdr->tx_id};

	if (traced(c)) {
		log_message(c->d, c, true, hdr, payload);
	}
	c->in_request = true;
	store_request(c->client, hdr->type, hdr->tx_id, payload, hdr->len, &reply);
	c->in_request = false;
	if (reply.type == STORE_REPLY_LATER) {
		c->held_hdr = *hdr;
		c->held = true;
		return;
	}
	out.type = reply.type;
	out.len = reply.len;
	memcpy(msg, &out, sizeof(out));
	c->out.tail += sizeof(out) + out.len;
	c->out.replies++;
	if (c->slot) {
		commit_ring(c, msg, sizeof(out) + out.len);
	} else {
		commit(c->d);
	}
	if (traced(c)) {
		log_message(c->d, c, false, &out, reply.data);
	}
	if (outq_used(&c->late)) {
		outq_move_events(&c->out, &c->late, bound(c));
	}
	if (bound(c)) {
		account_out(c);
	}
}

/* Carries out one whole request from the buffer. False: there is none. */
static bool next_request(struct conn *c)
{
	struct xsd_sockmsg hdr;
	size_t have = c->in_tail - c->in_head;
	const char *payload;

	if (have < sizeof(hdr)) {
		return false;
	}
	memcpy(&hdr, c->in + c->in_head, sizeof(hdr));
	if (hdr.len > XENSTORE_PAYLOAD_MAX) {
		fail(c, -EPROTO);
		return false;
	}
	if (have < sizeof(hdr) + hdr.len) {
		return false;
	}
	payload = c->in + c->in_head + sizeof(hdr);
	c->in_head += sizeof(hdr) + hdr.len;
	carry_out(c, &hdr, payload);
	return true;
}

static bool has_request(const struct conn *c)
{
	struct xsd_sockmsg hdr;
	size_t have = c->in_tail - c->in_head;

	if (have < sizeof(hdr)) {
		return false;
	}
	memcpy(&hdr, c->in + c->in_head, sizeof(hdr));
	return hdr.len > XENSTORE_PAYLOAD_MAX || have >= sizeof(hdr) + hdr.len;
}

/* Fills the buffer unless a whole request is in it. */
static void read_in(struct conn *c)
{
	ssize_t n;

	if (has_request(c)) {
		return;
	}
	if (c->in_head) {
		memmove(c->in, c->in + c->in_head, c->in_tail - c->in_head);
		c->in_tail -= c->in_head;
		c->in_head = 0;
	}
	n = c->io->read(c, c->in + c->in_tail, sizeof(c->in) - c->in_tail);
	if (n < 0) {
		fail(c, (int)n);
	} else if (n > 0) {
		c->in_tail += (size_t)n;
		c->moved = true;
	}
}

/* An input that isn't going to be read mustn't wake the loop again and again. */
static void tell_wants(struct conn *c, bool want_read)
{
	bool want_write = outq_used(&c->out) != 0;

	if (c->io->want && (want_read != c->want_read || want_write != c->want_write)) {
		c->want_read = want_read;
		c->want_write = want_write;
		c->io->want(c, want_read, want_write);
	}
}

void conn_slice(struct conn *c)
{
	struct done before = c->d->done;
	unsigned int nr = 0, work = 0;
	bool want_read, busy;

	if (c->dead) {
		return;
	}
	c->moved = false;
	if (outq_used(&c->out)) {
		send_out(c);
	}
	if (!c->dead && !blocked(c)) {
		read_in(c);
		while (!c->dead && nr < SLICE_REQUESTS && work < STORE_SLICE && !blocked(c) &&
		       next_request(c)) {
			nr++;
			work += store_request_work(c->d->store);
			c->d->done.requests++;
			c->d->done.work += store_request_work(c->d->store);
			if (c->slot) {
				send_out(c);
			}
			if (c->slot && !c->dead && !blocked(c)) {
				read_in(c);
			}
		}
	}
	if (!c->dead && outq_used(&c->out)) {
		send_out(c);
	}
	if (c->dead) {
		return;
	}
	if (nr) {
		store_client_took(c->client, nr, now_ns() - c->d->round_start);
		store_client_waited(c->client, before.requests - c->since.requests,
				    before.work - c->since.work);
	}
	c->waiting = false;
	c->since = c->d->done;
	if (c->moved && c->io->moved) {
		c->io->moved(c);
	}
	account_out(c);
	busy = store_client_busy(c->client);
	want_read = busy || !blocked(c);
	tell_wants(c, want_read);
	/* More to do without anything new arriving? */
	if (busy || (want_read && (has_request(c) || (c->io->more && c->io->more(c))))) {
		c->waiting = true;
		conn_wake(c);
	}
}
