/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The model of grants: model.h. */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>

#include "model.h"

struct model_domain model[MODEL_DOMAINS];

const grant_ref_t model_refs[MODEL_NR_REFS] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255, 256, 257, 511, 512, 513, 767, 1023, 1024};

void model_reset(void)
{
	memset(model, 0, sizeof(model));
}

unsigned int model_nr_entries(unsigned int dom)
{
	return model[dom].nr_frames * (model[dom].version == 1 ? 512 : 256);
}

bool model_is_pinned(const struct model_active *a)
{
	return a->pins[0] || a->pins[1] || a->pins[2] || a->pins[3];
}

void *model_entry(unsigned int dom, grant_ref_t ref)
{
	struct grant_table *gt = model[dom].d->grant_table;
	unsigned int size = model[dom].version == 1 ? 8 : 16;

	return (char *)gt->shared[ref * size / PAGE_SIZE] + ref * size % PAGE_SIZE;
}

/* ---- entries ------------------------------------------------------------------------ */

/* What an entry says now. False: it says nothing that this use may have. */
static bool read_entry(unsigned int dom, grant_ref_t ref, domid_t who, unsigned int how,
		       struct model_active *a)
{
	const struct grant_entry_v1 *v1 = model_entry(dom, ref);
	const union grant_entry_v2 *v2 = model_entry(dom, ref);
	unsigned int flags = v1->flags, type = flags & GTF_type_mask;
	bool part = model[dom].version == 2 && (flags & GTF_sub_page);

	if (v1->domid != who || ((how & PIN_WRITE) && (flags & GTF_readonly)))
		return false;
	*a = (struct model_active){.who = who, .length = PAGE_SIZE};
	if (type == GTF_transitive && model[dom].version == 2) {
		a->kind = GRANT_TRANSITIVE;
		a->trans_domid = v2->transitive.trans_domid;
		a->trans_ref = v2->transitive.gref;
		return how & PIN_TRANSITIVE;
	}
	if (type != GTF_permit_access || (part && !(how & PIN_SUB_PAGE)))
		return false;
	a->mfn = _mfn(model[dom].version == 1 ? v1->frame : v2->full_page.frame);
	if (part) {
		a->kind = GRANT_SUB_PAGE;
		a->start = v2->sub_page.page_off;
		a->length = v2->sub_page.length;
		a->mfn = _mfn(v2->sub_page.frame);
	}
	return true;
}

static bool frame_is_usable(unsigned int dom, mfn_t mfn, bool write)
{
	const struct page_info *pg = mfn_to_page(mfn);

	if (!mfn_valid(mfn) || pg->owner != dom || !(pg->count & PGC_count_mask))
		return false;
	return !write || page_type(pg) == PGT_writable || !page_type_count(pg);
}

bool model_pin(unsigned int dom, grant_ref_t ref, domid_t who, unsigned int how,
	       struct model_active *ret)
{
	struct model_active now, *a;

	if (dom >= MODEL_DOMAINS || model[dom].dead || ref >= model_nr_entries(dom))
		return false;
	a = &model[dom].active[ref];
	/* What it says now must allow it, even if what it means was settled before. */
	if (!read_entry(dom, ref, who, how, &now))
		return false;
	if (!model_is_pinned(a)) {
		if (now.start + now.length > PAGE_SIZE)
			return false;
	} else {
		if (a->who != who)
			return false;
		now = *a;
	}
	if ((now.kind == GRANT_SUB_PAGE && !(how & PIN_SUB_PAGE)) ||
	    (now.kind == GRANT_TRANSITIVE && !(how & PIN_TRANSITIVE)))
		return false;
	if (now.kind != GRANT_TRANSITIVE && !frame_is_usable(dom, now.mfn, how & PIN_WRITE))
		return false;
	*a = now;
	a->pins[PIN_INDEX(how)]++;
	*ret = *a;
	return true;
}

