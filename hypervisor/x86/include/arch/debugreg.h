/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A guest's debug registers, and CR0.TS (x86/pv/callbacks.c). */
#ifndef ARCH_DEBUGREG_H
#define ARCH_DEBUGREG_H

#include <hv/types.h>

struct vcpu;

/* Made harmless for us. -EPERM, -EINVAL. Loaded at once for the current vCPU. */
int pv_set_debugreg(struct vcpu *v, unsigned int reg, unsigned long val);
void pv_load_debugregs(struct vcpu *v);
void pv_set_ts(struct vcpu *v, bool set);

#endif
