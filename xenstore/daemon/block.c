/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Packing items of a snapshot, and unpacking what may be damaged. See block.h.
 */
#include <lz4.h>

#include <xenstore/daemon/block.h>
#include <xenstore/store/util.h>

/* So many bytes of items as make a block: whole ones. */
static size_t first_items(const struct rec_in *in)
{
	struct rec_in rest = *in, item;

	while (in->left - rest.left < BLOCK_BYTES && rec_next(&rest, &item) > 0) {
	}
	return in->left - rest.left;
}

bool block_pack(struct rec *out, struct rec_in *in, bool last)
{
	static char packed[LZ4_COMPRESSBOUND(BLOCK_MAX)];
	size_t len;
	int n;

	if (!in->left || (in->left < BLOCK_BYTES && !last)) {
		return false;
	}
	len = first_items(in);
	n = len && len <= BLOCK_MAX
		    ? LZ4_compress_default(in->p, packed, (int)len, (int)sizeof(packed))
		    : 0;
	if (n <= 0) {
		return false;
	}
	rec_begin(out, BLOCK_TYPE);
	rec_u32(out, (uint32_t)len);
	rec_bytes(out, packed, (size_t)n);
	rec_end(out);
	in->p += len;
	in->left -= len;
	return true;
}

bool block_unpack(struct rec_in *fields, struct rec *buf, struct rec_in *ret_items)
{
	uint32_t len = rec_get_u32(fields);
	size_t packed_len;
	const char *packed = rec_get_bytes(fields, &packed_len);

	if (fields->bad || fields->left || !len || len > BLOCK_MAX) {
		return false;
	}
	buf->len = 0;
	rec_room(buf, BLOCK_MAX);
	if (LZ4_decompress_safe(packed, buf->data, (int)packed_len, (int)len) != (int)len) {
		return false;
	}
	*ret_items = (struct rec_in){buf->data, len};
	return true;
}
