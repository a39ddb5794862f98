/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A 16550 UART at an I/O port: the serial console.
 *
 * Until interrupts work everything is polled. Then output goes through a ring
 * that the transmitter's interrupt drains, so that nobody waits for the line;
 * when the ring is full, or with sync_console, or after console_force_sync(),
 * output is polled again. All functions run under the console's lock but for the
 * interrupt, which takes it.
 *
 * Source: PC16550D data sheet, section 8.
 */
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/ns16550.h>

#define UART_RBR 0
#define UART_THR 0
#define UART_IER 1
#define UART_IIR 2
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_DLL 0
#define UART_DLM 1

#define IER_RX           1
#define IER_TX           2
#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1          0x03
#define LCR_DLAB         0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define IIR_NONE         0x01
#define MAX_ROUNDS       256
#define LSR_RX_READY     0x01
#define LSR_TX_EMPTY     0x20
#define FIFO_SIZE        16
#define BASE_BAUD        115200

#define NR_ISA_IRQS 16
#define TX_RING     16384 /* power of two */

static struct {
	uint16_t port;
	unsigned int irq, baud;
	bool present, by_irq, sync;
	struct spinlock lock;
	unsigned int head, tail; /* free running */
	char ring[TX_RING];
} uart = {.port = 0x3f8, .irq = 4, .baud = 115200, .lock = SPINLOCK_INIT(RANK_UART)};

static bool opt_sync_console __initdata;
CMDLINE_BOOL("sync_console", opt_sync_console);

/* Eight data bits, no parity, one stop bit: what the port is set to. */
static const char frame[] = "8n1";

/* com1=<baud>[,8n1[,<port>[,<irq>]]]; "auto" keeps the baud rate. */
static int __init parse_com1(const char *s)
{
	unsigned long long baud = uart.baud, port = uart.port, irq = uart.irq;

	if (!strncmp(s, "auto", 4))
		s += 4;
	else
		baud = hv_strtoull(s, &s, 10);
	if (*s == ',' && *++s != ',' && *s) {
		if (strncmp(s, frame, sizeof(frame) - 1))
			return -EINVAL;
		s += sizeof(frame) - 1;
	}
	if (*s == ',' && *++s != ',' && *s)
		port = hv_strtoull(s, &s, 0);
	if (*s == ',' && *++s)
		irq = hv_strtoull(s, &s, 0);
	if (*s || !baud || baud > BASE_BAUD || BASE_BAUD % baud || !port ||
	    port > 0x10000 - NS16550_NR_PORTS || !irq || irq >= NR_ISA_IRQS)
		return -EINVAL;
	uart.baud = (unsigned int)baud;
	uart.port = (uint16_t)port;
	uart.irq = (unsigned int)irq;
	return 0;
}
CMDLINE_CUSTOM("com1", parse_com1, "115200,8n1,0x3f8,4");

static uint8_t reg_read(unsigned int r)
{
	return inb((uint16_t)(uart.port + r));
}

static void reg_write(unsigned int r, uint8_t v)
{
	outb((uint16_t)(uart.port + r), v);
}

static void putc_polled(char c)
{
	while (!(reg_read(UART_LSR) & LSR_TX_EMPTY))
		cpu_relax();
	reg_write(UART_THR, (uint8_t)c);
}

static void fill_fifo(void)
{
	for (unsigned int i = 0; i < FIFO_SIZE && uart.tail != uart.head; i++)
		reg_write(UART_THR, (uint8_t)uart.ring[uart.tail++ % TX_RING]);
}

static void drain_polled(void)
{
	while (uart.tail != uart.head)
		putc_polled(uart.ring[uart.tail++ % TX_RING]);
}

static void uart_putc(char c)
{
	unsigned long flags;

	if (!uart.present)
		return;
	if (!uart.by_irq || uart.sync) {
		drain_polled();
		putc_polled(c);
		return;
	}
	flags = spin_lock_irqsave(&uart.lock);
	if (uart.head - uart.tail == TX_RING)
		putc_polled(uart.ring[uart.tail++ % TX_RING]);
	uart.ring[uart.head++ % TX_RING] = c;
	if (reg_read(UART_LSR) & LSR_TX_EMPTY)
		fill_fifo();
	if (uart.head != uart.tail)
		reg_write(UART_IER, IER_RX | IER_TX);
	spin_unlock_irqrestore(&uart.lock, flags);
}

static int uart_getc(void)
{
	if (!uart.present || !(reg_read(UART_LSR) & LSR_RX_READY))
		return -1;
	return reg_read(UART_RBR);
}

static void service(void)
{
	unsigned long flags;
	int c;

	while ((c = uart_getc()) >= 0)
		console_rx((char)c);
	flags = spin_lock_irqsave(&uart.lock);
	if (reg_read(UART_LSR) & LSR_TX_EMPTY)
		fill_fifo();
	if (uart.head == uart.tail)
		reg_write(UART_IER, IER_RX);
	spin_unlock_irqrestore(&uart.lock, flags);
}

/*
 * Until nothing is pending: the line is edge-triggered, and with a reason left (a
 * character that came while output was pending) it never falls and rises again.
 */
static void uart_interrupt(void *data)
{
	for (unsigned int i = 0; i < MAX_ROUNDS && !(reg_read(UART_IIR) & IIR_NONE); i++)
		service();
}

static void uart_init_irq(void)
{
	if (!uart.present)
		return;
	if (irq_request(irq_isa_to_gsi(uart.irq), uart_interrupt, NULL)) {
		pr_warn("Serial port: no interrupt %u, output stays polled\n", uart.irq);
		return;
	}
	uart.sync = opt_sync_console;
	uart.by_irq = true;
	reg_write(UART_IER, IER_RX);
}

void ns16550_force_sync(void)
{
	uart.sync = true;
}

static struct console_dev ns16550_dev = {
	.name = "com1",
	.putc = uart_putc,
	.getc = uart_getc,
	.init_irq = uart_init_irq,
};

struct console_dev *__init ns16550_init(void)
{
	unsigned int divisor = BASE_BAUD / uart.baud;

	reg_write(UART_IER, 0);
	reg_write(UART_LCR, LCR_DLAB | LCR_8N1);
	reg_write(UART_DLL, (uint8_t)divisor);
	reg_write(UART_DLM, (uint8_t)(divisor >> 8));
	reg_write(UART_LCR, LCR_8N1);
	reg_write(UART_FCR, FCR_ENABLE_CLEAR);
	reg_write(UART_MCR, MCR_DTR_RTS_OUT2);
	/* Nothing there reads as all ones. */
	uart.present = reg_read(UART_LSR) != 0xff;
	return &ns16550_dev;
}

uint16_t ns16550_port(void)
{
	return uart.present ? uart.port : 0;
}
