/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Whole domains on the fake machine: what a guest finds when it starts, for
 * kernels of every shape; and that a failure at any single call leaves nothing
 * behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <public/grant_table.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/internal.h"
#include "tests/unit/libdomain/fake_hv.h"
#include "tests/unit/libdomain/fake_store.h"
#include "tests/unit/libdomain/make_kernel.h"

#define PAGE  4096u
#define MB(n) ((n)*1024u) /* in KiB */

static struct dom_ctx *ctx;
static struct domain_config cfg;

static int setup(void **state)
{
	fake_reset();
	store_reset();
	domain_config_init(&cfg);
	return dom_open(0, NULL, &ctx);
}

static int teardown(void **state)
{
	dom_close(ctx);
	domain_config_fini(&cfg);
	make_files_remove();
	return 0;
}

/* A valid ramdisk of about @size bytes: a packed pattern. */
static const char *ramdisk_file(size_t size, size_t *ret_len, uint8_t **ret_data)
{
	uint8_t *plain = malloc(size);
	const char *path;
	size_t len;

	for (size_t i = 0; i < size; i++) {
		plain[i] = (uint8_t)rand();
	}
	*ret_data = make_packed(PACK_GZIP, plain, size, &len);
	*ret_len = len - 4;
	path = make_file(*ret_data, *ret_len);
	free(plain);
	return path;
}

static void configure(const struct make_kernel *m, const char *ramdisk)
{
	size_t len;
	uint8_t *elf = make_kernel_elf(m, &len);

	cfg.name = strdup("demo");
	cfg.kernel = strdup(make_file(elf, len));
	cfg.ramdisk = ramdisk ? strdup(ramdisk) : NULL;
	cfg.cmdline = strdup("console=hvc0 quiet");
	cfg.memory_kb = MB(40);
	cfg.max_memory_kb = MB(48);
	cfg.vcpus = 2;
	cfg.max_vcpus = 3;
	free(elf);
}

/* ---- the guest's view ------------------------------------------------------------------ */

#define PTE_MFN(pte) (((pte)&0x000ffffffffff000ULL) >> 12)

/* Walks the new domain's page tables. Returns the L1 entry, 0: nothing there. */
static uint64_t walk(const struct fake_domain *d, uint64_t va)
{
	uint64_t mfn = d->pinned_l4;

	for (int shift = 39; shift >= 12; shift -= 9) {
		uint64_t pte = ((uint64_t *)fake_page(mfn))[va >> shift & 511];

		if (!(pte & 1)) {
			return 0;
		}
		mfn = PTE_MFN(pte);
		assert_true(mfn < FAKE_PAGES);
		assert_int_equal(fake.page_owner[mfn], d->domid + 1);
		if (shift == 12) {
			return pte;
		}
		assert_int_equal(pte & 0x67, 0x67);
	}
	return 0;
}

static uint8_t *at_va(const struct fake_domain *d, uint64_t va)
{
	uint64_t pte = walk(d, va);

	assert_true(pte & 1);
	return (uint8_t *)fake_page(PTE_MFN(pte)) + va % PAGE;
}

static uint64_t pfn_at(const struct fake_domain *d, uint64_t va)
{
	return fake.page_pfn[PTE_MFN(walk(d, va))];
}

/* The image, the zeros behind it, and no page table among what may be written. */
static void check_mapping(const struct fake_domain *d, const struct make_kernel *m,
			  const struct start_info *si)
{
	uint64_t pt_first = pfn_at(d, si->pt_base), va, mapped = 0;

	for (uint64_t i = 0; i < m->size + m->bss; i++) {
		assert_int_equal(*at_va(d, m->virt_base + m->paddr + i),
				 i < m->size ? make_kernel_byte(i) : 0);
	}
	for (va = m->virt_base; walk(d, va); va += PAGE, mapped++) {
		uint64_t pfn = (va - m->virt_base) / PAGE;
		bool table = pfn >= pt_first && pfn < pt_first + si->nr_pt_frames;

		assert_int_equal(pfn_at(d, va), pfn);
		assert_int_equal(!!(walk(d, va) & 2), !table);
		if (va + PAGE < va) {
			break;
		}
	}
	/* At least 512 KiB behind the stack, and a multiple of 4 MiB in all. */
	assert_int_equal(va % (4 << 20), 0);
	assert_true(va - d->context.user_regs.rsp >= 512 << 10);
	assert_true(mapped * PAGE <= (uint64_t)cfg.memory_kb << 10);
}

