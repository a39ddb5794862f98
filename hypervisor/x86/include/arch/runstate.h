/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The guest's copy of its runstate, at an address of its kernel: written while
 * the kernel's page tables are loaded: when the vCPU has come to a CPU, or as soon after
 * that as it is in kernel mode. Nobody but the vCPU reads it while it is away.
 */
#ifndef ARCH_RUNSTATE_H
#define ARCH_RUNSTATE_H

struct vcpu;

void arch_runstate_enter(struct vcpu *v);
/* The vCPU has entered its kernel. */
void arch_runstate_catch_up(struct vcpu *v);

#endif
