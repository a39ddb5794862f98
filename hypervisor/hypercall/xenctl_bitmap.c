/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Bit maps of the tools' interfaces, which may be shorter or longer than ours of one word. */
#include <hv/guest_access.h>
#include <hv/lib.h>

#include "domctl.h"

#define OUR_BITS 64U
#define MAX_BITS 65536U

static uint64_t mask_of(uint32_t nr_bits)
{
	return nr_bits >= OUR_BITS ? ~0UL : (1UL << nr_bits) - 1;
}

int xenctl_bitmap_get(const struct xenctl_bitmap *map, unsigned long *ret_bits)
{
	uint32_t bytes = (min(map->nr_bits, OUR_BITS) + 7) / 8;
	unsigned long bits = 0;

	if (guest_copy_in(&bits, guest_handle_va(map->bitmap), bytes))
		return -EFAULT;
	*ret_bits = bits & mask_of(map->nr_bits);
	return 0;
}

int xenctl_bitmap_put(const struct xenctl_bitmap *map, unsigned long bits)
{
	uint32_t bytes = map->nr_bits / 8 + !!(map->nr_bits % 8);
	uint32_t ours = min(bytes, OUR_BITS / 8);

	if (map->nr_bits > MAX_BITS)
		return (int)hv_err(-E2BIG, "a bit map of %u bits", map->nr_bits);
	bits &= mask_of(map->nr_bits);
	if (guest_copy_out(guest_handle_va(map->bitmap), &bits, ours))
		return -EFAULT;
	if (bytes > ours && guest_clear(guest_handle_va(map->bitmap) + ours, bytes - ours))
		return -EFAULT;
	return 0;
}
