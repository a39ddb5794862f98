/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer on the grant tables of three domains, the first of which is the control
 * domain. Each operation is done by the model first; the hypervisor's answer, its
 * tables, the frames' counts and the bytes that were copied must be the model's.
 */
#include <stdint.h>

#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <arch/page.h>

#include "model.h"

#define MAX_FRAMES 2
#define RAM        768

static const uint8_t *input, *input_end;
static unsigned int me;

static unsigned int next(void)
{
	return input < input_end ? *input++ : 0;
}

static long hypercall(unsigned int cmd, void *arg, unsigned int count)
{
	long rc = do_grant_table_op(cmd, ht_va(arg), count);

	while (rc == HT_CONTINUED)
		rc = do_grant_table_op((unsigned int)ht_continuation.arg[0], ht_continuation.arg[1],
				       (unsigned int)ht_continuation.arg[2]);
	return rc;
}

static void expect(bool ok, int status, const char *what)
{
	if (ok != (status == GNTST_okay))
		panic("%s by d%u: status %d, the model says %s", what, me, status,
		      ok ? "okay" : "no");
}

/* ---- choices ---------------------------------------------------------------------------- */

static grant_ref_t some_ref(void)
{
	unsigned int n = next();

	return n == 0xff ? ~0U : n < 0xc0 ? n % 10 : model_refs[n % MODEL_NR_REFS];
}

static unsigned int some_domain(void)
{
	unsigned int n = next();

	return n < 0xf0 ? n % MODEL_DOMAINS : n == 0xff ? DOMID_SELF : 40 + n;
}

static mfn_t some_frame(void)
{
	unsigned int n = next(), d = n < 0xa0 ? me : n % MODEL_DOMAINS;

	if (n == 0xff)
		return _mfn(~0U);
	if (n == 0xfe)
		return _mfn(max_page);
	if (n == 0xfd && !model[d].dead)
		return virt_to_mfn(model[d].d->grant_table->shared[0]);
	return model[d].frame[n % MODEL_FRAMES];
}

static uint64_t some_address(void)
{
	unsigned int n = next();

	return n >= 0xf0 ? 0 : model_address(me, n % MODEL_SLOTS);
}

/* ---- the guest's own memory ---------------------------------------------------------------- */

static void do_write_entry(void)
{
	unsigned int n = next(), type = n & 3, sub = n & 4 ? GTF_sub_page : 0;
	uint16_t flags = (uint16_t)(type ? GTF_permit_access : n & 0x80 ? GTF_transitive : 0);
	grant_ref_t ref = some_ref();
	mfn_t mfn = some_frame();
	domid_t to = (domid_t)some_domain();
	struct model_active *a;

	if (ref >= model_nr_entries(me))
		return;
	flags |= n & 8 ? GTF_readonly : 0;
	a = &model[me].active[ref];
	if (model[me].version == 1) {
		struct grant_entry_v1 *e = model_entry(me, ref);

		a->scribbled = model_is_pinned(a);
		*e = (struct grant_entry_v1){(uint16_t)(flags | (n & 0x40 ? sub : 0)), to,
					     (uint32_t)mfn_x(mfn)};
		return;
	}
	union grant_entry_v2 *e = model_entry(me, ref);

	e->hdr.flags = flags | (uint16_t)sub;
	e->hdr.domid = to;
	if (flags & GTF_transitive & ~GTF_permit_access) {
		e->transitive.trans_domid = (domid_t)some_domain();
		e->transitive.gref = some_ref();
	} else if (sub) {
		e->sub_page.page_off = (uint16_t)(next() * 17);
		e->sub_page.length = (uint16_t)(next() * 17);
		e->sub_page.frame = mfn_x(mfn);
	} else {
		e->full_page.frame = mfn_x(mfn);
	}
}

/* The kernel clears or replaces an entry of its page tables by itself. */
static void do_pte(void)
{
	unsigned int slot = next() % MODEL_SLOTS;
	struct model_pte *p = &model[me].pte[slot];
	struct ht_pte *real = ht_pte_at(model_address(me, slot));

	if (!p->present != !real)
		panic("d%u: entry %u is %spresent", me, slot, real ? "" : "not ");
	if (!real)
		return;
	real->present = p->present = false;
	grant_put_frame(real->mfn, real->writable);
}

