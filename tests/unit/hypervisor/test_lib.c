/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The small library against simple models: strings and memory (the functions that
 * the hypervisor has of its own, against the C library's), numbers, sorting, bits,
 * CPU masks, and memory maps as firmware makes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bitops.h>
#include <hv/bootinfo.h>
#include <hv/cpumask.h>
#include <hv/lib.h>

struct cpumask cpu_online_map;

/* ---- the hypervisor's own string functions, under other names --------------------- */

void *own_memcpy(void *dst, const void *src, size_t n);
void *own_memmove(void *dst, const void *src, size_t n);
void *own_memset(void *dst, int c, size_t n);
int own_memcmp(const void *a, const void *b, size_t n);
void *own_memchr(const void *s, int c, size_t n);
size_t own_strlen(const char *s);
size_t own_strnlen(const char *s, size_t max);
int own_strcmp(const char *a, const char *b);
int own_strncmp(const char *a, const char *b, size_t n);
char *own_strchr(const char *s, int c);

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

/* On the heap without slack, so that a byte too far is seen. */
static char *random_bytes(size_t n, unsigned int kinds)
{
	char *p = malloc(n ? n : 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)((unsigned long)random() % kinds + (kinds > 200 ? 0 : 'a'));
	return p;
}

static void memory(void **state)
{
	srandom(1);
	for (unsigned int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % 64, from, to, len;
		char *a = random_bytes(n, 256), *b = malloc(n + 1), *c = malloc(n + 1);
		int byte = (int)random();

		assert_ptr_equal(own_memcpy(b, a, n), b);
		assert_memory_equal(a, b, n);
		memcpy(c, a, n);
		len = n ? (size_t)random() % n : 0;
		from = n - len ? (size_t)random() % (n - len) : 0;
		to = n - len ? (size_t)random() % (n - len) : 0;
		assert_ptr_equal(own_memmove(b + to, b + from, len), b + to);
		memmove(c + to, c + from, len);
		assert_memory_equal(b, c, n);
		assert_int_equal(sign(own_memcmp(a, c, n)), sign(memcmp(a, c, n)));
		assert_ptr_equal(own_memchr(a, byte, n), memchr(a, byte, n));
		assert_ptr_equal(own_memset(b, byte, n), b);
		memset(c, byte, n);
		assert_memory_equal(b, c, n);
		free(a);
		free(b);
		free(c);
	}
}

static void strings(void **state)
{
	for (unsigned int i = 0; i < 20000; i++) {
		size_t la = (size_t)random() % 12, lb = (size_t)random() % 12;
		size_t n = (size_t)random() % 14, size = (size_t)random() % 14;
		char *a = random_bytes(la + 1, 3), *b = random_bytes(lb + 1, 3);
		char *dst = malloc(size ? size : 1);
		int c = random() % 5 ? 'a' + (int)(random() % 4) : 0;

		a[la] = b[lb] = 0;
		if (random() % 4 == 0)
			a[0] = (char)(la ? 0xe9 : 0);
		assert_int_equal(own_strlen(a), strlen(a));
		assert_int_equal(own_strnlen(a, n), strnlen(a, n));
		assert_int_equal(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(own_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		assert_ptr_equal(own_strchr(a, c), strchr(a, c));
		assert_int_equal(hv_strlcpy(dst, a, size), strlen(a));
		if (size) {
			assert_int_equal(strlen(dst), min(strlen(a), size - 1));
			assert_memory_equal(dst, a, strlen(dst));
		}
		free(a);
		free(b);
		free(dst);
	}
}

static void numbers(void **state)
{
	static const char *const text[] = {
		"0",
		"1",
		"42",
		"0x2a",
		"0X2A",
		"052",
		"0x",
		"0xg",
		"",
		"x",
		"08",
		"12abc",
		"0b1",
		"00012",
		"99999999999999999999999",
		"18446744073709551615",
		"18446744073709551616",
		"0xffffffffffffffff",
		"0x1ffffffffffffffff",
		"0777777777777777777777777",
	};
	static const unsigned int base[] = {0, 8, 10, 16};

	for (unsigned int i = 0; i < ARRAY_SIZE(text); i++) {
		for (unsigned int k = 0; k < ARRAY_SIZE(base); k++) {
			const char *end;
			char *want_end;
			unsigned long long v = hv_strtoull(text[i], &end, base[k]);
			unsigned long long want = strtoull(text[i], &want_end, (int)base[k]);

			/* The C library takes 0x when asked for base 16, too. */
			if (base[k] == 16 && text[i][0] == '0' && (text[i][1] | 0x20) == 'x')
				continue;
			assert_true(v == want);
			assert_ptr_equal(end, want_end);
		}
	}
	hv_strtoull("1", NULL, 10);
}

static int compare_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 1);
}

static void sorting(void **state)
{
	for (unsigned int i = 0; i < 500; i++) {
		size_t n = (size_t)random() % 40, size = 1 + (size_t)random() % 9;
		char *a = random_bytes(n * size, 256), *b = malloc(n * size + 1);
		size_t sum = 0, sum2 = 0;

		memcpy(b, a, n * size);
		hv_sort(b, n, size, compare_bytes);
		for (size_t k = 1; k < n; k++)
			assert_true(memcmp(b + (k - 1) * size, b + k * size, 1) <= 0);
		for (size_t k = 0; k < n * size; k++) {
			sum += (unsigned char)a[k] * (k % size + 1);
			sum2 += (unsigned char)b[k] * (k % size + 1);
		}
		assert_int_equal(sum, sum2);
		free(a);
		free(b);
	}
}

/* ---- bits --------------------------------------------------------------------------- */

#define BITS 200

static void check_bitmap(const unsigned long *map, const bool *want, unsigned int n)
{
	unsigned int weight = 0, next = n, next_zero = n;

	for (unsigned int i = n; i--;) {
		assert_int_equal(test_bit(i, map), want[i]);
		weight += want[i];
		next = want[i] ? i : next;
		next_zero = want[i] ? next_zero : i;
		assert_int_equal(find_next_bit(map, n, i), next);
		assert_int_equal(find_next_zero_bit(map, n, i), next_zero);
	}
	assert_int_equal(find_first_bit(map, n), next);
	assert_int_equal(find_next_bit(map, n, n), n);
	assert_int_equal(find_next_bit(map, n, n + 70), n);
	assert_int_equal(bitmap_weight(map, n), weight);
}

static void bits(void **state)
{
	for (unsigned int round = 0; round < 300; round++) {
		unsigned int n = 1 + (unsigned int)random() % BITS, words = BITS_TO_LONGS(n);
		unsigned long *map = malloc(words * sizeof(long));
		bool want[BITS] = {false};

		/* What is beyond the last bit must not matter. */
		memset(map, random() % 2 ? 0xff : 0, words * sizeof(long));
		for (unsigned int i = 0; i < n; i++)
			__clear_bit(i, map);
		for (unsigned int k = 0; k < 60; k++) {
			unsigned int i = (unsigned int)random() % n;

			switch (random() % 6) {
			case 0:
				set_bit(i, map);
				want[i] = true;
				break;
			case 1:
				clear_bit(i, map);
				want[i] = false;
				break;
			case 2:
				assert_int_equal(test_and_set_bit(i, map), want[i]);
				want[i] = true;
				break;
			case 3:
				assert_int_equal(test_and_clear_bit(i, map), want[i]);
				want[i] = false;
				break;
			case 4:
				__set_bit(i, map);
				want[i] = true;
				break;
			default:
				__clear_bit(i, map);
				want[i] = false;
				break;
			}
		}
		check_bitmap(map, want, n);
		free(map);
	}
}

static void words(void **state)
{
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(bit_first(1UL << i), i);
		assert_int_equal(bit_last(1UL << i), i);
		assert_int_equal(bit_first(~0UL << i), i);
		assert_int_equal(bit_last(~0UL >> i), 63 - i);
		assert_int_equal(bit_count(~0UL << i), 64 - i);
	}
	assert_int_equal(bit_count(0), 0);
	assert_int_equal(bit_count(0xf0f0f0f0f0f0f0f1UL), 33);
	for (unsigned long i = 0; i < 8; i++)
		assert_int_equal(index_nospec(i, 5), i < 5 ? i : 0);
}

