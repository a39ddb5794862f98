/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The machine of the memory tests (world.h).
 *
 * A vCPU that was preempted inside a hypercall goes on with that when it is its
 * turn again, after a slice of the table that it has to drop, as on the way back
 * to a real guest. Between two turns the others may do anything.
 */
#include <hv/domain.h>
#include <hv/grant.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/traps.h>

#include "audit.h"
#include "world.h"

#define FRAMES    512
#define NR_KNOWN  40
#define NR_VCPUS  4
#define PTE_PLAIN (PTE_P | PTE_US | PTE_A | PTE_D)

unsigned long world_steps, world_preempted;

static struct domain *dom[AUDIT_DOMAINS];
static mfn_t known[AUDIT_DOMAINS][NR_KNOWN];
static unsigned int next_known[AUDIT_DOMAINS];

static const uint8_t *input, *input_end;

static unsigned int next(void)
{
	return input < input_end ? *input++ : 0;
}

/* ---- vCPUs -------------------------------------------------------------------------- */

static struct actor {
	unsigned int dom, vcpu;
	bool in_hypercall;
	struct ht_continuation cont;
} actors[NR_VCPUS] = {{0, 0}, {1, 0}, {1, 1}, {2, 0}};
static struct actor *me;

static bool become(unsigned int n)
{
	me = &actors[n % NR_VCPUS];
	if (dom[me->dom]->dying != DOMDYING_alive || !dom[me->dom]->vcpu[me->vcpu]->initialised)
		return false;
	ht_cpu = n % NR_VCPUS;
	ht_run(dom[me->dom], me->vcpu);
	return true;
}

static long call(unsigned int op, const unsigned long *a)
{
	switch (op) {
	case __HYPERVISOR_mmu_update:
		return do_mmu_update(a[0], (unsigned int)a[1], a[2], (unsigned int)a[3]);
	case __HYPERVISOR_mmuext_op:
		return do_mmuext_op(a[0], (unsigned int)a[1], a[2], (unsigned int)a[3]);
	case __HYPERVISOR_update_va_mapping:
		return do_update_va_mapping(a[0], a[1], a[2]);
	case __HYPERVISOR_update_va_mapping_otherdomain:
		return do_update_va_mapping_otherdomain(a[0], a[1], a[2], (domid_t)a[3]);
	case __HYPERVISOR_memory_op:
		return do_memory_op(a[0], a[1]);
	case __HYPERVISOR_grant_table_op:
		return do_grant_table_op((unsigned int)a[0], a[1], (unsigned int)a[2]);
	case __HYPERVISOR_set_gdt:
		return do_set_gdt(a[0], (unsigned int)a[1]);
	case __HYPERVISOR_update_descriptor:
		return do_update_descriptor(a[0], a[1]);
	default:
		panic("continued as hypercall %u", op);
	}
}

/* What the guest's memory holds for a hypercall that may go on later. */
static union {
	struct mmu_update mmu[4];
	struct mmuext_op ext[4];
	struct xen_memory_reservation res;
	struct xen_memory_exchange exchange;
	struct gnttab_map_grant_ref map[2];
	struct gnttab_unmap_grant_ref unmap[2];
	struct gnttab_copy copy[2];
	struct gnttab_set_version version;
	unsigned long gdt[14];
} args[NR_VCPUS];
static xen_pfn_t list[NR_VCPUS][8], out_list[NR_VCPUS][8];
static uint32_t done[NR_VCPUS];
static uint8_t vcpu_bits[8] = {0xff};

static long hypercall(unsigned int op, unsigned long a, unsigned long b, unsigned long c,
		      unsigned long d)
{
	const unsigned long arg[] = {a, b, c, d};
	long rc = call(op, arg);

	if (rc == -ERESTART)
		panic("hypercall %u gives its guest -ERESTART", op);
	me->in_hypercall = rc == HT_CONTINUED;
	if (me->in_hypercall) {
		me->cont = ht_continuation;
		world_preempted++;
	}
	return rc;
}

