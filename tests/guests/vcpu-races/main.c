/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Two vCPUs that do things to each other at the same time: each takes the other
 * down, both register areas for the other, both initialise a third. Waiting for
 * one another would stop two processors of the machine for good. Whatever comes
 * of it, the guest goes on as long as one vCPU is up, and nobody else notices.
 * Tries R2, X5, S3; the classes of XSA-45, -296 and -327.
 */
#include "lib/guest.h"

const char test_title[] = "vCPUs against each other";

static struct vcpu_runstate_info runstates[4];
static unsigned int results[2][3]; /* by vCPU: done, refused, other */
static char *info_page;

static long vcpu_op(unsigned int cmd, unsigned int vcpu, const void *arg)
{
	return hypercall(vcpu_op, cmd, vcpu, arg);
}

static void up(unsigned int vcpu)
{
	vcpu_op(VCPUOP_up, vcpu, NULL);
}

static void down_one(unsigned long turn)
{
	vcpu_op(VCPUOP_down, 1, NULL);
	up(1);
}

static void down_other(unsigned long turn)
{
	vcpu_op(VCPUOP_down, 0, NULL);
	up(0);
}

/* vCPU 2 helps when both took each other down. */
static volatile bool helped_enough;

static void __attribute__((noreturn)) helper(void)
{
	while (!helped_enough) {
		up(0);
		up(1);
		hypercall(sched_op, SCHEDOP_yield, 0);
	}
	for (;;)
		vcpu_op(VCPUOP_down, 2, NULL);
}

static void note(long rc, long refused)
{
	unsigned int *r = results[this_vcpu()];

	r[rc == 0 ? 0 : rc == refused ? 1 : 2]++;
}

static void register_areas(unsigned int vcpu)
{
	struct vcpu_register_runstate_memory_area area = {
		.addr.v = &runstates[random64() % ARRAY_SIZE(runstates)]};
	struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(info_page),
					       .offset = (uint32_t)(random64() % 8) * 512};

	vcpu_op(VCPUOP_register_runstate_memory_area, vcpu, &area);
	vcpu_op(VCPUOP_get_runstate_info, vcpu, &runstates[3]);
	/* Once, and only for oneself or one that is down */
	if (vcpu != 0)
		note(vcpu_op(VCPUOP_register_vcpu_info, vcpu, &info), -XEN_EINVAL);
}

static void areas_one(unsigned long turn)
{
	register_areas(1);
	register_areas(3);
}

static void areas_other(unsigned long turn)
{
	register_areas(0);
	register_areas(3);
}

/* vCPU 3 is initialised by one of them, once. */
static struct vcpu_guest_context context;

static void init_third(unsigned long turn)
{
	long rc = vcpu_op(VCPUOP_initialise, 3, &context);

	/* Another is just at it. */
	note(rc == -XEN_EBUSY ? -XEN_EEXIST : rc, -XEN_EEXIST);
}

static void never(void)
{
	for (;;)
		vcpu_op(VCPUOP_down, 3, NULL);
}

static char stacks[2][PAGE_SIZE] __attribute__((aligned(16)));

static void start_helper(void)
{
	fill_vcpu(&context, helper, stacks[0] + PAGE_SIZE);
	shared_info->vcpu_info[2].evtchn_upcall_mask = 1;
	expect_eq(vcpu_op(VCPUOP_initialise, 2, &context), 0);
	up(2);
}

void test_main(void)
{
	evtchn_mask_all();
	info_page = alloc_page();
	start_helper();
	race(1000, down_one, down_other);
	helped_enough = true;
	race(300, areas_one, areas_other);
	/* Each of the two at most once */
	expect(results[0][0] + results[1][0] <= 2);
	expect_eq(results[0][2] + results[1][2], 0);
	memset(results, 0, sizeof(results));
	fill_vcpu(&context, never, stacks[1] + PAGE_SIZE);
	race(200, init_third, init_third);
	expect_eq(results[0][0] + results[1][0], 1);
	expect_eq(results[0][2] + results[1][2], 0);
}
