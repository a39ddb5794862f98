/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a change leaves to be done when it can be much: telling watches of a
 * subtree that is gone, counting it off its owners' accounts, clearing up after
 * a domain, checking everything. The change itself is made at once; the rest is
 * a job, done in slices between requests, so that nobody waits for it.
 *
 * Jobs run in the order in which they were made, one at a time. While there is
 * one, events of later changes are jobs too: so nobody sees events in another
 * order than that of the changes. A job that is the only one gets its first
 * slice at once, which is all of it unless it is big.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/internal.h>

struct job {
	struct job *next;
	struct store_client *client; /* whose request it came from; or NULL */
	bool big;
	size_t bytes; /* charged to that client */
	/* Does some of it, each node taking one off *@left. True: done. */
	bool (*step)(struct store *s, struct job *j, unsigned int *left);
	void (*fini)(struct store *s, struct job *j); /* may be NULL; frees what it has */
};

/* ---- the queue ----------------------------------------------------------- */

static void append(struct store *s, struct job *j, size_t bytes, bool big)
{
	j->client = s->asking;
	j->bytes = bytes;
	j->big = big;
	j->next = NULL;
	*s->jobs_end = j;
	s->jobs_end = &j->next;
	if (j->client) {
		j->client->nr_jobs++;
		j->client->big_jobs += big;
		store_client_charge(j->client, (long)bytes);
	}
}

/* One that another job needs to be done before it goes on. */
static void prepend(struct store *s, struct job *j)
{
	if (!s->jobs) {
		s->jobs_end = &j->next;
	}
	j->next = s->jobs;
	s->jobs = j;
}

static void detach(struct job *j)
{
	struct store_client *c = j->client;

	if (c) {
		c->nr_jobs--;
		c->big_jobs -= j->big;
		store_client_charge(c, -(long)j->bytes);
		j->client = NULL;
	}
}

static void finish(struct store *s, struct job *j)
{
	s->jobs = j->next;
	if (!s->jobs) {
		s->jobs_end = &s->jobs;
	}
	detach(j);
	if (j->fini) {
		j->fini(s, j);
	}
	free(j);
}

static void run(struct store *s, unsigned int *left)
{
	struct store_client *asking = s->asking;

	s->asking = NULL;
	s->running = true;
	while (s->jobs && *left) {
		struct job *j = s->jobs;

		if (j->step(s, j, left)) {
			finish(s, j);
		}
	}
	s->running = false;
	s->asking = asking;
}

/* The first slice, unless others have to be done before. */
static void begin(struct store *s)
{
	unsigned int work = s->work, left = STORE_SLICE - (work < STORE_SLICE ? work : STORE_SLICE);

	run(s, &left);
	s->work = STORE_SLICE - left;
}

bool store_work(struct store *s, unsigned int max)
{
	run(s, &max);
	tree_reap(&s->perms, max);
	return s->jobs || s->perms.dead;
}

void store_settle(struct store *s)
{
	while (store_work(s, STORE_SLICE)) {
	}
}

bool store_client_busy(const struct store_client *c)
{
	return c->big_jobs || c->nr_jobs >= STORE_SLICE;
}

void jobs_forget_client(struct store *s, struct store_client *c)
{
	for (struct job *j = s->jobs; c->nr_jobs && j; j = j->next) {
		if (j->client == c) {
			detach(j);
		}
	}
}

/* ---- walking ------------------------------------------------------------- */

struct walk_frame {
	const struct kids *k;
	unsigned int pos;
	size_t len; /* of the path of the node whose children these are */
	struct node *owner; /* that node; NULL in a block that isn't the first */
};

/* Depth first. At each step there is a node, on the way down or up, and its path. */
struct walk {
	struct walk_frame *frame;
	unsigned int nr, cap;
	struct node *entered; /* whose children come next */
	char *path;
	size_t len, room;
};

enum walk_what { WALK_END, WALK_ENTER, WALK_LEAVE };

static void walk_path(struct walk *w, size_t base, const char *name, size_t len)
{
	if (base + 1 + len >= w->room) {
		w->room = base + len + 256;
		w->path = store_realloc(w->path, w->room);
	}
	/* Below the root there is one slash, not two. */
	base -= base == 1;
	w->path[base] = '/';
	memcpy(w->path + base + 1, name, len);
	w->len = base + 1 + len;
	w->path[w->len] = '\0';
}

/* From @n, whose path is @path; the first step will be into it. */
static void walk_init(struct walk *w, const char *path)
{
	*w = (struct walk){.len = strlen(path)};
	w->room = w->len + 256;
	w->path = store_alloc(w->room);
	memcpy(w->path, path, w->len + 1);
}

static void walk_fini(struct walk *w)
{
	free(w->frame);
	free(w->path);
}

static void walk_push(struct walk *w, const struct kids *k, struct node *owner, size_t len)
{
	if (w->nr == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 8;
		w->frame = store_realloc(w->frame, w->cap * sizeof(*w->frame));
	}
	w->frame[w->nr++] = (struct walk_frame){k, 0, len, owner};
}

