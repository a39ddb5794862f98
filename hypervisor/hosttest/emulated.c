/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What x86/pv/domain.c and x86/mm use of permissions and of the emulation of a CPU,
 * for tests that want none of it. A vCPU's registers and its FPU are nobody's here.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <arch/cpuid.h>
#include <arch/debugreg.h>
#include <arch/page.h>
#include <arch/pv.h>

bool iomem_access_ok(const struct domain *d, mfn_t mfn)
{
	return d->is_hardware && mfn_x(mfn) >= HT_MMIO && mfn_x(mfn) < HT_MMIO + HT_MMIO_FRAMES;
}

bool iomem_read_only(mfn_t mfn)
{
	return mfn_x(mfn) == HT_MMIO + 1;
}

int permissions_init_domain(struct domain *d)
{
	return 0;
}

void permissions_fini_domain(struct domain *d)
{
}

struct cpuid_policy *cpuid_policy_new(const struct domain *d)
{
	return hv_zalloc(32);
}

void cpuid_policy_free(struct cpuid_policy *p)
{
	hv_free(p);
}

int xstate_init_vcpu(struct vcpu *v)
{
	return 0;
}

void xstate_fini_vcpu(struct vcpu *v)
{
}

void xstate_set_fxsave(struct vcpu *v, const void *fx512)
{
}

void xstate_get_fxsave(struct vcpu *v, void *fx512)
{
}

int pv_set_debugreg(struct vcpu *v, unsigned int reg, unsigned long val)
{
	return 0;
}

unsigned long pv_cr4_allowed(const struct vcpu *v)
{
	return 0;
}

unsigned long pv_cr4_default(const struct vcpu *v)
{
	return 0;
}
