/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Building the control domain from the boot loader's modules: kernel first, then
 * its ramdisk.
 *
 * Guest frames (PFNs), in order:
 *   0 ..           kernel at its load address, [ramdisk], [P2M list], start_info,
 *                  page tables, stack, padding: the part mapped at VIRT_BASE
 *   then           ramdisk and P2M list (with its tables), if the kernel can do
 *                  with them outside of that (ELF notes MOD_START_PFN, INIT_P2M)
 *   then           the rest
 * Memory is taken in blocks as large as can be, each MFN and PFN equal modulo the
 * block's size, below 4 GiB first: good for DMA. The ramdisk stays where the boot
 * loader put it; its frames become the domain's.
 *
 * Page tables are built here and then go through the same checks as a guest's.
 */
#include <hv/bootinfo.h>
#include <hv/bzimage.h>
#include <hv/domain.h>
#include <hv/elf.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <hv/page_type.h>
#include <hv/softirq.h>
#include <public/features.h>
#include <arch/cpu.h>
#include <arch/dom0.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>

#include "../boot/decompress.h"
#include "dom0_options.h"

#define BASE_ROUND           (4UL << 20)
#define BASE_SLACK           (512UL << 10)
#define RESERVE_MIN_FRACTION 16
#define RESERVE_MAX_PAGES    ((128UL << 20) >> PAGE_SHIFT)
#define PTE_TABLE            (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_RW_PAGE          (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_RO_PAGE          (PTE_P | PTE_US | PTE_A)

struct build {
	struct domain *d;
	const struct boot_module *kernel, *ramdisk;
	struct elf_image elf;
	struct elf_xen xen;
	unsigned long *p2m; /* [nr_pages], a working copy */
	unsigned int p2m_order;
	unsigned long nr_pages;

	/* PFNs of the parts; ends are exclusive */
	unsigned long ramdisk_pfn, ramdisk_pages;
	unsigned long p2m_pfn, p2m_pages, p2m_tables;
	unsigned long info_pfn, pt_pfn, pt_pages, stack_pfn, base_end;
	unsigned long p2m_va;
	unsigned long next_table; /* within [pt_pfn, pt_pfn + pt_pages) */
	unsigned long next_p2m_table;
};

/* ---- the kernel file ------------------------------------------------------------------ */

static unsigned int __init order_for(uint64_t bytes)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static struct {
	void *p;
	unsigned int order;
} unpacked __initdata;

static void __init unpack_kernel(const struct boot_module *m, const void **ret_p, size_t *ret_size)
{
	const void *image = paddr_to_virt(m->start);
	const char *reason = NULL;
	unsigned int order;
	struct bzimage bz;
	size_t scratch_size;
	void *scratch = NULL;

	*ret_p = image;
	*ret_size = m->size;
	if (!bzimage_is_bzimage(image, m->size))
		return;
	reason = bzimage_parse(&bz, image, m->size);
	if (reason)
		panic("Control domain's kernel: %s", reason);
	unpacked.order = order_for(bz.unpacked);
	unpacked.p = hyp_pages_alloc_dirty(unpacked.order);
	scratch_size = payload_scratch_size(bz.kind);
	order = order_for(scratch_size);
	if (scratch_size)
		scratch = hyp_pages_alloc_dirty(order);
	if (!unpacked.p || (scratch_size && !scratch))
		panic("No memory to unpack the control domain's kernel (%u MiB)",
		      bz.unpacked >> 20);
	if (payload_decompress(bz.kind, bz.data, bz.len, unpacked.p, bz.unpacked, scratch,
			       scratch_size, &reason))
		panic("Control domain's kernel (%s): %s", payload_name(bz.kind), reason);
	hyp_pages_free(scratch, order);
	pr_info("Control domain's kernel: bzImage, %s, %u KiB unpacked\n", payload_name(bz.kind),
		bz.unpacked >> 10);
	*ret_p = unpacked.p;
	*ret_size = bz.unpacked;
}

