/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Page tables, for tests that make some. */
#include "lib/guest.h"

long mmu_ext(unsigned int cmd, unsigned long arg1, unsigned long arg2)
{
	struct mmuext_op op = {.cmd = cmd};

	op.arg1.mfn = arg1;
	op.arg2.src_mfn = arg2;
	return hypercall(mmuext_op, &op, 1, 0, DOMID_SELF);
}

long pt_write(uint64_t entry_maddr, uint64_t value)
{
	struct mmu_update req = {.ptr = entry_maddr, .val = value};

	return hypercall(mmu_update, &req, 1, 0, DOMID_SELF);
}

long map_at(unsigned long va, uint64_t pte)
{
	uint64_t *table = (uint64_t *)start_info->pt_base;
	unsigned int level;

	for (level = 4; level > 1; level--) {
		uint64_t *entry = &table[va >> (12 + 9 * (level - 1)) & 511];

		if (!(*entry & PTE_P)) {
			void *lower = alloc_page();
			long rc = make_readonly(lower);

			if (!rc)
				rc = pt_write(virt_to_maddr(entry), virt_to_maddr(lower) | PTE_RW);
			if (rc)
				return rc;
		}
		table = mfn_to_virt((*entry & PTE_FRAME) / PAGE_SIZE);
	}
	return pt_write(virt_to_maddr(&table[va >> 12 & 511]), pte);
}

bool is_unused(void *page)
{
	if (make_writable(page))
		return false;
	memset(page, 0, PAGE_SIZE);
	return !make_readonly(page) && !pin_table(page, 1) && !unpin_table(page) &&
	       !make_writable(page);
}
