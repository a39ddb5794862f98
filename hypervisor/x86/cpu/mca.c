/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The banks of machine checks: switching on, looking, keeping what was found.
 *
 * Locks: log_lock for the records (taken alone, interrupts on).
 */
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <hv/spinlock.h>
#include <hv/time.h>
#include <hv/timer.h>
#include <public/arch-x86/xen-mca.h>
#include <arch/cpu.h>
#include <arch/mca.h>

#define MSR_MCG_CTL         0x17b
#define MSR_MC_CTL(bank)    (0x400 + 4 * (bank))
#define MSR_MC_STATUS(bank) (0x401 + 4 * (bank))
#define MSR_MC_ADDR(bank)   (0x402 + 4 * (bank))
#define MSR_MC_MISC(bank)   (0x403 + 4 * (bank))

#define MCG_CAP_BANKS      0xffU
#define MCG_CAP_CTL        (1UL << 8)
#define MCG_STATUS_RIPV    (1UL << 0) /* what was interrupted can go on */
#define MCG_STATUS_MCIP    (1UL << 2)
#define MC_STATUS_VALID    (1UL << 63)
#define MC_STATUS_UNCORR   (1UL << 61)
#define MC_STATUS_HAS_MISC (1UL << 59)
#define MC_STATUS_HAS_ADDR (1UL << 58)

#define FEATURE_MCE (1U << 7)
#define FEATURE_MCA (1U << 14)

#define LOOK_EVERY SECONDS(10)
#define LOG_MAX    32

static struct spinlock log_lock = SPINLOCK_INIT(RANK_NONE);
/* Records first to next - 1 are in records[id % LOG_MAX]. */
static struct mca_record records[LOG_MAX];
static uint64_t first = 1, next = 1;

static DEFINE_PER_CPU(struct timer, look_timer);

static unsigned int nr_banks(void)
{
	return rdmsr(MSR_MCG_CAP) & MCG_CAP_BANKS;
}

static bool read_bank(unsigned int bank, struct mca_record *r)
{
	memset(r, 0, sizeof(*r));
	r->status = rdmsr(MSR_MC_STATUS(bank));
	if (!(r->status & MC_STATUS_VALID))
		return false;
	r->addr = r->status & MC_STATUS_HAS_ADDR ? rdmsr(MSR_MC_ADDR(bank)) : 0;
	r->misc = r->status & MC_STATUS_HAS_MISC ? rdmsr(MSR_MC_MISC(bank)) : 0;
	r->mcg_status = rdmsr(MSR_MCG_STATUS);
	r->tsc = rdtsc();
	r->cpu = smp_processor_id();
	r->bank = bank;
	return true;
}

static void print_record(const struct mca_record *r)
{
	pr_err("CPU %u: machine check, %s: bank %u, status %#lx, address %#lx, misc %#lx\n", r->cpu,
	       r->status & MC_STATUS_UNCORR ? "not corrected" : "corrected", r->bank, r->status,
	       r->addr, r->misc);
}

/* The first ones tell most: when there is no room, what is new goes. */
static void keep(struct mca_record *r)
{
	spin_lock(&log_lock);
	if (next - first < LOG_MAX) {
		r->id = next++;
		records[r->id % LOG_MAX] = *r;
	}
	spin_unlock(&log_lock);
}

static void look(void *unused)
{
	struct mca_record r;
	bool found = false;

	for (unsigned int bank = 0; bank < nr_banks(); bank++) {
		if (!read_bank(bank, &r))
			continue;
		wrmsr(MSR_MC_STATUS(bank), 0);
		r.domain = current->domain->id;
		r.vcpu = (uint16_t)current->id;
		print_record(&r);
		keep(&r);
		found = true;
	}
	if (found)
		evtchn_send_global_virq(VIRQ_MCA);
	timer_set(&this_cpu(look_timer), time_now() + LOOK_EVERY);
}

void mca_init_cpu(void)
{
	struct timer *t = &this_cpu(look_timer);
	uint32_t features = cpuid_count(1, 0).d;

	if (!(features & FEATURE_MCE) || !(features & FEATURE_MCA))
		return;
	if (rdmsr(MSR_MCG_CAP) & MCG_CAP_CTL)
		wrmsr(MSR_MCG_CTL, ~0UL);
	for (unsigned int bank = 0; bank < nr_banks(); bank++)
		wrmsr(MSR_MC_CTL(bank), ~0UL);
	/* What is in the banks now is from before a reset: as good to know. */
	timer_init(t, look, NULL, smp_processor_id());
	timer_set(t, time_now() + LOOK_EVERY);
}

bool mca_exception(void)
{
	uint64_t status = rdmsr(MSR_MCG_STATUS);
	bool fatal = !(status & MCG_STATUS_RIPV);
	struct mca_record r;

	for (unsigned int bank = 0; bank < nr_banks(); bank++) {
		if (!read_bank(bank, &r))
			continue;
		fatal = fatal || (r.status & MC_STATUS_UNCORR);
		if (r.status & MC_STATUS_UNCORR)
			print_record(&r);
	}
	if (!fatal)
		wrmsr(MSR_MCG_STATUS, status & ~MCG_STATUS_MCIP);
	return fatal;
}

bool mca_oldest(struct mca_record *r)
{
	bool any;

	spin_lock(&log_lock);
	any = first != next;
	if (any)
		*r = records[first % LOG_MAX];
	spin_unlock(&log_lock);
	return any;
}

bool mca_acknowledge(uint64_t id)
{
	bool is_oldest;

	spin_lock(&log_lock);
	is_oldest = first != next && id == first;
	if (is_oldest)
		first++;
	spin_unlock(&log_lock);
	return is_oldest;
}
