/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Random requests of three domains, transactions among them, against a model
 * that is as simple as can be: the store is a flat list of (path, value,
 * permissions), a transaction starts by copying it, and commit compares copies.
 *
 * usage: test_model [STEPS [SEED]]
 */
#include "harness.h"

#define MAX_NODES 600
#define MAX_TOUCH 64
#define NR_CLIENT 3
#define NR_TX     3

struct mnode {
	char path[40], value[8], perms[24];
};

struct mstore {
	int nr;
	struct mnode n[MAX_NODES];
};

struct mop {
	uint32_t type;
	char text[64]; /* "path|argument" */
};

struct mtx {
	uint32_t id; /* 0: unused */
	struct mstore base, now;
	int nr_touch, nr_ops;
	char touch[MAX_TOUCH][44]; /* kind letter and path */
	struct mop op[MAX_TOUCH];
};

static struct mstore model;
static struct mtx txs[NR_CLIENT][NR_TX];
static struct test_client *client[NR_CLIENT];
static const int domid[NR_CLIENT] = {0, 1, 2};
static unsigned long steps = 40000;
static uint32_t seed = 2463534242u;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* ---- the model ----------------------------------------------------------- */

static struct mnode *mfind(struct mstore *m, const char *path)
{
	for (int i = 0; i < m->nr; i++) {
		if (strcmp(m->n[i].path, path) == 0) {
			return &m->n[i];
		}
	}
	return NULL;
}

static void mparent(const char *path, char *ret)
{
	memmove(ret, path, strlen(path) + 1);
	*strrchr(ret, '/') = '\0';
	if (!*ret) {
		strcpy(ret, "/");
	}
}

/* The node, or the nearest that exists above it. */
static struct mnode *mnearest(struct mstore *m, const char *path)
{
	char up[40];
	struct mnode *n = mfind(m, path);

	strcpy(up, path);
	while (!n) {
		mparent(up, up);
		n = mfind(m, up);
	}
	return n;
}

/* "n1,r2": may domain @id do @what ('r', 'w', 'o')? */
static bool mmay(const struct mnode *n, int id, char what)
{
	const char *p = n->perms;
	char letter = *p;

	if (id == 0 || p[1] - '0' == id) {
		return true;
	}
	for (p += 2; *p; p += 3) {
		if (p[2] - '0' == id) {
			letter = p[1];
			break;
		}
	}
	return what != 'o' && (letter == 'b' || letter == what);
}

static bool mbelow(const char *top, const char *path)
{
	size_t len = strlen(top);

	return strncmp(top, path, len) == 0 && (!path[len] || path[len] == '/');
}

static void madd(struct mstore *m, const char *path, const char *perms)
{
	struct mnode *n = &m->n[m->nr++];

	assert_true(m->nr < MAX_NODES);
	strcpy(n->path, path);
	strcpy(n->perms, perms);
	n->value[0] = '\0';
}

static const char *mcreate(struct mstore *m, int id, const char *path)
{
	struct mnode *near = mnearest(m, path);
	char perms[24], up[40];

	if (!mmay(near, id, 'w')) {
		return "EACCES";
	}
	strcpy(perms, near->perms);
	if (id) {
		perms[1] = (char)('0' + id);
	}
	for (;;) {
		strcpy(up, path);
		for (;;) {
			char above[40];

			mparent(up, above);
			if (mfind(m, above)) {
				break;
			}
			strcpy(up, above);
		}
		madd(m, up, perms);
		if (strcmp(up, path) == 0) {
			return "OK|";
		}
	}
}

static const char *mwrite(struct mstore *m, int id, const char *path, const char *value)
{
	struct mnode *n = mfind(m, path);
	const char *rc;

	if (!n) {
		rc = mcreate(m, id, path);
		if (strcmp(rc, "OK|") != 0) {
			return rc;
		}
		n = mfind(m, path);
	} else if (!mmay(n, id, 'w')) {
		return "EACCES";
	}
	strcpy(n->value, value);
	return "OK|";
}

static const char *mrm(struct mstore *m, int id, const char *path)
{
	struct mnode *n = mfind(m, path), *near = mnearest(m, path);
	char up[40];
	int kept = 0;

	if (!mmay(near, id, 'w')) {
		return "EACCES";
	}
	if (!n) {
		mparent(path, up);
		return mfind(m, up) ? "OK|" : "ENOENT";
	}
	for (int i = 0; i < m->nr; i++) {
		if (!mbelow(path, m->n[i].path)) {
			m->n[kept++] = m->n[i];
		}
	}
	m->nr = kept;
	return "OK|";
}

