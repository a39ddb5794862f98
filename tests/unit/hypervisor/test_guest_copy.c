/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86/mm/guest_copy.c, on this program's own memory in the place of a guest's: which
 * addresses are refused without being touched, and what a copy leaves behind when it
 * faults half way. The faults are real: the handler continues where the table of
 * fixups says, as the hypervisor does. Tries X5, X4.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/page.h>
#include <arch/traps.h>

/* This object is the first to be linked, so the table follows. */
__asm__(".pushsection .extable, \"a\"\n"
	".globl fixups\n"
	"fixups:\n"
	".popsection\n");
extern const struct extable_entry fixups[];
#define MAX_FIXUPS 16

bool cpu_has_smap; /* no STAC in a program */

static uint8_t *page; /* readable, the next one isn't there */
static unsigned int faults;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	for (unsigned int i = 0; i < MAX_FIXUPS; i++) {
		uintptr_t insn = (uintptr_t)&fixups[i].insn, fixup = (uintptr_t)&fixups[i].fixup;

		if (insn + (uintptr_t)fixups[i].insn == (uintptr_t)*rip) {
			faults++;
			*rip = (greg_t)(fixup + (uintptr_t)fixups[i].fixup);
			return;
		}
	}
	signal(sig, SIG_DFL);
}

/* In each test: cmocka has a handler of its own between them. */
static void catch_faults(void)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
}

static int setup(void **state)
{
	page = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	return page == MAP_FAILED ? -1 : mprotect(page + PAGE_SIZE, PAGE_SIZE, PROT_NONE);
}

/* ---- ranges ------------------------------------------------------------------------- */

static void ranges(void **state)
{
	const uint64_t low_end = 1UL << 47, hv = HYPERVISOR_START, hv_end = HYPERVISOR_END;
	const struct {
		uint64_t va;
		unsigned long n;
		bool ok;
	} cases[] = {
		{0, 1, true},
		{0, low_end, true},
		{0, low_end + 1, false},
		{low_end - 1, 1, true},
		{low_end - 1, 2, false},
		{low_end, 1, false},
		{hv - 1, 1, false},
		{hv - 1, 2, false},
		{hv, 1, false},
		{hv + PAGE_SIZE, 8, false},
		{hv_end - 1, 1, false},
		{hv_end - 1, 2, false},
		{hv_end, 1, true},
		{hv_end, -hv_end, true},
		{hv_end + 1, -hv_end, false},
		{~0UL, 1, true},
		{~0UL, 2, false},
		{1, ~0UL, false},
		{1, ~0UL - 1, false},
		{8, 1UL << 63, false},
		{16, ~0UL, false},
		{hv_end + 8, ~0UL, false},
		/* Around the hypervisor, from one half to the other */
		{low_end - 8, hv_end - low_end + 16, false},
		{low_end - 1, -low_end, false},
		{1UL << 63, 1, false},
		{hv, 0, true},
		{low_end, 0, true},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (guest_range_ok(cases[i].va, cases[i].n) != cases[i].ok)
			fail_msg("%#lx + %#lx: not %d", cases[i].va, cases[i].n, cases[i].ok);
		if (guest_array_ok(cases[i].va, cases[i].n, 1) != cases[i].ok)
			fail_msg("%#lx, %#lx bytes: not %d", cases[i].va, cases[i].n, cases[i].ok);
	}
}

static void products(void **state)
{
	assert_true(guest_array_ok(PAGE_SIZE, 1UL << 40, 8));
	assert_false(guest_array_ok(PAGE_SIZE, 1UL << 44, 8));
	/* What is left of the product in 64 bits would be 0, or 8. */
	assert_false(guest_array_ok(PAGE_SIZE, 1UL << 61, 8));
	assert_false(guest_array_ok(PAGE_SIZE, (1UL << 61) + 1, 8));
	assert_false(guest_array_ok(PAGE_SIZE, ~0UL, ~0UL));
	assert_true(guest_array_ok(HYPERVISOR_START, 0, 8));
}

/* Whatever is asked: neither read nor written, and nothing old is taken for theirs. */
static void refused_ranges_are_not_touched(void **state)
{
	const uint64_t bad[] = {HYPERVISOR_START, HYPERVISOR_END - 8, 1UL << 47, 1UL << 63,
				~0UL - 3};
	uint8_t buf[16], zero[16] = {0};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		faults = 0;
		memset(buf, 0xaa, sizeof(buf));
		assert_int_equal(guest_copy_in(buf, bad[i], sizeof(buf)), sizeof(buf));
		assert_memory_equal(buf, zero, sizeof(buf));
		assert_int_equal(guest_copy_out(bad[i], buf, sizeof(buf)), sizeof(buf));
		assert_int_equal(guest_clear(bad[i], sizeof(buf)), sizeof(buf));
		assert_int_equal(faults, 0);
	}
}

/* ---- copies -------------------------------------------------------------------------- */

/* @n bytes, of which @there are there. */
static void copy_at_the_end(unsigned int n, unsigned int there)
{
	uint8_t *at = page + PAGE_SIZE - there, buf[64], was[64];
	unsigned int left;

	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		page[i] = (uint8_t)(i * 7 + 1);
	memset(buf, 0xaa, sizeof(buf));
	faults = 0;
	left = (unsigned int)guest_copy_in(buf, ht_va(at), n);
	assert_int_equal(faults, there < n);
	/* Words are all or nothing; the rest byte by byte. */
	assert_true(left >= n - there && left <= n - there + (there < n ? 7 : 0));
	assert_memory_equal(buf, at, n - left);
	for (unsigned int i = n - left; i < sizeof(buf); i++)
		assert_int_equal(buf[i], i < n ? 0 : 0xaa);
	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i + 100);
	memcpy(was, at, there);
	faults = 0;
	left = (unsigned int)guest_copy_out(ht_va(at), buf, n);
	assert_int_equal(faults, there < n);
	assert_true(left >= n - there && left <= n - there + (there < n ? 7 : 0));
	assert_memory_equal(at, buf, n - left);
	assert_memory_equal(at + (n - left), was + (n - left), there - (n - left));
}

static void copies(void **state)
{
	catch_faults();
	for (unsigned int n = 0; n <= 40; n++) {
		for (unsigned int there = 0; there <= n; there++)
			copy_at_the_end(n, there);
	}
}

static void clearing(void **state)
{
	catch_faults();
	memset(page, 0xaa, PAGE_SIZE);
	assert_int_equal(guest_clear(ht_va(page) + 3, 0), 0);
	assert_int_equal(guest_clear(ht_va(page) + 3, 1500), 0);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(page[i], i < 3 || i >= 1503 ? 0xaa : 0);
	memset(page, 0xaa, PAGE_SIZE);
	assert_int_equal(guest_clear(ht_va(page) + PAGE_SIZE - 1200, 4000), 2800);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(page[i], i < PAGE_SIZE - 1200 ? 0xaa : 0);
	/* What can only be read. */
	assert_int_equal(mprotect(page, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(guest_clear(ht_va(page), 8), 8);
	assert_int_equal(guest_copy_out(ht_va(page), "12345678", 8), 8);
	assert_int_equal(page[0], 0xaa);
	assert_int_equal(mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(products),
		cmocka_unit_test_setup(refused_ranges_are_not_touched, setup),
		cmocka_unit_test_setup(copies, setup),
		cmocka_unit_test_setup(clearing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
