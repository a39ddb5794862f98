/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* See peers.h. */
#include "lib/peers.h"
#include "lib/store.h"

domid_t peers[MAX_PEERS];

void find_peers(unsigned int nr)
{
	const char *p = store_reply;
	unsigned int i;

	store_connect();
	if (store_request(XS_READ, "data/peers", NULL, false) != XS_READ)
		error("no peers: '%s'", store_reply);
	for (i = 0; i < nr && *p; i++) {
		while (*p >= '0' && *p <= '9')
			peers[i] = (domid_t)(peers[i] * 10 + (*p++ - '0'));
		p += *p == ' ';
	}
	if (i < nr)
		error("%u peers, not %u", i, nr);
}
