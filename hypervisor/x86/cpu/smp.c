/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Bringing up the other CPUs, and calling functions on them.
 *
 * One CPU at a time: its stack, GDT and per-CPU data are made here, it starts in
 * the trampoline, sets itself up in start_secondary() and reports by its bit in
 * cpu_online_map. What a CPU needs of a subsystem is in cpu_up_local().
 */
#include <hv/cmdline.h>
#include <hv/cpumask.h>
#include <hv/lib.h>
#include <hv/machine.h>
#include <hv/percpu.h>
#include <hv/sched.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/mca.h>
#include <arch/page.h>
#include <arch/setup.h>
#include <arch/spec_ctrl.h>
#include <arch/topology.h>
#include <arch/traps.h>

#define TRAMPOLINE_PAGE 8 /* physical 0x8000: never used by firmware after boot */
#define UP_TIMEOUT_MS   1000

struct cpumask cpu_online_map;
long percpu_offset_of[MAX_CPUS];

extern char trampoline_start[], trampoline_end[];
extern uint64_t trampoline_cr3, trampoline_stack, trampoline_entry;

static uint32_t opt_maxcpus __initdata = MAX_CPUS;
CMDLINE_UINT("maxcpus", opt_maxcpus);
static bool opt_smt __initdata = true;
CMDLINE_BOOL("smt", opt_smt);

/* ---- calls ---------------------------------------------------------------------- */

static struct spinlock call_lock = SPINLOCK_INIT(RANK_NONE);
static struct {
	void (*fn)(void *);
	void *data;
	struct cpumask todo;
} call;

void call_function_interrupt(void)
{
	unsigned int cpu = smp_processor_id();

	if (!cpumask_test(cpu, &call.todo))
		return;
	call.fn(call.data);
	cpumask_clear(cpu, &call.todo);
}

void on_cpus(struct cpumask m, void (*fn)(void *), void *data)
{
	unsigned int me = smp_processor_id();

	ASSERT(local_irq_is_enabled());
	m = cpumask_and(m, cpu_online_map);
	if (cpumask_test(me, &m)) {
		local_irq_disable();
		fn(data);
		local_irq_enable();
		m.bits &= ~(1UL << me);
	}
	if (cpumask_empty(m))
		return;
	spin_lock(&call_lock);
	call.fn = fn;
	call.data = data;
	__atomic_store_n(&call.todo.bits, m.bits, __ATOMIC_SEQ_CST);
	apic_send_ipi_mask(m, VECTOR_CALL_FUNCTION);
	while (__atomic_load_n(&call.todo.bits, __ATOMIC_ACQUIRE))
		cpu_relax();
	spin_unlock(&call_lock);
}

/* ---- do the TSCs run together? ---------------------------------------------------- */

#define SYNC_ROUNDS 2000

static struct {
	struct spinlock lock;
	uint64_t last;
	unsigned int here;
	bool warped;
} sync = {.lock = SPINLOCK_INIT(RANK_NONE)};

/* Both CPUs take turns; each time must be later than the other's before. */
static void check_tsc_sync(void)
{
	__atomic_add_fetch(&sync.here, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(sync.here) < 2)
		cpu_relax();
	for (unsigned int i = 0; i < SYNC_ROUNDS; i++) {
		uint64_t now;

		spin_lock(&sync.lock);
		now = rdtsc();
		if (now < sync.last)
			sync.warped = true;
		sync.last = now;
		spin_unlock(&sync.lock);
	}
}

/* ---- bring-up ----------------------------------------------------------------------- */

static void cpu_up_local(void)
{
	features_init_cpu();
	spec_ctrl_init_cpu();
	desc_load_cpu(smp_processor_id());
	apic_init_cpu();
	mca_init_cpu();
}

__noreturn void start_secondary(void)
{
	cpu_up_local();
	check_tsc_sync();
	cpumask_set(smp_processor_id(), &cpu_online_map);
	reset_stack_and_jump(idle_loop);
}

int __init percpu_alloc(unsigned int cpu)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);
	char *p;

	if (cpu == 0)
		return 0; /* the image's own copy */
	p = hv_zalloc(size);
	if (!p)
		return -ENOMEM;
	percpu_offset_of[cpu] = p - __percpu_start;
	return 0;
}