void model_unpin(unsigned int dom, grant_ref_t ref, unsigned int how)
{
	struct model_active *a = &model[dom].active[ref];

	if (model[dom].dead)
		return;
	if (!a->pins[PIN_INDEX(how)])
		panic("model: d%u's reference %u isn't in use", dom, ref);
	a->pins[PIN_INDEX(how)]--;
	if (!model_is_pinned(a))
		a->scribbled = false;
}

static unsigned int kind_of(unsigned int part, unsigned int flags)
{
	return (part == GNTMAP_device_map ? PIN_DEVICE : 0) |
	       (flags & GNTMAP_readonly ? 0 : PIN_WRITE);
}

/* ---- operations --------------------------------------------------------------------- */

static struct model_pte *pte_at(uint64_t addr, unsigned int me)
{
	unsigned int slot = addr >> 12 & 0xff;

	return addr == model_address(me, slot) && slot < MODEL_SLOTS ? &model[me].pte[slot] : NULL;
}

bool model_map(unsigned int me, const struct gnttab_map_grant_ref *op, mfn_t *ret_mfn)
{
	unsigned int host = kind_of(GNTMAP_host_map, op->flags);
	unsigned int dev = kind_of(GNTMAP_device_map, op->flags);
	unsigned int dom = op->dom == DOMID_SELF ? me : op->dom;
	struct model_active a;

	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return false;
	if ((op->flags & GNTMAP_device_map) && !model_pin(dom, op->ref, (domid_t)me, dev, &a))
		return false;
	if (op->flags & GNTMAP_host_map) {
		struct model_pte *pte = pte_at(op->host_addr, me);
		bool ok = model_pin(dom, op->ref, (domid_t)me, host, &a);

		if (ok && !pte)
			model_unpin(dom, op->ref, host);
		if (!ok || !pte) {
			if (op->flags & GNTMAP_device_map)
				model_unpin(dom, op->ref, dev);
			return false;
		}
		*pte = (struct model_pte){true, !(op->flags & GNTMAP_readonly), a.mfn};
	}
	*ret_mfn = a.mfn;
	return true;
}

void model_mapped(unsigned int me, const struct gnttab_map_grant_ref *op, mfn_t mfn)
{
	if (op->handle >= MODEL_MAPS || model[me].map[op->handle].used)
		panic("d%u gets handle %u", me, op->handle);
	model[me].map[op->handle] = (struct model_map){true, op->dom == DOMID_SELF ? me : op->dom,
						       op->flags, op->ref, mfn};
}

bool model_unmap(unsigned int me, const struct gnttab_unmap_grant_ref *op, bool replace,
		 bool *touched)
{
	uint64_t dev_addr = replace ? 0 : op->dev_bus_addr, new = replace ? op->dev_bus_addr : 0;
	struct model_map *m = &model[me].map[op->handle % MODEL_MAPS];

	if (op->handle >= MODEL_MAPS || !m->used || touched[op->handle])
		return false;
	if (dev_addr &&
	    (!(m->flags & GNTMAP_device_map) || dev_addr != mfn_x(m->mfn) << PAGE_SHIFT))
		return false;
	if (op->host_addr && !(m->flags & GNTMAP_host_map))
		return false;
	if (op->host_addr) {
		struct model_pte *pte = pte_at(op->host_addr, me),
				 *src = new ? pte_at(new, me) : NULL;

		if (!pte || !pte->present || !mfn_eq(pte->mfn, m->mfn) ||
		    pte->writable == !!(m->flags & GNTMAP_readonly))
			return false;
		if (new && (!src || !src->present || src == pte))
			return false;
		*pte = src ? *src : (struct model_pte){false, false, _mfn(0)};
		if (src)
			src->present = false;
		model_unpin(m->granter, m->ref, kind_of(GNTMAP_host_map, m->flags));
		m->flags &= ~GNTMAP_host_map;
	}
	if (dev_addr) {
		model_unpin(m->granter, m->ref, kind_of(GNTMAP_device_map, m->flags));
		m->flags &= ~GNTMAP_device_map;
	}
	touched[op->handle] = op->host_addr || dev_addr;
	m->used = m->flags & (GNTMAP_host_map | GNTMAP_device_map);
	return true;
}

