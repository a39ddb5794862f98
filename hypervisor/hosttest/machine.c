/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The fake machine: CPUs, memory, TLB, guest access, preemption, log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>

#include <hv/cpumask.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/spinlock.h>
#include <arch/cpu.h>
#include <arch/page.h>

_Thread_local unsigned int ht_cpu;
bool ht_irq_on[HT_CPUS] = {true, true, true, true};
struct vcpu *ht_current[HT_CPUS];
uint64_t ht_tsc;
void (*ht_relax)(void);
void (*ht_irq_save_hook)(void);
struct cpu_user_regs ht_guest_regs;
struct cpumask cpu_online_map = {BIT(HT_CPUS) - 1};

/* ---- per-CPU variables ------------------------------------------------------- */

extern char __start_ht_percpu[] __attribute__((weak)), __stop_ht_percpu[] __attribute__((weak));
static char *percpu_copy[HT_CPUS];

void *ht_percpu_addr(void *p, unsigned int cpu)
{
	if (!cpu)
		return p;
	return percpu_copy[cpu] + ((char *)p - __start_ht_percpu);
}

/* ---- memory ------------------------------------------------------------------ */

static struct page_info frames[HT_FRAMES];
struct page_info *frame_table = frames;
unsigned long max_page = HT_FRAMES, total_pages = HT_FRAMES;
unsigned long ht_m2p[HT_FRAMES];
char *ht_ram;
unsigned long ht_pages_written;

bool mfn_valid(mfn_t mfn)
{
	return mfn_x(mfn) && mfn_x(mfn) < max_page;
}

/* Frames without an owner are cleared when they are handed out. */
static void assert_no_tlb_knows(const struct page_info *pg)
{
	for (unsigned int i = 0; i < HT_CPUS * HT_TLB; i++) {
		const struct ht_tlb_entry *e = &ht_tlb[i / HT_TLB][i % HT_TLB];

		if (e->valid && mfn_eq(e->mfn, page_to_mfn(pg)))
			panic("frame %#lx is handed out, CPU %u still knows it", mfn_x(e->mfn),
			      i / HT_TLB);
	}
}

void clear_page(void *p)
{
	if (page_owner_id(virt_to_page(p)) == DOMID_INVALID)
		assert_no_tlb_knows(virt_to_page(p));
	ht_pages_written++;
	memset(p, 0, PAGE_SIZE);
}

void copy_page(void *dst, const void *src)
{
	ht_pages_written++;
	memmove(dst, src, PAGE_SIZE);
}

void ht_machine_init(void)
{
	ht_machine_init_frames(HT_FRAMES);
}

void ht_machine_init_frames(unsigned long nr)
{
	if (ht_ram)
		return;
	ht_ram = mmap(NULL, HT_FRAMES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ht_ram == MAP_FAILED)
		abort();
	for (unsigned int i = 1; i < HT_CPUS; i++) {
		percpu_copy[i] =
			calloc(1, (uintptr_t)__stop_ht_percpu - (uintptr_t)__start_ht_percpu);
		if (!percpu_copy[i])
			abort();
	}
	for (unsigned int i = 0; i < HT_FRAMES; i++)
		frames[i].owner = DOMID_INVALID;
	max_page = total_pages = nr;
	page_alloc_add(_mfn(1), _mfn(nr));
}

static struct page_info *taken;

void ht_leave_free(unsigned long n)
{
	while (page_free_count() > n) {
		struct page_info *pg = page_alloc(0, 0);

		*(struct page_info **)page_to_virt(pg) = taken;
		taken = pg;
	}
}

void ht_free_all(void)
{
	while (taken) {
		struct page_info *pg = taken;

		taken = *(struct page_info **)page_to_virt(pg);
		page_free(pg, 0);
	}
}

void ht_assert_quiet(void)
{
	BUG_ON(spin_held_count() || !local_irq_is_enabled());
}

/* ---- TLB ------------------------------------------------------------------------ */

static uint32_t clock_now = 1, cpu_clock[HT_CPUS];
unsigned int ht_tlb_flushes;
void (*ht_tlb_clock_hook)(void);
struct ht_tlb_entry ht_tlb[HT_CPUS][HT_TLB];

static void flush_cpu(unsigned int cpu)
{
	cpu_clock[cpu] = clock_now;
	for (unsigned int i = 0; i < HT_TLB; i++)
		ht_tlb[cpu][i].valid = false;
}

uint32_t tlb_clock(void)
{
	uint32_t now = clock_now;

	if (ht_tlb_clock_hook)
		ht_tlb_clock_hook();
	return now;
}

