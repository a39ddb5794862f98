/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The nodes that a guest has with its network card and its disk, as the toolstack and
 * Linux write them: one guest after the other, each with its own identifiers, addresses,
 * ports and grant references.
 */
#ifndef PAVISE_BENCH_XENSTORE_GUEST_H
#define PAVISE_BENCH_XENSTORE_GUEST_H

#define GUEST_TEXT 128

/* The @i-th node of all; both of GUEST_TEXT bytes. */
void guest_node(unsigned long i, char *path, char *value);

#endif
