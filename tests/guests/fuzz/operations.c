/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * One random operation each. Arguments are right most of the time, so that
 * things get done; now and then one is from where limits are.
 *
 * The windows are 2 MiB pieces of address space that an arena frame may become
 * the L1 table of. The boot page tables, code and stacks are never touched.
 */
#include "fuzz.h"

#define WINDOWS    4
#define WINDOW(i)  (0x3f000000UL + (i)*0x200000UL)
#define GRANT_REFS 64
#define HANDLES    64
#define PORTS      32

#define ENTRY_FRAME 0x000ffffffffff000UL /* of a page-table entry */

static struct grant_entry_v1 *grants;
static volatile grant_handle_t handles[HANDLES];
static volatile uint64_t handle_addr[HANDLES];
static domid_t self;
static unsigned long last_frame; /* of the machine */

/* ---- choices ------------------------------------------------------------------- */

static bool one_in(struct fuzzer *f, unsigned int n)
{
	return rnd(f) % n == 0;
}

static void note(struct fuzzer *f, bool ok)
{
	f->successes += ok;
}

static struct arena_page *page(struct fuzzer *f)
{
	return &arena[rnd(f) % ARENA_PAGES];
}

unsigned long not_ours(unsigned long mfn)
{
	const unsigned long *list = (const unsigned long *)start_info->mfn_list;
	unsigned long pfn;

	if (mfn > last_frame)
		return mfn;
	pfn = ((const unsigned long *)MACH2PHYS_VIRT_START)[mfn];
	return pfn < start_info->nr_pages && list[pfn] == mfn ? 0 : mfn;
}

static unsigned long odd_frame(struct fuzzer *f)
{
	switch (rnd(f) % 6) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	case 2:
		return 0xffffffffffUL;
	case 3:
		return not_ours(rnd(f) % 0x100000);
	case 4:
		return 0xa0; /* of the machine's */
	default:
		return not_ours(1UL << rnd(f) % 64);
	}
}

static unsigned long frame(struct fuzzer *f)
{
	return one_in(f, 16) ? odd_frame(f) : page(f)->mfn;
}

/*
 * With a bit more: but no frame of ours that isn't in the arena. It would be mapped like
 * one that is, and what the guest needs be written over (the witness's, once).
 */
static uint64_t with_odd_bit(struct fuzzer *f, uint64_t pte)
{
	uint64_t odd = pte | 1UL << rnd(f) % 64;
	unsigned long mfn = (odd & ENTRY_FRAME) >> 12;

	return mfn == (pte & ENTRY_FRAME) >> 12 || not_ours(mfn) ? odd : pte;
}

static uint64_t entry(struct fuzzer *f)
{
	static const uint64_t flags[] = {PTE_RO, PTE_RW, PTE_RW, PTE_RO | PTE_NX, PTE_P, 0};
	uint64_t pte = frame(f) << 12 | flags[rnd(f) % ARRAY_SIZE(flags)];

	switch (rnd(f) % 24) {
	case 0:
		return virt_to_maddr((void *)start_info->pt_base) | flags[rnd(f) % 4];
	case 1:
		return with_odd_bit(f, pte);
	case 2:
		return pte | PTE_PS;
	case 3:
		return pte | 0x100 | 0xe00;
	default:
		return pte;
	}
}

/* Writes 8 bytes at an address that may be read-only, absent or a page table. */
static bool poke(volatile void *va, uint64_t value)
{
	return PROBE("movq %1, (%0)", : : "r"(va), "r"(value) : "memory");
}

static bool peek(volatile void *va)
{
	uint64_t value;

	return PROBE("movq (%1), %0", : "=r"(value) : "r"(va) : "memory");
}

static long mmuext(unsigned int cmd, unsigned long arg1, unsigned long arg2)
{
	struct mmuext_op op = {.cmd = cmd};

	op.arg1.mfn = arg1;
	op.arg2.src_mfn = arg2;
	return hypercall(mmuext_op, &op, 1, 0, DOMID_SELF);
}

/* ---- memory ---------------------------------------------------------------------- */

