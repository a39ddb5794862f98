/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Where a test kernel begins, and where the hypervisor enters it: ELF notes,
 * the entry point, and stubs for exceptions, events, system calls and failed
 * returns, which all save a struct regs and call guest_trap().
 */
#include <public/elfnote.h>
#include <public/xen.h>

#include "lib/vectors.h"

	.macro	note type, desc:vararg
	.pushsection .note.Xen, "a", @note
	.balign	4
	.long	2f - 1f, 4f - 3f, \type
1:	.asciz	"Xen"
2:	.balign	4
3:	\desc
4:	.balign	4
	.popsection
	.endm

	note	XEN_ELFNOTE_GUEST_OS, .asciz "Pavise test"
	note	XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
	note	XEN_ELFNOTE_LOADER, .asciz "generic"
	note	XEN_ELFNOTE_PAE_MODE, .asciz "yes"
	note	XEN_ELFNOTE_VIRT_BASE, .quad 0
	note	XEN_ELFNOTE_PADDR_OFFSET, .quad 0
	note	XEN_ELFNOTE_ENTRY, .quad _start
	note	XEN_ELFNOTE_HV_START_LOW, .quad __HYPERVISOR_VIRT_START
	note	XEN_ELFNOTE_FEATURES, .ascii "!writable_page_tables|pae_pgdir_above_4gb"

	.text
	.globl	_start
_start:
	cld
	lea	boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	guest_main
	ud2

/* A stub per exception: rcx and r11 lie below the error code, if there is one. */
	.macro	stub name, vector, has_error_code=0
	.globl	\name
\name:
	pop	%rcx
	pop	%r11
	.if	!\has_error_code
	push	$0
	.endif
	push	$\vector
	jmp	save_regs
	.endm

	stub	trap_0, 0
	stub	trap_1, 1
	stub	trap_2, 2
	stub	trap_3, 3
	stub	trap_4, 4
	stub	trap_5, 5
	stub	trap_6, 6
	stub	trap_7, 7
	stub	trap_8, 8, 1
	stub	trap_10, 10, 1
	stub	trap_11, 11, 1
	stub	trap_12, 12, 1
	stub	trap_13, 13, 1
	stub	trap_14, 14, 1
	stub	trap_16, 16
	stub	trap_17, 17, 1
	stub	trap_18, 18
	stub	trap_19, 19
	stub	trap_21, 21, 1
	stub	trap_128, 128
	stub	event_entry, VECTOR_EVENT
	stub	syscall_entry, VECTOR_SYSCALL
	stub	nmi_entry, VECTOR_NMI

/* Here ds, es, fs and gs come before rip. */
	.globl	failsafe_entry
failsafe_entry:
	pop	%rcx
	pop	%r11
	pop	failsafe_selectors(%rip)
	pop	failsafe_selectors + 8(%rip)
	pop	failsafe_selectors + 16(%rip)
	pop	failsafe_selectors + 24(%rip)
	push	$0
	push	$VECTOR_FAILSAFE

save_regs:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	guest_trap

/* Leaves by the iret hypercall with the registers that rsp points at. */
	.globl	restore_regs
restore_regs:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp
	push	$0
	push	%rcx
	push	%r11
	push	%rax
	mov	$__HYPERVISOR_iret, %eax
	syscall
	ud2

/* void enter_regs(const struct regs *): goes on with these registers. */
	.globl	enter_regs
enter_regs:
	mov	%rdi, %rsi
	sub	$REGS_SIZE, %rsp
	mov	%rsp, %rdi
	mov	$REGS_SIZE, %ecx
	rep movsb
	jmp	restore_regs

/* Leaving several calls at once, for what traps in user mode. */
	.globl	save_context
save_context: /* int save_context(struct context *): as setjmp */
	mov	(%rsp), %rax
	mov	%rax, (%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 8(%rdi)
	mov	%rbx, 16(%rdi)
	mov	%rbp, 24(%rdi)
	mov	%r12, 32(%rdi)
	mov	%r13, 40(%rdi)
	mov	%r14, 48(%rdi)
	mov	%r15, 56(%rdi)
	xor	%eax, %eax
	ret

	.globl	resume_context
resume_context: /* void resume_context(struct context *): as longjmp(, 1) */
	mov	16(%rdi), %rbx
	mov	24(%rdi), %rbp
	mov	32(%rdi), %r12
	mov	40(%rdi), %r13
	mov	48(%rdi), %r14
	mov	56(%rdi), %r15
	mov	8(%rdi), %rsp
	mov	$1, %eax
	jmp	*(%rdi)

	.section .bss
	.balign	4096
	.space	16384
boot_stack_end:
	.globl	failsafe_selectors
failsafe_selectors:
	.space	32
	.section .note.GNU-stack, "", @progbits