static void check_p2m(const struct fake_domain *d, const struct make_kernel *m,
		      const struct start_info *si)
{
	uint64_t nr = cfg.memory_kb / 4, seen = 0;

	assert_int_equal(si->nr_pages, nr);
	assert_int_equal(d->pages, nr);
	for (uint64_t pfn = 0; pfn < nr; pfn++) {
		uint64_t mfn = *(uint64_t *)(void *)at_va(d, si->mfn_list + pfn * 8);

		assert_int_equal(fake.page_owner[mfn], d->domid + 1);
		assert_int_equal(fake.page_pfn[mfn], pfn);
		seen++;
	}
	assert_int_equal(seen, nr);
	if (m->has_init_p2m) {
		assert_int_equal(si->mfn_list, m->init_p2m);
		assert_int_equal(si->first_p2m_pfn, pfn_at(d, si->mfn_list));
		/* The list, and its tables on three levels. */
		assert_true(si->nr_p2m_frames >= nr * 8 / PAGE + 3);
		/* Above all that the base maps. */
		assert_int_equal(walk(d, m->virt_base + si->first_p2m_pfn * PAGE), 0);
	} else {
		assert_int_equal(si->first_p2m_pfn, 0);
	}
}

static void check_ramdisk(const struct fake_domain *d, const struct make_kernel *m,
			  const struct start_info *si, const uint8_t *data, size_t len)
{
	assert_int_equal(!!(si->flags & SIF_MOD_START_PFN), m->mod_start_pfn && len);
	if (!len) {
		assert_int_equal(si->mod_start, 0);
		return;
	}
	assert_int_equal(si->mod_len, len);
	for (size_t i = 0; i < len; i++) {
		uint64_t mfn;

		if (!m->mod_start_pfn) {
			assert_int_equal(*at_va(d, si->mod_start + i), data[i]);
			continue;
		}
		mfn = *(uint64_t *)(void *)at_va(d, si->mfn_list + (si->mod_start + i / PAGE) * 8);
		assert_int_equal(((uint8_t *)fake_page(mfn))[i % PAGE], data[i]);
	}
}

static void check_rings(const struct fake_domain *d, const struct start_info *si)
{
	const struct grant_entry_v1 *g = fake_page(d->grant_mfn);
	const uint8_t *store = fake_page(si->store_mfn), *con = fake_page(si->console.domU.mfn);

	assert_int_equal(si->store_evtchn, 1);
	assert_int_equal(si->console.domU.evtchn, 2);
	assert_int_equal(g[0].flags, GTF_permit_access);
	assert_int_equal(g[0].frame, si->console.domU.mfn);
	assert_int_equal(g[1].frame, si->store_mfn);
	assert_int_equal(g[2].flags, 0);
	for (unsigned int i = 0; i < PAGE; i++) {
		assert_int_equal(store[i], 0);
		assert_int_equal(con[i], 0);
	}
}

static void check_vcpu(const struct fake_domain *d, const struct make_kernel *m)
{
	const struct vcpu_guest_context *c = &d->context;
	const struct shared_info *shared = fake_page(d->shared_info_mfn);

	assert_true(d->has_context);
	assert_int_equal(c->flags, VGCF_in_kernel | VGCF_online);
	assert_int_equal(c->user_regs.rip, m->entry);
	assert_int_equal(c->user_regs.rflags, 0x200);
	assert_int_equal(c->user_regs.cs, 0xe033);
	assert_int_equal(c->user_regs.ss, 0xe02b);
	assert_int_equal(c->user_regs.ds | c->user_regs.es | c->user_regs.fs | c->user_regs.gs, 0);
	assert_int_equal(c->user_regs.rax | c->user_regs.rbx | c->user_regs.rdi, 0);
	assert_int_equal(c->user_regs.rsp % PAGE, 0);
	assert_true(walk(d, c->user_regs.rsp - 8) & 2);
	assert_int_equal(xen_cr3_to_pfn(c->ctrlreg[3]), d->pinned_l4);
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(shared->vcpu_info[i].evtchn_upcall_mask, 1);
	}
	if (m->has_hypercall_page) {
		assert_int_equal(d->hypercall_mfn, PTE_MFN(walk(d, m->hypercall_page)));
	}
}