static const char *mperms(struct mstore *m, int id, const char *path, const char *perms)
{
	struct mnode *n = mfind(m, path), *near = mnearest(m, path);

	if (!n) {
		return mmay(near, id, 'w') ? "ENOENT" : "EACCES";
	}
	if (!mmay(n, id, 'o')) {
		return "EACCES";
	}
	if (id && perms[1] != n->perms[1]) {
		return "EPERM";
	}
	strcpy(n->perms, perms);
	return "OK|";
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct mnode *)a)->path, ((const struct mnode *)b)->path);
}

/* Children of @path as DIRECTORY lists them. */
static void mlist(struct mstore *m, const char *path, char *ret)
{
	size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);

	qsort(m->n, (size_t)m->nr, sizeof(m->n[0]), by_path);
	*ret = '\0';
	for (int i = 0; i < m->nr; i++) {
		const char *p = m->n[i].path;

		if (strncmp(p, path, len) == 0 && p[len] == '/' && p[len + 1] &&
		    !strchr(p + len + 1, '/')) {
			ret += sprintf(ret, "%s|", p + len + 1);
		}
	}
}

static const char *mread(struct mstore *m, int id, uint32_t type, const char *path, char *buf)
{
	struct mnode *n = mfind(m, path), *near = mnearest(m, path);

	if (!mmay(near, id, 'r')) {
		return "EACCES";
	}
	if (!n) {
		return "ENOENT";
	}
	if (type == XS_READ) {
		return n->value;
	}
	if (type == XS_DIRECTORY) {
		mlist(m, path, buf);
		return buf;
	}
	strcpy(buf, n->perms);
	for (char *p = buf; *p; p++) {
		if (*p == ',') {
			*p = '|';
		}
	}
	return strcat(buf, "|");
}

/* @text: path, '|', argument. */
static const char *mchange(struct mstore *m, int id, uint32_t type, const char *text)
{
	char path[40];
	const char *arg = strchr(text, '|') + 1;

	snprintf(path, sizeof(path), "%.*s", (int)(arg - text) - 1, text);
	switch (type) {
	case XS_WRITE:
		return mwrite(m, id, path, arg);
	case XS_MKDIR:
		if (!mfind(m, path)) {
			return mcreate(m, id, path);
		}
		return mmay(mfind(m, path), id, 'w') ? "OK|" : "EACCES";
	case XS_RM:
		return mrm(m, id, path);
	default:
		return mperms(m, id, path, arg);
	}
}

/* Has what a transaction relied on (kind letter and path) changed? */
static bool mdiffers(struct mstore *a, struct mstore *b, const char *touch)
{
	const char *path = touch + 1;
	struct mnode *x = mfind(a, path), *y = mfind(b, path);
	char la[4096], lb[4096];

	if (!x != !y || strcmp(mnearest(a, path)->perms, mnearest(b, path)->perms) != 0) {
		return true;
	}
	if (!x) {
		return false;
	}
	if (*touch == 'l') {
		mlist(a, path, la);
		mlist(b, path, lb);
		return strcmp(la, lb) != 0;
	}
	return strcmp(x->value, y->value) != 0;
}

/* ---- one step ------------------------------------------------------------ */

static const char *const nodes[] = {"a", "b", "c"};

static void random_path(char *path)
{
	int depth = 1 + (int)rnd(3);

	*path = '\0';
	for (int i = 0; i < depth; i++) {
		sprintf(path + strlen(path), "/%s", nodes[rnd(3)]);
	}
}

static void random_perms(int id, char *wire, char *flat)
{
	int owner = rnd(8) ? id ? id : (int)rnd(3) : (int)rnd(3), nr = (int)rnd(3);

	sprintf(flat, "%c%d", "nrwb"[rnd(4)], owner);
	for (int i = 0; i < nr; i++) {
		sprintf(flat + strlen(flat), ",%c%d", "nrwb"[rnd(4)], (int)rnd(3));
	}
	strcpy(wire, flat);
	for (char *p = wire; *p; p++) {
		if (*p == ',') {
			*p = '|';
		}
	}
	strcat(wire, "|");
}

static void step_end(int who, struct mtx *tx)
{
	const char *want = "OK|";
	bool exact = true;
	char what[4];
	const char *got;

	sprintf(what, "%c|", rnd(5) ? 'T' : 'F');
	if (*what == 'T' && tx->nr_ops) {
		for (int i = 0; i < tx->nr_touch && !strcmp(want, "OK|"); i++) {
			/* RM: any change below may count; the store may be stricter. */
			if (tx->touch[i][0] == 'd') {
				exact = false;
			} else if (mdiffers(&tx->base, &model, tx->touch[i])) {
				want = "EAGAIN";
			}
		}
	}
	got = req(client[who], tx->id, XS_TRANSACTION_END, what);
	if (exact || strcmp(got, "EAGAIN") != 0) {
		if (strcmp(want, "EAGAIN") != 0 && strcmp(got, "EAGAIN") == 0 && exact) {
			/* Only if a change fails when it is made again. */
			static struct mstore copy;
			bool failed = false;

			copy = model;
			for (int i = 0; i < tx->nr_ops; i++) {
				failed |= strcmp(mchange(&copy, domid[who], tx->op[i].type,
							 tx->op[i].text),
						 "OK|") != 0;
			}
			assert_true(failed);
		} else {
			assert_string_equal(got, want);
		}
	}
	if (*what == 'T' && strcmp(got, "OK|") == 0) {
		for (int i = 0; i < tx->nr_ops; i++) {
			assert_string_equal(
				mchange(&model, domid[who], tx->op[i].type, tx->op[i].text), "OK|");
		}
	}
	tx->id = 0;
}