/* Fills a page with something that is good for one use or another. */
void fuzz_write(struct fuzzer *f)
{
	struct arena_page *p = page(f);
	uint64_t *to = (uint64_t *)p->va;
	unsigned int n = 1 + rnd(f) % 6;

	if (one_in(f, 12)) {
		/* A root: the boot one's entries */
		const uint64_t *root = (const uint64_t *)start_info->pt_base;

		for (unsigned int i = 0; i < 256; i++) {
			if (root[i] && !poke(&to[i], root[i]))
				return;
		}
	} else if (one_in(f, 6)) {
		for (unsigned int i = 0; i < 512; i++) {
			if (!poke(&to[i], 0))
				return;
		}
	} else if (one_in(f, 6)) {
		/* Flat segments, a gate now and then */
		note(f, poke(&to[rnd(f) % 512], one_in(f, 4) ? rnd(f) : 0x00cff3000000ffffUL));
		return;
	}
	while (n--)
		note(f, poke(&to[rnd(f) % 512], entry(f)));
}

void fuzz_rights(struct fuzzer *f)
{
	static const unsigned long flush[] = {UVMF_INVLPG | UVMF_ALL, UVMF_INVLPG | UVMF_LOCAL,
					      UVMF_TLB_FLUSH | UVMF_ALL, UVMF_NONE, 7};
	struct arena_page *p = page(f);
	uint64_t pte = p->mfn << 12 | (one_in(f, 2) ? PTE_RW : PTE_RO);

	if (one_in(f, 10))
		pte = entry(f);
	if (!p->mfn)
		pte = 0;
	note(f, hypercall(update_va_mapping, p->va, pte, flush[rnd(f) % 5]) == 0);
}

void fuzz_pin(struct fuzzer *f)
{
	static const unsigned int cmds[] = {
		MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
		MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,  MMUEXT_UNPIN_TABLE,  MMUEXT_UNPIN_TABLE};

	note(f, mmuext(cmds[rnd(f) % ARRAY_SIZE(cmds)], frame(f), 0) == 0);
}

void fuzz_update(struct fuzzer *f)
{
	static const uint32_t kinds[] = {MMU_NORMAL_PT_UPDATE, MMU_NORMAL_PT_UPDATE,
					 MMU_PT_UPDATE_PRESERVE_AD, MMU_PT_UPDATE_NO_TRANSLATE};
	struct mmu_update req[4];
	unsigned int n = 1 + rnd(f) % ARRAY_SIZE(req), done;

	for (unsigned int i = 0; i < n; i++) {
		req[i].ptr = frame(f) << 12 | (rnd(f) % 512 * 8) | kinds[rnd(f) % 4];
		req[i].val = entry(f);
		if (one_in(f, 20)) {
			struct arena_page *p = page(f);

			req[i].ptr = p->mfn << 12 | MMU_MACHPHYS_UPDATE;
			req[i].val = (uintptr_t)p->va / PAGE_SIZE;
		}
	}
	note(f, hypercall(mmu_update, req, n, one_in(f, 2) ? &done : NULL,
			  one_in(f, 16) ? rnd(f) : DOMID_SELF) == 0);
}

/* Puts a table into, or takes one out of, the live page tables. */
void fuzz_hook(struct fuzzer *f)
{
	uint64_t *pde = pde_of((void *)WINDOW(rnd(f) % WINDOWS));
	struct mmu_update req = {.ptr = virt_to_maddr(pde), .val = frame(f) << 12 | PTE_RW};

	if (one_in(f, 3))
		req.val = 0;
	note(f, hypercall(mmu_update, &req, 1, 0, DOMID_SELF) == 0);
}

/* Reads or writes through a window, or what may be a page table by now. */
void fuzz_touch(struct fuzzer *f)
{
	volatile char *va = (volatile char *)WINDOW(rnd(f) % WINDOWS) + rnd(f) % 512 * PAGE_SIZE;

	switch (rnd(f) % 4) {
	case 0:
		note(f, peek(va));
		break;
	case 1:
		/* Harmless in whatever frame it lands, if it is not refused */
		note(f, poke(va + rnd(f) % 512 * 8, 0));
		break;
	case 2:
		note(f, poke(page(f)->va + rnd(f) % 512 * 8, entry(f)));
		break;
	default:
		note(f, hypercall(update_va_mapping, va, entry(f), UVMF_INVLPG | UVMF_LOCAL) == 0);
		break;
	}
}

/*
 * Each vCPU has a root of its own beside the boot one, with the same first entry,
 * that nobody else touches; what hangs off its other entries is anybody's.
 */
static uint64_t roots[2][512] __attribute__((aligned(4096)));

