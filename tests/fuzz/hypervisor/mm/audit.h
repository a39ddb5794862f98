/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The oracle of the memory tests: all reference and type counts, computed anew
 * from who holds what, and what must never be true of them.
 */
#ifndef FUZZ_MM_AUDIT_H
#define FUZZ_MM_AUDIT_H

struct domain;

/* Domains that exist, dying ones too; NULL is fine in between. */
#define AUDIT_DOMAINS 3

/* Panics with the frame and both figures at the first difference. Between hypercalls. */
void audit(struct domain *const d[AUDIT_DOMAINS]);

#endif
