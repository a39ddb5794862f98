/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Every hypercall, once: HYPERCALL(number and name, arguments, handler). From
 * this list come the dispatch table, the names in messages, and the check of
 * docs/abi. Numbers that are not here return -ENOSYS.
 *
 * PRIV marks those of the control domain only, refused with -EPERM before the
 * handler is called.
 */
#define ANY  0
#define PRIV 1

HYPERCALL(set_trap_table, 1, ANY)
HYPERCALL(mmu_update, 4, ANY)
HYPERCALL(set_gdt, 2, ANY)
HYPERCALL(stack_switch, 2, ANY)
HYPERCALL(set_callbacks, 3, ANY)
HYPERCALL(fpu_taskswitch, 1, ANY)
HYPERCALL(platform_op, 1, PRIV)
HYPERCALL(set_debugreg, 2, ANY)
HYPERCALL(get_debugreg, 1, ANY)
HYPERCALL(update_descriptor, 2, ANY)
HYPERCALL(memory_op, 2, ANY)
HYPERCALL(multicall, 2, ANY)
HYPERCALL(update_va_mapping, 3, ANY)
HYPERCALL(set_timer_op, 1, ANY)
HYPERCALL(xen_version, 2, ANY)
HYPERCALL(console_io, 3, ANY)
HYPERCALL(grant_table_op, 3, ANY)
HYPERCALL(vm_assist, 2, ANY)
HYPERCALL(update_va_mapping_otherdomain, 4, ANY)
HYPERCALL(iret, 0, ANY)
HYPERCALL(vcpu_op, 3, ANY)
HYPERCALL(set_segment_base, 2, ANY)
HYPERCALL(mmuext_op, 4, ANY)
HYPERCALL(nmi_op, 2, ANY)
HYPERCALL(sched_op, 2, ANY)
HYPERCALL(callback_op, 2, ANY)
HYPERCALL(event_channel_op, 2, ANY)
HYPERCALL(physdev_op, 2, ANY)
HYPERCALL(sysctl, 1, PRIV)
HYPERCALL(domctl, 1, PRIV)
HYPERCALL(mca, 1, PRIV)

#undef ANY
#undef PRIV
