/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * A guest that notices whatever is done to it: its memory and its page tables keep
 * their contents, its frames their numbers and their entries in the M2P, its registers
 * their values; its events and timers come, and no others; the store keeps its node
 * and answers; its clock goes on. tests/system/fuzz.t runs it beside guests that try
 * everything.
 *
 * On the command line: seconds=N (2); or stop=1: until its store node data/stop is
 * there. late=N: milliseconds (2000) that one timer in a hundred may come late. light=1:
 * it sleeps most of the time, and looks at its memory rarely.
 */
#include "lib/guest.h"
#include "lib/store.h"

const char test_title[] = "A guest that nothing happens to";

#define MS      1000000UL
#define PAGES   2048
#define BUCKETS 32

static uint64_t pattern[PAGES][512] __attribute__((aligned(4096)));
static unsigned int late_by[BUCKETS]; /* timers, by the log2 of microseconds */
static uint64_t late_max, late_max_at, late_sum, rounds, store_max, wake_max;
static unsigned int late_10ms, late_30ms;
static bool light;
static evtchn_port_t timer, near, far;
static uint64_t tables_sum, frames_sum;
static long reservation;

/* ---- what is kept ------------------------------------------------------------------ */

static uint64_t word(unsigned int page, unsigned int i)
{
	return (page * 512UL + i) * 0x9e3779b97f4a7c15UL ^ 0x5a5a;
}

static void fill_pattern(void)
{
	for (unsigned int p = 0; p < PAGES; p++) {
		for (unsigned int i = 0; i < 512; i++)
			pattern[p][i] = word(p, i);
	}
}

static void check_pattern(unsigned int first, unsigned int nr)
{
	for (unsigned int p = first; p < first + nr; p++) {
		for (unsigned int i = 0; i < 512; i++) {
			if (pattern[p][i] != word(p, i)) {
				failure("page %u (frame %#lx), word %u: %#lx, not %#lx", p,
					virt_to_mfn(pattern[p]), i, pattern[p][i], word(p, i));
				pattern[p][i] = word(p, i);
			}
		}
	}
}

/* All entries of our tables, but for what the CPU sets in them. */
static uint64_t sum_tables(void)
{
	const uint64_t *pt = (const uint64_t *)start_info->pt_base;
	uint64_t sum = 0;

	for (unsigned long i = 0; i < start_info->nr_pt_frames * 512; i++)
		sum = sum * 31 + (pt[i] & ~(PTE_A | PTE_D));
	return sum;
}

/* Our frames, each as the M2P has it. */
static uint64_t sum_frames(void)
{
	const unsigned long *list = (const unsigned long *)start_info->mfn_list;
	const unsigned long *m2p = (const unsigned long *)MACH2PHYS_VIRT_START;
	uint64_t sum = 0;

	for (unsigned long i = 0; i < start_info->nr_pages; i++) {
		sum = sum * 31 + list[i];
		if (m2p[list[i]] != i)
			failure("frame %#lx is page %lu, the M2P says %#lx", list[i], i,
				m2p[list[i]]);
	}
	return sum;
}

static long current_reservation(void)
{
	domid_t self = DOMID_SELF;

	return hypercall(memory_op, XENMEM_current_reservation, &self);
}

static void check_frames(void)
{
	if (sum_tables() != tables_sum)
		failure("the page tables have changed");
	if (sum_frames() != frames_sum)
		failure("the list of frames has changed");
	expect_eq(current_reservation(), reservation);
}

/* ---- registers ------------------------------------------------------------------------ */

static void load_registers(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm0\n\tmovq %0, %%xmm7\n\tmovq %0, %%xmm15\n\t"
			 "movq %0, %%mm3"
			 :
			 : "r"(value));
}

static void check_registers(uint64_t value)
{
	uint64_t x0, x7, x15, m3;

	__asm__ volatile("movq %%xmm0, %0\n\tmovq %%xmm7, %1\n\tmovq %%xmm15, %2\n\t"
			 "movq %%mm3, %3"
			 : "=r"(x0), "=r"(x7), "=r"(x15), "=r"(m3));
	if (x0 != value || x7 != value || x15 != value || m3 != value)
		failure("registers: %#lx %#lx %#lx %#lx, not %#lx", x0, x7, x15, m3, value);
}

/* ---- events ----------------------------------------------------------------------------- */

