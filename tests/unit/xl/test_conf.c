/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* xl.conf, what it does to a configuration, and autoballooning. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/balloon.h"
#include "dom0-tools/xl/conf.h"
#include "dom0-tools/xl/xl.h"
#include "tests/unit/xl/fake.h"

static char *said;
static size_t said_len;

/* Reads @text as xl.conf; what was said is in @said. */
static int read_conf(const char *text, struct xl_conf *conf)
{
	char path[] = "/tmp/xl-conf-XXXXXX";
	struct xl xl = {.out = stdout};
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(said);
	xl.err = open_memstream(&said, &said_len);
	ret = xl_conf_read(&xl, path, conf);
	fclose(xl.err);
	unlink(path);
	/* The name of the file is of no interest. */
	if (strncmp(said, "xl: ", 4) == 0 && strstr(said, path))
		memcpy(strstr(said, path), "/tmp/xl-conf-000000", strlen(path));
	return ret;
}

static void all_settings(void **state)
{
	struct domain_config cfg;
	struct domain_vif *vif;
	struct xl_conf conf;

	assert_int_equal(read_conf("autoballoon=\"off\"\nlockfile='/l'\nvif.default.bridge='b'\n"
				   "vif.default.script='s'\nvif.default.backend='d'\n"
				   "vif.default.gatewaydev='g'\nmax_grant_frames=5\n"
				   "max_maptrack_frames=6\nmax_grant_version=1\nclaim_mode=0\n",
				   &conf),
			 XL_OK);
	assert_string_equal(said, "");
	assert_int_equal(conf.autoballoon, XL_BALLOON_OFF);
	assert_string_equal(conf.lockfile, "/l");
	domain_config_init(&cfg);
	assert_int_equal(domain_config_add_vif(&cfg, &vif), 0);
	assert_int_equal(domain_config_add_vif(&cfg, &vif), 0);
	assert_int_equal(domain_config_set_string(&vif->bridge, "own"), 0);
	assert_int_equal(xl_conf_apply(&conf, &cfg), 0);
	assert_string_equal(cfg.vifs[0].bridge, "b");
	assert_string_equal(cfg.vifs[0].gatewaydev, "g");
	assert_string_equal(cfg.vifs[1].bridge, "own");
	assert_string_equal(cfg.vifs[1].script, "s");
	assert_int_equal(cfg.max_grant_frames, 5);
	assert_int_equal(cfg.max_maptrack_frames, 6);
	assert_int_equal(cfg.max_grant_version, 1);
	assert_false(cfg.claim);
	domain_config_fini(&cfg);
	xl_conf_fini(&conf);
}

static void conf_says(const char *text, int expected, const char *message)
{
	struct xl_conf conf;

	assert_int_equal(read_conf(text, &conf), expected);
	assert_string_equal(said, message);
	xl_conf_fini(&conf);
}

static void wrong_settings(void **state)
{
	struct xl xl = {.err = stderr};
	struct xl_conf conf;

	assert_int_equal(xl_conf_read(&xl, "/nosuch/xl.conf", &conf), XL_OK);
	assert_int_equal(conf.autoballoon, XL_BALLOON_AUTO);
	xl_conf_fini(&conf);
	conf_says("autoballoon='maybe'\n", XL_FAIL,
		  "xl: /tmp/xl-conf-000000:1:13: autoballoon is \"on\", \"off\" or \"auto\"\n");
	conf_says("lockfil='x'\n", XL_OK,
		  "xl: warning: /tmp/xl-conf-000000:1:1: unknown key 'lockfil' is ignored; did you "
		  "mean 'lockfile'?\n");
	conf_says("domid_policy='xen'\n", XL_OK,
		  "xl: warning: /tmp/xl-conf-000000:1:14: domid_policy does nothing here\n");
	conf_says("claim_mode=\n", XL_FAIL,
		  "xl: /tmp/xl-conf-000000:1:12: syntax error: found end of line, expected "
		  "'[', a string or a number\n");
	conf_says("max_grant_frames='x'\n", XL_FAIL,
		  "xl: /tmp/xl-conf-000000:1:18: max_grant_frames is a number, and \"x\" is not "
		  "one\n");
}

/* ---- autoballooning -------------------------------------------------------------- */

static int make_room(enum xl_autoballoon mode, uint64_t need_kb)
{
	struct xl_conf conf = {.autoballoon = mode};
	struct domain_config cfg;
	struct xl xl = {.out = stdout};
	int ret;

	free(said);
	xl.err = open_memstream(&said, &said_len);
	domain_config_init(&cfg);
	cfg.max_memory_kb = need_kb - 1024;
	fake.calls[0] = '\0';
	assert_int_equal(xl_open(&xl), XL_OK);
	ret = balloon_make_room(&xl, &conf, &cfg);
	dom_close(xl.dom);
	domain_config_fini(&cfg);
	fclose(xl.err);
	return ret;
}

static void ballooning(void **state)
{
	fake_reset();
	fake.free_pages = 25600; /* 100 MiB */
	assert_int_equal(make_room(XL_BALLOON_ON, 102400), XL_OK);
	assert_string_equal(fake.calls, "");
	assert_int_equal(make_room(XL_BALLOON_OFF, 204800), XL_OK);
	assert_string_equal(fake.calls, "");
	/* dom0_mem= was given: somebody chose that size */
	assert_int_equal(make_room(XL_BALLOON_AUTO, 204800), XL_OK);
	assert_string_equal(fake.calls, "");
	fake.cmdline = "console=com1 xdom0_mem=1";
	assert_int_equal(make_room(XL_BALLOON_AUTO, 204800), XL_OK);
	assert_string_equal(fake.calls, "mem-set 0 946175; ");
	assert_int_equal(make_room(XL_BALLOON_ON, 4 << 20), XL_FAIL);
	assert_string_equal(said, "xl: the domain needs 4096 MiB, 200 MiB are free, and Domain-0 "
				  "can't spare the rest\n");
	assert_string_equal(fake.calls, "");
	fake_reset();
}

static void timestamps(void **state)
{
	const char *out, *err;

	fake_reset();
	assert_int_equal(fake_run(&out, &err, "-T", "qqqqqq", NULL), 1);
	assert_non_null(strstr(err, " xl["));
	assert_non_null(strstr(err, "]: there is no command 'qqqqqq'"));
	fake_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_settings),
		cmocka_unit_test(wrong_settings),
		cmocka_unit_test(ballooning),
		cmocka_unit_test(timestamps),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	free(said);
	return ret;
}