/* A frame of its own goes, and another comes. */
static void do_frame(void)
{
	unsigned int n = next();
	mfn_t *f = &model[me].frame[n % MODEL_FRAMES];

	/* The first is a page table, as far as anybody knows. */
	if (n % MODEL_FRAMES == 0)
		return;
	ht_domain_page_release(*f);
	*f = ht_domain_page(model[me].d);
}

/* ---- operations ----------------------------------------------------------------------------- */

/* Where this domain's mappings are, by handle. */
static uint64_t mapped_at[MODEL_DOMAINS][MODEL_MAPS];

/* An entry of another's that allows what is going to be asked, mostly. */
static void grant_to_me(unsigned int d, grant_ref_t ref, unsigned int f)
{
	unsigned int who = me;

	if (f & 0x80 || d >= MODEL_DOMAINS || model[d].dead || ref >= model_nr_entries(d))
		return;
	model[d].active[ref].scribbled = model_is_pinned(&model[d].active[ref]);
	if (model[d].version == 1) {
		*(struct grant_entry_v1 *)model_entry(d, ref) = (struct grant_entry_v1){
			GTF_permit_access | (f & 0x40 ? GTF_readonly : 0), (domid_t)who,
			(uint32_t)mfn_x(model[d].frame[1 + f % 5])};
	} else {
		union grant_entry_v2 *e = model_entry(d, ref);

		e->hdr.flags = GTF_permit_access | (f & 0x40 ? GTF_readonly : 0);
		e->hdr.domid = (domid_t)who;
		e->full_page.frame = mfn_x(model[d].frame[1 + f % 5]);
		if ((f & 0x30) == 0x30) {
			e->hdr.flags |= GTF_sub_page;
			e->sub_page.page_off = 512;
			e->sub_page.length = 512;
			e->sub_page.frame = mfn_x(model[d].frame[1 + f % 5]);
		}
	}
}

static void do_map(void)
{
	struct gnttab_map_grant_ref op[3];
	unsigned int n = 1 + next() % 3;

	/* Later ones depend on what the earlier do: the model goes along one by one. */
	for (unsigned int i = 0; i < n; i++) {
		unsigned int f = next();

		op[i] = (struct gnttab_map_grant_ref){.host_addr = some_address(),
						      .flags = (f & 3) |
							       (f & 4 ? GNTMAP_readonly : 0) |
							       (f & 8 ? GNTMAP_application_map : 0),
						      .ref = some_ref(),
						      .dom = (domid_t)some_domain(),
						      .handle = ~0U,
						      .status = 1};
	}
	for (unsigned int i = 0; i < n; i++) {
		mfn_t mfn;
		bool ok;

		grant_to_me(op[i].dom, op[i].ref, next());
		ok = model_map(me, &op[i], &mfn);
		long rc = hypercall(GNTTABOP_map_grant_ref, &op[i], 1);

		if (rc)
			panic("map: %ld", rc);
		expect(ok, op[i].status, "map");
		if (!ok)
			continue;
		if (op[i].dev_bus_addr != mfn_x(mfn) << PAGE_SHIFT)
			panic("map by d%u: %#lx, the model says frame %#lx", me,
			      (unsigned long)op[i].dev_bus_addr, mfn_x(mfn));
		model_mapped(me, &op[i], mfn);
		mapped_at[me][op[i].handle] = op[i].host_addr;
	}
}

static void do_unmap(void)
{
	struct gnttab_unmap_grant_ref op[3];
	bool touched[MODEL_MAPS] = {false}, ok[3], replace = next() % 4 == 0;
	unsigned int n = 1 + next() % 3;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int f = next(), h = next();
		const struct model_map *m = &model[me].map[h % 16];

		op[i] = (struct gnttab_unmap_grant_ref){.handle = h < 0xf0 ? h % 16 : h << 24,
							.host_addr = f & 1 ? some_address() : 0,
							.status = 1};
		if (f & 8 && h < 0xf0)
			op[i].host_addr = mapped_at[me][h % 16];
		if (replace)
			op[i].dev_bus_addr = f & 2 ? some_address() : 0;
		else if (f & 2)
			op[i].dev_bus_addr = mfn_x(f & 4 ? some_frame() : m->mfn) << PAGE_SHIFT;
	}
	for (unsigned int i = 0; i < n; i++)
		ok[i] = model_unmap(me, &op[i], replace, touched);
	if (hypercall(replace ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref, op, n))
		panic("unmap");
	for (unsigned int i = 0; i < n; i++)
		expect(ok[i], op[i].status, "unmap");
}

