/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Messages, and the trace of what goes over the wire. Messages go to the trace
 * file if there is one, and to syslog or, before and without daemonizing, to
 * standard error.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <xenstore/daemon/daemon.h>
#include <xenstore/proto/wire.h>

static void stamp(FILE *f)
{
	struct timespec ts;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	fprintf(f, "%s.%03ld ", text, ts.tv_nsec / 1000000);
}

void log_line(struct xsd *d, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (d->trace) {
		stamp(d->trace);
		fprintf(d->trace, "%s\n", line);
		fflush(d->trace);
	}
	if (d->in_background) {
		syslog(LOG_NOTICE, "%s", line);
	} else {
		fprintf(stderr, "xenstored: %s\n", line);
	}
}

void log_text(void *daemon, const char *text)
{
	log_line(daemon, "%s", text);
}

int log_switch(void *daemon, bool on, const char *file)
{
	struct xsd *d = daemon;
	FILE *f;

	if (file) {
		f = fopen(file, "ae");
		if (!f) {
			return -errno;
		}
		if (d->trace) {
			fclose(d->trace);
		}
		snprintf(d->trace_name, sizeof(d->trace_name), "%s", file);
		d->trace = f;
	}
	d->tracing = on && d->trace;
	return 0;
}

int log_trace(void *daemon, const char *what)
{
	struct xsd *d = daemon;
	uint16_t domid;

	if (strcmp(what, "off") == 0) {
		d->tracing = false;
		return 0;
	}
	if (!d->trace) {
		return -ENOENT; /* CONTROL logfile first */
	}
	if (strcmp(what, "all") == 0) {
		d->trace_domid = -1;
	} else if (wire_domid_parse(what, &domid)) {
		return -EINVAL;
	} else {
		d->trace_domid = domid;
	}
	d->tracing = true;
	return 0;
}

void log_reopen(struct xsd *d)
{
	FILE *f = d->trace ? fopen(d->trace_name, "ae") : NULL;

	if (f) {
		fclose(d->trace);
		d->trace = f;
	}
}

/* The payload as text: NULs as blanks, other odd bytes as in C. */
static void put_payload(FILE *f, const char *p, size_t len)
{
	size_t shown = len < 160 ? len : 160;

	while (shown && p[shown - 1] == '\0') {
		shown--;
	}
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == 0) {
			fputc(' ', f);
		} else if (c >= 0x20 && c < 0x7f && c != '\\') {
			fputc(c, f);
		} else {
			fprintf(f, "\\x%02x", c);
		}
	}
	if (shown < len && len > 160) {
		fputs("...", f);
	}
}

void log_message(struct xsd *d, const struct conn *c, bool in, const struct xsd_sockmsg *hdr,
		 const char *payload)
{
	stamp(d->trace);
	fprintf(d->trace, "%s %u%s tx %u %s ", in ? "IN " : "OUT", c->id, c->dom ? "d" : "s",
		hdr->tx_id, wire_op_name(hdr->type));
	put_payload(d->trace, payload, hdr->len);
	fputc('\n', d->trace);
	fflush(d->trace);
}
