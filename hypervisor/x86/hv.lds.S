/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Layout of the image. Sections that need different rights start on 4 KiB (the
 * real page tables use small pages for the image). Everything between
 * __init_start and __init_end is given to the allocator before the first guest
 * runs.
 */
#include <arch/layout.h>

OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)
ENTRY(boot_start)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	init PT_LOAD FLAGS(7);
	data PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
}

SECTIONS
{
	. = HV_VIRT_START;
	__image_start = .;
	.text : AT(HV_PHYS_START) {
		KEEP(*(.boot.header))
		*(.boot.text)
		*(.boot.rodata)
		/* Pages of its own: guests' roots show them (arch/xpti.h). */
		. = ALIGN(4096);
		__entry_start = .;
		KEEP(*(.text.entry))
		. = ALIGN(4096);
		__entry_end = .;
		*(.text .text.*)
	} :text
	. = ALIGN(4096);
	__text_ro_start = .;
	.text_ro : { *(.text_ro_after_init) } :text
	. = ALIGN(4096);
	__text_end = .;
	.rodata : {
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__extable_start = .;
		KEEP(*(.extable))
		__extable_end = .;
	} :rodata
	.note.gnu.build-id : {
		__build_id_start = .;
		*(.note.gnu.build-id)
		__build_id_end = .;
	} :note :rodata
	. = ALIGN(4096);
	__rodata_end = .;
	.data.ro : {
		*(.data.rel.ro .data.rel.ro.*)
		*(.got .got.*)
		*(.data.ro_after_init)
	} :data
	. = ALIGN(4096);
	__ro_after_init_end = .;

	__init_start = .;
	.init : {
		*(.init.text .init.text.*)
		. = ALIGN(16);
		*(.init.rodata .init.rodata.*)
		. = ALIGN(8);
		__cmdline_start = .;
		KEEP(*(.init.cmdline))
		__cmdline_end = .;
		. = ALIGN(4);
		__spec_sites_start = .;
		KEEP(*(.spec_sites))
		__spec_sites_end = .;
		. = ALIGN(16);
		*(.init.data .init.data.*)
		. = ALIGN(16);
		*(.init.bss .init.bss.*)
	} :init
	. = ALIGN(4096);
	__init_end = .;

	.data : {
		*(.data .data.*)
		. = ALIGN(8);
	} :data
	.symtab_hv : {
		KEEP(*(.symtab_hv))
	} :data
	__load_end = .;
	. = ALIGN(4096);
	.bss (NOLOAD) : {
		__bss_start = .;
		*(.bss.stack_aligned)
		*(.bss.page_aligned)
		/* Before the wildcard, which would swallow them. */
		. = ALIGN(128);
		__percpu_start = .;
		*(.bss.percpu)
		. = ALIGN(128);
		__percpu_end = .;
		*(.bss .bss.*)
		. = ALIGN(4096);
		__bss_end = .;
	} :data
	__image_end = .;

	ASSERT(__percpu_end > __percpu_start, "no per-CPU data")

	/DISCARD/ : { *(.comment) *(.eh_frame*) *(.note.GNU-stack) *(.note.gnu.property) *(.init_array*) *(.fini_array*) }
}
