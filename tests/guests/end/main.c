/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Lives for so many seconds, blocked, and ends for a reason of SHUTDOWN_*, for
 * tests of what tools do then. On the command line: seconds=N (none), reason=N
 * (poweroff).
 */
#include "lib/guest.h"

const char test_title[] = "An end for a given reason";

void test_main(void)
{
	struct sched_shutdown how = {.reason = (unsigned int)argument("reason", SHUTDOWN_poweroff)};

	printf("Ends for reason %u\n", how.reason);
	sleep_ns(argument("seconds", 0) * 1000000000UL);
	if (how.reason != SHUTDOWN_poweroff) {
		console_flush();
		hypercall(sched_op, SCHEDOP_shutdown, &how);
	}
}