/* True: the vCPU had something left to do, and did a slice of it. */
static bool go_on(void)
{
	struct vcpu *v = current;

	if (v->arch.old_root) {
		(void)pt_drop_deferred(v);
		return true;
	}
	if (!me->in_hypercall)
		return false;
	(void)hypercall(me->cont.op, me->cont.arg[0], me->cont.arg[1], me->cont.arg[2],
			me->cont.arg[3]);
	return true;
}

/* ---- choices ------------------------------------------------------------------------ */

static unsigned long me_buf(void)
{
	return ht_va(&args[me - actors]);
}

static mfn_t some_frame_of(unsigned int d)
{
	unsigned int n = next();

	switch (n) {
	case 0xff:
		return _mfn(~0UL);
	case 0xfe:
		return _mfn(max_page);
	case 0xfd:
		return _mfn(HT_MMIO + next() % 5);
	case 0xfc:
		return dom[d] && dom[d]->shared_info ? virt_to_mfn(dom[d]->shared_info) : _mfn(0);
	case 0xfb:
		return _mfn(mfn_x(known[d][next() % NR_KNOWN]) | 1UL << (20 + next() % 32));
	case 0xfa:
		return virt_to_mfn(dom[d]); /* the hypervisor's heap */
	case 0xf9:
		return _mfn(next() | (next() & 1) << 8);
	default:
		return known[d][n % NR_KNOWN];
	}
}

static mfn_t some_frame(void)
{
	unsigned int n = next();

	return some_frame_of(n < 0xe0 ? me->dom : n % AUDIT_DOMAINS);
}

static unsigned int some_slot(void)
{
	static const uint16_t slots[] = {0, 1, 2, 3, 4, 5, 6, 7, 255, 256, 271, 272, 510, 511};
	unsigned int n = next();

	return n < 0xc0 ? n % 8 : slots[n % ARRAY_SIZE(slots)];
}

static uint64_t entry_for(mfn_t mfn)
{
	static const uint64_t flags[] = {
		PTE_PLAIN | PTE_RW,
		PTE_PLAIN,
		PTE_P | PTE_RW | PTE_US,
		PTE_P | PTE_RW,
		0,
		PTE_RW | PTE_US,
		PTE_PLAIN | PTE_RW | PTE_PSE,
		PTE_PLAIN | PTE_G,
		PTE_PLAIN | PTE_RW | PTE_NX | PTE_AVAIL | PTE_AVAIL_HIGH,
		PTE_PLAIN | PTE_PCD | PTE_PWT,
		PTE_PLAIN | PTE_RW | 1UL << 51,
		PTE_PLAIN | PTE_PSE | PTE_PCD,
	};
	unsigned int n = next();

	if (n >= 0x80 && n < 0xa0)
		return 0;
	return pte_make(_mfn(mfn_x(mfn) & ((1UL << 40) - 1)),
			n < 0x80 ? flags[n & 1] : flags[n % ARRAY_SIZE(flags)]);
}

static uint64_t some_entry(void)
{
	return entry_for(some_frame());
}

/* Mostly one that the first tables cover. */
static unsigned long some_va(void)
{
	unsigned int n = next();

	if (n < 0xc0)
		return (unsigned long)(n % 8) << PAGE_SHIFT;
	n = next();
	unsigned long l4 = n & 0x80 ? (n & 0x40   ? 511
				       : n & 0x20 ? 256
						  : 1)
				    : 0,
		      va = l4 << 39 | (n & 0x10 ? 1UL : 0) << 30 | (n & 8 ? 1UL : 0) << 21 |
			   (unsigned long)some_slot() << 12;

	return l4 >= 256 ? va | 0xffffUL << 48 : va;
}

