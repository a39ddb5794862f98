/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Requests one by one: what they answer, to whom, and what they tell watchers.
 * The expectations are what Debian's C xenstored does, unless a comment says
 * why not.
 */
#include "harness.h"

struct fix {
	struct store *s;
	struct test_client *dom0, *g3, *g4;
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->s = store_create(&test_hooks, NULL);
	f->dom0 = client_new(f->s, 0);
	f->g3 = client_new(f->s, 3);
	f->g4 = client_new(f->s, 4);
	assert_req(f->dom0, 0, XS_WRITE, "/local/domain/3|", "OK|");
	assert_req(f->dom0, 0, XS_SET_PERMS, "/local/domain/3|n3|", "OK|");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	assert_sound(f->s);
	client_free(f->dom0);
	client_free(f->g3);
	client_free(f->g4);
	assert_sound(f->s);
	store_destroy(f->s);
	free(f);
	return 0;
}

static void basics(void **state)
{
	struct test_client *c = ((struct fix *)*state)->dom0;

	assert_req(c, 0, XS_WRITE, "/a/b/c|value", "OK|");
	assert_req(c, 0, XS_READ, "/a/b/c|", "value");
	assert_req(c, 0, XS_READ, "/a/b|", "");
	assert_req(c, 0, XS_DIRECTORY, "/a|", "b|");
	assert_req(c, 0, XS_DIRECTORY, "/a/b/c|", "");
	assert_req(c, 0, XS_DIRECTORY, "/|", "a|local|");
	assert_req(c, 0, XS_WRITE, "/a/b/c|", "OK|");
	assert_req(c, 0, XS_READ, "/a/b/c|", "");
	assert_req(c, 0, XS_MKDIR, "/a/b/c|", "OK|");
	assert_req(c, 0, XS_MKDIR, "/a/m/n|", "OK|");
	assert_req(c, 0, XS_DIRECTORY, "/a|", "b|m|");
	assert_req(c, 0, XS_READ, "/a/x|", "ENOENT");
	assert_req(c, 0, XS_RM, "/a/x|", "OK|");
	assert_req(c, 0, XS_RM, "/a/x/y|", "ENOENT");
	assert_req(c, 0, XS_RM, "/|", "EINVAL");
	assert_req(c, 0, XS_RM, "/a|", "OK|");
	assert_req(c, 0, XS_READ, "/a/b/c|", "ENOENT");
	assert_req(c, 0, XS_WRITE, "rel/x|v", "OK|");
	assert_req(c, 0, XS_READ, "/local/domain/0/rel/x|", "v");
}

static void malformed(void **state)
{
	struct test_client *c = ((struct fix *)*state)->dom0;
	static const uint32_t paths_only[] = {XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_MKDIR, XS_RM};

	for (size_t i = 0; i < 5; i++) {
		assert_req(c, 0, paths_only[i], "", "EINVAL");
		assert_req(c, 0, paths_only[i], "/local", "EINVAL");
		assert_req(c, 0, paths_only[i], "/local|x", "EINVAL");
		assert_req(c, 0, paths_only[i], "/local||", "EINVAL");
		assert_req(c, 0, paths_only[i], "/local/|", "EINVAL");
		assert_req(c, 0, paths_only[i], "|", "EINVAL");
	}
	assert_req(c, 0, XS_WRITE, "/x", "EINVAL");
	assert_req(c, 0, XS_WRITE, "/x y|", "EINVAL");
	assert_req(c, 0, XS_WRITE, "@x|v", "EINVAL");
	assert_req(c, 0, XS_SET_PERMS, "/local|", "EINVAL");
	assert_req(c, 0, XS_SET_PERMS, "/local|n0", "EINVAL");
	assert_req(c, 0, XS_SET_PERMS, "/local|x0|", "EINVAL");
	assert_req(c, 0, XS_WATCH, "/x|", "EINVAL");
	assert_req(c, 0, XS_WATCH, "/x|t", "EINVAL");
	assert_req(c, 0, XS_WATCH, "/x/|t|", "EINVAL");
	assert_req(c, 0, XS_UNWATCH, "/x|t|", "ENOENT");
	assert_req(c, 0, 20, "3|", "ENOSYS");
	assert_req(c, 0, 23, "", "ENOSYS");
	assert_req(c, 0, 0xffffffff, "", "ENOSYS");
	assert_req(c, 0, XS_WATCH_EVENT, "a|b|", "ENOSYS");
	assert_req(c, 0, XS_ERROR, "", "ENOSYS");
	assert_req(c, 0, XS_DIRECTORY_PART, "/|", "EINVAL");
	assert_req(c, 0, XS_DIRECTORY_PART, "/|x|", "EINVAL");
}

