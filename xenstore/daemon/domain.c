/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Domains: their rings, and how they come and go.
 *
 *   INTRODUCE          known, ring mapped, port bound, connected
 *   shut down          told (@releaseDomain), everything stays
 *   dying              told; ring unmapped, so that its frame can be freed
 *   gone               told; its nodes and permissions forgotten
 *   RELEASE            ring unmapped, told; nodes stay until it is gone, which
 *                      is not told again
 *
 * A ring on which something impossible was seen is left alone, with the reason
 * in its error field, until the domain asks to reconnect or is introduced
 * again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <xenstore/daemon/daemon.h>
#include <xenstore/proto/ring.h>
#include <xenstore/store/util.h>

/* The third bit of server_features: WATCH takes a depth. */
#define FEATURE_WATCH_DEPTH 4u
#define FEATURES \
	(XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR | FEATURE_WATCH_DEPTH)

/* What SET_FEATURE has said of a domain that is to come. */
struct offer {
	struct offer *next;
	uint16_t domid;
	uint32_t features;
};

#define MAX_EVENTS 64 /* taken at a time */

struct domain {
	struct domain *next;
	struct xsd *d;
	uint16_t domid;
	int target; /* or -1 */
	struct xenstore_domain_interface *ring; /* NULL: not connected */
	uint32_t port;
	uint64_t gfn; /* with which it was introduced */
	uint32_t remote_port;
	struct conn *conn; /* NULL: no ring, or one given up */
	enum domain_state told; /* the last state that was announced */
	bool restore; /* the journal says that it has a ring */
	bool released; /* kept only to notice when it is gone */
};

static struct domain *find(struct xsd *d, uint16_t domid)
{
	struct domain *dom = d->domains;

	while (dom && dom->domid != domid) {
		dom = dom->next;
	}
	return dom;
}

/* The same for what the toolstack may name. */
static struct domain *find_known(struct xsd *d, uint16_t domid)
{
	struct domain *dom = find(d, domid);

	return dom && !dom->released ? dom : NULL;
}

static struct offer **find_offer(struct xsd *d, uint16_t domid)
{
	struct offer **pp = &d->offers;

	while (*pp && (*pp)->domid != domid) {
		pp = &(*pp)->next;
	}
	return pp;
}

static void forget_offer(struct xsd *d, uint16_t domid)
{
	struct offer **pp = find_offer(d, domid), *o = *pp;

	if (o) {
		*pp = o->next;
		free(o);
	}
}

uint32_t domain_features(void *daemon)
{
	return FEATURES;
}

int domain_get_feature(void *daemon, uint16_t domid, uint32_t *ret_value)
{
	struct domain *dom = find(daemon, domid);
	struct offer *o = *find_offer(daemon, domid);

	if (!o && !dom) {
		return -ENOENT;
	}
	*ret_value = o ? o->features : FEATURES;
	return 0;
}

static void offer(struct xsd *d, uint16_t domid, uint32_t features)
{
	struct offer *o;

	forget_offer(d, domid);
	if (features != FEATURES) {
		o = store_zalloc(sizeof(*o));
		*o = (struct offer){d->offers, domid, features};
		d->offers = o;
	}
}

/* ---- in the journal ------------------------------------------------------ */

enum ring_state { RING_NONE, RING_SERVED, RING_GIVEN_UP };

static void put_record(struct rec *r, const struct domain *dom)
{
	rec_begin(r, 'D');
	rec_u16(r, dom->domid);
	rec_u8(r, dom->conn ? RING_SERVED : dom->ring ? RING_GIVEN_UP : RING_NONE);
	rec_u64(r, dom->gfn);
	rec_u32(r, dom->remote_port);
	rec_u32(r, (uint32_t)dom->target);
	rec_u8(r, dom->told);
	rec_u8(r, dom->released);
	rec_end(r);
}

static void record(const struct domain *dom)
{
	if (dom->d->journal) {
		put_record(store_batch(dom->d->store), dom);
	}
}

static void put_offer(struct rec *r, uint16_t domid, uint32_t features)
{
	rec_begin(r, 'f');
	rec_u16(r, domid);
	rec_u32(r, features);
	rec_end(r);
}