static void check_domain(const struct fake_domain *d, const struct make_kernel *m,
			 const uint8_t *ramdisk, size_t len)
{
	const struct start_info *si = (void *)at_va(d, d->context.user_regs.rsi);

	assert_string_equal(si->magic, "xen-3.0-x86_64");
	assert_int_equal(si->shared_info, d->shared_info_mfn * PAGE);
	assert_string_equal((const char *)si->cmd_line, "console=hvc0 quiet");
	assert_int_equal(PTE_MFN(walk(d, si->pt_base)), d->pinned_l4);
	check_mapping(d, m, si);
	check_p2m(d, m, si);
	check_ramdisk(d, m, si, ramdisk, len);
	check_rings(d, si);
	check_vcpu(d, m);
	assert_int_equal(fake.maps, 0);
	assert_int_equal(fake.bufs, 0);
	assert_int_equal(fake.pin_with_maps, 0);
	assert_int_equal(fake.claimed, 0);
	assert_true(d->paused);
}

/* Creates, checks, destroys, and looks for what is left. */
static void create_and_check(const struct make_kernel *m, size_t ramdisk)
{
	unsigned int free_pages = fake_free_pages();
	size_t nodes = store_nr(), len = 0;
	uint8_t *data = NULL;
	uint32_t domid;

	configure(m, ramdisk ? ramdisk_file(ramdisk, &len, &data) : NULL);
	assert_int_equal(dom_create(ctx, &cfg, &domid), 0);
	check_domain(fake_find(domid), m, data, len);
	assert_true(store_introduced(domid));
	assert_int_equal(store_open_tx, 0);
	assert_int_equal(dom_destroy(ctx, domid), 0);
	assert_null(fake_find(domid));
	assert_int_equal(fake_free_pages(), free_pages);
	/* The empty directories above, which store_reset() made, are tidied away. */
	assert_true(store_nr() <= nodes);
	free(data);
}

static void test_linux(void **state)
{
	struct make_kernel m;

	make_kernel_default(&m);
	create_and_check(&m, 300000);
}

static void test_no_ramdisk(void **state)
{
	struct make_kernel m;

	make_kernel_default(&m);
	create_and_check(&m, 0);
}

/* No INIT_P2M, no MOD_START_PFN, with a hypercall page: old kernels. */
static void test_old_linux(void **state)
{
	struct make_kernel m;

	make_kernel_default(&m);
	m.has_init_p2m = m.mod_start_pfn = false;
	m.has_hypercall_page = true;
	m.hypercall_page = m.virt_base + m.paddr + 0x3000;
	create_and_check(&m, 300000);
}

/* GRUB: everything at 0. */
static void test_grub(void **state)
{
	struct make_kernel m;

	make_kernel_default(&m);
	m.paddr = 0;
	m.virt_base = 0;
	m.entry = 0x40;
	m.has_init_p2m = m.mod_start_pfn = false;
	m.guest_os = "GRUB";
	create_and_check(&m, 100000);
}

/* The last page before the end of a table, and the first behind it. */
static void test_sizes(void **state)
{
	for (unsigned int i = 0; i < 12; i++) {
		struct make_kernel m;

		make_kernel_default(&m);
		m.paddr = 0x400000;
		m.entry = m.virt_base + m.paddr + 0x40;
		m.bss = (1u << 20) + i * 0x5f000;
		create_and_check(&m, i * 7000);
		domain_config_fini(&cfg);
		domain_config_init(&cfg);
		make_files_remove();
	}
}

static void test_small_pages(void **state)
{
	struct make_kernel m;

	make_kernel_default(&m);
	fake.no_big_pages = fake.no_resource = fake.no_claims = true;
	create_and_check(&m, 100000);
}

