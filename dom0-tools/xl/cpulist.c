/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* CPU lists: reading and writing. Pure. */
#include "dom0-tools/xl/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* "N" or "N-M" at *p. */
static int parse_range(const char **p, unsigned int *ret_first, unsigned int *ret_last)
{
	unsigned long first, last;
	char *end;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	errno = 0;
	first = last = strtoul(*p, &end, 10);
	if (*end == '-') {
		if (!isdigit((unsigned char)end[1]))
			return -EINVAL;
		last = strtoul(end + 1, &end, 10);
	}
	if (errno || first > last || last > INT_MAX)
		return -EINVAL;
	*p = end;
	*ret_first = (unsigned int)first;
	*ret_last = (unsigned int)last;
	return 0;
}

static void apply_range(struct domain_cpumap *map, const struct cpu_host *host, bool nodes,
			unsigned int first, unsigned int last, bool in)
{
	unsigned int cpu;

	for (cpu = 0; cpu < host->nr_cpus; cpu++) {
		unsigned int where = !nodes ? cpu : host->node_of ? host->node_of[cpu] : 0;

		if (where >= first && where <= last)
			domain_cpumap_set(map, cpu, in);
	}
}

static int parse_element(const char **p, const struct cpu_host *host, struct domain_cpumap *map)
{
	unsigned int first, last;
	bool in = true, nodes = false;

	if (**p == '^') {
		in = false;
		*p = skip_blanks(*p + 1);
	}
	if (!strncmp(*p, "node:", 5)) {
		nodes = true;
		*p += 5;
	} else if (!strncmp(*p, "nodes:", 6)) {
		nodes = true;
		*p += 6;
	}
	if (!strncmp(*p, "all", 3)) {
		*p += 3;
		first = 0;
		last = UINT_MAX;
	} else if (parse_range(p, &first, &last)) {
		return -EINVAL;
	}
	apply_range(map, host, nodes, first, last, in);
	return 0;
}

int cpulist_parse(const char *text, const struct cpu_host *host, struct domain_cpumap *ret_map,
		  const char **ret_bad)
{
	const char *p = skip_blanks(text), *start;
	struct domain_cpumap map;
	int ret;

	ret = domain_cpumap_init(&map, host->nr_cpus);
	if (ret)
		return ret;
	for (;;) {
		start = p;
		ret = parse_element(&p, host, &map);
		p = skip_blanks(p);
		if (ret || (*p && *p != ','))
			break;
		if (!*p) {
			*ret_map = map;
			return 0;
		}
		p = skip_blanks(p + 1);
	}
	if (ret_bad)
		*ret_bad = start;
	domain_cpumap_fini(&map);
	return -EINVAL;
}

static bool in_map(const uint8_t *bits, unsigned int nr_bits, unsigned int cpu)
{
	return cpu < nr_bits && (bits[cpu / 8] >> (cpu % 8) & 1);
}

void cpulist_format(const uint8_t *bits, unsigned int nr_bits, const struct cpu_host *host,
		    char *buf, size_t size)
{
	unsigned int cpu, first, count = 0, limit = host->nr_cpus;
	size_t used = 0;

	buf[0] = '\0';
	for (cpu = 0; cpu < limit; cpu++)
		count += in_map(bits, nr_bits, cpu);
	if (count == 0 || count == limit) {
		snprintf(buf, size, "%s", count ? "all" : "none");
		return;
	}
	for (cpu = 0; cpu < limit && used < size; cpu++) {
		if (!in_map(bits, nr_bits, cpu))
			continue;
		first = cpu;
		while (cpu + 1 < limit && in_map(bits, nr_bits, cpu + 1))
			cpu++;
		used += (size_t)snprintf(buf + used, size - used, "%s%u", used ? "," : "", first);
		if (cpu > first && used < size)
			used += (size_t)snprintf(buf + used, size - used, "-%u", cpu);
	}
}
