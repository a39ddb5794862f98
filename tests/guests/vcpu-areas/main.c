/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Areas that a guest registers for a vCPU: its vcpu_info, moved without losing
 * an event, and its run state, whose times add up.
 */
#include "lib/guest.h"

const char test_title[] = "Registered vcpu_info and runstate areas";

static struct vcpu_runstate_info runstate;

static long register_info(void *where, uint32_t offset)
{
	struct vcpu_register_vcpu_info op = {.mfn = virt_to_mfn(where), .offset = offset};

	return hypercall(vcpu_op, VCPUOP_register_vcpu_info, 0, &op);
}

static void vcpu_infos(void)
{
	char *page = alloc_page();
	evtchn_port_t a = evtchn_alloc(DOMID_SELF), b = evtchn_connect(a);
	unsigned int before;

	evtchn_clear(b);
	vcpu_info->evtchn_upcall_pending = 0;
	vcpu_info->evtchn_pending_sel = 0;
	expect(register_info(page, 4096 - 32) < 0); /* crosses the page's end */
	expect(register_info(page, 12) < 0); /* not aligned */
	expect(register_info((void *)start_info->pt_base, 0) < 0); /* not writable */
	expect_eq(register_info(page, 128), 0);
	vcpu_info = (struct vcpu_info *)(page + 128);
	/* The mask came along, and all may be pending. */
	expect_eq(vcpu_info->evtchn_upcall_mask, 1);
	expect_eq(vcpu_info->evtchn_upcall_pending, 1);
	expect_eq(vcpu_info->evtchn_pending_sel, ~0UL);
	vcpu_info->evtchn_upcall_pending = 0;
	vcpu_info->evtchn_pending_sel = 0;
	expect_eq(register_info(page, 256), -XEN_EINVAL); /* once only */

	expect_eq(evtchn_unmask(b), 0);
	expect_eq(evtchn_send(a), 0);
	expect_eq(vcpu_info->evtchn_upcall_pending, 1);
	expect_eq(vcpu_info->evtchn_pending_sel, 1UL << b / 64);
	before = event_count;
	interrupts_on();
	expect_eq(event_count, before + 1);
	interrupts_off();
	sleep_ns(20000000); /* the clock runs there too */
	evtchn_close(a);
	evtchn_close(b);
}

static uint64_t sum(const struct vcpu_runstate_info *r)
{
	return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

static void runstates(void)
{
	struct vcpu_register_runstate_memory_area area = {.addr.v = &runstate};
	struct vcpu_runstate_info first, second;
	uint64_t start, end;

	runstate.state = 99;
	expect_eq(hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area), 0);
	expect_eq(runstate.state, RUNSTATE_running); /* written at once */
	expect(runstate.state_entry_time <= system_time());
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &first), 0);
	start = system_time();
	expect_eq(first.state, RUNSTATE_running);
	sleep_ns(50000000);
	expect_eq(hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &second), 0);
	end = system_time();
	expect(second.time[RUNSTATE_blocked] - first.time[RUNSTATE_blocked] >= 30000000);
	expect(sum(&second) - sum(&first) <= end - start + 20000000);
	expect(sum(&second) - sum(&first) >= 50000000 - 20000000);
	/* The area was brought up to date when the vCPU came back. */
	expect_eq(runstate.state, RUNSTATE_running);
	expect(runstate.time[RUNSTATE_blocked] >= first.time[RUNSTATE_blocked] + 30000000);

	expect_eq(hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
	sleep_ns(10000000);
	expect_eq(runstate.state_entry_time & XEN_RUNSTATE_UPDATE, 0);
	area.addr.p = 0;
	expect_eq(hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, 0, 0x7f0000000000UL),
		  -XEN_EFAULT);
}

void test_main(void)
{
	evtchn_mask_all();
	vcpu_infos();
	runstates();
}
