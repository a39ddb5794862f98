/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * GNTTABOP_copy: up to a page from one frame to another, each the caller's own
 * or granted to it. Both ends are held (a pin in the granter's table, a page
 * reference, PGT_writable for the destination) while the bytes move, with no
 * lock held.
 *
 * A transitive grant (version 2) says: what domain T granted to me, I grant on.
 * The entry is pinned so that it can't be withdrawn, then T's entry is pinned on
 * behalf of the one who grants on, so T's consent is checked, too. One step only:
 * T's must be a plain grant, which bounds the work, and each table is locked for
 * itself (XSA-226, -318, -411).
 */
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>
#include "internal.h"

/* A grant that is in use. */
struct copy_grant {
	struct domain *d; /* held; NULL: not in use */
	grant_ref_t ref;
};

struct copy_end {
	bool write;
	bool frame_held;
	mfn_t mfn;
	unsigned int start, length; /* what of the frame may be touched */
	struct copy_grant via, grant; /* via: the transitive one */
};

static void drop_grant(struct copy_grant *g, bool write)
{
	if (!g->d)
		return;
	grant_unpin(g->d->grant_table, g->ref, write ? PIN_WRITE : 0);
	domain_put(g->d);
	g->d = NULL;
}

static void release_end(struct copy_end *e)
{
	drop_grant(&e->grant, e->write);
	drop_grant(&e->via, e->write);
	if (e->frame_held)
		grant_put_frame(e->mfn, e->write);
	e->frame_held = false;
}

/* Pins one grant for @who. On success @g holds the domain and the pin. */
static int take_grant(struct copy_grant *g, domid_t domid, grant_ref_t ref, domid_t who,
		      unsigned int how, struct grant_pinned *ret)
{
	struct domain *d = domain_get_by_id(domid);
	int rc;

	if (!d)
		return (int)hv_err(GNTST_bad_domain, "no d%u", domid);
	rc = d->grant_table ? grant_pin(d->grant_table, ref, who, how, ret) : GNTST_bad_domain;
	if (rc) {
		domain_put(d);
		return rc;
	}
	g->d = d;
	g->ref = ref;
	return GNTST_okay;
}

static int take_granted(struct copy_end *e, domid_t domid, grant_ref_t ref)
{
	unsigned int how = (e->write ? PIN_WRITE : 0) | PIN_SUB_PAGE;
	struct grant_pinned p;
	int rc;

	rc = take_grant(&e->grant, domid, ref, current->domain->id, how | PIN_TRANSITIVE, &p);
	if (rc)
		return rc;
	if (p.kind == GRANT_TRANSITIVE) {
		e->via = e->grant;
		e->grant.d = NULL;
		/* Reserved ids mean something to the caller, not to the one who wrote this. */
		if (p.trans_domid >= DOMID_FIRST_RESERVED || p.trans_domid == e->via.d->id)
			return (int)hv_err(GNTST_general_error, "transitive grant of d%u",
					   p.trans_domid);
		rc = take_grant(&e->grant, p.trans_domid, p.trans_ref, e->via.d->id, how, &p);
		if (rc)
			return rc;
	}
	e->frame_held = true;
	e->mfn = p.mfn;
	e->start = p.start;
	e->length = p.length;
	return GNTST_okay;
}

/* A frame of the caller's own. */
static int take_own(struct copy_end *e, domid_t domid, xen_pfn_t gmfn)
{
	struct domain *d = current->domain;
	mfn_t mfn = _mfn(gmfn);
	struct page_info *pg;

	if (domid != DOMID_SELF && domid != d->id)
		return (int)hv_err(GNTST_permission_denied, "frame of d%u", domid);
	if (!mfn_valid(mfn))
		return (int)hv_err(GNTST_bad_page, "frame %#lx", (unsigned long)gmfn);
	pg = mfn_to_page(mfn);
	if (e->write ? page_get_and_type(pg, d, PGT_writable) != 0 : !page_get(pg, d))
		return (int)hv_err(GNTST_bad_page, "frame %#lx", (unsigned long)gmfn);
	e->frame_held = true;
	e->mfn = mfn;
	e->start = 0;
	e->length = PAGE_SIZE;
	return GNTST_okay;
}

static int take_end(struct copy_end *e, const struct gnttab_copy_ptr *ptr, bool gref,
		    unsigned int len)
{
	int rc = gref ? take_granted(e, ptr->domid, ptr->u.ref)
		      : take_own(e, ptr->domid, ptr->u.gmfn);

	if (rc)
		return rc;
	if (ptr->offset < e->start || ptr->offset + len > e->start + e->length)
		return (int)hv_err(GNTST_general_error, "bytes %u to %u of a grant of %u to %u",
				   ptr->offset, ptr->offset + len, e->start, e->start + e->length);
	return GNTST_okay;
}

void grant_copy(struct gnttab_copy *op)
{
	struct copy_end src = {.write = false}, dst = {.write = true};
	unsigned int len = op->len;
	int rc;

	if (op->source.offset + len > PAGE_SIZE || op->dest.offset + len > PAGE_SIZE) {
		op->status = GNTST_bad_copy_arg;
		return;
	}
	rc = take_end(&src, &op->source, op->flags & GNTCOPY_source_gref, len);
	if (!rc)
		rc = take_end(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, len);
	if (!rc)
		memmove((char *)mfn_to_virt(dst.mfn) + op->dest.offset,
			(const char *)mfn_to_virt(src.mfn) + op->source.offset, len);
	release_end(&dst);
	release_end(&src);
	op->status = (int16_t)rc;
}
