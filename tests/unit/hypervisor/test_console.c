/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The console: its options, what goes to the serial line and what to the ring, the
 * ring as xl dmesg reads it (against a plain record of all that was ever said), input
 * and its switch, console_io of the control domain and of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/time.h>
#include <public/sysctl.h>

/* The serial port, down to inb() and outb(). */
#include "../../../hypervisor/x86/dev/ns16550.c"

/* ---- the world around ----------------------------------------------------------------- */

_Thread_local unsigned int ht_cpu;
bool ht_irq_on[HT_CPUS] = {true};
struct vcpu *ht_current[HT_CPUS];
uint64_t ht_tsc;
void (*ht_relax)(void);
struct domain *hardware_domain;

static struct domain dom0 = {.id = 0, .is_privileged = true}, domu = {.id = 7};
static struct vcpu v0 = {.domain = &dom0}, vu = {.domain = &domu};

static char serial[1 << 16];
static size_t serial_len;
static unsigned int virqs[NR_VIRQS], softirqs;
static char keys[64];
static s_time_t now = SECONDS(100);
static unsigned int preempt_after;
static unsigned long continued[6];
static void *ring_memory;

void spin_lock(struct spinlock *l)
{
}

void spin_unlock(struct spinlock *l)
{
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
	return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
}

void arch_spin_poll(void)
{
}

uint8_t inb(uint16_t port)
{
	return port == uart.port + UART_LSR ? LSR_TX_EMPTY : 0;
}

void outb(uint16_t port, uint8_t v)
{
	if (port == uart.port + UART_THR && uart.present && serial_len < sizeof(serial))
		serial[serial_len++] = (char)v;
}

int irq_request(unsigned int gsi, void (*fn)(void *), void *data)
{
	return 0;
}

unsigned int irq_isa_to_gsi(unsigned int isa_irq)
{
	return isa_irq;
}

void evtchn_send_global_virq(unsigned int virq)
{
	virqs[virq]++;
}

static void (*ring_handler)(void);

void softirq_set_handler(enum softirq nr, void (*fn)(void))
{
	assert_int_equal(nr, SOFTIRQ_CONSOLE);
	ring_handler = fn;
}

void softirq_raise(enum softirq nr)
{
	assert_int_equal(nr, SOFTIRQ_CONSOLE);
	softirqs++;
}

void keyhandler_run(char key, struct cpu_user_regs *regs)
{
	keys[strlen(keys)] = key;
}

s_time_t time_now(void)
{
	return now;
}

void *hyp_pages_alloc(unsigned int order)
{
	return ring_memory = calloc(1, PAGE_SIZE << order);
}

bool hypercall_preempt_check(void)
{
	return preempt_after && !--preempt_after;
}

long hypercall_continue(unsigned int op, unsigned int nr_args, const unsigned long *args)
{
	memcpy(continued, args, nr_args * sizeof(*args));
	return -ERESTART;
}

long hypercall_no_subop(unsigned int op, unsigned int cmd)
{
	return -ENOSYS;
}

static const char *bad_start;

unsigned long guest_copy_in(void *dst, uint64_t va, unsigned long n)
{
	if (bad_start && va + n > (uint64_t)(uintptr_t)bad_start)
		return n;
	memcpy(dst, (const void *)(uintptr_t)va, n);
	return 0;
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	if (bad_start && va + n > (uint64_t)(uintptr_t)bad_start)
		return n;
	memcpy((void *)(uintptr_t)va, src, n);
	return 0;
}

extern const struct cmdline_option __start_ht_cmdline[], __stop_ht_cmdline[];

static void options(const char *line)
{
	cmdline_parse(line, __start_ht_cmdline, __stop_ht_cmdline);
}

static void clear(void)
{
	serial_len = 0;
	memset(serial, 0, sizeof(serial));
	memset(keys, 0, sizeof(keys));
	memset(virqs, 0, sizeof(virqs));
	softirqs = 0;
}

static bool on_serial(const char *what)
{
	return strstr(serial, what) != NULL;
}

static long io(struct vcpu *v, unsigned int cmd, unsigned int count, const void *buf)
{
	ht_current[0] = v;
	return do_console_io(cmd, count, (uint64_t)(uintptr_t)buf);
}

/* ---- tests, in this order --------------------------------------------------------------- */

