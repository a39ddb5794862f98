/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Indirect branches: the compiler calls __x86_indirect_thunk_REG with the target in
 * REG. As they stand here they are retpolines; spec_ctrl.c writes a plain jump over
 * them where that will do. 32 bytes each, in the order of the registers' numbers
 * (rsp's place stays empty).
 */
	.section .text.thunk, "ax"
	.balign 32
	.globl indirect_thunks
indirect_thunks:
.irp reg, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	.balign 32, 0xcc
.ifc \reg, rsp
	int3
.else
	.globl __x86_indirect_thunk_\reg
	.type __x86_indirect_thunk_\reg, @function
__x86_indirect_thunk_\reg:
.ifc \reg, r11
	/* The name that clang has for its only one. */
	.globl __llvm_retpoline_r11
__llvm_retpoline_r11:
.endif
	call	1f
2:	pause
	lfence
	jmp	2b
1:	mov	%\reg, (%rsp)
	ret
	int3
.endif
.endr
	.balign 32, 0xcc
	.section .note.GNU-stack, "", @progbits
