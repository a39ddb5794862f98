/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * hv/rangeset.h: the edges (adjacent, overlapping, splitting, the largest number),
 * the limit, failures that must change nothing, and random changes against a
 * plain array of booleans.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/rangeset.h>

static bool out_of_memory;

void spin_lock(struct spinlock *l)
{
}

void spin_unlock(struct spinlock *l)
{
}

void *hv_zalloc(size_t size)
{
	return out_of_memory ? NULL : calloc(1, size);
}

void *hv_zalloc_array(size_t n, size_t size)
{
	return out_of_memory ? NULL : calloc(n, size);
}

void hv_free(void *p)
{
	free(p);
}

static void assert_ranges(struct rangeset *rs, const struct range *want, unsigned int n)
{
	struct range r;

	for (unsigned int i = 0; i < n; i++) {
		assert_true(rangeset_nth(rs, i, &r));
		assert_int_equal(r.first, want[i].first);
		assert_int_equal(r.last, want[i].last);
	}
	assert_false(rangeset_nth(rs, n, &r));
}
#define ASSERT_RANGES(rs, ...)                                 \
	assert_ranges(rs, (const struct range[]){__VA_ARGS__}, \
		      ARRAY_SIZE(((const struct range[]){__VA_ARGS__})))

static void merging(void **state)
{
	struct rangeset *rs = rangeset_new();

	assert_int_equal(rangeset_add(rs, 10, 19), 0);
	assert_int_equal(rangeset_add(rs, 30, 39), 0);
	ASSERT_RANGES(rs, {10, 19}, {30, 39});
	assert_int_equal(rangeset_add(rs, 20, 20), 0); /* touches from above */
	ASSERT_RANGES(rs, {10, 20}, {30, 39});
	assert_int_equal(rangeset_add(rs, 28, 29), 0); /* touches from below */
	ASSERT_RANGES(rs, {10, 20}, {28, 39});
	assert_int_equal(rangeset_add(rs, 12, 33), 0); /* bridges */
	ASSERT_RANGES(rs, {10, 39});
	assert_int_equal(rangeset_add(rs, 0, 100), 0); /* swallows */
	ASSERT_RANGES(rs, {0, 100});
	assert_int_equal(rangeset_add(rs, 5, 4), -EINVAL);
	rangeset_free(rs);
}

static void splitting(void **state)
{
	struct rangeset *rs = rangeset_new();

	assert_int_equal(rangeset_add(rs, 10, 39), 0);
	assert_int_equal(rangeset_remove(rs, 20, 29), 0);
	ASSERT_RANGES(rs, {10, 19}, {30, 39});
	assert_int_equal(rangeset_remove(rs, 15, 34), 0);
	ASSERT_RANGES(rs, {10, 14}, {35, 39});
	assert_int_equal(rangeset_remove(rs, 0, 10), 0);
	ASSERT_RANGES(rs, {11, 14}, {35, 39});
	assert_int_equal(rangeset_remove(rs, 15, 34), 0); /* nothing there */
	ASSERT_RANGES(rs, {11, 14}, {35, 39});
	assert_int_equal(rangeset_remove(rs, 0, ~0UL), 0);
	assert_false(rangeset_overlaps(rs, 0, ~0UL));
	assert_int_equal(rangeset_remove(rs, 1, 0), -EINVAL);
	rangeset_free(rs);
}

static void ends_of_the_world(void **state)
{
	struct rangeset *rs = rangeset_new();

	assert_int_equal(rangeset_add(rs, ~0UL, ~0UL), 0);
	assert_int_equal(rangeset_add(rs, 0, 0), 0);
	ASSERT_RANGES(rs, {0, 0}, {~0UL, ~0UL});
	assert_int_equal(rangeset_add(rs, 1, ~0UL - 1), 0);
	ASSERT_RANGES(rs, {0, ~0UL});
	assert_true(rangeset_contains(rs, 0, ~0UL));
	assert_int_equal(rangeset_remove(rs, ~0UL, ~0UL), 0);
	assert_int_equal(rangeset_remove(rs, 0, 0), 0);
	ASSERT_RANGES(rs, {1, ~0UL - 1});
	rangeset_free(rs);
	assert_false(rangeset_contains(NULL, 0, 0));
	assert_false(rangeset_overlaps(NULL, 0, ~0UL));
	rangeset_free(NULL);
}

static void bounded(void **state)
{
	struct rangeset *rs = rangeset_new();

	for (unsigned long i = 0; i < RANGESET_MAX; i++) {
		assert_int_equal(rangeset_add(rs, i * 10, i * 10 + 4), 0);
	}
	assert_int_equal(rangeset_add(rs, RANGESET_MAX * 10, RANGESET_MAX * 10), -ENOSPC);
	assert_int_equal(rangeset_remove(rs, 2, 2), -ENOSPC); /* would split */
	assert_true(rangeset_contains(rs, 0, 4));
	/* What needs no more room still works. */
	assert_int_equal(rangeset_add(rs, 5, 9), 0);
	assert_int_equal(rangeset_remove(rs, 2, 2), 0);
	assert_true(rangeset_contains(rs, 3, 14));
	rangeset_free(rs);
}

static void no_memory(void **state)
{
	struct rangeset rs = RANGESET_INIT;

	out_of_memory = true;
	assert_null(rangeset_new());
	assert_int_equal(rangeset_add(&rs, 1, 2), -ENOMEM);
	assert_false(rangeset_overlaps(&rs, 0, ~0UL));
	out_of_memory = false;
	for (unsigned long i = 0; i < 8; i++)
		assert_int_equal(rangeset_add(&rs, i * 10, i * 10 + 4), 0);
	out_of_memory = true;
	assert_int_equal(rangeset_add(&rs, 1000, 1000), -ENOMEM);
	assert_int_equal(rangeset_remove(&rs, 2, 2), -ENOMEM);
	assert_true(rangeset_contains(&rs, 0, 4));
	assert_int_equal(rangeset_remove(&rs, 0, 4), 0);
	out_of_memory = false;
	free(rs.r);
}

#define WORLD 200

static void against_a_model(void **state)
{
	static bool model[WORLD + 1];
	struct rangeset *rs = rangeset_new();

	srand(1);
	memset(model, 0, sizeof(model));
	for (unsigned int n = 0; n < 20000; n++) {
		unsigned long a = (unsigned long)rand() % WORLD, b = a + (unsigned long)rand() % 12;
		bool add = rand() & 1, all = true, any = false;

		b = min(b, (unsigned long)WORLD - 1);
		assert_int_equal(add ? rangeset_add(rs, a, b) : rangeset_remove(rs, a, b), 0);
		memset(model + a, add, b - a + 1);
		a = (unsigned long)rand() % WORLD;
		b = min(a + (unsigned long)rand() % 12, (unsigned long)WORLD - 1);
		for (unsigned long i = a; i <= b; i++) {
			all = all && model[i];
			any = any || model[i];
		}
		assert_int_equal(rangeset_contains(rs, a, b), all);
		assert_int_equal(rangeset_overlaps(rs, a, b), any);
		/* Sorted, disjoint, not adjacent. */
		for (unsigned int i = 1; i < rs->nr; i++)
			assert_true(rs->r[i - 1].last + 1 < rs->r[i].first);
	}
	rangeset_free(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging),           cmocka_unit_test(splitting),
		cmocka_unit_test(ends_of_the_world), cmocka_unit_test(bounded),
		cmocka_unit_test(no_memory),         cmocka_unit_test(against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