static domid_t some_domain(void)
{
	static const domid_t odd[] = {DOMID_SELF, DOMID_IO, DOMID_XEN, 63, DOMID_INVALID};
	unsigned int n = next();

	return n < 0xf0 ? n % AUDIT_DOMAINS : odd[n % ARRAY_SIZE(odd)];
}

/*
 * The tables' owner, if named, is the frames' owner: the control domain may map
 * anybody's frame in anybody's tables, and the audit couldn't tell that from a fault.
 */
static unsigned int foreign(void)
{
	unsigned int n = next(), d;

	if (n < 0xb0)
		return DOMID_SELF;
	d = some_domain();
	return n & 1 ? d | (d + 1) << 16 : d;
}

static unsigned long done_handle(void)
{
	return next() & 1 ? ht_va(&done[me - actors]) : 0;
}

static void remember(unsigned int d, mfn_t mfn)
{
	if (mfn_valid(mfn) && d < AUDIT_DOMAINS)
		known[d][next_known[d]++ % NR_KNOWN] = mfn;
}

/* ---- hypercalls --------------------------------------------------------------------- */

static void op_mmu_update(void)
{
	struct mmu_update *r = args[me - actors].mmu;
	unsigned int n = 1 + next() % 4, doms = foreign(), owner = doms & 0xffff;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int how = next();

		r[i].ptr = mfn_x(some_frame()) << PAGE_SHIFT | some_slot() * 8 |
			   (how < 0xc0 ? 0 : how & 3);
		r[i].val = entry_for(owner < AUDIT_DOMAINS ? some_frame_of(owner) : some_frame());
	}
	(void)hypercall(__HYPERVISOR_mmu_update, me_buf(), n, done_handle(), doms);
}

static void op_mmuext(void)
{
	static const uint8_t often[] = {MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_NEW_BASEPTR,
					MMUEXT_PIN_L3_TABLE, MMUEXT_NEW_USER_BASEPTR};
	struct mmuext_op *op = args[me - actors].ext;
	unsigned int n = 1 + next() % 3;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int cmd = next();

		op[i].cmd = cmd < 0x80 ? often[cmd % ARRAY_SIZE(often)] : cmd % 20;
		op[i].arg1.mfn = mfn_x(some_frame());
		op[i].arg2.src_mfn = 0;
		switch (op[i].cmd) {
		case MMUEXT_TLB_FLUSH_MULTI:
		case MMUEXT_INVLPG_MULTI:
		case MMUEXT_INVLPG_LOCAL:
		case MMUEXT_INVLPG_ALL:
			op[i].arg1.linear_addr = some_va();
			op[i].arg2.src_mfn = next() & 1 ? ht_va(vcpu_bits) : 0;
			break;
		case MMUEXT_SET_LDT:
			op[i].arg1.linear_addr = some_va() | (next() == 255);
			op[i].arg2.nr_ents = next() * 33U;
			break;
		case MMUEXT_COPY_PAGE:
			op[i].arg2.src_mfn = mfn_x(some_frame());
			break;
		default:
			break;
		}
	}
	(void)hypercall(__HYPERVISOR_mmuext_op, me_buf(), n, done_handle(), foreign());
}

static void op_update_va(void)
{
	unsigned long va = some_va(), flags = next() % 8;
	unsigned int n = next(), owner = n % AUDIT_DOMAINS;

	if ((flags & ~3UL) == 0 && n & 1)
		flags |= ht_va(vcpu_bits); /* UVMF_MULTI */
	if (n < 0xb0)
		(void)hypercall(__HYPERVISOR_update_va_mapping, va, some_entry(), flags, 0);
	else
		(void)hypercall(__HYPERVISOR_update_va_mapping_otherdomain, va,
				entry_for(some_frame_of(owner)), flags,
				n < 0xf0 ? owner : some_domain());
}

