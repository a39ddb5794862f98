/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Unpacking the control domain's kernel with the distribution's own static
 * libraries: liblzma, liblz4, libzstd, zlib.
 *
 * decompress.mk links what is needed of them, decompress.c and decompress_rt.c
 * into one object, decompress.o. It is closed: decompress_run is its only
 * symbol, it calls nothing outside, and all of it lies in .init.text,
 * .init.rodata and .init.data. (The final link makes a .got of a few words
 * for it.) It is freed with the rest of the init sections.
 *
 * The libraries were compiled for ordinary programs, so that code has needs
 * that the hypervisor's own hasn't. payload_decompress sees to all of them:
 *  - SSE registers: CR4.OSFXSR set, CR0.EM and TS clear. XMM0-15, MXCSR's
 *    flags and x87 state are changed: nothing of value may be in them.
 *  - the stack protector: 48 readable bytes at the FS base;
 *  - a red zone: no interrupt on this stack, so interrupts are off. NMI and
 *    machine check must have stacks of their own (IST) already, or must not
 *    come.
 * Left to the caller: 4 KiB of stack, and all memory mapped writably.
 *
 * Boot CPU only, no locks; not reentrant.
 */
#ifndef HV_X86_BOOT_DECOMPRESS_H
#define HV_X86_BOOT_DECOMPRESS_H

#include <stddef.h>

#include <hv/bzimage.h>

/*
 * Scratch memory that suffices. XZ needs its dictionary (Linux' own build
 * uses 32 MiB at most) and some; ZSTD and gzip unpack straight into the
 * output, whatever their window is; LZ4 needs none.
 */
#define PAYLOAD_SCRATCH_XZ   ((32u << 20) + (256u << 10))
#define PAYLOAD_SCRATCH_ZSTD (256u << 10)
#define PAYLOAD_SCRATCH_GZIP (64u << 10)

static inline size_t payload_scratch_size(enum payload_kind kind)
{
	switch (kind) {
	case PAYLOAD_XZ:
		return PAYLOAD_SCRATCH_XZ;
	case PAYLOAD_ZSTD:
		return PAYLOAD_SCRATCH_ZSTD;
	case PAYLOAD_GZIP:
		return PAYLOAD_SCRATCH_GZIP;
	default:
		return 0;
	}
}

/*
 * Unpacks @in into @out, which must come out as @out_len bytes exactly.
 * @scratch (16-byte aligned) may be dirty and is garbage afterwards. The three
 * areas don't overlap. Checksums of the format are verified.
 *
 * 0, or with *reason set to a constant string:
 *   -XEN_EINVAL      corrupt, truncated, or of another size than @out_len
 *   -XEN_ENOMEM      @scratch_len is too small
 *   -XEN_EOPNOTSUPP  a kind (bzip2, lzma, lzo, none) or an option not supported
 * @out is then garbage.
 */
int payload_decompress(enum payload_kind kind, const void *in, size_t in_len, void *out,
		       size_t out_len, void *scratch, size_t scratch_len, const char **reason);

/* The same for a caller that has met the needs above (the host test). */
int decompress_run(enum payload_kind kind, const void *in, size_t in_len, void *out, size_t out_len,
		   void *scratch, size_t scratch_len, const char **reason);

#endif
