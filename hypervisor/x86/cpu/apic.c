/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The local APIC: through its page of registers, or through MSRs where the
 * firmware has switched to x2APIC mode.
 *
 * Source: Intel SDM vol. 3, "Advanced Programmable Interrupt Controller".
 */
#include <hv/bootinfo.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <arch/percpu.h>
#include <hv/machine.h>
#include <hv/sched.h>
#include <hv/time.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/page.h>
#include <arch/timer.h>

#define APIC_ID          0x20
#define APIC_TPR         0x80
#define APIC_EOI         0xb0
#define APIC_LDR         0xd0
#define APIC_SVR         0xf0
#define APIC_ESR         0x280
#define APIC_ICR         0x300
#define APIC_ICR2        0x310
#define APIC_LVT_TIMER   0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PC      0x340
#define APIC_LVT0        0x350
#define APIC_LVT1        0x360
#define APIC_LVT_ERROR   0x370
#define APIC_TIMER_INIT  0x380
#define APIC_TIMER_COUNT 0x390
#define APIC_TIMER_DIV   0x3e0

#define SVR_ENABLE      0x100
#define LVT_MASKED      0x10000
#define LVT_NMI         0x400
#define ICR_BUSY        0x1000
#define ICR_INIT        0x500
#define ICR_STARTUP     0x600
#define ICR_ASSERT      0x4000
#define ICR_LEVEL       0x8000
#define DIV_BY_1        0xb
/* Where devices write to raise interrupts; the APICs' registers are in it. */
#define MSI_WINDOW      0xfee00000UL
#define MSI_WINDOW_SIZE 0x100000UL
#define APIC_BASE_X2    (1UL << 10)
#define X2APIC_MSR      0x800

static volatile uint32_t *regs __ro_after_init;
static bool x2apic __ro_after_init;
static uint32_t ids[MAX_CPUS] __ro_after_init;
static uint64_t timer_khz __ro_after_init;

static uint32_t apic_read(unsigned int reg)
{
	return x2apic ? (uint32_t)rdmsr(X2APIC_MSR + reg / 16) : regs[reg / 4];
}

static void apic_write(unsigned int reg, uint32_t v)
{
	if (x2apic)
		wrmsr(X2APIC_MSR + reg / 16, v);
	else
		regs[reg / 4] = v;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

unsigned int apic_id_of(unsigned int cpu)
{
	return ids[cpu];
}

static void icr_write(uint32_t dest, uint32_t cmd)
{
	unsigned long flags;

	if (x2apic) {
		/*
		 * What was written before must be seen by whom it interrupts. This wrmsr
		 * doesn't serialize, nor does mfence alone hold it back (Intel SDM
		 * vol. 3, "MSR Access in x2APIC Mode").
		 */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(X2APIC_MSR + APIC_ICR / 16, ((uint64_t)dest << 32) | cmd);
		return;
	}
	flags = local_irq_save();
	while (apic_read(APIC_ICR) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR2, dest << 24);
	apic_write(APIC_ICR, cmd);
	local_irq_restore(flags);
}

void apic_send_ipi(unsigned int cpu, unsigned int vector)
{
	icr_write(ids[cpu], vector);
}

void apic_send_ipi_mask(struct cpumask m, unsigned int vector)
{
	unsigned int cpu;

	for_each_cpu (cpu, m)
		apic_send_ipi(cpu, vector);
}

void arch_cpu_poke(unsigned int cpu)
{
	apic_send_ipi(cpu, VECTOR_EVENT_CHECK);
}

void apic_send_init(unsigned int apic_id)
{
	icr_write(apic_id, ICR_INIT | ICR_ASSERT | ICR_LEVEL);
}

void apic_send_sipi(unsigned int apic_id, unsigned int page)
{
	icr_write(apic_id, ICR_STARTUP | page);
}

void apic_timer_set(uint64_t ticks)
{
	apic_write(APIC_TIMER_INIT, (uint32_t)min(ticks, (uint64_t)~0U));
}

void arch_timer_program(s_time_t deadline)
{
	s_time_t delta;
	uint64_t ticks;

	if (deadline == STIME_MAX) {
		apic_timer_set(0);
		return;
	}
	delta = max(deadline - time_now(), (s_time_t)1);
	/* A far deadline needs more than one go: the interrupt looks again. */
	delta = min(delta, SECONDS(1));
	ticks = (uint64_t)delta * timer_khz / 1000000 + 1;
	apic_timer_set(ticks);
}

void apic_init_cpu(void)
{
	unsigned int cpu = smp_processor_id();

	ids[cpu] = x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	apic_write(APIC_TIMER_DIV, DIV_BY_1);
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_LVT0, LVT_MASKED);
	apic_write(APIC_LVT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	/* Whatever the firmware left in service. */
	for (unsigned int i = 0; i < 8; i++)
		apic_eoi();
}

void __init apic_init_bsp(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	x2apic = base & APIC_BASE_X2;
	if (!x2apic) {
		base &= PTE_ADDR_MASK;
		regs = ioremap(base, PAGE_SIZE);
		if (!regs)
			panic("The local APIC can't be mapped");
		iomem_deny(_mfn(base >> PAGE_SHIFT), 1);
	}
	e820_reserve(&machine_e820, MSI_WINDOW, MSI_WINDOW_SIZE);
	apic_init_cpu();
}

/* ---- calibration against the PIT ----------------------------------------------- */

#define PIT_HZ          1193182
#define PIT_CH2         0x42
#define PIT_MODE        0x43
#define PIT_GATE        0x61
#define PIT_GATE_OUT    0x20
#define CALIBRATE_MS    20
#define CALIBRATE_RUNS  8
#define CALIBRATE_LOOKS 16
#define PIT_STUCK       1000 /* so many looks at a PIT that stands still */
#define CALIBRATE_GOOD  2000 /* a run is good if it is sure to one part in this */

/* The three clocks at one time; how long looking at them took says how sure that is. */
struct clocks {
	uint64_t tsc, width;
	uint32_t apic;
	unsigned int pit;
};

/*
 * Looks at the clocks, several times, and keeps the quickest look: whatever
 * disturbs us (another machine on the host's processor, a system management
 * interrupt) makes a look longer.
 */
static struct clocks __init look_at_clocks(void)
{
	struct clocks best = {.width = ~0UL};

	for (unsigned int i = 0; i < CALIBRATE_LOOKS; i++) {
		uint64_t before = rdtsc(), after;
		struct clocks c;

		outb(PIT_MODE, 0x80); /* latch channel 2's count */
		c.apic = apic_read(APIC_TIMER_COUNT);
		after = rdtsc();
		c.pit = inb(PIT_CH2);
		c.pit |= (unsigned int)inb(PIT_CH2) << 8;
		c.width = after - before;
		c.tsc = before + c.width / 2;
		if (c.width < best.width)
			best = c;
	}
	return best;
}

static void pit_start(unsigned int count)
{
	outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~2U) | 1));
	outb(PIT_MODE, 0xb0); /* channel 2, low then high byte, mode 0 */
	outb(PIT_CH2, (uint8_t)count);
	outb(PIT_CH2, (uint8_t)(count >> 8));
}

