/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Transitive grants and parts of pages, between three domains. The owner grants frames
 * to the one between, that grants them on to the first, which copies: what it may by
 * both grants, and no byte, direction, level or moment more. The classes of XSA-226,
 * -318. Tries G1, G2, G3.
 */
#include "lib/peers.h"

const char test_title[] = "Transitive grants and parts of pages";

enum { FIRST, BETWEEN, OWNER };

/* References, the same numbers at both */
enum {
	WHOLE = 20, /* for everything */
	READ_ONLY, /* of the owner's */
	READ_ONLY_ON, /* the one between adds that */
	PART, /* the owner's: bytes 64 to 191 */
	NOT_GRANTED, /* to the one between: to the first itself */
	CHAIN, /* the owner's is transitive, too */
	OF_ITSELF, /* names the one between */
	OF_FIRST, /* names who uses it */
	OF_NOBODY, /* names a domain that isn't there */
	BAD_REF, /* and a reference that isn't */
	PART_ON, /* not transitive: a part of the one between's own page */
	MAILBOX,
};

#define PART_START 64
#define PART_LEN   128

static union grant_entry_v2 *table;
static volatile grant_status_t *status;
static uint8_t *owned; /* the page that all this is about */
static volatile uint64_t *mailbox; /* commands of the first, and the answer */

