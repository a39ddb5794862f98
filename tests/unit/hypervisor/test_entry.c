/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * x86/pv/entry.c: frames on the guest's kernel stack, the iret hypercall, what is done
 * before a return, and which way out is taken. All that it calls is made up here. Tries
 * X1 and X2: whatever a guest asks to be returned to, it runs in ring 3 with interrupts
 * on, and SYSRET is never asked to do what it can't.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/hypercalls.h>
#include <arch/page.h>
#include <arch/pt.h>
#include <arch/pv.h>
#include <arch/runstate.h>
#include <arch/traps.h>
#include <arch/xpti.h>

void do_syscall(struct cpu_user_regs *regs);
bool prepare_return_to_guest(void);
void do_failed_iret(struct cpu_user_regs *regs);

#define KERNEL_IP  0xffffffff81000000UL
#define USER_IP    0x400000UL
#define HANDLER    0xffffffff81123450UL
#define NO_ADDRESS 0x0000800000000000UL /* isn't canonical */
#define CRASHED    1

static struct domain dom = {.id = 1};
static struct vcpu vcpu = {.domain = &dom};
static struct vcpu_info info;
static struct trap_info traps[256];
static uint64_t stack[64];
static struct page_info frames[4];
struct page_info *frame_table = frames;

_Thread_local unsigned int ht_cpu;
bool ht_irq_on[HT_CPUS];
bool cpu_has_smap;
struct vcpu *ht_current[HT_CPUS] = {&vcpu};
struct cpu_user_regs ht_guest_regs;
struct cpu_info ht_cpu_info[HT_CPUS];
#define regs ht_guest_regs

/* ---- what is made up ------------------------------------------------------------------ */

static unsigned long cr3;
static unsigned int swaps, hypercalls, softirqs, drops_left, new_roots, syncs;
static bool stack_faults, softirq_due;
static void (*in_softirq)(void);
static jmp_buf crash;
static bool crash_expected;

void write_cr3(unsigned long v)
{
	cr3 = v;
}

bool xpti_active;

void xpti_new_root(void)
{
	new_roots++;
}

/* The last thing, and nothing may come in between. */
void xpti_sync(const struct vcpu *v)
{
	assert_true(xpti_active && v == &vcpu && !softirq_due);
	assert_false(local_irq_is_enabled());
	syncs++;
}

void arch_runstate_catch_up(struct vcpu *v)
{
	assert_true(v->arch.in_kernel);
}

unsigned long guest_copy_in(void *dst, uint64_t va, unsigned long n)
{
	if (stack_faults)
		return n;
	memcpy(dst, (const void *)va, n);
	return 0;
}

unsigned long guest_copy_out(uint64_t va, const void *src, unsigned long n)
{
	if (stack_faults || va < ht_va(stack) || va + n > ht_va(stack) + sizeof(stack))
		return n;
	memcpy((void *)va, src, n);
	return 0;
}

/* Its vCPU goes off the CPU for good. */
void domain_crash(struct domain *d, const char *fmt, ...)
{
	assert_ptr_equal(d, &dom);
	assert_true(crash_expected);
	crash_expected = false;
	longjmp(crash, CRASHED);
}

