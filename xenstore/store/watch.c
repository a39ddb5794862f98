/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Watches, in a hash table by path. An event on /a/b/c looks up "/", "/a",
 * "/a/b" and "/a/b/c", so its cost depends on the depth of the path and on who
 * is concerned, not on how many watches there are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

#define FIRST_BUCKETS 64

size_t watch_bytes(const struct watch *w)
{
	return sizeof(*w) + w->path_len + strlen(w->token) + 2;
}

static void link_in(struct store *s, struct watch *w)
{
	struct watch **pp = &s->watch_bucket[w->hash & (s->nr_watch_buckets - 1)];

	w->next = *pp;
	w->pprev = pp;
	if (w->next) {
		w->next->pprev = &w->next;
	}
	*pp = w;
}

static void grow(struct store *s)
{
	struct watch **old = s->watch_bucket;
	uint32_t nr_old = s->nr_watch_buckets;

	s->nr_watch_buckets = nr_old ? nr_old * 2 : FIRST_BUCKETS;
	s->watch_bucket = store_zalloc(s->nr_watch_buckets * sizeof(*s->watch_bucket));
	for (uint32_t i = 0; i < nr_old; i++) {
		for (struct watch *w = old[i], *next; w; w = next) {
			next = w->next;
			link_in(s, w);
		}
	}
	free(old);
}

/* A relative path and the absolute one that it stands for are the same. */
static bool same(const struct watch *w, const char *path, const char *token)
{
	return strcmp(w->path, path) == 0 && strcmp(w->token, token) == 0;
}

/* A client may have thousands: look in the path's bucket. */
static struct watch *find(struct store_client *c, const char *path, const char *token)
{
	struct store *s = c->store;
	uint32_t hash = hash_final(hash_bytes(HASH_INIT, path, strlen(path)));
	struct watch *w;

	if (!s->nr_watch_buckets) {
		return NULL;
	}
	for (w = s->watch_bucket[hash & (s->nr_watch_buckets - 1)]; w; w = w->next) {
		if (w->client == c && w->hash == hash && same(w, path, token)) {
			return w;
		}
	}
	return NULL;
}

int watch_add(struct store_client *c, const char *path, unsigned int skip, const char *token,
	      int depth)
{
	struct store *s = c->store;
	size_t path_len = strlen(path), token_len = strlen(token);
	bool bound = !store_client_privileged(c) && !s->quiet;
	uint64_t most = quota_of(s, c->account, QUOTA_watches);
	uint64_t memory = quota_of(s, c->account, QUOTA_memory);
	struct watch *w;

	if (find(c, path, token)) {
		return -EEXIST;
	}
	if (bound && most && c->account->watches >= most) {
		return -E2BIG;
	}
	if (bound && memory && account_memory(c->account) + path_len + token_len > memory) {
		return -ENOMEM;
	}
	w = store_zalloc(sizeof(*w) + path_len + token_len + 2);
	w->client = c;
	w->seq = s->watch_seq++;
	w->depth = depth;
	w->skip = (uint16_t)skip;
	w->path_len = (uint16_t)path_len;
	memcpy(w->path, path, path_len + 1);
	w->token = memcpy(w->path + path_len + 1, token, token_len + 1);
	w->hash = hash_final(hash_bytes(HASH_INIT, path, path_len));

	if (s->nr_watches >= s->nr_watch_buckets) {
		grow(s);
	}
	link_in(s, w);
	w->client_pprev = c->watches_end;
	*c->watches_end = w;
	c->watches_end = &w->client_next;
	s->nr_watches++;
	c->nr_watches++;
	c->account->watches++;
	store_client_charge(c, (long)watch_bytes(w));
	note_watch(w, true);
	return 0;
}

static void drop(struct watch *w)
{
	struct store_client *c = w->client;

	note_watch(w, false);
	*w->client_pprev = w->client_next;
	if (w->client_next) {
		w->client_next->client_pprev = w->client_pprev;
	} else {
		c->watches_end = w->client_pprev;
	}
	*w->pprev = w->next;
	if (w->next) {
		w->next->pprev = w->pprev;
	}
	c->store->nr_watches--;
	c->nr_watches--;
	c->account->watches--;
	store_client_charge(c, -(long)watch_bytes(w));
	free(w);
}

int watch_del(struct store_client *c, const char *path, const char *token)
{
	struct watch *w = find(c, path, token);

	if (!w) {
		return -ENOENT;
	}
	drop(w);
	return 0;
}

void watch_del_all(struct store_client *c)
{
	struct watch *next;

	for (struct watch *w = c->watches; w; w = next) {
		next = w->client_next;
		drop(w);
	}
}

/* ---- firing -------------------------------------------------------------- */

/* Those concerned by one event. They are few; a guest cannot make them many. */
struct hits {
	struct watch *few[16], **w;
	unsigned int nr, cap;
};

static void hits_init(struct hits *h)
{
	h->w = h->few;
	h->nr = 0;
	h->cap = sizeof(h->few) / sizeof(h->few[0]);
}

static void hits_fini(struct hits *h)
{
	if (h->w != h->few) {
		free(h->w);
	}
}

static void hits_add(struct hits *h, struct watch *w)
{
	if (h->nr == h->cap) {
		struct watch **more = store_alloc(2 * h->cap * sizeof(struct watch *));

		memcpy(more, h->w, h->nr * sizeof(struct watch *));
		hits_fini(h);
		h->w = more;
		h->cap *= 2;
	}
	h->w[h->nr++] = w;
}