static void set_up(void)
{
	struct gnttab_set_version version = {.version = 2};
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
	struct gnttab_get_status_frames frames = {.dom = DOMID_SELF, .nr_frames = 1};
	xen_pfn_t frame = 0;
	uint64_t status_frame = 0;

	if (hypercall(grant_table_op, GNTTABOP_set_version, &version, 1))
		skip("this domain has version 1 only");
	set_xen_guest_handle(setup.frame_list, &frame);
	set_xen_guest_handle(frames.frame_list, &status_frame);
	if (hypercall(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status ||
	    hypercall(grant_table_op, GNTTABOP_get_status_frames, &frames, 1) || frames.status)
		error("no frames: %d, %d", setup.status, frames.status);
	table = alloc_page();
	status = alloc_page();
	owned = alloc_page();
	if (set_pte(table, frame * PAGE_SIZE | PTE_RW) ||
	    set_pte((void *)status, status_frame * PAGE_SIZE | PTE_RO))
		error("cannot map the grant table");
}

static void enable(unsigned int ref, domid_t to, uint16_t flags)
{
	table[ref].hdr.domid = to;
	__atomic_store_n(&table[ref].hdr.flags, flags, __ATOMIC_SEQ_CST);
}

static void grant_page(unsigned int ref, domid_t to, const void *page, uint16_t flags)
{
	table[ref].full_page.frame = virt_to_mfn(page);
	enable(ref, to, GTF_permit_access | flags);
}

static void grant_part(unsigned int ref, domid_t to, const void *page, uint16_t flags)
{
	table[ref].sub_page.page_off = PART_START;
	table[ref].sub_page.length = PART_LEN;
	table[ref].sub_page.frame = virt_to_mfn(page);
	enable(ref, to, GTF_permit_access | GTF_sub_page | flags);
}

static void grant_on(unsigned int ref, domid_t of, grant_ref_t their, uint16_t flags)
{
	table[ref].transitive.trans_domid = of;
	table[ref].transitive.gref = their;
	enable(ref, peers[FIRST], GTF_transitive | flags);
}

static uint8_t byte_at(unsigned int i)
{
	return (uint8_t)(i * 11 + 3);
}

/* ---- the owner, and the one between ------------------------------------------------------ */

/* Withdraws a reference when it is told to, until the end. */
static void serve(void)
{
	uint64_t *page = alloc_page();

	mailbox = page;
	grant_page(MAILBOX, peers[FIRST], page, 0);
	for (;;) {
		uint64_t ref = mailbox[0];

		if (ref) {
			__atomic_store_n(&table[ref].hdr.flags, 0, __ATOMIC_SEQ_CST);
			/* Nobody is at it any more, and none of ours is marked in use. */
			while (status[ref])
				sleep_ns(1000000);
			for (unsigned int i = WHOLE; i < MAILBOX; i++) {
				if (status[i])
					failure("entry %u is in use: %u", i, status[i]);
			}
			mailbox[0] = 0;
		}
		sleep_ns(2000000);
	}
}

static void be_owner(void)
{
	domid_t between = peers[BETWEEN];

	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		owned[i] = byte_at(i);
	grant_page(WHOLE, between, owned, 0);
	grant_page(READ_ONLY, between, owned, GTF_readonly);
	grant_page(READ_ONLY_ON, between, owned, 0);
	grant_part(PART, between, owned, 0);
	grant_page(NOT_GRANTED, peers[FIRST], owned, 0);
	table[CHAIN].transitive.trans_domid = between;
	table[CHAIN].transitive.gref = WHOLE;
	enable(CHAIN, between, GTF_transitive);
	serve();
}

static void be_between(void)
{
	domid_t owner = peers[OWNER];

	memset(owned, 0xbb, PAGE_SIZE);
	grant_on(WHOLE, owner, WHOLE, 0);
	grant_on(READ_ONLY, owner, READ_ONLY, 0);
	grant_on(READ_ONLY_ON, owner, READ_ONLY_ON, GTF_readonly);
	grant_on(PART, owner, PART, 0);
	grant_on(NOT_GRANTED, owner, NOT_GRANTED, 0);
	grant_on(CHAIN, owner, CHAIN, 0);
	grant_on(OF_ITSELF, peers[BETWEEN], PART_ON, 0);
	grant_on(OF_FIRST, peers[FIRST], WHOLE, 0);
	grant_on(OF_NOBODY, 0x7000, WHOLE, 0);
	grant_on(BAD_REF, owner, ~0U, 0);
	grant_part(PART_ON, peers[FIRST], owned, 0);
	serve();
}

/* ---- the first ------------------------------------------------------------------------------ */

static uint8_t *buffer;

/* From or into what @dom grants, by @ref. */
static int copy(domid_t dom, unsigned int ref, bool write, unsigned int offset, unsigned int len)
{
	struct gnttab_copy op = {.len = (uint16_t)len, .status = 99};

	if (write) {
		op.flags = GNTCOPY_dest_gref;
		op.source.u.gmfn = virt_to_mfn(buffer);
		op.source.domid = DOMID_SELF;
		op.dest.u.ref = ref;
		op.dest.domid = dom;
		op.dest.offset = (uint16_t)offset;
	} else {
		op.flags = GNTCOPY_source_gref;
		op.source.u.ref = ref;
		op.source.domid = dom;
		op.source.offset = (uint16_t)offset;
		op.dest.u.gmfn = virt_to_mfn(buffer);
		op.dest.domid = DOMID_SELF;
	}
	expect_eq(hypercall(grant_table_op, GNTTABOP_copy, &op, 1), 0);
	return op.status;
}

static int read_by(unsigned int ref, unsigned int offset, unsigned int len)
{
	memset(buffer, 0, PAGE_SIZE);
	return copy(peers[BETWEEN], ref, false, offset, len);
}

static int write_by(unsigned int ref, unsigned int offset, unsigned int len)
{
	memset(buffer, 0xcc, PAGE_SIZE);
	return copy(peers[BETWEEN], ref, true, offset, len);
}

/* The owner's page has its pattern, but for @len bytes that we wrote. */
static void check_page(unsigned int offset, unsigned int len)
{
	unsigned int wrong = 0;

	expect_eq(read_by(WHOLE, 0, PAGE_SIZE), GNTST_okay);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		wrong += buffer[i] != (i >= offset && i < offset + len ? 0xcc : byte_at(i));
	expect_eq(wrong, 0);
}

static void what_may_be_copied(void)
{
	static const unsigned int parts[] = {PART, PART_ON};

	check_page(0, 0);
	expect_eq(write_by(WHOLE, 1000, 24), GNTST_okay);
	check_page(1000, 24);
	/* Read-only by either of the two */
	expect_eq(read_by(READ_ONLY, 0, 100), GNTST_okay);
	expect(write_by(READ_ONLY, 0, 100) < 0);
	expect_eq(read_by(READ_ONLY_ON, 0, 100), GNTST_okay);
	expect(write_by(READ_ONLY_ON, 0, 100) < 0);
	check_page(1000, 24);
	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		expect_eq(read_by(parts[i], PART_START, PART_LEN), GNTST_okay);
		expect_eq(buffer[0], i ? 0xbb : byte_at(PART_START));
		expect_eq(buffer[PART_LEN], 0);
		expect_eq(read_by(parts[i], PART_START + PART_LEN - 1, 1), GNTST_okay);
		expect(read_by(parts[i], PART_START - 1, 2) < 0);
		expect(read_by(parts[i], PART_START, PART_LEN + 1) < 0);
		expect(read_by(parts[i], 0, 1) < 0);
		expect(read_by(parts[i], PART_START + PART_LEN, 1) < 0);
		expect(write_by(parts[i], PART_START - 1, 1) < 0);
		expect(write_by(parts[i], PART_START, 0xffff) < 0);
	}
	check_page(1000, 24);
}