int domain_set_feature(void *daemon, uint16_t domid, uint32_t value)
{
	struct xsd *d = daemon;

	if (find(d, domid)) {
		return -EBUSY;
	}
	offer(d, domid, value);
	if (d->journal) {
		put_offer(store_batch(d->store), domid, value);
	}
	return 0;
}

void domain_record_all(struct xsd *d, struct rec *r)
{
	for (struct offer *o = d->offers; o; o = o->next) {
		put_offer(r, o->domid, o->features);
	}
	for (struct domain *dom = d->domains; dom; dom = dom->next) {
		put_record(r, dom);
	}
}

/* ---- the ring as a connection -------------------------------------------- */

/* How many bytes the request that begins in @c->in still lacks. */
static size_t lacking(const struct conn *c)
{
	size_t have = c->in_tail - c->in_head;
	struct xsd_sockmsg hdr;

	if (have < sizeof(hdr)) {
		return sizeof(hdr) - have;
	}
	memcpy(&hdr, c->in + c->in_head, sizeof(hdr));
	return hdr.len > XENSTORE_PAYLOAD_MAX ? 0 : sizeof(hdr) + hdr.len - have;
}

/* One request and no byte of the next: see slot.h. */
static ssize_t read_request(struct conn *c, char *buf)
{
	struct xenstore_domain_interface *ring = c->dom->ring;
	size_t at = c->in_tail, want;
	ssize_t n, sum = 0;

	while ((want = lacking(c))) {
		n = ring_peek(ring, RING_REQ, buf + sum, want);
		if (n <= 0) {
			c->in_tail = at;
			return n < 0 ? n : sum;
		}
		slot_took(c->slot, buf + sum, c->in_tail, (size_t)n, ring->req_cons + (uint32_t)n);
		ring_took(ring, RING_REQ, (size_t)n);
		sum += n;
		c->in_tail += (size_t)n;
	}
	c->in_tail = at;
	return sum;
}

static ssize_t dom_read(struct conn *c, void *buf, size_t len)
{
	if (c->slot) {
		return read_request(c, buf);
	}
	return ring_read(c->dom->ring, RING_REQ, buf, len);
}

static ssize_t dom_write(struct conn *c, const void *buf, size_t len)
{
	struct xenstore_domain_interface *ring = c->dom->ring;
	struct xsd_sockmsg hdr;

	if (c->slot && c->out.frame_left) {
		len = c->out.frame_left;
	} else if (c->slot) {
		memcpy(&hdr, buf, sizeof(hdr));
		len = sizeof(hdr) + hdr.len;
		slot_sending(c->slot, buf, len, ring->rsp_prod);
	}
	return ring_write(ring, RING_RSP, buf, len);
}

static bool dom_more(struct conn *c)
{
	return ring_filled(c->dom->ring, RING_REQ) != 0;
}

static void dom_moved(struct conn *c)
{
	platform_notify(c->d->platform, c->dom->port);
}

static void dom_failed(struct conn *c, int error)
{
	struct domain *dom = c->dom;
	const char *why = "doesn't take its events";
	uint32_t code = XENSTORE_ERROR_COMM;

	if (error == -EPROTO) {
		why = "sent a message that is too long";
		code = XENSTORE_ERROR_PROTO;
	} else if (error == -EIO) {
		why = "has impossible indices in its ring";
		code = XENSTORE_ERROR_RINGIDX;
	}
	log_line(c->d, "domain %u %s: not served until it reconnects", dom->domid, why);
	__atomic_store_n(&dom->ring->error, code, __ATOMIC_SEQ_CST);
	platform_notify(c->d->platform, dom->port);
	slot_unmap(c->d, c->slot, dom->domid, true);
	c->slot = NULL;
	dom->conn = NULL;
	record(dom);
}

static const struct conn_io ring_io = {
	.read = dom_read,
	.write = dom_write,
	.more = dom_more,
	.moved = dom_moved,
	.failed = dom_failed,
};

static struct conn *ring_conn(struct domain *dom)
{
	struct conn *c = conn_create(dom->d, &ring_io, dom->domid);

