/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Writing the guest's copy of its runstate. See arch/runstate.h. */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/runstate.h>

/* Set in state_entry_time while the rest changes, for guests that asked for it. */
#define UPDATE_FLAG XEN_RUNSTATE_UPDATE

static void write_area(struct vcpu *v, const struct vcpu_runstate_info *r)
{
	uint64_t where = v->runstate_guest + offsetof(struct vcpu_runstate_info, state_entry_time);
	bool two_phase = v->domain->vm_assist >> VMASST_TYPE_runstate_update_flag & 1;
	struct vcpu_runstate_info out = *r;

	if (two_phase) {
		uint64_t busy = r->state_entry_time | UPDATE_FLAG;

		out.state_entry_time = busy;
		if (guest_copy_out(where, &busy, sizeof(busy)))
			return;
		smp_wmb();
	}
	if (guest_copy_out(v->runstate_guest, &out, sizeof(out)))
		return;
	if (two_phase) {
		smp_wmb();
		if (guest_copy_out(where, &r->state_entry_time, sizeof(r->state_entry_time)))
			return;
	}
}

static void update(struct vcpu *v)
{
	struct vcpu_runstate_info r;

	if (!v->runstate_guest)
		return;
	if (!v->arch.in_kernel) {
		v->arch.runstate_due = true;
		return;
	}
	v->arch.runstate_due = false;
	r = v->runstate;
	write_area(v, &r);
}

void arch_runstate_enter(struct vcpu *v)
{
	update(v);
}

void arch_runstate_catch_up(struct vcpu *v)
{
	if (v->arch.runstate_due)
		update(v);
}