void fuzz_root(struct fuzzer *f)
{
	unsigned long boot = virt_to_mfn((void *)start_info->pt_base);
	unsigned long own = virt_to_mfn(roots[f->id]);
	struct mmu_update req = {.ptr = (own << 12) + (1 + rnd(f) % 255) * 8,
				 .val = one_in(f, 2) ? 0 : frame(f) << 12 | PTE_RW};

	switch (rnd(f) % 6) {
	case 0:
		note(f, mmuext(MMUEXT_NEW_USER_BASEPTR, one_in(f, 3) ? 0 : own, 0) == 0);
		break;
	case 1:
		note(f, mmuext(MMUEXT_NEW_BASEPTR, own, 0) == 0);
		break;
	case 2:
		note(f, mmuext(MMUEXT_NEW_BASEPTR, boot, 0) == 0);
		break;
	case 3:
		note(f,
		     mmuext(one_in(f, 2) ? MMUEXT_PIN_L4_TABLE : MMUEXT_UNPIN_TABLE, own, 0) == 0);
		break;
	default:
		note(f, hypercall(mmu_update, &req, 1, 0, DOMID_SELF) == 0);
		break;
	}
}

void fuzz_mmuext(struct fuzzer *f)
{
	struct mmuext_op ops[3];
	unsigned int n = 1 + rnd(f) % 3, done;
	uint64_t all = ~0UL;

	for (unsigned int i = 0; i < n; i++) {
		static const unsigned int cmds[] = {
			MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL,  MMUEXT_TLB_FLUSH_MULTI,
			MMUEXT_INVLPG_MULTI,    MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL,
			MMUEXT_FLUSH_CACHE,     MMUEXT_CLEAR_PAGE,    MMUEXT_COPY_PAGE,
			MMUEXT_UNPIN_TABLE,     MMUEXT_PIN_L1_TABLE};
		unsigned int cmd = cmds[rnd(f) % ARRAY_SIZE(cmds)];

		ops[i].cmd = one_in(f, 40) ? (unsigned int)rnd(f) % 64 : cmd;
		/* Never a root or a descriptor table by accident */
		if (ops[i].cmd == MMUEXT_NEW_BASEPTR || ops[i].cmd == MMUEXT_SET_LDT)
			ops[i].cmd = MMUEXT_TLB_FLUSH_LOCAL;
		ops[i].arg1.mfn = frame(f);
		ops[i].arg2.src_mfn = frame(f);
		if (ops[i].cmd == MMUEXT_INVLPG_LOCAL || ops[i].cmd == MMUEXT_INVLPG_ALL ||
		    ops[i].cmd == MMUEXT_INVLPG_MULTI)
			ops[i].arg1.linear_addr = (unsigned long)page(f)->va;
		if (ops[i].cmd == MMUEXT_TLB_FLUSH_MULTI || ops[i].cmd == MMUEXT_INVLPG_MULTI)
			set_xen_guest_handle(ops[i].arg2.vcpumask, (void *)&all);
	}
	note(f, hypercall(mmuext_op, ops, n, &done, DOMID_SELF) == 0);
}

/* ---- descriptor tables --------------------------------------------------------------- */

void fuzz_gdt(struct fuzzer *f)
{
	xen_pfn_t frames[3];
	unsigned int n = rnd(f) % 3 + 1;

	for (unsigned int i = 0; i < n; i++)
		frames[i] = frame(f);
	note(f, hypercall(set_gdt, frames, one_in(f, 3) ? 0 : n * 512) == 0);
}

void fuzz_ldt(struct fuzzer *f)
{
	uint16_t sel = (uint16_t)(rnd(f) % 1024 * 8 | 7);

	if (one_in(f, 3)) {
		note(f, mmuext(MMUEXT_SET_LDT, (unsigned long)page(f)->va,
			       one_in(f, 3) ? 0 : 512 + rnd(f) % 512) == 0);
		return;
	}
	/* Whether it can be loaded depends on what the page holds just now. */
	note(f, PROBE("mov %0, %%es", : : "r"(sel)));
	__asm__ volatile("mov %0, %%es" : : "r"(0));
}

void fuzz_descriptor(struct fuzzer *f)
{
	note(f, hypercall(update_descriptor, frame(f) << 12 | rnd(f) % 512 * 8,
			  one_in(f, 4) ? rnd(f) : 0x00cff3000000ffffUL) == 0);
}

/* ---- having and not having frames ------------------------------------------------------ */

