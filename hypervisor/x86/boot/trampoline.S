/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Where another CPU starts: copied to a page below 1 MiB whose number is the
 * start-up IPI's vector. Real mode, protected mode, long mode, then
 * start_secondary on the stack that the boot CPU has put into trampoline_stack.
 * The page is position-independent in real mode through %cs.
 */
#include <arch/layout.h>

	.section .init.rodata, "a"
	.globl trampoline_start, trampoline_end
	.balign 16
trampoline_start:
	.code16
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	movzwl	%ax, %ebx
	shl	$4, %ebx		/* our linear base */
	lea	(tramp_gdt - trampoline_start)(%ebx), %eax
	mov	%eax, tramp_gdt_desc - trampoline_start + 2
	lea	(tramp_32 - trampoline_start)(%ebx), %eax
	mov	%eax, tramp_jump32 - trampoline_start
	lea	(tramp_64 - trampoline_start)(%ebx), %eax
	mov	%eax, tramp_jump64 - trampoline_start
	lgdtl	tramp_gdt_desc - trampoline_start
	mov	$0x11, %eax		/* ET PE */
	mov	%eax, %cr0
	ljmpl	*(tramp_jump32 - trampoline_start)

	.code32
tramp_32:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$0x00a0, %eax		/* PAE, PGE */
	mov	%eax, %cr4
	mov	(trampoline_cr3 - trampoline_start)(%ebx), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax
	wrmsr
	mov	$0x80010033, %eax
	mov	%eax, %cr0
	ljmpl	*(tramp_jump64 - trampoline_start)(%ebx)

	.code64
tramp_64:
	mov	(trampoline_stack - trampoline_start)(%rbx), %rsp
	mov	(trampoline_entry - trampoline_start)(%rbx), %rax
	xor	%ebp, %ebp
	push	$0			/* as after a call */
	jmp	*%rax

	.balign 8
tramp_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00cf93000000ffff	/* 0x10: data */
	.quad	0x00af9b000000ffff	/* 0x18: 64-bit code */
tramp_gdt_desc:
	.short	. - tramp_gdt - 1
	.long	0
	.balign 4
tramp_jump32:
	.long	0
	.short	0x08
	.balign 4
tramp_jump64:
	.long	0
	.short	0x18
	.balign 8
	.globl trampoline_cr3, trampoline_stack, trampoline_entry
trampoline_cr3:
	.quad	0
trampoline_stack:
	.quad	0
trampoline_entry:
	.quad	0
trampoline_end:
