/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The hypervisor's console. See hv/console.h.
 *
 * A message goes to the serial line and into the ring; what the control domain
 * writes by console_io to the serial line only. console_lock keeps lines whole; it is a leaf
 * and taken with interrupts off.
 */
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <arch/cpu.h>
#include <arch/ns16550.h>

#include "conring.h"

#define RX_SIZE      256
#define ESCAPE_CHAR  0x01 /* Ctrl-A */
#define ESCAPE_COUNT 3

struct spinlock console_lock = SPINLOCK_INIT(RANK_CONSOLE);
static struct console_dev *dev;
static bool forced_sync;

/*
 * Also what the control domain writes? Then `xl dmesg` on the serial line has no
 * end: it reads what it has just written.
 */
static bool opt_console_to_ring;
CMDLINE_BOOL("console_to_ring", opt_console_to_ring);

/* Input for the control domain. */
static char rx_buf[RX_SIZE];
static unsigned int rx_prod, rx_cons;
static struct spinlock rx_lock = SPINLOCK_INIT(RANK_NONE); /* these three; interrupts off */
static bool rx_to_hypervisor;
static unsigned int escape_seen;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static int host_level = LOG_INFO, guest_level = LOG_WARN;

/* -1: none. */
static int level_of(const char *s, size_t n, int *ret_level)
{
	if (n == 3 && !strncmp(s, "all", n)) {
		*ret_level = LOG_DEBUG;
		return 0;
	}
	if (n == 4 && !strncmp(s, "none", n)) {
		*ret_level = -1;
		return 0;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (n == strlen(level_names[i]) && !strncmp(s, level_names[i], n)) {
			*ret_level = (int)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* <level>[/<rate-limited level>]; the second has no effect. */
static int parse_level(const char *s, int *ret_level)
{
	const char *slash = strchr(s, '/');
	int unused;

	if (slash && level_of(slash + 1, strlen(slash + 1), &unused))
		return -EINVAL;
	return level_of(s, slash ? (size_t)(slash - s) : strlen(s), ret_level);
}

static int __init parse_loglvl(const char *s)
{
	return parse_level(s, &host_level);
}
CMDLINE_CUSTOM("loglvl", parse_loglvl, "info");

static int __init parse_guest_loglvl(const char *s)
{
	return parse_level(s, &guest_level);
}
CMDLINE_CUSTOM("guest_loglvl", parse_guest_loglvl, "warning");

static bool use_com1 __initdata = true;

/* A list of com1, vga (of which there is nothing to see) and none. */
static int __init parse_console(const char *s)
{
	bool com1 = false;

	for (;; s++) {
		size_t n = 0;

		while (s[n] && s[n] != ',')
			n++;
		if (n == 4 && !strncmp(s, "com1", n))
			com1 = true;
		else if ((n != 3 || strncmp(s, "vga", n) != 0) &&
			 (n != 4 || strncmp(s, "none", n) != 0))
			return -EINVAL;
		s += n;
		if (!*s)
			break;
	}
	use_com1 = com1;
	return 0;
}
CMDLINE_CUSTOM("console", parse_console, "com1");

/* ---- output --------------------------------------------------------------- */

static void dev_put(char c)
{
	if (!dev)
		return;
	if (c == '\n')
		dev->putc('\r');
	dev->putc(c);
}

static void write_out(const char *s, size_t n, bool to_ring)
{
	unsigned long flags = 0;

	if (!forced_sync)
		flags = spin_lock_irqsave(&console_lock);
	for (size_t i = 0; i < n; i++) {
		if (to_ring)
			conring_put(s[i]);
		dev_put(s[i]);
	}
	if (forced_sync)
		return;
	spin_unlock_irqrestore(&console_lock, flags);
	if (to_ring && READ_ONCE(hardware_domain))
		softirq_raise(SOFTIRQ_CONSOLE);
}

void console_write(const char *s, size_t n)
{
	write_out(s, n, true);
}

static void vprintk(const char *fmt, va_list ap)
{
	char line[512];
	int n, len;

	n = hv_snprintf(line, sizeof(line), "(HV) ");
	len = n + hv_vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (len >= (int)sizeof(line)) {
		len = sizeof(line) - 1;
		line[len - 1] = '\n';
	}
	console_write(line, (size_t)len);
}

void printk(enum loglvl lvl, const char *fmt, ...)
{
	va_list ap;

	if ((int)lvl > host_level)
		return;
	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
}

/* A guest may cause ten messages in a burst and two in a second. */
static bool guest_message_allowed(void)
{
	static struct spinlock lock = SPINLOCK_INIT(RANK_CONSOLE);
	static s_time_t tokens = SECONDS(5), last;
	unsigned long flags = spin_lock_irqsave(&lock);
	s_time_t now = time_now();
	bool ok;

	tokens = min(tokens + now - last, SECONDS(5));
	last = now;
	ok = tokens >= MILLISECS(500);
	if (ok)
		tokens -= MILLISECS(500);
	spin_unlock_irqrestore(&lock, flags);
	return ok;
}

void printk_guest(enum loglvl lvl, const char *fmt, ...)
{
	va_list ap;

	if ((int)lvl > guest_level || (guest_level < LOG_DEBUG && !guest_message_allowed()))
		return;
	va_start(ap, fmt);
	vprintk(fmt, ap);
	va_end(ap);
}

long hv_err_fn(long err, const char *func, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	if (guest_level < LOG_DEBUG)
		return err;
	va_start(ap, fmt);
	hv_vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	printk_guest(LOG_DEBUG, "d%u: %s: %s (%ld)\n", current ? current->domain->id : 0, func, msg,
		     err);
	return err;
}

void console_force_sync(void)
{
	forced_sync = true;
	ns16550_force_sync();
}

/* ---- input ------------------------------------------------------------------ */

static void announce_input(void)
{
	pr_info("*** Serial input to %s (type Ctrl-A three times to switch)\n",
		rx_to_hypervisor ? "the hypervisor's debug keys, h for help"
				 : "the control domain");
}

static void rx_char(char c)
{
	unsigned long flags;

	if (rx_to_hypervisor) {
		keyhandler_run(c, NULL);
		return;
	}
	flags = spin_lock_irqsave(&rx_lock);
	if (rx_prod - rx_cons < RX_SIZE)
		rx_buf[rx_prod++ % RX_SIZE] = c;
	spin_unlock_irqrestore(&rx_lock, flags);
	evtchn_send_global_virq(VIRQ_CONSOLE);
}

void console_rx(char c)
{
	if (c == ESCAPE_CHAR) {
		if (++escape_seen < ESCAPE_COUNT)
			return;
		escape_seen = 0;
		rx_to_hypervisor = !rx_to_hypervisor;
		announce_input();
		return;
	}
	for (; escape_seen; escape_seen--)
		rx_char(ESCAPE_CHAR);
	rx_char(c);
}

/* ---- the control domain's view ------------------------------------------------ */

static long guest_write(unsigned int count, uint64_t buf)
{
	char chunk[128];

	for (unsigned int done = 0; done < count;) {
		unsigned int n = min(count - done, (unsigned int)sizeof(chunk));

		if (done && hypercall_preempt_check()) {
			const unsigned long args[] = {CONSOLEIO_write, count - done, buf + done};

			return hypercall_continue(__HYPERVISOR_console_io, 3, args);
		}
		if (guest_copy_in(chunk, buf + done, n))
			return -EFAULT;
		write_out(chunk, n, opt_console_to_ring);
		done += n;
	}
	return 0;
}

static long guest_read(unsigned int count, uint64_t buf)
{
	char chunk[RX_SIZE];
	unsigned long flags;
	unsigned int n = 0, first;

	/* Two of its vCPUs may ask at the same time. */
	flags = spin_lock_irqsave(&rx_lock);
	first = rx_cons;
	while (n < count && rx_cons != rx_prod)
		chunk[n++] = rx_buf[rx_cons++ % RX_SIZE];
	spin_unlock_irqrestore(&rx_lock, flags);
	if (!guest_copy_out(buf, chunk, n))
		return (long)n;
	/* Nothing is lost by a bad address, if nobody was in between. */
	flags = spin_lock_irqsave(&rx_lock);
	if (rx_cons == first + n && rx_prod - first <= RX_SIZE)
		rx_cons = first;
	spin_unlock_irqrestore(&rx_lock, flags);
	return -EFAULT;
}

/* An ordinary guest's early messages are a debugging aid: a line each, log level debug. */
static long ordinary_write(unsigned int count, uint64_t buf)
{
	char line[128];
	unsigned int n = min(count, (unsigned int)sizeof(line) - 1);

	if (guest_copy_in(line, buf, n))
		return -EFAULT;
	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	/* It is not to make up other lines, or to talk to the terminal. */
	for (unsigned int i = 0; i < n; i++) {
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '.';
	}
	printk_guest(LOG_DEBUG, "d%u: %.*s\n", current->domain->id, (int)n, line);
	return 0;
}

long do_console_io(unsigned int cmd, unsigned int count, uint64_t buf)
{
	if (!is_control_domain(current->domain))
		return cmd == CONSOLEIO_write ? ordinary_write(count, buf) : -EPERM;
	switch (cmd) {
	case CONSOLEIO_write:
		return guest_write(count, buf);
	case CONSOLEIO_read:
		return guest_read(count, buf);
	default:
		return hypercall_no_subop(__HYPERVISOR_console_io, cmd);
	}
}

/* ---- start-up ----------------------------------------------------------------- */

void __init console_init_early(void)
{
	uint32_t index = 0;
	char c;

	if (use_com1)
		dev = ns16550_init();
	/* What was said before, of the command line. */
	for (; conring_peek(&c, 1, &index); index++)
		dev_put(c);
}

void __init console_init_irq(void)
{
	if (dev && dev->init_irq)
		dev->init_irq();
}