static void permissions(void **state)
{
	struct fix *f = *state;

	assert_req(f->g3, 0, XS_WRITE, "a|x", "OK|");
	assert_req(f->g3, 0, XS_GET_PERMS, "a|", "n3|");
	assert_req(f->g4, 0, XS_READ, "/local/domain/3/a|", "EACCES");
	/* What is missing in somebody's secret is a secret too. */
	assert_req(f->g4, 0, XS_READ, "/local/domain/3/zz|", "EACCES");
	assert_req(f->g3, 0, XS_READ, "zz|", "ENOENT");
	assert_req(f->g3, 0, XS_SET_PERMS, "a|n3|r4|", "OK|");
	assert_req(f->g4, 0, XS_READ, "/local/domain/3/a|", "x");
	assert_req(f->g4, 0, XS_WRITE, "/local/domain/3/a|y", "EACCES");
	assert_req(f->g4, 0, XS_SET_PERMS, "/local/domain/3/a|n4|", "EACCES");
	assert_req(f->g3, 0, XS_SET_PERMS, "a|n0|", "EPERM");
	assert_req(f->g3, 0, XS_SET_PERMS, "a|w3|r5|", "OK|");
	assert_req(f->g4, 0, XS_WRITE, "/local/domain/3/a|y", "OK|");
	assert_req(f->g4, 0, XS_READ, "/local/domain/3/a|", "EACCES");
	/* A guest that creates owns; dom0 that creates gives it to the owner above. */
	assert_req(f->g4, 0, XS_WRITE, "/local/domain/3/a/new|", "OK|");
	assert_req(f->dom0, 0, XS_GET_PERMS, "/local/domain/3/a/new|", "w4|r5|");
	assert_req(f->dom0, 0, XS_WRITE, "/local/domain/3/d|", "OK|");
	assert_req(f->g3, 0, XS_GET_PERMS, "d|", "n3|");
	assert_req(f->g3, 0, XS_WRITE, "/top|v", "EACCES");
	assert_req(f->g3, 0, XS_RM, "/local|", "EACCES");
	assert_req(f->g3, 0, XS_DIRECTORY, "/|", "EACCES");
	store_client_set_target(f->g4->c, 3);
	assert_req(f->g4, 0, XS_RM, "/local/domain/3/a|", "OK|");
	store_client_set_target(f->g4->c, -1);
}

static void privileged_only(void **state)
{
	struct fix *f = *state;

	assert_req(f->g3, 0, XS_CONTROL, "help|", "EACCES");
	assert_req(f->g3, 0, XS_INTRODUCE, "4|1|1|", "EACCES");
	assert_req(f->g3, 0, XS_RELEASE, "4|", "EACCES");
	assert_req(f->g3, 0, XS_RESUME, "4|", "EACCES");
	assert_req(f->g3, 0, XS_SET_TARGET, "3|4|", "EACCES");
	assert_req(f->g3, 0, XS_IS_DOMAIN_INTRODUCED, "3|", "EACCES");
	assert_req(f->g3, 0, XS_GET_DOMAIN_PATH, "77|", "/local/domain/77|");
	assert_req(f->dom0, 0, XS_INTRODUCE, "4|1|", "EINVAL");
	assert_req(f->dom0, 0, XS_INTRODUCE, "4|-1|5|", "ENOSYS"); /* no hook here */
	assert_req(f->dom0, 0, XS_CONTROL, "nonsense|", "EINVAL");
	assert_req(f->dom0, 0, XS_CONTROL, "", "EINVAL");
	assert_req(f->dom0, 0, XS_CONTROL, "check|", "OK|");
}