#define CRASHES(call)                                 \
	do {                                          \
		crash_expected = true;                \
		if (!setjmp(crash)) {                 \
			call;                         \
			fail_msg("no crash: " #call); \
		}                                     \
	} while (0)

void hypercall_dispatch(struct cpu_user_regs *r)
{
	assert_true(local_irq_is_enabled());
	hypercalls++;
}

bool softirq_pending(unsigned int cpu)
{
	return softirq_due;
}

void softirq_run(void)
{
	assert_true(local_irq_is_enabled());
	softirq_due = false;
	softirqs++;
	if (in_softirq)
		in_softirq();
}

unsigned int spin_held_count(void)
{
	return 0;
}

int pt_drop_deferred(struct vcpu *v)
{
	if (--drops_left)
		return -ERESTART;
	v->arch.old_root = NULL;
	return 0;
}

__noreturn void assert_failed(const char *expr, const char *file, int line)
{
	abort();
}

/* SWAPGS is for ring 0: counted, and passed over. */
static void on_fault(int sig, siginfo_t *i, void *context)
{
	greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	if (memcmp((const void *)*rip, "\x0f\x01\xf8", 3)) {
		signal(sig, SIG_DFL);
		return;
	}
	swaps++;
	*rip += 3;
}

/* ---- the guest -------------------------------------------------------------------------- */

#define T_IP(vector) (HANDLER + 0x10000 + (vector)*16UL)

static void start(bool kernel)
{
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
	memset(&vcpu.arch, 0, sizeof(vcpu.arch));
	memset(&info, 0, sizeof(info));
	memset(&regs, 0, sizeof(regs));
	memset(stack, 0, sizeof(stack));
	for (unsigned int i = 0; i < 256; i++)
		traps[i] = (struct trap_info){.vector = (uint8_t)i, .address = T_IP(i)};
	traps[3].flags = 4; /* with events masked */
	vcpu.vcpu_info = &info;
	vcpu.arch.traps = traps;
	vcpu.arch.in_kernel = kernel;
	vcpu.arch.root = &frames[1];
	vcpu.arch.user_root = &frames[2];
	vcpu.arch.event_cb = (struct pv_callback){HANDLER, true};
	vcpu.arch.failsafe_cb = (struct pv_callback){HANDLER + 16, false};
	vcpu.arch.syscall_cb = (struct pv_callback){HANDLER + 32, false};
	vcpu.arch.kernel_sp = ht_va(stack + 60);
	regs.rip = kernel ? KERNEL_IP : USER_IP;
	regs.cs = FLAT_RING3_CS64;
	regs.ss = FLAT_RING3_SS64;
	regs.rsp = kernel ? ht_va(stack + 40) + 8 : 0x7fff0000;
	regs.rflags = X86_EFLAGS_IF | 2;
	regs.rcx = 0xcccc;
	regs.r11 = 0x1111;
	swaps = hypercalls = softirqs = drops_left = new_roots = syncs = 0;
	stack_faults = softirq_due = crash_expected = false;
	in_softirq = NULL;
	cr3 = 0;
	ht_irq_on[0] = true;
}

static const uint64_t *frame(void)
{
	return (const uint64_t *)regs.rsp;
}

/* It runs in its kernel at @ip, in ring 3, with interrupts, and nothing odd. */
static void in_handler(unsigned long ip)
{
	assert_int_equal(regs.rip, ip);
	assert_int_equal(regs.cs, FLAT_KERNEL_CS);
	assert_int_equal(regs.ss, FLAT_KERNEL_SS);
	assert_true(vcpu.arch.in_kernel);
	assert_int_equal(regs.rflags & (X86_EFLAGS_IF | X86_EFLAGS_IOPL | X86_EFLAGS_TF |
					X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM |
					X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP),
			 X86_EFLAGS_IF);
}

/* ---- in --------------------------------------------------------------------------------- */

static void traps_of_the_kernel(void **state)
{
	unsigned long sp;

	start(true);
	sp = regs.rsp;
	regs.rflags |= X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_RF | X86_EFLAGS_CF;
	vcpu.arch.iopl = 1;
	pv_inject_trap(&vcpu, TRAP_GP, 0x1234);
	in_handler(T_IP(TRAP_GP));
	/* rcx, r11, error code, rip, cs, rflags, rsp, ss below an aligned pointer */
	assert_int_equal(regs.rsp, (sp & ~15UL) - 8 * 8);
	assert_int_equal(frame()[0], 0xcccc);
	assert_int_equal(frame()[1], 0x1111);
	assert_int_equal(frame()[2], 0x1234);
	assert_int_equal(frame()[3], KERNEL_IP);
	assert_int_equal(frame()[4], FLAT_RING3_CS64 & ~3);
	assert_int_equal(frame()[5], X86_EFLAGS_IF | 2 | X86_EFLAGS_TF | X86_EFLAGS_AC |
					     X86_EFLAGS_RF | X86_EFLAGS_CF | 1UL << 12);
	assert_int_equal(frame()[6], sp);
	assert_int_equal(frame()[7], FLAT_RING3_SS64);
	assert_int_equal(swaps, 0);
	assert_int_equal(info.evtchn_upcall_mask, 0);
	/* No error code; events masked by the gate; the mask shows in flags and cs. */
	start(true);
	info.evtchn_upcall_mask = 1;
	pv_inject_trap(&vcpu, TRAP_BP, 77);
	in_handler(T_IP(TRAP_BP));
	assert_int_equal(regs.rsp, (sp & ~15UL) - 7 * 8);
	assert_int_equal(frame()[2], KERNEL_IP);
	assert_int_equal(frame()[3], (FLAT_RING3_CS64 & ~3UL) | 1UL << 32);
	assert_int_equal(frame()[4], 2);
	assert_int_equal(info.evtchn_upcall_mask, 1);
	start(true);
	pv_inject_trap(&vcpu, TRAP_BP, 0);
	assert_int_equal(info.evtchn_upcall_mask, 1);
}

static void traps_of_programs(void **state)
{
	start(false);
	vcpu.arch.iopl = 3;
	pv_inject_page_fault(&vcpu, 0xdead000, PFEC_U | PFEC_W);
	in_handler(T_IP(TRAP_PF));
	assert_int_equal(swaps, 1);
	assert_int_equal(cr3, PAGE_SIZE); /* of the kernel's root */
	assert_int_equal(new_roots, 1);
	assert_int_equal(info.arch.cr2, 0xdead000);
	assert_int_equal(regs.rsp, vcpu.arch.kernel_sp - 8 * 8);
	assert_int_equal(frame()[2], PFEC_U | PFEC_W);
	assert_int_equal(frame()[4], FLAT_RING3_CS64);
	assert_int_equal(frame()[5] & X86_EFLAGS_IOPL, X86_EFLAGS_IOPL);
	assert_int_equal(frame()[6], 0x7fff0000);
	/* A fault of the kernel's is not a user's to it. */
	start(true);
	pv_inject_page_fault(&vcpu, 0xdead000, PFEC_U | PFEC_P);
	assert_int_equal(frame()[2], PFEC_P);
}

static void what_ends_a_guest(void **state)
{
	start(true);
	traps[TRAP_UD].address = 0;
	CRASHES(pv_inject_trap(&vcpu, TRAP_UD, 0));
	CRASHES(pv_bounce(&vcpu, 0, false, false, 0));
	start(true);
	stack_faults = true;
	CRASHES(pv_inject_trap(&vcpu, TRAP_GP, 0));
	start(false);
	vcpu.arch.kernel_sp = HYPERVISOR_START + 0x1000;
	CRASHES(pv_inject_trap(&vcpu, TRAP_GP, 0));
	start(true);
	vcpu.arch.failsafe_cb.addr = 0;
	CRASHES(pv_failsafe(&vcpu, (const uint16_t[4]){0}));
	start(true);
	stack_faults = true;
	CRASHES(do_iret());
	start(true);
	regs.rsp = ht_va(stack);
	stack[5] = 3; /* to user mode */
	vcpu.arch.user_root = NULL;
	CRASHES(do_iret());
}

static void failsafe(void **state)
{
	const uint16_t sel[4] = {0x11, 0x22, 0x33, 0x44};

	start(false);
	vcpu.arch.failsafe_cb.mask_events = true;
	pv_failsafe(&vcpu, sel);
	in_handler(HANDLER + 16);
	assert_int_equal(info.evtchn_upcall_mask, 1);
	assert_int_equal(swaps, 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(frame()[2 + i], sel[i]);
	assert_int_equal(frame()[6], USER_IP);
	assert_int_equal(frame()[9], 0x7fff0000);
	/* It was user mode's frame, of which events were not masked. */
	assert_int_equal(frame()[7], FLAT_RING3_CS64);
}

static void system_calls(void **state)
{
	start(true);
	ht_irq_on[0] = false;
	do_syscall(&regs);
	assert_int_equal(hypercalls, 1);
	assert_int_equal(regs.rip, KERNEL_IP);
	/* Never a hypercall of a program. */
	start(false);
	do_syscall(&regs);
	assert_int_equal(hypercalls, 0);
	in_handler(HANDLER + 32);
	/* A kernel without system calls: #UD at the instruction. */
	start(false);
	vcpu.arch.syscall_cb.addr = 0;
	do_syscall(&regs);
	in_handler(T_IP(TRAP_UD));
	assert_int_equal(frame()[2], USER_IP - 2);
}

/* ---- the iret hypercall ------------------------------------------------------------------ */

static void iret_to(uint64_t rip, uint64_t cs, uint64_t flags, uint64_t rsp, uint64_t ss)
{
	struct iret_context *c = (struct iret_context *)stack;

	start(true);
	*c = (struct iret_context){0xaaaa, 0xb11, 0xb2, 0, rip, cs, flags, rsp, ss};
	regs.rsp = ht_va(c);
	regs.rax = (uint64_t)do_iret();
}

static void irets(void **state)
{
	/* To the kernel, with every flag that it may ask for */
	iret_to(HANDLER, FLAT_RING3_CS64 & ~3, ~0UL, 0x1234, FLAT_RING3_SS64 & ~3);
	assert_true(vcpu.arch.in_kernel);
	assert_int_equal(regs.rax, 0xaaaa);
	assert_int_equal(regs.rcx, 0xb2);
	assert_int_equal(regs.r11, 0xb11);
	assert_int_equal(regs.rip, HANDLER);
	assert_int_equal(regs.rsp, 0x1234);
	assert_int_equal(regs.cs, FLAT_RING3_CS64);
	assert_int_equal(regs.ss, FLAT_RING3_SS64);
	assert_int_equal(info.evtchn_upcall_mask, 0);
	assert_int_equal(regs.rflags & (X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_NT |
					X86_EFLAGS_VIF | X86_EFLAGS_VIP | ~0x3fffffUL),
			 0);
	assert_int_equal(regs.rflags & (X86_EFLAGS_IF | 2), X86_EFLAGS_IF | 2);
	/* Without IF: events are masked, interrupts are not. */
	iret_to(HANDLER, 0xe030, 0, 0x1234, 0);
	assert_int_equal(info.evtchn_upcall_mask, 1);
	assert_int_equal(regs.rflags, X86_EFLAGS_IF | 2);
	assert_int_equal(regs.ss, 0);
	/* To user mode */
	iret_to(USER_IP, FLAT_RING3_CS64, X86_EFLAGS_IF, 0x7000, FLAT_RING3_SS64);
	assert_false(vcpu.arch.in_kernel);
	assert_int_equal(swaps, 1);
	assert_int_equal(cr3, 2 * PAGE_SIZE);
	/* Selectors of ring 0, the hypervisor's own among them, become ring 3's. */
	for (unsigned int sel = 0; sel < 0x10000; sel++) {
		iret_to(USER_IP, sel, X86_EFLAGS_IF, 0, sel);
		assert_true(regs.cs < 4 || (regs.cs & 3) == 3);
		assert_true(regs.ss < 4 || (regs.ss & 3) == 3);
	}
	/* From a system call, two registers are as they are; an NMI is over. */
	start(true);
	((struct iret_context *)stack)->flags = VGCF_in_syscall;
	regs.rsp = ht_va(stack);
	vcpu.arch.nmi_masked = true;
	(void)do_iret();
	assert_int_equal(regs.rcx, 0xcccc);
	assert_int_equal(regs.r11, 0x1111);
	assert_false(vcpu.arch.nmi_masked);
}

static void flags_of_guests(void **state)
{
	const unsigned long never =
		X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_NT | X86_EFLAGS_VIF | X86_EFLAGS_VIP;

	for (unsigned int bit = 0; bit < 64; bit++) {
		unsigned long f = pv_fix_rflags(1UL << bit);

		assert_int_equal(f & never, 0);
		assert_int_equal(f & (X86_EFLAGS_IF | 2), X86_EFLAGS_IF | 2);
		assert_int_equal(f >> 22, 0);
	}
	assert_true(pv_fix_rflags(X86_EFLAGS_TF) & X86_EFLAGS_TF);
}

/* What IRET faulted on is the guest's exception, at where it wanted to go. */
static void an_iret_that_failed(void **state)
{
	start(true);
	regs.rip = NO_ADDRESS;
	regs.cs = 0xfff3;
	ht_cpu_info[0].iret_fault.vector = TRAP_GP;
	ht_cpu_info[0].iret_fault.error = 0xfff0;
	ht_irq_on[0] = false;
	do_failed_iret(&regs);
	assert_true(local_irq_is_enabled());
	in_handler(T_IP(TRAP_GP));
	assert_int_equal(frame()[2], 0xfff0);
	assert_int_equal(frame()[3], NO_ADDRESS);
	assert_int_equal(frame()[4], 0xfff0);
	/* A program's: its kernel hears of it. */
	start(false);
	regs.ss = 0xfffb;
	ht_cpu_info[0].iret_fault.vector = TRAP_SS;
	do_failed_iret(&regs);
	in_handler(T_IP(TRAP_SS));
	assert_int_equal(swaps, 1);
	assert_int_equal(frame()[7], 0xfffb);
}

/* ---- out ----------------------------------------------------------------------------------- */

/* SYSRET takes rip and rflags of rcx and r11, and faults in ring 0 on a bad rip. */
static bool by_sysret(void)
{
	bool yes = prepare_return_to_guest();

	assert_false(local_irq_is_enabled());
	return yes;
}

static void like_after_a_hypercall(void)
{
	start(true);
	regs.rcx = regs.rip;
	regs.r11 = regs.rflags;
}

static void ways_out(void **state)
{
	like_after_a_hypercall();
	assert_true(by_sysret());
	assert_int_equal(syncs, 0);
	xpti_active = softirq_due = true;
	assert_true(by_sysret());
	assert_int_equal(syncs, 1);
	xpti_active = false;
	like_after_a_hypercall();
	regs.rcx = regs.rip = NO_ADDRESS;
	assert_false(by_sysret());
	like_after_a_hypercall();
	regs.rcx = regs.rip = 0xffff7fffffffffff;
	assert_false(by_sysret());
	like_after_a_hypercall();
	regs.rcx++;
	assert_false(by_sysret());
	like_after_a_hypercall();
	regs.r11 ^= X86_EFLAGS_CF;
	assert_false(by_sysret());
	like_after_a_hypercall();
	regs.cs = FLAT_RING3_CS32;
	assert_false(by_sysret());
	like_after_a_hypercall();
	regs.ss = 0x33;
	assert_false(by_sysret());
	for (unsigned int i = 0; i < 2; i++) {
		like_after_a_hypercall();
		regs.r11 = regs.rflags |= i ? X86_EFLAGS_TF : X86_EFLAGS_RF;
		assert_false(by_sysret());
	}
}

static void events(void **state)
{
	start(true);
	info.evtchn_upcall_pending = 1;
	assert_true(arch_vcpu_event_deliverable(&vcpu));
	assert_true(hypercall_preempt_check());
	(void)by_sysret();
	in_handler(HANDLER);
	assert_int_equal(info.evtchn_upcall_mask, 1);
	assert_int_equal(frame()[2], KERNEL_IP);
	/* Masked now: once is enough. */
	assert_false(arch_vcpu_event_deliverable(&vcpu));
	assert_false(hypercall_preempt_check());
	(void)by_sysret();
	in_handler(HANDLER);
	softirq_due = true;
	assert_true(hypercall_preempt_check());
	/* A guest that asks for events and has nowhere to take them */
	start(true);
	vcpu.arch.event_cb.addr = 0;
	info.evtchn_upcall_pending = 1;
	CRASHES(prepare_return_to_guest());
}

static void an_event_comes(void)
{
	info.evtchn_upcall_pending = 1;
}

static void at_the_last_moment(void **state)
{
	start(false);
	in_softirq = an_event_comes;
	(void)by_sysret();
	in_handler(HANDLER);
	assert_true(softirqs > 1);
	/* A softirq that is raised meanwhile is run first. */
	start(true);
	softirq_due = true;
	(void)by_sysret();
	assert_false(softirq_due);
}

static void nmis(void **state)
{
	start(true);
	vcpu.arch.nmi_pending = true;
	info.evtchn_upcall_mask = 1;
	assert_true(arch_vcpu_event_deliverable(&vcpu));
	(void)by_sysret();
	in_handler(T_IP(TRAP_NMI));
	assert_true(vcpu.arch.nmi_masked);
	/* Another one waits for the iret hypercall. */
	vcpu.arch.nmi_pending = true;
	assert_false(arch_vcpu_event_deliverable(&vcpu));
	regs.rip = KERNEL_IP;
	(void)by_sysret();
	assert_int_equal(regs.rip, KERNEL_IP);
	vcpu.arch.nmi_masked = false;
	traps[TRAP_NMI].address = 0;
	(void)by_sysret();
	assert_int_equal(regs.rip, KERNEL_IP);
}

/* (R2) Before the guest goes on, what it owes is given back, and others may run. */
static void tables_on_their_way_out(void **state)
{
	start(true);
	vcpu.arch.old_root = &frames[3];
	drops_left = 5;
	(void)by_sysret();
	assert_int_equal(drops_left, 0);
	assert_null(vcpu.arch.old_root);
	assert_int_equal(softirqs, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traps_of_the_kernel),
		cmocka_unit_test(traps_of_programs),
		cmocka_unit_test(what_ends_a_guest),
		cmocka_unit_test(failsafe),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(irets),
		cmocka_unit_test(flags_of_guests),
		cmocka_unit_test(an_iret_that_failed),
		cmocka_unit_test(ways_out),
		cmocka_unit_test(events),
		cmocka_unit_test(at_the_last_moment),
		cmocka_unit_test(nmis),
		cmocka_unit_test(tables_on_their_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
