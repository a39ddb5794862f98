/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * CPUID as PV guests see it. Features pass if they are in the masks below, which
 * name those whose state we switch and that need no privilege; the rest is
 * hidden. A few leaves depend on the vCPU and are finished in pv_cpuid().
 *
 * Sources: Intel SDM vol. 2 (CPUID), AMD APM vol. 3 app. E; hypervisor leaves:
 * public/arch-x86/cpuid.h.
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/time.h>
#include <public/arch-x86/cpuid.h>
#include <hv/version.h>
#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/features.h>
#include <arch/pv.h>

#define B(n) (1U << (n))

/* Leaf 1 ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define L1_ECX                                                                                \
	(B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) | B(25) | B(26) | \
	 B(28) | B(29) | B(30))
#define L1_ECX_OSXSAVE    B(27)
#define L1_ECX_HYPERVISOR B(31)
/* Leaf 1 EDX: FPU DE TSC MSR PAE MCE CX8 APIC MCA CMOV PAT CLFLUSH MMX FXSR SSE SSE2 SS */
#define L1_EDX                                                                                   \
	(B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(14) | B(15) | B(16) | B(19) | \
	 B(23) | B(24) | B(25) | B(26) | B(27))
/* SYSENTER: not in AMD's long mode, so not in a guest of ours there. */
#define L1_EDX_SEP      B(11)
/* More than one APIC id in the package. */
#define L1_EDX_HTT      B(28)
/* ... and ACPI for the domain that drives the machine */
#define L1_EDX_HARDWARE B(22)
/* Leaf 7 EBX: FSGSBASE BMI1 AVX2 BMI2 ERMS AVX512F DQ RDSEED ADX IFMA CLFLUSHOPT CLWB PF ER CD SHA BW VL */
#define L7_EBX \
	(B(0) | B(3) | B(5) | B(8) | B(9) | B(18) | B(19) | B(23) | B(24) | B(29) | L7_EBX_AVX512)
#define L7_EBX_AVX512     (B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31))
/* Leaf 7 ECX: VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ RDPID */
#define L7_ECX            (B(1) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) | B(22))
/* Leaf 7 EDX: FSRM */
#define L7_EDX            B(4)
/* 0x80000001 ECX: CMP_LEGACY says that what HTT counts are cores. */
#define E1_ECX_CMP_LEGACY B(1)
/* 0x80000001 ECX: LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM */
#define E1_ECX            (B(0) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21))
/* 0x80000001 EDX: SYSCALL NX MMXEXT FXSR RDTSCP LM 3DNOWEXT 3DNOW, and AMD's copies of leaf 1 */
#define E1_EDX                                                                                   \
	(B(0) | B(2) | B(4) | B(5) | B(6) | B(7) | B(8) | B(9) | B(11) | B(14) | B(15) | B(16) | \
	 B(20) | B(22) | B(23) | B(24) | B(27) | B(29) | B(30) | B(31))
#define E7_EDX_ITSC   B(8)
/* Leaf 0xd.1 EAX: XSAVEOPT XSAVEC XGETBV1 */
#define XSAVE_EXTRAS  (B(0) | B(1) | B(2))
#define XSAVE_ALIGNED B(1) /* of a component's ECX: it starts at 64 bytes in XSAVEC's format */

/* Four levels of page tables. */
#define LINEAR_BITS 48U

#define XSTATE_AVX    4U
#define XSTATE_AVX512 0xe0U

static struct cpuid_leaf *add(struct cpuid_policy *p, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r = cpuid_count(leaf, subleaf == CPUID_NO_SUBLEAF ? 0 : subleaf);
	struct cpuid_leaf *l = &p->leaf[p->nr];

	BUG_ON(p->nr == CPUID_POLICY_MAX_LEAVES);
	p->nr++;
	*l = (struct cpuid_leaf){leaf, subleaf, r.a, r.b, r.c, r.d};
	return l;
}

/* AMD's, or Hygon's, which are the same. */
static bool vendor_is_amd(const struct cpuid_leaf *leaf0)
{
	return leaf0->b == 0x68747541 /* Auth */ || leaf0->b == 0x6f677948 /* Hygo */;
}