static void watches(void **state)
{
	struct fix *f = *state;
	struct test_client *c = f->dom0;

	assert_req(c, 0, XS_WATCH, "/w/b|B1|", "OK|");
	assert_events(c, "/w/b|B1 ");
	assert_req(c, 0, XS_WATCH, "/w/b|B1|", "EEXIST");
	req(c, 0, XS_WATCH, "/|root|");
	req(c, 0, XS_WATCH, "/w|W|");
	req(c, 0, XS_WATCH, "/w/b|B2|");
	req(c, 0, XS_WATCH, "/w/b/c|C|");
	req(c, 0, XS_WATCH, "/w/b/zz|ZZ|");
	req(c, 0, XS_WATCH, "/w/b/c/d|D|");
	req(c, 0, XS_WATCH, "/w|depth0|0|");
	req(c, 0, XS_WATCH, "/w|depth1|1|");
	c->events[0] = '\0';
	req(c, 0, XS_WRITE, "/w/b/c/d|v");
	assert_events(c, "/w/b/c/d|B1 /w/b/c/d|root /w/b/c/d|W /w/b/c/d|B2 /w/b/c/d|C "
			 "/w/b/c/d|D ");
	req(c, 0, XS_SET_PERMS, "/w/b|n0|");
	assert_events(c, "/w/b|B1 /w/b|root /w/b|W /w/b|B2 /w/b|depth1 ");
	/* Deepest first; a watch below what was removed gets its own path. */
	req(c, 0, XS_RM, "/w/b|");
	assert_events(c, "/w/b/c/d|D /w/b/c|C /w/b|B1 /w/b|root /w/b|W /w/b|B2 /w/b|depth1 ");
	req(c, 0, XS_RM, "/w/b|");
	assert_events(c, "");
	req(c, 0, XS_MKDIR, "/w/b|");
	assert_events(c, "/w/b|B1 /w/b|root /w/b|W /w/b|B2 /w/b|depth1 ");
	req(c, 0, XS_MKDIR, "/w/b|");
	assert_events(c, "");
	assert_req(c, 0, XS_UNWATCH, "/w/b|B1|", "OK|");
	assert_req(c, 0, XS_UNWATCH, "/w/b|B1|", "ENOENT");
	assert_req(c, 0, XS_RESET_WATCHES, "|", "OK|");
	req(c, 0, XS_WRITE, "/w/b|x");
	assert_events(c, "");
}

static void watch_of_guest(void **state)
{
	struct fix *f = *state;

	assert_req(f->g3, 0, XS_WATCH, "data|rel|", "OK|");
	assert_req(f->g3, 0, XS_WATCH, "/local/domain/3/data|abs|", "OK|");
	assert_req(f->g3, 0, XS_WATCH, "/secret|s|", "OK|");
	assert_events(f->g3, "data|rel /local/domain/3/data|abs /secret|s ");
	req(f->dom0, 0, XS_WRITE, "/local/domain/3/data/x|v");
	req(f->dom0, 0, XS_WRITE, "/secret/y|v");
	assert_events(f->g3, "data/x|rel /local/domain/3/data/x|abs ");
	req(f->dom0, 0, XS_SET_PERMS, "/secret/y|n0|r3|");
	assert_events(f->g3, "/secret/y|s ");
	req(f->dom0, 0, XS_RM, "/secret/y|");
	assert_events(f->g3, "/secret/y|s ");
	req(f->dom0, 0, XS_RM, "/local/domain/3|");
	assert_events(f->g3, "data|rel /local/domain/3/data|abs ");
}

