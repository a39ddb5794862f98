/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Debug keys: who handles which, and when. Keys come from the serial line or from
 * the control domain (xl debug-keys). Most handlers print much and take locks: they
 * run in order as a softirq, one CPU at a time. The others (_irq) run at once, so
 * that they work when softirqs don't any more.
 *
 * Lock: queue_lock, a leaf with interrupts off, for the queue of keys. The table of
 * handlers is written at start-up only.
 */
#include <hv/console.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <hv/softirq.h>
#include <hv/spinlock.h>

#define NR_KEYS    128U
#define QUEUE_SIZE 256U

struct keyhandler {
	void (*fn)(char key);
	void (*irq_fn)(char key, struct cpu_user_regs *regs);
	const char *help;
};

static struct keyhandler handlers[NR_KEYS];

static struct spinlock queue_lock = SPINLOCK_INIT(RANK_NONE);
static char queue[QUEUE_SIZE];
static unsigned int queue_prod, queue_cons;
static uint32_t draining; /* a CPU is running handlers */

static struct keyhandler *slot(char key)
{
	unsigned int k = (unsigned char)key;

	return k < NR_KEYS ? &handlers[k] : NULL;
}

void __init keyhandler_register(char key, void (*fn)(char key), const char *help)
{
	struct keyhandler *h = slot(key);

	BUG_ON(!h || h->help);
	*h = (struct keyhandler){.fn = fn, .help = help};
}

void __init keyhandler_register_irq(char key, void (*fn)(char key, struct cpu_user_regs *regs),
				    const char *help)
{
	struct keyhandler *h = slot(key);

	BUG_ON(!h || h->help);
	*h = (struct keyhandler){.irq_fn = fn, .help = help};
}

/* ---- the queue ---------------------------------------------------------------------- */

static bool push(char key)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);
	bool room = queue_prod - queue_cons < QUEUE_SIZE;

	if (room)
		queue[queue_prod++ % QUEUE_SIZE] = key;
	spin_unlock_irqrestore(&queue_lock, flags);
	return room;
}

static bool pop(char *ret_key)
{
	unsigned long flags = spin_lock_irqsave(&queue_lock);
	bool any = queue_prod != queue_cons;

	if (any)
		*ret_key = queue[queue_cons++ % QUEUE_SIZE];
	spin_unlock_irqrestore(&queue_lock, flags);
	return any;
}

static void run_queued(void)
{
	char key;

	/* Another CPU that is at it takes what has come meanwhile, too. */
	while (READ_ONCE(queue_prod) != READ_ONCE(queue_cons)) {
		if (__atomic_exchange_n(&draining, 1, __ATOMIC_SEQ_CST))
			return;
		while (pop(&key)) {
			const struct keyhandler *h = slot(key);

			pr_info("'%c' pressed: %s\n", key, h->help);
			h->fn(key);
		}
		__atomic_store_n(&draining, 0, __ATOMIC_SEQ_CST);
	}
}

void keyhandler_run(char key, struct cpu_user_regs *regs)
{
	const struct keyhandler *h = slot(key);

	if (!h || !h->help)
		return;
	if (h->irq_fn) {
		h->irq_fn(key, regs);
		return;
	}
	if (push(key))
		softirq_raise(SOFTIRQ_TASKLET);
}

/* ---- the keys that are about keys, and the end ----------------------------------------- */

static void show_help(char key)
{
	for (unsigned int k = 0; k < NR_KEYS; k++) {
		if (handlers[k].help)
			pr_info("  '%c'  %s\n", (int)k, handlers[k].help);
	}
}

/* What only looks: all but those that act at once. */
static void run_all(char key)
{
	for (unsigned int k = 0; k < NR_KEYS; k++) {
		const struct keyhandler *h = &handlers[k];

		if (!h->fn || h->fn == run_all || h->fn == show_help)
			continue;
		pr_info("[%c: %s]\n", (int)k, h->help);
		h->fn((char)k);
	}
}

static __noreturn void reboot_now(char key, struct cpu_user_regs *regs)
{
	pr_info("'%c' pressed: rebooting the machine\n", key);
	machine_reboot();
}

void __init keyhandler_init(void)
{
	softirq_set_handler(SOFTIRQ_TASKLET, run_queued);
	keyhandler_register('h', show_help, "this list");
	keyhandler_register('*', run_all, "everything that only looks");
	keyhandler_register_irq('R', reboot_now, "reboot the machine at once");
}