static void op_reservation(void)
{
	static const uint8_t cmds[] = {XENMEM_decrease_reservation, XENMEM_populate_physmap,
				       XENMEM_increase_reservation};
	struct xen_memory_reservation *r = &args[me - actors].res;
	xen_pfn_t *l = list[me - actors];
	unsigned int cmd = cmds[next() % 3], n = next();
	domid_t d = n < 0xc0 ? DOMID_SELF : some_domain();

	*r = (struct xen_memory_reservation){.extent_start = {l},
					     .nr_extents = 1 + next() % 4,
					     .extent_order = n == 0xbf ? next() : n % 3 == 0,
					     .domid = d};
	for (unsigned int i = 0; i < r->nr_extents; i++)
		l[i] = cmd == XENMEM_decrease_reservation ? mfn_x(some_frame()) : next();
	if (hypercall(__HYPERVISOR_memory_op, cmd, me_buf(), 0, 0) <= 0 ||
	    cmd == XENMEM_decrease_reservation)
		return;
	for (unsigned int i = 0; i < r->nr_extents; i++)
		remember(d == DOMID_SELF ? me->dom : d, _mfn(l[i]));
}

static void op_exchange(void)
{
	struct xen_memory_exchange *x = &args[me - actors].exchange;
	xen_pfn_t *in = list[me - actors], *out = out_list[me - actors];
	unsigned int n = next(), in_order = n & 1, out_order = n >> 1 & 1;

	*x = (struct xen_memory_exchange){.in = {{in}, 2U >> in_order, in_order, 0, DOMID_SELF},
					  .out = {{out}, 2U >> out_order, out_order, 0, DOMID_SELF},
					  .nr_exchanged = n == 0xff ? 1 : 0};
	for (unsigned int i = 0; i < 2; i++)
		in[i] = mfn_x(some_frame());
	out[0] = out[1] = 1;
	(void)hypercall(__HYPERVISOR_memory_op, XENMEM_exchange, me_buf(), 0, 0);
	for (unsigned int i = 0; i < x->out.nr_extents; i++) {
		remember(me->dom, _mfn(out[i]));
		remember(me->dom, _mfn(out[i] + 1));
	}
}

/* An entry of a guest's grant table, as the guest writes it. */
static void write_grant(unsigned int d, grant_ref_t ref, uint16_t flags, domid_t to, mfn_t mfn)
{
	mfn_t shared, status;

	if (dom[d]->dying != DOMDYING_alive || grant_table_get_frame(dom[d], false, 0, &shared))
		return;
	if (grant_table_get_frame(dom[d], true, 0, &status)) {
		struct grant_entry_v1 *e = (struct grant_entry_v1 *)mfn_to_virt(shared) + ref;

		*e = (struct grant_entry_v1){flags, to, (uint32_t)mfn_x(mfn)};
	} else {
		union grant_entry_v2 *e = (union grant_entry_v2 *)mfn_to_virt(shared) + ref;

		e->full_page.hdr.flags = flags;
		e->full_page.hdr.domid = to;
		e->full_page.frame = mfn_x(mfn);
	}
}

static void op_grant_entry(void)
{
	unsigned int ref = next() % 4, n = next();
	uint16_t flags = (uint16_t)(n < 0xc0 ? GTF_permit_access | (n & 1 ? GTF_readonly : 0) : n);
	mfn_t mfn = some_frame();

	write_grant(me->dom, ref, flags, some_domain(), mfn);
}

/* Where this vCPU's last mappings went. */
static uint64_t last_mapped[NR_VCPUS][4];

/* A virtual address, or the machine address of an entry. */
static uint64_t grant_address(unsigned int flags)
{
	return flags & GNTMAP_contains_pte ? mfn_x(some_frame()) << PAGE_SHIFT | some_slot() * 8
					   : some_va();
}