/* What is said before the port is open is shown then; com1= is in force by then. */
static void early(void **state)
{
	pr_info("first words\n");
	options("com1=57600,8n1,0x2f8,3 nonsense");
	assert_int_equal(serial_len, 0);
	console_init_early();
	assert_int_equal(uart.port, 0x2f8);
	assert_int_equal(uart.irq, 3);
	assert_int_equal(uart.baud, 57600);
	assert_string_equal(serial, "(HV) first words\r\n"
				    "(HV) Command line: unknown option 'nonsense' is ignored\r\n");
	assert_int_equal(ns16550_port(), 0x2f8);
}

static void com1_options(void **state)
{
	static const char *const bads[] = {
		"com1=",
		"com1=abc",
		"com1=0",
		"com1=115201",
		"com1=57600x",
		"com1=9600,7e1",
		"com1=9600,8n1,0x2f8,3,",
		"com1=9600,8n1,zzz",
		"com1=9600,8n1,0xfffc",
		"com1=9600,8n1,0x2f8,99",
		"com1=9600,8n1,0x10002f8",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bads); i++) {
		clear();
		options(bads[i]);
		assert_true(on_serial("malformed"));
		assert_true(on_serial("com1=115200,8n1,0x3f8,4"));
		assert_int_equal(uart.baud, 57600);
		assert_int_equal(uart.port, 0x2f8);
		assert_int_equal(uart.irq, 3);
	}
	clear();
	options("com1=9600 com1=auto com1=9600,8n1 com1=auto,8n1,0x2f8 com1=9600,,,3 com1=57600");
	assert_int_equal(serial_len, 0);
	assert_int_equal(uart.baud, 57600);
}

static void levels(void **state)
{
	static const struct {
		const char *option;
		unsigned int shown; /* err, warn, info, debug as bits 0 to 3 */
	} cases[] = {
		{"loglvl=none", 0},        {"loglvl=error", 1},     {"loglvl=warning", 3},
		{"loglvl=info", 7},        {"loglvl=debug", 15},    {"loglvl=all", 15},
		{"loglvl=warning/all", 3}, {"loglvl=all/none", 15},
	};
	static const char *const bads[] = {"loglvl=",          "loglvl=loud",  "loglvl=info/",
					   "loglvl=info/loud", "loglvl=/info", "guest_loglvl=x",
					   "no-loglvl"};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		options(cases[i].option);
		clear();
		pr_err("e\n");
		pr_warn("w\n");
		pr_info("i\n");
		pr_debug("d\n");
		assert_int_equal(on_serial("(HV) e\r\n"), cases[i].shown & 1);
		assert_int_equal(on_serial("(HV) w\r\n"), cases[i].shown >> 1 & 1);
		assert_int_equal(on_serial("(HV) i\r\n"), cases[i].shown >> 2 & 1);
		assert_int_equal(on_serial("(HV) d\r\n"), cases[i].shown >> 3 & 1);
	}
	options("loglvl=info");
	for (unsigned int i = 0; i < ARRAY_SIZE(bads); i++) {
		clear();
		options(bads[i]);
		assert_true(on_serial("malformed"));
		assert_true(on_serial(bads[i][0] == 'g' ? "guest_loglvl=warning" : "loglvl=info"));
	}
}

static void console_option(void **state)
{
	clear();
	options("console=com1 console=com1,vga console=vga,com1 console=none console=vga");
	assert_int_equal(serial_len, 0);
	options("console=com9");
	assert_true(on_serial("'console=com9' is malformed"));
	clear();
	options("console=com1,");
	assert_true(on_serial("malformed"));
	options("console=com1");
}

/* A guest's messages: ten in a burst, then two in a second. */
static void rate_limit(void **state)
{
	unsigned int n = 0;

	options("guest_loglvl=info");
	clear();
	for (unsigned int i = 0; i < 50; i++)
		printk_guest(LOG_INFO, "from a guest\n");
	for (const char *p = serial; (p = strstr(p, "from a guest")) != NULL; p++)
		n++;
	assert_int_equal(n, 10);
	now += SECONDS(1);
	clear();
	for (unsigned int i = 0; i < 50; i++)
		printk_guest(LOG_INFO, "from a guest\n");
	assert_int_equal(serial_len, 2 * strlen("(HV) from a guest\r\n"));
	options("guest_loglvl=warning");
	clear();
	now += SECONDS(10);
	printk_guest(LOG_INFO, "from a guest\n");
	assert_int_equal(serial_len, 0);
}

/* A line that is too long is cut, and ended all the same. */
static void long_line(void **state)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	clear();
	pr_info("%s", text);
	assert_true(serial_len < 520 && serial_len > 500);
	assert_memory_equal(serial + serial_len - 2, "\r\n", 2);
}

