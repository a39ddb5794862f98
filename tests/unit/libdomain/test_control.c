/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A domain that runs: names, requests to its guest, memory, stored data. The
 * domain is one that the fake machine has from the start.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dom0-tools/libdomain/internal.h"
#include "tests/unit/libdomain/fake_hv.h"
#include "tests/unit/libdomain/fake_store.h"

#define ID 5u

static struct dom_ctx *ctx;
static char state_dir[32];

static int setup(void **state)
{
	fake_reset();
	store_reset();
	fake.dom[1] = (struct fake_domain){
		.exists = true, .domid = ID, .max_vcpus = 2, .pages = 16384, .max_pages = 16640};
	fake.dom[1].handle[3] = 0x42;
	store_set("/local/domain/5/name", "demo");
	store_set("/local/domain/5/vm", "/vm/00000042-0000-0000-0000-000000000000");
	store_set("/local/domain/5/memory/target", "65536");
	store_set("/local/domain/5/memory/static-max", "131072");
	store_set("/local/domain/5/control/shutdown", "");
	strcpy(state_dir, "/tmp/pavise-state-XXXXXX");
	if (!mkdtemp(state_dir)) {
		return -1;
	}
	setenv("PAVISE_STATE_DIR", state_dir, 1);
	return dom_open(0, NULL, &ctx);
}

static int teardown(void **state)
{
	dom_close(ctx);
	return rmdir(state_dir); /* empty, or the test has left something */
}

