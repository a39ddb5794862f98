/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Names of sub-operations, for messages. */
#include <hv/compiler.h>
#include <hv/hypercall.h>
#include <public/arch-x86/xen-mca.h>
#include <public/callback.h>
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/nmi.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>

#include "subops.h"

struct subop {
	uint16_t cmd;
	const char *name;
};

#define SUBOP(prefix, name, status, remark) {prefix##name, #name},
#define TABLE(hypercall) \
	static const struct subop hypercall##_subops[] = {SUBOPS_##hypercall(SUBOP)};
HYPERCALLS_WITH_SUBOPS(TABLE)

static const struct {
	unsigned int op;
	const struct subop *subop;
	size_t nr;
} tables[] = {
#define ROW(hypercall) \
	{__HYPERVISOR_##hypercall, hypercall##_subops, ARRAY_SIZE(hypercall##_subops)},
	HYPERCALLS_WITH_SUBOPS(ROW)};

const char *hypercall_subop_name(unsigned int op, unsigned int cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (tables[i].op != op)
			continue;
		for (size_t j = 0; j < tables[i].nr; j++) {
			if (tables[i].subop[j].cmd == cmd)
				return tables[i].subop[j].name;
		}
	}
	return NULL;
}
