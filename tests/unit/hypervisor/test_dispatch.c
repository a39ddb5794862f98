/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * From the guest's registers to the handler: every number that there could be, as the
 * control domain and as another; each handler gets its arguments, all of them, and
 * only who may call it does. Continuations. Multicalls, with each thing that can go
 * wrong in their middle. What isn't implemented is said once, by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <public/arch-x86/xen-mca.h>
#include <public/domctl.h>
#include <public/arch-x86/xen-mca.h>
#include <public/platform.h>
#include <arch/hypercalls.h>

/* ---- the world around ------------------------------------------------------------------- */

_Thread_local unsigned int ht_cpu;
struct vcpu *ht_current[HT_CPUS];
struct cpu_user_regs ht_guest_regs;

static struct domain dom0 = {.id = 0, .is_privileged = true}, domu = {.id = 7};
static struct vcpu v0 = {.domain = &dom0}, vu = {.domain = &domu};
static char said[1024];
static unsigned int held, preempt_in;
static const char *bad_start;

unsigned int spin_held_count(void)
{
	return held;
}

void printk(enum loglvl lvl, const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, sizeof(said) - n, fmt, ap);
	va_end(ap);
}

long hv_err_fn(long err, const char *func, const char *fmt, ...)
{
	return err;
}

void assert_failed(const char *expr, const char *file, int line)
{
	mock_assert(0, expr, file, line);
	abort();
}

bool hypercall_preempt_check(void)
{
	return preempt_in && !--preempt_in;
}

unsigned long guest_copy_in(void *dst, uint64_t va, unsigned long n)
{
	if (!va || (bad_start && va + n > (uint64_t)(uintptr_t)bad_start))
		return n;
	memcpy(dst, (const void *)(uintptr_t)va, n);
	return 0;
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	if (!va || (bad_start && va + n > (uint64_t)(uintptr_t)bad_start))
		return n;
	memcpy((void *)(uintptr_t)va, src, n);
	return 0;
}

/* ---- handlers that remember how they were called ------------------------------------------- */

static struct {
	const char *name;
	unsigned long a[4];
	unsigned int nr;
} called;
static long answer;

static long note(const char *name, unsigned int nr, unsigned long a, unsigned long b,
		 unsigned long c, unsigned long d)
{
	called.name = name;
	called.nr = nr;
	called.a[0] = a;
	called.a[1] = b;
	called.a[2] = c;
	called.a[3] = d;
	return answer;
}