static void op_grant_map(void)
{
	struct gnttab_map_grant_ref *m = args[me - actors].map;
	unsigned int n = 1 + next() % 2;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int f = next();

		m[i] = (struct gnttab_map_grant_ref){
			.flags = (f & 1 ? GNTMAP_device_map : 0) | (f & 6 ? GNTMAP_host_map : 0) |
				 (f & 8 ? GNTMAP_readonly : 0) | (f & 16 ? GNTMAP_contains_pte : 0),
			.ref = next() % 5,
			.dom = some_domain()};
		m[i].host_addr = grant_address(m[i].flags);
		last_mapped[me - actors][next() % 4] = m[i].host_addr;
		/* Both sides agree, mostly. */
		if (f < 0xc0 && m[i].dom < AUDIT_DOMAINS && m[i].ref < 4)
			write_grant(m[i].dom, m[i].ref,
				    GTF_permit_access | (f & 8 ? GTF_readonly : 0),
				    (domid_t)me->dom, some_frame_of(m[i].dom));
	}
	(void)hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, me_buf(), n, 0);
}

static void op_grant_unmap(void)
{
	struct gnttab_unmap_grant_ref *u = args[me - actors].unmap;
	unsigned int n = 1 + next() % 2,
		     cmd = next() < 0xc0 ? GNTTABOP_unmap_grant_ref : GNTTABOP_unmap_and_replace;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int f = next();

		u[i] = (struct gnttab_unmap_grant_ref){
			.handle = next() % 6,
			.host_addr = f & 1 ? grant_address(f & 16 ? GNTMAP_contains_pte : 0) : 0,
			.dev_bus_addr = f & 2 ? mfn_x(some_frame_of(next() % 3)) << PAGE_SHIFT : 0};
		if (f & 0x40)
			u[i].host_addr = last_mapped[me - actors][next() % 4];
		if (cmd == GNTTABOP_unmap_and_replace)
			u[i].dev_bus_addr = some_va();
	}
	(void)hypercall(__HYPERVISOR_grant_table_op, cmd, me_buf(), n, 0);
}

static void op_grant_copy(void)
{
	struct gnttab_copy *c = args[me - actors].copy;

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int f = next();

		c[i] = (struct gnttab_copy){.len = (uint16_t)(next() * 16), .flags = f & 3};
		if (f & GNTCOPY_source_gref)
			c[i].source.u.ref = next() % 5;
		else
			c[i].source.u.gmfn = mfn_x(some_frame());
		if (f & GNTCOPY_dest_gref)
			c[i].dest.u.ref = next() % 5;
		else
			c[i].dest.u.gmfn = mfn_x(some_frame());
		c[i].source.domid = f & GNTCOPY_source_gref ? some_domain() : DOMID_SELF;
		c[i].dest.domid = f & GNTCOPY_dest_gref ? some_domain() : DOMID_SELF;
		c[i].source.offset = f & 0x10 ? 0 : (uint16_t)(next() * 16);
		c[i].dest.offset = f & 0x20 ? 0 : (uint16_t)(next() * 16);
	}
	(void)hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, me_buf(), 2, 0);
}

static void op_grant_version(void)
{
	args[me - actors].version = (struct gnttab_set_version){next() % 4};
	(void)hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_set_version, me_buf(), 1, 0);
}

static void op_set_gdt(void)
{
	unsigned int n = next() % 4;

	for (unsigned int i = 0; i < n; i++)
		args[me - actors].gdt[i] = mfn_x(some_frame());
	(void)hypercall(__HYPERVISOR_set_gdt, me_buf(), n * 512 - (n && next() & 1), 0, 0);
}

/* Data, code, a TSS, conforming code, a kernel's code and data */
static uint64_t some_descriptor(void)
{
	static const uint64_t descs[] = {0,
					 0x00cff3000000ffffULL,
					 0x00afbb000000ffffULL,
					 0x0000890000000067ULL,
					 0x00af9f000000ffffULL,
					 0x00af9b000000ffffULL,
					 0x00cf93000000ffffULL};

	return descs[next() % ARRAY_SIZE(descs)];
}

