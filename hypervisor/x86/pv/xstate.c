/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Extended processor state (x87, SSE, AVX, ...) of guests. Switched eagerly and
 * whole: what a vCPU never touched is loaded from its own area in its initial
 * state, so nothing of another's is ever left in a register (X3).
 *
 * Source: Intel SDM vol. 1, ch. 13.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/pv.h>
#include <arch/traps.h>

#define FCW_DEFAULT   0x37f
#define MXCSR_DEFAULT 0x1f80
#define XSTATE_FP     1UL
#define XSTATE_SSE    2UL
#define XSTATE_AVX    4UL
#define XSTATE_AVX512 0xe0UL

struct xsave_area {
	struct {
		uint16_t fcw, fsw;
		uint8_t ftw, reserved;
		uint16_t fop;
		uint64_t fip, fdp;
		uint32_t mxcsr, mxcsr_mask;
		uint8_t regs[480];
	} fx;
	uint64_t xstate_bv, xcomp_bv, reserved[6];
	uint8_t extended[];
};

_Static_assert(offsetof(struct xsave_area, xstate_bv) == 512, "FXSAVE format first");

static unsigned int area_order(void)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < max(xsave_size, (unsigned int)sizeof(struct xsave_area)))
		order++;
	return order;
}

static void reset_area(struct xsave_area *x)
{
	memset(x, 0, max(xsave_size, (unsigned int)sizeof(*x)));
	x->fx.fcw = FCW_DEFAULT;
	x->fx.mxcsr = MXCSR_DEFAULT;
	x->xstate_bv = cpu_has_xsave ? XSTATE_FP | XSTATE_SSE : 0;
}

int xstate_init_vcpu(struct vcpu *v)
{
	if (!v->arch.xsave)
		v->arch.xsave = hyp_pages_alloc(area_order());
	if (!v->arch.xsave)
		return -ENOMEM;
	reset_area(v->arch.xsave);
	v->arch.xcr0 = v->arch.xcr0_accum = XSTATE_FP;
	return 0;
}

void xstate_fini_vcpu(struct vcpu *v)
{
	hyp_pages_free(v->arch.xsave, area_order());
	v->arch.xsave = NULL;
}

void xstate_save(struct vcpu *v)
{
	struct xsave_area *x = v->arch.xsave;

	clear_cr0_ts();
	if (!cpu_has_xsave) {
		__asm__ volatile("fxsaveq %0" : "=m"(*x)::"memory");
		return;
	}
	if (v->arch.xcr0 != xcr0_host)
		write_xcr0(xcr0_host);
	__asm__ volatile("xsaveq %0" : "+m"(*x) : "a"(~0U), "d"(~0U) : "memory");
}

/*
 * A bad image (only a tool could have put it there) faults and is replaced by
 * the initial state.
 */
void xstate_load(struct vcpu *v)
{
	struct xsave_area *x = v->arch.xsave;
	bool ok = false;

	clear_cr0_ts();
	if (!cpu_has_xsave) {
		__asm__ volatile("1: fxrstorq %1; movb $1, %0\n2:\n" EXTABLE(1b, 2b)
				 : "+q"(ok)
				 : "m"(*x)
				 : "memory");
	} else {
		write_xcr0(xcr0_host);
		__asm__ volatile("1: xrstorq %1; movb $1, %0\n2:\n" EXTABLE(1b, 2b)
				 : "+q"(ok)
				 : "m"(*x), "a"(~0U), "d"(~0U)
				 : "memory");
	}
	if (!ok) {
		reset_area(x);
		xstate_load(v);
		return;
	}
	if (cpu_has_xsave && v->arch.xcr0 != xcr0_host)
		write_xcr0(v->arch.xcr0);
}

void xstate_set_fxsave(struct vcpu *v, const void *fx512)
{
	struct xsave_area *x = v->arch.xsave;

	reset_area(x);
	memcpy(&x->fx, fx512, sizeof(x->fx));
	x->fx.mxcsr &= 0xffff;
}

void xstate_get_fxsave(struct vcpu *v, void *fx512)
{
	memcpy(fx512, &v->arch.xsave->fx, sizeof(v->arch.xsave->fx));
}

static bool xcr0_is_valid(uint64_t val)
{
	return !(val & ~xcr0_host) && (val & XSTATE_FP) &&
	       (!(val & XSTATE_AVX) || (val & XSTATE_SSE)) &&
	       (!(val & XSTATE_AVX512) ||
		(val & (XSTATE_AVX512 | XSTATE_AVX)) == (XSTATE_AVX512 | XSTATE_AVX));
}

struct xstate_blob {
	uint64_t xcr0, xcr0_accum;
	uint8_t area[]; /* struct xsave_area */
};

size_t xstate_blob_size(void)
{
	return cpu_has_xsave ? sizeof(struct xstate_blob) + xsave_size : 0;
}

void xstate_export(struct vcpu *v, void *to)
{
	struct xstate_blob *blob = to;
	struct xsave_area *x = (struct xsave_area *)blob->area;

	arch_vcpu_sync(v);
	blob->xcr0 = v->arch.xcr0;
	blob->xcr0_accum = v->arch.xcr0_accum;
	memcpy(x, v->arch.xsave, xsave_size);
	/* What the guest never enabled is in its initial state, whatever XSAVE said. */
	x->xstate_bv &= v->arch.xcr0_accum | XSTATE_FP | XSTATE_SSE;
}

int xstate_import(struct vcpu *v, const void *from, size_t size)
{
	const struct xstate_blob *blob = from;
	const struct xsave_area *x = (const struct xsave_area *)blob->area;
	struct xsave_area *own = v->arch.xsave;

	if (size < sizeof(*blob) + sizeof(*x) || size > xstate_blob_size())
		return (int)hv_err(-EINVAL, "%lu bytes of extended state", size);
	if (!xcr0_is_valid(blob->xcr0) || !xcr0_is_valid(blob->xcr0_accum) ||
	    (blob->xcr0 & ~blob->xcr0_accum))
		return (int)hv_err(-EINVAL, "XCR0 %#lx of %#lx", blob->xcr0, blob->xcr0_accum);
	if ((x->xstate_bv & ~(blob->xcr0_accum | XSTATE_FP | XSTATE_SSE)) || x->xcomp_bv)
		return (int)hv_err(-EINVAL, "XSTATE_BV %#lx, XCOMP_BV %#lx", x->xstate_bv,
				   x->xcomp_bv);
	for (unsigned int i = 0; i < ARRAY_SIZE(x->reserved); i++) {
		if (x->reserved[i])
			return -EINVAL;
	}
	arch_vcpu_sync(v);
	reset_area(own);
	memcpy(own, x, size - sizeof(*blob));
	own->fx.mxcsr &= 0xffff;
	v->arch.xcr0 = blob->xcr0;
	v->arch.xcr0_accum = blob->xcr0_accum;
	return 0;
}

bool xstate_set_xcr0(struct vcpu *v, uint64_t val)
{
	if (!cpu_has_xsave || !xcr0_is_valid(val))
		return false;
	v->arch.xcr0 = val;
	v->arch.xcr0_accum |= val;
	write_xcr0(val);
	return true;
}