static void basic_leaves(struct cpuid_policy *p, bool hardware)
{
	struct cpuid_leaf *l = add(p, 0, CPUID_NO_SUBLEAF);
	uint32_t max_leaf = l->a;
	bool amd = vendor_is_amd(l);

	l->a = min(max_leaf, 0xdU);
	l = add(p, 1, CPUID_NO_SUBLEAF);
	l->b &= 0x0000ffff; /* APIC id and how many: topology() */
	l->c = (l->c & L1_ECX) | L1_ECX_HYPERVISOR;
	l->d &= L1_EDX | (amd ? 0 : L1_EDX_SEP) | (hardware ? L1_EDX_HARDWARE : 0);
	l->d |= L1_EDX_HTT;
	if (!(xcr0_host & XSTATE_AVX))
		l->c &= ~(B(12) | B(28) | B(29));
	if (max_leaf >= 2)
		add(p, 2, CPUID_NO_SUBLEAF);
	for (uint32_t i = 0; max_leaf >= 4 && i < 6; i++) {
		l = add(p, 4, i);
		l->a &= 0x3fff; /* no sharing between vCPUs; how many cores: topology() */
		if (!(l->a & 0x1f))
			break;
	}
	if (max_leaf >= 7) {
		l = add(p, 7, 0);
		l->a = 0;
		l->b &= L7_EBX;
		l->c &= L7_ECX;
		l->d &= L7_EDX;
		if (!(xcr0_host & XSTATE_AVX512))
			l->b &= ~L7_EBX_AVX512;
		if (!(xcr0_host & XSTATE_AVX))
			l->b &= ~B(5);
	}
}

static void xstate_leaves(struct cpuid_policy *p)
{
	struct cpuid_leaf *l;

	if (!cpu_has_xsave)
		return;
	l = add(p, 0xd, 0);
	l->a = (uint32_t)xcr0_host;
	l->d = (uint32_t)(xcr0_host >> 32);
	l->c = xsave_size;
	l = add(p, 0xd, 1);
	*l = (struct cpuid_leaf){0xd, 1, l->a & XSAVE_EXTRAS, 0, 0, 0};
	for (uint32_t i = 2; i < 63; i++) {
		if (xcr0_host >> i & 1)
			add(p, 0xd, i);
	}
}

static void extended_leaves(struct cpuid_policy *p, bool hardware)
{
	struct cpuid_leaf *l = add(p, 0x80000000, CPUID_NO_SUBLEAF);
	uint32_t max_leaf = min(l->a, 0x80000008U);

	l->a = max_leaf;
	l = add(p, 0x80000001, CPUID_NO_SUBLEAF);
	l->b = 0;
	l->c &= E1_ECX;
	if (vendor_is_amd(&p->leaf[0]))
		l->c |= E1_ECX_CMP_LEGACY;
	l->d &= E1_EDX;
	for (uint32_t i = 0x80000002; i <= min(max_leaf, 0x80000006U); i++)
		add(p, i, CPUID_NO_SUBLEAF);
	if (max_leaf >= 0x80000007) {
		l = add(p, 0x80000007, CPUID_NO_SUBLEAF);
		*l = (struct cpuid_leaf){l->leaf, l->subleaf, 0,
					 0,       0,          hardware ? l->d & E7_EDX_ITSC : 0};
	}
	if (max_leaf >= 0x80000008) {
		l = add(p, 0x80000008, CPUID_NO_SUBLEAF);
		l->a = (l->a & 0xff) | LINEAR_BITS << 8;
		l->b = l->c = l->d = 0;
	}
}

void cpuid_policy_default(struct cpuid_policy *p, bool hardware)
{
	p->nr = 0;
	basic_leaves(p, hardware);
	xstate_leaves(p);
	extended_leaves(p, hardware);
}

struct cpuid_policy *cpuid_policy_new(const struct domain *d)
{
	struct cpuid_policy *p = hv_zalloc(sizeof(*p));

	if (p)
		cpuid_policy_default(p, d->is_hardware);
	return p;
}

void cpuid_policy_free(struct cpuid_policy *p)
{
	hv_free(p);
}

static const struct cpuid_leaf *find(const struct cpuid_policy *p, uint32_t leaf, uint32_t subleaf)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct cpuid_leaf *l = &p->leaf[i];

		if (l->leaf == leaf && (l->subleaf == subleaf || l->subleaf == CPUID_NO_SUBLEAF))
			return l;
	}
	return NULL;
}

int cpuid_policy_set(struct cpuid_policy *p, const struct domain *d, const struct cpuid_leaf *new)
{
	struct cpuid_leaf *l = (struct cpuid_leaf *)(uintptr_t)find(p, new->leaf, new->subleaf);
	bool features = new->leaf == 1 || new->leaf == 7 || new->leaf == 0x80000001 ||
			new->leaf == 0x80000007;

	if (!l)
		return -EINVAL;
	/* Features can only be taken away; numbers (topology, caches) are the tools' choice. */
	if (new->leaf == 0xd || new->leaf == 0 || new->leaf == 0x80000000)
		return 0;
	if (features) {
		l->c &= new->c;
		l->d &= new->d;
		if (new->leaf == 7)
			l->b &= new->b;
		return 0;
	}
	l->a = new->a;
	l->b = new->b;
	l->c = new->c;
	l->d = new->d;
	return 0;
}