void tlb_filter(struct cpumask *m, uint32_t stamp)
{
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		if ((int32_t)(cpu_clock[i] - stamp) > 0)
			cpumask_clear(i, m);
	}
}

void tlb_flush_mask(const struct cpumask *m)
{
	clock_now++;
	for (unsigned int i = 0; i < HT_CPUS; i++) {
		if (cpumask_test(i, m))
			flush_cpu(i);
	}
	ht_tlb_flushes++;
}

void tlb_flush_mask_one(const struct cpumask *m, unsigned long va)
{
	for (unsigned int i = 0; i < HT_CPUS * HT_TLB; i++) {
		struct ht_tlb_entry *e = &ht_tlb[i / HT_TLB][i % HT_TLB];

		if (cpumask_test(i / HT_TLB, m) && e->va >> PAGE_SHIFT == va >> PAGE_SHIFT)
			e->valid = false;
	}
}

void tlb_flush_local(void)
{
	struct cpumask m = cpumask_of(ht_cpu);

	tlb_flush_mask(&m);
}

void tlb_flush_local_one(unsigned long va)
{
	struct cpumask m = cpumask_of(ht_cpu);

	tlb_flush_mask_one(&m, va);
}

static bool threads;

void ht_thread_is_cpu(unsigned int cpu)
{
	ht_cpu = cpu;
	threads = true;
}

void arch_spin_poll(void)
{
	if (threads)
		sched_yield();
	else
		panic("waits for a lock that nobody will let go");
}

/* ---- guest access -------------------------------------------------------------- */

static uint64_t fault_start, fault_len, window_start, window_len;
unsigned int ht_copy_locks;
void (*ht_copy_hook)(void);

void ht_guest_fault(const void *start, size_t len)
{
	fault_start = ht_va(start);
	fault_len = len;
}

void ht_guest_window(const void *start, size_t len)
{
	window_start = ht_va(start);
	window_len = len;
}

bool guest_range_ok(uint64_t va, unsigned long n)
{
	return !n || (va && va + n >= va && va + n < 1UL << 47);
}

bool guest_array_ok(uint64_t va, unsigned long nr, unsigned long size)
{
	unsigned long bytes;

	return !__builtin_mul_overflow(nr, size, &bytes) && guest_range_ok(va, bytes);
}

static bool accessible(uint64_t va, unsigned long n)
{
	BUG_ON(spin_held_count() > ht_copy_locks); /* it may fault, which takes locks */
	if (window_len && (va < window_start || va + n > window_start + window_len))
		return false;
	return guest_range_ok(va, n) &&
	       (!fault_len || va >= fault_start + fault_len || va + n <= fault_start);
}

unsigned long guest_copy_in(void *dst, uint64_t va, unsigned long n)
{
	if (!accessible(va, n))
		return n;
	memcpy(dst, (const void *)va, n);
	return 0;
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	if (ht_copy_hook)
		ht_copy_hook();
	if (!accessible(va, n))
		return n;
	memcpy((void *)va, src, n);
	return 0;
}

unsigned long guest_clear(uint64_t va, unsigned long n)
{
	if (!accessible(va, n))
		return n;
	memset((void *)va, 0, n);
	return 0;
}

/* ---- preemption ------------------------------------------------------------------ */

static unsigned int preempt_every, preempt_asked;
struct ht_continuation ht_continuation;

void ht_preempt_every(unsigned int n)
{
	preempt_every = n;
	preempt_asked = 0;
}

void (*ht_preempt_hook)(void);

bool hypercall_preempt_check(void)
{
	if (ht_preempt_hook)
		ht_preempt_hook();
	return preempt_every && ++preempt_asked % preempt_every == 0;
}

long hypercall_continue(unsigned int op, unsigned int nr_args, const unsigned long *args)
{
	ht_continuation.op = op;
	ht_continuation.nr = nr_args;
	memcpy(ht_continuation.arg, args, nr_args * sizeof(*args));
	return HT_CONTINUED;
}

/* ---- log: shown with HT_LOG=1 in the environment ----------------------------------- */

char ht_log[HT_LOG_SIZE];

static void log_line(const char *fmt, va_list ap)
{
	size_t n = strlen(ht_log);
	va_list again;

	va_copy(again, ap);
	vsnprintf(ht_log + n, sizeof(ht_log) - n, fmt, again);
	va_end(again);
	if (getenv("HT_LOG"))
		vfprintf(stderr, fmt, ap);
}

void printk(enum loglvl lvl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void printk_guest(enum loglvl lvl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

long hv_err_fn(long err, const char *func, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
	if (getenv("HT_LOG"))
		fprintf(stderr, " (%s: %ld)\n", func, err);
	return err;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: %s", file, line, expr);
}
