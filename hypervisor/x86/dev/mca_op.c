/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The mca hypercall: the control domain's kernel asks for the CPUs and fetches
 * records of machine checks for its /dev/mcelog.
 *
 * All records are of corrected faults or were found late: "nonurgent". Urgent ones,
 * that a guest was told of and survived, don't exist here (arch/mca.h).
 */
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <public/arch-x86/xen-mca.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/hypercalls.h>
#include <arch/mca.h>
#include <arch/topology.h>

#define MC_STATUS_UNCORR (1UL << 61)

/* As /dev/mcelog's readers count vendors. */
enum { MCELOG_INTEL = 0, MCELOG_AMD = 2, MCELOG_OTHER = 0xff };

static uint32_t flags_of(const struct mca_record *r)
{
	return MC_FLAG_POLLED |
	       (r->status & MC_STATUS_UNCORR ? MC_FLAG_UNCORRECTABLE : MC_FLAG_CORRECTABLE);
}

static void make_info(struct mc_info *info, const struct mca_record *r)
{
	struct {
		struct mcinfo_global global;
		struct mcinfo_bank bank;
	} *entries = (void *)info->mi_data;

	_Static_assert(sizeof(*entries) <= sizeof(info->mi_data), "both fit");
	memset(info, 0, sizeof(*info));
	info->mi_nentries = 2;
	entries->global = (struct mcinfo_global){
		.common = {MC_TYPE_GLOBAL, sizeof(entries->global)},
		.mc_domid = r->domain,
		.mc_vcpuid = r->vcpu,
		.mc_socketid = topology_socket(r->cpu),
		.mc_coreid = (uint16_t)topology_core(r->cpu),
		.mc_apicid = apic_id_of(r->cpu),
		.mc_flags = flags_of(r),
		.mc_gstatus = r->mcg_status,
	};
	entries->bank = (struct mcinfo_bank){
		.common = {MC_TYPE_BANK, sizeof(entries->bank)},
		.mc_bank = (uint16_t)r->bank,
		.mc_domid = DOMID_INVALID,
		.mc_status = r->status,
		.mc_addr = r->addr,
		.mc_misc = r->misc,
		.mc_tsc = r->tsc,
	};
}

static int op_fetch(struct xen_mc_fetch *f)
{
	struct mca_record r;
	struct mc_info info;

	switch (f->flags) {
	case XEN_MC_URGENT:
	case XEN_MC_NONURGENT:
		if (f->flags == XEN_MC_URGENT || !mca_oldest(&r)) {
			f->flags = XEN_MC_NODATA;
			f->fetch_id = 0;
			return 0;
		}
		make_info(&info, &r);
		if (guest_copy_out(guest_handle_va(f->data), &info, sizeof(info)))
			return -EFAULT;
		f->flags = XEN_MC_OK;
		f->fetch_id = r.id;
		return 0;
	case XEN_MC_URGENT | XEN_MC_ACK:
	case XEN_MC_NONURGENT | XEN_MC_ACK:
		f->flags = mca_acknowledge(f->fetch_id) ? XEN_MC_OK : XEN_MC_NOMATCH;
		return 0;
	default:
		return (int)hv_err(-EINVAL, "mca: fetch with flags %#x", f->flags);
	}
}

static uint32_t vendor_number(const char *name)
{
	if (!memcmp(name, "GenuineIntel", 12))
		return MCELOG_INTEL;
	return memcmp(name, "AuthenticAMD", 12) ? MCELOG_OTHER : MCELOG_AMD;
}

/* Runs on the CPU in question. */
static void describe_this_cpu(void *data)
{
	struct mcinfo_logical_cpu *c = data;
	unsigned int cpu = smp_processor_id();
	struct cpuid_regs l0 = cpuid_count(0, 0), l1 = cpuid_count(1, 0);
	struct cpuid_regs e0 = cpuid_count(0x80000000, 0), e1 = cpuid_count(0x80000001, 0);
	struct cpu_version v = cpu_version_of(l1.a);

	memset(c, 0, sizeof(*c));
	c->mc_cpunr = cpu;
	c->mc_chipid = topology_socket(cpu);
	c->mc_coreid = (uint16_t)topology_core(cpu);
	c->mc_apicid = apic_id_of(cpu);
	c->mc_ncores = c->mc_ncores_active = topology_cores_per_socket();
	c->mc_nthreads = topology_threads_per_core();
	c->mc_cpuid_level = (int32_t)l0.a;
	c->mc_family = v.family;
	c->mc_model = v.model;
	c->mc_step = v.stepping;
	memcpy(c->mc_vendorid, &l0.b, 4);
	memcpy(c->mc_vendorid + 4, &l0.d, 4);
	memcpy(c->mc_vendorid + 8, &l0.c, 4);
	c->mc_vendor = vendor_number(c->mc_vendorid);
	for (uint32_t i = 0; e0.a >= 0x80000004 && i < 3; i++) {
		struct cpuid_regs r = cpuid_count(0x80000002 + i, 0);

		memcpy(c->mc_brandid + 16 * i, &r, sizeof(r));
	}
	c->mc_cpu_caps[MC_CAPS_STD_EDX] = l1.d;
	c->mc_cpu_caps[MC_CAPS_STD_ECX] = l1.c;
	c->mc_cpu_caps[MC_CAPS_AMD_EDX] = e1.d;
	c->mc_cpu_caps[MC_CAPS_AMD_ECX] = e1.c;
	c->mc_cache_size = e0.a >= 0x80000006 ? cpuid_count(0x80000006, 0).c >> 16 : 0;
	c->mc_cache_alignment = (l1.b >> 8 & 0xff) * 8;
	c->mc_nmsrvals = 1;
	c->mc_msrvalues[0].reg = MSR_MCG_CAP;
	if (rdmsr_safe(MSR_MCG_CAP, &c->mc_msrvalues[0].value))
		c->mc_nmsrvals = 0;
}

static int op_physcpuinfo(struct xen_mc_physcpuinfo *p)
{
	struct mcinfo_logical_cpu c;
	uint32_t n = 0;
	unsigned int cpu;

	_Static_assert(sizeof(struct cpuid_regs) == 16, "four words of text");
	if (!guest_handle_va(p->info)) {
		p->ncpus = cpumask_weight(cpu_online_map);
		return 0;
	}
	for_each_online_cpu (cpu) {
		if (n == p->ncpus)
			break;
		on_cpus(cpumask_of(cpu), describe_this_cpu, &c);
		if (guest_copy_out(guest_handle_va(p->info) + n * sizeof(c), &c, sizeof(c)))
			return -EFAULT;
		n++;
	}
	p->ncpus = n;
	return 0;
}

long do_mca(uint64_t arg)
{
	struct xen_mc op;
	int rc;

	if (guest_copy_in(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_MCA_INTERFACE_VERSION)
		return hv_err(-EACCES, "mca: interface version %#x, not %#x", op.interface_version,
			      XEN_MCA_INTERFACE_VERSION);
	switch (op.cmd) {
	case XEN_MC_fetch:
		rc = op_fetch(&op.u.mc_fetch);
		break;
	case XEN_MC_physcpuinfo:
		rc = op_physcpuinfo(&op.u.mc_physcpuinfo);
		break;
	default:
		return hypercall_no_subop(__HYPERVISOR_mca, op.cmd);
	}
	if (!rc && guest_copy_out(arg, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