/* One end of a copy. */
struct end {
	bool ok, write;
	char *at;
	unsigned int doms[2], n; /* whose entries are pinned */
	grant_ref_t refs[2];
};

static bool pin_for(struct end *e, unsigned int dom, grant_ref_t ref, domid_t who, unsigned int how,
		    struct model_active *a)
{
	how |= (e->write ? PIN_WRITE : 0) | PIN_SUB_PAGE;
	if (!model_pin(dom, ref, who, how, a))
		return false;
	e->doms[e->n] = dom;
	e->refs[e->n++] = ref;
	return true;
}

static void take_end(struct end *e, unsigned int me, const struct gnttab_copy_ptr *p, bool gref,
		     unsigned int len)
{
	unsigned int dom = p->domid == DOMID_SELF ? me : p->domid;
	struct model_active a = {.length = PAGE_SIZE};

	if (!gref) {
		a.mfn = _mfn(p->u.gmfn);
		if (dom != me || !frame_is_usable(me, a.mfn, e->write))
			return;
	} else {
		if (!pin_for(e, dom, p->u.ref, (domid_t)me, PIN_TRANSITIVE, &a))
			return;
		if (a.kind == GRANT_TRANSITIVE &&
		    (a.trans_domid == dom ||
		     !pin_for(e, a.trans_domid, a.trans_ref, (domid_t)dom, 0, &a)))
			return;
	}
	e->ok = p->offset >= a.start && p->offset + len <= a.start + a.length;
	e->at = (char *)mfn_to_virt(a.mfn) + p->offset;
}

static void drop_end(struct end *e)
{
	while (e->n--)
		model_unpin(e->doms[e->n], e->refs[e->n], e->write ? PIN_WRITE : 0);
}

bool model_copy(unsigned int me, const struct gnttab_copy *op, char **ret_from, char **ret_to)
{
	struct end src = {.write = false}, dst = {.write = true};

	if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
		return false;
	take_end(&src, me, &op->source, op->flags & GNTCOPY_source_gref, op->len);
	if (src.ok)
		take_end(&dst, me, &op->dest, op->flags & GNTCOPY_dest_gref, op->len);
	drop_end(&dst);
	drop_end(&src);
	*ret_from = src.at;
	*ret_to = dst.at;
	return src.ok && dst.ok;
}

bool model_set_version(unsigned int me, unsigned int version)
{
	struct model_domain *m = &model[me];

	if (version != 1 && version != 2)
		return false;
	if (version == m->version)
		return true;
	for (unsigned int i = 0; i < ARRAY_SIZE(model_refs); i++) {
		if (model_refs[i] >= GNTTAB_NR_RESERVED_ENTRIES &&
		    model_is_pinned(&m->active[model_refs[i]]))
			return false;
	}
	for (unsigned int i = 0; m->version == 2 && i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		const union grant_entry_v2 *e = model_entry(me, i);
		unsigned int type = e->hdr.flags & GTF_type_mask;

		if (type != GTF_invalid &&
		    (type != GTF_permit_access || (e->hdr.flags & GTF_sub_page) ||
		     e->full_page.frame > UINT32_MAX))
			return false;
	}
	m->version = version;
	if (version == 2)
		m->nr_status = 1;
	/* The entries in use are shown as that again. */
	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++)
		m->active[i].scribbled = false;
	return true;
}

/* ---- comparison ------------------------------------------------------------------------ */

