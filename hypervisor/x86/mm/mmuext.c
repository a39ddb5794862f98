/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * mmuext_op: pins, page-table roots, TLB flushes, and what else a guest can't do
 * to its memory by itself. Also how a table that is dropped is taken apart in
 * slices (pt_defer_put).
 *
 * Locks: pt_lock of the domain whose tables are concerned.
 */
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>

#define COUNT_CONTINUED (1U << 31)

/* ---- deferred release ------------------------------------------------------- */

bool pt_can_defer(const struct vcpu *v)
{
	return !v->arch.old_root;
}

void pt_defer_put(struct vcpu *v, struct page_info *pg)
{
	ASSERT(pt_can_defer(v));
	v->arch.old_root = pg;
}

int pt_drop_deferred(struct vcpu *v)
{
	struct page_info *pg = v->arch.old_root;
	struct domain *d;
	int rc;

	if (!pg)
		return 0;
	d = page_get_owner(pg);
	spin_lock(&d->pt_lock);
	rc = page_type_put(pg);
	spin_unlock(&d->pt_lock);
	if (!rc) {
		v->arch.old_root = NULL;
		page_put(pg);
	}
	return rc;
}

/* ---- vCPU masks --------------------------------------------------------------- */

int vcpumask_to_cpus(struct domain *d, uint64_t handle, struct cpumask *ret_mask)
{
	unsigned int bytes = (d->max_vcpus + 7) / 8;
	uint8_t bits[MAX_VCPUS / 8] = {0};
	struct vcpu *v;

	if (guest_copy_in(bits, handle, bytes))
		return -EFAULT;
	*ret_mask = CPUMASK_NONE;
	for_each_vcpu (d, v) {
		unsigned int cpu = READ_ONCE(v->arch.loaded_cpu);

		if ((bits[v->id / 8] >> (v->id % 8) & 1) && cpu != NO_CPU)
			ret_mask->bits |= 1UL << cpu;
	}
	return 0;
}

/* ---- operations ------------------------------------------------------------------ */

static int pin_table(struct domain *d, mfn_t mfn, unsigned int level)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc;

	if (!mfn_valid(mfn))
		return -EINVAL;
	spin_lock(&d->pt_lock);
	if (!pt_can_defer(current))
		rc = -ERESTART;
	else if (READ_ONCE(d->dying) != DOMDYING_alive)
		rc = -EINVAL; /* its pins are taken out just now, once */
	else
		rc = page_get_and_type(pg, d, level);
	if (!rc && !page_type_set_pinned(pg, true)) {
		pt_defer_put(current, pg);
		rc = (int)hv_err(-EINVAL, "frame %#lx is pinned already", mfn_x(mfn));
	}
	spin_unlock(&d->pt_lock);
	return rc;
}

static int unpin_table(struct domain *d, mfn_t mfn)
{
	struct page_info *pg = mfn_to_page(mfn);
	int rc = 0;

	if (!mfn_valid(mfn) || !page_get(pg, d))
		return -EINVAL;
	spin_lock(&d->pt_lock);
	if (!pt_can_defer(current))
		rc = -ERESTART;
	else if (!page_type_set_pinned(pg, false))
		rc = (int)hv_err(-EINVAL, "frame %#lx is not pinned", mfn_x(mfn));
	else
		pt_defer_put(current, pg);
	spin_unlock(&d->pt_lock);
	page_put(pg);
	return rc;
}

static int new_root(struct vcpu *v, mfn_t mfn, struct page_info **slot)
{
	struct domain *d = v->domain;
	struct page_info *pg = NULL, *old = *slot;
	int rc = 0;

	if (!pt_can_defer(v))
		return -ERESTART;
	if (mfn_x(mfn)) {
		pg = mfn_to_page(mfn);
		if (!mfn_valid(mfn))
			return -EINVAL;
		if (pg == old)
			return 0;
		spin_lock(&d->pt_lock);
		rc = page_get_and_type(pg, d, PGT_l4);
		spin_unlock(&d->pt_lock);
	}
	if (rc)
		return rc;
	*slot = pg;
	if (slot == &v->arch.root)
		pv_load_root(v);
	if (old)
		pt_defer_put(v, old);
	return 0;
}

static int new_baseptr(struct vcpu *v, mfn_t mfn)
{
	if (!mfn_x(mfn))
		return -EINVAL;
	return new_root(v, mfn, &v->arch.root);
}

