/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The machine-to-physical table: readable in every address space, right for all
 * of the guest's frames, not writable; what is beyond it faults cleanly, since
 * kernels look up any number that they find in a page table.
 */
#include "lib/guest.h"

const char test_title[] = "The machine-to-physical table";

static bool read_at(uint64_t va, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool ok = PROBE("mov (%1), %0", : "=r"(value) : "r"(va));

	*ret_value = value;
	return ok;
}

void test_main(void)
{
	const unsigned long *p2m = (unsigned long *)start_info->mfn_list;
	const unsigned long *m2p = (unsigned long *)MACH2PHYS_VIRT_START;
	struct xen_machphys_mapping mapping;
	unsigned long pfn, wrong = 0;
	uint64_t value;

	for (pfn = 0; pfn < start_info->nr_pages; pfn++)
		wrong += m2p[p2m[pfn]] != pfn;
	expect_eq(wrong, 0);
	expect_eq(hypercall(memory_op, XENMEM_machphys_mapping, &mapping), 0);
	expect(mapping.max_mfn * 8 <= mapping.v_end - mapping.v_start);
	/* Frames that are not ours have an entry, or a fault; none of our numbers. */
	if (read_at(MACH2PHYS_VIRT_START + 8 * 0x100, &value))
		expect(value >= start_info->nr_pages || p2m[value] != 0x100);
	expect_fault(PROBE("movq $0, (%0)", : : "r"(MACH2PHYS_VIRT_START)), 14, 3);
	if (!read_at(MACH2PHYS_VIRT_START + (8UL << 30), &value)) {
		expect_eq(last_trap.vector, 14);
		expect_eq(last_trap.cr2, MACH2PHYS_VIRT_START + (8UL << 30));
	}
	/* The rest of the hypervisor's window is not there for us. */
	expect(!read_at(HYPERVISOR_VIRT_END - 8, &value));
	expect_eq(last_trap.vector, 14);
	expect(!read_at(HYPERVISOR_VIRT_START + (5UL << 39), &value));
	expect_eq(last_trap.vector, 14);
	expect(!PROBE("movq $0, (%0)", : : "r"(HYPERVISOR_VIRT_START + (5UL << 39))));
	expect_eq(last_trap.vector, 14);
}