static enum walk_what walk_step(struct walk *w, struct node **ret_node)
{
	struct node *n = w->entered;

	if (n) {
		w->entered = NULL;
		if (!node_kids(n)) {
			*ret_node = n;
			return WALK_LEAVE;
		}
		walk_push(w, node_kids(n), n, w->len);
	}
	while (w->nr) {
		struct walk_frame *f = &w->frame[w->nr - 1];

		if (f->pos == f->k->nr) {
			w->nr--;
			if (f->owner) {
				w->len = f->len;
				w->path[w->len] = '\0';
				*ret_node = f->owner;
				return WALK_LEAVE;
			}
		} else if (f->k->level) {
			walk_push(w, f->k->slot[f->pos++], NULL, f->len);
		} else {
			n = f->k->slot[f->pos++];
			walk_path(w, f->len, n->data, n->name_len);
			w->entered = *ret_node = n;
			return WALK_ENTER;
		}
	}
	return WALK_END;
}

/* Of the node just left; NULL: it is where the walk began. */
static const struct node *walk_parent(const struct walk *w)
{
	unsigned int i = w->nr;

	while (i && !w->frame[i - 1].owner) {
		i--;
	}
	return i ? w->frame[i - 1].owner : NULL;
}

/* The children of the node just entered don't matter. */
static void walk_skip(struct walk *w)
{
	w->entered = NULL;
}

/* ---- an event ------------------------------------------------------------ */

struct fire {
	struct job j;
	struct perms *before; /* or NULL */
	uint64_t seq; /* watches from this one on are younger than the change */
	int special; /* SPECIAL_* of @domid; or -1: of @path */
	uint16_t domid;
	char path[];
};

static bool fire_step(struct store *s, struct job *j, unsigned int *left)
{
	struct fire *f = (struct fire *)j;
	unsigned int before = s->work;

	s->watch_limit = f->seq;
	if (f->special >= 0) {
		watch_fire_special(s, f->special, f->domid);
	} else {
		watch_fire(s, f->path, f->before);
	}
	s->watch_limit = UINT64_MAX;
	before = s->work - before + 1;
	*left -= before < *left ? before : *left;
	return true;
}

static void fire_fini(struct store *s, struct job *j)
{
	perms_put(&s->perms, ((struct fire *)j)->before);
}

void job_fire(struct store *s, const char *path, const struct perms *before, int special,
	      uint16_t domid)
{
	size_t len = strlen(path) + 1;
	struct fire *f = store_zalloc(sizeof(*f) + len);

	f->j.step = fire_step;
	f->j.fini = fire_fini;
	f->before = before ? perms_get((struct perms *)before) : NULL;
	f->seq = s->watch_seq;
	f->special = special;
	f->domid = domid;
	memcpy(f->path, path, len);
	append(s, &f->j, sizeof(*f) + len, false);
}

/* ---- a subtree that is gone ---------------------------------------------- */

struct gone {
	struct job j;
	struct node *removed;
	struct walk walk;
	uint64_t seq;
	bool begun, counted, told;
};

static bool gone_step(struct store *s, struct job *j, unsigned int *left)
{
	struct gone *g = (struct gone *)j;
	unsigned int before = s->work;
	bool done = false;
	struct node *n;

	if (!g->begun) {
		g->begun = true;
		g->walk.entered = g->removed;
	}
	s->watch_limit = g->seq;
	while (!done && s->work - before < *left) {
		enum walk_what what = walk_step(&g->walk, &n);

		if (what != WALK_LEAVE) {
			continue;
		}
		if (!g->counted) {
			account_move(s, n, -1);
		}
		s->work++;
		done = n == g->removed;
		if (!done || !g->told) {
			watch_fire_gone(s, g->walk.path, n, walk_parent(&g->walk));
		}
	}
	s->watch_limit = UINT64_MAX;
	before = s->work - before;
	*left -= before < *left ? before : *left;
	return done;
}

static void gone_fini(struct store *s, struct job *j)
{
	struct gone *g = (struct gone *)j;

	walk_fini(&g->walk);
	node_put(&s->perms, g->removed);
}

static struct gone *gone_make(struct store *s, const char *path, struct node *removed, bool counted,
			      bool told)
{
	struct gone *g = store_zalloc(sizeof(*g));

	g->j.step = gone_step;
	g->j.fini = gone_fini;
	g->removed = removed;
	g->seq = s->watch_seq;
	g->counted = counted;
	g->told = told;
	walk_init(&g->walk, path);
	return g;
}

void job_gone(struct store *s, const char *path, struct node *removed, bool counted, bool told)
{
	struct gone *g;

	/* One node: no need to make much of it. */
	if (!node_kids(removed) && !s->jobs) {
		if (!counted) {
			account_move(s, removed, -1);
		}
		s->work++;
		if (!told) {
			watch_fire_gone(s, path, removed, NULL);
		}
		node_put(&s->perms, removed);
		return;
	}
	g = gone_make(s, path, removed, counted, told);
	append(s, &g->j, sizeof(*g), node_kids(removed) != NULL);
	if (!g->j.next && s->jobs == &g->j) {
		begin(s);
	}
}

