/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The backlog: bounds, order, and what a successor finds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "dom0-tools/consoled/backlog.h"

#define SIZE 10000

static char path[] = "/tmp/backlog-XXXXXX";

static void test_keeps_order(void **state)
{
	struct backlog b;
	char buf[64];

	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	assert_int_equal(backlog_append(&b, "one", 3), 0);
	assert_int_equal(backlog_append(&b, "two", 3), 0);
	assert_int_equal(backlog_used(&b), 6);
	assert_int_equal(backlog_peek(&b, buf, 4), 4);
	assert_memory_equal(buf, "onet", 4);
	backlog_drop(&b, 4);
	assert_int_equal(backlog_peek(&b, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "wo", 2);
	backlog_close(&b, true);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_successor_goes_on(void **state)
{
	struct backlog b;
	char buf[64];

	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	assert_int_equal(backlog_append(&b, "read-unread", 11), 0);
	backlog_drop(&b, 5);
	/* Nothing is closed or flushed: the first one just dies. */
	close(b.fd);
	free(b.path);
	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	assert_int_equal(backlog_peek(&b, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "unread", 6);
	backlog_close(&b, true);
}

static void test_damaged_file_starts_empty(void **state)
{
	struct backlog b;

	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	assert_int_equal(backlog_append(&b, "x", 1), 0);
	backlog_close(&b, false);
	/* Another size, then too short a file. */
	assert_int_equal(backlog_open(&b, path, 2 * SIZE), 0);
	assert_int_equal(backlog_used(&b), 0);
	backlog_close(&b, false);
	assert_int_equal(truncate(path, 7), 0);
	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	assert_int_equal(backlog_used(&b), 0);
	backlog_close(&b, true);
}

static void test_oldest_goes_when_full(void **state)
{
	static char line[1000], buf[SIZE];
	struct backlog b;

	assert_int_equal(backlog_open(&b, path, SIZE), 0);
	for (int i = 0; i < 95; i++) {
		memset(line, 'a' + i % 26, sizeof(line));
		assert_int_equal(backlog_append(&b, line, sizeof(line)), 0);
	}
	assert_int_equal(backlog_used(&b), SIZE);
	assert_int_equal(backlog_peek(&b, buf, sizeof(buf)), SIZE);
	assert_int_equal(buf[0], 'a' + 85 % 26);
	assert_int_equal(buf[SIZE - 1], 'a' + 94 % 26);
	backlog_close(&b, true);
}

/* An empty backlog doesn't hold memory for ever. */
static void test_memory_is_given_back(void **state)
{
	static char chunk[4000];
	struct backlog b;
	struct stat st;

	assert_int_equal(backlog_open(&b, path, 1 << 20), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(backlog_append(&b, chunk, sizeof(chunk)), 0);
		backlog_drop(&b, sizeof(chunk));
	}
	assert_int_equal(fstat(b.fd, &st), 0);
	assert_in_range(st.st_blocks * 512, 0, 3 * 65536);
	backlog_close(&b, true);
}

/* A place where no file can be: an unnamed one does. */
static void test_without_its_place(void **state)
{
	struct backlog b;

	assert_int_equal(backlog_open(&b, "/nonexistent/backlog", SIZE), 0);
	assert_int_equal(backlog_append(&b, "x", 1), 0);
	assert_int_equal(backlog_used(&b), 1);
	backlog_close(&b, true);
	backlog_close(&b, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_order),
		cmocka_unit_test(test_successor_goes_on),
		cmocka_unit_test(test_damaged_file_starts_empty),
		cmocka_unit_test(test_oldest_goes_when_full),
		cmocka_unit_test(test_memory_is_given_back),
		cmocka_unit_test(test_without_its_place),
	};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	unlink(path);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
