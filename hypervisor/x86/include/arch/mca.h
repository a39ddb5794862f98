/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Machine checks: what the hardware says of its own faults, in banks of MSRs per
 * CPU. Corrected ones are looked for now and then, logged, and kept for the control
 * domain (VIRQ_MCA, hypercall mca); an uncorrected one ends everything.
 *
 * Source: Intel SDM vol. 3, "Machine-Check Architecture"; AMD APM vol. 2, ch. 9.
 */
#ifndef ARCH_MCA_H
#define ARCH_MCA_H

#include <hv/types.h>

struct cpu_user_regs;

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a

/* A bank that had something to say. */
struct mca_record {
	uint64_t id; /* counts up */
	uint64_t status, addr, misc, tsc, mcg_status;
	unsigned int cpu, bank;
	uint16_t domain, vcpu; /* what ran when it was found */
};

/* On each CPU as it comes up: switches the banks on and looks at them from then on. */
void mca_init_cpu(void);

/*
 * #MC. Returns if all that the banks say is of corrected faults, which are left to
 * the next look. Otherwise it prints them, and the caller has to stop the machine.
 */
bool mca_exception(void);

/* The oldest record that nobody has acknowledged; false: none. */
bool mca_oldest(struct mca_record *r);
/* False: @id isn't the oldest's. */
bool mca_acknowledge(uint64_t id);

#endif