static void test_find(void **state)
{
	struct dom_info *infos;
	uint32_t id = 0;
	char *name;
	size_t nr;

	assert_int_equal(dom_find(ctx, "demo", &id), 0);
	assert_int_equal(id, ID);
	assert_int_equal(dom_find(ctx, "5", &id), 0);
	assert_int_equal(dom_find(ctx, "Domain-0", &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(dom_find(ctx, "6", &id), -ESRCH);
	assert_int_equal(dom_find(ctx, "32752", &id), -ESRCH);
	assert_int_equal(dom_find(ctx, "99999999999999999999", &id), -ESRCH);
	assert_int_equal(dom_find(ctx, "5x", &id), -ESRCH);
	assert_int_equal(dom_find(ctx, "", &id), -ESRCH);
	assert_int_equal(dom_name(ctx, ID, &name), 0);
	assert_string_equal(name, "demo");
	free(name);
	assert_int_equal(dom_name(ctx, 6, &name), -ENOENT);
	assert_int_equal(dom_list(ctx, &infos, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(infos[1].domid, ID);
	assert_int_equal(infos[1].current_kb, 65536);
	assert_int_equal(infos[1].vcpus_max, 2);
	free(infos);
}

static void test_rename(void **state)
{
	assert_int_equal(dom_rename(ctx, ID, "Domain-0"), -EEXIST);
	assert_int_equal(dom_rename(ctx, ID, ""), -EINVAL);
	assert_int_equal(dom_rename(ctx, ID, "a b"), -EINVAL);
	assert_int_equal(dom_rename(ctx, ID, "a/b"), -EINVAL);
	assert_int_equal(dom_rename(ctx, ID, "17"), -EINVAL);
	assert_int_equal(dom_rename(ctx, 6, "new"), -ESRCH);
	assert_string_equal(store_get("/local/domain/5/name"), "demo");
	assert_int_equal(dom_rename(ctx, ID, "demo"), 0); /* its own */
	assert_int_equal(dom_rename(ctx, ID, "new"), 0);
	assert_string_equal(store_get("/local/domain/5/name"), "new");
	assert_string_equal(store_get("/vm/00000042-0000-0000-0000-000000000000/name"), "new");
}

static void test_shutdown(void **state)
{
	store_set("/local/domain/5/control/feature-poweroff", "0");
	assert_int_equal(dom_request_shutdown(ctx, ID), -EOPNOTSUPP);
	assert_non_null(strstr(dom_errmsg(ctx), "PV control interface not available"));
	store_set("/local/domain/5/control/feature-poweroff", "1");
	/* It doesn't take the request: which is then no longer there. */
	assert_int_equal(dom_request_shutdown(ctx, ID), -ETIMEDOUT);
	assert_string_equal(store_get("/local/domain/5/control/shutdown"), "");
	store_guest_listens = true;
	assert_int_equal(dom_request_shutdown(ctx, ID), 0);
	/* One that is still booting has said nothing, and may take it soon. */
	assert_int_equal(dom_request_reboot(ctx, ID), 0);
	assert_int_equal(dom_request_reboot(ctx, 6), -ESRCH);
	assert_int_equal(dom_sysrq(ctx, ID, 's'), 0);
	assert_string_equal(store_get("/local/domain/5/control/sysrq"), "s");
}

static void test_memory(void **state)
{
	uint64_t kb;

	assert_int_equal(dom_mem_set(ctx, ID, 131073), -EINVAL);
	assert_int_equal(dom_mem_set(ctx, ID, DOM_MEM_MIN_KB - 1), -EINVAL);
	assert_int_equal(fake.dom[1].max_pages, 16640);
	assert_int_equal(dom_mem_set(ctx, ID, 100000), 0);
	assert_string_equal(store_get("/local/domain/5/memory/target"), "100000");
	assert_int_equal(fake.dom[1].max_pages, (100000 + 1024) / 4);
	assert_int_equal(dom_mem_max(ctx, ID, 99999), -EINVAL);
	assert_int_equal(dom_mem_max(ctx, ID, 200000), 0);
	assert_int_equal(dom_mem_set(ctx, ID, 200000), 0);
	assert_int_equal(dom_mem_target(ctx, ID, &kb), 0);
	assert_int_equal(kb, 200000);

	/* The control domain's nodes come into being when they are needed. */
	fake.dom[0].pages = 262144;
	fake.dom[0].max_pages = UINT64_MAX;
	assert_int_equal(dom_mem_target(ctx, 0, &kb), 0);
	assert_int_equal(kb, 1048576);
	assert_int_equal(dom_mem_set(ctx, 0, 1024), -EINVAL);
	assert_int_equal(dom_mem_set(ctx, 0, 524288), 0);
}

/* A failing write of the target takes the limit back. */
static void test_memory_undone(void **state)
{
	for (unsigned int at = 1; at < 20; at++) {
		int rc;

		fake_fail_at(at);
		rc = dom_mem_set(ctx, ID, 80000);
		if (!fake_failed) {
			assert_int_equal(rc, 0);
			return;
		}
		assert_true(rc < 0);
		assert_int_equal(fake.dom[1].max_pages, 16640);
		assert_string_equal(store_get("/local/domain/5/memory/target"), "65536");
	}
	fail();
}

static void test_userdata(void **state)
{
	char *data;
	size_t len;

	assert_int_equal(dom_userdata_load(ctx, ID, "config", &data, &len), -ENOENT);
	assert_int_equal(dom_userdata_store(ctx, ID, "../x", "y", 1), -EINVAL);
	assert_int_equal(dom_userdata_store(ctx, 6, "config", "y", 1), -ESRCH);
	assert_int_equal(dom_userdata_store(ctx, ID, "config", "{}", 2), 0);
	assert_int_equal(dom_userdata_store(ctx, ID, "config", "{\"a\":1}", 7), 0);
	assert_int_equal(dom_userdata_load(ctx, ID, "config", &data, &len), 0);
	assert_int_equal(len, 7);
	assert_string_equal(data, "{\"a\":1}");
	free(data);
	/* Another domain with the same id doesn't get it. */
	fake.dom[1].handle[3] = 0x43;
	assert_int_equal(dom_userdata_load(ctx, ID, "config", &data, &len), -ENOENT);
	fake.dom[1].handle[3] = 0x42;
	assert_int_equal(dom_destroy(ctx, ID), 0); /* and it goes with the domain */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shutdown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_undone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_userdata, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
