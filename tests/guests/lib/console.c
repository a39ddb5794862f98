/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Output: to the hypervisor's console (which may drop it), and to the console
 * ring, waiting for room if the other end is slow. Of input, only that there is some.
 */
#include "lib/guest.h"

#include <public/io/console.h>

static struct xencons_interface *ring(void)
{
	static struct xencons_interface *cached;

	if (!cached)
		cached = mfn_to_virt(start_info->console.domU.mfn);
	return cached;
}

static void notify(void)
{
	struct evtchn_send send = {.port = start_info->console.domU.evtchn};

	hypercall(event_channel_op, EVTCHNOP_send, &send);
}

static void yield(void)
{
	hypercall(sched_op, SCHEDOP_yield, 0);
}

void console_write(const char *text, size_t len)
{
	struct xencons_interface *r = ring();
	size_t i;

	hypercall(console_io, CONSOLEIO_write, len, text);
	for (i = 0; i < len; i++) {
		XENCONS_RING_IDX prod = r->out_prod;

		while (prod - __atomic_load_n(&r->out_cons, __ATOMIC_ACQUIRE) >= sizeof(r->out)) {
			notify();
			yield();
		}
		r->out[MASK_XENCONS_IDX(prod, r->out)] = text[i];
		__atomic_store_n(&r->out_prod, prod + 1, __ATOMIC_RELEASE);
	}
	notify();
}

/* Waits until the other end has taken everything, or for five seconds. */
void console_flush(void)
{
	struct xencons_interface *r = ring();
	uint64_t end = system_time() + 5000000000UL;

	while (__atomic_load_n(&r->out_cons, __ATOMIC_ACQUIRE) != r->out_prod &&
	       system_time() < end)
		yield();
}

/* Waits until something has been typed. */
void console_wait(void)
{
	struct xencons_interface *r = ring();

	while (__atomic_load_n(&r->in_prod, __ATOMIC_ACQUIRE) == r->in_cons)
		yield();
}

/* A line is written by one call, so that others do not come between. */
struct line {
	char text[512];
	size_t len;
};

static void put(struct line *line, char c)
{
	if (line->len < sizeof(line->text))
		line->text[line->len++] = c;
}

static void put_number(struct line *line, unsigned long value, unsigned int base)
{
	char digits[24];
	size_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put(line, digits[--n]);
}

static const char *put_item(struct line *line, const char *f, va_list args)
{
	bool alternate = *f == '#' && f++, is_long = *f == 'l' && f++;
	const char *text;
	long value;

	switch (*f) {
	case 'c':
		put(line, (char)va_arg(args, int));
		break;
	case 's':
		for (text = va_arg(args, const char *); *text; text++)
			put(line, *text);
		break;
	case 'd':
		value = is_long ? va_arg(args, long) : va_arg(args, int);
		if (value < 0)
			put(line, '-');
		put_number(line, value < 0 ? 0UL - (unsigned long)value : (unsigned long)value, 10);
		break;
	case 'u':
		put_number(line, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned int),
			   10);
		break;
	case 'p':
		is_long = alternate = true;
		/* fall through */
	case 'x':
		if (alternate) {
			put(line, '0');
			put(line, 'x');
		}
		put_number(line, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned int),
			   16);
		break;
	default:
		put(line, *f);
	}
	return f + 1;
}

static void print(struct line *line, const char *format, va_list args)
{
	while (*format) {
		if (*format == '%') {
			format = put_item(line, format + 1, args);
		} else {
			if (*format == '\n')
				put(line, '\r');
			put(line, *format++);
		}
	}
}

void printf(const char *format, ...)
{
	struct line line = {.len = 0};
	va_list args;

	va_start(args, format);
	print(&line, format, args);
	va_end(args);
	console_write(line.text, line.len);
}

static const char *result = "SUCCESS";
static bool is_failed;

bool test_failed(void)
{
	return is_failed;
}

static void report(const char *what, const char *format, va_list args)
{
	struct line line = {.len = 0};

	while (*what)
		put(&line, *what++);
	print(&line, format, args);
	put(&line, '\r');
	put(&line, '\n');
	console_write(line.text, line.len);
}

void failure(const char *format, ...)
{
	va_list args;

	is_failed = true;
	result = "FAILURE";
	va_start(args, format);
	report("Failure: ", format, args);
	va_end(args);
}

static void __attribute__((noreturn)) end(void)
{
	struct sched_shutdown shutdown = {.reason = SHUTDOWN_poweroff};

	console_flush();
	for (;;)
		hypercall(sched_op, SCHEDOP_shutdown, &shutdown);
}

void skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report("Test result: SKIP ", format, args);
	va_end(args);
	end();
}

void error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report("Error: ", format, args);
	va_end(args);
	printf("Test result: ERROR\n");
	end();
}

void guest_end(void);
void guest_end(void)
{
	printf("Test result: %s\n", result);
	end();
}