static void specials(void **state)
{
	struct fix *f = *state;

	req(f->dom0, 0, XS_WATCH, "@releaseDomain|r|");
	req(f->dom0, 0, XS_WATCH, "@releaseDomain/4|r4|");
	req(f->dom0, 0, XS_WATCH, "@releaseDomain|which|1|");
	assert_req(f->dom0, 0, XS_WATCH, "@releaseDomain|no|2|", "EINVAL");
	req(f->g3, 0, XS_WATCH, "@releaseDomain|g|");
	f->dom0->events[0] = f->g3->events[0] = '\0';
	store_domain_released(f->s, 4);
	assert_events(f->dom0, "@releaseDomain|r @releaseDomain/4|r4 @releaseDomain/4|which ");
	assert_events(f->g3, "");
	assert_req(f->g3, 0, XS_GET_PERMS, "@releaseDomain|", "EACCES");
	assert_req(f->g3, 0, XS_SET_PERMS, "@releaseDomain|n3|", "EACCES");
	assert_req(f->dom0, 0, XS_SET_PERMS, "@releaseDomain|n0|r3|", "OK|");
	assert_req(f->dom0, 0, XS_GET_PERMS, "@releaseDomain|", "n0|r3|");
	store_domain_released(f->s, 5);
	assert_events(f->g3, "@releaseDomain|g ");
	assert_events(f->dom0, "@releaseDomain|r @releaseDomain/5|which ");
	store_domain_introduced(f->s, 5);
	assert_events(f->dom0, "");
}

static void quotas(void **state)
{
	struct fix *f = *state;
	char text[3000], want[16];
	int n;

	store_quota(f->s)->nodes = 10;
	store_quota(f->s)->watches = 5;
	store_quota(f->s)->transactions = 2;
	store_quota(f->s)->tx_nodes = 3;
	for (n = 0; n < 9; n++) {
		snprintf(text, sizeof(text), "n%d|", n);
		assert_req(f->g3, 0, XS_MKDIR, text, "OK|");
	}
	assert_req(f->g3, 0, XS_MKDIR, "more|", "ENOSPC");
	assert_req(f->g3, 0, XS_RM, "n0|", "OK|");
	assert_req(f->g3, 0, XS_MKDIR, "x/y|", "ENOSPC");
	assert_req(f->g3, 0, XS_MKDIR, "x|", "OK|");
	assert_req(f->dom0, 0, XS_MKDIR, "/local/domain/3/by-dom0|", "OK|");
	for (n = 0; n < 5; n++) {
		snprintf(text, sizeof(text), "x|t%d|", n);
		assert_req(f->g3, 0, XS_WATCH, text, "OK|");
	}
	assert_req(f->g3, 0, XS_WATCH, "x|t|", "E2BIG");
	assert_req(f->g3, 0, XS_TRANSACTION_START, "|", "1|");
	assert_req(f->g3, 0, XS_TRANSACTION_START, "|", "2|");
	assert_req(f->g3, 0, XS_TRANSACTION_START, "|", "ENOSPC");
	assert_req(f->g3, 1, XS_READ, "n1|", "");
	assert_req(f->g3, 1, XS_READ, "n2|", "");
	assert_req(f->g3, 1, XS_READ, "n3|", "");
	assert_req(f->g3, 1, XS_READ, "n3|", "");
	assert_req(f->g3, 1, XS_READ, "n4|", "ENOSPC");
	assert_req(f->g3, 0, XS_SET_PERMS, "x|n3|r1|r2|r4|r5|", "OK|");
	assert_req(f->g3, 0, XS_SET_PERMS, "x|n3|r1|r2|r4|r5|r6|", "ENOSPC");
	memset(text, 'v', sizeof(text));
	memcpy(text, "n1|", 3);
	text[3 + 2016] = '\0';
	assert_req(f->g3, 0, XS_WRITE, text, "OK|");
	text[3 + 2016] = 'v';
	text[3 + 2017] = '\0';
	assert_req(f->g3, 0, XS_WRITE, text, "ENOSPC");
	store_quota(f->s)->memory = 3700;
	assert_req(f->g3, 0, XS_WRITE, "n2|some more", "OK|");
	memcpy(text, "n2|", 3);
	text[3 + 2000] = '\0';
	assert_req(f->g3, 0, XS_WRITE, text, "ENOSPC");
	assert_false(store_client_over_memory(f->g3->c));
	store_client_charge(f->g3->c, 5000);
	assert_true(store_client_over_memory(f->g3->c));
	store_client_charge(f->g3->c, -5000);
	snprintf(want, sizeof(want), "OK|");
	assert_req(f->dom0, 0, XS_CONTROL, "quota|set|path-max|4|", want);
	assert_req(f->g3, 0, XS_READ, "n1234|", "EINVAL");
	assert_req(f->g3, 0, XS_READ, "/local/domain/3/n12|", "ENOENT");
	assert_req(f->g3, 0, XS_READ, "/local/domain/3/n1234|", "EINVAL");
	assert_req(f->dom0, 0, XS_CONTROL, "quota|set|bogus|4|", "EINVAL");
}