void fuzz_reservation(struct fuzzer *f)
{
	struct arena_page *p = page(f);
	unsigned long mfn = p->mfn;
	xen_pfn_t extent = mfn;
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

	set_xen_guest_handle(r.extent_start, &extent);
	if (!mfn) {
		extent = (uintptr_t)p->va / PAGE_SIZE;
		if (hypercall(memory_op, XENMEM_populate_physmap, &r) != 1)
			return;
		p->mfn = extent;
		note(f, hypercall(update_va_mapping, p->va, extent << 12 | PTE_RW,
				  UVMF_INVLPG | UVMF_ALL) == 0);
		return;
	}
	if (one_in(f, 2))
		hypercall(update_va_mapping, p->va, 0, UVMF_INVLPG | UVMF_ALL);
	if (hypercall(memory_op, XENMEM_decrease_reservation, &r) == 1) {
		p->mfn = 0;
		note(f, true);
	}
}

void fuzz_exchange(struct fuzzer *f)
{
	struct arena_page *p = page(f);
	xen_pfn_t in = p->mfn, out = (uintptr_t)p->va / PAGE_SIZE;
	struct xen_memory_exchange x = {
		.in = {.nr_extents = 1, .domid = DOMID_SELF},
		.out = {.nr_extents = 1, .domid = DOMID_SELF},
	};

	if (!in)
		return;
	x.out.mem_flags = one_in(f, 2) ? XENMEMF_address_bits(32) : 0;
	set_xen_guest_handle(x.in.extent_start, &in);
	set_xen_guest_handle(x.out.extent_start, &out);
	if (one_in(f, 2))
		hypercall(update_va_mapping, p->va, 0, UVMF_INVLPG | UVMF_ALL);
	if (hypercall(memory_op, XENMEM_exchange, &x) == 0 && x.nr_exchanged == 1) {
		p->mfn = out;
		hypercall(update_va_mapping, p->va, out << 12 | PTE_RW, UVMF_INVLPG | UVMF_ALL);
		note(f, true);
	}
}

/* ---- grants --------------------------------------------------------------------------- */

/* The table is the version 1 one; as version 2 these are other entries, equally random. */
void fuzz_grant(struct fuzzer *f)
{
	static const uint16_t flags[] = {
		GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly,
		GTF_invalid,       GTF_transitive,    GTF_permit_access | GTF_sub_page};
	unsigned int ref = 8 + rnd(f) % GRANT_REFS;

	__atomic_store_n(&grants[ref].flags, 0, __ATOMIC_SEQ_CST);
	grants[ref].domid = one_in(f, 12) ? 0 : self;
	grants[ref].frame = (uint32_t)frame(f);
	__atomic_store_n(&grants[ref].flags, flags[rnd(f) % ARRAY_SIZE(flags)], __ATOMIC_SEQ_CST);
}

void fuzz_map(struct fuzzer *f)
{
	static const uint32_t flags[] = {GNTMAP_host_map,
					 GNTMAP_host_map,
					 GNTMAP_host_map | GNTMAP_readonly,
					 GNTMAP_host_map | GNTMAP_device_map,
					 GNTMAP_device_map,
					 GNTMAP_device_map | GNTMAP_readonly};
	struct gnttab_map_grant_ref op = {
		.ref = 8 + (uint32_t)rnd(f) % GRANT_REFS,
		.dom = one_in(f, 16) ? (domid_t)rnd(f) : self,
		.flags = flags[rnd(f) % ARRAY_SIZE(flags)],
	};
	unsigned int slot = rnd(f) % HANDLES;

	if (one_in(f, 3)) {
		/* By the entry's machine address, in a frame that may be a table */
		op.host_addr = frame(f) << 12 | rnd(f) % 512 * 8;
		op.flags |= GNTMAP_contains_pte;
	} else {
		op.host_addr = WINDOW(rnd(f) % WINDOWS) + rnd(f) % 64 * PAGE_SIZE;
	}
	if (hypercall(grant_table_op, GNTTABOP_map_grant_ref, &op, 1) == 0 &&
	    op.status == GNTST_okay) {
		handles[slot] = op.handle;
		handle_addr[slot] = op.host_addr;
		note(f, true);
	}
}

void fuzz_unmap(struct fuzzer *f)
{
	unsigned int slot = rnd(f) % HANDLES;
	struct gnttab_unmap_grant_ref op = {
		.handle = one_in(f, 16) ? (grant_handle_t)rnd(f) : handles[slot],
		.host_addr = one_in(f, 16) ? rnd(f) : handle_addr[slot],
	};
	struct gnttab_unmap_and_replace replace = {
		.handle = op.handle,
		.host_addr = op.host_addr,
		.new_addr = WINDOW(rnd(f) % WINDOWS) + rnd(f) % 64 * PAGE_SIZE,
	};

	if (one_in(f, 6)) {
		hypercall(grant_table_op, GNTTABOP_unmap_and_replace, &replace, 1);
		note(f, replace.status == GNTST_okay);
		return;
	}
	if (one_in(f, 4))
		op.dev_bus_addr = frame(f) << 12;
	hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);
	note(f, op.status == GNTST_okay);
}