static void choose_end(struct gnttab_copy_ptr *p, bool gref)
{
	if (gref)
		p->u.ref = some_ref();
	else
		p->u.gmfn = mfn_x(some_frame());
	p->domid = (domid_t)(gref ? some_domain() : next() == 1 ? 1 : DOMID_SELF);
	p->offset = (uint16_t)(next() * 17);
}

static void do_copy(void)
{
	unsigned int f = next();
	struct gnttab_copy op = {.flags = f & 3, .len = (uint16_t)(next() * 17), .status = 1};
	char before[PAGE_SIZE], *from = NULL, *to = NULL;
	bool ok;

	choose_end(&op.source, f & GNTCOPY_source_gref);
	choose_end(&op.dest, f & GNTCOPY_dest_gref);
	if (f & GNTCOPY_source_gref)
		grant_to_me(op.source.domid, op.source.u.ref, next());
	if (f & GNTCOPY_dest_gref)
		grant_to_me(op.dest.domid, op.dest.u.ref, next());
	/* Round the edges of what grant_to_me() gives a part of. */
	if (f & 0x10) {
		op.source.offset = op.dest.offset = (uint16_t)(512 - (f == 0xff));
		op.len = (uint16_t)(512 + (f >> 5 & 1) - (f >> 6 & 1));
	}
	ok = model_copy(me, &op, &from, &to);
	if (ok)
		memcpy(before, from, op.len);
	if (hypercall(GNTTABOP_copy, &op, 1))
		panic("copy");
	expect(ok, op.status, "copy");
	if (ok && memcmp(before, to, op.len))
		panic("copy by d%u: other bytes", me);
}

static void do_set_version(void)
{
	struct gnttab_set_version op = {next() % 4};
	struct grant_entry_v1 saved[GNTTAB_NR_RESERVED_ENTRIES];
	unsigned int old = model[me].version, wanted = op.version;
	bool ok;

	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		const union grant_entry_v2 *e = model_entry(me, i);

		memcpy(&saved[i], model_entry(me, i), sizeof(saved[i]));
		if (old == 2)
			saved[i].frame = (uint32_t)e->full_page.frame;
	}
	ok = model_set_version(me, wanted);
	if (ok == !!hypercall(GNTTABOP_set_version, &op, 1) || (ok && op.version != wanted))
		panic("set_version(%u) of d%u, which has %u: the model says %d", wanted, me, old,
		      ok);
	if (!ok || wanted == old)
		return;
	for (unsigned int i = 0; i < model_nr_entries(me); i++) {
		const union grant_entry_v2 *e = model_entry(me, i);
		const struct grant_entry_v1 *e1 = model_entry(me, i);
		uint64_t frame = wanted == 2 ? e->full_page.frame : e1->frame;
		bool kept = i < GNTTAB_NR_RESERVED_ENTRIES;

		/* The type and the frame; what an unused entry had doesn't matter. */
		if (kept && !(saved[i].flags & GTF_type_mask))
			continue;
		if (kept ? ((e1->flags ^ saved[i].flags) & ~(GTF_reading | GTF_writing)) ||
				    e1->domid != saved[i].domid || frame != saved[i].frame
			 : e1->flags || frame)
			panic("set_version: d%u's entry %u", me, i);
	}
}

static void do_swap(void)
{
	struct gnttab_swap_grant_ref op = {.ref_a = some_ref(), .ref_b = some_ref(), .status = 1};
	unsigned int size = model[me].version == 1 ? 8 : 16;
	union grant_entry_v2 a, b;
	bool in_range = op.ref_a < model_nr_entries(me) && op.ref_b < model_nr_entries(me), ok;

	ok = in_range && !model_is_pinned(&model[me].active[op.ref_a]) &&
	     !model_is_pinned(&model[me].active[op.ref_b]);
	if (in_range) {
		memcpy(&a, model_entry(me, op.ref_a), size);
		memcpy(&b, model_entry(me, op.ref_b), size);
	}
	if (hypercall(GNTTABOP_swap_grant_ref, &op, 1))
		panic("swap");
	expect(ok, op.status, "swap");
	if (in_range && (memcmp(model_entry(me, op.ref_a), ok ? &b : &a, size) ||
			 memcmp(model_entry(me, op.ref_b), ok ? &a : &b, size)))
		panic("swap of %u and %u by d%u", op.ref_a, op.ref_b, me);
}

