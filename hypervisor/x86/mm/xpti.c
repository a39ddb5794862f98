/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The roots that guests run on where page tables are isolated (arch/xpti.h). (X7)
 *
 * The copy of a guest's root is made anew when the vCPU's root has changed or when
 * somebody has written to a root of its domain (arch.l4_writes). An entry that was
 * taken away is gone from all copies before the table below it can be used otherwise:
 * the flush that this needs (F2) is an interrupt, and who comes back from that to the
 * guest looks at arch.l4_writes. (A machine check may come after that look, and answer a
 * request for a flush while it waits for a lock: it looks again.) Copies hold no
 * references: they refer to nothing that the real root doesn't, but for this moment.
 *
 * Each CPU's root and copy are its own; no lock.
 */
#include <hv/audit.h>
#include <hv/cmdline.h>
#include <hv/cpumask.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/percpu.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/page.h>
#include <arch/setup.h>
#include <arch/xpti.h>

bool xpti_active __ro_after_init;

/* -1: if the processor needs it */
static int8_t opt_dom0 __ro_after_init = -1, opt_domu __ro_after_init = -1;

/* What the copy in this CPU's root was made of; NULL: nothing that holds. */
static DEFINE_PER_CPU(const struct page_info *, copied);
static DEFINE_PER_CPU(unsigned long, copied_writes);
static DEFINE_PER_CPU(uint64_t *, root);
/* Pages that the root shows, for the audit. */
static DEFINE_PER_CPU(unsigned long, shown);

/* ---- the option ------------------------------------------------------------------------ */

static int __init parse_item(const struct cmdline_item *item)
{
	int8_t v = (int8_t)item->on;

	if (cmdline_item_is(item, "default"))
		opt_dom0 = opt_domu = -1;
	else if (v < 0)
		return -EINVAL;
	else if (!item->name)
		opt_dom0 = opt_domu = v;
	else if (cmdline_item_is(item, "dom0"))
		opt_dom0 = v;
	else if (cmdline_item_is(item, "domu"))
		opt_domu = v;
	else
		return -EINVAL;
	return 0;
}

static int __init parse_xpti(const char *value)
{
	int8_t dom0 = opt_dom0, domu = opt_domu;
	int rc = cmdline_list(value, parse_item);

	if (rc) {
		opt_dom0 = dom0;
		opt_domu = domu;
	}
	return rc;
}
CMDLINE_CUSTOM("xpti", parse_xpti, "what this processor needs");

bool __init xpti_choose(bool vulnerable)
{
	if (opt_dom0 < 0)
		opt_dom0 = vulnerable;
	if (opt_domu < 0)
		opt_domu = vulnerable;
	xpti_active = opt_dom0 || opt_domu;
	/* A global entry would survive the change of roots. */
	if (xpti_active)
		cr4_base &= ~X86_CR4_PGE;
	return xpti_active;
}

const char *__init xpti_description(void)
{
	if (!xpti_active)
		return "no domain";
	return !opt_domu ? "the control domain" : opt_dom0 ? "all domains" : "guests";
}

bool xpti_wanted(const struct domain *d)
{
	return xpti_active && (is_control_domain(d) ? opt_dom0 : opt_domu);
}

/* ---- roots ----------------------------------------------------------------------------- */

int __init xpti_init_cpu(struct cpu_info *ci, const struct xpti_part *parts, unsigned int nr,
			 unsigned long window)
{
	uint64_t *l4 = hyp_page_alloc();
	unsigned long pages = 0;

	if (!l4)
		return -ENOMEM;
	/* The table that the ABI gives guests to read. */
	l4[HV_L4_FIRST] = idle_l4[HV_L4_FIRST];
	for (unsigned int i = 0; i < nr; i++) {
		if (paging_show(l4, parts[i].va, parts[i].pages, parts[i].flags))
			return -ENOMEM;
		pages += parts[i].pages;
	}
	if (paging_share_l1(l4, window))
		return -ENOMEM;
	per_cpu(root, ci->cpu) = l4;
	per_cpu(shown, ci->cpu) = pages;
	ci->xpti_cr3 = virt_to_paddr(l4);
	return 0;
}

void xpti_new_root(void)
{
	this_cpu(copied) = NULL;
}

/*
 * Entry by entry: another vCPU may be writing one, and what is made of the bytes of two
 * is an entry that nobody has checked.
 */
static void copy_slots(uint64_t *to, const uint64_t *from, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i++)
		WRITE_ONCE(to[i], READ_ONCE(from[i]));
}

void xpti_sync(const struct vcpu *v)
{
	struct cpu_info *ci = cpu_info();
	const struct page_info *pg = v->arch.in_kernel ? v->arch.root : v->arch.user_root;
	unsigned long writes = __atomic_load_n(&v->domain->arch.l4_writes, __ATOMIC_ACQUIRE);
	uint64_t *to = this_cpu(root);
	const uint64_t *from;

	ci->xpti_exit_cr3 = v->domain->arch.xpti ? ci->xpti_cr3 : 0;
	if (!ci->xpti_exit_cr3 || !pg ||
	    (this_cpu(copied) == pg && this_cpu(copied_writes) == writes))
		return;
	from = page_to_virt(pg);
	copy_slots(to, from, 0, HV_L4_FIRST);
	copy_slots(to, from, HV_L4_LAST + 1, PTES_PER_TABLE);
	this_cpu(copied) = pg;
	this_cpu(copied_writes) = writes;
}

bool xpti_stale(const struct vcpu *v)
{
	return xpti_active && v->domain->arch.xpti &&
	       __atomic_load_n(&v->domain->arch.l4_writes, __ATOMIC_ACQUIRE) !=
		       this_cpu(copied_writes);
}

/* ---- audit: each root shows what it was made of, and nothing else ---------------------- */

/* Pages below @table at @level, from @va on, each compared with our own tables. */
static unsigned long count_pages(const uint64_t *table, unsigned int level, unsigned long va,
				 unsigned long window)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < PTES_PER_TABLE; i++, va += 1UL << (12 + 9 * (level - 1))) {
		uint64_t own;

		if (!(table[i] & PTE_P) || (level == 2 && va == window))
			continue;
		if (level > 1) {
			pages += count_pages(mfn_to_virt(pte_mfn(table[i])), level - 1, va, window);
			continue;
		}
		pages++;
		own = *paging_l1_of(va);
		if (!mfn_eq(pte_mfn(own), pte_mfn(table[i])) || (~own & table[i] & PTE_RW) ||
		    (table[i] & PTE_US))
			audit_differs("a guest's root has %#lx at %#lx, our own %#lx", table[i], va,
				      own);
	}
	return pages;
}

void xpti_audit(void)
{
	unsigned int cpu;

	if (!xpti_active)
		return;
	for_each_cpu (cpu, cpu_online_map) {
		const uint64_t *l4 = per_cpu(root, cpu);
		unsigned long pages = 0;

		for (unsigned long i = HV_L4_FIRST + 1; i <= HV_L4_LAST; i++) {
			if (l4[i] & PTE_P)
				pages += count_pages(mfn_to_virt(pte_mfn(l4[i])), 3,
						     HYPERVISOR_START +
							     ((i - HV_L4_FIRST) << L4_SHIFT),
						     GDT_WIN((unsigned long)cpu));
		}
		if (pages != per_cpu(shown, cpu))
			audit_differs("CPU %u shows guests %lu pages of ours, not %lu", cpu, pages,
				      per_cpu(shown, cpu));
	}
}
