/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Instructions of ours that may fault, and where to go on then. A few dozen
 * entries, searched in order; only faults pay for that.
 */
#include <arch/traps.h>

extern const struct extable_entry __extable_start[], __extable_end[];

unsigned long extable_search(unsigned long rip)
{
	for (const struct extable_entry *e = __extable_start; e < __extable_end; e++) {
		if ((unsigned long)&e->insn + (unsigned long)(long)e->insn == rip)
			return (unsigned long)&e->fixup + (unsigned long)(long)e->fixup;
	}
	return 0;
}
