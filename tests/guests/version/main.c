/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Guests and tools choose their code by xen_version: which version this is,
 * what it can do, and that every text is terminated and its rest empty.
 */
#include "lib/guest.h"

const char test_title[] = "xen_version, all sub-operations";

/* A text fills its buffer with one string and zeros, and nothing beyond. */
static void text(unsigned int cmd, size_t size, const char *must_contain)
{
	static char buffer[1200];
	size_t i, len;

	memset(buffer, 0x5a, sizeof(buffer));
	expect_eq(hypercall(xen_version, cmd, buffer), 0);
	for (len = 0; len < size && buffer[len]; len++)
		expect(buffer[len] >= ' ' && buffer[len] <= '~');
	expect(len < size);
	for (i = size; i < sizeof(buffer); i++) {
		if (buffer[i] != 0x5a) {
			failure("xen_version %u wrote past %lu bytes", cmd, size);
			break;
		}
	}
	buffer[size - 1] = 0;
	if (must_contain && !contains(buffer, must_contain))
		failure("xen_version %u gives '%s', without '%s'", cmd, buffer, must_contain);
}

static void terminated(const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && text[i]; i++)
		expect(text[i] >= ' ' && text[i] <= '~');
	expect(i < size);
}

static void compile_info(void)
{
	struct xen_compile_info info;

	memset(&info, 0x5a, sizeof(info));
	expect_eq(hypercall(xen_version, XENVER_compile_info, &info), 0);
	terminated(info.compiler, sizeof(info.compiler));
	terminated(info.compile_by, sizeof(info.compile_by));
	terminated(info.compile_domain, sizeof(info.compile_domain));
	terminated(info.compile_date, sizeof(info.compile_date));
}

static void features(void)
{
	struct xen_feature_info info = {.submap_idx = 0};
	const uint32_t must =
		1U << XENFEAT_mmu_pt_update_preserve_ad | 1U << XENFEAT_gnttab_map_avail_bits;
	const uint32_t must_not =
		1U << XENFEAT_writable_page_tables | 1U << XENFEAT_writable_descriptor_tables |
		1U << XENFEAT_auto_translated_physmap | 1U << XENFEAT_supervisor_mode_kernel |
		1U << XENFEAT_dom0 | 1U << XENFEAT_hvm_callback_vector;

	expect_eq(hypercall(xen_version, XENVER_get_features, &info), 0);
	expect_eq(info.submap & must, must);
	expect_eq(info.submap & must_not, 0);
	info.submap_idx = XENFEAT_NR_SUBMAPS;
	expect_eq(hypercall(xen_version, XENVER_get_features, &info), -XEN_EINVAL);
}

static void build_id(void)
{
	static uint32_t buffer[17];
	struct xen_build_id *id = (struct xen_build_id *)buffer;
	long size = hypercall(xen_version, XENVER_build_id, 0);

	/* There may be none, and an ordinary domain may not be told. */
	if (size == -XEN_ENODATA || size == -XEN_EPERM)
		return;
	expect(size > 0 && size <= 64);
	id->len = sizeof(buffer) - sizeof(id->len);
	expect_eq(hypercall(xen_version, XENVER_build_id, id), size);
	id->len = 1;
	expect_eq(hypercall(xen_version, XENVER_build_id, id), -XEN_ENOBUFS);
	id->len = 0;
	expect_eq(hypercall(xen_version, XENVER_build_id, id), -XEN_EINVAL);
}

void test_main(void)
{
	struct xen_platform_parameters platform;
	xen_domain_handle_t handle;
	unsigned int i, sum = 0;

	expect_eq(hypercall(xen_version, XENVER_version, 0), 0x00040011);
	expect_eq(hypercall(xen_version, XENVER_pagesize, 0), 4096);
	text(XENVER_extraversion, sizeof(xen_extraversion_t), NULL);
	text(XENVER_capabilities, sizeof(xen_capabilities_info_t), "xen-3.0-x86_64");
	text(XENVER_changeset, sizeof(xen_changeset_info_t), NULL);
	compile_info();
	text(XENVER_commandline, sizeof(xen_commandline_t), NULL);
	expect_eq(hypercall(xen_version, XENVER_platform_parameters, &platform), 0);
	expect_eq(platform.virt_start, HYPERVISOR_VIRT_START);
	expect_eq(hypercall(xen_version, XENVER_guest_handle, handle), 0);
	for (i = 0; i < sizeof(handle); i++)
		sum += handle[i];
	expect(sum != 0);
	features();
	build_id();
}
