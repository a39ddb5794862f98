/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The tree against a flat array: random insertions, changes and removals among
 * many children, with snapshots that must stay as they were.
 */
#include "harness.h"

#define NAMES     3000
#define SNAPSHOTS 4

struct snapshot {
	struct node *root;
	int value[NAMES]; /* -1: not there */
};

static uint32_t seed = 12345;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static void path_of(unsigned int i, char *path)
{
	/* Neighbours in number are not neighbours in name. */
	sprintf(path, "/d/%x", i * 2654435761u);
}

static int count(struct node *n, void *arg)
{
	++*(int *)arg;
	return 0;
}

static void compare(struct node *root, const int *value)
{
	struct node *dir = tree_lookup(root, "/d");
	int nr = 0, want = 0;
	char path[32], text[16];

	assert_true(kids_valid(node_kids(dir)));
	for (unsigned int i = 0; i < NAMES; i++) {
		struct node *n;

		path_of(i, path);
		n = tree_lookup(root, path);
		assert_int_equal(n != NULL, value[i] >= 0);
		if (n) {
			sprintf(text, "%d", value[i]);
			assert_int_equal(n->value_len, strlen(text));
			assert_memory_equal(node_value(n), text, n->value_len);
			want++;
		}
	}
	kids_walk(node_kids(dir), count, &nr);
	assert_int_equal(nr, want);
}

static void change(struct perms_table *t, struct node **root, int *value, uint64_t gen)
{
	unsigned int i = rnd(NAMES);
	struct node **place;
	char path[32], text[16];

	path_of(i, path);
	if (value[i] >= 0 && rnd(2)) {
		node_put(t, tree_remove(t, root, path, gen));
		value[i] = -1;
		return;
	}
	if (value[i] < 0) {
		place = tree_own(t, root, "/d");
		place = tree_add(place, path + 3, strlen(path + 3), perms_get((*root)->perms), gen);
	} else {
		place = tree_own(t, root, path);
	}
	value[i] = (int)rnd(100000);
	tree_set_value(place, text, (size_t)sprintf(text, "%d", value[i]));
}

static void against_array(void **state)
{
	static struct snapshot snap[SNAPSHOTS];
	static int value[NAMES];
	const struct wire_perm n0 = {0, 0};
	struct perms_table t;
	struct node *root;
	uint64_t gen = 1;

	perms_table_init(&t);
	root = node_make("", 0, perms_make(&t, &n0, 1));
	tree_add(&root, "d", 1, perms_get(root->perms), gen);
	memset(value, -1, sizeof(value));
	for (int step = 0; step < 60000; step++) {
		change(&t, &root, value, ++gen);
		if (rnd(500) == 0) {
			struct snapshot *s = &snap[rnd(SNAPSHOTS)];

			if (s->root) {
				compare(s->root, s->value);
				node_put(&t, s->root);
			}
			s->root = node_get(root);
			memcpy(s->value, value, sizeof(value));
		}
		if (rnd(2000) == 0) {
			compare(root, value);
		}
	}
	for (int i = 0; i < SNAPSHOTS; i++) {
		if (snap[i].root) {
			compare(snap[i].root, snap[i].value);
			node_put(&t, snap[i].root);
		}
	}
	compare(root, value);
	/* Not all at once; and in as many steps as one likes. */
	node_put(&t, root);
	assert_non_null(t.dead);
	tree_reap(&t, 1);
	assert_non_null(t.dead);
	tree_reap(&t, UINT32_MAX);
	assert_null(t.dead);
	perms_table_fini(&t);
}

struct part {
	size_t want, nr;
};

static int first_name(struct node *n, void *arg)
{
	struct part *p = arg;

	assert_int_equal(atoi(n->data), p->want);
	p->nr++;
	return 1;
}

/* Names of six bytes with their NUL: each offset finds the next one. */
static void in_parts(struct node *root, size_t nr)
{
	for (size_t skip = 0; skip < 6 * nr + 10; skip += 7) {
		struct part p = {(skip + 5) / 6, 0};
		size_t pos = 0;

		kids_walk_from(node_kids(root), skip, &pos, first_name, &p);
		assert_int_equal(p.nr, p.want < nr);
	}
}

static void in_order(void **state)
{
	const struct wire_perm n0 = {0, 0};
	struct perms_table t;
	struct node *root;
	char path[32];
	int nr = 0;

	perms_table_init(&t);
	root = node_make("", 0, perms_make(&t, &n0, 1));
	for (int i = 0; i < 5000; i++) {
		tree_add(&root, path, (size_t)sprintf(path, "%05d", i), perms_get(root->perms), 1);
	}
	assert_true(kids_valid(node_kids(root)));
	kids_walk(node_kids(root), count, &nr);
	assert_int_equal(nr, 5000);
	in_parts(root, 5000);
	for (int i = 0; i < 5000; i++) {
		sprintf(path, "/%05d", i);
		node_put(&t, tree_remove(&t, &root, path, 1));
		if (i % 100 == 0) {
			assert_true(kids_valid(node_kids(root)));
		}
	}
	assert_null(node_kids(root));
	node_put(&t, root);
	perms_table_fini(&t);
}

static void lists_are_shared(void **state)
{
	const struct wire_perm a[] = {{0, 0}, {3, 1}, {4, 2}}, b[] = {{0, 0}, {4, 2}};
	struct perms_table t;
	struct perms *p, *q;

	perms_table_init(&t);
	p = perms_make(&t, a, 3);
	q = perms_make(&t, a, 3);
	assert_ptr_equal(p, q);
	perms_put(&t, q);
	perms_forget(&t, 3);
	assert_int_equal(p->nr, 2);
	q = perms_make(&t, b, 2);
	assert_ptr_equal(p, q);
	perms_put(&t, q);
	perms_forget(&t, 0); /* the owner stays */
	assert_int_equal(p->nr, 2);
	perms_put(&t, p);
	perms_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_array),
		cmocka_unit_test(in_order),
		cmocka_unit_test(lists_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