static void touch(struct mtx *tx, char kind, const char *path)
{
	sprintf(tx->touch[tx->nr_touch++], "%c%s", kind, path);
}

static void step_change(int who, struct mtx *tx, const char *path)
{
	static const uint32_t types[] = {XS_WRITE, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS};
	uint32_t type = types[rnd(5)];
	struct mstore *m = tx ? &tx->now : &model;
	char text[64], mtext[64], wire[24], flat[24];
	const char *want;
	bool existed = mfind(m, path) != NULL;

	sprintf(text, "%s|", path);
	strcpy(mtext, text);
	if (type == XS_WRITE) {
		sprintf(wire, "%u", rnd(3));
		strcat(text, wire);
		strcat(mtext, wire);
	} else if (type == XS_SET_PERMS) {
		random_perms(domid[who], wire, flat);
		strcat(text, wire);
		strcat(mtext, flat);
	}
	want = mchange(m, domid[who], type, mtext);
	assert_string_equal(req(client[who], tx ? tx->id : 0, type, text), want);
	if (!tx) {
		return;
	}
	touch(tx, type == XS_RM ? 'd' : 'v', path);
	if (strcmp(want, "OK|") == 0 && !(type == XS_MKDIR && existed) &&
	    !(type == XS_RM && !existed)) {
		tx->op[tx->nr_ops].type = type;
		strcpy(tx->op[tx->nr_ops++].text, mtext);
	}
}

static void step_read(int who, struct mtx *tx, const char *path)
{
	static const uint32_t types[] = {XS_READ, XS_DIRECTORY, XS_GET_PERMS};
	uint32_t type = types[rnd(3)];
	char text[64], buf[4096];

	sprintf(text, "%s|", path);
	assert_string_equal(req(client[who], tx ? tx->id : 0, type, text),
			    mread(tx ? &tx->now : &model, domid[who], type, path, buf));
	if (tx) {
		touch(tx, type == XS_DIRECTORY ? 'l' : 'v', path);
	}
}

static void step(void)
{
	int who = (int)rnd(NR_CLIENT);
	struct mtx *tx = &txs[who][rnd(NR_TX)];
	char path[40];

	if (!tx->id && rnd(4) == 0) {
		tx->id = tx_begin(client[who]);
		tx->base = tx->now = model;
		tx->nr_touch = tx->nr_ops = 0;
		return;
	}
	if (tx->id && (rnd(8) == 0 || tx->nr_touch == MAX_TOUCH)) {
		step_end(who, tx);
		return;
	}
	random_path(path);
	if (rnd(2)) {
		step_change(who, tx->id ? tx : NULL, path);
	} else {
		step_read(who, tx->id ? tx : NULL, path);
	}
}

static void whole(struct store *s)
{
	char text[64], buf[4096];
	struct store_stats st;

	assert_sound(s);
	store_stats(s, &st);
	assert_int_equal(st.nodes, model.nr);
	for (int i = 0; i < model.nr; i++) {
		sprintf(text, "%s|", model.n[i].path);
		assert_string_equal(req(client[0], 0, XS_READ, text), model.n[i].value);
		assert_string_equal(req(client[0], 0, XS_GET_PERMS, text),
				    mread(&model, 0, XS_GET_PERMS, model.n[i].path, buf));
	}
}

static void against_model(void **state)
{
	struct store *s = store_create(&test_hooks, NULL);

	store_quota(s)->nodes = store_quota(s)->memory = 0;
	for (int i = 0; i < NR_CLIENT; i++) {
		client[i] = client_new(s, (uint16_t)domid[i]);
	}
	req(client[0], 0, XS_SET_PERMS, "/|b0|");
	madd(&model, "/", "b0");
	for (unsigned long i = 0; i < steps; i++) {
		step();
		if (i % 1000 == 0) {
			whole(s);
		}
	}
	whole(s);
	for (int i = 0; i < NR_CLIENT; i++) {
		client_free(client[i]);
	}
	assert_sound(s);
	store_destroy(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(against_model)};

	if (argc > 1) {
		steps = strtoul(argv[1], NULL, 0);
	}
	if (argc > 2) {
		seed = (uint32_t)strtoul(argv[2], NULL, 0) | 1u;
	}
	print_message("%lu steps, seed %u\n", steps, seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
