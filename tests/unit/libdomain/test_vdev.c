/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Names and numbers of virtual disks, there and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dom0-tools/libdomain/libdomain.h"

static const struct {
	const char *name;
	uint32_t number;
} good[] = {
	{"xvda", 51712},
	{"xvda1", 51713},
	{"xvdb", 51728},
	{"xvdp15", 51967},
	{"xvdq", 1 << 28 | 16 << 8},
	{"xvdaa", 1 << 28 | 26 << 8},
	{"xvda16", 1 << 28 | 16},
	{"sda", 2048},
	{"sda1", 2049},
	{"sdp15", 2048 + 255},
	{"hda", 768},
	{"hdb", 768 + 64},
	{"hdc", 22 << 8},
	{"hdd1", (22 << 8) + 65},
};

static const char *const bad[] = {
	"",      "xvd", "xvd1",  "xvda01", "xvda0",       "xvda256",     "XVDA", "sdq",
	"sda16", "hde", "hda64", "vda",    "d",           "dx",          "d0p",  "d0p256",
	"d00",   "12x", "-1",    "xvda1x", "xvdzzzzzzzz", "99999999999",
};

static void test_names(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint32_t number;
		char name[16];

		assert_int_equal(dom_vdev_parse(good[i].name, &number), 0);
		assert_int_equal(number, good[i].number);
		dom_vdev_format(number, name);
		assert_string_equal(name, good[i].name);
	}
}

static void test_other_spellings(void **state)
{
	uint32_t number;
	char name[16];

	assert_int_equal(dom_vdev_parse("d0", &number), 0);
	assert_int_equal(number, 51712);
	assert_int_equal(dom_vdev_parse("d0p1", &number), 0);
	assert_int_equal(number, 51713);
	assert_int_equal(dom_vdev_parse("d536p37", &number), 0);
	assert_int_equal(number, 1 << 28 | 536 << 8 | 37);
	assert_int_equal(dom_vdev_parse("51712", &number), 0);
	assert_int_equal(number, 51712);
	assert_int_equal(dom_vdev_parse("0xca10", &number), 0);
	assert_int_equal(number, 51728);
	dom_vdev_format(5, name);
	assert_string_equal(name, "");
}

static void test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t number;

		assert_int_equal(dom_vdev_parse(bad[i], &number), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_other_spellings),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
