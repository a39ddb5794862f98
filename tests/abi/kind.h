/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What kind of number a field is: both passes over the list use this. */
#ifndef TESTS_ABI_KIND_H
#define TESTS_ABI_KIND_H

#define KIND(x)                                                                                   \
	_Generic((x), char : 1, signed char : 2, short : 2, int : 2, long : 2, unsigned char : 3, \
		 unsigned short : 3, unsigned int : 3, unsigned long : 3, default : 0)

#endif