	c->dom = dom;
	dom->conn = c;
	store_client_set_durable(c->client);
	store_client_set_target(c->client, dom->target);
	return c;
}

static void connect_ring(struct domain *dom)
{
	struct conn *c = ring_conn(dom);

	c->slot = slot_map(dom->d, dom->domid);
	if (c->slot) {
		slot_reset(c->slot, dom->ring->req_cons);
	}
	conn_wake(c);
}

/* The domain wants to start afresh: everything it had here is forgotten. */
static void reconnect(struct domain *dom)
{
	log_line(dom->d, "domain %u: reconnects", dom->domid);
	if (dom->conn) {
		conn_reset(dom->conn);
	} else {
		connect_ring(dom);
	}
	if (dom->conn->slot) {
		slot_reset(dom->conn->slot, 0);
	}
	ring_reset(dom->ring);
	record(dom);
	commit(dom->d);
	__atomic_store_n(&dom->ring->error, XENSTORE_ERROR_NONE, __ATOMIC_SEQ_CST);
	__atomic_store_n(&dom->ring->connection, XENSTORE_CONNECTED, __ATOMIC_SEQ_CST);
	platform_notify(dom->d->platform, dom->port);
}

static void dom_event(struct domain *dom)
{
	if (__atomic_load_n(&dom->ring->connection, __ATOMIC_ACQUIRE) == XENSTORE_RECONNECT) {
		reconnect(dom);
	}
	if (dom->conn) {
		conn_wake(dom->conn);
	}
}

/* ---- connecting ---------------------------------------------------------- */

static void port_set(struct xsd *d, uint32_t port, struct domain *dom)
{
	if (port >= d->nr_ports) {
		uint32_t nr = port + 64;

		d->by_port = store_realloc(d->by_port, nr * sizeof(struct domain *));
		memset(d->by_port + d->nr_ports, 0, (nr - d->nr_ports) * sizeof(struct domain *));
		d->nr_ports = nr;
	}
	d->by_port[port] = dom;
}

static void disconnect(struct domain *dom)
{
	struct xsd *d = dom->d;

	if (!dom->ring) {
		return;
	}
	if (dom->conn) {
		slot_unmap(d, dom->conn->slot, dom->domid, !d->stop);
		dom->conn->slot = NULL;
		conn_reset(dom->conn);
		conn_kill(dom->conn);
		dom->conn = NULL;
	}
	port_set(d, dom->port, NULL);
	platform_unbind(d->platform, dom->port);
	platform_ring_unmap(d->platform, dom->ring);
	dom->ring = NULL;
}

static int attach(struct domain *dom, struct xenstore_domain_interface *ring, uint32_t remote_port)
{
	struct xsd *d = dom->d;
	struct offer *o;
	int rc = platform_bind(d->platform, dom->domid, remote_port);

	if (rc < 0) {
		platform_ring_unmap(d->platform, ring);
		return rc;
	}
	dom->ring = ring;
	dom->remote_port = remote_port;
	dom->port = (uint32_t)rc;
	port_set(d, dom->port, dom);
	o = *find_offer(d, dom->domid);
	ring->server_features = o ? o->features : FEATURES;
	return 0;
}

static int introduce_ring(struct domain *dom, uint64_t gfn, uint32_t port)
{
	struct xenstore_domain_interface *ring;
	int rc = platform_ring_map(dom->d->platform, dom->domid, gfn, &ring);

	if (rc) {
		return rc;
	}
	ring_reset(ring);
	ring->error = XENSTORE_ERROR_NONE;
	rc = attach(dom, ring, port);
	if (rc) {
		return rc;
	}
	dom->gfn = gfn;
	connect_ring(dom);
	if (ring->connection == XENSTORE_RECONNECT) {
		__atomic_store_n(&ring->connection, XENSTORE_CONNECTED, __ATOMIC_SEQ_CST);
		platform_notify(dom->d->platform, dom->port);
	}
	return 0;
}

static struct domain *create(struct xsd *d, uint16_t domid)
{
	struct domain *dom = store_zalloc(sizeof(*dom));

