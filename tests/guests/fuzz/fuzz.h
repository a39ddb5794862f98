/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Between main.c (the loop) and operations.c (what is done in it). */
#ifndef FUZZ_H
#define FUZZ_H

#include "lib/guest.h"

#define ARENA_PAGES 48

/* A frame to play with. Both vCPUs do, without locks: what is here may be old. */
struct arena_page {
	char *va; /* where it is mapped, if it is */
	volatile unsigned long mfn; /* 0: given back */
};

struct fuzzer {
	uint64_t state; /* of the random numbers */
	uint64_t calls, successes;
	unsigned int id;
};

extern struct arena_page arena[ARENA_PAGES];

/* Of both vCPUs. */
extern uint64_t hypercalls;
#undef hypercall
#define hypercall(nr, ...)                                     \
	(__atomic_fetch_add(&hypercalls, 1, __ATOMIC_RELAXED), \
	 HYPERCALL_ARGS(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0))

uint64_t rnd(struct fuzzer *f);
/* A frame, or 0 if it is ours: code and stacks are among them. */
unsigned long not_ours(unsigned long mfn);
void fuzz_set_up(void);
void fill_traps(struct trap_info *traps);

void fuzz_write(struct fuzzer *f);
void fuzz_rights(struct fuzzer *f);
void fuzz_pin(struct fuzzer *f);
void fuzz_update(struct fuzzer *f);
void fuzz_hook(struct fuzzer *f);
void fuzz_touch(struct fuzzer *f);
void fuzz_root(struct fuzzer *f);
void fuzz_mmuext(struct fuzzer *f);
void fuzz_gdt(struct fuzzer *f);
void fuzz_ldt(struct fuzzer *f);
void fuzz_descriptor(struct fuzzer *f);
void fuzz_reservation(struct fuzzer *f);
void fuzz_exchange(struct fuzzer *f);
void fuzz_grant(struct fuzzer *f);
void fuzz_map(struct fuzzer *f);
void fuzz_unmap(struct fuzzer *f);
void fuzz_grant_copy(struct fuzzer *f);
void fuzz_grant_misc(struct fuzzer *f);
void fuzz_event(struct fuzzer *f);
void fuzz_vcpu(struct fuzzer *f);
void fuzz_misc(struct fuzzer *f);
void fuzz_foreign(struct fuzzer *f);

#endif