static void test_tree(void **state)
{
	struct make_kernel m;
	uint32_t domid;
	char path[128];

	make_kernel_default(&m);
	configure(&m, NULL);
	cfg.rtc_timeoffset = -3600;
	cfg.cpu_weight = 512;
	assert_int_equal(dom_create(ctx, &cfg, &domid), 0);
	assert_int_equal(fake_find(domid)->time_offset, -3600);
	assert_int_equal(fake_find(domid)->weight, 512);
	assert_int_equal(fake_find(domid)->e820_size, MB(48) * 1024ULL);
	assert_int_equal(fake_find(domid)->max_pages, (MB(40) + 1024) / 4);

#define NODE(node, value)                                                      \
	do {                                                                   \
		snprintf(path, sizeof(path), "/local/domain/%u/" node, domid); \
		assert_non_null(store_get(path));                              \
		assert_string_equal(store_get(path), value);                   \
	} while (0)
	NODE("name", "demo");
	NODE("cpu/0/availability", "online");
	NODE("cpu/1/availability", "online");
	NODE("cpu/2/availability", "offline");
	NODE("memory/static-max", "49152");
	NODE("memory/target", "40960");
	NODE("store/port", "1");
	NODE("console/port", "2");
	NODE("console/type", "xenconsoled");
	NODE("control/shutdown", "");
#undef NODE
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	assert_true(store_perms(path)[0] == 'n' && store_perms(path)[1] != '0');
	dom_destroy(ctx, domid);
}

/* ---- devices --------------------------------------------------------------------------- */

/* Served by another domain, so that nothing of this machine is touched. */
static void add_devices(void)
{
	struct domain_disk *disk;
	struct domain_vif *vif;

	assert_int_equal(domain_config_add_disk(&cfg, &disk), 0);
	disk->vdev = strdup("xvda");
	disk->target = strdup("/dev/vg/root");
	disk->backend_domain = strdup("0");
	assert_int_equal(domain_config_add_vif(&cfg, &vif), 0);
	vif->backend_domain = strdup("driver");
}

static void add_driver_domain(void)
{
	fake.dom[3] = (struct fake_domain){.exists = true, .domid = 900};
	fake.dom[3].handle[0] = 9;
	store_set("/local/domain/900/name", "driver");
}

static void configure_devices(void)
{
	struct make_kernel m;

	make_kernel_default(&m);
	configure(&m, NULL);
	add_driver_domain();
	add_devices();
	free(cfg.disks[0].backend_domain);
	cfg.disks[0].backend_domain = strdup("driver");
}

/* A guest with a driver for its device, which is what can refuse to let go. */
static void guest_connects(uint32_t domid, const char *device)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/device/%s/state", domid, device);
	store_set(path, "4");
}