	dom->d = d;
	dom->domid = domid;
	dom->target = -1;
	dom->told = DOMAIN_RUNNING;
	dom->next = d->domains;
	d->domains = dom;
	return dom;
}

static void destroy(struct domain *dom)
{
	struct xsd *d = dom->d;
	struct domain **pp = &d->domains;

	disconnect(dom);
	forget_offer(d, dom->domid);
	while (*pp != dom) {
		pp = &(*pp)->next;
	}
	*pp = dom->next;
	if (d->journal) {
		rec_begin(store_batch(d->store), 'G');
		rec_u16(store_batch(d->store), dom->domid);
		rec_end(store_batch(d->store));
	}
	for (struct domain *o = d->domains; o; o = o->next) {
		if (o->target == dom->domid) {
			o->target = -1;
			if (o->conn) {
				store_client_set_target(o->conn->client, -1);
			}
			record(o);
		}
	}
	free(dom);
}

int domain_introduce(void *daemon, uint16_t domid, uint64_t gfn, uint32_t port)
{
	struct xsd *d = daemon;
	struct domain *dom = find(d, domid);
	bool fresh = !dom;
	int rc;

	if (domid == 0) {
		return -EINVAL;
	}
	if (!d->platform || platform_domain_state(d->platform, domid) == DOMAIN_GONE) {
		return -ENOENT;
	}
	if (fresh) {
		dom = create(d, domid);
	} else {
		disconnect(dom);
		dom->released = false;
	}
	rc = introduce_ring(dom, gfn, port);
	if (rc) {
		log_line(d, "domain %u: can't connect: %s", domid, strerror(-rc));
		if (fresh) {
			destroy(dom);
		}
		return -EINVAL;
	}
	record(dom);
	store_domain_introduced(d->store, domid);
	return 0;
}

/* ---- going --------------------------------------------------------------- */

static void forget(struct xsd *d, uint16_t domid)
{
	store_domain_forget(d->store, domid, d->opt.keep_orphans);
}

/* Announces what has become of a domain. May free it. */
static void update(struct domain *dom)
{
	struct xsd *d = dom->d;
	uint16_t domid = dom->domid;
	enum domain_state state =
		d->platform ? platform_domain_state(d->platform, domid) : DOMAIN_GONE;
	bool tell = !dom->released;

	if (state == dom->told || state == DOMAIN_RUNNING) {
		return;
	}
	dom->told = state;
	if (state == DOMAIN_DYING) {
		disconnect(dom);
	}
	if (state == DOMAIN_GONE) {
		destroy(dom);
	} else {
		record(dom);
	}
	if (tell) {
		store_domain_released(d->store, domid);
	}
	if (state == DOMAIN_GONE) {
		forget(d, domid);
	}
}

static void update_all(struct xsd *d)
{
	for (struct domain *dom = d->domains, *next; dom; dom = next) {
		next = dom->next;
		if (dom->domid) {
			update(dom);
		}
	}
}

int domain_release(void *daemon, uint16_t domid)
{
	struct xsd *d = daemon;
	struct domain *dom = find_known(d, domid);
	bool gone;

	if (domid == 0) {
		return -EINVAL;
	}
	if (!dom) {
		return -ENOENT;
	}
	gone = platform_domain_state(d->platform, domid) == DOMAIN_GONE;
	if (gone) {
		destroy(dom);
	} else {
		disconnect(dom);
		dom->released = true;
		record(dom);
	}
	store_domain_released(d->store, domid);
	if (gone) {
		forget(d, domid);
	}
	return 0;
}

int domain_resume(void *daemon, uint16_t domid)
{
	struct domain *dom = find_known(daemon, domid);

	if (!dom) {
		return -ENOENT;
	}
	dom->told = DOMAIN_RUNNING;
	record(dom);
	return 0;
}

int domain_set_target(void *daemon, uint16_t domid, uint16_t target)
{
	struct xsd *d = daemon;
	struct domain *dom = find_known(d, domid);

	/* The control domain may do everything anyway. */
	if (domid == 0) {
		return 0;
	}
	if (!dom || (target != 0 && !find_known(d, target))) {
		return -ENOENT;
	}
	dom->target = target;
	record(dom);
	if (dom->conn) {
		store_client_set_target(dom->conn->client, target);
	}
	return 0;
}

