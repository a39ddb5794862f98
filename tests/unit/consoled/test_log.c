/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Log files: rotation, decoration, and a disk that is full for a while. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "dom0-tools/consoled/log.h"

static char dir[] = "/tmp/log-XXXXXX";
static char path[64];

/* The contents of "log" or "log.N"; "" if there is no such file. */
static const char *contents(int n)
{
	static char buf[65536];
	char name[80];
	FILE *f;

	snprintf(name, sizeof(name), n ? "%s.%d" : "%s", path, n);
	buf[0] = '\0';
	f = fopen(name, "r");
	if (f) {
		buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
		fclose(f);
	}
	return buf;
}

static int remove_logs(void **state)
{
	char cmd[80];

	snprintf(cmd, sizeof(cmd), "rm -f %s*", path);
	return system(cmd);
}

static void put(struct log *log, const char *s)
{
	log_write(log, s, strlen(s));
}

static void test_rotation(void **state)
{
	struct log_policy policy = {.max_size = 10, .keep = 2};
	struct log log;

	assert_int_equal(log_init(&log, path, &policy), 0);
	put(&log, "first....\n");
	put(&log, "second...\n");
	put(&log, "third\n");
	put(&log, "fourth...\n");
	log_fini(&log);
	assert_string_equal(contents(0), "fourth...\n");
	assert_string_equal(contents(1), "third\n");
	assert_string_equal(contents(2), "second...\n");
	assert_string_equal(contents(3), "");
}

/* A line isn't torn in two for a few bytes. */
static void test_rotation_waits_for_the_line(void **state)
{
	struct log_policy policy = {.max_size = 10, .keep = 1};
	struct log log;

	assert_int_equal(log_init(&log, path, &policy), 0);
	put(&log, "beginning ");
	put(&log, "and end\n");
	put(&log, "next\n");
	log_fini(&log);
	assert_string_equal(contents(1), "beginning and end\n");
	assert_string_equal(contents(0), "next\n");
}

static void test_appends_to_what_is_there(void **state)
{
	struct log_policy policy = {.max_size = 12, .keep = 1};
	struct log log;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(log_init(&log, path, &policy), 0);
		put(&log, "hello\n");
		log_fini(&log);
	}
	assert_string_equal(contents(1), "hello\nhello\n");
	assert_string_equal(contents(0), "hello\n");
}

static void test_decoration(void **state)
{
	struct log_policy policy = {.timestamp = true, .replace_escape = true};
	struct log log;
	const char *text;

	assert_int_equal(log_init(&log, path, &policy), 0);
	put(&log, "a");
	put(&log, "\033[1mb\nc\n");
	log_fini(&log);
	text = contents(0);
	assert_int_equal(text[0], '[');
	assert_string_equal(text + 22, strchr(text, ']') + 2);
	assert_int_equal(strncmp(text + 22, "a.[1mb\n[", 8), 0);
	assert_string_equal(text + strlen(text) - 4, "] c\n");
}

/* A limit on the file's size stands in for the disk's. */
static void set_disk_size(rlim_t size)
{
	struct rlimit r = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_full_disk(void **state)
{
	struct log_policy policy = {};
	struct log log;

	assert_int_equal(log_init(&log, path, &policy), 0);
	set_disk_size(8);
	put(&log, "fits\n");
	put(&log, "cut here\n");
	put(&log, "lost\n");
	assert_int_equal(log.lost, 6 + 5);
	set_disk_size(RLIM_INFINITY);
	put(&log, "again\n");
	assert_int_equal(log.lost, 0);
	log_fini(&log);
	assert_string_equal(contents(0), "fits\ncut\n[xenconsoled: 11 bytes are missing here: "
					 "File too large]\nagain\n");
}

/* A log whose folder appears later. */
static void test_no_folder(void **state)
{
	struct log_policy policy = {};
	struct log log;
	char late[80], cmd[256];

	snprintf(late, sizeof(late), "%s-late/log", path);
	assert_int_equal(log_init(&log, late, &policy), 0);
	put(&log, "lost\n");
	snprintf(cmd, sizeof(cmd), "mkdir %s-late", path);
	assert_int_equal(system(cmd), 0);
	put(&log, "kept\n");
	log_fini(&log);
	snprintf(cmd, sizeof(cmd), "grep -q '5 bytes are missing' %s && grep -q kept %s", late,
		 late);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "rm -r %s-late", path);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rotation, remove_logs),
		cmocka_unit_test_teardown(test_rotation_waits_for_the_line, remove_logs),
		cmocka_unit_test_teardown(test_appends_to_what_is_there, remove_logs),
		cmocka_unit_test_teardown(test_decoration, remove_logs),
		cmocka_unit_test_teardown(test_full_disk, remove_logs),
		cmocka_unit_test_teardown(test_no_folder, remove_logs),
	};
	int rc;

	signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/log", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