static void __init parse_kernel(struct build *b)
{
	static const struct elf_xen_policy policy = {
		.control_domain = true,
		.features_offered = 1U << XENFEAT_writable_page_tables |
				    1U << XENFEAT_pae_pgdir_above_4gb | 1U << XENFEAT_dom0,
		.hv_start = HYPERVISOR_START,
		.hv_end = HYPERVISOR_END,
	};
	const void *p;
	const char *reason;
	size_t size;

	unpack_kernel(b->kernel, &p, &size);
	reason = elf_parse(&b->elf, p, size);
	if (!reason)
		reason = elf_xen_parse(&b->elf, &b->xen);
	if (!reason)
		reason = elf_xen_check(&b->elf, &b->xen, &policy);
	if (reason)
		panic("Control domain's kernel: %s", reason);
}

/* ---- layout ------------------------------------------------------------------------------ */

static unsigned long __init pages_wanted(const struct build *b)
{
	unsigned long avail = page_free_count() + b->ramdisk_pages, reserve, nr;

	reserve = min(avail / RESERVE_MIN_FRACTION, RESERVE_MAX_PAGES);
	nr = dom0_options.mem ? dom0_options.mem >> PAGE_SHIFT : avail - reserve;
	if (dom0_options.mem_max)
		nr = min(nr, (unsigned long)(dom0_options.mem_max >> PAGE_SHIFT));
	nr = max(nr, (unsigned long)(dom0_options.mem_min >> PAGE_SHIFT));
	/* Descriptors for what we need ourselves must be left. */
	return min(nr, avail - avail / 64);
}

/* How many tables map @pages pages from @va on: all levels below @level_top. */
static unsigned long __init tables_for(unsigned long va, unsigned long pages,
				       unsigned int level_top)
{
	unsigned long n = 0, last = va + pages * PAGE_SIZE - 1;

	for (unsigned int l = 1; l < level_top; l++) {
		unsigned int shift = 12 + 9 * l;

		n += (last >> shift) - (va >> shift) + 1;
	}
	return n;
}

static unsigned long __init base_va(const struct build *b, unsigned long pfn)
{
	return elf_xen_virt(&b->xen, pfn << PAGE_SHIFT);
}

/* Tables need room in what they map: grow until it fits. */
static void __init layout_base(struct build *b, unsigned long pfn)
{
	unsigned long va0 = base_va(b, 0);

	b->info_pfn = pfn++;
	b->pt_pfn = pfn;
	for (b->pt_pages = 4;; b->pt_pages++) {
		unsigned long end;

		b->stack_pfn = b->pt_pfn + b->pt_pages;
		end = base_va(b, b->stack_pfn + 1) + BASE_SLACK;
		end = ROUND_UP(end, BASE_ROUND);
		b->base_end = (end - va0) >> PAGE_SHIFT;
		if (tables_for(va0, b->base_end, 4) + 1 <= b->pt_pages)
			return;
	}
}

static void __init layout(struct build *b)
{
	unsigned long pfn = PFN_UP(b->elf.pend), next;
	bool p2m_high = ELF_XEN_HAS(&b->xen, ELF_XEN_INIT_P2M);

	b->p2m_pages = PFN_UP(b->nr_pages * sizeof(unsigned long));
	if (b->ramdisk && !b->xen.mod_start_pfn) {
		b->ramdisk_pfn = pfn;
		pfn += b->ramdisk_pages;
	}
	if (!p2m_high) {
		b->p2m_pfn = pfn;
		b->p2m_va = base_va(b, pfn);
		pfn += b->p2m_pages;
	}
	layout_base(b, pfn);
	next = b->base_end;
	if (b->ramdisk && b->xen.mod_start_pfn) {
		b->ramdisk_pfn = next;
		next += b->ramdisk_pages;
	}
	if (p2m_high) {
		b->p2m_va = b->xen.init_p2m;
		b->p2m_pfn = next;
		b->p2m_tables = tables_for(b->p2m_va, b->p2m_pages, 4);
		next += b->p2m_pages + b->p2m_tables;
	}
	if (next > b->nr_pages)
		panic("dom0_mem is too small: %lu MiB are needed at least",
		      (next << PAGE_SHIFT) >> 20);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void __init give_frames(struct build *b, unsigned long pfn, struct page_info *pg,
			       unsigned int order)
{
	unsigned long mfn = mfn_x(page_to_mfn(pg));

	if (page_assign(b->d, pg, order))
		panic("Control domain's memory: frame %#lx can't be assigned", mfn);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		b->p2m[pfn + i] = mfn + i;
		m2p_set(_mfn(mfn + i), pfn + i);
	}
}

