/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The end: says why, where (symbolised stack) and on whose behalf, then resets
 * the machine after a while, or stands still with `noreboot`.
 */
#include <hv/cmdline.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <arch/cpu.h>
#include <arch/traps.h>

static bool opt_noreboot __ro_after_init;
CMDLINE_BOOL("noreboot", opt_noreboot);

static int panicking;

__noreturn void machine_after_crash(void)
{
	if (opt_noreboot) {
		pr_err("The machine stands still ('noreboot')\n");
		machine_halt();
	}
	pr_err("Reboot in five seconds\n");
	machine_delay_ms(5000);
	machine_reboot();
}

static void say_where(const struct cpu_user_regs *regs)
{
	const struct vcpu *v = current;

	pr_err("CPU %u, running %s%uv%u\n", smp_processor_id(), v ? "d" : "nothing ",
	       v ? v->domain->id : 0, v ? v->id : 0);
	if (regs)
		arch_dump_regs(regs);
	arch_dump_stack(regs);
}

__noreturn void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	local_irq_disable();
	console_force_sync();
	va_start(ap, fmt);
	hv_vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_SEQ_CST))
		machine_halt();
	pr_err("*** HYPERVISOR PANIC: %s\n", msg);
	say_where(regs);
	machine_after_crash();
}

__noreturn void panic(const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	va_start(ap, fmt);
	hv_vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	panic_at(NULL, "%s", msg);
}

__noreturn void assert_failed(const char *expr, const char *file, int line)
{
	panic_at(NULL, "Assertion '%s' failed at %s:%d", expr, file, line);
}
