/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Contexts for a new vCPU that no kernel would write: addresses that are not
 * canonical or the hypervisor's, frames of others, reserved bits everywhere. They are
 * refused, with nothing held of them, or what is bad in them is put right. Tries R2,
 * X1, X2, X3, X5; the classes of XSA-7, -12, -45, -53, -296, -298, -444.
 */
#include "lib/guest.h"

const char test_title[] = "Impossible contexts for a vCPU";

static struct vcpu_guest_context context;
static char stack[2 * PAGE_SIZE] __attribute__((aligned(16)));

static volatile bool was_up;
static volatile uint64_t seen_flags, seen_dr7, seen_dr0;
static volatile uint32_t seen_mxcsr;

static void second(void)
{
	uint32_t mxcsr;
	uint64_t flags;

	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	seen_flags = flags;
	seen_mxcsr = mxcsr;
	seen_dr7 = (uint64_t)hypercall(get_debugreg, 7);
	seen_dr0 = (uint64_t)hypercall(get_debugreg, 0);
	was_up = true;
	for (;;)
		hypercall(vcpu_op, VCPUOP_down, 1, 0);
}

static long initialise(void)
{
	return hypercall(vcpu_op, VCPUOP_initialise, 1, &context);
}

static void good(void)
{
	fill_vcpu(&context, second, stack + sizeof(stack));
}

#define BAD(what)                                     \
	do {                                          \
		good();                               \
		context.what;                         \
		if (initialise() >= 0)                \
			error("accepted: %s", #what); \
	} while (0)

static void addresses(void)
{
	static const uint64_t bad[] = {0x800000000000UL, 0xffff7fffffffffffUL,
				       0x8000000000000000UL};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		BAD(user_regs.rip = bad[i]);
		BAD(event_callback_eip = bad[i]);
		BAD(failsafe_callback_eip = bad[i]);
		BAD(syscall_callback_eip = bad[i]);
		BAD(fs_base = bad[i]);
		BAD(gs_base_kernel = bad[i]);
		BAD(gs_base_user = bad[i]);
		BAD(ldt_ents = 8; context.ldt_base = bad[i] & PAGE_MASK);
	}
	BAD(ldt_ents = 8; context.ldt_base = HYPERVISOR_VIRT_START);
	BAD(ldt_ents = 8192; context.ldt_base = HYPERVISOR_VIRT_END - PAGE_SIZE);
	BAD(ldt_ents = 8193; context.ldt_base = 0x200000);
	BAD(ldt_ents = ~0UL; context.ldt_base = 0x200000);
}

static void frames(void)
{
	char *page = alloc_page();
	uint64_t root = virt_to_mfn((void *)start_info->pt_base);

	BAD(ctrlreg[3] = 0);
	BAD(ctrlreg[3] = xen_pfn_to_cr3(0x100UL));
	BAD(ctrlreg[3] = ~0UL);
	BAD(ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(page))); /* writable */
	BAD(gdt_ents = 1; context.gdt_frames[0] = 0x100);
	BAD(gdt_ents = 1; context.gdt_frames[0] = ~0UL);
	BAD(gdt_ents = 1; context.gdt_frames[0] = virt_to_mfn(page)); /* writable */
	BAD(gdt_ents = 513; context.gdt_frames[0] = context.gdt_frames[1] = root);
	BAD(gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1);
	BAD(gdt_ents = ~0UL);
	/* Half of it is good: that is let go again. */
	expect_eq(make_readonly(page), 0);
	BAD(gdt_ents = 513; context.gdt_frames[0] = virt_to_mfn(page);
	    context.gdt_frames[1] = 0x100);
	expect(is_unused(page));
}

/*
 * One that has a new L4 as its root, and fails later: the L4 is free again. On the
 * reference it isn't, and the domain never goes away.
 */
static void partly(void)
{
	uint64_t *l4 = alloc_page();

	BAD(ctrlreg[1] = xen_pfn_to_cr3(0x100UL));
	BAD(ctrlreg[1] = xen_pfn_to_cr3(virt_to_mfn(l4))); /* writable */
	l4[0] = *(uint64_t *)start_info->pt_base;
	expect_eq(make_readonly(l4), 0);
	BAD(ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(l4)); context.ctrlreg[1] = ~0UL);
	BAD(ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(l4)); context.gdt_ents = 1;
	    context.gdt_frames[0] = 0x100);
	BAD(ctrlreg[3] = context.ctrlreg[1] = xen_pfn_to_cr3(virt_to_mfn(l4)); context.gdt_ents = 1;
	    context.gdt_frames[0] = 0x100);
	/* With two roots, the second may be let go at the next try only. */
	BAD(ctrlreg[3] = 0);
	expect(is_unused(l4));
}

static void elsewhere(void)
{
	expect_eq(hypercall(vcpu_op, VCPUOP_initialise, 1, HYPERVISOR_VIRT_START), -XEN_EFAULT);
	expect_eq(hypercall(vcpu_op, VCPUOP_initialise, 1, 0x7f0000000000UL), -XEN_EFAULT);
	expect(hypercall(vcpu_op, VCPUOP_initialise, 0, &context) < 0);
	expect_eq(hypercall(vcpu_op, VCPUOP_initialise, ~0U, &context), -XEN_ENOENT);
	expect_eq(hypercall(vcpu_op, VCPUOP_up, 1, 0), -XEN_EINVAL);
}

/* Accepted: every flag, debug registers with all bits, the hypervisor's addresses in them */
static void put_right(void)
{
	uint64_t end;

	good();
	context.flags |= 1UL << 20;
	context.user_regs.rflags = 0x3fffff & ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
	context.debugreg[0] = HYPERVISOR_VIRT_START + 0x1000;
	context.debugreg[1] = 0x8000000000000000UL;
	context.debugreg[6] = 0xffffffff;
	context.debugreg[7] = 0xfffffbff & ~0x1e2200fcUL; /* nothing that we hit ourselves */
	context.ctrlreg[4] = ~0UL;
	expect_eq(initialise(), 0);
	shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
	expect_eq(hypercall(vcpu_op, VCPUOP_up, 1, 0), 0);
	end = system_time() + 5000000000UL;
	while (!was_up && system_time() < end)
		hypercall(sched_op, SCHEDOP_yield, 0);
	expect(was_up);
	expect(seen_flags & RFLAGS_IF);
	expect_eq(seen_flags & (RFLAGS_IOPL | 1UL << 17), 0);
	expect_ours(!(seen_flags & RFLAGS_NT));
	expect(!is_hypervisor_address(seen_dr0) || !(seen_dr7 & 3));
	expect_eq(seen_dr7 & 0x2000, 0);
	expect_eq(seen_mxcsr, 0x1f80);
}

void test_main(void)
{
	evtchn_mask_all();
	addresses();
	frames();
	if (beyond_abi())
		partly();
	elsewhere();
	put_right();
}
