/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer target: a journal's frames, and items without a frame around them.
 *
 * The first byte says which: frames as they are in the file (whose checksums
 * the fuzzer hardly gets right), items for the store, items for a client that is
 * handed over, or what is in a block. Whatever they are, the store is sound
 * afterwards. What can be packed is the same unpacked. Tries X8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/daemon/block.h>
#include <xenstore/daemon/journal.h>
#include <xenstore/store/record.h>
#include <xenstore/store/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop_event(void *ctx, const char *path, const char *token)
{
}

static const struct store_hooks hooks = {.event = drop_event};

static void items(struct store *s, struct store_client *c, struct rec_in *in, bool handed,
		  bool packed);

static void block(struct store *s, struct store_client *c, struct rec_in *fields)
{
	struct rec unpacked = {NULL};
	struct rec_in in;

	if (block_unpack(fields, &unpacked, &in)) {
		items(s, c, &in, false, true);
	}
	rec_fini(&unpacked);
}

static void items(struct store *s, struct store_client *c, struct rec_in *in, bool handed,
		  bool packed)
{
	struct rec_in item;
	int type;

	while ((type = rec_next(in, &item)) > 0) {
		if (handed) {
			store_client_take(c, type, &item);
		} else if (type != BLOCK_TYPE) {
			store_apply(s, type, &item);
		} else if (!packed) {
			block(s, c, &item);
		}
	}
}

/* There and back. */
static void pack(struct store *s, struct store_client *c, struct rec_in in)
{
	struct rec out = {NULL}, unpacked = {NULL};
	const char *was = in.p;
	struct rec_in all, item, got;

	while (block_pack(&out, &in, true)) {
		all = (struct rec_in){out.data, out.len};
		if (rec_next(&all, &item) != BLOCK_TYPE || all.left ||
		    !block_unpack(&item, &unpacked, &got) || got.left != (size_t)(in.p - was) ||
		    memcmp(got.p, was, got.left) != 0) {
			abort();
		}
		items(s, c, &got, false, true);
		was = in.p;
		out.len = 0;
	}
	rec_fini(&out);
	rec_fini(&unpacked);
}

/* Frames lie at multiples of eight bytes. */
static void frames(struct store *s, struct store_client *c, const uint8_t *data, size_t size)
{
	char *copy = aligned_alloc(8, (size + 15) & ~(size_t)7);
	struct rec_in in;
	size_t pos = 0;

	memcpy(copy, data, size);
	while (journal_frame(copy, size, &pos, &in)) {
		items(s, c, &in, false, false);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *s = store_create(&hooks, NULL);
	struct store_client *c[2];
	struct rec_in in;

	for (uint16_t i = 0; i < 2; i++) {
		c[i] = store_client_create(s, i * 3, NULL);
		store_client_set_durable(c[i]);
	}
	store_preset(s, "/local/domain/3", "");
	store_load_begin(s);
	if (size && data[0] % 4 == 0) {
		frames(s, c[1], data + 1, size - 1);
	} else if (size) {
		in = (struct rec_in){(const char *)data + 1, size - 1};
		if (data[0] % 4 == 3) {
			pack(s, c[1], in);
			block(s, c[1], &in);
		} else {
			items(s, c[1], &in, data[0] % 4 == 1, false);
		}
	}
	store_load_end(s);
	if (store_check(s)) {
		abort();
	}
	store_client_destroy(c[0]);
	store_client_destroy(c[1]);
	store_destroy(s);
	return 0;
}