/* Frames of the table, by their numbers. */
static void do_frames(void)
{
	unsigned int n = next(), nr = n % 5;
	bool status = n & 0x80, other = n & 0x40;
	unsigned int d = other ? n % MODEL_DOMAINS : me;
	uint64_t list[4] = {0};
	struct gnttab_setup_table s = {.dom = (domid_t)d, .nr_frames = nr, .frame_list = {list}};
	struct gnttab_get_status_frames g = {
		.dom = (domid_t)d, .nr_frames = nr, .frame_list = {list}};
	bool ok = (d == me || !me) && !model[d].dead;

	if (status) {
		ok = ok && model[d].version == 2 && nr <= model[d].nr_status;
		if (hypercall(GNTTABOP_get_status_frames, &g, 1))
			panic("get_status_frames");
		expect(ok, g.status, "get_status_frames");
	} else {
		ok = ok && nr <= MAX_FRAMES;
		if (hypercall(GNTTABOP_setup_table, &s, 1))
			panic("setup_table");
		expect(ok, s.status, "setup_table");
		if (ok && nr > model[d].nr_frames)
			model[d].nr_frames = nr;
	}
	for (unsigned int i = 0; ok && i < nr; i++) {
		void *p = status ? (void *)model[d].d->grant_table->status[i]
				 : model[d].d->grant_table->shared[i];

		if (list[i] != mfn_x(virt_to_mfn(p)))
			panic("frame %u of d%u's table", i, d);
	}
}

static void kill(unsigned int d)
{
	struct model_domain *m = &model[d];

	if (m->dead)
		return;
	ht_domain_dying(m->d);
	for (unsigned int i = 0; i < MODEL_SLOTS; i++) {
		struct ht_pte *pte = ht_pte_at(model_address(d, i));

		if (pte) {
			pte->present = false;
			grant_put_frame(pte->mfn, pte->writable);
		}
		m->pte[i].present = false;
	}
	while (grant_table_release_mappings(m->d))
		;
	for (unsigned int i = 0; i < MODEL_MAPS; i++) {
		struct model_map *map = &m->map[i];
		unsigned int write = map->flags & GNTMAP_readonly ? 0 : PIN_WRITE;

		if (!map->used)
			continue;
		if (map->flags & GNTMAP_host_map)
			model_unpin(map->granter, map->ref, write);
		if (map->flags & GNTMAP_device_map)
			model_unpin(map->granter, map->ref, write | PIN_DEVICE);
		map->used = false;
	}
	if (!m->d->grant_table->nr_mapped)
		model_compare();
	grant_table_destroy(m->d);
	m->dead = true;
}

static void do_kill(void)
{
	unsigned int n = next();

	if (!me && n >= 0xc0)
		kill(1 + n % 2);
}

/* ---- a run ------------------------------------------------------------------------------------ */

static void make_world(void)
{
	model_reset();
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++) {
		struct domain *d = ht_domain_new(i, 1, 0);

		if (grant_table_create(d, MAX_FRAMES, 1, 2))
			panic("no table");
		model[i].d = d;
		model[i].version = 1;
		model[i].nr_frames = 1;
		for (unsigned int j = 0; j < MODEL_FRAMES; j++)
			model[i].frame[j] = ht_domain_page(d);
		if (page_get_and_type(mfn_to_page(model[i].frame[0]), d, PGT_l1))
			panic("no page table");
	}
}

static void end_world(void)
{
	ht_run(model[0].d, 0);
	for (unsigned int i = MODEL_DOMAINS; i--;)
		kill(i);
	for (unsigned int i = 0; i < MODEL_DOMAINS; i++) {
		if (page_put_and_type(mfn_to_page(model[i].frame[0])))
			panic("page table");
		ht_domain_free(model[i].d);
	}
}

static void (*const ops[])(void) = {
	do_write_entry, do_write_entry, do_write_entry, do_map,  do_map,         do_map,
	do_unmap,       do_unmap,       do_copy,        do_copy, do_set_version, do_swap,
	do_frames,      do_pte,         do_frame,       do_kill,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned long free_before;

	ht_machine_init_frames(RAM);
	free_before = page_free_count();
	input = data;
	input_end = data + size;
	make_world();
	while (input < input_end) {
		unsigned int n = next();

		me = n % MODEL_DOMAINS;
		if (model[me].dead)
			continue;
		ht_preempt_every(n & 0x40);
		ht_run(model[me].d, 0);
		ops[next() % ARRAY_SIZE(ops)]();
		model_compare();
	}
	end_world();
	if (page_free_count() != free_before)
		panic("%lu frames are lost", free_before - page_free_count());
	return 0;
}