static void input(void **state)
{
	char buf[512];

	clear();
	console_rx('a');
	console_rx('b');
	assert_int_equal(virqs[VIRQ_CONSOLE], 2);
	assert_int_equal(io(&v0, CONSOLEIO_read, 1, buf), 1);
	assert_int_equal(buf[0], 'a');
	assert_int_equal(io(&v0, CONSOLEIO_read, sizeof(buf), buf), 1);
	assert_int_equal(buf[0], 'b');
	assert_int_equal(io(&v0, CONSOLEIO_read, sizeof(buf), buf), 0);
	/* Two Ctrl-A are characters, three are the switch. */
	console_rx(1);
	console_rx(1);
	console_rx('c');
	assert_int_equal(io(&v0, CONSOLEIO_read, sizeof(buf), buf), 3);
	assert_memory_equal(buf, "\1\1c", 3);
	for (unsigned int i = 0; i < 3; i++)
		console_rx(1);
	assert_true(on_serial("Serial input to the hypervisor"));
	console_rx('h');
	assert_string_equal(keys, "h");
	assert_int_equal(io(&v0, CONSOLEIO_read, sizeof(buf), buf), 0);
	for (unsigned int i = 0; i < 3; i++)
		console_rx(1);
	assert_true(on_serial("Serial input to the control domain"));
	/* Nobody reads: the first ones stay. */
	for (unsigned int i = 0; i < 1000; i++)
		console_rx((char)('a' + i % 26));
	assert_int_equal(io(&v0, CONSOLEIO_read, sizeof(buf), buf), 256);
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(buf[i], 'a' + i % 26);
	/* A character that can't be delivered isn't lost. */
	console_rx('z');
	bad_start = buf;
	assert_int_equal(io(&v0, CONSOLEIO_read, 1, buf), -EFAULT);
	bad_start = NULL;
	assert_int_equal(io(&v0, CONSOLEIO_read, 1, buf), 1);
}

static void output_of_domains(void **state)
{
	char text[10000];

	clear();
	assert_int_equal(io(&v0, CONSOLEIO_write, 6, "hello\n"), 0);
	assert_string_equal(serial, "hello\r\n");
	assert_int_equal(io(&v0, CONSOLEIO_write, 0, "hello\n"), 0);
	assert_int_equal(io(&v0, 99, 0, "hello\n"), -ENOSYS);
	/* A lot of it, in pieces if something else is to do. */
	memset(text, 'y', sizeof(text));
	clear();
	assert_int_equal(io(&v0, CONSOLEIO_write, sizeof(text), text), 0);
	assert_int_equal(serial_len, sizeof(text));
	clear();
	preempt_after = 20;
	assert_int_equal(io(&v0, CONSOLEIO_write, sizeof(text), text), -ERESTART);
	assert_int_equal(continued[0], CONSOLEIO_write);
	assert_int_equal(serial_len + continued[1], sizeof(text));
	assert_int_equal(continued[2], (uintptr_t)text + serial_len);
	bad_start = text + 5000;
	assert_int_equal(io(&v0, CONSOLEIO_write, sizeof(text), text), -EFAULT);
	bad_start = NULL;

	/* An ordinary domain: nothing, unless one wants to see it; then a tame line. */
	clear();
	assert_int_equal(io(&vu, CONSOLEIO_write, 6, "hello\n"), 0);
	assert_int_equal(serial_len, 0);
	options("guest_loglvl=all");
	assert_int_equal(io(&vu, CONSOLEIO_write, 7, "hello\r\n"), 0);
	assert_string_equal(serial, "(HV) d7: hello\r\n");
	clear();
	assert_int_equal(io(&vu, CONSOLEIO_write, 13, "a\n(HV) b\33[2J\377"), 0);
	assert_string_equal(serial, "(HV) d7: a.(HV) b.[2J.\r\n");
	clear();
	assert_int_equal(io(&vu, CONSOLEIO_write, sizeof(text), text), 0);
	assert_true(serial_len < 160);
	assert_int_equal(io(&vu, CONSOLEIO_read, 5, text), -EPERM);
	assert_int_equal(io(&vu, 99, 5, text), -EPERM);
	bad_start = text;
	assert_int_equal(io(&vu, CONSOLEIO_write, 5, text), -EFAULT);
	bad_start = NULL;
	options("guest_loglvl=warning");
}

/* ---- the ring -------------------------------------------------------------------------- */

static char record[1 << 22];
static uint64_t recorded;
static uint32_t first_index; /* of the ring's first recorded byte */

