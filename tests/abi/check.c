/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The second pass over the list, compiled with our headers: each item is an
 * assertion that its value is the reference's. Compiles as C89 and C++ too,
 * where an assertion that fails shows as an array of negative size whose name
 * says which. The program prints what was compared, and tries strings.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "headers.h"
#include "reference.h"
#include "tests/abi/kind.h"

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define SAME(id, value)      _Static_assert((unsigned long)(value) == REF_##id, #id " differs");
#define SAME_KIND(id, value) SAME(id, KIND(value))
#else
#define SAME(id, value) typedef char id##_differs[(unsigned long)(value) == REF_##id ? 1 : -1];
#define SAME_KIND(id, value)
#endif

#define CONSTANT(id, expr)   SAME(id, expr)
#define EXPRESSION(id, expr) SAME(try_##id, expr)
#define STRING(id, expr)     SAME(id, sizeof(expr))
#ifdef __cplusplus
/* Types declared inside of others have longer names in C++. */
#define TYPE(id, type)
#else
#define TYPE(id, type) SAME(id, sizeof(type))
#endif
#define OFFSET(id, type, path) SAME(id##_at, offsetof(type, path))
#define FIELD(id, type, path)                      \
	OFFSET(id, type, path)                     \
	SAME(id##_size, sizeof(((type *)0)->path)) \
	SAME_KIND(id##_kind, ((type *)0)->path)
#ifdef __PAVISE_HYPERVISOR__
#define GUEST_FIELD(id, type, path)
#else
#define GUEST_FIELD(id, type, path) FIELD(id, type, path)
#endif

#include "items.h"
#include "tests/abi/expressions.h"

#undef CONSTANT
#undef EXPRESSION
#undef STRING
#undef TYPE
#undef OFFSET
#undef FIELD
#undef GUEST_FIELD
#define CONSTANT(id, expr)          constants++;
#define EXPRESSION(id, expr)        expressions++;
#define STRING(id, expr)            constants++;
#define TYPE(id, type)              types++;
#define OFFSET(id, type, path)      fields++;
#define FIELD(id, type, path)       fields++;
#define GUEST_FIELD(id, type, path) fields++;

static int strings_are_right(void)
{
	static const char prefix[] = XEN_EMULATE_PREFIX;

	return strcmp(prefix, ".byte 0x0f,0x0b,0x78,0x65,0x6e ; ") == 0 &&
	       strcmp(XEN_IO_PROTO_ABI_NATIVE, "x86_64-abi") == 0 &&
	       strcmp(PRI_xen_pfn, "lx") == 0 && strcmp(PRIu_xen_pfn, "lu") == 0;
}

int main(void)
{
	int constants = 0, expressions = 0, types = 0, fields = 0;

#include "items.h"
#include "tests/abi/expressions.h"

	printf("1..5\n");
	printf("ok 1 - %d constants are Xen's\n", constants);
	printf("ok 2 - %d types have Xen's sizes\n", types);
	printf("ok 3 - %d fields lie where Xen's do\n", fields);
	printf("ok 4 - %d macros give what Xen's do\n", expressions);
	printf("%sok 5 - strings are Xen's\n", strings_are_right() ? "" : "not ");
	return 0;
}
