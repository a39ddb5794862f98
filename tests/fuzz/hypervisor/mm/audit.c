/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Who holds a frame, by the rules of hv/page_type.h and hv/mm.h, and nothing else:
 *
 *   the owner                     a reference              PGC_allocated
 *   the hypervisor, a lent page   a reference and a type   PGC_hyp
 *   a table's checked L1 entry    a reference; PGT_writable if it is writable
 *   a table's checked L2-4 entry  a reference and the type one level down
 *   a pin                         a reference and a type
 *   a table without holders that is checked in part    a reference on itself
 *   a vCPU's roots, the table that it is about to drop,
 *   its GDT and LDT               a reference and a type
 *   a device mapping of a grant   a reference; PGT_writable if not read-only
 *
 * The rest is what isolation means: complete tables have complete tables below
 * them, no entry breaks the rules of its level, nobody maps what is neither his
 * nor granted to him, no TLB knows a table as writable or a frame as somebody's
 * who has it no more.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>
#include <arch/traps.h>
#include "hypervisor/grant/internal.h"

#include "audit.h"

struct expected {
	uint32_t refs, types;
	unsigned int type;
	/* Entries of foreign domains' tables less what was granted, by domain */
	int16_t foreign_read[AUDIT_DOMAINS], foreign_write[AUDIT_DOMAINS];
};

static struct expected expected[HT_FRAMES];
static struct domain *const *domains;

static struct expected *hold(mfn_t mfn, unsigned int type, const char *who)
{
	struct expected *e = &expected[mfn_x(mfn)];

	if (!mfn_valid(mfn))
		panic("%s holds frame %#lx", who, mfn_x(mfn));
	e->refs++;
	if (type == PGT_none)
		return e;
	if (e->types && e->type != type)
		panic("frame %#lx is held as %s and, by %s, as %s", mfn_x(mfn),
		      page_type_name(e->type), who, page_type_name(type));
	e->type = type;
	e->types++;
	return e;
}

static void check_l1_entry(unsigned int owner, uint64_t pte)
{
	struct expected *e;

	if (owner && pte & (PTE_PWT | PTE_PCD | PTE_PAT))
		panic("L1 entry %#lx of d%u has memory uncached", pte, owner);
	if ((pte & PTE_G) || !(pte & PTE_US))
		panic("L1 entry %#lx of d%u is global or the kernel's", pte, owner);
	if (!mfn_valid(pte_mfn(pte))) {
		if (owner || !iomem_access_ok(hardware_domain, pte_mfn(pte)) ||
		    ((pte & PTE_RW) && iomem_read_only(pte_mfn(pte))))
			panic("L1 entry %#lx of d%u maps no RAM", pte, owner);
		return;
	}
	e = hold(pte_mfn(pte), pte & PTE_RW ? PGT_writable : PGT_none, "an L1 entry");
	if (page_owner_id(mfn_to_page(pte_mfn(pte))) != owner) {
		if (pte & PTE_RW)
			e->foreign_write[owner]++;
		else
			e->foreign_read[owner]++;
	}
}

static void check_table_entry(unsigned int owner, unsigned int level, uint64_t pte, bool partial)
{
	const struct page_info *pg = mfn_to_page(pte_mfn(pte));

	if ((pte & (PTE_PSE | PTE_G)) || !(pte & PTE_US) || (pte & PTE_ADDR_MASK) >> 46)
		panic("L%u entry %#lx of d%u", level, pte, owner);
	hold(pte_mfn(pte), level - 1, "a table entry");
	if (page_owner_id(pg) != owner)
		panic("L%u entry %#lx of d%u is d%u's frame", level, pte, owner, page_owner_id(pg));
	if (!partial && pg->aux != PTES_PER_TABLE)
		panic("L%u entry %#lx: the table is checked up to %u only", level, pte, pg->aux);
}

static void check_l4_is_complete(mfn_t mfn, const uint64_t *t)
{
	for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++) {
		if (t[i] != idle_l4[i])
			panic("L4 %#lx lacks the hypervisor's slot %u", mfn_x(mfn), i);
	}
}

