/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Memory maps as firmware and loaders hand them out: in any order, overlapping. */
#include <hv/bootinfo.h>
#include <hv/lib.h>

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The strictest type that the map gives to the byte at @addr; 0: none. */
static uint32_t type_at(const struct e820_map *map, uint64_t addr)
{
	uint32_t type = 0;

	for (unsigned int i = 0; i < map->nr; i++) {
		if (addr >= map->e[i].addr && addr - map->e[i].addr < map->e[i].size)
			type = max(type, map->e[i].type);
	}
	return type;
}

void e820_sanitize(struct e820_map *map)
{
	static uint64_t edge[2 * E820_MAX] __initdata;
	static struct e820_map out __initdata;
	unsigned int n = 0;

	for (unsigned int i = 0; i < map->nr; i++) {
		struct e820_entry *e = &map->e[i];

		if (e->addr + e->size < e->addr)
			e->size = ~e->addr; /* all but the last byte there is */
		edge[n++] = e->addr;
		edge[n++] = e->addr + e->size;
	}
	hv_sort(edge, n, sizeof(edge[0]), compare_u64);
	out.nr = 0;
	for (unsigned int i = 0; i + 1 < n; i++) {
		uint32_t type = type_at(map, edge[i]);
		struct e820_entry *last = out.nr ? &out.e[out.nr - 1] : NULL;

		if (edge[i] == edge[i + 1] || !type)
			continue;
		if (last && last->type == type && last->addr + last->size == edge[i])
			last->size += edge[i + 1] - edge[i];
		else if (out.nr < E820_MAX)
			out.e[out.nr++] = (struct e820_entry){edge[i], edge[i + 1] - edge[i], type};
	}
	memcpy(map, &out, sizeof(out));
}

bool e820_all(const struct e820_map *map, uint64_t start, uint64_t end, uint32_t type)
{
	for (unsigned int i = 0; i < map->nr && start < end; i++) {
		const struct e820_entry *e = &map->e[i];

		if (e->type == type && start >= e->addr && start - e->addr < e->size)
			start = e->addr + e->size;
	}
	return start >= end;
}

void e820_reserve(struct e820_map *map, uint64_t addr, uint64_t size)
{
	if (map->nr == E820_MAX)
		return;
	map->e[map->nr++] = (struct e820_entry){addr, size, E820_RESERVED};
	e820_sanitize(map);
}