static void compare_entry(unsigned int dom, grant_ref_t ref)
{
	const struct grant_table *gt = model[dom].d->grant_table;
	const struct model_active *m = &model[dom].active[ref];
	const struct grant_active *a = grant_active_peek(gt, ref);
	bool pinned = model_is_pinned(m);
	uint16_t want =
		(uint16_t)((pinned ? GTF_reading : 0) |
			   (m->pins[PIN_WRITE] || m->pins[PIN_WRITE | PIN_DEVICE] ? GTF_writing
										  : 0));
	uint16_t bits;

	for (unsigned int i = 0; i < PIN_COUNTS; i++) {
		if ((a ? a->pins[i] : 0U) != m->pins[i])
			panic("d%u's reference %u has %u pins of kind %u; should be %u", dom, ref,
			      a ? a->pins[i] : 0, i, m->pins[i]);
	}
	if (pinned && (a->domid != m->who || a->kind != m->kind ||
		       (m->kind != GRANT_TRANSITIVE && !mfn_eq(a->mfn, m->mfn))))
		panic("d%u's reference %u means something else now", dom, ref);
	bits = model[dom].version == 2 ? *grant_status(gt, ref)
				       : *(const uint16_t *)model_entry(dom, ref);
	/* A guest of version 1 can take the bits away while the entry is in use. */
	if ((bits & (GTF_reading | GTF_writing)) != want &&
	    !(model[dom].version == 1 && m->scribbled))
		panic("d%u's reference %u shows use %#x; should be %#x", dom, ref, bits, want);
}

static void compare_table(unsigned int dom)
{
	const struct grant_table *gt = model[dom].d->grant_table;
	unsigned int pinned = 0, mapped = 0;

	if (gt->version != model[dom].version || gt->nr_frames != model[dom].nr_frames)
		panic("d%u's table: version %u, %u frames; should be %u, %u", dom, gt->version,
		      gt->nr_frames, model[dom].version, model[dom].nr_frames);
	for (unsigned int i = 0; i < ARRAY_SIZE(model_refs); i++) {
		if (model_refs[i] >= model_nr_entries(dom))
			continue;
		pinned += model_is_pinned(&model[dom].active[model_refs[i]]);
		compare_entry(dom, model_refs[i]);
	}
	/* No others are in use. */
	if (gt->nr_pinned != pinned)
		panic("d%u: %u entries in use; should be %u", dom, gt->nr_pinned, pinned);
	for (unsigned int i = 0; i < MODEL_MAPS; i++)
		mapped += model[dom].map[i].used;
	if (gt->nr_mapped != mapped)
		panic("d%u has %u mappings; should be %u", dom, gt->nr_mapped, mapped);
}

/* References of a frame: the owner's, page-table entries', device mappings'. */
static void compare_frame(mfn_t mfn)
{
	const struct page_info *pg = mfn_to_page(mfn);
	unsigned int refs = !!(pg->count & PGC_allocated), writers = 0;

	for (unsigned int d = 0; d < MODEL_DOMAINS; d++) {
		for (unsigned int i = 0; i < MODEL_SLOTS; i++) {
			const struct model_pte *p = &model[d].pte[i];

			if (p->present && mfn_eq(p->mfn, mfn)) {
				refs++;
				writers += p->writable;
			}
		}
		for (unsigned int i = 0; i < MODEL_MAPS; i++) {
			const struct model_map *m = &model[d].map[i];

			if (m->used && (m->flags & GNTMAP_device_map) && mfn_eq(m->mfn, mfn)) {
				refs++;
				writers += !(m->flags & GNTMAP_readonly);
			}
		}
	}
	if (page_type(pg) == PGT_l1 && page_type_count(pg))
		return; /* the world's own */
	if ((pg->count & PGC_count_mask) != refs || page_type_count(pg) != writers)
		panic("frame %#lx has %u references, %u of them writing; should be %u, %u",
		      mfn_x(mfn), pg->count & PGC_count_mask, page_type_count(pg), refs, writers);
}

void model_compare(void)
{
	for (unsigned int d = 0; d < MODEL_DOMAINS; d++) {
		if (!model[d].dead)
			compare_table(d);
		for (unsigned int i = 0; i < MODEL_FRAMES; i++) {
			if (mfn_x(model[d].frame[i]))
				compare_frame(model[d].frame[i]);
		}
	}
	ht_assert_quiet();
}