static void masks(void **state)
{
	struct cpumask m = CPUMASK_NONE;
	unsigned int cpu, seen = 0;

	assert_int_equal(cpumask_first(m), MAX_CPUS);
	assert_int_equal(cpumask_cycle(3, m), MAX_CPUS);
	for_each_cpu (cpu, m)
		fail();
	cpumask_set(0, &m);
	cpumask_set(63, &m);
	cpumask_set(5, &m);
	assert_int_equal(cpumask_cycle(0, m), 5);
	assert_int_equal(cpumask_cycle(5, m), 63);
	assert_int_equal(cpumask_cycle(63, m), 0);
	assert_int_equal(cpumask_cycle(62, m), 63);
	assert_int_equal(cpumask_weight(m), 3);
	for_each_cpu (cpu, m) {
		assert_true(cpu == 0 || cpu == 5 || cpu == 63);
		seen++;
	}
	assert_int_equal(seen, 3);
	assert_true(cpumask_test_and_clear(5, &m));
	assert_false(cpumask_test_and_clear(5, &m));
	assert_true(cpumask_empty(cpumask_and(m, cpumask_of(5))));
}

/* ---- memory maps ---------------------------------------------------------------------- */

#define SPACE 256 /* of addresses, in the random test */

static uint32_t strictest(const struct e820_map *map, uint64_t addr)
{
	uint32_t type = 0;

	for (unsigned int i = 0; i < map->nr; i++) {
		const struct e820_entry *e = &map->e[i];

		if (addr >= e->addr && addr - e->addr < e->size)
			type = max(type, e->type);
	}
	return type;
}