bool domain_is_introduced(void *daemon, uint16_t domid)
{
	struct domain *dom = find(daemon, domid);

	return dom && dom->ring;
}

/* ---- events and start ---------------------------------------------------- */

static void platform_ready(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, platform_src));
	int port;

	/* A domain that floods us with events mustn't keep us in here. */
	for (int i = 0; i < MAX_EVENTS; i++) {
		port = platform_pending(d->platform);
		if (port < 0) {
			break;
		}
		platform_unmask(d->platform, (uint32_t)port);
		if ((uint32_t)port == platform_domexc_port(d->platform)) {
			update_all(d);
		} else if ((uint32_t)port < d->nr_ports && d->by_port[port]) {
			dom_event(d->by_port[port]);
		}
	}
}

static int connect_self(struct xsd *d)
{
	struct xenstore_domain_interface *ring;
	struct domain *dom;
	uint32_t port;
	int rc;

	if (find(d, 0)) {
		return 0; /* the journal knew it */
	}
	rc = platform_ring_own(d->platform, &ring, &port);
	if (rc) {
		return rc;
	}
	dom = create(d, 0);
	rc = attach(dom, ring, port);
	if (rc) {
		destroy(dom);
		return rc;
	}
	connect_ring(dom);
	record(dom);
	platform_notify(d->platform, dom->port);
	return 0;
}

/* ---- starting again ------------------------------------------------------ */

int domain_apply(struct xsd *d, int type, struct rec_in *in)
{
	uint16_t domid = (uint16_t)rec_get_u16(in);
	struct domain *dom = find(d, domid);
	unsigned int state;

	switch (type) {
	case 'E':
		d->last = (struct last_request){true, domid, rec_get_u32(in)};
		d->last.reply = rec_get_bytes(in, &d->last.len);
		d->last.there = !in->bad && d->last.len <= SLOT_MESSAGE;
		return in->bad ? -EINVAL : 0;
	case 'G':
		if (in->bad || !dom) {
			return -EINVAL;
		}
		if (dom->conn) {
			conn_free(dom->conn);
			dom->conn = NULL;
		}
		destroy(dom);
		return 0;
	case 'f':
		offer(d, domid, rec_get_u32(in) & FEATURES);
		return in->bad ? -EINVAL : 0;
	case 'D':
		break;
	default:
		return 1;
	}
	dom = dom ? dom : create(d, domid);
	state = rec_get_u8(in);
	dom->gfn = rec_get_u64(in);
	dom->remote_port = rec_get_u32(in);
	dom->target = (int)rec_get_u32(in);
	dom->told = rec_get_u8(in) % (DOMAIN_DYING + 1);
	dom->released = rec_get_u8(in) != 0;
	dom->restore = state != RING_NONE;
	if (state == RING_SERVED && !dom->conn) {
		ring_conn(dom);
	} else if (state != RING_SERVED && dom->conn) {
		conn_free(dom->conn);
		dom->conn = NULL;
	}
	if (dom->conn) {
		store_client_set_target(dom->conn->client, dom->target);
	}
	return in->bad ? -EINVAL : 0;
}

/*
 * The ring goes on where the last daemon was: what it had taken is taken, what
 * it had begun to send is sent.
 */
static void resume_ring(struct domain *dom)
{
	struct xsd *d = dom->d;
	struct conn *c = dom->conn;
	struct slot *s = slot_map(d, dom->domid);
	struct slot_rest rest;
	uint32_t req_cons;

	c->slot = s;
	if (!s) {
		return;
	}
	if (d->last.there && d->last.domid == dom->domid && d->last.serial == slot_serial(s)) {
		slot_done(s, d->last.reply, d->last.len);
	}
	c->in_tail = slot_taken(s, c->in, &req_cons);
	__atomic_store_n(&dom->ring->req_cons, req_cons, __ATOMIC_SEQ_CST);
	rest = slot_rest(s, dom->ring->rsp_prod);
	conn_resend(c, rest.part, rest.part_len, true, rest.part_event);
	conn_resend(c, rest.reply, rest.reply_len, false, false);
	store_client_retell(c->client);
}

