/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * libFuzzer target: a journal's frames, and items without a frame around them.
 *
 * The first byte says which: frames as they are in the file (whose checksums
 * the fuzzer hardly gets right), items for the store, or items for a client
 * that is handed over. Whatever they are, the store is sound afterwards.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/daemon/journal.h>
#include <xenstore/store/record.h>
#include <xenstore/store/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop_event(void *ctx, const char *path, const char *token)
{
}

static const struct store_hooks hooks = {.event = drop_event};

static void items(struct store *s, struct store_client *c, struct rec_in *in, bool handed)
{
	struct rec_in item;
	int type;

	while ((type = rec_next(in, &item)) > 0) {
		if (handed) {
			store_client_take(c, type, &item);
		} else {
			store_apply(s, type, &item);
		}
	}
}

/* Frames lie at multiples of eight bytes. */
static void frames(struct store *s, struct store_client *c, const uint8_t *data, size_t size)
{
	char *copy = aligned_alloc(8, (size + 15) & ~(size_t)7);
	struct rec_in in;
	size_t pos = 0;

	memcpy(copy, data, size);
	while (journal_frame(copy, size, &pos, &in)) {
		items(s, c, &in, false);
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
	if (size && data[0] % 3 == 0) {
		frames(s, c[1], data + 1, size - 1);
	} else if (size) {
		in = (struct rec_in){(const char *)data + 1, size - 1};
		items(s, c[1], &in, data[0] % 3 == 1);
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