static int __init boot_cpu(unsigned int cpu, uint32_t apic_id)
{
	char *page = paddr_to_virt(TRAMPOLINE_PAGE * PAGE_SIZE);
	struct cpu_info *ci = desc_stack_top(cpu);
	int rc = -ETIMEDOUT;

#define TRAMP(sym) (*(uint64_t *)(page + ((char *)&(sym)-trampoline_start)))
	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	TRAMP(trampoline_cr3) = virt_to_paddr(idle_l4);
	TRAMP(trampoline_stack) = (uint64_t)ci;
	TRAMP(trampoline_entry) = (uint64_t)start_secondary;
#undef TRAMP
	sync.here = 0;
	sync.last = 0;
	apic_send_init(apic_id);
	machine_delay_ms(1);
	apic_send_sipi(apic_id, TRAMPOLINE_PAGE);
	for (unsigned int ms = 0; ms < UP_TIMEOUT_MS && !READ_ONCE(sync.here); ms++) {
		if (ms == 10)
			apic_send_sipi(apic_id, TRAMPOLINE_PAGE);
		machine_delay_ms(1);
	}
	if (!READ_ONCE(sync.here))
		return rc;
	check_tsc_sync();
	while (!cpumask_test(cpu, &cpu_online_map))
		cpu_relax();
	return 0;
}

/* The start-up code runs identity-mapped: let the idle table have that for a moment. */
static void __init map_trampoline(void)
{
	static uint64_t tables[3][512] __initdata __aligned(4096);

	tables[0][TRAMPOLINE_PAGE] = TRAMPOLINE_PAGE * PAGE_SIZE | PTE_P | PTE_RW;
	tables[1][0] = image_paddr(tables[0]) | PTE_HV_TABLE;
	tables[2][0] = image_paddr(tables[1]) | PTE_HV_TABLE;
	idle_l4[0] = image_paddr(tables[2]) | PTE_HV_TABLE;
}

/* smt=no: of each core one thread, the first that is found. */
static bool __init is_spare_thread(uint32_t apic_id, unsigned int nr_started)
{
	for (unsigned int cpu = 0; !opt_smt && cpu < nr_started; cpu++) {
		if (topology_same_core(apic_id, cpu))
			return true;
	}
	return false;
}

static void __init report_cpus(void)
{
	unsigned int threads = topology_threads_per_core();

	if (sync.warped) {
		time_tsc_stable = false;
		pr_warn("The CPUs' TSCs do not run together: guests' clocks will be slower\n");
	}
	pr_info("%u CPU%s, %u thread%s of each core\n", cpumask_weight(cpu_online_map),
		cpumask_weight(cpu_online_map) > 1 ? "s" : "", threads, threads > 1 ? "s" : "");
	if (threads > 1 && spec_smt_leaks)
		pr_warn("On this processor the threads of a core can find out each other's data: smt=no starts one of each\n");
}

void __init smp_boot_cpus(void)
{
	static uint32_t apic_ids[MAX_CPUS] __initdata;
	unsigned int n = acpi_cpu_apic_ids(apic_ids, MAX_CPUS), next = 1;
	uint32_t limit = opt_maxcpus ? opt_maxcpus : 1;

	map_trampoline();
	for (unsigned int i = 0; i < n && next < min(limit, (uint32_t)MAX_CPUS); i++) {
		int rc;

		if (apic_ids[i] == apic_id_of(0) || is_spare_thread(apic_ids[i], next))
			continue;
		rc = percpu_alloc(next);
		if (!rc)
			rc = desc_alloc_cpu(next);
		if (!rc) {
			timer_init_cpu(next);
			sched_init_cpu(next);
			((struct cpu_info *)desc_stack_top(next))->vcpu = sched_idle_vcpu(next);
			rc = boot_cpu(next, apic_ids[i]);
		}
		if (rc) {
			pr_err("CPU with APIC id %u doesn't start (%d)\n", apic_ids[i], rc);
			continue;
		}
		next++;
	}
	idle_l4[0] = 0;
	tlb_flush_local_all();
	report_cpus();
}