/* What a table holds: its entries below aux, and the one that it is letting go of. */
static void check_table(mfn_t mfn, unsigned int level)
{
	const struct page_info *pg = mfn_to_page(mfn);
	const uint64_t *t = mfn_to_virt(mfn);
	unsigned int whole = page_table_checked(pg);

	if (level == 4 && pg->aux == PTES_PER_TABLE)
		check_l4_is_complete(mfn, t);
	for (unsigned int i = 0; i < whole + page_table_releasing(pg); i++) {
		if (!(t[i] & PTE_P) || (level == 4 && i >= HV_L4_FIRST && i <= HV_L4_LAST))
			continue;
		if (level == 1)
			check_l1_entry(page_owner_id(pg), t[i]);
		else
			check_table_entry(page_owner_id(pg), level, t[i], i == whole);
	}
}

/*
 * A page of the hypervisor's keeps its type for good. The reference goes when the
 * domain dies; who maps the page then, keeps it.
 */
static void hold_lent(mfn_t mfn)
{
	const struct page_info *pg = mfn_to_page(mfn);
	const struct domain *d = domains[pg->owner];

	hold(mfn, page_type(pg) == PGT_locked ? PGT_locked : PGT_writable, "the hypervisor");
	if (!d || (d->grant_table->dead && mfn_to_virt(mfn) != d->shared_info))
		expected[mfn_x(mfn)].refs--;
}

static void check_frame(mfn_t mfn)
{
	const struct page_info *pg = mfn_to_page(mfn);
	unsigned int type = page_type(pg);

	if (pg->type & PGT_busy)
		panic("frame %#lx is busy", mfn_x(mfn));
	if (pg->count & PGC_allocated)
		hold(mfn, PGT_none, "the owner");
	if (pg->count & PGC_hyp)
		hold_lent(mfn);
	if (pg->type & PGT_pinned)
		hold(mfn, type, "a pin");
	if (page_type_is_table(type)) {
		if (!page_type_count(pg) && pg->aux)
			hold(mfn, PGT_none, "itself");
		check_table(mfn, type);
	} else if (pg->aux) {
		panic("frame %#lx is %s, checked up to %u", mfn_x(mfn), page_type_name(type),
		      pg->aux);
	}
}

/* Nothing but code and data of ring 3 can be loaded out of a descriptor table. */
static void check_descriptors(mfn_t mfn)
{
	const uint64_t *desc = mfn_to_virt(mfn);

	for (unsigned int i = 0; i < 512; i++) {
		uint64_t v = desc[i];

		if (!(v >> 47 & 1)) /* not present */
			continue;
		if (!(v >> 44 & 1) || (v >> 45 & 3) != 3 ||
		    (v >> 43 & 1 && (v >> 42 & 1 || (v >> 53 & 3) == 3)))
			panic("frame %#lx is a descriptor table with %#lx in it", mfn_x(mfn), v);
	}
}

static void hold_page(const struct page_info *pg, unsigned int type, const char *who)
{
	if (pg)
		hold(page_to_mfn(pg), type, who);
}

static void check_windows(const struct vcpu *v)
{
	const uint64_t *w = desc_gdt_ptes(v->arch.loaded_cpu);

	for (unsigned int i = 0; i < 14; i++) {
		if (mfn_x(v->arch.gdt_frames[i]) && !mfn_eq(pte_mfn(w[i]), v->arch.gdt_frames[i]))
			panic("GDT frame %u is %#lx, the window shows %#lx", i,
			      mfn_x(v->arch.gdt_frames[i]), w[i]);
	}
	for (unsigned int i = 0; i < 16; i++) {
		const struct page_info *pg = v->arch.ldt_pages[i];

		if (pg ? !mfn_eq(pte_mfn(w[16 + i]), page_to_mfn(pg)) : w[16 + i] != 0)
			panic("LDT page %u: the window shows %#lx", i, w[16 + i]);
	}
}

static void check_vcpu(const struct vcpu *v)
{
	/* One that can't run may be on its way to lose it. */
	if (v->domain->dying == DOMDYING_alive && v->initialised &&
	    v->arch.root->aux != PTES_PER_TABLE)
		panic("the root of d%uv%u is checked up to %u", v->domain->id, v->id,
		      v->arch.root->aux);
	hold_page(v->arch.root, PGT_l4, "a root");
	hold_page(v->arch.user_root, PGT_l4, "a user root");
	if (v->arch.old_root)
		hold_page(v->arch.old_root, page_type(v->arch.old_root), "a vCPU that drops it");
	for (unsigned int i = 0; i < 14; i++) {
		if (mfn_x(v->arch.gdt_frames[i]))
			hold(v->arch.gdt_frames[i], PGT_seg, "a GDT");
	}
	for (unsigned int i = 0; i < 16; i++)
		hold_page(v->arch.ldt_pages[i], PGT_seg, "an LDT");
	if (v->domain->dying == DOMDYING_alive && v->arch.loaded_cpu != NO_CPU)
		check_windows(v);
}

