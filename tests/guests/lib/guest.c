/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* A test kernel's life: setting up, traps, frames, time. No locks. */
#include "lib/guest.h"

struct start_info *start_info;
struct shared_info *shared_info;
struct vcpu_info *vcpu_info;
struct trap_record trap_records[2];
bool (*trap_hook)(struct regs *regs);
volatile unsigned int event_count;

static char shared_info_page[PAGE_SIZE] __attribute__((aligned(4096)));
static char pool[96][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int pool_used;

struct ex_entry {
	uint64_t at, resume;
};
extern const struct ex_entry ex_table[], ex_table_end[];

void guest_main(struct start_info *info) __attribute__((noreturn));
void guest_trap(struct regs *regs);
void guest_end(void) __attribute__((noreturn));

/* Strings */

void *memcpy(void *to, const void *from, size_t len)
{
	char *t = to;
	const char *f = from;

	while (len--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	char *t = to;

	while (len--)
		*t++ = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len; len--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}

size_t strlen(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

bool contains(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; strlen(text) >= len; text++) {
		if (memcmp(text, word, len) == 0)
			return true;
	}
	return false;
}

bool beyond_abi(void)
{
	static struct xen_compile_info info;

	if (hypercall(xen_version, XENVER_compile_info, &info))
		return false;
	info.compile_date[sizeof(info.compile_date) - 1] = 0;
	return contains(info.compile_date, "Pavise");
}

/* Frames and page tables */

unsigned long virt_to_mfn(const void *va)
{
	return ((unsigned long *)start_info->mfn_list)[(uintptr_t)va / PAGE_SIZE];
}

uint64_t virt_to_maddr(const void *va)
{
	return virt_to_mfn(va) * PAGE_SIZE + (uintptr_t)va % PAGE_SIZE;
}

void *mfn_to_virt(unsigned long mfn)
{
	return (void *)(((unsigned long *)MACH2PHYS_VIRT_START)[mfn] * PAGE_SIZE);
}

static uint64_t *table_of(uint64_t entry)
{
	return mfn_to_virt((entry & PTE_FRAME) / PAGE_SIZE);
}

uint64_t *pde_of(const void *va)
{
	uint64_t *l4 = (uint64_t *)start_info->pt_base;
	uint64_t *l3 = table_of(l4[(uintptr_t)va >> 39 & 511]);
	uint64_t *l2 = table_of(l3[(uintptr_t)va >> 30 & 511]);

	return &l2[(uintptr_t)va >> 21 & 511];
}

uint64_t *pte_of(const void *va)
{
	return &table_of(*pde_of(va))[(uintptr_t)va >> 12 & 511];
}

void *alloc_page(void)
{
	if (pool_used == ARRAY_SIZE(pool))
		error("out of pages");
	return pool[pool_used++];
}

long set_pte(const void *va, uint64_t pte)
{
	return hypercall(update_va_mapping, va, pte, UVMF_INVLPG | UVMF_ALL);
}

/* CPU and time */

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile(XEN_CPUID
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "0"(leaf), "2"(subleaf));
	return r;
}

uint64_t argument(const char *name, uint64_t otherwise)
{
	const char *line = (const char *)start_info->cmd_line;
	uint64_t value = 0;
	size_t len = strlen(name);

	for (; *line; line++) {
		if (memcmp(line, name, len) == 0 && line[len] == '=') {
			for (line += len + 1; *line >= '0' && *line <= '9'; line++)
				value = value * 10 + (uint64_t)(*line - '0');
			return value;
		}
	}
	return otherwise;
}

uint64_t system_time(void)
{
	volatile struct vcpu_time_info *t = &vcpu_info->time;
	uint64_t delta, now;
	uint32_t version;

	do {
		version = t->version;
		barrier();
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift >= 0 ? delta << t->tsc_shift : delta >> -t->tsc_shift;
		now = t->system_time +
		      (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		barrier();
	} while ((version & 1) || version != t->version);
	return now;
}

void interrupts_off(void)
{
	vcpu_info->evtchn_upcall_mask = 1;
	barrier();
}

/* Events that came while the mask was set are taken here. */
void interrupts_on(void)
{
	barrier();
	vcpu_info->evtchn_upcall_mask = 0;
	barrier();
	if (vcpu_info->evtchn_upcall_pending)
		hypercall(xen_version, XENVER_version, 0);
}

/* Traps */

static bool fix_up(struct regs *regs)
{
	const struct ex_entry *e;

	for (e = ex_table; e < ex_table_end; e++) {
		if (e->at == regs->rip && regs->vector < VECTOR_EVENT) {
			regs->rip = e->resume;
			return true;
		}
	}
	return false;
}

static void record(const struct regs *regs)
{
	last_trap.count++;
	last_trap.vector = (unsigned int)regs->vector;
	last_trap.error_code = regs->error_code;
	last_trap.cr2 = vcpu_info->arch.cr2;
	last_trap.regs = *regs;
}

static struct context user_context;
static bool in_user;

void guest_trap(struct regs *regs)
{
	if (regs->vector == VECTOR_EVENT) {
		event_count++;
		vcpu_info->evtchn_upcall_pending = 0;
		if (trap_hook)
			trap_hook(regs);
		return;
	}
	record(regs);
	if (in_user && (regs->cs & 3)) {
		in_user = false;
		resume_context(&user_context);
	}
	if (fix_up(regs) || (trap_hook && trap_hook(regs)))
		return;
	error("unexpected trap %lu, error code %#lx, rip %#lx, cr2 %#lx", regs->vector,
	      regs->error_code, regs->rip, last_trap.cr2);
}

unsigned int run_user(const void *code, uint64_t arg)
{
	static char stack[PAGE_SIZE] __attribute__((aligned(16)));
	static char kernel_stack[2 * PAGE_SIZE] __attribute__((aligned(16)));
	struct regs regs = {
		.rdi = arg,
		.rip = (uintptr_t)code,
		.cs = FLAT_USER_CS64,
		.rflags = 0x2, /* IF clear: the upcall mask stays set */
		.rsp = (uintptr_t)stack + sizeof(stack),
		.ss = FLAT_USER_SS64,
	};

	struct mmuext_op op = {.cmd = MMUEXT_NEW_USER_BASEPTR};

	op.arg1.mfn = virt_to_mfn((void *)start_info->pt_base);
	if (hypercall(mmuext_op, &op, 1, 0, DOMID_SELF))
		error("NEW_USER_BASEPTR");
	if (hypercall(stack_switch, FLAT_KERNEL_SS, kernel_stack + sizeof(kernel_stack)))
		error("stack_switch");
	if (save_context(&user_context) == 0) {
		in_user = true;
		enter_regs(&regs);
	}
	return last_trap.vector;
}

/* Setting up */

#define GATE(vec, dpl_and_mask)                                             \
	{                                                                   \
		.vector = vec, .flags = dpl_and_mask, .cs = FLAT_KERNEL_CS, \
		.address = (unsigned long)trap_##vec                        \
	}

static void set_callback(uint16_t type, const char *entry)
{
	struct callback_register callback = {
		.type = type,
		.flags = type == CALLBACKTYPE_event ? 0 : CALLBACKF_mask_events,
		.address = (unsigned long)entry,
	};

	if (hypercall(callback_op, CALLBACKOP_register, &callback))
		error("callback %u", type);
}

static void set_up_entries(void)
{
	static struct trap_info traps[] = {
		GATE(0, 4),  GATE(1, 4),   GATE(2, 4),   GATE(3, 7),  GATE(4, 7),  GATE(5, 4),
		GATE(6, 4),  GATE(7, 4),   GATE(8, 4),   GATE(10, 4), GATE(11, 4), GATE(12, 4),
		GATE(13, 4), GATE(14, 4),  GATE(16, 4),  GATE(17, 4), GATE(18, 4), GATE(19, 4),
		GATE(21, 4), GATE(128, 7), {0, 0, 0, 0},
	};

	if (hypercall(set_trap_table, traps))
		error("set_trap_table");
	set_callback(CALLBACKTYPE_event, event_entry);
	set_callback(CALLBACKTYPE_failsafe, failsafe_entry);
	set_callback(CALLBACKTYPE_syscall, syscall_entry);
}

void guest_main(struct start_info *info)
{
	start_info = info;
	shared_info = (struct shared_info *)shared_info_page;
	vcpu_info = &shared_info->vcpu_info[0];
	if (set_pte(shared_info_page, info->shared_info | PTE_RW))
		__asm__ volatile("ud2");
	set_up_entries();
	/* Those of console and store come at any time: a test says which it wants. */
	evtchn_mask_all();
	vcpu_info->evtchn_pending_sel = 0;
	vcpu_info->evtchn_upcall_pending = 0;
	printf("\n--- %s\n", test_title);
	test_main();
	guest_end();
}