/* Watches on exactly the first @len bytes of @path; @below: levels down to the event. */
static inline void collect(struct store *s, const char *path, size_t len, uint32_t hash, int below,
			   struct hits *h)
{
	struct watch *w;

	hash = hash_final(hash);
	for (w = s->watch_bucket[hash & (s->nr_watch_buckets - 1)]; w; w = w->next) {
		if (w->hash == hash && w->path_len == len && memcmp(w->path, path, len) == 0 &&
		    (w->depth < 0 || below <= w->depth) && w->seq < s->watch_limit) {
			hits_add(h, w);
		}
	}
}

static int levels(const char *path)
{
	int n = 0;

	for (; *path; path++) {
		n += *path == '/' && path[1];
	}
	return n;
}

/* All watches on @path and what is above it. */
static void collect_prefixes(struct store *s, const char *path, struct hits *h)
{
	uint32_t hash = hash_byte(HASH_INIT, '/');
	int below = levels(path);
	size_t i;

	collect(s, "/", 1, hash, below, h);
	for (i = 1; path[i]; i++) {
		if (path[i] == '/') {
			collect(s, path, i, hash, --below, h);
		}
		hash = hash_byte(hash, (unsigned char)path[i]);
	}
	if (i > 1) {
		collect(s, path, i, hash, 0, h);
	}
}

static int by_seq(const void *a, const void *b)
{
	const struct watch *x = *(struct watch *const *)a, *y = *(struct watch *const *)b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/*
 * Whose client may read the folder that the node at @path is, or was, in. Its name
 * is no secret there.
 */
static bool reads_folder(struct store *s, const struct store_client *c, const char *path)
{
	char *folder = store_memdup0(path, (size_t)(strrchr(path, '/') - path));
	struct tree_find f = tree_find(&s->root, *folder ? folder : "/");

	free(folder);
	return f.whole && (client_access(c, f.node->perms) & ACCESS_READ);
}

/* May be told of @path, where @perms, or if there are @others those, hold. */
static bool concerns(struct store *s, const struct watch *w, const char *path,
		     const struct perms *perms, const struct perms *others)
{
	unsigned int may = client_access(w->client, perms);

	if (others) {
		may |= client_access(w->client, others);
	}
	/* One that doesn't fit into a message could never be sent. */
	return ((may & ACCESS_READ) || reads_folder(s, w->client, path)) &&
	       strlen(path + w->skip) + strlen(w->token) + 2 <= XENSTORE_PAYLOAD_MAX;
}

static void deliver(struct store *s, struct hits *h, const char *path, const struct perms *perms,
		    const struct perms *others)
{
	s->work += h->nr;
	if (h->nr > 1) {
		qsort(h->w, h->nr, sizeof(struct watch *), by_seq);
	}
	for (unsigned int i = 0; i < h->nr; i++) {
		struct watch *w = h->w[i];

		if (concerns(s, w, path, perms, others)) {
			s->hooks->event(w->client->ctx, path + w->skip, w->token);
		}
	}
}

bool watch_fire(struct store *s, const char *path, const struct perms *before)
{
	struct tree_find f;
	struct hits h;

	if (!s->nr_watches || s->quiet) {
		return true;
	}
	if (jobs_first(s)) {
		if (!tree_lookup(s->root, path)) {
			return false;
		}
		job_fire(s, path, before, -1, 0);
		return true;
	}
	hits_init(&h);
	collect_prefixes(s, path, &h);
	if (!h.nr) {
		return true;
	}
	f = tree_find(&s->root, path);
	/* Or it was removed again since; that has its own event. */
	if (f.whole) {
		deliver(s, &h, path, f.node->perms, before);
	}
	hits_fini(&h);
	return f.whole;
}

void watch_fire_gone(struct store *s, const char *path, const struct node *n,
		     const struct node *parent)
{
	size_t len = strlen(path);
	struct hits h;

	if (!s->nr_watches || s->quiet) {
		return;
	}
	hits_init(&h);
	if (!parent) {
		collect_prefixes(s, path, &h);
	} else {
		collect(s, path, len, hash_bytes(HASH_INIT, path, len), 0, &h);
	}
	if (h.nr) {
		deliver(s, &h, path, n->perms, parent ? parent->perms : NULL);
	}
	hits_fini(&h);
}

void watch_fire_special(struct store *s, enum special which, uint16_t domid)
{
	static const char *const names[] = {"@introduceDomain", "@releaseDomain"};
	const struct perms *perms = s->special[which];
	char one[32];
	struct hits h;

	if (!s->nr_watches || s->quiet) {
		return;
	}
	if (jobs_first(s)) {
		job_fire(s, "", NULL, (int)which, domid);
		return;
	}
	snprintf(one, sizeof(one), "%s/%u", names[which], domid);
	hits_init(&h);
	collect(s, one, strlen(one), hash_bytes(HASH_INIT, one, strlen(one)), 0, &h);
	collect(s, names[which], strlen(names[which]),
		hash_bytes(HASH_INIT, names[which], strlen(names[which])), 0, &h);
	if (h.nr > 1) {
		qsort(h.w, h.nr, sizeof(struct watch *), by_seq);
	}
	for (unsigned int i = 0; i < h.nr; i++) {
		struct watch *w = h.w[i];

		if (client_access(w->client, perms) & ACCESS_READ) {
			s->hooks->event(w->client->ctx, w->depth == 1 ? one : w->path, w->token);
		}
	}
	hits_fini(&h);
}