static void test_devices(void **state)
{
	struct dom_device *devs;
	uint32_t domid;
	size_t nr;

	configure_devices();
	assert_int_equal(dom_create(ctx, &cfg, &domid), 0);
	assert_int_equal(dom_block_list(ctx, domid, &devs, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(devs[0].devid, 51712);
	assert_int_equal(devs[0].backend_id, 900);
	assert_string_equal(devs[0].vdev, "xvda");
	assert_string_equal(devs[0].target, "/dev/vg/root");
	dom_devices_free(devs, nr);
	assert_int_equal(dom_network_list(ctx, domid, &devs, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(devs[0].devid, 0);
	assert_string_equal(devs[0].bridge, "xenbr0");
	dom_devices_free(devs, nr);

	assert_int_equal(dom_block_attach(ctx, domid, &cfg.disks[0]), -EEXIST);
	assert_int_equal(dom_block_detach(ctx, domid, "xvdz", false), -ENODEV);
	assert_int_equal(dom_block_detach(ctx, domid, "xvda", false), 0);
	assert_int_equal(dom_block_attach(ctx, domid, &cfg.disks[0]), 0);
	assert_int_equal(dom_destroy(ctx, domid), 0);
}

static void test_detach(void **state)
{
	struct dom_device *devs;
	uint32_t domid;
	size_t nr;

	configure_devices();
	assert_int_equal(dom_create(ctx, &cfg, &domid), 0);
	guest_connects(domid, "vbd/51712");
	guest_connects(domid, "vif/0");
	store_backend_dead = true;
	assert_int_equal(dom_block_detach(ctx, domid, "51712", false), -ETIMEDOUT);
	assert_int_equal(dom_block_list(ctx, domid, &devs, &nr), 0);
	assert_int_equal(nr, 1);
	dom_devices_free(devs, nr);
	assert_int_equal(dom_block_detach(ctx, domid, "51712", true), 0);
	/* A network interface goes even so. */
	assert_int_equal(dom_network_detach(ctx, domid, "0", false), 0);
	store_backend_dead = false;

	/* Nobody in the guest has the disk. */
	assert_int_equal(dom_block_attach(ctx, domid, &cfg.disks[0]), 0);
	store_backend_dead = true;
	assert_int_equal(dom_block_detach(ctx, domid, "51712", false), 0);
	assert_int_equal(dom_destroy(ctx, domid), 0);
}

static void test_no_backend(void **state)
{
	size_t nodes;
	uint32_t domid;

	configure_devices();
	store_backend_dead = true;
	nodes = store_nr();
	assert_int_equal(dom_create(ctx, &cfg, &domid), -ETIMEDOUT);
	assert_non_null(strstr(dom_errmsg(ctx), "xen-blkback"));
	assert_true(store_nr() <= nodes);
}

/* ---- failures ---------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	struct make_kernel m;
	uint32_t domid, other;

	make_kernel_default(&m);
	configure(&m, NULL);
	assert_int_equal(dom_create(ctx, &cfg, &other), 0);
	assert_int_equal(dom_create(ctx, &cfg, &domid), -EEXIST);
	assert_non_null(strstr(dom_errmsg(ctx), "'demo'"));
	free(cfg.name);
	cfg.name = strdup("other");
	assert_int_equal(dom_create(ctx, &cfg, &domid), -EEXIST);
	assert_non_null(strstr(dom_errmsg(ctx), "UUID"));
	cfg.uuid[0] ^= 1;
	assert_int_equal(dom_create(ctx, &cfg, &domid), -ENOMEM);
	assert_non_null(strstr(dom_errmsg(ctx), "MiB"));
	assert_int_equal(dom_destroy(ctx, other), 0);
	cfg.memory_kb = MB(17);
	assert_int_equal(dom_create(ctx, &cfg, &domid), -ENOMEM);
	assert_non_null(strstr(dom_errmsg(ctx), "raise memory="));
	assert_int_equal(dom_destroy(ctx, 0), -EPERM);
	assert_int_equal(dom_destroy(ctx, 12345), -ESRCH);
}

/*
 * Every call that can fail fails once. Whatever it was: an error with a
 * message, no domain, no page, no node, no mapping, no buffer left.
 */
static void test_fault_injection(void **state)
{
	unsigned int free_pages, at;
	size_t nodes;
	uint32_t domid;
	int rc;

	configure_devices();
	nodes = store_nr();
	free_pages = fake_free_pages();
	for (at = 1; at < 2000; at++) {
		fake_fail_at(at);
		rc = dom_create(ctx, &cfg, &domid);
		if (!fake_failed) {
			break;
		}
		fake_fail_at(0);
		if (!rc) { /* one that may fail, like a cancelled claim */
			assert_int_equal(dom_destroy(ctx, domid), 0);
		} else {
			assert_true(dom_errmsg(ctx)[0]);
			assert_null(strchr(dom_errmsg(ctx), '\n'));
		}
		assert_int_equal(fake_free_pages(), free_pages);
		assert_int_equal(fake.maps, 0);
		assert_int_equal(fake.bufs, 0);
		assert_int_equal(store_open_tx, 0);
		assert_true(store_nr() <= nodes);
		assert_false(fake.dom[1].exists);
	}
	assert_int_equal(rc, 0);
	assert_true(at > 100);
	dom_destroy(ctx, domid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_linux, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_ramdisk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_linux, setup, teardown),
		cmocka_unit_test_setup_teardown(test_grub, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_detach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_backend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fault_injection, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
