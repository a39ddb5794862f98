/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* For tests that aren't about page tables: whatever is in one is fine. */
#include <hv/page_type.h>

int arch_table_validate(struct domain *d, struct page_info *pg, unsigned int level)
{
	pg->aux = 512;
	return 0;
}

int arch_table_release(struct page_info *pg, unsigned int level)
{
	pg->aux = 0;
	return 0;
}

int arch_seg_validate(struct page_info *pg)
{
	return 0;
}
