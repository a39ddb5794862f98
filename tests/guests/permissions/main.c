/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * An ordinary domain asks for everything that is the control domain's: each
 * sub-operation of domctl, sysctl and platform_op that there is, and those of the other
 * hypercalls that are about other domains or the machine. It gets a refusal each time,
 * the one that callers know, and nothing of the caller's memory is changed. Tries R4, X4.
 *
 * The reference looks at some arguments before it looks at who asks; so a few domctls
 * may say EINVAL or EOPNOTSUPP.
 */
#include <public/domctl.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sysctl.h>

#include "../../../hypervisor/hypercall/subops.h"
#include "lib/guest.h"

const char test_title[] = "What an ordinary domain may not do";

struct row {
	const char *name;
	uint32_t cmd;
};

#define ROW(prefix, name, status, remark) {#name, prefix##name},
static const struct row domctls[] = {SUBOPS_domctl(ROW)};
static const struct row sysctls[] = {SUBOPS_sysctl(ROW)};
static const struct row platform_ops[] = {SUBOPS_platform_op(ROW)};

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t before[PAGE_SIZE];

static void zero(void)
{
	memset(page, 0, sizeof(page));
}

static void refused(const char *hypercall_name, const char *name, long rc)
{
	if (rc != -XEN_EPERM)
		failure("%s %s gives %ld", hypercall_name, name, rc);
}

static void every_domctl(void)
{
	static const domid_t ids[] = {0, DOMID_SELF, 0x7000};
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(domctls); i++) {
		for (k = 0; k <= ARRAY_SIZE(ids); k++) {
			struct xen_domctl *op = (struct xen_domctl *)page;
			long rc;

			zero();
			op->cmd = domctls[i].cmd;
			op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
			op->domain = k < ARRAY_SIZE(ids) ? ids[k] : own_domid();
			memcpy(before, page, sizeof(page));
			rc = hypercall(domctl, op);
			if (rc != -XEN_EPERM && rc != -XEN_EINVAL && rc != -XEN_EOPNOTSUPP &&
			    rc != -XEN_ESRCH)
				failure("domctl %s of domain %u gives %ld", domctls[i].name,
					op->domain, rc);
			expect(!memcmp(page, before, sizeof(page)));
		}
	}
}

static void every_sysctl(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sysctls); i++) {
		struct xen_sysctl *op = (struct xen_sysctl *)page;

		zero();
		op->cmd = sysctls[i].cmd;
		op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
		memcpy(before, page, sizeof(page));
		refused("sysctl", sysctls[i].name, hypercall(sysctl, op));
		expect(!memcmp(page, before, sizeof(page)));
	}
}

static void every_platform_op(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(platform_ops); i++) {
		struct xen_platform_op *op = (struct xen_platform_op *)page;

		zero();
		op->cmd = platform_ops[i].cmd;
		op->interface_version = XENPF_INTERFACE_VERSION;
		memcpy(before, page, sizeof(page));
		refused("platform_op", platform_ops[i].name, hypercall(platform_op, op));
		expect(!memcmp(page, before, sizeof(page)));
	}
}

/* The machine's interrupts and devices */
static void physdev_ops(void)
{
#define P(name)                         \
	{                               \
#name, PHYSDEVOP_##name \
	}
	static const struct row rows[] = {
		P(apic_read),         P(apic_write),         P(alloc_irq_vector),
		P(map_pirq),          P(unmap_pirq),         P(manage_pci_add),
		P(manage_pci_remove), P(manage_pci_add_ext), P(restore_msi),
		P(restore_msi_ext),   P(setup_gsi),          P(pci_mmcfg_reserved),
		P(pci_device_add),    P(pci_device_remove),  P(prepare_msix),
		P(release_msix),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		zero();
		refused("physdev_op", rows[i].name, hypercall(physdev_op, rows[i].cmd, page));
	}
}

/* Domain 0's memory: the zeros in the structure name it. */
static void memory_ops(void)
{
#define M(name)                      \
	{                            \
#name, XENMEM_##name \
	}
	static const struct row rows[] = {
		M(current_reservation), M(maximum_reservation), M(machine_memory_map),
		M(set_memory_map),      M(maximum_gpfn),        M(claim_pages),
		M(acquire_resource),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		zero();
		refused("memory_op", rows[i].name, hypercall(memory_op, rows[i].cmd, page));
	}
	zero();
	refused("mmu_update", "foreign", hypercall(mmu_update, page, 1, 0, 0));
	refused("mmu_update", "of foreign tables", hypercall(mmu_update, page, 1, 0, 1 << 16));
	refused("mmuext_op", "foreign", hypercall(mmuext_op, page, 1, 0, 0));
	refused("update_va_mapping_otherdomain", "",
		hypercall(update_va_mapping_otherdomain, page, 0, 0, 0));
}

/* Domain 0's event channels, its life, the console, and what isn't told to all. */
static void others(void)
{
#define E(name)                        \
	{                              \
#name, EVTCHNOP_##name \
	}
	static const struct row rows[] = {E(status), E(alloc_unbound), E(reset), E(bind_pirq)};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		zero();
		refused("event_channel_op", rows[i].name,
			hypercall(event_channel_op, rows[i].cmd, page));
	}
	zero();
	refused("sched_op", "remote_shutdown", hypercall(sched_op, SCHEDOP_remote_shutdown, page));
	refused("console_io", "read", hypercall(console_io, CONSOLEIO_read, 10, page));
	refused("console_io", "99", hypercall(console_io, 99, 10, page));
	refused("xen_version", "build_id", hypercall(xen_version, XENVER_build_id, page));
	refused("xen_version", "build_id", hypercall(xen_version, XENVER_build_id, 0));
	expect_eq(hypercall(xen_version, XENVER_commandline, page), 0);
	expect(contains((char *)page, "<denied>"));
}

void test_main(void)
{
	every_domctl();
	every_sysctl();
	every_platform_op();
	physdev_ops();
	memory_ops();
	others();
}
