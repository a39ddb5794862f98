/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xsclient without a daemon: a list of nodes in memory. Back-ends play along
 * while somebody waits: a new device's goes to state 2, a closing one's to 6.
 * Failures are injected together with the fake hypervisor's.
 */
#ifndef PAVISE_TEST_FAKE_STORE_H
#define PAVISE_TEST_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

void store_reset(void);

/* The value, or NULL. */
const char *store_get(const char *path);
void store_set(const char *path, const char *value);
/* "n0,r1", or "". */
const char *store_perms(const char *path);
size_t store_nr(void);
bool store_introduced(unsigned int domid);

extern bool store_backend_dead; /* it never answers */
extern bool store_guest_listens; /* takes requests in control/shutdown */
extern unsigned int store_open_tx; /* transactions that nobody ended */

#endif