static void check_maps(const struct domain *d)
{
	const struct grant_table *gt = d->grant_table;

	for (unsigned int i = 0; gt && gt->maps && !gt->dead && i < gt->nr_maps; i++) {
		const struct grant_map *m = &gt->maps[i / MAPS_PER_CHUNK][i % MAPS_PER_CHUNK];
		bool write = !(m->flags & GNTMAP_readonly);

		if (m->flags & MAP_BUSY)
			panic("d%u: handle %u is busy", d->id, i);
		if (m->flags & GNTMAP_device_map)
			hold(m->mfn, write ? PGT_writable : PGT_none, "a device mapping");
		if (m->flags & GNTMAP_host_map) {
			struct expected *e = &expected[mfn_x(m->mfn)];

			if (write)
				e->foreign_write[d->id]--;
			else
				e->foreign_read[d->id]--;
		}
	}
}

static void compare(mfn_t mfn)
{
	const struct page_info *pg = mfn_to_page(mfn);
	const struct expected *e = &expected[mfn_x(mfn)];

	if ((pg->count & PGC_count_mask) != e->refs || page_type_count(pg) != e->types ||
	    (e->types && page_type(pg) != e->type))
		panic("frame %#lx of d%u has %u references and is %s %u times; should be %u, %s, "
		      "%u",
		      mfn_x(mfn), page_owner_id(pg), pg->count & PGC_count_mask,
		      page_type_name(page_type(pg)), page_type_count(pg), e->refs,
		      page_type_name(e->type), e->types);
	if (e->types && e->type == PGT_seg)
		check_descriptors(mfn);
	/* The control domain may map what it likes. */
	for (unsigned int d = 1; d < AUDIT_DOMAINS; d++) {
		if (e->foreign_write[d] > 0 || e->foreign_read[d] > 0)
			panic("d%u maps frame %#lx of d%u, which it isn't granted", d, mfn_x(mfn),
			      page_owner_id(pg));
	}
}

/* A free frame may be known; the fake machine looks when it is handed out. */
static void check_tlbs(void)
{
	for (unsigned int i = 0; i < HT_CPUS * HT_TLB; i++) {
		const struct ht_tlb_entry *e = &ht_tlb[i / HT_TLB][i % HT_TLB];
		const struct page_info *pg = mfn_to_page(e->mfn);

		if (!e->valid || pg->owner == DOMID_INVALID)
			continue;
		if (e->writable && page_type_count(pg) && page_type(pg) != PGT_writable)
			panic("CPU %u can write frame %#lx, which is %s", i / HT_TLB, mfn_x(e->mfn),
			      page_type_name(page_type(pg)));
		if (pg->owner != e->owner)
			panic("CPU %u knows frame %#lx as d%u's, it is d%u's", i / HT_TLB,
			      mfn_x(e->mfn), e->owner, pg->owner);
	}
}

void audit(struct domain *const d[AUDIT_DOMAINS])
{
	unsigned long pages[AUDIT_DOMAINS] = {0}, lent[AUDIT_DOMAINS] = {0};
	struct vcpu *v;

	domains = d;
	memset(expected, 0, max_page * sizeof(expected[0]));
	for (unsigned long f = 1; f < max_page; f++) {
		const struct page_info *pg = &frame_table[f];

		if (pg->owner >= AUDIT_DOMAINS)
			continue;
		if (pg->count & PGC_hyp)
			lent[pg->owner]++;
		else
			pages[pg->owner]++;
		check_frame(_mfn(f));
	}
	for (unsigned int i = 0; i < AUDIT_DOMAINS; i++) {
		if (!d[i])
			continue;
		for_each_vcpu (d[i], v)
			check_vcpu(v);
		check_maps(d[i]);
		if (d[i]->tot_pages != pages[i] || d[i]->hyp_pages != lent[i])
			panic("d%u has %lu pages and %lu lent ones; should be %lu and %lu", i,
			      d[i]->tot_pages, d[i]->hyp_pages, pages[i], lent[i]);
		if (d[i]->tot_pages > d[i]->max_pages)
			panic("d%u has %lu pages of %lu", i, d[i]->tot_pages, d[i]->max_pages);
	}
	for (unsigned long f = 1; f < max_page; f++) {
		if (frame_table[f].owner < AUDIT_DOMAINS)
			compare(_mfn(f));
	}
	check_tlbs();
	ht_assert_quiet();
}