static void __init alloc_range(struct build *b, unsigned long pfn, unsigned long end)
{
	unsigned int limit = MAX_ORDER;

	while (pfn < end) {
		unsigned int order = pfn ? min(bit_first(pfn), limit) : limit;
		struct page_info *pg;

		while (pfn + (1UL << order) > end)
			order--;
		while (!(pg = page_alloc(order, MEMF_bits(32))) && !(pg = page_alloc(order, 0))) {
			if (!order)
				panic("No memory for the control domain's page %lu of %lu", pfn,
				      b->nr_pages);
			limit = --order;
		}
		give_frames(b, pfn, pg, order);
		pfn += 1UL << order;
	}
}

static void __init alloc_memory(struct build *b)
{
	unsigned long r_end = b->ramdisk_pfn + b->ramdisk_pages;
	char *tail;

	if (!b->ramdisk) {
		alloc_range(b, 0, b->nr_pages);
		return;
	}
	alloc_range(b, 0, b->ramdisk_pfn);
	for (unsigned long i = 0; i < b->ramdisk_pages; i++)
		give_frames(b, b->ramdisk_pfn + i,
			    mfn_to_page(_mfn(PFN_DOWN(b->ramdisk->start) + i)), 0);
	/* Behind its last byte the boot loader may have left anything. */
	tail = paddr_to_virt(b->ramdisk->start + b->ramdisk->size);
	memset(tail, 0, -(unsigned long)tail & (PAGE_SIZE - 1));
	alloc_range(b, r_end, b->nr_pages);
}

static void *__init pfn_to_virt(const struct build *b, unsigned long pfn)
{
	return mfn_to_virt(_mfn(b->p2m[pfn]));
}

static const char *__init load_segment(void *ctx, uint64_t paddr, const void *src, uint64_t copy,
				       uint64_t zero)
{
	struct build *b = ctx;
	const char *from = src;

	while (copy + zero) {
		uint64_t off = paddr & (PAGE_SIZE - 1), room = PAGE_SIZE - off;
		char *to = (char *)pfn_to_virt(b, paddr >> PAGE_SHIFT) + off;
		uint64_t n = min(copy, room), z = min(zero, room - n);

		if (n == PAGE_SIZE)
			copy_page(to, from);
		else
			memcpy(to, from, n);
		memset(to + n, 0, z);
		from += n;
		paddr += n + z;
		copy -= n;
		zero -= z;
	}
	return NULL;
}

/* ---- page tables ------------------------------------------------------------------------------- */

static uint64_t __init new_table(struct build *b, bool for_p2m)
{
	unsigned long pfn;

	if (for_p2m) {
		pfn = b->p2m_pfn + b->p2m_pages + b->next_p2m_table++;
		BUG_ON(b->next_p2m_table > b->p2m_tables);
	} else {
		pfn = b->pt_pfn + b->next_table++;
		BUG_ON(b->next_table > b->pt_pages);
	}
	clear_page(pfn_to_virt(b, pfn));
	return pte_make(_mfn(b->p2m[pfn]), PTE_TABLE);
}