static int restore_ring(struct domain *dom)
{
	struct platform *p = dom->d->platform;
	struct xenstore_domain_interface *ring;
	uint32_t port = dom->remote_port;
	int rc;

	if (dom->domid) {
		rc = platform_ring_map(p, dom->domid, dom->gfn, &ring);
	} else {
		rc = platform_ring_own(p, &ring, &port);
	}
	rc = rc ? rc : attach(dom, ring, port);
	if (rc) {
		return rc;
	}
	if (dom->conn) {
		resume_ring(dom);
	}
	dom_event(dom);
	platform_notify(p, dom->port);
	return 0;
}

/* Domains that the journal tells of: connects those that are still there. */
static void restore_all(struct xsd *d)
{
	int rc;

	for (struct domain *dom = d->domains, *next; dom; dom = next) {
		next = dom->next;
		if (!dom->restore) {
			continue;
		}
		dom->restore = false;
		rc = d->platform ? restore_ring(dom) : -ENODEV;
		if (rc) {
			log_line(d, "domain %u: can't connect again: %s", dom->domid,
				 strerror(-rc));
			if (dom->conn) {
				conn_kill(dom->conn);
				dom->conn = NULL;
			}
			record(dom);
		}
	}
	d->last.there = false;
	update_all(d);
}

/* ---- live update --------------------------------------------------------- */

void domain_give(struct xsd *d, struct rec *r)
{
	for (struct domain *dom = d->domains; dom; dom = dom->next) {
		if (dom->ring) {
			rec_begin(r, 'p');
			rec_u16(r, dom->domid);
			rec_u32(r, dom->port);
			rec_end(r);
		}
	}
}

int domain_adopt(struct xsd *d, int evtchn_fd, uint32_t domexc_port)
{
	int rc = platform_adopt(&d->platform, evtchn_fd, domexc_port);

	if (rc) {
		d->platform = NULL;
		return rc;
	}
	d->platform_src = (struct source){platform_ready, platform_fd(d->platform)};
	return loop_add(d, &d->platform_src, EPOLLIN);
}

int domain_take(struct xsd *d, struct rec_in *in)
{
	struct domain *dom = find(d, (uint16_t)rec_get_u16(in));
	uint32_t port = rec_get_u32(in), own;
	int rc;

	if (in->bad || !dom || !d->platform) {
		return -EPROTO;
	}
	if (dom->domid) {
		rc = platform_ring_map(d->platform, dom->domid, dom->gfn, &dom->ring);
	} else {
		rc = platform_ring_own(d->platform, &dom->ring, &own);
	}
	if (rc) {
		return rc;
	}
	dom->restore = false;
	dom->port = port;
	port_set(d, port, dom);
	if (dom->conn) {
		dom->conn->slot = slot_map(d, dom->domid);
	}
	return 0;
}

struct conn *domain_conn(struct xsd *d, uint16_t domid)
{
	struct domain *dom = find(d, domid);

	return dom ? dom->conn : NULL;
}

int domain_init(struct xsd *d)
{
	int rc = platform_open(&d->platform);

	if (rc) {
		d->platform = NULL;
		restore_all(d);
		log_line(d, "no hypervisor (%s): serving the socket only", strerror(-rc));
		return 0;
	}
	d->platform_src = (struct source){platform_ready, platform_fd(d->platform)};
	rc = loop_add(d, &d->platform_src, EPOLLIN);
	if (rc) {
		return rc;
	}
	restore_all(d);
	if (d->opt.no_domain_init) {
		return 0;
	}
	rc = connect_self(d);
	if (rc) {
		log_line(d, "can't connect the control domain itself: %s", strerror(-rc));
	}
	return rc;
}

void domain_fini(struct xsd *d)
{
	for (struct domain *dom = d->domains, *next; dom; dom = next) {
		next = dom->next;
		destroy(dom);
	}
	while (d->offers) {
		forget_offer(d, d->offers->domid);
	}
	platform_close(d->platform);
	d->platform = NULL;
	free(d->by_port);
}
