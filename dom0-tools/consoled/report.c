/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The daemon's own messages. */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "report.h"

static bool verbose_on;
static bool syslog_on;

static void report(int level, const char *fmt, va_list ap)
{
	if (syslog_on) {
		vsyslog(level, fmt, ap);
		return;
	}
	fputs("xenconsoled: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void report_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(LOG_ERR, fmt, ap);
	va_end(ap);
}

void report_info(const char *fmt, ...)
{
	va_list ap;

	if (!verbose_on)
		return;
	va_start(ap, fmt);
	report(LOG_INFO, fmt, ap);
	va_end(ap);
}

void report_set_verbose(bool verbose)
{
	verbose_on = verbose;
}

void report_to_syslog(void)
{
	openlog("xenconsoled", LOG_PID, LOG_DAEMON);
	syslog_on = true;
}
