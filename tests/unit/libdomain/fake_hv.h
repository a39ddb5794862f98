/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libhv without a hypervisor: a machine of a few thousand pages in a memory
 * file, which foreign maps really map, and the control calls that creating a
 * domain needs. Each call that can fail asks fake_fails() first, so that a test
 * can make the n-th one fail.
 */
#ifndef PAVISE_TEST_FAKE_HV_H
#define PAVISE_TEST_FAKE_HV_H

#include <stdbool.h>
#include <stdint.h>

#include <public/domctl.h>
#include <public/xen.h>

#define FAKE_PAGES   20480u /* 80 MiB */
#define FAKE_DOMAINS 4u

struct fake_domain {
	bool exists, paused, dying;
	uint32_t domid;
	uint8_t handle[16];
	uint32_t max_vcpus, grant_opts, next_port;
	uint64_t max_pages, pages;
	uint64_t shared_info_mfn, grant_mfn;
	uint64_t pinned_l4; /* 0: none */
	bool has_context;
	struct vcpu_guest_context context;
	uint64_t hypercall_mfn;
	uint64_t e820_size;
	uint32_t tsc_mode;
	uint16_t weight;
	int32_t time_offset;
};

struct fake_machine {
	struct fake_domain dom[FAKE_DOMAINS];
	uint64_t page_owner[FAKE_PAGES]; /* domid + 1; 0: free */
	uint64_t page_pfn[FAKE_PAGES]; /* the M2P */
	unsigned int maps, bufs; /* outstanding */
	bool no_big_pages, no_resource, no_claims, credit2;
	unsigned int pin_with_maps; /* pins while something was mapped */
	uint64_t claimed;
};

extern struct fake_machine fake;

/* A fresh machine with only the control domain in it. */
void fake_reset(void);

/* A machine page's content, as long as the machine lasts. */
void *fake_page(uint64_t mfn);

struct fake_domain *fake_find(uint32_t domid);
unsigned int fake_free_pages(void);

/*
 * Fault injection: call number @at (from 1) fails; 0: none. fake_calls counts
 * the calls since the last fake_fail_at().
 */
void fake_fail_at(unsigned int at);
bool fake_fails(void);
extern unsigned int fake_calls;
extern bool fake_failed; /* whether it came to that */

#endif
