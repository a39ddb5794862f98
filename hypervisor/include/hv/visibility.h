/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Put before every file by the build: all symbols are of the one image, so
 * references need no global offset table.
 */
#pragma GCC visibility push(hidden)
