/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Sets of host CPUs, and per-vCPU lists of them. No locks. */
#include "dom0-tools/libdomain/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int domain_cpumap_init(struct domain_cpumap *map, unsigned int nr)
{
	unsigned int bytes = nr ? (nr - 1) / 8 + 1 : 1;

	*map = (struct domain_cpumap){0};
	map->bits = calloc(bytes, 1);
	if (!map->bits)
		return -ENOMEM;
	map->nr = bytes * 8;
	return 0;
}

void domain_cpumap_fini(struct domain_cpumap *map)
{
	if (!map)
		return;
	free(map->bits);
	*map = (struct domain_cpumap){0};
}

int domain_cpumap_copy(struct domain_cpumap *dst, const struct domain_cpumap *src)
{
	int ret;

	*dst = (struct domain_cpumap){0};
	if (!src->nr)
		return 0;
	ret = domain_cpumap_init(dst, src->nr);
	if (ret == 0)
		memcpy(dst->bits, src->bits, src->nr / 8);
	return ret;
}

void domain_cpumap_set(struct domain_cpumap *map, unsigned int cpu, bool in)
{
	uint8_t bit = (uint8_t)(1U << (cpu % 8));

	if (cpu >= map->nr)
		return;
	if (in)
		map->bits[cpu / 8] |= bit;
	else
		map->bits[cpu / 8] &= (uint8_t)~bit;
}

bool domain_cpumap_test(const struct domain_cpumap *map, unsigned int cpu)
{
	return cpu < map->nr && (map->bits[cpu / 8] >> (cpu % 8) & 1);
}

unsigned int domain_cpumap_count(const struct domain_cpumap *map)
{
	unsigned int i, count = 0;

	for (i = 0; i < map->nr / 8; i++)
		count += (unsigned int)__builtin_popcount(map->bits[i]);
	return count;
}

void domain_affinity_fini(struct domain_affinity *aff)
{
	unsigned int i;

	if (!aff)
		return;
	for (i = 0; i < aff->nr; i++)
		domain_cpumap_fini(&aff->maps[i]);
	free(aff->maps);
	*aff = (struct domain_affinity){0};
}

static int affinity_init(struct domain_affinity *aff, unsigned int nr)
{
	*aff = (struct domain_affinity){0};
	if (!nr)
		return 0;
	aff->maps = calloc(nr, sizeof(*aff->maps));
	if (!aff->maps)
		return -ENOMEM;
	aff->nr = nr;
	return 0;
}

int domain_affinity_copy(struct domain_affinity *dst, const struct domain_affinity *src)
{
	unsigned int i;
	int ret;

	ret = affinity_init(dst, src->nr);
	for (i = 0; i < src->nr && !ret; i++)
		ret = domain_cpumap_copy(&dst->maps[i], &src->maps[i]);
	if (ret)
		domain_affinity_fini(dst);
	return ret;
}

int domain_affinity_set_all(struct domain_affinity *aff, const struct domain_cpumap *map,
			    unsigned int nr_vcpus)
{
	struct domain_affinity fresh;
	unsigned int i;
	int ret;

	ret = affinity_init(&fresh, nr_vcpus);
	for (i = 0; i < nr_vcpus && !ret; i++)
		ret = domain_cpumap_copy(&fresh.maps[i], map);
	if (ret)
		domain_affinity_fini(&fresh);
	domain_affinity_fini(aff);
	*aff = fresh;
	return ret;
}
