/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Where the daemon's own messages go: to standard error until it has become a
 * daemon (or for ever with -i), then to syslog.
 */
#ifndef CONSOLED_REPORT_H
#define CONSOLED_REPORT_H

#include <stdbool.h>

void report_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Shown only with -v. */
void report_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void report_set_verbose(bool verbose);
void report_to_syslog(void);

#endif
