/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* "Did you mean ...?" */
#ifndef PAVISE_XL_SUGGEST_H
#define PAVISE_XL_SUGGEST_H

#include <stddef.h>

/*
 * How many letters must be added, removed, changed or swapped with a neighbour
 * to make @b of @a. Words longer than 63 letters are infinitely far away.
 */
unsigned int suggest_distance(const char *a, const char *b);

/*
 * The nearest to @word of @count names, where name i is name_at(arg, i) (NULL:
 * skip it). NULL if none is near enough to be worth mentioning.
 */
const char *suggest_nearest(const char *word, size_t count,
			    const char *(*name_at)(const void *arg, size_t i), const void *arg);

#endif
