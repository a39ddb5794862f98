/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* dom0_mem= and dom0_max_vcpus= of the command line. */
#include <hv/cmdline.h>
#include <hv/lib.h>

#include "dom0_options.h"

struct dom0_options dom0_options __initdata;

CMDLINE_UINT("dom0_max_vcpus", dom0_options.max_vcpus);

/* dom0_mem=[min:<size>,][max:<size>,][<size>] in any order. */
static int __init parse_dom0_mem(const char *s)
{
	struct dom0_options o = dom0_options;

	do {
		uint64_t *what = &o.mem;

		if (!strncmp(s, "min:", 4)) {
			what = &o.mem_min;
			s += 4;
		} else if (!strncmp(s, "max:", 4)) {
			what = &o.mem_max;
			s += 4;
		}
		if (*s < '0' || *s > '9')
			return -EINVAL;
		*what = cmdline_parse_size(s, &s);
		if (*what == CMDLINE_SIZE_TOO_LARGE || (*s && *s != ','))
			return -EINVAL;
	} while (*s++);
	dom0_options = o;
	return 0;
}
CMDLINE_CUSTOM("dom0_mem", parse_dom0_mem, "all but a reserve");