/* ---- a domain that is gone ----------------------------------------------- */

struct forget {
	struct job j;
	struct node *root; /* the tree when the domain went */
	struct walk walk;
	uint16_t domid;
	bool keep, again; /* again: there is a new one with this number */
};

/*
 * Takes the node at @path out if it is the domain's; what that leaves comes first.
 * @then: it, when the domain went. If the next one with that number has begun,
 * what was changed since may be of that one. Returns false if it stays for that.
 */
static bool forget_node(struct store *s, struct forget *f, const char *path,
			const struct node *then)
{
	struct store_client god = store_nobody(s);
	struct view v = {&god, &s->root, NULL};
	struct node *n = tree_lookup(s->root, path), *removed;

	if (!n || n == s->root || perms_owner(n->perms) != f->domid) {
		return true;
	}
	if (f->again && n != then) {
		return false;
	}
	if (op_rm(&v, path, &removed) == 0 && removed) {
		note_rm(s, path);
		prepend(s, &gone_make(s, path, removed, false, false)->j);
	}
	return true;
}

/*
 * All that a domain has left is mostly in one place, and that was the first to
 * go. If there is more, everything has to be looked through.
 */
static bool forget_step(struct store *s, struct job *j, unsigned int *left)
{
	struct forget *f = (struct forget *)j;
	struct account *a = account_of(s, f->domid);
	enum walk_what what;
	struct node *n;

	while (*left && a->nodes && !f->keep) {
		what = walk_step(&f->walk, &n);
		if (what == WALK_END || n == f->root) {
			break;
		}
		--*left;
		if (what == WALK_ENTER && perms_owner(n->perms) == f->domid) {
			if (forget_node(s, f, f->walk.path, n)) {
				walk_skip(&f->walk);
			}
			if (s->jobs != j) {
				return false;
			}
		}
	}
	if (!*left && a->nodes && !f->keep) {
		return false;
	}
	perms_forget(&s->perms, f->domid);
	a->quota_set = 0;
	account_free(s, a);
	return true;
}

static void forget_fini(struct store *s, struct job *j)
{
	struct forget *f = (struct forget *)j;

	walk_fini(&f->walk);
	node_put(&s->perms, f->root);
}

void job_forget(struct store *s, uint16_t domid, bool keep)
{
	struct forget *f = store_zalloc(sizeof(*f));
	bool first = !s->jobs;
	char home[40];

	f->j.step = forget_step;
	f->j.fini = forget_fini;
	f->domid = domid;
	f->keep = keep;
	walk_init(&f->walk, "/");
	if (first && !keep) {
		snprintf(home, sizeof(home), "/local/domain/%u", domid);
		forget_node(s, f, home, NULL);
	}
	f->root = f->walk.entered = node_get(s->root);
	append(s, &f->j, 0, true);
	if (first) {
		begin(s);
	}
}

void jobs_domain_again(struct store *s, uint16_t domid)
{
	for (struct job *j = s->jobs; j; j = j->next) {
		if (j->step == forget_step && ((struct forget *)j)->domid == domid) {
			((struct forget *)j)->again = true;
		}
	}
}

/* ---- checking everything ------------------------------------------------- */

struct check {
	struct job j;
	struct node *root;
	struct walk walk;
	struct checking k;
};

static bool check_step(struct store *s, struct job *j, unsigned int *left)
{
	struct check *c = (struct check *)j;
	enum walk_what what = WALK_ENTER;
	const char *wrong;
	struct node *n;

	if (!c->root) {
		c->root = node_get(s->root);
		check_begin(s, &c->k);
		check_node(&c->k, c->root);
		c->walk.entered = c->root;
	}
	while (*left && !c->k.wrong && what != WALK_END) {
		what = walk_step(&c->walk, &n);
		if (what == WALK_ENTER) {
			check_node(&c->k, n);
			--*left;
		}
	}
	if (!c->k.wrong && what != WALK_END) {
		return false;
	}
	wrong = check_end(s, &c->k);
	if (wrong) {
		store_logf(s, "check: %s", wrong);
	}
	if (j->client) {
		s->hooks->answer(j->client->ctx, wrong ? wrong : "OK");
	}
	return true;
}

static void check_fini(struct store *s, struct job *j)
{
	struct check *c = (struct check *)j;

	walk_fini(&c->walk);
	check_drop(&c->k);
	node_put(&s->perms, c->root);
}

void job_check(struct store *s)
{
	struct check *c = store_zalloc(sizeof(*c));

	c->j.step = check_step;
	c->j.fini = check_fini;
	walk_init(&c->walk, "/");
	/* Not begun at once: it answers a request that isn't held yet. */
	append(s, &c->j, 0, true);
}