static void check_sane(const struct e820_map *map)
{
	for (unsigned int i = 0; i < map->nr; i++) {
		const struct e820_entry *e = &map->e[i];

		assert_true(e->size && e->type);
		if (!i)
			continue;
		assert_true(e[-1].addr + e[-1].size <= e->addr);
		assert_false(e[-1].addr + e[-1].size == e->addr && e[-1].type == e->type);
	}
}

static void memory_maps_random(void **state)
{
	static struct e820_map map, was;

	for (unsigned int round = 0; round < 2000; round++) {
		map.nr = (unsigned int)random() % 20;
		for (unsigned int i = 0; i < map.nr; i++) {
			map.e[i].addr = (uint64_t)random() % SPACE;
			map.e[i].size = (uint64_t)random() % 40;
			map.e[i].type = 1 + (uint32_t)random() % 5;
		}
		was = map;
		e820_sanitize(&map);
		check_sane(&map);
		for (uint64_t a = 0; a < SPACE + 50; a++)
			assert_int_equal(strictest(&map, a), strictest(&was, a));
		for (unsigned int k = 0; k < 20; k++) {
			uint64_t start = (uint64_t)random() % SPACE, end = start;
			uint32_t type = 1 + (uint32_t)random() % 3;
			bool all = true;

			for (end = start; end < start + (uint64_t)round % 30; end++)
				all = all && strictest(&map, end) == type;
			assert_int_equal(e820_all(&map, start, end, type), all);
		}
	}
}

static void memory_map_edges(void **state)
{
	static struct e820_map map;

	/* An entry that wraps ends with the address space. */
	map = (struct e820_map){.nr = 2,
				.e = {{0, 0x1000, E820_RAM}, {-0x1000UL, 0x2000, E820_RESERVED}}};
	e820_sanitize(&map);
	check_sane(&map);
	assert_int_equal(strictest(&map, -0x1000UL), E820_RESERVED);
	assert_int_equal(strictest(&map, 0), E820_RAM);
	assert_int_equal(strictest(&map, -2UL), E820_RESERVED);

	/* No more room: the pieces that fit are right. */
	map.nr = E820_MAX;
	for (unsigned int i = 0; i < E820_MAX; i++)
		map.e[i] = (struct e820_entry){i * 0x10000UL, 0x20000, 1 + i % 5};
	e820_sanitize(&map);
	check_sane(&map);
	assert_true(map.nr <= E820_MAX);

	/* A reserved range cuts what is there, and a full map stays as it is. */
	map = (struct e820_map){.nr = 1, .e = {{0x1000, 0x4000, E820_RAM}}};
	e820_reserve(&map, 0x2000, 0x1000);
	check_sane(&map);
	assert_int_equal(map.nr, 3);
	assert_true(e820_all(&map, 0x2000, 0x3000, E820_RESERVED));
	assert_true(e820_all(&map, 0x3000, 0x5000, E820_RAM));
	map.nr = E820_MAX;
	e820_reserve(&map, 0x2000, 0x1000);
	assert_int_equal(map.nr, E820_MAX);

	map.nr = 0;
	e820_sanitize(&map);
	assert_int_equal(map.nr, 0);
	assert_false(e820_all(&map, 0, 1, E820_RAM));
	assert_true(e820_all(&map, 5, 5, E820_RAM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory),
		cmocka_unit_test(strings),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sorting),
		cmocka_unit_test(bits),
		cmocka_unit_test(words),
		cmocka_unit_test(masks),
		cmocka_unit_test(memory_maps_random),
		cmocka_unit_test(memory_map_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
