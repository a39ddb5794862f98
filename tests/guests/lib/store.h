/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A client of the store, over the ring page that start_info names. One request at a time. */
#ifndef TESTS_GUESTS_LIB_STORE_H
#define TESTS_GUESTS_LIB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/io/xs_wire.h>

#define STORE_TEXT 1024

extern char store_reply[STORE_TEXT]; /* of the last request, terminated */
extern char store_event[STORE_TEXT]; /* the last watch event */
extern unsigned int store_events; /* how many there were */
extern struct xenstore_domain_interface *store_ring;

void store_connect(void);

/* A message of either kind; error() if none comes for ten seconds. */
struct xsd_sockmsg store_receive(void);

/* Sends a request of up to two strings, and gives the type of the reply. */
uint32_t store_request(uint32_t type, const char *a, const char *b, bool terminate_b);

#endif
