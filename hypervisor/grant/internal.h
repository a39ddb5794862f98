/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The inside of grant/. Others use hv/grant.h.
 *
 *   table.c  the frames shared with the guest, versions, life
 *   pin.c    active entries: an entry of the guest's, checked and in use
 *   map.c    maptrack: mappings of the current domain
 *   copy.c   GNTTABOP_copy
 *   ops.c    the hypercall
 *
 * Locks: grant_table.lock, of the granter for the entries and what is known of
 * them, of the mapper for its maptrack. No function here holds two tables' locks
 * (XSA-73): a maptrack record that is worked on is marked busy instead, and a
 * pinned entry stays as it is.
 */
#ifndef GRANT_INTERNAL_H
#define GRANT_INTERNAL_H

#include <hv/grant.h>
#include <hv/mm.h>
#include <hv/spinlock.h>

#define V1_PER_FRAME              (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define V2_PER_FRAME              (PAGE_SIZE / sizeof(union grant_entry_v2))
#define STATUS_PER_FRAME          (PAGE_SIZE / sizeof(grant_status_t))
#define ACTIVE_PER_CHUNK          64
#define MAPS_PER_CHUNK            128
/* A "maptrack frame" of the limits in createdomain stands for so many mappings. */
#define MAPS_PER_FRAME            256
#define GRANT_MAX_FRAMES          4096
#define GRANT_MAX_MAPTRACK_FRAMES 65536

enum grant_kind { GRANT_FRAME, GRANT_SUB_PAGE, GRANT_TRANSITIVE };

/* Which of an entry's pin counts; a writable use counts as that only. */
#define PIN_WRITE      1U
#define PIN_DEVICE     2U
#define PIN_COUNTS     4
/* For grant_pin(): sub-page and transitive grants are acceptable, too. */
#define PIN_SUB_PAGE   4U
#define PIN_TRANSITIVE 8U
#define PIN_INDEX(how) ((how) & (PIN_WRITE | PIN_DEVICE))

/*
 * What an entry of the guest's said when it was pinned first. As long as a count
 * is above zero this is what it means, whatever the guest writes.
 */
struct grant_active {
	uint16_t pins[PIN_COUNTS]; /* by PIN_INDEX */
	union {
		mfn_t mfn; /* frame, sub-page */
		struct {
			grant_ref_t ref;
			domid_t domid;
		} trans;
	};
	uint16_t start, length; /* of the frame, in bytes */
	domid_t domid; /* who may use it */
	uint8_t kind; /* enum grant_kind */
};

/* A mapping. ref is the next free record in one that isn't in use. */
struct grant_map {
	struct grant_table *granter; /* with a reference */
	mfn_t mfn;
	grant_ref_t ref;
	uint16_t flags; /* GNTMAP_* below 16, MAP_BUSY; 0: not in use or not made yet */
};

#define MAP_BUSY 0x8000
#define MAP_KEPT                                                                          \
	(GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly | GNTMAP_application_map | \
	 GNTMAP_contains_pte)
#define MAP_NONE (~0U)

struct grant_table {
	struct spinlock lock;
	uint32_t refs; /* the domain's, and one for each record that maps from here */
	struct domain *domain; /* valid until it is dead */
	domid_t domid;
	bool dead; /* nothing below is there any more, up to the maptrack */

	unsigned int version, max_version;
	unsigned int nr_frames, max_frames;
	unsigned int nr_status;
	void **shared; /* [max_frames], hypervisor pages lent to the domain */
	grant_status_t **status; /* the same, read-only; never given back before death */
	struct grant_active **active; /* chunks, made when first used */
	unsigned int nr_pinned; /* entries with a pin */

	/* Maptrack */
	unsigned int max_maps, nr_maps, nr_mapped;
	uint32_t free_map; /* MAP_NONE: none */
	struct grant_map **maps; /* chunks; NULL before the first mapping */
	unsigned int release_next;
};

/* A reference to the struct itself. */
static inline void grant_table_get(struct grant_table *gt)
{
	__atomic_add_fetch(&gt->refs, 1, __ATOMIC_RELAXED);
}

void grant_table_put(struct grant_table *gt);

/* Under the lock. -ENOMEM, -EINVAL (limit). What has grown stays. */
int grant_table_grow(struct grant_table *gt, unsigned int nr_frames);
unsigned int grant_table_nr_entries(const struct grant_table *gt);
/* The flags and domid of an entry, the same in both versions; @ref is in range. */
uint32_t *grant_header(const struct grant_table *gt, grant_ref_t ref);
void *grant_entry(const struct grant_table *gt, grant_ref_t ref);
grant_status_t *grant_status(const struct grant_table *gt, grant_ref_t ref);

/* What grant_pin() returns. */
struct grant_pinned {
	enum grant_kind kind;
	mfn_t mfn; /* not for transitive ones */
	unsigned int start, length;
	domid_t trans_domid;
	grant_ref_t trans_ref;
};

/*
 * Pins entry @ref of @gt for domain @who, as @how says; the table's domain is held
 * by the caller. Unless it is a transitive one, the caller gets a page reference,
 * and PGT_writable with PIN_WRITE. GNTST_okay, or why not.
 */
int grant_pin(struct grant_table *gt, grant_ref_t ref, domid_t who, unsigned int how,
	      struct grant_pinned *ret);
/* Takes back one pin of that kind, before the frame's references are dropped. */
void grant_unpin(struct grant_table *gt, grant_ref_t ref, unsigned int how);
/* The frame's references that come with a pin. */
void grant_put_frame(mfn_t mfn, bool write);
/* Under the lock: the entry if anything is known of it. */
struct grant_active *grant_active_peek(const struct grant_table *gt, grant_ref_t ref);
bool grant_is_pinned(const struct grant_active *act);
/* Under the lock: the use bits of an entry that has none, from its pins. */
void grant_show_use(const struct grant_table *gt, grant_ref_t ref);

/* map.c. Operations fill in their status. */
void grant_map(struct gnttab_map_grant_ref *op);

struct grant_unmap {
	uint64_t host_addr, dev_bus_addr, new_addr;
	grant_handle_t handle;
	int16_t status;
	/* Between the two steps */
	unsigned int done; /* GNTMAP_host_map, GNTMAP_device_map */
	struct grant_map map;
};

/* Takes the mapping away, but its references stay until TLBs are flushed. */
void grant_unmap_begin(struct grant_unmap *u);
/* Everything else, after arch_grant_flush(). */
void grant_unmap_end(struct grant_unmap *u);

void grant_copy(struct gnttab_copy *op);

/* table.c: operations on whole tables */
void grant_setup_table(struct gnttab_setup_table *op);
void grant_query_size(struct gnttab_query_size *op);
void grant_get_status_frames(struct gnttab_get_status_frames *op);
void grant_swap_refs(struct gnttab_swap_grant_ref *op);
long grant_set_version(struct gnttab_set_version *op);
long grant_get_version(struct gnttab_get_version *op);
void grant_dump_op(struct gnttab_dump_table *op);

#endif
