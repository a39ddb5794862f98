/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * From the boot loader's 32-bit protected mode to C in long mode.
 *
 * The image is one flat file. Its first bytes hold a Multiboot 1 header with
 * address fields (so QEMU's -kernel takes it) and a Multiboot 2 header with
 * address tags (GRUB on BIOS and UEFI). Both load it at HV_PHYS_START and enter
 * at boot_start with paging off.
 *
 * The first page tables map the first 4 GiB twice, at 0 and at the start of the
 * direct map, and the image at HV_VIRT_START, with 2 MiB pages. They serve until
 * paging_init() has built the real ones.
 */
#include <arch/layout.h>
#include <asm-offsets.h>

#define PHYS(sym) ((sym) - HV_VIRT_START + HV_PHYS_START)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, address fields */
#define MB2_MAGIC 0xe85250d6

	.section .boot.header, "ax"
	.code32
	.balign 8
mb1_header:
	.long MB1_MAGIC
	.long MB1_FLAGS
	.long -(MB1_MAGIC + MB1_FLAGS)
	.long PHYS(mb1_header)
	.long HV_PHYS_START
	.long PHYS(__load_end)
	.long PHYS(__bss_end)
	.long PHYS(boot_start)

	.balign 8
mb2_header:
	.long MB2_MAGIC
	.long 0
	.long mb2_header_end - mb2_header
	.long -(MB2_MAGIC + (mb2_header_end - mb2_header))
	/* information request, optional: memory map, ACPI tables, EFI map */
	.balign 8
1:	.short 1, 1
	.long 2f - 1b
	.long 1, 3, 6, 14, 15, 17
2:
	/* address */
	.balign 8
	.short 2, 0
	.long 24
	.long PHYS(mb2_header)
	.long HV_PHYS_START
	.long PHYS(__load_end)
	.long PHYS(__bss_end)
	/* entry address */
	.balign 8
	.short 3, 0
	.long 12
	.long PHYS(boot_start)
	/* modules page-aligned */
	.balign 8
	.short 6, 0
	.long 8
	/* end */
	.balign 8
	.short 0, 0
	.long 8
mb2_header_end:

	.section .boot.text, "ax"
	.globl boot_start
boot_start:
	cld
	cli
	mov	%eax, %esi		/* loader's magic */
	mov	%ebx, %edi		/* loader's information */
	mov	$PHYS(cpu0_stack + STACK_SIZE), %esp

	/* Long mode, NX? */
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	bt	$29, %edx
	jnc	no_long_mode
	bt	$20, %edx
	jnc	no_long_mode

	/* 4 GiB with 2 MiB pages */
	mov	$PHYS(boot_l2), %ebx
	mov	$0x1e3, %eax		/* P RW A D PSE G */
	xor	%ecx, %ecx
1:	mov	%eax, (%ebx, %ecx, 8)
	movl	$0, 4(%ebx, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$2048, %ecx
	jb	1b

	/* The image: 16 MiB from HV_PHYS_START */
	mov	$PHYS(boot_l2_image), %ebx
	mov	$(HV_PHYS_START + 0x1e3), %eax
	xor	%ecx, %ecx
1:	mov	%eax, (%ebx, %ecx, 8)
	movl	$0, 4(%ebx, %ecx, 8)
	add	$0x200000, %eax
	inc	%ecx
	cmp	$8, %ecx
	jb	1b

	mov	$PHYS(boot_l3), %ebx
	movl	$(PHYS(boot_l2) + 0x0000 + 0x63), 0(%ebx)
	movl	$(PHYS(boot_l2) + 0x1000 + 0x63), 8(%ebx)
	movl	$(PHYS(boot_l2) + 0x2000 + 0x63), 16(%ebx)
	movl	$(PHYS(boot_l2) + 0x3000 + 0x63), 24(%ebx)
	mov	$PHYS(boot_l3_image), %ebx
	movl	$(PHYS(boot_l2_image) + 0x63), (((HV_VIRT_START >> 30) & 511) * 8)(%ebx)
	mov	$PHYS(boot_l4), %ebx
	movl	$(PHYS(boot_l3) + 0x63), 0(%ebx)
	movl	$(PHYS(boot_l3) + 0x63), (((DIRECTMAP_VIRT_START >> 39) & 511) * 8)(%ebx)
	movl	$(PHYS(boot_l3_image) + 0x63), (((HV_VIRT_START >> 39) & 511) * 8)(%ebx)

	call	enter_long_mode_32
	/* Now in compatibility mode. */
	ljmpl	$0x08, $PHYS(start64)

no_long_mode:
	mov	$PHYS(no_long_mode_msg), %esi
	mov	$0x3f8, %dx
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, %dx
	jmp	1b
2:	hlt
	jmp	2b

/* Paging on, with boot_l4 in 32-bit code. Clobbers eax, ecx, edx. */
enter_long_mode_32:
	lgdtl	PHYS(boot_gdt_desc)
	mov	$0x00a0, %eax		/* PAE, PGE */
	mov	%eax, %cr4
	mov	$PHYS(boot_l4), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax		/* SCE, LME, NX */
	wrmsr
	mov	$0x80010033, %eax	/* PG WP NE ET MP PE */
	mov	%eax, %cr0
	ret

	.code64
start64:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	movabs	$1f, %rax
	jmp	*%rax
1:	lea	cpu0_stack + STACK_SIZE - CPU_INFO_SIZE(%rip), %rsp
	and	$-16, %rsp
	xor	%ebp, %ebp
	/* esi: magic, edi: info -> start_hv(magic, info) */
	xchg	%edi, %esi
	mov	%edi, %edi
	mov	%esi, %esi
	call	start_hv
	ud2

	.section .boot.rodata, "a"
no_long_mode_msg:
	.asciz	"pavise: this CPU lacks long mode or NX\r\n"
	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x08: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x10: data */
	.quad	0x00cf9b000000ffff	/* 0x18: 32-bit code */
boot_gdt_end:
	.globl boot_gdt_desc
boot_gdt_desc:
	.short	boot_gdt_end - boot_gdt - 1
	.long	PHYS(boot_gdt)
	.long	0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_l4
boot_l4:
	.skip	4096
boot_l3:
	.skip	4096
boot_l3_image:
	.skip	4096
boot_l2_image:
	.skip	4096
	.globl boot_l2
boot_l2:
	.skip	4096 * 4

	.section .bss.stack_aligned, "aw", @nobits
	.balign STACK_SIZE
	.globl cpu0_stack
cpu0_stack:
	.skip	STACK_SIZE
