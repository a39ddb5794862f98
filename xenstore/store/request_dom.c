/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Requests about domains. The daemon does the work through its hooks; here is
 * only what the protocol says about them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xenstore/store/internal.h>

#define FIRST_RESERVED 0x7ff0 /* domain ids that no domain has */

/* Frame numbers are sent as signed decimals. */
static int parse_gfn(const char *text, uint64_t *ret_gfn)
{
	bool minus = *text == '-';
	int rc = wire_number_parse(text + minus, UINT64_MAX, ret_gfn);

	if (minus) {
		*ret_gfn = 0 - *ret_gfn;
	}
	return rc;
}

static int introduce(struct request *rq, const struct store_hooks *h, void *daemon)
{
	const char *strs[3];
	uint64_t gfn, port;
	uint16_t domid;

	/* What comes behind these is reserved; Debian's C daemon accepts strings as well. */
	if (request_strings_open(rq, strs, 3) < 3 || wire_domid_parse(strs[0], &domid) ||
	    parse_gfn(strs[1], &gfn) || wire_number_parse(strs[2], UINT32_MAX, &port) ||
	    port == 0) {
		return -EINVAL;
	}
	return h->introduce ? h->introduce(daemon, domid, gfn, (uint32_t)port) : -ENOSYS;
}

static int domain_path(struct request *rq, uint16_t domid)
{
	char path[32];
	int len = snprintf(path, sizeof(path), "/local/domain/%u", domid);

	return request_reply(rq, path, (size_t)len + 1);
}

static int one_domain(struct request *rq, const struct store_hooks *h, void *daemon, uint16_t domid)
{
	switch (rq->type) {
	case XS_RELEASE:
		return h->release ? h->release(daemon, domid) : -ENOSYS;
	case XS_RESUME:
		return h->resume ? h->resume(daemon, domid) : -ENOSYS;
	default:
		return -ENOSYS;
	}
}

int request_domain(struct request *rq)
{
	const struct store_hooks *h = rq->client->store->hooks;
	void *daemon = rq->client->store->daemon;
	uint16_t domid, target;
	const char *strs[2];
	bool there;
	int rc;

	if (rq->type == XS_INTRODUCE) {
		rc = introduce(rq, h, daemon);
		return rc ? rc : request_ok(rq);
	}
	if (rq->type == XS_SET_TARGET) {
		if (request_strings(rq, strs, 2) || wire_domid_parse(strs[0], &domid) ||
		    wire_domid_parse(strs[1], &target)) {
			return -EINVAL;
		}
		rc = h->set_target ? h->set_target(daemon, domid, target) : -ENOSYS;
		return rc ? rc : request_ok(rq);
	}
	if (request_strings(rq, strs, 1) || wire_domid_parse(strs[0], &domid)) {
		return -EINVAL;
	}
	if (rq->type == XS_GET_DOMAIN_PATH) {
		return domain_path(rq, domid);
	}
	if (rq->type == XS_IS_DOMAIN_INTRODUCED) {
		there = domid == 0 || (h->is_introduced && h->is_introduced(daemon, domid));
		return request_reply(rq, there ? "T" : "F", 2);
	}
	rc = one_domain(rq, h, daemon, domid);
	return rc ? rc : request_ok(rq);
}

/* ---- quotas and features ------------------------------------------------- */

/* All names, with blanks between. */
static int quota_names(struct request *rq)
{
	size_t len = 0;

	for (enum quota q = 0; q < NR_QUOTAS; q++) {
		len += (size_t)sprintf(rq->reply->data + len, "%s%s", q ? " " : "", quota_name(q));
	}
	rq->reply->len = (uint32_t)len + 1;
	return 0;
}

static int reply_number(struct request *rq, uint64_t nr)
{
	char text[24];

	return request_reply(rq, text, (size_t)sprintf(text, "%llu", (unsigned long long)nr) + 1);
}

static int set_quota(struct request *rq, const char *domid_text, const char *name,
		     const char *value_text)
{
	struct store *s = rq->client->store;
	enum quota q = quota_by_name(name);
	struct account *a;
	uint64_t value;
	uint16_t domid;

	if (q == NR_QUOTAS || wire_number_parse(value_text, UINT32_MAX, &value)) {
		return -EINVAL;
	}
	if (!domid_text) {
		store_quota_change(s, name, value);
		return request_ok(rq);
	}
	if (wire_domid_parse(domid_text, &domid) || domid >= FIRST_RESERVED) {
		return -EINVAL;
	}
	a = account_of(s, domid);
	a->quota_set |= 1u << q;
	a->quota[q] = value;
	note_own_quota(s, a, q);
	return request_ok(rq);
}

int request_quota(struct request *rq)
{
	struct store *s = rq->client->store;
	struct account none = {NULL};
	const char *strs[3] = {""};
	int nr = wire_strings(rq->payload, rq->len, strs, 3);
	uint16_t domid;
	enum quota q;

	if (rq->type == WIRE_SET_QUOTA) {
		return nr == 2   ? set_quota(rq, NULL, strs[0], strs[1])
		       : nr == 3 ? set_quota(rq, strs[0], strs[1], strs[2])
				 : -EINVAL;
	}
	if (nr == 0 || (nr == 1 && !*strs[0])) {
		return quota_names(rq);
	}
	if (nr != 1 && nr != 2) {
		return -EINVAL;
	}
	q = quota_by_name(strs[nr - 1]);
	if (q == NR_QUOTAS ||
	    (nr == 2 && (wire_domid_parse(strs[0], &domid) || domid >= FIRST_RESERVED))) {
		return -EINVAL;
	}
	return reply_number(rq, quota_of(s, nr == 2 ? account_of(s, domid) : &none, q));
}

int request_feature(struct request *rq)
{
	const struct store_hooks *h = rq->client->store->hooks;
	void *daemon = rq->client->store->daemon;
	const char *strs[2] = {""};
	int nr = wire_strings(rq->payload, rq->len, strs, 2), rc;
	bool set = rq->type == WIRE_SET_FEATURE;
	uint32_t features;
	uint64_t value;
	uint16_t domid;

	if (!h->features) {
		return -ENOSYS;
	}
	if (!set && (nr == 0 || (nr == 1 && !*strs[0]))) {
		return reply_number(rq, h->features(daemon));
	}
	if (nr != 1 + set || wire_domid_parse(strs[0], &domid)) {
		return -EINVAL;
	}
	if (!set) {
		rc = h->get_feature(daemon, domid, &features);
		return rc ? rc : reply_number(rq, features);
	}
	if (domid >= FIRST_RESERVED || wire_number_parse(strs[1], UINT32_MAX, &value) ||
	    (value & ~(uint64_t)h->features(daemon))) {
		return -EINVAL;
	}
	rc = h->set_feature(daemon, domid, (uint32_t)value);
	return rc ? rc : request_ok(rq);
}
