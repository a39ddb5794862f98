/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The first pass over the list, compiled with Debian's headers to assembler:
 * each item leaves a line "@id value" there.
 */
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "tests/abi/kind.h"

#define VALUE(id, value) __asm__ volatile("\n@" #id " %0" : : "i"((long)(value)));

#define CONSTANT(id, expr)     VALUE(id, expr)
#define EXPRESSION(id, expr)   VALUE(try_##id, expr)
#define STRING(id, expr)       VALUE(id, sizeof(expr))
#define TYPE(id, type)         VALUE(id, sizeof(type))
#define OFFSET(id, type, path) VALUE(id##_at, offsetof(type, path))
#define FIELD(id, type, path)                       \
	OFFSET(id, type, path)                      \
	VALUE(id##_size, sizeof(((type *)0)->path)) \
	VALUE(id##_kind, KIND(((type *)0)->path))
#define GUEST_FIELD(id, type, path) FIELD(id, type, path)

void reference(void)
{
#include "items.h"
#include "tests/abi/expressions.h"
}
