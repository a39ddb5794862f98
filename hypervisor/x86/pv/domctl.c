/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * domctl: what is particular to x86: CPU policy, extended state of vCPUs, the
 * TSC, rights to devices. See hypercall/domctl.h.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/rangeset.h>
#include <hv/time.h>
#include <arch/cpuid.h>
#include <arch/features.h>
#include <arch/pv.h>
#include <arch/traps.h>

#include "../../hypercall/domctl.h"

#define TSC_MODE_MAX 2

void arch_domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	info->gpaddr_bits = (uint8_t)cpu_paddr_bits;
}

/* ---- width, trigger ---------------------------------------------------------------- */

int domctl_set_address_size(struct domain *d, struct xen_domctl *op)
{
	if (op->u.address_size.size != 64)
		return (int)hv_err(-EINVAL, "a domain of %u bits", op->u.address_size.size);
	return 0;
}

int domctl_get_address_size(struct domain *d, struct xen_domctl *op)
{
	op->u.address_size.size = 64;
	return 0;
}

int domctl_sendtrigger(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_sendtrigger *t = &op->u.sendtrigger;
	struct vcpu *v = domain_vcpu(d, t->vcpu);

	if (t->vcpu >= d->max_vcpus)
		return -EINVAL;
	if (!v)
		return -ESRCH;
	if (t->trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
		return (int)hv_err(-ENOSYS, "trigger %u of a PV domain", t->trigger);
	if (!v->arch.traps[TRAP_NMI].address)
		return 0;
	v->arch.nmi_pending = true;
	vcpu_kick(v);
	return 0;
}

/* ---- TSC ---------------------------------------------------------------------------- */

int domctl_settscinfo(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_tsc_info *t = &op->u.tsc_info;

	if (d == current->domain)
		return -EINVAL;
	if (t->tsc_mode > TSC_MODE_MAX)
		return (int)hv_err(-EINVAL, "TSC mode %u", t->tsc_mode);
	domain_pause(d);
	d->arch.tsc_mode = t->tsc_mode;
	d->arch.tsc_incarnation = t->incarnation;
	d->arch.tsc_origin = time_now() - (s_time_t)t->elapsed_nsec;
	domain_unpause(d);
	return 0;
}

int domctl_gettscinfo(struct domain *d, struct xen_domctl *op)
{
	op->u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = d->arch.tsc_mode,
		.gtsc_khz = (uint32_t)time_tsc_khz,
		.incarnation = d->arch.tsc_incarnation,
		.elapsed_nsec = (uint64_t)(time_now() - d->arch.tsc_origin),
	};
	return 0;
}

/* ---- rights to devices: nobody passes on what he doesn't have ------------------------- */

int domctl_irq_permission(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_irq_permission *p = &op->u.irq_permission;

	if (!irq_access_ok(current->domain, p->pirq))
		return -EPERM;
	return irq_permit(d, p->pirq, p->allow_access);
}

int domctl_iomem_permission(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;
	uint64_t last;

	if (!p->nr_mfns || __builtin_add_overflow(p->first_mfn, p->nr_mfns - 1, &last))
		return -EINVAL;
	if (!rangeset_contains(current->domain->arch.iomem, p->first_mfn, last))
		return -EPERM;
	return iomem_permit(d, _mfn(p->first_mfn), p->nr_mfns, p->allow_access);
}

int domctl_ioport_permission(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;
	uint32_t last;

	if (!p->nr_ports || __builtin_add_overflow(p->first_port, p->nr_ports - 1, &last))
		return -EINVAL;
	if (!rangeset_contains(current->domain->arch.ioports, p->first_port, last))
		return -EPERM;
	return ioport_permit(d, p->first_port, p->nr_ports, p->allow_access);
}

/* ---- further state of vCPUs ------------------------------------------------------------ */

int domctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
	uint32_t id = e->vcpu;

	if (!domain_vcpu(d, id))
		return -ESRCH;
	memset(e, 0, sizeof(*e));
	e->vcpu = id;
	e->size = sizeof(*e);
	return 0;
}

int domctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;

	if (!domain_vcpu(d, e->vcpu))
		return -ESRCH;
	if (d == current->domain || e->size < offsetof(struct xen_domctl_ext_vcpucontext, vmce))
		return -EINVAL;
	return 0;
}

int domctl_get_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;

	if (d == current->domain || !domain_vcpu(d, m->vcpu))
		return -EINVAL;
	m->msr_count = 0;
	return 0;
}

int domctl_set_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;

	if (d == current->domain || !domain_vcpu(d, m->vcpu))
		return -EINVAL;
	if (!m->msr_count)
		return 0;
	/* How far it came. */
	m->msr_count = 0;
	return -EINVAL;
}

static int get_xstate(struct vcpu *v, struct xen_domctl_vcpuextstate *x)
{
	size_t size = xstate_blob_size();
	void *blob;
	int rc;

	if (guest_handle_is_null(x->buffer) || !size) {
		x->xfeature_mask = size ? xcr0_host : 0;
		x->size = size;
		return 0;
	}
	if (x->size != size || x->xfeature_mask != xcr0_host)
		return (int)hv_err(-EINVAL, "%lu bytes of state %#lx asked for", x->size,
				   x->xfeature_mask);
	blob = hv_zalloc(size);
	if (!blob)
		return -ENOMEM;
	vcpu_pause(v);
	xstate_export(v, blob);
	vcpu_unpause(v);
	rc = guest_copy_out(guest_handle_va(x->buffer), blob, size) ? -EFAULT : 0;
	hv_free(blob);
	return rc;
}

int domctl_getvcpuextstate(struct domain *d, struct xen_domctl *op)
{
	struct vcpu *v = domain_vcpu(d, op->u.vcpuextstate.vcpu);

	if (!v)
		return -ESRCH;
	if (v == current)
		return -EINVAL;
	return get_xstate(v, &op->u.vcpuextstate);
}

int domctl_setvcpuextstate(struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_vcpuextstate *x = &op->u.vcpuextstate;
	struct vcpu *v = domain_vcpu(d, x->vcpu);
	void *blob;
	int rc;

	if (!v)
		return -ESRCH;
	if (d == current->domain || !x->size || x->size > xstate_blob_size())
		return (int)hv_err(-EINVAL, "%lu bytes of extended state", x->size);
	blob = hv_zalloc(xstate_blob_size());
	if (!blob)
		return -ENOMEM;
	rc = guest_copy_in(blob, guest_handle_va(x->buffer), x->size) ? -EFAULT : 0;
	if (!rc) {
		vcpu_pause(v);
		rc = xstate_import(v, blob, x->size);
		vcpu_unpause(v);
	}
	hv_free(blob);
	return rc;
}
