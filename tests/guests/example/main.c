/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The smallest test: what every other one needs works. The guest starts, finds
 * its start_info as the ABI says, and its output arrives.
 */
#include "lib/guest.h"

const char test_title[] = "Start of day";

void test_main(void)
{
	printf("Started with %lu pages by '%s'\n", start_info->nr_pages, start_info->magic);
	expect(memcmp(start_info->magic, "xen-3.0-x86_64", 15) == 0);
	expect_eq(start_info->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN), 0);
	expect_eq(start_info->shared_info % PAGE_SIZE, 0);
	expect(start_info->store_mfn && start_info->store_evtchn);
	expect(start_info->console.domU.mfn && start_info->console.domU.evtchn);
	expect(start_info->nr_pt_frames >= 4);
	expect_eq(shared_info->vcpu_info[0].evtchn_upcall_mask, 1);
	expect_eq(mfn_to_virt(virt_to_mfn(test_title)), (unsigned long)test_title & PAGE_MASK);
}
