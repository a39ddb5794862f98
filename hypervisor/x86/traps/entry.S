/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Ways into and out of the hypervisor. Everything that can be C is C: here are
 * only saving and restoring of registers and the three exits.
 *
 * Coming from a guest, the hardware (or the syscall stub) has us push onto the
 * top of this CPU's stack, so that the frame *is* cpu_info.guest_regs. Coming
 * from the hypervisor, the frame is wherever the stack was.
 *
 * This section, the stack's page with guest_regs and the exceptions' own stacks are all
 * that is mapped until XPTI_ENTRY, and from XPTI_EXIT on (arch/xpti.h).
 *
 * Exceptions with a stack of their own (NMI, #DB, #DF, #MC) that come from a
 * guest move their frame to the ordinary place first.
 */
#include <arch/layout.h>
#include <arch/traps.h>
#include <asm-offsets.h>

#include "spec_macros.inc"

	.section .text.entry, "ax"

/* Registers below error_code, in the order of struct cpu_user_regs. */
.macro SAVE_GPRS
	cld
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
.endm

.macro RESTORE_GPRS
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
.endm

/*
 * What the guest left in registers must not steer us, not even speculatively. r14 has
 * been seen to by XPTI_ENTRY.
 */
.macro CLEAR_GPRS
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r15d, %r15d
.endm

/* ---- one entry per vector ------------------------------------------------- */

	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
.rept 256
	.balign 16
	pushed = 0
.if vector < 32
	pushed = (TRAP_ERROR_CODE_MASK >> vector) & 1
.endif
.if !pushed
	pushq	$0
.endif
	movl	$vector, 4(%rsp)
.if (vector == TRAP_NMI) || (vector == TRAP_DB) || (vector == TRAP_DF) || (vector == TRAP_MC)
	jmp	entry_ist
.elseif vector < 32
	jmp	entry_trap
.else
	jmp	entry_irq
.endif
	vector = vector + 1
.endr

entry_trap:
	SAVE_GPRS
	SMAP_ENTRY
	XPTI_ENTRY
	SPEC_ENTRY
	mov	%rsp, %rdi
	CLEAR_GPRS
	call	do_trap
	jmp	return_from_trap

entry_irq:
	SAVE_GPRS
	SMAP_ENTRY
	XPTI_ENTRY
	SPEC_ENTRY
	mov	%rsp, %rdi
	CLEAR_GPRS
	call	do_irq
return_from_trap:
	testb	$3, UREGS_cs(%rsp)
	jnz	return_to_guest
	XPTI_BACK
	RESTORE_GPRS
	add	$8, %rsp
	iretq

/*
 * On an IST stack. From a guest: copy the frame (error code to ss, six words)
 * to guest_regs and go on there. From ourselves: stay.
 */
entry_ist:
	testb	$3, 16(%rsp)
	jz	1f
	push	%rax
	push	%rcx
	mov	%rsp, %rax
	or	$(STACK_SIZE - 1), %rax
	sub	$(CPU_INFO_SIZE - 1), %rax	/* cpu_info = guest_regs */
	mov	16(%rsp), %rcx
	mov	%rcx, UREGS_error_code(%rax)
	mov	24(%rsp), %rcx
	mov	%rcx, UREGS_rip(%rax)
	mov	32(%rsp), %rcx
	mov	%rcx, UREGS_cs(%rax)
	mov	40(%rsp), %rcx
	mov	%rcx, UREGS_rflags(%rax)
	mov	48(%rsp), %rcx
	mov	%rcx, UREGS_rsp(%rax)
	mov	56(%rsp), %rcx
	mov	%rcx, UREGS_ss(%rax)
	pop	%rcx
	/* rax is on the top of this stack; it has to be a register of the guest again. */
	lea	UREGS_error_code(%rax), %rax
	xchg	%rax, %rsp
	mov	(%rax), %rax
	jmp	entry_trap
1:	SAVE_GPRS
	SMAP_ENTRY
	XPTI_ENTRY
	SPEC_ENTRY
	mov	%rsp, %rdi
	CLEAR_GPRS
	call	do_trap
	XPTI_BACK
	RESTORE_GPRS
	add	$8, %rsp
	iretq

/* ---- SYSCALL: the CPU's stub has made the frame down to error_code --------- */

	.globl entry_syscall
entry_syscall:
	SAVE_GPRS
	XPTI_ENTRY
	SPEC_ENTRY
	mov	%rsp, %rdi
	CLEAR_GPRS
	call	do_syscall
	/* fall through */

/*
 * Out to the guest of this CPU: rsp is guest_regs. C does what is pending and
 * says whether SYSRET will do.
 */
	.globl return_to_guest
return_to_guest:
	call	prepare_return_to_guest	/* interrupts are off from here */
	mov	%eax, %ebx
	SPEC_EXIT
	XPTI_EXIT
	test	%bl, %bl
	jz	1f
	RESTORE_GPRS
	add	$8, %rsp
	/* rip and rflags are in rcx and r11 */
	mov	(UREGS_rsp - UREGS_rip)(%rsp), %rsp
	SPEC_EXIT_LAST
	sysretq
1:	RESTORE_GPRS
	add	$8, %rsp
	SPEC_EXIT_LAST
	.globl guest_iret
guest_iret:
	iretq

/*
 * guest_iret faulted: the guest's context can't be loaded. rsp is back where it
 * was, at guest_regs.rip, all other registers are the guest's.
 */
	.globl guest_iret_failed
guest_iret_failed:
	pushq	$0
	SAVE_GPRS
	XPTI_ENTRY
	SPEC_ENTRY
	mov	%rsp, %rdi
	CLEAR_GPRS
	call	do_failed_iret
	jmp	return_to_guest

	.pushsection .extable, "a"
	.long	guest_iret - ., guest_iret_failed - .
	.popsection

/* jump_on_stack(fn, cpu_info): goes on on another stack. */
	.globl jump_on_stack
jump_on_stack:
	mov	%rsi, %rsp
	xor	%ebp, %ebp
	jmp	__x86_indirect_thunk_rdi

/* reset_stack_and_jump(fn): throws this CPU's stack away and never comes back. */
	.globl reset_stack_and_jump
reset_stack_and_jump:
	mov	%rsp, %rax
	or	$(STACK_SIZE - 1), %rax
	sub	$(CPU_INFO_SIZE - 1), %rax
	mov	%rax, %rsp
	XPTI_WIPE_STACK
	xor	%ebp, %ebp
	jmp	__x86_indirect_thunk_rdi

/* For VERW, which clears buffers with any selector that can be written through. */
verw_selector:
	.word	SEL_HV_DS
