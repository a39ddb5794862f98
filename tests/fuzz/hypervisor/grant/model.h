/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a grant table is, without locks, tricks or memory: pins of entries, records
 * of mappings, entries of page tables. It says for each operation whether it has to
 * succeed, and afterwards what must be there.
 */
#ifndef FUZZ_GRANT_MODEL_H
#define FUZZ_GRANT_MODEL_H

#include "hypervisor/grant/internal.h"

#define MODEL_DOMAINS 3
#define MODEL_REFS    1025 /* one more than two frames of version 1 have */
#define MODEL_NR_REFS 22
#define MODEL_MAPS    256
#define MODEL_SLOTS   16 /* places in an address space */
#define MODEL_FRAMES  6 /* frames that a domain has at one time */

struct domain;

struct model_active {
	unsigned int pins[PIN_COUNTS];
	enum grant_kind kind;
	mfn_t mfn;
	domid_t who;
	unsigned int start, length;
	domid_t trans_domid;
	grant_ref_t trans_ref;
	bool scribbled; /* the guest has written the entry while it was in use */
};

struct model_map {
	bool used;
	unsigned int granter, flags;
	grant_ref_t ref;
	mfn_t mfn;
};

struct model_pte {
	bool present, writable;
	mfn_t mfn;
};

struct model_domain {
	struct domain *d;
	bool dead;
	unsigned int version, nr_frames, nr_status;
	struct model_active active[MODEL_REFS];
	struct model_map map[MODEL_MAPS];
	struct model_pte pte[MODEL_SLOTS];
	mfn_t frame[MODEL_FRAMES];
};

extern struct model_domain model[MODEL_DOMAINS];
/* The references that are used; any beyond are out of range. */
extern const grant_ref_t model_refs[MODEL_NR_REFS];

void model_reset(void);
unsigned int model_nr_entries(unsigned int dom);
bool model_is_pinned(const struct model_active *a);
/* The entry that the guest sees. */
void *model_entry(unsigned int dom, grant_ref_t ref);

/* A use of an entry: false if it must be refused. On true *ret says what it is. */
bool model_pin(unsigned int dom, grant_ref_t ref, domid_t who, unsigned int how,
	       struct model_active *ret);
void model_unpin(unsigned int dom, grant_ref_t ref, unsigned int how);

/* Of the domain @me. True: the operation must succeed, and the model has done it. */
bool model_map(unsigned int me, const struct gnttab_map_grant_ref *op, mfn_t *ret_mfn);
/* The record that was made; the handle is the hypervisor's to choose. */
void model_mapped(unsigned int me, const struct gnttab_map_grant_ref *op, mfn_t mfn);
/* @touched: handles that the batch has taken something of already. */
bool model_unmap(unsigned int me, const struct gnttab_unmap_grant_ref *op, bool replace,
		 bool *touched);
bool model_copy(unsigned int me, const struct gnttab_copy *op, char **ret_from, char **ret_to);
bool model_set_version(unsigned int me, unsigned int version);

/* Everything that is there must be what the model says. */
void model_compare(void);

static inline uint64_t model_address(unsigned int dom, unsigned int slot)
{
	return (dom + 1UL) << 20 | (uint64_t)slot << 12;
}

#endif
