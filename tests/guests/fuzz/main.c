/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Two vCPUs issue random hypercalls that are well-shaped: page tables made of an
 * arena of frames, pinned, hooked, written to, given back; grants and ports to
 * oneself, made and used; descriptor tables; all of it at the same time on the
 * same frames. Whatever comes of it, the vCPUs go on, their own memory keeps its
 * contents, and (the runner looks) nothing is left when the guest is gone. Tries R1, R2,
 * R3, R4, R6, R7, F1, F2, F3, F4, G1, E1.
 *
 * On the command line: seed=N, seconds=N (or count=N operations for each vCPU), and
 * victim=N, a domain to be tried (foreign.c). wait=1: not before something is typed on the
 * console, so that the runner sees that we are there.
 */
#include "lib/guest.h"

#include "fuzz.h"

const char test_title[] = "Random well-shaped hypercalls on two vCPUs";

struct arena_page arena[ARENA_PAGES];
char arena_memory[ARENA_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));

/* What the guest itself needs stays as it is. */
static uint64_t witness[512] __attribute__((aligned(4096)));

static struct fuzzer fuzzers[2];
static struct vcpu_guest_context context;
static char stack[4 * PAGE_SIZE] __attribute__((aligned(16)));
static volatile bool second_done;
static uint64_t end_time, count_limit;
uint64_t hypercalls;

/* xorshift64* */
uint64_t rnd(struct fuzzer *f)
{
	f->state ^= f->state >> 12;
	f->state ^= f->state << 25;
	f->state ^= f->state >> 27;
	return f->state * 0x2545f4914f6cdd1dUL;
}

static void (*const operations[])(struct fuzzer *f) = {
	fuzz_write,      fuzz_write,       fuzz_rights,   fuzz_rights, fuzz_rights,
	fuzz_pin,        fuzz_pin,         fuzz_pin,      fuzz_update, fuzz_update,
	fuzz_update,     fuzz_hook,        fuzz_hook,     fuzz_touch,  fuzz_touch,
	fuzz_touch,      fuzz_root,        fuzz_mmuext,   fuzz_gdt,    fuzz_ldt,
	fuzz_descriptor, fuzz_reservation, fuzz_exchange, fuzz_grant,  fuzz_grant,
	fuzz_map,        fuzz_map,         fuzz_unmap,    fuzz_unmap,  fuzz_grant_copy,
	fuzz_grant_misc, fuzz_event,       fuzz_event,    fuzz_event,  fuzz_vcpu,
	fuzz_misc,       fuzz_foreign,     fuzz_foreign,
};

static void run(struct fuzzer *f)
{
	while (f->calls < count_limit && ((f->calls & 63) || system_time() < end_time)) {
		operations[rnd(f) % ARRAY_SIZE(operations)](f);
		f->calls++;
		if (!(f->calls & 0xfff))
			hypercall(sched_op, SCHEDOP_yield, 0);
	}
}

static void __attribute__((used, noreturn)) second_vcpu(void)
{
	run(&fuzzers[1]);
	second_done = true;
	for (;;)
		hypercall(vcpu_op, VCPUOP_down, 1, 0);
}

static void start_second(void)
{
	context.flags = VGCF_IN_KERNEL;
	context.user_regs.rip = (uintptr_t)second_vcpu;
	context.user_regs.rsp = (uintptr_t)stack + sizeof(stack) - 8;
	context.user_regs.cs = FLAT_KERNEL_CS;
	context.user_regs.ss = FLAT_KERNEL_SS;
	context.kernel_ss = FLAT_KERNEL_SS;
	context.kernel_sp = context.user_regs.rsp;
	context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn((void *)start_info->pt_base));
	for (unsigned int i = 0; i < 256; i++)
		context.trap_ctxt[i] = (struct trap_info){0};
	fill_traps(context.trap_ctxt);
	context.event_callback_eip = (unsigned long)event_entry;
	context.failsafe_callback_eip = (unsigned long)failsafe_entry;
	context.syscall_callback_eip = (unsigned long)syscall_entry;
	expect_eq(hypercall(vcpu_op, VCPUOP_initialise, 1, &context), 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_up, 1, 0), 0);
}

void test_main(void)
{
	uint64_t seed = argument("seed", 1), seconds = argument("seconds", 8), deadline;

	evtchn_mask_all();
	if (argument("wait", 0))
		console_wait();
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		arena[i].va = arena_memory[i];
		arena[i].mfn = virt_to_mfn(arena_memory[i]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(witness); i++)
		witness[i] = i * 0x9e3779b97f4a7c15UL;
	fuzz_set_up();
	end_time = system_time() + seconds * 1000000000UL;
	count_limit = argument("count", ~0UL);
	for (unsigned int i = 0; i < ARRAY_SIZE(fuzzers); i++)
		fuzzers[i] = (struct fuzzer){.state = seed * 2 + i + 0x5eed, .id = i};
	start_second();
	run(&fuzzers[0]);
	deadline = system_time() + 20000000000UL;
	while (!second_done && system_time() < deadline)
		hypercall(sched_op, SCHEDOP_yield, 0);
	expect(second_done);
	for (unsigned int i = 0; i < ARRAY_SIZE(witness); i++)
		expect_eq(witness[i], i * 0x9e3779b97f4a7c15UL);
	printf("seed %lu: %lu + %lu operations, %lu + %lu succeeded; %lu hypercalls\n", seed,
	       fuzzers[0].calls, fuzzers[1].calls, fuzzers[0].successes, fuzzers[1].successes,
	       hypercalls);
	/* That they did anything at all */
	expect(fuzzers[0].successes > fuzzers[0].calls / 20);
}
