/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * From the guest's SYSCALL to the handler, and multicalls.
 *
 * The table comes from list.h. Each handler is reached through a small function
 * that spreads the register arguments, so that handlers have honest prototypes.
 */
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/evtchn.h>
#include <hv/grant.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <public/arch-x86/xen-mca.h>
#include <arch/hypercalls.h>

#define NR_HYPERCALLS 64

struct hypercall {
	long (*call)(const unsigned long *a);
	const char *name;
	bool privileged;
};

#define ARGS_0(a)
#define ARGS_1(a) (a)[0]
#define ARGS_2(a) (a)[0], (a)[1]
#define ARGS_3(a) (a)[0], (a)[1], (a)[2]
#define ARGS_4(a) (a)[0], (a)[1], (a)[2], (a)[3]

#define HYPERCALL(name, nr_args, priv)                     \
	static long call_##name(const unsigned long *a)    \
	{                                                  \
		return (long)do_##name(ARGS_##nr_args(a)); \
	}
#include "list.h"
#undef HYPERCALL

static const struct hypercall table[NR_HYPERCALLS] = {
#define HYPERCALL(n, nr_args, priv) \
	[__HYPERVISOR_##n] = {.call = call_##n, .name = #n, .privileged = (priv)},
#include "list.h"
#undef HYPERCALL
};

static long run(unsigned long op, const unsigned long *args)
{
	const struct hypercall *h;
	long rc;

	if (op >= NR_HYPERCALLS)
		return -ENOSYS;
	h = &table[index_nospec(op, NR_HYPERCALLS)];
	if (!h->call)
		return -ENOSYS;
	if (h->privileged && !is_control_domain(current->domain))
		return -EPERM;
	rc = h->call(args);
	ASSERT(!spin_held_count());
	ASSERT(rc != -ERESTART);
	return rc;
}

long hypercall_continue(unsigned int op, unsigned int nr_args, const unsigned long *args)
{
	struct vcpu *v = current;
	struct cpu_user_regs *regs = guest_regs();
	uint64_t *reg[] = {&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9};

	v->hcall_restart = true;
	if (v->multicall) {
		v->multicall->call.op = op;
		for (unsigned int i = 0; i < nr_args; i++)
			v->multicall->call.args[i] = args[i];
		return 0;
	}
	regs->rip -= 2; /* SYSCALL */
	regs->rax = op;
	for (unsigned int i = 0; i < nr_args; i++)
		*reg[i] = args[i];
	return 0;
}

void hypercall_dispatch(struct cpu_user_regs *regs)
{
	const unsigned long args[] = {regs->rdi, regs->rsi, regs->rdx,
				      regs->r10, regs->r8,  regs->r9};
	struct vcpu *v = current;
	long rc;

	v->hcall_restart = false;
	rc = run(regs->rax, args);
	if (!v->hcall_restart)
		regs->rax = (unsigned long)rc;
}

static long continue_multicall(uint64_t list, unsigned int nr)
{
	const unsigned long args[] = {list, nr};

	current->multicall = NULL;
	return hypercall_continue(__HYPERVISOR_multicall, 2, args);
}

long do_multicall(uint64_t list, unsigned int nr)
{
	struct vcpu *v = current;
	struct mc_state state;
	long rc = 0;

	if (v->multicall)
		return hv_err(-EINVAL, "a multicall in a multicall");
	for (unsigned int i = 0; i < nr; i++, list += sizeof(state.call)) {
		if (i && hypercall_preempt_check()) {
			rc = continue_multicall(list, nr - i);
			break;
		}
		if (guest_copy_in(&state.call, list, sizeof(state.call))) {
			rc = -EFAULT;
			break;
		}
		v->multicall = &state;
		v->hcall_restart = false;
		state.call.result = (unsigned long)run(state.call.op, state.call.args);
		v->multicall = NULL;
		if (v->hcall_restart) {
			/* The entry's arguments are where to go on. */
			if (guest_copy_out(list, &state.call, sizeof(state.call)))
				rc = -EFAULT;
			v->hcall_restart = false;
			if (!rc)
				rc = continue_multicall(list, nr - i);
			break;
		}
		if (!v->arch.in_kernel) {
			/* It has left for user mode: the rest would be done with wrong rights. */
			rc = (long)state.call.result;
			break;
		}
		if (guest_copy_out(list + offsetof(struct multicall_entry, result),
				   &state.call.result, sizeof(state.call.result))) {
			rc = -EFAULT;
			break;
		}
	}
	return rc;
}

const char *hypercall_name(unsigned int op)
{
	return op < NR_HYPERCALLS && table[op].name ? table[op].name : "unknown";
}

long hypercall_no_subop(unsigned int op, unsigned int cmd)
{
	static unsigned long said[NR_HYPERCALLS][2];
	const char *name = hypercall_subop_name(op, cmd);

	/* Once for each. The few large numbers with a name share no bit with others. */
	if (op >= NR_HYPERCALLS || (cmd >= 128 && !name) ||
	    test_and_set_bit(cmd % 128, said[index_nospec(op, NR_HYPERCALLS)]))
		return -ENOSYS;
	if (name)
		pr_debug("%s %s (%u) is not implemented (d%u asked)\n", hypercall_name(op), name,
			 cmd, current->domain->id);
	else
		pr_debug("%s has no operation %u (d%u asked)\n", hypercall_name(op), cmd,
			 current->domain->id);
	return -ENOSYS;
}
