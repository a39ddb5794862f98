/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * With the writable_pagetables assist a kernel stores to its L1 tables, which
 * are mapped read-only, as if they were memory: the hypervisor emulates the
 * instruction, checks what it would write, and does it atomically. Here is
 * every form that stock kernels use, and what must be refused.
 */
#include "lib/guest.h"

const char test_title[] = "Emulated stores to page tables";

#define FREE_VA 0x3fe00000UL

/* The hypervisor may make entries of user pages global. */
#define PTE_G                     0x100UL
#define expect_entry(got, wanted) expect_eq((got) & ~PTE_G, wanted)

static uint64_t *l1, *page;

static void set_up(void)
{
	struct mmu_update req;

	if (hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables))
		error("vm_assist");
	l1 = alloc_page();
	page = alloc_page();
	req.ptr = virt_to_maddr(pde_of((void *)FREE_VA));
	req.val = virt_to_maddr(l1) | PTE_RW;
	if (make_readonly(l1) || hypercall(mmu_update, &req, 1, 0, DOMID_SELF))
		error("cannot hook the table");
}

static void accepted(void)
{
	const uint64_t pte = virt_to_maddr(page) | PTE_RW;
	volatile uint64_t *window = (uint64_t *)FREE_VA;
	uint64_t old;
	bool carry;

	expect(PROBE("mov %1, %0", : "=m"(l1[0]) : "r"(pte)));
	expect_entry(l1[0], pte);
	*window = 0x1234;
	expect_eq(page[0], 0x1234);

	old = 0;
	expect(PROBE("xchg %1, %0", : "+m"(l1[0]), "+r"(old)));
	expect_entry(old | PTE_A | PTE_D, pte);
	expect_entry(l1[0], 0);

	expect(PROBE("mov %1, %0", : "=m"(l1[0]) : "r"(pte)));
	expect(PROBE("lock btrq $5, %0", : "+m"(l1[0]), "=@ccc"(carry)));
	expect(carry);
	expect_entry(l1[0], pte & ~PTE_A);
	expect(PROBE("lock btrq $5, %0", : "+m"(l1[0]), "=@ccc"(carry)));
	expect(!carry);
	expect(PROBE("lock btsq $5, %0", : "+m"(l1[0]), "=@ccc"(carry)));
	expect(!carry);
	expect_entry(l1[0], pte);

	expect(PROBE("lock andb $0xfd, %0", : "+m"(*(uint8_t *)&l1[0])));
	expect_entry(l1[0], pte & ~PTE_W);
	expect(PROBE("lock orq $2, %0", : "+m"(l1[0])));
	expect_entry(l1[0], pte);
	expect(PROBE("lock andq $-3, %0", : "+m"(l1[0])));
	expect_entry(l1[0], pte & ~PTE_W);
}

static void compare_and_exchange(void)
{
	const uint64_t pte = virt_to_maddr(page) | PTE_RW;
	uint64_t got = l1[0];
	uint8_t zero;

	expect(PROBE("lock cmpxchg %[new], %[mem]; setz %[z]",
		     : [mem] "+m"(l1[0]), "+a"(got), [z] "=q"(zero)
		     : [new] "r"(pte)));
	expect_eq(zero, 1);
	expect_entry(l1[0], pte);
	got = 0x666;
	expect(PROBE("lock cmpxchg %[new], %[mem]; setz %[z]",
		     : [mem] "+m"(l1[0]), "+a"(got), [z] "=q"(zero)
		     : [new] "r"(0UL)));
	expect_eq(zero, 0);
	expect_entry(got, pte);
	expect_entry(l1[0], pte);
	expect(PROBE("movq $0, %0", : "=m"(l1[0])));
	expect_entry(l1[0], 0);
}

/* What may not be there makes the store a page fault, and changes nothing. */
static void refused(void)
{
	const uint64_t l1_itself = virt_to_maddr(l1) | PTE_RW;
	uint64_t x;

	expect_fault(PROBE("mov %1, %0", : "=m"(l1[1]) : "r"(0x100000UL | PTE_RW)), 14, 3);
	expect_eq(last_trap.cr2, (unsigned long)&l1[1]);
	expect_fault(PROBE("mov %1, %0", : "=m"(l1[1]) : "r"(l1_itself)), 14, 3);
	x = l1_itself;
	expect_fault(PROBE("xchg %1, %0", : "+m"(l1[1]), "+r"(x)), 14, 3);
	expect_eq(l1[1], 0);
	expect_eq(x, l1_itself);
	/* Read-only, it may map itself. */
	expect(PROBE("mov %1, %0", : "=m"(l1[1]) : "r"(l1_itself & ~PTE_W)));
	expect_fault(PROBE("lock orq $2, %0", : "+m"(l1[1])), 14, 3);
	expect_eq(l1[1] & PTE_W, 0);
	expect(PROBE("mov %1, %0", : "=m"(l1[1]) : "r"(0UL)));
	/* Tables of higher levels are not emulated. */
	expect_fault(PROBE("mov %1, %0", : "=m"(*pde_of((void *)FREE_VA)) : "r"(0UL)), 14, 3);
}

void test_main(void)
{
	set_up();
	accepted();
	compare_and_exchange();
	refused();
}