#define U(x) ((unsigned long)(x))
#define STUB0(type, name)                                \
	type do_##name(void)                             \
	{                                                \
		return (type)note(#name, 0, 0, 0, 0, 0); \
	}
#define STUB1(type, name, ta)                               \
	type do_##name(ta a)                                \
	{                                                   \
		return (type)note(#name, 1, U(a), 0, 0, 0); \
	}
#define STUB2(type, name, ta, tb)                              \
	type do_##name(ta a, tb b)                             \
	{                                                      \
		return (type)note(#name, 2, U(a), U(b), 0, 0); \
	}
#define STUB3(type, name, ta, tb, tc)                             \
	type do_##name(ta a, tb b, tc c)                          \
	{                                                         \
		return (type)note(#name, 3, U(a), U(b), U(c), 0); \
	}
#define STUB4(type, name, ta, tb, tc, td)                            \
	type do_##name(ta a, tb b, tc c, td d)                       \
	{                                                            \
		return (type)note(#name, 4, U(a), U(b), U(c), U(d)); \
	}

/* clang-format off */
STUB1(long, set_trap_table, uint64_t)
STUB4(long, mmu_update, uint64_t, unsigned int, uint64_t, unsigned int)
STUB2(long, set_gdt, uint64_t, unsigned int)
STUB2(long, stack_switch, unsigned long, unsigned long)
STUB3(long, set_callbacks, unsigned long, unsigned long, unsigned long)
STUB1(long, fpu_taskswitch, int)
STUB1(long, platform_op, uint64_t)
STUB2(long, set_debugreg, int, unsigned long)
STUB1(unsigned long, get_debugreg, int)
STUB2(long, update_descriptor, uint64_t, uint64_t)
STUB2(long, memory_op, unsigned long, uint64_t)
STUB3(long, update_va_mapping, unsigned long, uint64_t, unsigned long)
STUB1(long, set_timer_op, s_time_t)
STUB2(long, xen_version, unsigned int, uint64_t)
STUB3(long, console_io, unsigned int, unsigned int, uint64_t)
STUB3(long, grant_table_op, unsigned int, uint64_t, unsigned int)
STUB2(long, vm_assist, unsigned int, unsigned int)
STUB4(long, update_va_mapping_otherdomain, unsigned long, uint64_t, unsigned long, domid_t)
STUB0(long, iret)
STUB3(long, vcpu_op, int, unsigned int, uint64_t)
STUB2(long, set_segment_base, unsigned int, unsigned long)
STUB4(long, mmuext_op, uint64_t, unsigned int, uint64_t, unsigned int)
STUB2(long, nmi_op, unsigned int, uint64_t)
STUB2(long, sched_op, int, uint64_t)
STUB2(long, callback_op, int, uint64_t)
STUB2(long, event_channel_op, int, uint64_t)
STUB2(long, physdev_op, int, uint64_t)
STUB1(long, sysctl, uint64_t)
STUB1(long, domctl, uint64_t)
STUB1(long, mca, uint64_t)
/* clang-format on */

struct row {
	const char *name;
	unsigned int nr_args;
	bool privileged;
};

static const struct row rows[70] = {
#define HYPERCALL(n, nr, priv) [__HYPERVISOR_##n] = {#n, nr, priv},
#include "../../../hypervisor/hypercall/list.h"
#undef HYPERCALL
};

/* ---- single calls ------------------------------------------------------------------------------ */

static long call(struct vcpu *v, unsigned long nr, unsigned long a, unsigned long b,
		 unsigned long c, unsigned long d)
{
	ht_current[0] = v;
	ht_guest_regs.rax = nr;
	ht_guest_regs.rip = 0x1000;
	ht_guest_regs.rdi = a;
	ht_guest_regs.rsi = b;
	ht_guest_regs.rdx = c;
	ht_guest_regs.r10 = d;
	called.name = NULL;
	hypercall_dispatch(&ht_guest_regs);
	return (long)ht_guest_regs.rax;
}

static void every_number(void **state)
{
	static const unsigned long large[] = {128, 0x1000, 0x80000000, 0x100000011, ~0UL};

	answer = 1234;
	for (unsigned long nr = 0; nr < 70; nr++) {
		const struct row *row = &rows[nr];

		for (unsigned int k = 0; k < 2; k++) {
			bool may = !k || !row->privileged;
			long rc;

			if (nr == __HYPERVISOR_multicall)
				continue;
			rc = call(k ? &vu : &v0, nr, 11, 12, 13, 14);
			if (!row->name || !may) {
				assert_null(called.name);
				assert_int_equal(rc, row->name ? -EPERM : -ENOSYS);
				continue;
			}
			assert_int_equal(rc, 1234);
			assert_string_equal(called.name, row->name);
			assert_int_equal(called.nr, row->nr_args);
			for (unsigned int i = 0; i < row->nr_args; i++)
				assert_int_equal(called.a[i], 11 + i);
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(large); i++) {
		assert_int_equal(call(&v0, large[i], 0, 0, 0, 0), -ENOSYS);
		assert_null(called.name);
	}
	/* Who may do what only the control domain does is this and no more. */
	for (unsigned int nr = 0; nr < ARRAY_SIZE(rows); nr++)
		assert_int_equal(rows[nr].privileged,
				 nr == __HYPERVISOR_platform_op || nr == __HYPERVISOR_sysctl ||
					 nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_mca);
	assert_string_equal(hypercall_name(__HYPERVISOR_domctl), "domctl");
	assert_string_equal(hypercall_name(63), "unknown");
	assert_string_equal(hypercall_name(64), "unknown");
}

static void left_behind(void **state)
{
	held = 1;
	expect_assert_failure(call(&v0, __HYPERVISOR_memory_op, 0, 0, 0, 0));
	held = 0;
	answer = -ERESTART;
	expect_assert_failure(call(&v0, __HYPERVISOR_memory_op, 0, 0, 0, 0));
	answer = 0;
}

static void continuation(void **state)
{
	const unsigned long args[] = {1, 2, 3, 4, 5, 6};

	ht_current[0] = &v0;
	memset(&ht_guest_regs, 0xff, sizeof(ht_guest_regs));
	ht_guest_regs.rip = 0x1002;
	v0.hcall_restart = false;
	hypercall_continue(__HYPERVISOR_mmu_update, 6, args);
	assert_true(v0.hcall_restart);
	assert_int_equal(ht_guest_regs.rip, 0x1000);
	assert_int_equal(ht_guest_regs.rax, __HYPERVISOR_mmu_update);
	assert_int_equal(ht_guest_regs.rdi, 1);
	assert_int_equal(ht_guest_regs.rsi, 2);
	assert_int_equal(ht_guest_regs.rdx, 3);
	assert_int_equal(ht_guest_regs.r10, 4);
	assert_int_equal(ht_guest_regs.r8, 5);
	assert_int_equal(ht_guest_regs.r9, 6);
	hypercall_continue(__HYPERVISOR_domctl, 1, args + 5);
	assert_int_equal(ht_guest_regs.rdi, 6);
	assert_int_equal(ht_guest_regs.rsi, 2); /* the others stay */
}

/* ---- multicalls ---------------------------------------------------------------------------------- */

#define ENTRIES 5

static struct multicall_entry list[ENTRIES];

static void fill(void)
{
	memset(list, 0, sizeof(list));
	for (unsigned int i = 0; i < ENTRIES; i++) {
		list[i].op = __HYPERVISOR_sched_op;
		list[i].result = 0x5a5a;
		list[i].args[0] = i;
	}
	bad_start = NULL;
	preempt_in = 0;
	v0.arch.in_kernel = vu.arch.in_kernel = true;
	answer = 7;
}

static long multicall(struct vcpu *v, struct multicall_entry *l, unsigned long nr)
{
	return call(v, __HYPERVISOR_multicall, (unsigned long)l, nr, 0, 0);
}

static void assert_done(unsigned int n)
{
	for (unsigned int i = 0; i < ENTRIES; i++)
		assert_int_equal(list[i].result, i < n ? 7 : 0x5a5a);
}

static void multicalls(void **state)
{
	fill();
	assert_int_equal(multicall(&vu, list, ENTRIES), 0);
	assert_done(ENTRIES);
	assert_int_equal(called.a[0], ENTRIES - 1);
	assert_null(vu.multicall);
	fill();
	assert_int_equal(multicall(&vu, list, 0), 0);
	assert_int_equal(multicall(&vu, NULL, 0), 0);
	assert_done(0);

	/* What isn't there or isn't allowed fails by itself. */
	fill();
	list[1].op = 63;
	list[2].op = __HYPERVISOR_domctl;
	list[3].op = __HYPERVISOR_multicall;
	assert_int_equal(multicall(&vu, list, ENTRIES), 0);
	assert_int_equal(list[0].result, 7);
	assert_int_equal(list[1].result, -ENOSYS);
	assert_int_equal(list[2].result, -EPERM);
	assert_int_equal(list[3].result, -EINVAL);
	assert_int_equal(list[4].result, 7);

	/* An entry can't be read, or its result not be written. */
	fill();
	bad_start = (const char *)&list[2];
	assert_int_equal(multicall(&vu, list, ENTRIES), -EFAULT);
	assert_done(2);
	assert_null(vu.multicall);
	fill();
	assert_int_equal(multicall(&vu, NULL, 1), -EFAULT);
}

/* Interrupted between two: the rest is another call. */
static void multicall_preempted(void **state)
{
	fill();
	preempt_in = 3;
	multicall(&vu, list, ENTRIES);
	assert_done(3);
	assert_int_equal(ht_guest_regs.rip, 0x1000 - 2);
	assert_int_equal(ht_guest_regs.rax, __HYPERVISOR_multicall);
	assert_ptr_equal((void *)ht_guest_regs.rdi, &list[3]);
	assert_int_equal(ht_guest_regs.rsi, 2);
	assert_null(vu.multicall);
	assert_int_equal(multicall(&vu, &list[3], 2), 0);
	assert_done(ENTRIES);
}

/* One of them is continued: its entry says with what, and it is the first of the rest. */
static void multicall_of_continued(void **state)
{
	struct mc_state state_of_entry;
	const unsigned long args[] = {99, 98};

	fill();
	ht_current[0] = &vu;
	vu.multicall = &state_of_entry;
	memset(&state_of_entry, 0, sizeof(state_of_entry));
	state_of_entry.call.args[2] = 55;
	ht_guest_regs.rip = 0x1000;
	hypercall_continue(__HYPERVISOR_memory_op, 2, args);
	assert_int_equal(state_of_entry.call.op, __HYPERVISOR_memory_op);
	assert_int_equal(state_of_entry.call.args[0], 99);
	assert_int_equal(state_of_entry.call.args[1], 98);
	assert_int_equal(state_of_entry.call.args[2], 55);
	assert_int_equal(ht_guest_regs.rip, 0x1000); /* that is for the whole */
	vu.multicall = NULL;
	vu.hcall_restart = false;
}

/* One goes to user mode: the rest isn't done with its rights. */
static void multicall_to_user_mode(void **state)
{
	fill();
	vu.arch.in_kernel = false;
	assert_int_equal(multicall(&vu, list, ENTRIES), 7);
	assert_done(0);
	assert_null(vu.multicall);
	fill();
}

/* ---- what isn't there ------------------------------------------------------------------------------ */

static void said_once(void **state)
{
	ht_current[0] = &vu;
	said[0] = 0;
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, 6), -ENOSYS);
	assert_string_equal(said, "sched_op watchdog (6) is not implemented (d7 asked)\n");
	said[0] = 0;
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, 6), -ENOSYS);
	assert_string_equal(said, "");
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, 99), -ENOSYS);
	assert_string_equal(said, "sched_op has no operation 99 (d7 asked)\n");
	said[0] = 0;
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, 127), -ENOSYS);
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_platform_op, 6), -ENOSYS);
	said[0] = 0;
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_domctl, XEN_DOMCTL_gdbsx_domstatus),
			 -ENOSYS);
	assert_non_null(strstr(said, "gdbsx_domstatus (1003)"));
	said[0] = 0;
	/* What a guest can't make us remember, it can't make us say either. */
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, 128), -ENOSYS);
	assert_int_equal(hypercall_no_subop(__HYPERVISOR_sched_op, ~0U), -ENOSYS);
	assert_int_equal(hypercall_no_subop(64, 1), -ENOSYS);
	assert_int_equal(hypercall_no_subop(~0U, 1), -ENOSYS);
	assert_string_equal(said, "");
	assert_string_equal(hypercall_subop_name(__HYPERVISOR_domctl, XEN_DOMCTL_max_mem),
			    "max_mem");
	assert_null(hypercall_subop_name(__HYPERVISOR_iret, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number),           cmocka_unit_test(left_behind),
		cmocka_unit_test(continuation),           cmocka_unit_test(multicalls),
		cmocka_unit_test(multicall_preempted),    cmocka_unit_test(multicall_of_continued),
		cmocka_unit_test(multicall_to_user_mode), cmocka_unit_test(said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