static void __init map_page(struct build *b, unsigned long va, unsigned long pfn, bool for_p2m)
{
	uint64_t *t = pfn_to_virt(b, b->pt_pfn);
	bool table = pfn >= b->pt_pfn && pfn < b->pt_pfn + b->pt_pages;

	for (unsigned int l = 4; l > 1; l--) {
		uint64_t *e = &t[pt_index(va, l)];

		if (!(*e & PTE_P))
			*e = new_table(b, for_p2m);
		t = mfn_to_virt(pte_mfn(*e));
	}
	t[pt_index(va, 1)] = pte_make(_mfn(b->p2m[pfn]), table ? PTE_RO_PAGE : PTE_RW_PAGE);
}

static void __init build_tables(struct build *b)
{
	(void)new_table(b, false); /* L4 */
	for (unsigned long pfn = 0; pfn < b->base_end; pfn++)
		map_page(b, base_va(b, pfn), pfn, false);
	/* Those not needed after all: clean and mapped like tables. */
	while (b->next_table < b->pt_pages)
		(void)new_table(b, false);
	if (!b->p2m_tables)
		return;
	for (unsigned long i = 0; i < b->p2m_pages; i++)
		map_page(b, b->p2m_va + i * PAGE_SIZE, b->p2m_pfn + i, true);
}

static void __init write_p2m(struct build *b)
{
	for (unsigned long i = 0; i < b->p2m_pages; i++) {
		unsigned long first = i * 512, n = min(512UL, b->nr_pages - first);
		unsigned long *to = pfn_to_virt(b, b->p2m_pfn + i);

		memcpy(to, b->p2m + first, n * sizeof(*to));
		memset(to + n, 0xff, (512 - n) * sizeof(*to));
	}
}

/* ---- start ------------------------------------------------------------------------------------- */

static void __init fill_hypercall_page(struct build *b)
{
	unsigned long va = b->xen.hypercall_page;

	if (!ELF_XEN_HAS(&b->xen, ELF_XEN_HYPERCALL_PAGE))
		return;
	pv_fill_hypercall_page(pfn_to_virt(b, (va - base_va(b, 0)) >> PAGE_SHIFT));
}

static void __init fill_start_info(struct build *b)
{
	struct start_info *si = pfn_to_virt(b, b->info_pfn);

	clear_page(si);
	hv_strlcpy(si->magic, "xen-3.0-x86_64", sizeof(si->magic));
	si->nr_pages = b->nr_pages;
	si->shared_info = virt_to_paddr(b->d->shared_info);
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = base_va(b, b->pt_pfn);
	si->nr_pt_frames = b->pt_pages;
	si->mfn_list = b->p2m_va;
	if (b->p2m_tables) {
		si->first_p2m_pfn = b->p2m_pfn;
		si->nr_p2m_frames = b->p2m_pages + b->p2m_tables;
	}
	if (b->ramdisk) {
		si->mod_start = base_va(b, b->ramdisk_pfn);
		si->mod_len = b->ramdisk->size;
		if (b->xen.mod_start_pfn) {
			si->mod_start = b->ramdisk_pfn;
			si->flags |= SIF_MOD_START_PFN;
		}
	}
	si->console.dom0.info_off = sizeof(*si);
	for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		b->d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
	hv_strlcpy((char *)si->cmd_line, b->kernel->args, sizeof(si->cmd_line));
}