static void what_may_not(void)
{
	static const unsigned int bad[] = {NOT_GRANTED, OF_ITSELF, OF_NOBODY, BAD_REF, CHAIN};
	struct gnttab_map_grant_ref map;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		expect(read_by(bad[i], 0, 8) < 0);
		expect(write_by(bad[i], 0, 8) < 0);
		expect_eq(buffer[0], 0xcc);
	}
	/* We grant nothing to the one between. */
	expect(read_by(OF_FIRST, 0, 8) < 0);
	/* What the owner granted to the one between isn't ours to use. */
	expect(copy(peers[OWNER], WHOLE, false, 0, 8) < 0);
	/* For copies only */
	for (unsigned int ref = WHOLE; ref <= PART_ON; ref++) {
		map = grant_map(peers[BETWEEN], ref, (uintptr_t)alloc_page(), GNTMAP_host_map);
		expect(map.status < 0);
	}
	check_page(1000, 24);
}

/* Has @role withdraw the reference. */
static void withdraw(volatile uint64_t *box, unsigned int ref)
{
	uint64_t end = system_time() + 10000000000UL;

	box[0] = ref;
	while (box[0] && system_time() < end)
		sleep_ns(2000000);
	expect_eq(box[0], 0);
}

static void what_is_withdrawn(volatile uint64_t *between, volatile uint64_t *owner)
{
	expect_eq(read_by(READ_ONLY, 0, 8), GNTST_okay);
	withdraw(between, READ_ONLY);
	expect(read_by(READ_ONLY, 0, 8) < 0);
	expect_eq(read_by(PART, PART_START, 8), GNTST_okay);
	withdraw(owner, PART);
	expect(read_by(PART, PART_START, 8) < 0);
	withdraw(owner, WHOLE);
	expect(read_by(WHOLE, 0, 8) < 0);
	expect(write_by(WHOLE, 0, 8) < 0);
}

/* Its mailbox, as soon as it has one; then all else of it is there, too. */
static volatile uint64_t *mailbox_of(unsigned int role)
{
	uint64_t end = system_time() + 10000000000UL;
	void *page = alloc_page();

	while (system_time() < end) {
		if (!grant_map(peers[role], MAILBOX, (uintptr_t)page, GNTMAP_host_map).status)
			return page;
		sleep_ns(5000000);
	}
	error("peer %u is not there", role);
}

void test_main(void)
{
	volatile uint64_t *between, *owner;

	evtchn_mask_all();
	find_peers(3);
	set_up();
	if (own_role() == OWNER)
		be_owner();
	if (own_role() == BETWEEN)
		be_between();
	buffer = alloc_page();
	between = mailbox_of(BETWEEN);
	owner = mailbox_of(OWNER);
	what_may_be_copied();
	what_may_not();
	what_is_withdrawn(between, owner);
}
