/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The library of the test kernels.
 *
 * A test defines test_title and test_main(). It reports by expect() and
 * failure(), or ends early by skip() or error(); what is printed last is its
 * result. It states what the ABI promises, and passes on Xen 4.17.
 *
 * A kernel runs on one vCPU, without SSE, at addresses that are PFN << 12; all
 * pages are accessible to guest user mode too. Exceptions go to guest_trap():
 * those of an instruction in PROBE() or TRY() are recorded in last_trap.
 */
#ifndef TESTS_GUESTS_LIB_GUEST_H
#define TESTS_GUESTS_LIB_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/callback.h>
#include <public/errno.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/xen.h>

#include "lib/vectors.h"

#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define PTE_P     0x1UL
#define PTE_W     0x2UL
#define PTE_U     0x4UL
#define PTE_A     0x20UL
#define PTE_D     0x40UL
#define PTE_PS    0x80UL
#define PTE_NX    (1UL << 63)
#define PTE_FRAME 0x000ffffffffff000UL
#define PTE_RW    (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define PTE_RO    (PTE_P | PTE_U | PTE_A | PTE_D)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

/* What a test provides */
extern const char test_title[];
void test_main(void);

/* Results. expect() goes on after a failure. */
void failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
void skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void error(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
bool test_failed(void);

#define expect(cond)                                                     \
	do {                                                             \
		if (!(cond))                                             \
			failure("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* Compares two numbers and prints both if they differ. */
#define expect_eq(got, wanted)                                                                     \
	do {                                                                                       \
		long got_ = (long)(got), wanted_ = (long)(wanted);                                 \
		if (got_ != wanted_)                                                               \
			failure("%s:%d: %s is %ld (%#lx), not %ld (%#lx)", __FILE__, __LINE__,     \
				#got, got_, (unsigned long)got_, wanted_, (unsigned long)wanted_); \
	} while (0)

/*
 * Whether the hypervisor promises more than the ABI does: it is Pavise. What only
 * that does is expected with expect_ours().
 */
bool beyond_abi(void);
#define expect_ours(cond) expect(!beyond_abi() || (cond))

/* Console and strings */
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_write(const char *text, size_t len);
void console_flush(void);
void console_wait(void);
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);
bool contains(const char *text, const char *word);

/* Registers at an exception or another entry; the lower part of cs is the selector. */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error_code;
	uint64_t rip;
	uint32_t cs;
	uint8_t saved_upcall_mask, pad[3];
	uint64_t rflags, rsp, ss;
};
_Static_assert(sizeof(struct regs) == REGS_SIZE, "start.S");

#define RFLAGS_CF   (1UL << 0)
#define RFLAGS_TF   (1UL << 8)
#define RFLAGS_IF   (1UL << 9)
#define RFLAGS_DF   (1UL << 10)
#define RFLAGS_IOPL (3UL << 12)
#define RFLAGS_NT   (1UL << 14)
#define RFLAGS_AC   (1UL << 18)

struct trap_record {
	unsigned int count;
	unsigned int vector;
	uint64_t error_code, cr2;
	struct regs regs;
};
/* Each vCPU's own */
extern struct trap_record trap_records[2];
#define last_trap (trap_records[this_vcpu()])
extern uint64_t failsafe_selectors[4];

/* 0, or 1 on what start_vcpu() and race() have running: by the stack. */
static inline unsigned int this_vcpu(void)
{
	extern char second_stack[], second_stack_end[];
	char *sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return sp >= second_stack && sp < second_stack_end;
}

/*
 * Runs instructions. If the first one faults, the rest is skipped and the fault
 * recorded. Gives true if nothing trapped. TRAP_PROBE() is for an instruction
 * that traps after it was executed (INT3, INT n).
 */
#define PROBE_AT(label, insn, ...)                                                   \
	({                                                                           \
		unsigned int before_;                                                \
		barrier();                                                           \
		before_ = last_trap.count;                                           \
		__asm__ volatile("1: " insn "\n2:\n"                                 \
				 ".pushsection .ex_table, \"a\"\n"                   \
				 ".quad " #label ", 2b\n.popsection\n" __VA_ARGS__); \
		barrier();                                                           \
		last_trap.count == before_;                                          \
	})
#define PROBE(insn, ...)      PROBE_AT(1b, insn, __VA_ARGS__)
#define TRAP_PROBE(insn, ...) PROBE_AT(2b, insn, __VA_ARGS__)

#define expect_fault(ok, vec, ec)                            \
	do {                                                 \
		bool ok_ = (ok);                             \
		expect(!ok_);                                \
		if (!ok_) {                                  \
			expect_eq(last_trap.vector, vec);    \
			expect_eq(last_trap.error_code, ec); \
		}                                            \
	} while (0)

/*
 * Called for every entry that PROBE() does not explain, if set; true: go on
 * with the registers, as changed. Events are acknowledged before the call.
 */
extern bool (*trap_hook)(struct regs *regs);

/* Entry points, for tests that register them otherwise */
extern const char trap_0[], trap_1[], trap_2[], trap_3[], trap_4[], trap_5[], trap_6[], trap_7[],
	trap_8[], trap_10[], trap_11[], trap_12[], trap_13[], trap_14[], trap_16[], trap_17[],
	trap_18[], trap_19[], trap_21[], trap_128[], event_entry[], syscall_entry[],
	failsafe_entry[], nmi_entry[];
void enter_regs(const struct regs *regs) __attribute__((noreturn));

struct context {
	uint64_t words[8];
};
int save_context(struct context *context) __attribute__((returns_twice));
void resume_context(struct context *context) __attribute__((noreturn));

/*
 * Runs code in guest user mode until it traps into the kernel in any way, and
 * gives that entry's vector; the registers are in last_trap.regs. arg is in
 * rdi. Interrupts stay off meanwhile.
 */
unsigned int run_user(const void *code, uint64_t arg);

/* What the hypervisor started us with */
extern struct start_info *start_info;
extern struct shared_info *shared_info;
extern struct vcpu_info *vcpu_info; /* vCPU 0's, wherever it is */
void interrupts_off(void);
void interrupts_on(void);

/* Frames and page tables. An address is a PFN << 12 while it is in memory. */
unsigned long virt_to_mfn(const void *va);
uint64_t virt_to_maddr(const void *va);
void *mfn_to_virt(unsigned long mfn);
uint64_t *pte_of(const void *va); /* the L1 entry that maps it; read-only */
uint64_t *pde_of(const void *va);
void *alloc_page(void); /* zeroed; never freed; error() when there is none */
long set_pte(const void *va, uint64_t pte); /* update_va_mapping, flushing va */
static inline long make_readonly(const void *page)
{
	return set_pte(page, virt_to_maddr(page) | PTE_RO);
}
static inline long make_writable(const void *page)
{
	return set_pte(page, virt_to_maddr(page) | PTE_RW);
}

/* A single operation or request on ourselves */
long mmu_ext(unsigned int cmd, unsigned long arg1, unsigned long arg2);
long pt_write(uint64_t entry_maddr, uint64_t value); /* mmu_update */
static inline uint64_t pte_maddr_of(const void *va)
{
	return virt_to_maddr(pte_of(va));
}
static inline long pin_table(const void *page, unsigned int level)
{
	return mmu_ext(MMUEXT_PIN_L1_TABLE + level - 1, virt_to_mfn(page), 0);
}
static inline long unpin_table(const void *page)
{
	return mmu_ext(MMUEXT_UNPIN_TABLE, virt_to_mfn(page), 0);
}
/*
 * Makes tables for an address that has none, and maps it: 0, or what the last
 * hypercall said. error() if there is no room for tables.
 */
long map_at(unsigned long va, uint64_t pte);
/*
 * Nobody holds the frame but our mapping: it can become a table, and writable
 * again. It is zeroed.
 */
bool is_unused(void *page);
static inline bool is_hypervisor_address(uint64_t word)
{
	return word >= HYPERVISOR_VIRT_START && word < HYPERVISOR_VIRT_END;
}

/* The grant table of version 1, mapped: so many frames of it. */
struct grant_entry_v1 *grant_table_v1(unsigned int nr_frames);
void grant_v1(struct grant_entry_v1 *entry, domid_t to, unsigned long mfn, uint16_t flags);
struct gnttab_map_grant_ref grant_map(domid_t from, grant_ref_t ref, uint64_t where,
				      uint32_t flags);
int grant_unmap(uint64_t where, grant_handle_t handle); /* status */

/*
 * A second vCPU (the configuration needs vcpus = 2), with a stack, traps and no
 * events. Only vCPU 0 may print or fail.
 */
struct vcpu_guest_context;
void fill_vcpu(struct vcpu_guest_context *context, void (*fn)(void), void *stack_end);
void start_vcpu(void (*fn)(void)); /* must not return */
/*
 * one() here and other() on vCPU 1 (started for that), again and again at the same
 * time, for so many milliseconds; each gets the number of its turn. An error if
 * other() does not come back.
 */
void race(unsigned int ms, void (*one)(unsigned long turn), void (*other)(unsigned long turn));

/*
 * vCPU 1, started for that, writes to a word what is in it, and so its TLB knows the page
 * as writable; error() if it can't. Then it waits, and does nothing that would have it
 * forget, until it is to write there again: true if it did, false if that was a page
 * fault. What a TLB remembers it may always forget, too. Not together with race().
 */
void remember(volatile uint64_t *word);
bool write_again(uint64_t what);
/*
 * For a second from @begin on; longer, if by then both vCPUs have always been on one
 * processor, so that none of the writes that are allowed went through a TLB (@stale is
 * their number). Not longer on the reference, which flushes more than it was asked for.
 */
bool still_trying(uint64_t begin, unsigned long stale);

uint64_t random64(void); /* each vCPU its own sequence */

/* Event channels of the 2-level ABI */
evtchn_port_t evtchn_alloc(domid_t remote); /* error() when it fails */
evtchn_port_t evtchn_connect(evtchn_port_t port); /* to our own unbound port */
evtchn_port_t evtchn_virq(unsigned int virq, unsigned int vcpu);
long evtchn_send(evtchn_port_t port);
long evtchn_unmask(evtchn_port_t port);
long evtchn_close(evtchn_port_t port);
bool evtchn_pending(evtchn_port_t port);
void evtchn_clear(evtchn_port_t port);
void evtchn_mask_all(void);
domid_t own_domid(void);

/* Sleeps; events wake it early only if they are not masked. */
void sleep_ns(uint64_t ns);

/* CPU */
static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

struct cpuid {
	uint32_t a, b, c, d;
};
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf); /* through the prefix */

/* The number N of "name=N" on the command line. */
uint64_t argument(const char *name, uint64_t otherwise);
uint64_t system_time(void); /* nanoseconds, by vCPU 0's clock */
extern volatile unsigned int event_count; /* upcalls so far */

#include "lib/hypercall.h"

#endif
