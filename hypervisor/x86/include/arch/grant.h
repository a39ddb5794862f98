/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Mappings of granted frames in a PV guest's page tables.
 *
 * A PTE that maps a frame holds a page reference and, if it is writable, a
 * PGT_writable type, whoever's frame it is and however the PTE came to be. So
 * these functions only move ownership of such references.
 */
#ifndef ARCH_GRANT_H
#define ARCH_GRANT_H

#include <hv/mm.h>

/*
 * Puts a mapping of @mfn where the current guest wants it: at virtual address
 * @host_addr, or with GNTMAP_contains_pte in the PTE at machine address
 * @host_addr. @flags are GNTMAP_* (readonly, application_map, contains_pte, the
 * guest's available bits). What the entry mapped before is released.
 * GNTST_okay: the entry now owns the caller's page reference (and, unless
 * readonly, its PGT_writable). Anything else: nothing changed;
 * GNTST_bad_virt_addr, GNTST_general_error. Takes pt_lock.
 */
int arch_grant_map(uint64_t host_addr, unsigned int flags, mfn_t mfn);

/*
 * Clears the entry, if it maps @mfn with the read-only-ness of @flags; with
 * @new_addr != 0 it gets the mapping that is at @new_addr, which is cleared
 * instead (unmap_and_replace). GNTST_okay: the caller now owns the references
 * that the entry held, and drops them after a TLB flush of the domain
 * (arch_grant_flush). GNTST_bad_virt_addr, GNTST_general_error: nothing changed.
 */
int arch_grant_unmap(uint64_t host_addr, uint64_t new_addr, unsigned int flags, mfn_t mfn);

/* No CPU holds a TLB entry of the current domain any more that was cleared before. */
void arch_grant_flush(void);

#endif
