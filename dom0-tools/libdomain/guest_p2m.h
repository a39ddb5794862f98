/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Which machine frame is behind each of a guest's pseudo-physical ones. */
#ifndef PAVISE_LIBDOMAIN_GUEST_P2M_H
#define PAVISE_LIBDOMAIN_GUEST_P2M_H

#include <stddef.h>
#include <stdint.h>

struct dom_ctx;

#define P2M_NONE UINT64_MAX

/*
 * Reads the list that the guest has published in its shared info page
 * @shared_info (a mapped page). The array is malloc()ed; P2M_NONE where there is
 * no page of the guest's own. The guest may write what it likes: entries are
 * only good for foreign maps, which the hypervisor checks.
 * -ENODATA with a message: the guest has published nothing (yet).
 */
int guest_p2m_read(struct dom_ctx *ctx, uint32_t domid, const void *shared_info, uint64_t **ret_p2m,
		   size_t *ret_nr);

#endif
