/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What is in a free frame is nobody's business: a guest may write to one that it
 * gave back, through a TLB entry that is still there, until the frame is taken out
 * again. The allocator must neither read nor write it before. Tries R7, F1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <hv/lib.h>
#include <hv/mm.h>
#include <arch/page.h>
#include <hosttest/machine.h>

#define BLOCKS 200U

static uint64_t state = 0x5eed;

static unsigned int rnd(unsigned int n)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(state >> 33) % n;
}

static void fill(struct page_info *pg, unsigned int order, int byte)
{
	memset(page_to_virt(pg), byte, PAGE_SIZE << order);
}

static void test_contents(void **s)
{
	struct page_info *pg[BLOCKS] = {NULL};
	unsigned int order[BLOCKS] = {0};
	unsigned long free_before;

	ht_machine_init();
	free_before = page_free_count();
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int n = rnd(BLOCKS);

		if (pg[n]) {
			fill(pg[n], order[n], 0x77);
			page_free(pg[n], order[n]);
			for (unsigned long j = 0; j < PAGE_SIZE << order[n]; j += 509)
				assert_int_equal(((char *)page_to_virt(pg[n]))[j], 0x77);
			/* The guest's last words */
			fill(pg[n], order[n], 0x5a);
			pg[n] = NULL;
			continue;
		}
		order[n] = rnd(4);
		pg[n] = page_alloc(order[n], rnd(2) ? MEMF_zero : 0);
		if (!pg[n])
			continue;
		assert_false(mfn_x(page_to_mfn(pg[n])) & ((1U << order[n]) - 1));
		for (unsigned int j = 0; j < BLOCKS; j++) {
			if (j == n || !pg[j])
				continue;
			assert_true(pg[n] + (1U << order[n]) <= pg[j] ||
				    pg[j] + (1U << order[j]) <= pg[n]);
		}
	}
	for (unsigned int n = 0; n < BLOCKS; n++) {
		if (pg[n])
			page_free(pg[n], order[n]);
	}
	assert_int_equal(page_free_count(), free_before);
	ht_assert_quiet();
}

/* What is where a count would be, of a free block, is no count. (R2) */
static void test_nobody_holds_a_free_frame(void **s)
{
	struct page_info *a = page_alloc(0, 0), *b = page_alloc(0, 0), *c = page_alloc(0, 0);

	/* The buddies stay in use: both are blocks of their own, in one list. */
	page_free(a, 0);
	page_free(c, 0);
	assert_false(page_get_again(a));
	assert_false(page_get_again(c));
	page_free(b, 0);
	ht_assert_quiet();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_nobody_holds_a_free_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