static void op_descriptor(void)
{
	uint64_t desc = some_descriptor();

	(void)hypercall(__HYPERVISOR_update_descriptor,
			mfn_x(some_frame()) << PAGE_SHIFT | some_slot() * 8, desc, 0, 0);
}

static void op_ldt_fault(void)
{
	unsigned int n = next();

	(void)pv_ldt_fault(current, (n & 15UL) << PAGE_SHIFT | (n >> 4), n == 0xff ? 1 : 0);
}

/* ---- what needs no hypercall ---------------------------------------------------------- */

/* The guest writes through its page tables: whatever its TLB says. */
static void op_touch(void)
{
	bool write = next() & 1;
	uint64_t *p = ht_mmu_access(some_va() & ~7UL, write);

	if (p && write)
		p[some_slot()] = some_entry();
}

/*
 * Many entries at once, through a mapping that a guest has for a moment: what a
 * guest's first page tables come from.
 */
static void op_fill(void)
{
	mfn_t mfn = some_frame();
	unsigned int how = next(), n = 1 + (how & 0x7f) % 6;
	struct domain *d = dom[me->dom];

	if (!mfn_valid(mfn) || page_get_and_type(mfn_to_page(mfn), d, PGT_writable))
		return;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int slot = some_slot();

		((uint64_t *)mfn_to_virt(mfn))[slot] =
			how & 0x80 ? some_descriptor() : some_entry();
	}
	page_put_and_type_simple(mfn_to_page(mfn));
}

/*
 * What the mapping rules are for: a page that a TLB knows goes out of the page
 * tables, without a flush, and is used for something else.
 */
static void op_recycle(void)
{
	unsigned long va = some_va();
	unsigned int n = next();
	const char *p = ht_mmu_access(va, n & 1);
	mfn_t mfn = p ? virt_to_mfn(p) : _mfn(0);
	struct mmuext_op *op = args[me - actors].ext;
	struct xen_memory_reservation *r = &args[me - actors].res;

	if (!p || hypercall(__HYPERVISOR_update_va_mapping, va, 0, 0, 0))
		return;
	switch (n >> 1 & 3) {
	case 0:
		op[0] = (struct mmuext_op){.cmd = n >> 3 & 3, .arg1.mfn = mfn_x(mfn)};
		(void)hypercall(__HYPERVISOR_mmuext_op, me_buf(), 1, 0, DOMID_SELF);
		break;
	case 1:
		args[me - actors].gdt[0] = mfn_x(mfn);
		(void)hypercall(__HYPERVISOR_set_gdt, me_buf(), 1, 0, 0);
		break;
	default:
		list[me - actors][0] = mfn_x(mfn);
		*r = (struct xen_memory_reservation){
			.extent_start = {list[me - actors]}, .nr_extents = 1, .domid = DOMID_SELF};
		if (hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, me_buf(), 0,
			      0) != 1 ||
		    hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, me_buf(), 0, 0) != 1)
			return;
		remember(me->dom, _mfn(list[me - actors][0]));
	}
}

/* A grant is mapped, and at once given up for what is mapped somewhere else. */
static void op_grant_move(void)
{
	struct gnttab_map_grant_ref *m = args[me - actors].map;
	struct gnttab_unmap_grant_ref *u = args[me - actors].unmap;
	unsigned int f = next(), d = f % AUDIT_DOMAINS;
	uint64_t va = some_va();

	*m = (struct gnttab_map_grant_ref){.flags = GNTMAP_host_map | (f & 8 ? GNTMAP_readonly : 0),
					   .ref = f >> 4 & 3,
					   .dom = (domid_t)d,
					   .host_addr = va};
	write_grant(d, m->ref, GTF_permit_access, (domid_t)me->dom, some_frame_of(d));
	if (hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, me_buf(), 1, 0) ||
	    m->status)
		return;
	*u = (struct gnttab_unmap_grant_ref){
		.host_addr = va, .dev_bus_addr = some_va(), .handle = m->handle};
	(void)hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, me_buf(), 1, 0);
}

