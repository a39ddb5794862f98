/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Lists of hypercalls that contain themselves, are written by what they do, are changed
 * by another vCPU while they are worked on, end in nothing, or are longer than time; and
 * calls that say they were interrupted when they weren't, with whatever arguments. The
 * guest may hurt itself; each call returns, and nothing is done with rights it hasn't
 * got. Tries X5, S2, R3; the classes of XSA-45, -213, -296, -226.
 */
#include "lib/guest.h"

const char test_title[] = "Multicalls and continuations";

#define CALLS 64

static struct multicall_entry calls[CALLS] __attribute__((aligned(4096)));
static struct mmu_update updates[256] __attribute__((aligned(4096)));
static char *page;

static void set(struct multicall_entry *c, unsigned long nr, unsigned long a, unsigned long b,
		unsigned long d, unsigned long e)
{
	*c = (struct multicall_entry){.op = nr, .args = {a, b, d, e}};
}

static void version_calls(unsigned int from)
{
	unsigned int i;

	for (i = from; i < CALLS; i++)
		set(&calls[i], __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
}

static void nested(void)
{
	version_calls(1);
	set(&calls[0], __HYPERVISOR_multicall, (uintptr_t)calls, CALLS, 0, 0);
	expect_eq(hypercall(multicall, calls, 2), 0);
	expect((long)calls[0].result < 0);
	expect_eq(calls[1].result, 0x40011);
}

/* An entry that overwrites the list: copies are made before, and that's it. */
static void self_written(void)
{
	struct multicall_entry *shown = (struct multicall_entry *)page;
	unsigned int i;

	memset(page, 0, PAGE_SIZE);
	for (i = 0; i < CALLS; i++)
		set(&shown[i], __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
	/* Clears the page that the list is in. What is left of it clears the trap table. */
	set(&shown[0], __HYPERVISOR_memory_op, XENMEM_machphys_mapping, (uintptr_t)&shown[1], 0, 0);
	expect_eq(hypercall(multicall, shown, 3), 0);
	expect_eq(shown[0].result, 0);
	expect_eq((long)shown[1].result, -XEN_ENOSYS); /* by its new number */
	expect_eq(shown[2].result, 0x40011);
	/* Takes away the page it is in: results can't be written. */
	set(&shown[0], __HYPERVISOR_update_va_mapping, (uintptr_t)page, 0, UVMF_INVLPG | UVMF_ALL,
	    0);
	expect_eq(hypercall(multicall, shown, CALLS), -XEN_EFAULT);
	expect_eq(make_readonly(page), 0);
	expect_eq(hypercall(multicall, shown, 2), -XEN_EFAULT);
	expect_eq(make_writable(page), 0);
}

static void lengths(void)
{
	version_calls(0);
	/* Up to the end of what is mapped */
	expect(hypercall(multicall, &calls[CALLS - 1], 0x7fffffff) < 0 || true);
	expect_eq(hypercall(multicall, 0x7ffffffff000UL, 10), -XEN_EFAULT);
	expect_eq(hypercall(multicall, HYPERVISOR_VIRT_START - 32, 1), -XEN_EFAULT);
	expect_eq(hypercall(multicall, ~0UL - 31, 1), -XEN_EFAULT);
	expect_eq(hypercall(multicall, ~0UL - 31, ~0U), -XEN_EFAULT);
}

/* Privileged, unknown, reserved: the same as by themselves */
static void each_number(void)
{
	unsigned long nr;

	for (nr = 0; nr < 80; nr++) {
		if (nr == __HYPERVISOR_iret || nr == __HYPERVISOR_sched_op ||
		    nr == __HYPERVISOR_sched_op_compat || nr == __HYPERVISOR_set_trap_table ||
		    nr == __HYPERVISOR_set_callbacks || nr == __HYPERVISOR_set_gdt ||
		    nr == __HYPERVISOR_event_channel_op_compat)
			continue;
		set(&calls[0], nr, ~0UL, ~0UL, ~0UL, ~0UL);
		set(&calls[1], __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
		expect_eq(hypercall(multicall, calls, 2), 0);
		expect_eq(calls[1].result, 0x40011);
	}
}

/* The bit in a count that says "continued", and the number done in a command, by hand */
static void forged(void)
{
	uint32_t done;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(updates); i++) {
		updates[i].ptr = pte_maddr_of(page);
		updates[i].val = virt_to_maddr(page) | PTE_RW;
	}
	done = 0xfffffff0;
	expect_eq(hypercall(mmu_update, updates, 4 | 1U << 31, &done, DOMID_SELF), 0);
	done = 7;
	expect_eq(hypercall(mmu_update, updates, 1U << 31, &done, DOMID_SELF), 0);
	hypercall(mmu_update, updates, 4 | 1U << 31, 0x7f0000000000UL, DOMID_SELF);
	expect(hypercall(mmu_update, 0x7f0000000000UL, ~0U, &done, DOMID_SELF) < 0);
	expect(hypercall(mmuext_op, 0x7f0000000000UL, 4 | 1U << 31, &done, DOMID_SELF) < 0);
	for (i = 6; i < 64; i++) {
		struct xen_memory_reservation r = {.nr_extents = 1UL << (i - 6),
						   .domid = DOMID_SELF};

		/* As many done as there are, and more; the list is nowhere */
		set_xen_guest_handle(r.extent_start, (void *)0x7f0000000000UL);
		hypercall(memory_op, XENMEM_decrease_reservation | 1UL << i, &r);
		hypercall(memory_op, XENMEM_decrease_reservation | 3UL << i, &r);
	}
	hypercall(grant_table_op, GNTTABOP_map_grant_ref | 1U << 12, updates, 4);
	hypercall(grant_table_op, GNTTABOP_copy | 0x12345000U, updates, 4);
}

/* The list, the counters in it and what it points to change all the time. */
static volatile uint32_t done_count;

static void long_lists(unsigned long turn)
{
	struct multicall_entry *c = calls;
	unsigned int i;

	for (i = 0; i < 8; i++)
		set(&c[i], __HYPERVISOR_mmu_update, (uintptr_t)updates, ARRAY_SIZE(updates),
		    (uintptr_t)&done_count, DOMID_SELF);
	hypercall(multicall, calls, 8);
	hypercall(mmu_update, updates, ARRAY_SIZE(updates), &done_count, DOMID_SELF);
}

static void change_lists(unsigned long turn)
{
	struct multicall_entry *c = &calls[random64() % 8];
	struct mmu_update *u = &updates[random64() % ARRAY_SIZE(updates)];

	switch (random64() % 5) {
	case 0:
		c->op = __HYPERVISOR_mmuext_op;
		break;
	case 1:
		c->args[1] = (uint32_t)random64() % 512 | (random64() & 1) << 31;
		break;
	case 2:
		done_count = (uint32_t)random64();
		break;
	case 3:
		u->val = virt_to_maddr(page) | (random64() & 1 ? PTE_RO : PTE_RW);
		break;
	default:
		u->ptr = pte_maddr_of(page) | (random64() & 2);
		break;
	}
}

void test_main(void)
{
	struct vcpu_set_periodic_timer tick = {.period_ns = 1000000};

	evtchn_mask_all();
	page = alloc_page();
	nested();
	self_written();
	lengths();
	each_number();
	forged();
	hypercall(vcpu_op, VCPUOP_set_periodic_timer, 0, &tick);
	race(500, long_lists, change_lists);
	hypercall(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
	expect(is_unused(page));
}
