/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Who has how much. Accounts are made when first asked for and live as long as
 * the store or until their domain is forgotten with nothing left.
 */
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

struct account *account_of(struct store *s, uint16_t domid)
{
	struct account **head = &s->account[domid % ACCOUNT_BUCKETS], *a;

	for (a = *head; a; a = a->next) {
		if (a->domid == domid) {
			return a;
		}
	}
	a = store_zalloc(sizeof(*a));
	a->domid = domid;
	a->next = *head;
	*head = a;
	return a;
}

void account_free(struct store *s, struct account *a)
{
	struct account **pp = &s->account[a->domid % ACCOUNT_BUCKETS];

	if (a->holders || a->nodes) {
		return;
	}
	while (*pp != a) {
		pp = &(*pp)->next;
	}
	*pp = a->next;
	free(a);
}

void account_free_all(struct store *s)
{
	for (unsigned int i = 0; i < ACCOUNT_BUCKETS; i++) {
		struct account *a;

		while ((a = s->account[i])) {
			s->account[i] = a->next;
			free(a);
		}
	}
}

void account_move(struct store *s, const struct node *n, int sign)
{
	struct account *a = account_of(s, perms_owner(n->perms));

	a->nodes += (uint64_t)(int64_t)sign;
	a->node_bytes += (uint64_t)(sign * (int64_t)node_bytes(n->name_len, n->value_len));
}

uint64_t quota_of(const struct store *s, const struct account *a, enum quota q)
{
	if (a->quota_set & (1u << q)) {
		return a->quota[q];
	}
	switch (q) {
#define Q(field, name, value, text) \
	case QUOTA_##field:         \
		return s->quota.field;
		STORE_QUOTAS(Q)
#undef Q
	default:
		return 0;
	}
}

const char *quota_name(enum quota q)
{
	static const char *const names[] = {
#define Q(field, name, value, text) name,
		STORE_QUOTAS(Q)
#undef Q
	};

	return names[q];
}

enum quota quota_by_name(const char *name)
{
	enum quota q = 0;

	while (q < NR_QUOTAS && strcmp(quota_name(q), name) != 0) {
		q++;
	}
	return q;
}

uint64_t account_memory(const struct account *a)
{
	return a->node_bytes + a->other_bytes;
}

void deltas_add(struct deltas *ds, uint16_t domid, int64_t nodes, int64_t bytes)
{
	for (unsigned int i = 0; i < ds->nr; i++) {
		if (ds->d[i].domid == domid) {
			ds->d[i].nodes += nodes;
			ds->d[i].bytes += bytes;
			return;
		}
	}
	if (ds->nr == ds->cap) {
		ds->cap = ds->cap ? ds->cap * 2 : 4;
		ds->d = store_realloc(ds->d, ds->cap * sizeof(*ds->d));
	}
	ds->d[ds->nr++] = (struct delta){domid, nodes, bytes};
}

struct delta deltas_of(const struct deltas *ds, uint16_t domid)
{
	for (unsigned int i = 0; i < ds->nr; i++) {
		if (ds->d[i].domid == domid) {
			return ds->d[i];
		}
	}
	return (struct delta){domid, 0, 0};
}

void deltas_apply(struct store *s, struct deltas *ds)
{
	for (unsigned int i = 0; i < ds->nr; i++) {
		struct account *a = account_of(s, ds->d[i].domid);

		a->nodes += (uint64_t)ds->d[i].nodes;
		a->node_bytes += (uint64_t)ds->d[i].bytes;
	}
	ds->nr = 0;
}

void deltas_clear(struct deltas *ds)
{
	free(ds->d);
	*ds = (struct deltas){NULL};
}
