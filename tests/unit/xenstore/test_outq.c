/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A connection's queue against a list: events come, bytes go out in any portion,
 * and an event that waits untouched isn't queued twice.
 */
#include "harness.h"

#include <xenstore/daemon/outq.h>

#define NAMES 200

static uint32_t seed = 4711;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* What the queue must hold: numbers of events, -1 for a reply. */
struct model {
	int item[4096];
	size_t nr, out; /* bytes of the first one that are out */
};

static size_t bytes_of(int item, char *path, char *token)
{
	if (item < 0) {
		return sizeof(struct xsd_sockmsg) + 3;
	}
	return sizeof(struct xsd_sockmsg) + (size_t)sprintf(path, "/some/path/%d", item / 2) +
	       (size_t)sprintf(token, "t%d", item % 2) + 2;
}

static bool has(const struct model *m, int item)
{
	for (size_t i = m->out ? 1 : 0; i < m->nr; i++) {
		if (m->item[i] == item) {
			return true;
		}
	}
	return false;
}

static void put(struct outq *q, struct model *m)
{
	int item = rnd(10) ? (int)rnd(NAMES) : -1;
	struct xsd_sockmsg hdr = {.type = XS_READ, .len = 3};
	char path[32], token[8];

	if (m->nr == 4096) {
		return;
	}
	bytes_of(item, path, token);
	if (item < 0) {
		outq_put(q, &hdr, "abc");
		m->item[m->nr++] = -1;
		return;
	}
	outq_put_event(q, path, strlen(path) + 1, token, strlen(token) + 1, true);
	if (!has(m, item)) {
		m->item[m->nr++] = item;
	}
}

static void took(struct outq *q, struct model *m, size_t n)
{
	char path[32], token[8];

	n = n < outq_used(q) ? n : outq_used(q);
	outq_took(q, n);
	m->out += n;
	while (m->nr && m->out >= bytes_of(m->item[0], path, token)) {
		m->out -= bytes_of(m->item[0], path, token);
		memmove(m->item, m->item + 1, --m->nr * sizeof(m->item[0]));
	}
}

static void compare(const struct outq *q, const struct model *m)
{
	size_t used = 0, events = 0;
	char path[32], token[8];

	for (size_t i = 0; i < m->nr; i++) {
		size_t len = bytes_of(m->item[i], path, token);
		const char *p = q->data + q->head + used - m->out + sizeof(struct xsd_sockmsg);

		if (i && m->item[i] >= 0) {
			assert_string_equal(p, path);
			assert_string_equal(p + strlen(path) + 1, token);
		}
		used += len;
		events += m->item[i] >= 0;
	}
	assert_int_equal(outq_used(q), used - m->out);
	assert_int_equal(q->events, events);
	assert_int_equal(q->replies, m->nr - events);
}

static void against_list(void **state)
{
	static struct model m;
	struct outq q = {NULL};

	for (int step = 0; step < 60000; step++) {
		/* Sometimes nobody reads for long, sometimes all is read. */
		if (rnd(step / 1000 % 2 ? 3 : 30)) {
			put(&q, &m);
		} else {
			took(&q, &m, rnd(20) ? rnd(200) : 100000);
		}
		if (step % 16 == 0) {
			compare(&q, &m);
		}
	}
	outq_clear(&q);
}

static void moved(void **state)
{
	struct outq q = {NULL}, late = {NULL};

	outq_put_event(&q, "/a", 3, "t", 2, true);
	outq_put_event(&late, "/a", 3, "t", 2, true);
	outq_put_event(&late, "/b", 3, "t", 2, true);
	outq_move_events(&q, &late, true);
	assert_int_equal(q.events, 2);
	assert_int_equal(outq_used(&late), 0);
	outq_put_event(&late, "/b", 3, "t", 2, false);
	outq_move_events(&q, &late, false);
	assert_int_equal(q.events, 3);
	outq_clear(&q);
	outq_clear(&late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_list),
		cmocka_unit_test(moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
