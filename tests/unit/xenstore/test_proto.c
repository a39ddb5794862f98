/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The wire's bytes and the ring, the ring with a partner that lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <xenstore/proto/ring.h>
#include <xenstore/proto/wire.h>

static void errors(void **state)
{
	assert_string_equal(wire_error_name(-EAGAIN), "EAGAIN");
	assert_string_equal(wire_error_name(EPERM), "EPERM");
	assert_string_equal(wire_error_name(-ENXIO), "EIO");
	assert_int_equal(wire_error_number("ENOENT", 6), ENOENT);
	assert_int_equal(wire_error_number("EQUOTA", 6), ENOSPC);
	assert_int_equal(wire_error_number("ENOENTX", 7), EIO);
}

static void strings(void **state)
{
	const char *s[2];

	assert_int_equal(wire_strings("", 0, s, 2), 0);
	assert_int_equal(wire_strings("a", 1, s, 2), -EINVAL);
	assert_int_equal(wire_strings("a\0b\0", 4, s, 2), 2);
	assert_string_equal(s[1], "b");
	assert_int_equal(wire_strings("a\0\0c\0", 5, s, 2), 3);
	assert_string_equal(s[1], "");
	assert_int_equal(wire_strings("a\0b", 3, s, 2), -EINVAL);
}

static bool valid(const char *path)
{
	return wire_path_valid(path, strlen(path));
}

static void paths(void **state)
{
	char path[4000];

	assert_true(valid("/"));
	assert_true(valid("/a-b_c@D/9"));
	assert_true(valid("a/b"));
	assert_false(valid(""));
	assert_false(valid("//"));
	assert_false(valid("/a/"));
	assert_false(valid("a/"));
	assert_false(valid("/a//b"));
	assert_false(valid("/a b"));
	assert_false(valid("/a.b"));
	assert_false(valid("@x"));
	assert_true(wire_special_valid("@releaseDomain/3", 16));
	assert_false(wire_special_valid("@", 1));
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	assert_true(wire_path_valid(path, 3072));
	assert_false(wire_path_valid(path, 3073));
	assert_true(wire_path_valid(path + 1, 2048));
	assert_false(wire_path_valid(path + 1, 2049));
}

static void perms(void **state)
{
	struct wire_perm p;
	char text[WIRE_PERM_STRLEN];

	assert_int_equal(wire_perm_parse("b65535", &p), 0);
	assert_int_equal(p.domid, 65535);
	assert_int_equal(p.access, WIRE_PERM_READ | WIRE_PERM_WRITE);
	assert_int_equal(wire_perm_format(&p, text), 6);
	assert_string_equal(text, "b65535");
	assert_int_equal(wire_perm_parse("b65536", &p), -EINVAL);
	assert_int_equal(wire_perm_parse("b", &p), -EINVAL);
	assert_int_equal(wire_perm_parse("", &p), -EINVAL);
	assert_int_equal(wire_perm_parse("x1", &p), -EINVAL);
	assert_int_equal(wire_perm_parse("n-1", &p), -EINVAL);
	assert_int_equal(wire_perm_parse("r1 ", &p), -EINVAL);
}

static void ring_bytes(void **state)
{
	struct xenstore_domain_interface *r = calloc(1, sizeof(*r));
	uint32_t seed = 1, put = 0, got = 0;
	unsigned char in[700], out[700];

	/* Indices that wrap round 2^32 on the way. */
	r->req_cons = r->req_prod = 0xfffffd00u;
	for (int i = 0; i < 20000; i++) {
		ssize_t n;

		seed = seed * 1103515245u + 12345u;
		if (seed & 0x10000) {
			size_t len = (seed >> 20) % sizeof(in);

			for (size_t k = 0; k < len; k++) {
				in[k] = (unsigned char)(put + k);
			}
			n = ring_write(r, RING_REQ, in, len);
			assert_true(n >= 0 && (size_t)n <= len);
			put += (uint32_t)n;
		} else {
			n = ring_read(r, RING_REQ, out, (seed >> 20) % sizeof(out));
			assert_true(n >= 0);
			for (ssize_t k = 0; k < n; k++) {
				assert_int_equal(out[k], (unsigned char)(got + (uint32_t)k));
			}
			got += (uint32_t)n;
		}
		assert_int_equal(ring_filled(r, RING_REQ), put - got);
	}
	assert_true(got > XENSTORE_RING_SIZE * 10);
	assert_int_equal(ring_filled(r, RING_RSP), 0);
	free(r);
}

static void ring_lies(void **state)
{
	struct xenstore_domain_interface *r = calloc(1, sizeof(*r));
	char buf[16];

	r->req_prod = XENSTORE_RING_SIZE + 1;
	assert_int_equal(ring_read(r, RING_REQ, buf, sizeof(buf)), -EIO);
	assert_int_equal(ring_filled(r, RING_REQ), -EIO);
	r->rsp_cons = 1; /* more consumed than produced */
	assert_int_equal(ring_write(r, RING_RSP, buf, sizeof(buf)), -EIO);
	r->rsp_cons = 0;
	r->rsp_prod = XENSTORE_RING_SIZE; /* full */
	assert_int_equal(ring_write(r, RING_RSP, buf, sizeof(buf)), 0);
	ring_reset(r);
	assert_int_equal(ring_filled(r, RING_REQ), 0);
	assert_int_equal(ring_write(r, RING_RSP, buf, sizeof(buf)), sizeof(buf));
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors), cmocka_unit_test(strings),    cmocka_unit_test(paths),
		cmocka_unit_test(perms),  cmocka_unit_test(ring_bytes), cmocka_unit_test(ring_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
