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

	if (request_strings(rq, strs, 3) || wire_domid_parse(strs[0], &domid) ||
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
