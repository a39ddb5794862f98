/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Changes of single page-table entries: mmu_update, update_va_mapping, and the
 * primitive that they, grants and the emulation of direct writes share.
 *
 * Locks: the pt_lock of the domain that owns the tables.
 */
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/cpu.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>

/* In the count of a continued call: *done holds what earlier goes have done. */
#define COUNT_CONTINUED (1U << 31)

/* Bits that change nothing about what an entry holds or may do. */
#define HARMLESS (PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HIGH)

struct page_info *pt_page_of(const uint64_t *ptr)
{
	return virt_to_page(ptr);
}

uint64_t *pt_find_l1e(const struct page_info *root, unsigned long va)
{
	uint64_t *t = page_to_virt(root);

	for (unsigned int level = 4; level > 1; level--) {
		uint64_t e = READ_ONCE(t[pt_index(va, level)]);

		if (!(e & PTE_P))
			return NULL;
		t = mfn_to_virt(pte_mfn(e));
	}
	return &t[pt_index(va, 1)];
}

/* Replaces an entry that hardware may be setting A and D bits in. Returns the old one. */
static bool exchange_pte(uint64_t *ptr, uint64_t *val, bool preserve_ad, const uint64_t *expect)
{
	uint64_t old = READ_ONCE(*ptr), new;

	do {
		if (expect && old != *expect)
			return false;
		new = preserve_ad ? *val | (old & (PTE_A | PTE_D)) : *val;
	} while (!__atomic_compare_exchange_n(ptr, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	*val = old;
	return true;
}

int pt_write_l1e(struct domain *d, struct domain *owner, uint64_t *ptr, uint64_t val,
		 bool preserve_ad, const uint64_t *expect)
{
	uint64_t old = READ_ONCE(*ptr), swapped = pt_adjust(1, val);
	int rc;

	ASSERT(spin_is_held(&page_get_owner(pt_page_of(ptr))->pt_lock));
	/* The same frame with the same rights: nothing to count. */
	if ((old & PTE_P) && !((old ^ swapped) & ~HARMLESS))
		return exchange_pte(ptr, &swapped, preserve_ad, expect) ? 0 : -EAGAIN;
	rc = pt_l1e_get(d, owner, swapped);
	if (rc)
		return rc;
	if (!exchange_pte(ptr, &swapped, preserve_ad, expect)) {
		pt_l1e_put(pt_adjust(1, val));
		return -EAGAIN;
	}
	pt_l1e_put(swapped);
	return 0;
}

static int write_table_entry(struct domain *d, unsigned int level, uint64_t *ptr, uint64_t val,
			     bool preserve_ad)
{
	unsigned int idx = ((unsigned long)ptr & (PAGE_SIZE - 1)) / sizeof(*ptr);
	int rc;

	if (!pt_slot_is_guest(level, idx)) /* (R5) */
		return (int)hv_err(-EINVAL, "L4 slot %u is the hypervisor's", idx);
	if (!pt_can_defer(current))
		return -ERESTART;
	val = pt_adjust(level, val);
	rc = pt_table_entry_get(d, level, val);
	if (rc)
		return rc;
	exchange_pte(ptr, &val, preserve_ad, NULL);
	/* After the entry, before whoever holds what it held. */
	if (level == 4)
		__atomic_fetch_add(&d->arch.l4_writes, 1, __ATOMIC_SEQ_CST);
	if (val & PTE_P)
		pt_defer_put(current, mfn_to_page(pte_mfn(val)));
	return 0;
}

/* A frame that isn't a page table (now): plain data. */
static int write_plain(struct page_info *pg, uint64_t *ptr, uint64_t val)
{
	int rc = page_type_drop_partial(pg);

	rc = rc ? rc : page_type_get(pg, PGT_writable);
	if (rc)
		return rc;
	WRITE_ONCE(*ptr, val);
	page_type_put_simple(pg);
	return 0;
}

static int update_entry(struct domain *pt_dom, struct domain *owner, uint64_t addr, uint64_t val,
			bool preserve_ad)
{
	mfn_t mfn = _mfn(PFN_DOWN(addr));
	struct page_info *pg = mfn_to_page(mfn);
	uint64_t *ptr;
	int rc;

	if (!mfn_valid(mfn) || !page_get(pg, pt_dom))
		return (int)hv_err(-EINVAL, "table frame %#lx is not d%u's", mfn_x(mfn),
				   pt_dom->id);
	ptr = (uint64_t *)((char *)mfn_to_virt(mfn) + (addr & (PAGE_SIZE - 1) & ~7UL));
	spin_lock(&pt_dom->pt_lock);
	if (page_type_count(pg) && page_type_is_table(page_type(pg))) {
		unsigned int level = page_type(pg);

		if (pg->aux != PTES_PER_TABLE)
			rc = -EBUSY; /* its release is under way */
		else if (level == 1)
			rc = pt_write_l1e(pt_dom, owner, ptr, val, preserve_ad, NULL);
		else if (owner != pt_dom)
			rc = -EPERM;
		else
			rc = write_table_entry(pt_dom, level, ptr, val, preserve_ad);
	} else {
		rc = write_plain(pg, ptr, val);
	}
	spin_unlock(&pt_dom->pt_lock);
	page_put(pg);
	return rc;
}

static int update_m2p(struct domain *d, uint64_t addr, uint64_t val)
{
	mfn_t mfn = _mfn(PFN_DOWN(addr));

	if (!mfn_valid(mfn) || !page_get(mfn_to_page(mfn), d))
		return (int)hv_err(-EINVAL, "M2P of frame %#lx is not d%u's", mfn_x(mfn), d->id);
	m2p_set(mfn, val);
	page_put(mfn_to_page(mfn));
	return 0;
}

static int one_request(struct domain *pt_dom, struct domain *owner, const struct mmu_update *r)
{
	uint64_t addr = r->ptr & ~3UL;

	switch (r->ptr & 3) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return update_entry(pt_dom, owner, addr, r->val, false);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return update_entry(pt_dom, owner, addr, r->val, true);
	case MMU_MACHPHYS_UPDATE:
	default:
		return update_m2p(owner, addr, r->val);
	}
}

/* foreigndom: frames' owner in the low half, tables' owner + 1 in the high one. */
static int find_domains(uint32_t arg, struct domain **pt_dom, struct domain **owner)
{
	domid_t fd = (domid_t)arg, td = (domid_t)(arg >> 16);
	int rc = domain_get_foreign(fd, owner);

	if (rc)
		return rc;
	rc = domain_get_foreign(td ? (domid_t)(td - 1) : DOMID_SELF, pt_dom);
	if (rc)
		domain_put(*owner);
	return rc;
}

/*
 * Tells how many requests were done, on top of earlier goes. Its own failure is
 * the caller's only if there is no worse one.
 */
long report_done(uint64_t handle, uint32_t before, uint32_t done, long rc)
{
	before += done;
	if (handle && guest_copy_out(handle, &before, sizeof(before)) && !rc)
		rc = -EFAULT;
	return rc;
}

long do_mmu_update(uint64_t reqs, unsigned int count, uint64_t done_handle, unsigned int foreigndom)
{
	bool continued = count & COUNT_CONTINUED;
	uint32_t before = 0, i;
	struct domain *pt_dom, *owner;
	long rc;

	count &= ~COUNT_CONTINUED;
	if (continued && done_handle && guest_copy_in(&before, done_handle, sizeof(before)))
		return -EFAULT;
	rc = find_domains(foreigndom, &pt_dom, &owner);
	if (rc)
		return rc;
	for (i = 0; i < count; i++) {
		struct mmu_update r;

		if (i && hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
		if (guest_copy_in(&r, reqs + i * sizeof(r), sizeof(r))) {
			rc = -EFAULT;
			break;
		}
		rc = one_request(pt_dom, owner, &r);
		if (rc)
			break;
		/* What was dropped is free for the next request. */
		rc = pt_drop_deferred(current);
		if (rc) {
			i++;
			break;
		}
	}
	domain_put(owner);
	domain_put(pt_dom);
	if (rc == -ERESTART) {
		unsigned long args[] = {reqs + i * sizeof(struct mmu_update),
					(count - i) | COUNT_CONTINUED, done_handle, foreigndom};

		rc = report_done(done_handle, before, i, 0);
		return rc ? rc : hypercall_continue(__HYPERVISOR_mmu_update, 4, args);
	}
	return report_done(done_handle, before, i, rc);
}

static int flush_after_update(unsigned long va, unsigned long flags)
{
	struct cpumask mask = cpumask_of(smp_processor_id());
	unsigned long where = flags & ~UVMF_FLUSHTYPE_MASK;

	if (!(flags & UVMF_FLUSHTYPE_MASK))
		return 0;
	if (where == UVMF_ALL)
		mask = current->domain->dirty_cpus;
	else if (where != UVMF_LOCAL && vcpumask_to_cpus(current->domain, where, &mask))
		return -EFAULT;
	switch (flags & UVMF_FLUSHTYPE_MASK) {
	case UVMF_TLB_FLUSH:
		tlb_flush_mask(&mask);
		return 0;
	case UVMF_INVLPG:
		tlb_flush_mask_one(&mask, va);
		return 0;
	default:
		return -EINVAL;
	}
}

static long update_va(unsigned long va, uint64_t val, unsigned long flags, struct domain *owner)
{
	struct vcpu *v = current;
	struct domain *d = v->domain;
	uint64_t *ptr;
	int rc;

	if (!is_canonical(va) || in_hypervisor_range(va))
		return -EINVAL;
	spin_lock(&d->pt_lock);
	ptr = pt_find_l1e(v->arch.root, va);
	rc = ptr ? pt_write_l1e(d, owner, ptr, val, false, NULL)
		 : (int)hv_err(-EINVAL, "no page table maps %#lx", va);
	spin_unlock(&d->pt_lock);
	return rc ? rc : flush_after_update(va, flags);
}

long do_update_va_mapping(unsigned long va, uint64_t val, unsigned long flags)
{
	unsigned long again[] = {va, val, flags};
	long rc = update_va(va, val, flags, current->domain);

	return rc == -ERESTART ? hypercall_continue(__HYPERVISOR_update_va_mapping, 3, again) : rc;
}

long do_update_va_mapping_otherdomain(unsigned long va, uint64_t val, unsigned long flags,
				      domid_t domid)
{
	unsigned long again[] = {va, val, flags, domid};
	struct domain *owner;
	long rc = domain_get_foreign(domid, &owner);

	if (rc)
		return rc;
	rc = update_va(va, val, flags, owner);
	domain_put(owner);
	return rc == -ERESTART
		       ? hypercall_continue(__HYPERVISOR_update_va_mapping_otherdomain, 4, again)
		       : rc;
}