/* A domain's own quota goes before everybody's, whichever is greater, until it is gone. */
static void own_quotas(void **state)
{
	struct fix *f = *state;

	assert_req(f->g3, 0, WIRE_GET_QUOTA, "nodes|", "EACCES");
	assert_req(f->g3, 0, WIRE_SET_QUOTA, "3|nodes|9999|", "EACCES");
	assert_req(f->dom0, 0, WIRE_SET_QUOTA, "3|watches|1|", "OK|");
	assert_req(f->dom0, 0, WIRE_SET_QUOTA, "4|watches|0|", "OK|");
	assert_req(f->dom0, 0, WIRE_SET_QUOTA, "watches|2|", "OK|");
	assert_req(f->dom0, 0, WIRE_GET_QUOTA, "watches|", "2|");
	assert_req(f->dom0, 0, WIRE_GET_QUOTA, "3|watches|", "1|");
	assert_req(f->dom0, 0, WIRE_GET_QUOTA, "5|watches|", "2|");
	assert_req(f->dom0, 0, WIRE_GET_QUOTA, "40000|watches|", "EINVAL");
	assert_req(f->dom0, 0, WIRE_SET_QUOTA, "watches|x|", "EINVAL");
	assert_req(f->g3, 0, XS_WATCH, "/a|1|", "OK|");
	assert_req(f->g3, 0, XS_WATCH, "/a|2|", "E2BIG");
	for (int i = 0; i < 5; i++) {
		char text[16];

		sprintf(text, "/a|%d|", i);
		assert_req(f->g4, 0, XS_WATCH, text, "OK|");
	}
	assert_req(f->dom0, 0, WIRE_SET_QUOTA, "3|permissions|2|", "OK|");
	assert_req(f->g3, 0, XS_WRITE, "x|v", "OK|");
	assert_req(f->g3, 0, XS_SET_PERMS, "x|n3|r0|r4|", "ENOSPC");
	client_free(f->g3);
	store_domain_forget(f->s, 3, false);
	f->g3 = client_new(f->s, 3);
	assert_req(f->dom0, 0, WIRE_GET_QUOTA, "3|watches|", "2|");
}