static void only_ours(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(shared_info->evtchn_pending); i++) {
		uint64_t pending =
			__atomic_load_n(&shared_info->evtchn_pending[i], __ATOMIC_ACQUIRE);

		for (; pending; pending &= pending - 1) {
			unsigned int port = i * 64 + (unsigned int)__builtin_ctzl(pending);

			if (port != timer && port != near && port != far &&
			    port != start_info->store_evtchn &&
			    port != start_info->console.domU.evtchn)
				failure("an event on port %u", port);
		}
	}
}

/* To ourselves, and into the callback at once. */
static void an_event(void)
{
	unsigned int before = event_count;
	uint64_t start = system_time(), took;

	/* A word whose bit is set already is no reason for an upcall. */
	__atomic_exchange_n(&vcpu_info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
	expect_eq(evtchn_send(near), 0);
	took = system_time() - start;
	wake_max = took > wake_max ? took : wake_max;
	expect(evtchn_pending(far));
	expect_eq(event_count, before + 1);
	evtchn_clear(far);
}

static void a_timer(void)
{
	uint64_t at = system_time() + (light ? 5 : 2) * MS, now, late;
	struct sched_poll poll = {.nr_ports = 1, .timeout = at + 20000 * MS};
	unsigned int bucket = 0;

	set_xen_guest_handle(poll.ports, &timer);
	load_registers(at);
	expect_eq(hypercall(set_timer_op, at), 0);
	while (!evtchn_pending(timer) && system_time() < poll.timeout)
		hypercall(sched_op, SCHEDOP_poll, &poll);
	now = system_time();
	check_registers(at);
	if (!evtchn_pending(timer))
		error("the timer has not come in 20 seconds");
	evtchn_clear(timer);
	if (now < at) {
		failure("the timer came %lu ns early", at - now);
		return;
	}
	late = (now - at) / 1000;
	late_sum += late;
	if (late > late_max) {
		late_max = late;
		late_max_at = at / MS;
	}
	late_10ms += late > 10000;
	late_30ms += late > 30000;
	while (late >> bucket)
		bucket++;
	late_by[bucket]++;
	rounds++;
}

/* So many in a thousand were no later than that. */
static uint64_t late_within(unsigned int per_mille)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		n += late_by[i];
		if (n * 1000 >= rounds * per_mille)
			return 1UL << i;
	}
	return ~0UL;
}

/* ---- the store ------------------------------------------------------------------------ */

static bool the_store(void)
{
	uint64_t start = system_time(), took;

	expect_eq(store_request(XS_READ, "data/witness", NULL, false), XS_READ);
	took = system_time() - start;
	store_max = took > store_max ? took : store_max;
	if (memcmp(store_reply, "untouched", 10))
		failure("the node is '%s'", store_reply);
	return store_request(XS_READ, "data/stop", NULL, false) == XS_READ;
}

static void set_up(void)
{
	evtchn_mask_all();
	hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	timer = evtchn_virq(VIRQ_TIMER, 0);
	near = evtchn_alloc(DOMID_SELF);
	far = evtchn_connect(near);
	evtchn_clear(far); /* it starts with one */
	expect_eq(evtchn_unmask(far), 0);
	store_connect();
	expect_eq(store_request(XS_WRITE, "data/witness", "untouched", false), XS_WRITE);
	fill_pattern();
	tables_sum = sum_tables();
	frames_sum = sum_frames();
	reservation = current_reservation();
	/* All is in place: the others may start. */
	expect_eq(store_request(XS_WRITE, "data/ready", "1", false), XS_WRITE);
	interrupts_on();
}

void test_main(void)
{
	uint64_t end, clock, last, bound = argument("late", 2000);
	bool until_told = argument("stop", 0);

	light = argument("light", 0);
	set_up();
	last = system_time();
	end = last + argument("seconds", 2) * 1000 * MS;
	for (;;) {
		a_timer();
		an_event();
		only_ours();
		if (!light)
			check_pattern((unsigned int)(rounds * 32 % PAGES), 32);
		clock = system_time();
		if (clock < last)
			failure("the clock went back by %lu ns", last - clock);
		last = clock;
		if (rounds % 32)
			continue;
		check_frames();
		if (the_store() && until_told)
			break;
		if ((!until_told && last > end) || test_failed())
			break;
	}
	check_pattern(0, PAGES);
	printf("undisturbed: %lu rounds; timers late by %lu us on average, 99 of 100 at most %lu, "
	       "all %lu (at %lu ms), %u more than 10 ms, %u more than 30 ms; an event took at most %lu us, the store "
	       "%lu\n",
	       rounds, late_sum / rounds, late_within(990), late_max, late_max_at, late_10ms,
	       late_30ms, wake_max / 1000, store_max / 1000);
	if (late_within(990) > bound * 1000)
		failure("timers come late");
}