void fuzz_grant_copy(struct fuzzer *f)
{
	struct gnttab_copy op = {.len = (uint16_t)(rnd(f) % 64)};

	op.source.offset = (uint16_t)(rnd(f) % 4096);
	op.dest.offset = (uint16_t)(rnd(f) % 4096);
	op.source.domid = op.dest.domid = one_in(f, 10) ? (domid_t)rnd(f) : DOMID_SELF;
	if (one_in(f, 2)) {
		op.flags |= GNTCOPY_source_gref;
		op.source.u.ref = 8 + (uint32_t)rnd(f) % GRANT_REFS;
	} else {
		op.source.u.gmfn = frame(f);
	}
	if (one_in(f, 2)) {
		op.flags |= GNTCOPY_dest_gref;
		op.dest.u.ref = 8 + (uint32_t)rnd(f) % GRANT_REFS;
	} else {
		op.dest.u.gmfn = frame(f);
	}
	hypercall(grant_table_op, GNTTABOP_copy, &op, 1);
	note(f, op.status == GNTST_okay);
}

void fuzz_grant_misc(struct fuzzer *f)
{
	struct gnttab_set_version version = {.version = 1 + (uint32_t)rnd(f) % 2};
	struct gnttab_swap_grant_ref swap = {.ref_a = 8 + (uint32_t)rnd(f) % GRANT_REFS,
					     .ref_b = 8 + (uint32_t)rnd(f) % GRANT_REFS};
	xen_pfn_t list[4];
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = (uint32_t)rnd(f) % 5};
	struct gnttab_cache_flush flush = {.length = 64, .op = GNTTAB_CACHE_CLEAN};

	switch (rnd(f) % 5) {
	case 0:
		note(f, hypercall(grant_table_op, GNTTABOP_set_version, &version, 1) == 0);
		break;
	case 1:
		hypercall(grant_table_op, GNTTABOP_swap_grant_ref, &swap, 1);
		note(f, swap.status == GNTST_okay);
		break;
	case 2:
		set_xen_guest_handle(setup.frame_list, list);
		hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1);
		note(f, setup.status == GNTST_okay);
		break;
	case 3:
		flush.a.dev_bus_addr = frame(f) << 12;
		hypercall(grant_table_op, GNTTABOP_cache_flush, &flush, 1);
		break;
	default:
		hypercall(grant_table_op, rnd(f) % 16, (void *)page(f)->va, rnd(f) % 4);
		break;
	}
}

/* ---- events -------------------------------------------------------------------------------- */

static evtchn_port_t port(struct fuzzer *f)
{
	/* The first ones are xenstore's and the console's. */
	return one_in(f, 20) ? (evtchn_port_t)rnd(f) : 3 + (evtchn_port_t)(rnd(f) % PORTS);
}

void fuzz_event(struct fuzzer *f)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = port(f)};
	struct evtchn_close close = {.port = port(f)};
	struct evtchn_send send = {.port = port(f)};
	struct evtchn_bind_vcpu vcpu = {.port = port(f), .vcpu = (uint32_t)rnd(f) % 3};
	struct evtchn_bind_ipi ipi = {.vcpu = (uint32_t)rnd(f) % 3};
	struct evtchn_bind_virq virq = {.virq = (uint32_t)rnd(f) % 10,
					.vcpu = (uint32_t)rnd(f) % 3};
	struct evtchn_unmask unmask = {.port = port(f)};
	struct evtchn_status status = {.dom = DOMID_SELF, .port = port(f)};
	void *const args[] = {&alloc, &bind, &close, &send, &vcpu, &ipi, &virq, &unmask, &status};
	static const unsigned int cmds[] = {
		EVTCHNOP_alloc_unbound, EVTCHNOP_bind_interdomain, EVTCHNOP_close,
		EVTCHNOP_send,          EVTCHNOP_bind_vcpu,        EVTCHNOP_bind_ipi,
		EVTCHNOP_bind_virq,     EVTCHNOP_unmask,           EVTCHNOP_status};
	unsigned int i = rnd(f) % ARRAY_SIZE(cmds);

	/* Those of the console and the store stay. */
	if (cmds[i] == EVTCHNOP_close && close.port < 3)
		return;
	note(f, hypercall(event_channel_op, cmds[i], args[i]) == 0);
}