static void big_directory(void **state)
{
	struct fix *f = *state;
	char text[64], gen[24] = "", *list = calloc(1, 64 * 1024);
	size_t used = 0, len;
	const char *reply;

	for (int i = 999; i >= 0; i--) {
		snprintf(text, sizeof(text), "/big/node-%03d|", i);
		req(f->dom0, 0, XS_MKDIR, text);
	}
	assert_req(f->dom0, 0, XS_DIRECTORY, "/big|", "E2BIG");
	for (;;) {
		snprintf(text, sizeof(text), "/big|%zu|", used);
		reply = req(f->dom0, 0, XS_DIRECTORY_PART, text);
		len = strcspn(reply, "|") + 1;
		assert_true(!*gen || strncmp(gen, reply, len) == 0);
		snprintf(gen, sizeof(gen), "%.*s", (int)len, reply);
		reply += len;
		len = strlen(reply);
		if (len < 2 || reply[len - 2] == '|') {
			memcpy(list + used, reply, len - 1);
			used += len - 1;
			break;
		}
		memcpy(list + used, reply, len);
		used += len;
	}
	assert_int_equal(used, 9000);
	assert_memory_equal(list, "node-000|node-001|", 18);
	assert_memory_equal(list + 8991, "node-999|", 9);
	assert_req(f->dom0, 0, XS_RM, "/big/node-500|", "OK|");
	reply = req(f->dom0, 0, XS_DIRECTORY_PART, "/big|0|");
	assert_int_not_equal(strncmp(gen, reply, strlen(gen)), 0);
	free(list);
}

static void transactions(void **state)
{
	struct fix *f = *state;
	struct test_client *c = f->dom0;
	uint32_t t;

	req(c, 0, XS_WATCH, "/t|w|");
	c->events[0] = '\0';
	assert_req(c, 1, XS_TRANSACTION_START, "|", "EBUSY");
	assert_req(c, 77, XS_READ, "/t|", "ENOENT");
	assert_req(c, 0, XS_TRANSACTION_END, "T|", "ENOENT");
	t = tx_begin(c);
	assert_req(c, t, XS_TRANSACTION_END, "X|", "EINVAL");
	assert_req(c, t, XS_WRITE, "/t/a|1", "OK|");
	assert_req(c, t, XS_WRITE, "/t/a|2", "OK|");
	assert_req(c, t, XS_READ, "/t/a|", "2");
	assert_req(c, 0, XS_READ, "/t/a|", "ENOENT");
	assert_req(f->g3, t, XS_READ, "x|", "ENOENT"); /* not g3's */
	assert_events(c, "");
	assert_req(c, t, XS_TRANSACTION_END, "T|", "OK|");
	assert_events(c, "/t/a|w ");
	assert_req(c, 0, XS_READ, "/t/a|", "2");
	t = tx_begin(c);
	req(c, t, XS_RM, "/t|");
	assert_req(c, t, XS_TRANSACTION_END, "F|", "OK|");
	assert_req(c, 0, XS_READ, "/t/a|", "2");
	assert_events(c, "");
	/* Removed and made anew: one event for the node. */
	t = tx_begin(c);
	req(c, t, XS_RM, "/t|");
	req(c, t, XS_MKDIR, "/t|");
	assert_req(c, t, XS_TRANSACTION_END, "T|", "OK|");
	assert_events(c, "/t|w ");
	assert_req(c, 0, XS_READ, "/t/a|", "ENOENT");
}

/* @in runs in a transaction while @out runs outside; what does the end say? */
static const char *race(struct fix *f, uint32_t in_type, const char *in, uint32_t out_type,
			const char *out)
{
	uint32_t t;

	req(f->dom0, 0, XS_RM, "/r|");
	req(f->dom0, 0, XS_WRITE, "/r/a/x|1");
	req(f->dom0, 0, XS_WRITE, "/r/b/y|1");
	t = tx_begin(f->dom0);
	req(f->dom0, t, in_type, in);
	req(f->dom0, t, XS_WRITE, "/r/mark|1");
	assert_string_equal(req(f->dom0, 0, out_type, out), "OK|");
	return req(f->dom0, t, XS_TRANSACTION_END, "T|");
}