static void say(const char *s, size_t n)
{
	console_write(s, n);
	memcpy(record + recorded, s, n);
	recorded += n;
}

static uint32_t read_ring(struct xen_sysctl_readconsole *op, char *buf, uint32_t room)
{
	op->count = room;
	op->buffer.p = buf;
	assert_int_equal(console_ring_read(op), 0);
	return op->count;
}

static void ring_start(void **state)
{
	struct xen_sysctl_readconsole op = {.clear = 1};
	static char buf[1 << 16];

	options("conring_size=16k");
	pr_info("before the ring\n");
	console_init_ring();
	assert_non_null(ring_memory);
	read_ring(&op, buf, sizeof(buf));
	assert_non_null(strstr(buf, "(HV) before the ring\n"));
	first_index = op.index;
	assert_int_equal(read_ring(&op, buf, sizeof(buf)), 0);
}

/* Readers of all kinds, against the record of all that was said. */
static void ring_random(void **state)
{
	const uint32_t size = 16384;
	uint64_t oldest = 0; /* in the record, of what wasn't cleared */
	static char text[40000], buf[40000];
	uint64_t follow = 0; /* where an incremental reader is */
	bool lost = false;

	srandom(1);
	for (unsigned int i = 0; i < 400; i++) {
		struct xen_sysctl_readconsole op = {.clear = random() % 8 == 0};
		uint32_t room =
			random() % 3 ? (uint32_t)random() % sizeof(buf) : (uint32_t)random() % 300;
		uint32_t n = (uint32_t)random() % (random() % 6 ? 2000 : 30000), got;
		uint64_t start;

		for (uint32_t k = 0; k < n; k++)
			text[k] = (char)random();
		serial_len = 0;
		say(text, n);
		oldest = max(oldest, recorded > size ? recorded - size : 0);
		op.incremental = random() % 2;
		op.index = first_index + (uint32_t)follow;
		start = op.incremental ? max(follow, oldest) : oldest;
		lost = lost || follow < oldest;
		if (random() % 10 == 0 && op.incremental) {
			op.index = (uint32_t)random() << 4; /* nonsense: as if from the start */
			if ((uint32_t)(first_index + recorded - op.index) > recorded - oldest)
				start = oldest;
			else
				continue;
		}
		got = read_ring(&op, buf, room);
		assert_int_equal(got, min((uint64_t)room, recorded - start));
		assert_memory_equal(buf, record + start, got);
		assert_int_equal(op.index, (uint32_t)(first_index + start + got));
		if (op.incremental)
			follow = start + got;
		if (op.clear)
			oldest = max(oldest, start + got);
	}
	assert_true(lost);
	assert_true(recorded > 10 * size);
}

static void ring_faults(void **state)
{
	struct xen_sysctl_readconsole op = {.count = 1000};
	char buf[1000];

	say("0123456789", 10);
	op.buffer.p = buf;
	bad_start = buf;
	op.clear = 1;
	assert_int_equal(console_ring_read(&op), -EFAULT);
	bad_start = NULL;
	assert_true(read_ring(&op, buf, 1000) >= 10); /* and nothing is cleared */
}

/* Each message is announced to who follows the ring, once there may be somebody. */
static void ring_virq(void **state)
{
	clear();
	pr_info("nobody there\n");
	assert_int_equal(softirqs, 0);
	hardware_domain = &dom0;
	pr_info("news\n");
	assert_int_equal(softirqs, 1);
	assert_int_equal(virqs[VIRQ_CON_RING], 0); /* not with who knows what locks held */
	ring_handler();
	assert_int_equal(virqs[VIRQ_CON_RING], 1);
	/* The control domain's own output isn't in the ring. */
	io(&v0, CONSOLEIO_write, 6, "hello\n");
	assert_int_equal(softirqs, 1);
	options("console_to_ring");
	io(&v0, CONSOLEIO_write, 6, "hello\n");
	assert_int_equal(softirqs, 2);
	console_force_sync();
	pr_info("the end\n");
	assert_int_equal(softirqs, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early),       cmocka_unit_test(com1_options),
		cmocka_unit_test(levels),      cmocka_unit_test(console_option),
		cmocka_unit_test(rate_limit),  cmocka_unit_test(long_line),
		cmocka_unit_test(input),       cmocka_unit_test(output_of_domains),
		cmocka_unit_test(ring_start),  cmocka_unit_test(ring_random),
		cmocka_unit_test(ring_faults), cmocka_unit_test(ring_virq),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(ring_memory);
	return failed;
}