static void __init set_context(struct build *b)
{
	struct vcpu_guest_context *c = hv_zalloc(sizeof(*c));
	struct page_info *l4 = mfn_to_page(_mfn(b->p2m[b->pt_pfn]));
	int rc;

	if (!c)
		panic("No memory for the control domain's context");
	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = b->xen.entry;
	c->user_regs.rsp = base_va(b, b->stack_pfn + 1);
	c->user_regs.rsi = base_va(b, b->info_pfn);
	c->user_regs.cs = FLAT_KERNEL_CS;
	c->user_regs.ss = FLAT_KERNEL_SS;
	c->user_regs.rflags = X86_EFLAGS_IF;
	c->kernel_ss = FLAT_KERNEL_SS;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = xen_pfn_to_cr3(b->p2m[b->pt_pfn]);
	c->debugreg[6] = 0xffff0ff0;
	c->debugreg[7] = 0x400;
	while ((rc = arch_vcpu_set_context(b->d->vcpu[0], c)) == -ERESTART)
		softirq_run();
	if (rc)
		panic("Control domain's page tables don't pass the checks (%d)", rc);
	hv_free(c);
	spin_lock(&b->d->pt_lock);
	if (page_get_and_type(l4, b->d, PGT_l4) || !page_type_set_pinned(l4, true))
		panic("Control domain's page tables can't be pinned");
	spin_unlock(&b->d->pt_lock);
}

static void __init create(struct build *b)
{
	unsigned int vcpus = cpumask_weight(cpu_online_map);
	struct xen_domctl_createdomain config = {
		.max_evtchn_port = ~0U,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
	};
	int rc;

	if (dom0_options.max_vcpus)
		vcpus = min(dom0_options.max_vcpus, (uint32_t)MAX_VCPUS);
	config.max_vcpus = vcpus;
	rc = domain_create(0, &config, true, &b->d);
	if (rc)
		panic("The control domain can't be created (%d)", rc);
	b->d->max_pages = dom0_options.mem_max ? dom0_options.mem_max >> PAGE_SHIFT : UINT32_MAX;
	for (unsigned int i = 0; i < vcpus; i++) {
		rc = vcpu_create(b->d, i, i % cpumask_weight(cpu_online_map));
		if (rc)
			panic("vCPU %u of the control domain can't be created (%d)", i, rc);
	}
}

static void __init free_module(const struct boot_module *m)
{
	page_alloc_add(_mfn(PFN_DOWN(m->start)), _mfn(PFN_UP(m->start + m->size)));
}

void __init dom0_build(void)
{
	static struct build build __initdata;
	struct build *b = &build;

	if (!boot_info.nr_modules)
		panic("No control domain: the boot loader gave no kernel module");
	b->kernel = &boot_info.module[0];
	parse_kernel(b);
	if (boot_info.nr_modules > 1) {
		b->ramdisk = &boot_info.module[1];
		b->ramdisk_pages = PFN_UP(b->ramdisk->size);
	}
	create(b);
	b->nr_pages = pages_wanted(b);
	layout(b);
	b->p2m_order = order_for(b->nr_pages * sizeof(*b->p2m));
	b->p2m = hyp_pages_alloc_dirty(b->p2m_order);
	if (!b->p2m)
		panic("No memory for the control domain's P2M");
	alloc_memory(b);
	if (elf_load(&b->elf, load_segment, b))
		BUG();
	fill_hypercall_page(b);
	build_tables(b);
	write_p2m(b);
	fill_start_info(b);
	set_context(b);
	pr_info("Control domain: %lu MiB, %u vCPUs, entry %#lx, tables for %lu MiB\n",
		(b->nr_pages << PAGE_SHIFT) >> 20, b->d->max_vcpus, b->xen.entry,
		(b->base_end << PAGE_SHIFT) >> 20);
	hyp_pages_free(b->p2m, b->p2m_order);
	hyp_pages_free(unpacked.p, unpacked.order);
	free_module(b->kernel);
	for (unsigned int i = 2; i < boot_info.nr_modules; i++)
		free_module(&boot_info.module[i]);
	hardware_domain = b->d;
}

void dom0_start(void)
{
	struct vcpu *v = hardware_domain->vcpu[0];

	clear_bit(VPF_down, &v->pause_flags);
	hardware_domain->tool_paused = false;
	domain_unpause(hardware_domain);
}
