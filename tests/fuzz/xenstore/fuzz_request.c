/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer target: the store's requests and the ring's indices.
 *
 * The input is a stream of messages: one byte says who sends (bit 0: guest or
 * domain 0, bit 7: over the ring first), one the type, one the transaction, two
 * the length, then the payload as far as there is any. At the end every count
 * is checked and everything is freed, so that a leak shows too. Tries X8.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/proto/ring.h>
#include <xenstore/store/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop_event(void *ctx, const char *path, const char *token)
{
	if (strlen(path) + strlen(token) + 2 > XENSTORE_PAYLOAD_MAX) {
		abort();
	}
}

static uint32_t features(void *daemon)
{
	return 7;
}

static int get_feature(void *daemon, uint16_t domid, uint32_t *ret_value)
{
	*ret_value = domid & 7;
	return domid > 1000 ? -ENOENT : 0;
}

static int set_feature(void *daemon, uint16_t domid, uint32_t value)
{
	if (value & ~7u) {
		abort(); /* never more than there are */
	}
	return domid > 1000 ? -EBUSY : 0;
}

static const struct store_hooks hooks = {
	.event = drop_event,
	.features = features,
	.get_feature = get_feature,
	.set_feature = set_feature,
};

struct in {
	const uint8_t *p;
	size_t left;
};

static unsigned int take(struct in *in)
{
	if (!in->left) {
		return 0;
	}
	in->left--;
	return *in->p++;
}

/* Whatever the indices say, nothing beyond the page is touched. */
static void ring(struct in *in)
{
	struct xenstore_domain_interface *r = calloc(1, sizeof(*r));
	char buf[2048] = {0};
	size_t len = sizeof(*r) < in->left ? sizeof(*r) : in->left;
	ssize_t n;

	memcpy((char *)r + sizeof(*r) - len, in->p, len);
	n = ring_read(r, RING_REQ, buf, sizeof(buf));
	if (n > XENSTORE_RING_SIZE) {
		abort();
	}
	n = ring_write(r, RING_RSP, buf, sizeof(buf));
	if (n > XENSTORE_RING_SIZE) {
		abort();
	}
	free(r);
}

static void message(struct in *in, struct store_client *c)
{
	static char data[XENSTORE_PAYLOAD_MAX];
	struct store_reply reply = {.data = data};
	unsigned int type = take(in), tx = take(in);
	size_t len = take(in) | take(in) << 8;
	char *payload;

	if (len > in->left) {
		len = in->left;
	}
	if (len > XENSTORE_PAYLOAD_MAX) {
		len = XENSTORE_PAYLOAD_MAX;
	}
	payload = malloc(len ? len : 1);
	memcpy(payload, in->p, len);
	in->p += len;
	in->left -= len;
	store_request(c, type, tx, payload, len, &reply);
	free(payload);
	if (reply.len > XENSTORE_PAYLOAD_MAX || (reply.type != type && reply.type != XS_ERROR)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in in = {data, size};
	struct store *s = store_create(&hooks, NULL);
	struct store_client *c[2];

	c[0] = store_client_create(s, 0, NULL);
	c[1] = store_client_create(s, 3, NULL);
	store_quota(s)->nodes = 50;
	store_preset(s, "/local/domain/3", "");
	while (in.left) {
		unsigned int who = take(&in);

		if (who & 0x80) {
			ring(&in);
		}
		message(&in, c[who & 1]);
		if ((who & 0x70) == 0x70) {
			store_domain_forget(s, 3, who & 2);
		}
	}
	if (store_check(s)) {
		abort();
	}
	store_client_destroy(c[0]);
	store_client_destroy(c[1]);
	store_destroy(s);
	return 0;
}