static void conflicts(void **state)
{
	struct fix *f = *state;
	static const struct {
		uint32_t in_type;
		const char *in;
		uint32_t out_type;
		const char *out, *end;
	} cases[] = {
		{XS_READ, "/r/a/x|", XS_WRITE, "/r/a/x|2", "EAGAIN"},
		{XS_READ, "/r/a/x|", XS_WRITE, "/r/b/y|2", "OK|"},
		{XS_READ, "/r/a/x|", XS_RM, "/r/a/x|", "EAGAIN"},
		{XS_READ, "/r/a/x|", XS_RM, "/r/a|", "EAGAIN"},
		{XS_READ, "/r/a/x|", XS_SET_PERMS, "/r/a/x|n5|", "EAGAIN"},
		{XS_READ, "/r/a|", XS_WRITE, "/r/a/new|", "OK|"},
		{XS_READ, "/r/a/x|", XS_WRITE, "/r/a/x|1", "OK|"}, /* the same again */
		{XS_WRITE, "/r/a/x|5", XS_WRITE, "/r/a/x|2", "EAGAIN"},
		{XS_WRITE, "/r/a/x|5", XS_WRITE, "/r/a/z|2", "OK|"},
		{XS_WRITE, "/r/a/n|5", XS_WRITE, "/r/a/n|5", "EAGAIN"},
		{XS_WRITE, "/r/n/1|5", XS_WRITE, "/r/n/2|5", "OK|"}, /* both make /r/n */
		{XS_DIRECTORY, "/r/a|", XS_WRITE, "/r/a/x|2", "OK|"},
		{XS_DIRECTORY, "/r/a|", XS_WRITE, "/r/a/new|", "EAGAIN"},
		{XS_DIRECTORY, "/r/a|", XS_RM, "/r/a/x|", "EAGAIN"},
		{XS_DIRECTORY, "/r/a|", XS_WRITE, "/r/a/x/deep|", "OK|"},
		{XS_RM, "/r/a|", XS_WRITE, "/r/a/x|2", "EAGAIN"},
		{XS_RM, "/r/a|", XS_WRITE, "/r/b/y|2", "OK|"},
		{XS_READ, "/r/missing|", XS_WRITE, "/r/missing|", "EAGAIN"},
		{XS_READ, "/r/missing/x|", XS_WRITE, "/r/missing/y|", "OK|"},
		{XS_GET_PERMS, "/r/a|", XS_SET_PERMS, "/r/a|n0|r3|", "EAGAIN"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("case %zu: %s against %s\n", i, cases[i].in, cases[i].out);
		assert_string_equal(
			race(f, cases[i].in_type, cases[i].in, cases[i].out_type, cases[i].out),
			cases[i].end);
		assert_string_equal(req(f->dom0, 0, XS_READ, "/r/mark|"),
				    strcmp(cases[i].end, "OK|") == 0 ? "1" : "ENOENT");
		assert_sound(f->s);
	}
}

static void reader_never_conflicts(void **state)
{
	struct fix *f = *state;
	uint32_t t;

	req(f->dom0, 0, XS_WRITE, "/v|1");
	t = tx_begin(f->dom0);
	assert_req(f->dom0, t, XS_READ, "/v|", "1");
	req(f->dom0, 0, XS_WRITE, "/v|2");
	assert_req(f->dom0, t, XS_READ, "/v|", "1");
	assert_req(f->dom0, t, XS_TRANSACTION_END, "T|", "OK|");
	assert_req(f->dom0, 0, XS_READ, "/v|", "2");
}

static void domain_gone(void **state)
{
	struct fix *f = *state;

	req(f->dom0, 0, XS_WATCH, "/local/domain/3/k/deep|w|");
	req(f->g3, 0, XS_WRITE, "k/deep|v");
	req(f->dom0, 0, XS_WRITE, "/shared|v");
	req(f->dom0, 0, XS_SET_PERMS, "/shared|n0|r3|w4|");
	f->dom0->events[0] = '\0';
	client_free(f->g3);
	store_domain_forget(f->s, 3, false);
	assert_events(f->dom0, "/local/domain/3/k/deep|w ");
	assert_req(f->dom0, 0, XS_READ, "/local/domain/3|", "ENOENT");
	assert_req(f->dom0, 0, XS_READ, "/local/domain|", "");
	/* A later domain 3 is somebody else. */
	assert_req(f->dom0, 0, XS_GET_PERMS, "/shared|", "n0|w4|");
	f->g3 = client_new(f->s, 3);
	assert_req(f->g3, 0, XS_READ, "/shared|", "EACCES");
	assert_sound(f->s);
}

/* Who may list a folder may know of what is in it, though not of what is below that. */
static void names_of_a_folder(void **state)
{
	struct fix *f = *state;

	req(f->dom0, 0, XS_WRITE, "/pub/dark/darker/deep|v");
	req(f->dom0, 0, XS_SET_PERMS, "/pub|r0|");
	req(f->g3, 0, XS_WATCH, "/pub|p|");
	req(f->g3, 0, XS_WATCH, "/pub/dark/darker|q|");
	req(f->g3, 0, XS_WATCH, "/|top|");
	f->g3->events[0] = '\0';
	req(f->dom0, 0, XS_WRITE, "/pub/dark|w");
	assert_events(f->g3, "/pub/dark|p /pub/dark|top ");
	req(f->dom0, 0, XS_WRITE, "/pub/dark/darker|w");
	assert_events(f->g3, "");
	req(f->dom0, 0, XS_RM, "/pub/dark/darker/deep|");
	assert_events(f->g3, "");
	req(f->dom0, 0, XS_SET_PERMS, "/pub/dark|r0|");
	assert_events(f->g3, "/pub/dark|p /pub/dark|top ");
	/* With its folder, that was to be read until then. */
	req(f->dom0, 0, XS_RM, "/pub|");
	assert_events(f->g3, "/pub/dark/darker|q /pub|p /pub|top ");
}

/* What the protocol keeps for extensions doesn't matter; everything else does. */
static void reserved(void **state)
{
	struct fix *f = *state;

	assert_req(f->dom0, 0, XS_WRITE, "/a|v", "OK|");
	assert_req(f->dom0, 0, XS_WATCH, "/a|t|more", "OK|");
	assert_req(f->dom0, 0, XS_WATCH, "/a|t|1|more", "EEXIST");
	assert_req(f->dom0, 0, XS_WATCH, "/a|t", "EINVAL");
	assert_req(f->dom0, 0, XS_WATCH, "/a|t|1|2|", "EINVAL");
	assert_req(f->dom0, 0, XS_UNWATCH, "/a|t|more|", "EINVAL");
	assert_req(f->dom0, 0, XS_UNWATCH, "/a|t", "EINVAL");
	assert_req(f->dom0, 0, XS_UNWATCH, "/a|t|more", "OK|");
	assert_req(f->dom0, 0, XS_SET_PERMS, "/a|n0|r3|more", "OK|");
	assert_req(f->dom0, 0, XS_GET_PERMS, "/a|", "n0|r3|");
	assert_req(f->dom0, 0, XS_SET_PERMS, "/a|n0", "EINVAL");
	assert_req(f->dom0, 0, XS_READ, "/a|more", "EINVAL");
	assert_req(f->dom0, 0, XS_CONTROL, "check|more|", "EINVAL");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(basics),
		T(malformed),
		T(permissions),
		T(privileged_only),
		T(watches),
		T(watch_of_guest),
		T(specials),
		T(quotas),
		T(own_quotas),
		T(big_directory),
		T(transactions),
		T(conflicts),
		T(reader_never_conflicts),
		T(domain_gone),
		T(names_of_a_folder),
		T(reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