/*
 * One run. Returns how unsure it is, as TSC ticks of a million, or ~0 if it was
 * held up for so long that the PIT's count has gone round.
 */
static uint64_t __init measure(uint64_t *tsc_khz, uint64_t *apic_khz)
{
	uint64_t ticks, unsure;
	struct clocks from, to;
	unsigned int same = 0; /* looks since the PIT has counted: some may come within a tick */
	unsigned int last;

	apic_timer_set(~0U);
	pit_start(0xffff);
	from = look_at_clocks();
	last = from.pit;
	do {
		to = look_at_clocks();
		same = to.pit == last ? same + 1 : 0;
		last = to.pit;
	} while (from.pit - to.pit < PIT_HZ / 1000 * CALIBRATE_MS && to.pit <= from.pit &&
		 same < PIT_STUCK);
	if (inb(PIT_GATE) & PIT_GATE_OUT || to.pit > from.pit || same == PIT_STUCK)
		return ~0UL;
	ticks = from.pit - to.pit;
	*tsc_khz = (to.tsc - from.tsc) * PIT_HZ / ticks / 1000;
	*apic_khz = (uint64_t)(from.apic - to.apic) * PIT_HZ / ticks / 1000;
	unsure = from.width + to.width;
	return unsure * 1000000 / (to.tsc - from.tsc);
}

void __init arch_timer_calibrate(uint64_t *ret_tsc_khz, uint64_t *ret_apic_khz)
{
	uint64_t best = ~0UL;

	apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	for (unsigned int i = 0; i < CALIBRATE_RUNS && best > 1000000 / CALIBRATE_GOOD; i++) {
		uint64_t tsc, apic, unsure = measure(&tsc, &apic);

		if (unsure < best) {
			best = unsure;
			*ret_tsc_khz = tsc;
			*ret_apic_khz = timer_khz = apic;
		}
	}
	if (best == ~0UL)
		panic("The PIT doesn't count: no clock to measure the TSC with");
	apic_timer_set(0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
}

/* Before the TSC is known, which is before the control domain can reach the PIT's gate. */
static void delay_by_pit(unsigned int ms)
{
	while (ms--) {
		pit_start(PIT_HZ / 1000);
		while (!(inb(PIT_GATE) & PIT_GATE_OUT))
			cpu_relax();
	}
}

void machine_delay_ms(unsigned int ms)
{
	uint64_t start = rdtsc(), ticks = ms * time_tsc_khz;

	if (!ticks) {
		delay_by_pit(ms);
		return;
	}
	while (rdtsc() - start < ticks)
		cpu_relax();
}
