/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Publishes where its memory is, as core files need it, lives for so many seconds,
 * blocked, and ends for a reason of SHUTDOWN_*, for tests of what tools do then. On
 * the command line: seconds=N (none), reason=N (poweroff).
 */
#include "lib/guest.h"

const char test_title[] = "An end for a given reason";

#define PER_PAGE (PAGE_SIZE / sizeof(unsigned long))

/* Pages of the list of frames, the page that lists these, and the one that lists that. */
static void publish_memory(void)
{
	static unsigned long frames[PER_PAGE] __attribute__((aligned(4096)));
	static unsigned long top[PER_PAGE] __attribute__((aligned(4096)));
	unsigned long list = start_info->mfn_list, i;

	for (i = 0; i * PER_PAGE < start_info->nr_pages && i < PER_PAGE; i++)
		frames[i] = virt_to_mfn((void *)(list + i * PAGE_SIZE));
	top[0] = virt_to_mfn(frames);
	shared_info->arch.max_pfn = start_info->nr_pages;
	shared_info->arch.pfn_to_mfn_frame_list_list = virt_to_mfn(top);
}

void test_main(void)
{
	struct sched_shutdown how = {.reason = (unsigned int)argument("reason", SHUTDOWN_poweroff)};

	publish_memory();
	printf("Ends for reason %u\n", how.reason);
	sleep_ns(argument("seconds", 0) * 1000000000UL);
	if (how.reason != SHUTDOWN_poweroff) {
		console_flush();
		hypercall(sched_op, SCHEDOP_shutdown, &how);
	}
}