/* An LDT in a page that is mapped read-only, and its use. */
static void op_ldt(void)
{
	unsigned long va = some_va();
	struct mmuext_op *op = args[me - actors].ext;

	if (hypercall(__HYPERVISOR_update_va_mapping, va,
		      pte_make(some_frame_of(me->dom), PTE_PLAIN), 0, 0))
		return;
	op[0] = (struct mmuext_op){
		.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va, .arg2.nr_ents = 600};
	if (hypercall(__HYPERVISOR_mmuext_op, me_buf(), 1, 0, DOMID_SELF))
		return;
	for (unsigned int n = next() % 3; n; n--)
		(void)pv_ldt_fault(current, 0, 0);
}

/* ---- contexts, birth, death ------------------------------------------------------------- */

static int set_context(struct vcpu *v, mfn_t root, mfn_t user_root)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->flags = VGCF_in_kernel;
	c->ctrlreg[3] = xen_pfn_to_cr3(mfn_x(root));
	c->ctrlreg[1] = mfn_x(user_root) ? xen_pfn_to_cr3(mfn_x(user_root)) : 0;
	rc = arch_vcpu_set_context(v, c);
	hv_free(c);
	return rc;
}

/* VCPUOP_initialise and domctl setvcpucontext: of a vCPU that doesn't run. */
static void op_context(void)
{
	struct vcpu *v = dom[1]->vcpu[1];
	unsigned int n = next();

	if (me->dom == 2 || v == current || dom[1]->dying != DOMDYING_alive)
		return;
	/* A vCPU that is in a hypercall is paused there, at a point where it could go on. */
	if (n == 0xfe)
		(void)arch_vcpu_reset(v);
	else if (n & 1 && !set_context(v, some_frame_of(1), n & 2 ? some_frame_of(1) : _mfn(0)))
		actors[2].in_hypercall = false;
	/* On the way back to the caller's guest */
	while (current->arch.old_root)
		(void)pt_drop_deferred(current);
	/* Its tables are loaded anew before it runs. */
	tlb_flush_mask(&(struct cpumask){1UL << v->arch.loaded_cpu});
	pv_load_descriptor_tables(v, v->arch.loaded_cpu);
}

static mfn_t new_table(unsigned int d)
{
	mfn_t mfn = ht_domain_page(dom[d]);

	remember(d, mfn);
	return mfn;
}

static void link_tables(mfn_t table, unsigned int slot, mfn_t to, uint64_t flags)
{
	((uint64_t *)mfn_to_virt(table))[slot] = pte_make(to, PTE_PLAIN | flags);
}

/*
 * A tree with a table in the first and the last slot at each level: then every
 * level is one that a release can stop in.
 */
static mfn_t make_tree(unsigned int d, unsigned int arms)
{
	mfn_t l4 = new_table(d), l3 = new_table(d);

	link_tables(l4, arms == 1 ? 0 : 511, l3, PTE_RW);
	for (unsigned int i = 0; i < arms; i++) {
		mfn_t l2 = new_table(d), l1 = new_table(d);

		link_tables(l3, i ? 511 : 0, l2, PTE_RW);
		link_tables(l2, i ? 511 : 0, l1, PTE_RW);
		for (unsigned int j = 0; j < (arms == 1 ? 6 : 2); j++)
			link_tables(l1, j, new_table(d), PTE_RW);
		link_tables(l1, 6, l4, 0);
	}
	return l4;
}

static void make_domain(unsigned int id, unsigned int vcpus)
{
	struct domain *d = ht_domain_new(id, vcpus, 0);
	struct vcpu *v;
	mfn_t root;

	dom[id] = d;
	d->max_pages = 60;
	if (arch_domain_create(d, NULL) || grant_table_create(d, 2, 1, 2))
		panic("no domain");
	root = make_tree(id, 1);
	make_tree(id, 2);
	while (next_known[id] < NR_KNOWN - 8)
		new_table(id);
	for_each_vcpu (d, v) {
		if (arch_vcpu_create(v) || set_context(v, root, _mfn(0)))
			panic("no vCPU");
	}
}