static int flush_multi(struct domain *d, const struct mmuext_op *op)
{
	struct cpumask mask;

	if (vcpumask_to_cpus(d, guest_handle_va(op->arg2.vcpumask), &mask))
		return -EFAULT;
	if (op->cmd == MMUEXT_TLB_FLUSH_MULTI)
		tlb_flush_mask(&mask);
	else
		tlb_flush_mask_one(&mask, op->arg1.linear_addr);
	return 0;
}

static int clear_or_copy(struct domain *d, const struct mmuext_op *op)
{
	mfn_t dst = _mfn(op->arg1.mfn), src = _mfn(op->arg2.src_mfn);
	bool copy = op->cmd == MMUEXT_COPY_PAGE;
	int rc;

	if (copy && (!mfn_valid(src) || !page_get(mfn_to_page(src), d)))
		return -EINVAL;
	rc = mfn_valid(dst) ? page_get_and_type(mfn_to_page(dst), d, PGT_writable) : -EINVAL;
	if (!rc) {
		if (copy)
			copy_page(mfn_to_virt(dst), mfn_to_virt(src));
		else
			clear_page(mfn_to_virt(dst));
		page_put_and_type_simple(mfn_to_page(dst));
	}
	if (copy)
		page_put(mfn_to_page(src));
	return rc;
}

static int flush_cache(struct domain *d)
{
	if (!d->is_hardware)
		return (int)hv_err(-EACCES, "only a domain with devices flushes caches");
	cpu_flush_caches();
	return 0;
}

/* Operations on the current vCPU or domain only. */
static int own_op(struct vcpu *v, const struct mmuext_op *op)
{
	struct domain *d = v->domain;

	switch (op->cmd) {
	case MMUEXT_NEW_BASEPTR:
		return new_baseptr(v, _mfn(op->arg1.mfn));
	case MMUEXT_NEW_USER_BASEPTR:
		return new_root(v, _mfn(op->arg1.mfn), &v->arch.user_root);
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		if (is_canonical(op->arg1.linear_addr))
			tlb_flush_local_one(op->arg1.linear_addr);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		return flush_multi(d, op);
	case MMUEXT_TLB_FLUSH_ALL:
		tlb_flush_mask(&d->dirty_cpus);
		return 0;
	case MMUEXT_INVLPG_ALL:
		tlb_flush_mask_one(&d->dirty_cpus, op->arg1.linear_addr);
		return 0;
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return flush_cache(d);
	case MMUEXT_SET_LDT:
		return pv_set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
	default:
		return -ENOSYS;
	}
}

static int one_op(struct vcpu *v, struct domain *d, const struct mmuext_op *op)
{
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return pin_table(d, _mfn(op->arg1.mfn), op->cmd - MMUEXT_PIN_L1_TABLE + 1);
	case MMUEXT_UNPIN_TABLE:
		return unpin_table(d, _mfn(op->arg1.mfn));
	case MMUEXT_CLEAR_PAGE:
	case MMUEXT_COPY_PAGE:
		return clear_or_copy(d, op);
	case MMUEXT_MARK_SUPER:
	case MMUEXT_UNMARK_SUPER:
		return -EOPNOTSUPP;
	default:
		if (d != v->domain)
			return -EPERM;
		return own_op(v, op);
	}
}

long do_mmuext_op(uint64_t ops, unsigned int count, uint64_t done_handle, unsigned int foreigndom)
{
	bool continued = count & COUNT_CONTINUED;
	struct vcpu *v = current;
	struct domain *d;
	uint32_t before = 0, i;
	long rc;

	count &= ~COUNT_CONTINUED;
	if (continued && done_handle && guest_copy_in(&before, done_handle, sizeof(before)))
		return -EFAULT;
	rc = domain_get_foreign((domid_t)foreigndom, &d);
	if (rc)
		return rc;
	for (i = 0; i < count; i++) {
		struct mmuext_op op;

		if (i && hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
		if (guest_copy_in(&op, ops + i * sizeof(op), sizeof(op))) {
			rc = -EFAULT;
			break;
		}
		rc = one_op(v, d, &op);
		if (rc)
			break;
		/* What was dropped is free for the next operation. */
		rc = pt_drop_deferred(v);
		if (rc) {
			i++;
			break;
		}
	}
	domain_put(d);
	if (rc == -ERESTART) {
		unsigned long args[] = {ops + i * sizeof(struct mmuext_op),
					(count - i) | COUNT_CONTINUED, done_handle, foreigndom};

		rc = report_done(done_handle, before, i, 0);
		return rc ? rc : hypercall_continue(__HYPERVISOR_mmuext_op, 4, args);
	}
	return report_done(done_handle, before, i, rc);
}