/* ---- the rest -------------------------------------------------------------------------------- */

void fuzz_vcpu(struct fuzzer *f)
{
	static struct vcpu_runstate_info runstate[2];
	struct vcpu_register_runstate_memory_area area = {.addr.p = (uintptr_t)&runstate[f->id]};
	struct vcpu_set_periodic_timer periodic = {.period_ns = 1000000 + rnd(f) % 100000000};
	struct vcpu_set_singleshot_timer single = {.timeout_abs_ns =
							   system_time() + rnd(f) % 10000000};

	switch (rnd(f) % 6) {
	case 0:
		area.addr.v = (void *)(one_in(f, 3) ? page(f)->va : (char *)&runstate[f->id]);
		note(f,
		     hypercall(vcpu_op, VCPUOP_register_runstate_memory_area, f->id, &area) == 0);
		break;
	case 1:
		note(f, hypercall(vcpu_op, VCPUOP_set_periodic_timer, f->id, &periodic) == 0);
		break;
	case 2:
		note(f, hypercall(vcpu_op, VCPUOP_stop_periodic_timer, f->id, 0) == 0);
		break;
	case 3:
		note(f, hypercall(vcpu_op, VCPUOP_set_singleshot_timer, f->id, &single) == 0);
		break;
	case 4:
		note(f, hypercall(vcpu_op, VCPUOP_get_runstate_info, rnd(f) % 3, page(f)->va) == 0);
		break;
	default:
		hypercall(vcpu_op, VCPUOP_initialise, rnd(f) % 3, page(f)->va);
		break;
	}
}

void fuzz_misc(struct fuzzer *f)
{
	struct multicall_entry calls[3] = {
		{.op = __HYPERVISOR_update_va_mapping,
		 .args = {(uintptr_t)page(f)->va, entry(f), UVMF_INVLPG | UVMF_LOCAL}},
		{.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0}},
		{.op = __HYPERVISOR_fpu_taskswitch, .args = {0}},
	};

	switch (rnd(f) % 6) {
	case 0:
		calls[0].args[1] = arena[0].mfn << 12 | PTE_RW;
		calls[0].args[0] = (uintptr_t)arena[0].va;
		note(f, hypercall(multicall, calls, 3) == 0);
		break;
	case 1:
		note(f, hypercall(set_debugreg, rnd(f) % 4,
				  rnd(f) % 2 ? (uintptr_t)page(f)->va : 0) == 0);
		break;
	case 2:
		note(f, hypercall(set_segment_base, SEGBASE_FS, page(f)->va) == 0);
		break;
	case 3:
		note(f, hypercall(vm_assist, rnd(f) % 2, rnd(f) % 6) == 0);
		break;
	case 4:
		hypercall(memory_op, XENMEM_maximum_ram_page + rnd(f) % 30, page(f)->va);
		break;
	default:
		hypercall(sched_op, SCHEDOP_yield, 0);
		break;
	}
}

/* ---- setting up -------------------------------------------------------------------------------- */

void fill_traps(struct trap_info *traps)
{
	static const struct {
		uint8_t vector;
		const char *entry;
	} all[] = {{0, trap_0},   {1, trap_1},   {3, trap_3},   {4, trap_4},
		   {5, trap_5},   {6, trap_6},   {7, trap_7},   {8, trap_8},
		   {10, trap_10}, {11, trap_11}, {12, trap_12}, {13, trap_13},
		   {14, trap_14}, {16, trap_16}, {17, trap_17}, {19, trap_19}};

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		traps[all[i].vector] = (struct trap_info){.vector = all[i].vector,
							  .flags = 4,
							  .cs = FLAT_KERNEL_CS,
							  .address = (unsigned long)all[i].entry};
}

void fuzz_set_up(void)
{
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
	xen_pfn_t first = 0;

	self = own_domid();
	last_frame = (unsigned long)hypercall(memory_op, XENMEM_maximum_ram_page, 0);
	set_xen_guest_handle(setup.frame_list, &first);
	if (hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status)
		error("setup_table: %d", setup.status);
	grants = alloc_page();
	if (set_pte(grants, first * PAGE_SIZE | PTE_RW))
		error("cannot map the grant table");
	for (unsigned int i = 0; i < ARRAY_SIZE(roots); i++) {
		roots[i][0] = ((uint64_t *)start_info->pt_base)[0];
		if (make_readonly(roots[i]))
			error("make_readonly");
	}
}