static void make_world(void)
{
	static const uint8_t vcpus[AUDIT_DOMAINS] = {1, 2, 1};

	ht_machine_init_frames(FRAMES);
	ht_preempt_every(0);
	ht_cpu = 0;
	for (unsigned int i = 0; i < AUDIT_DOMAINS; i++) {
		next_known[i] = 0;
		make_domain(i, vcpus[i]);
	}
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		actors[i].in_hypercall = false;
		dom[actors[i].dom]->vcpu[actors[i].vcpu]->arch.loaded_cpu = i;
		dom[actors[i].dom]->dirty_cpus.bits |= 1UL << i;
		memset(desc_gdt_ptes(i), 0, 32 * sizeof(uint64_t));
	}
}

/* A slice of a domain's end, as domain_kill() has it. */
static bool kill_slice(struct domain *d)
{
	ht_domain_dying(d);
	if (arch_domain_relinquish(d) || grant_table_release_mappings(d))
		return false;
	grant_table_destroy(d);
	return true;
}

static void op_kill(void)
{
	unsigned int n = next();

	if (me->dom || n < 0xe0)
		return;
	(void)kill_slice(dom[1 + n % 2]);
}

static void end_world(void)
{
	struct vcpu *v;

	ht_cpu = 0;
	ht_run(dom[0], 0);
	for (unsigned int i = AUDIT_DOMAINS; i--;) {
		for (unsigned int n = 0; !kill_slice(dom[i]); n++) {
			audit(dom);
			if (n == 20000)
				panic("the end of d%u doesn't come nearer", i);
		}
		audit(dom);
	}
	for (unsigned int i = 0; i < AUDIT_DOMAINS; i++) {
		for_each_vcpu (dom[i], v)
			arch_vcpu_destroy(v);
		arch_domain_destroy(dom[i]);
		ht_domain_free(dom[i]);
		dom[i] = NULL;
	}
	memset(ht_tlb, 0, sizeof(ht_tlb));
}

/* ---- a run ------------------------------------------------------------------------------ */

static void (*const ops[])(void) = {
	op_mmu_update, op_mmu_update,    op_mmuext,   op_mmuext,      op_mmuext,     op_update_va,
	op_update_va,  op_reservation,   op_exchange, op_grant_entry, op_grant_map,  op_grant_unmap,
	op_grant_copy, op_grant_version, op_set_gdt,  op_descriptor,  op_ldt_fault,  op_touch,
	op_touch,      op_fill,          op_fill,     op_context,     op_kill,       op_recycle,
	op_recycle,    op_recycle,       op_ldt,      op_grant_map,   op_grant_move,
};

void world_run(const uint8_t *data, size_t size)
{
	unsigned long free_before;

	ht_machine_init_frames(FRAMES);
	free_before = page_free_count();
	input = data;
	input_end = data + size;
	make_world();
	while (input < input_end) {
		unsigned int n = next(), preempt = n >> 2 & 7;

		if (!become(n))
			continue;
		ht_preempt_every(preempt < 4 ? 0 : preempt - 3);
		if (n & 0x20)
			ht_leave_free(n >> 6);
		if (!go_on()) {
			unsigned int op = next() % ARRAY_SIZE(ops);

			pr_debug("step %lu: d%uv%u, operation %u, preempted every %u\n",
				 world_steps, me->dom, me->vcpu, op, preempt < 4 ? 0 : preempt - 3);
			ops[op]();
		}
		ht_free_all();
		audit(dom);
		world_steps++;
	}
	end_world();
	if (page_free_count() != free_before)
		panic("%lu frames are lost", free_before - page_free_count());
}
