/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Several domains of one test: "# peers: N" in its configuration. The first one says
 * what the result is; the others run until it has ended, and must not fail.
 */
#ifndef TESTS_GUESTS_LIB_PEERS_H
#define TESTS_GUESTS_LIB_PEERS_H

#include "lib/guest.h"

#define MAX_PEERS 4

/* Which we are: 0 is the first. */
static inline unsigned int own_role(void)
{
	return (unsigned int)argument("peer", 0);
}

/* The id of each, by role; error() if they aren't in the store. */
extern domid_t peers[MAX_PEERS];
void find_peers(unsigned int nr);

#endif