/* ---- hypervisor leaves ------------------------------------------------------------- */

static uint32_t signature_word(unsigned int i)
{
	static const uint32_t word[3] = {XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
					 XEN_CPUID_SIGNATURE_EDX};

	return word[i];
}

static void time_leaf(const struct vcpu *v, uint32_t subleaf, uint32_t r[4])
{
	struct time_scale s = time_scale_of(time_tsc_khz);

	switch (subleaf) {
	case 0:
		r[0] = (time_tsc_stable ? 2U : 0) | 4U;
		r[1] = v->domain->arch.tsc_mode;
		r[2] = (uint32_t)time_tsc_khz;
		r[3] = v->domain->arch.tsc_incarnation;
		break;
	case 1:
		r[2] = s.mul;
		r[3] = (uint32_t)s.shift;
		break;
	case 2:
		r[0] = (uint32_t)time_tsc_khz;
		break;
	default:
		break;
	}
}

static void hypervisor_leaf(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	switch (leaf) {
	case 0:
		r[0] = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
		for (unsigned int i = 0; i < 3; i++)
			r[i + 1] = signature_word(i);
		break;
	case 1:
		r[0] = HV_ABI_VERSION;
		break;
	case 2:
		r[0] = 1; /* pages of hypercall stubs, */
		r[1] = 0x40000000; /* asked for by this MSR */
		r[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	case 3:
		time_leaf(v, subleaf, r);
		break;
	case 5:
		if (subleaf == 0)
			r[1] = bit_last(max_page - 1) + 1 + PAGE_SHIFT;
		break;
	default:
		break;
	}
}

/*
 * A domain's vCPUs are the cores of one package, an APIC id each: what HTT and
 * CMP_LEGACY promise.
 */
static void topology(const struct vcpu *v, uint32_t leaf, uint32_t r[4])
{
	uint32_t cores = max(v->domain->max_vcpus, 1U);
	uint32_t width = cores > 1 ? bit_last(cores - 1) + 1 : 0;

	switch (leaf) {
	case 1:
		r[1] |= v->id << 24 | min(1U << width, 255U) << 16;
		break;
	case 4:
		if (r[0] & 0x1f)
			r[0] |= min((1U << width) - 1, 63U) << 26;
		break;
	case 0x80000008:
		if (vendor_is_amd(&v->domain->arch.cpuid->leaf[0]))
			r[2] = width << 12 | min(cores - 1, 255U);
		break;
	default:
		break;
	}
}

/* Size of XSAVEC's area for the components in @xcr0. */
static uint32_t xsavec_size_for(const struct cpuid_policy *p, uint64_t xcr0)
{
	uint32_t size = 576;

	for (uint32_t i = 2; i < 63; i++) {
		const struct cpuid_leaf *l = xcr0 >> i & 1 ? find(p, 0xd, i) : NULL;

		if (l)
			size = (l->c & XSAVE_ALIGNED ? ROUND_UP(size, 64U) : size) + l->a;
	}
	return size;
}

/* Size of an XSAVE area for the components in @xcr0. */
static uint32_t xsave_size_for(const struct cpuid_policy *p, uint64_t xcr0)
{
	uint32_t size = 576;

	for (uint32_t i = 2; i < 63; i++) {
		const struct cpuid_leaf *l = xcr0 >> i & 1 ? find(p, 0xd, i) : NULL;

		if (l)
			size = max(size, l->a + l->b);
	}
	return size;
}

void pv_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
	const struct cpuid_policy *p = v->domain->arch.cpuid;
	const struct cpuid_leaf *l;

	r[0] = r[1] = r[2] = r[3] = 0;
	if (leaf >= 0x40000000 && leaf <= 0x400000ff) {
		hypervisor_leaf(v, leaf - 0x40000000, subleaf, r);
		return;
	}
	l = find(p, leaf, subleaf);
	if (!l)
		return;
	r[0] = l->a;
	r[1] = l->b;
	r[2] = l->c;
	r[3] = l->d;
	topology(v, leaf, r);
	if (leaf == 1 && (r[2] & B(26)) && (v->arch.cr4 & X86_CR4_OSXSAVE))
		r[2] |= L1_ECX_OSXSAVE;
	if (leaf == 0xd && subleaf == 0)
		r[1] = xsave_size_for(p, v->arch.xcr0);
	if (leaf == 0xd && subleaf == 1 && (r[0] & B(1)))
		r[1] = xsavec_size_for(p, v->arch.xcr0);
}
