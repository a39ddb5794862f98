/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Requests: from payload to operation and back. Domain and control requests
 * have files of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xenstore/store/internal.h>

/* Longest "/local/domain/65535/" and a relative path. */
#define PATH_BUF (XENSTORE_REL_PATH_MAX + 32)

int request_reply(struct request *rq, const void *data, size_t len)
{
	if (len > XENSTORE_PAYLOAD_MAX) {
		return -E2BIG;
	}
	if (len) {
		memcpy(rq->reply->data, data, len);
	}
	rq->reply->len = (uint32_t)len;
	return 0;
}

int request_ok(struct request *rq)
{
	return request_reply(rq, "OK", 3);
}

int request_strings(struct request *rq, const char **strs, int n)
{
	return wire_strings(rq->payload, rq->len, strs, n) == n ? 0 : -EINVAL;
}

int request_strings_open(struct request *rq, const char **strs, int max)
{
	const char *nul = memrchr(rq->payload, '\0', rq->len);

	return nul ? wire_strings(rq->payload, (size_t)(nul - rq->payload) + 1, strs, max) : 0;
}

/* The length of the payload's first string, with its NUL; 0 if it has none. */
static size_t first_string(const struct request *rq)
{
	const char *nul = memchr(rq->payload, '\0', rq->len);

	return nul ? (size_t)(nul - rq->payload) + 1 : 0;
}

/* What doesn't count towards the path quota: "/local/domain/N/". */
static size_t home_len(const char *path)
{
	static const char home[] = "/local/domain/";
	size_t len = sizeof(home) - 1;

	if (strncmp(path, home, len) != 0) {
		return 0;
	}
	len += strspn(path + len, "0123456789");
	return path[len] == '/' ? len + 1 : len;
}

/*
 * Checks @path and makes it absolute; a relative one is put together in @buf.
 * @ret_skip (may be NULL): how much was put in front.
 */
static const char *absolute(const struct request *rq, const char *path, size_t len,
			    char buf[PATH_BUF], unsigned int *ret_skip)
{
	const struct store_client *c = rq->client;
	uint64_t max = quota_of(c->store, c->account, QUOTA_path_max);
	int skip = 0;

	if (!wire_path_valid(path, len)) {
		return NULL;
	}
	if (path[0] != '/') {
		skip = sprintf(buf, "/local/domain/%u/", c->domid);
		memcpy(buf + skip, path, len + 1);
	}
	if (max && !store_client_privileged(c)) {
		size_t home = skip ? 0 : home_len(path);

		if (len - (home < len ? home : len) > max) {
			return NULL;
		}
	}
	if (ret_skip) {
		*ret_skip = (unsigned int)skip;
	}
	return skip ? buf : path;
}

/* For requests whose payload is a path and nothing else. */
static const char *only_path(const struct request *rq, char buf[PATH_BUF])
{
	size_t len = first_string(rq);

	return len && len == rq->len ? absolute(rq, rq->payload, len - 1, buf, NULL) : NULL;
}

static struct view view_of(struct request *rq, struct deltas *deltas)
{
	if (rq->tx) {
		return (struct view){rq->client, &rq->tx->root, &rq->tx->deltas};
	}
	*deltas = (struct deltas){NULL};
	return (struct view){rq->client, &rq->client->store->root, deltas};
}

/* Looks a node up for reading @what of it. */
static int look(struct request *rq, const char *path, unsigned int what, struct node **ret_node)
{
	struct deltas none;
	struct view v = view_of(rq, &none);
	int rc;

	if (!path) {
		return -EINVAL;
	}
	if (rq->tx) {
		rc = tx_note(rq->tx, path, what);
		if (rc) {
			return rc;
		}
	}
	return op_get(&v, path, ACCESS_READ, ret_node);
}

/* ---- reading ------------------------------------------------------------- */

static int do_read(struct request *rq)
{
	char buf[PATH_BUF];
	struct node *n;
	int rc = look(rq, only_path(rq, buf), TX_READ, &n);

	return rc ? rc : request_reply(rq, node_value(n), n->value_len);
}

struct listing {
	char *data;
	size_t used, max;
};

static int list_name(struct node *n, void *arg)
{
	struct listing *l = arg;
	size_t len = n->name_len + 1u;

	if (len > l->max - l->used) {
		return -E2BIG;
	}
	memcpy(l->data + l->used, n->data, len);
	l->used += len;
	return 0;
}

static int do_directory(struct request *rq)
{
	struct listing l = {rq->reply->data, .max = XENSTORE_PAYLOAD_MAX};
	char buf[PATH_BUF];
	struct node *n;
	int rc = look(rq, only_path(rq, buf), TX_LIST, &n);

	rc = rc ? rc : kids_walk(node_kids(n), list_name, &l);
	rq->reply->len = (uint32_t)l.used;
	return rc;
}

static int do_directory_part(struct request *rq)
{
	struct listing l = {rq->reply->data, .max = XENSTORE_PAYLOAD_MAX};
	char buf[PATH_BUF];
	const char *strs[2], *path;
	struct node *n;
	uint64_t offset;
	size_t pos = 0;
	int rc;

	if (request_strings(rq, strs, 2) || wire_number_parse(strs[1], UINT32_MAX, &offset)) {
		return -EINVAL;
	}
	path = absolute(rq, strs[0], strlen(strs[0]), buf, NULL);
	rc = look(rq, path, TX_LIST, &n);
	if (rc) {
		return rc;
	}
	l.used = (size_t)sprintf(l.data, "%llu", (unsigned long long)node_gen(n)) + 1;
	/* An empty name marks the end of the list: keep room for its NUL. */
	l.max--;
	if (kids_walk_from(node_kids(n), offset, &pos, list_name, &l) == 0) {
		l.data[l.used++] = '\0';
	}
	rq->reply->len = (uint32_t)l.used;
	return 0;
}

static int reply_perms(struct request *rq, const struct perms *p)
{
	size_t used = 0;

	for (unsigned int i = 0; i < p->nr; i++) {
		if (used + WIRE_PERM_STRLEN > XENSTORE_PAYLOAD_MAX) {
			return -E2BIG;
		}
		used += wire_perm_format(&p->list[i], rq->reply->data + used) + 1;
	}
	rq->reply->len = (uint32_t)used;
	return 0;
}

static int do_get_perms(struct request *rq)
{
	struct store *s = rq->client->store;
	size_t len = first_string(rq);
	char buf[PATH_BUF];
	struct node *n;
	int rc, which;

	which = len && len == rq->len ? special_of(rq->payload) : -1;
	if (which >= 0) {
		return client_access(rq->client, s->special[which]) & ACCESS_READ
			       ? reply_perms(rq, s->special[which])
			       : -EACCES;
	}
	rc = look(rq, only_path(rq, buf), TX_READ, &n);
	return rc ? rc : reply_perms(rq, n->perms);
}

/* ---- changing ------------------------------------------------------------ */

/* Begins a change of @path; ends in done() if the operation worked. */
static int begin(struct request *rq, const char *path, unsigned int what)
{
	if (!path) {
		return -EINVAL;
	}
	return rq->tx ? tx_note(rq->tx, path, TX_CHANGED | what) : 0;
}

static int do_write(struct request *rq)
{
	size_t len = first_string(rq);
	struct deltas deltas;
	struct view v = view_of(rq, &deltas);
	char buf[PATH_BUF];
	const char *path = len ? absolute(rq, rq->payload, len - 1, buf, NULL) : NULL;
	const char *value = rq->payload + len;
	int rc = begin(rq, path, 0);

	rc = rc ? rc : op_write(&v, path, value, rq->len - len);
	if (rc) {
		return rc;
	}
	if (rq->tx) {
		tx_record(rq->tx, TX_OP_WRITE, path, value, rq->len - len, NULL);
	} else {
		deltas_apply(rq->client->store, &deltas);
		deltas_clear(&deltas);
		note_write(rq->client, path, value, rq->len - len);
		watch_fire(rq->client->store, path, NULL);
	}
	return request_ok(rq);
}

static int do_mkdir(struct request *rq)
{
	struct deltas deltas;
	struct view v = view_of(rq, &deltas);
	char buf[PATH_BUF];
	const char *path = only_path(rq, buf);
	int rc = begin(rq, path, 0);

	rc = rc ? rc : op_mkdir(&v, path);
	if (rc < 0) {
		return rc;
	}
	if (rc == 0 && rq->tx) {
		tx_record(rq->tx, TX_OP_MKDIR, path, NULL, 0, NULL);
	} else if (rc == 0) {
		deltas_apply(rq->client->store, &deltas);
		deltas_clear(&deltas);
		note_write(rq->client, path, NULL, 0);
		watch_fire(rq->client->store, path, NULL);
	}
	return request_ok(rq);
}

static int do_rm(struct request *rq)
{
	struct store *s = rq->client->store;
	struct deltas deltas;
	struct view v = view_of(rq, &deltas);
	struct node *removed = NULL;
	char buf[PATH_BUF];
	const char *path = only_path(rq, buf);
	int rc = begin(rq, path, TX_SUBTREE);

	rc = rc ? rc : op_rm(&v, path, &removed);
	if (rc) {
		return rc;
	}
	if (removed && rq->tx) {
		tx_record(rq->tx, TX_OP_RM, path, NULL, 0, removed);
	} else if (removed) {
		note_rm(s, path);
		job_gone(s, path, removed, false, false);
	}
	return request_ok(rq);
}

static int set_special_perms(struct request *rq, int which, const struct wire_perm *list,
			     unsigned int nr)
{
	struct store *s = rq->client->store;
	struct perms *old = s->special[which];

	if (!(client_access(rq->client, old) & ACCESS_OWNER)) {
		return -EACCES;
	}
	if (list[0].domid != perms_owner(old) && !store_client_privileged(rq->client)) {
		return -EPERM;
	}
	s->special[which] = perms_make(&s->perms, list, nr);
	perms_put(&s->perms, old);
	note_special(s, which);
	return request_ok(rq);
}

/* The shortest entry is "n0" with its NUL. */
#define MAX_PERMS (XENSTORE_PAYLOAD_MAX / 3)

static int do_set_perms(struct request *rq)
{
	const char *strs[MAX_PERMS + 1];
	struct wire_perm list[MAX_PERMS];
	struct deltas deltas;
	struct view v = view_of(rq, &deltas);
	char buf[PATH_BUF];
	struct perms *before;
	struct node *n;
	const char *path;
	int nr, rc, which;

	nr = request_strings_open(rq, strs, MAX_PERMS + 1) - 1;
	if (nr < 1 || nr > MAX_PERMS) {
		return -EINVAL;
	}
	for (int i = 0; i < nr; i++) {
		if (wire_perm_parse(strs[i + 1], &list[i])) {
			return -EINVAL;
		}
	}
	which = special_of(strs[0]);
	if (which >= 0) {
		return set_special_perms(rq, which, list, (unsigned int)nr);
	}
	path = absolute(rq, strs[0], strlen(strs[0]), buf, NULL);
	rc = begin(rq, path, 0);
	n = rc || rq->tx ? NULL : tree_lookup(rq->client->store->root, path);
	before = n ? perms_get(n->perms) : NULL;
	rc = rc ? rc : op_set_perms(&v, path, list, (unsigned int)nr);
	if (rc) {
		perms_put(&rq->client->store->perms, before);
		return rc;
	}
	if (rq->tx) {
		tx_record(rq->tx, TX_OP_SET_PERMS, path, list, (size_t)nr, NULL);
	} else {
		deltas_apply(rq->client->store, &deltas);
		deltas_clear(&deltas);
		note_perms(rq->client->store, path, list, (unsigned int)nr);
		watch_fire(rq->client->store, path, before);
		perms_put(&rq->client->store->perms, before);
	}
	return request_ok(rq);
}

/* ---- watches and transactions -------------------------------------------- */

static const char *watched(struct request *rq, const char *path, char buf[PATH_BUF],
			   unsigned int *ret_skip)
{
	size_t len = strlen(path);

	*ret_skip = 0;
	return wire_special_valid(path, len) ? path : absolute(rq, path, len, buf, ret_skip);
}

static int do_watch(struct request *rq)
{
	int nr, rc, depth = -1;
	const char *strs[3], *path;
	char buf[PATH_BUF];
	unsigned int skip;
	uint64_t number;

	nr = request_strings_open(rq, strs, 3);
	if (nr != 2 && nr != 3) {
		return -EINVAL;
	}
	path = watched(rq, strs[0], buf, &skip);
	if (!path) {
		return -EINVAL;
	}
	if (nr == 3) {
		if (wire_number_parse(strs[2], XENSTORE_ABS_PATH_MAX, &number) ||
		    (path[0] == '@' && number != 1)) {
			return -EINVAL;
		}
		depth = (int)number;
	}
	rc = watch_add(rq->client, path, skip, strs[1], depth);
	if (rc) {
		return rc;
	}
	request_ok(rq);
	/* The daemon sends what it is told here after the reply. */
	rq->client->store->hooks->event(rq->client->ctx, strs[0], strs[1]);
	return 0;
}

static int do_unwatch(struct request *rq)
{
	const char *strs[2], *path;
	char buf[PATH_BUF];
	unsigned int skip;
	int rc;

	if (request_strings_open(rq, strs, 2) != 2) {
		return -EINVAL;
	}
	path = watched(rq, strs[0], buf, &skip);
	rc = path ? watch_del(rq->client, path, strs[1]) : -EINVAL;
	return rc ? rc : request_ok(rq);
}

static int do_reset_watches(struct request *rq)
{
	store_client_reset(rq->client);
	return request_ok(rq);
}

static int do_tx_start(struct request *rq)
{
	uint32_t id;
	char text[16];
	int rc = tx_start(rq->client, &id);

	if (rc) {
		return rc;
	}
	snprintf(text, sizeof(text), "%u", id);
	return request_reply(rq, text, strlen(text) + 1);
}

static int do_tx_end(struct request *rq)
{
	const char *what;
	int rc = 0;

	if (request_strings(rq, &what, 1) || (strcmp(what, "T") != 0 && strcmp(what, "F") != 0)) {
		return -EINVAL;
	}
	if (!rq->tx) {
		return -ENOENT;
	}
	if (*what == 'T') {
		rc = tx_commit(rq->tx);
	} else {
		tx_abort(rq->tx);
	}
	rq->tx = NULL;
	return rc ? rc : request_ok(rq);
}

/* ---- dispatch ------------------------------------------------------------ */

static const struct {
	int (*fn)(struct request *rq);
	bool privileged;
	bool tx; /* runs inside a transaction if tx_id says so */
} handlers[WIRE_TYPE_COUNT] = {
	[XS_CONTROL] = {request_control, .privileged = true},
	[XS_DIRECTORY] = {do_directory, .tx = true},
	[XS_READ] = {do_read, .tx = true},
	[XS_GET_PERMS] = {do_get_perms, .tx = true},
	[XS_WATCH] = {do_watch},
	[XS_UNWATCH] = {do_unwatch},
	[XS_TRANSACTION_START] = {do_tx_start},
	[XS_TRANSACTION_END] = {do_tx_end, .tx = true},
	[XS_INTRODUCE] = {request_domain, .privileged = true},
	[XS_RELEASE] = {request_domain, .privileged = true},
	[XS_GET_DOMAIN_PATH] = {request_domain},
	[XS_WRITE] = {do_write, .tx = true},
	[XS_MKDIR] = {do_mkdir, .tx = true},
	[XS_RM] = {do_rm, .tx = true},
	[XS_SET_PERMS] = {do_set_perms, .tx = true},
	[XS_IS_DOMAIN_INTRODUCED] = {request_domain, .privileged = true},
	[XS_RESUME] = {request_domain, .privileged = true},
	[XS_SET_TARGET] = {request_domain, .privileged = true},
	[XS_RESET_WATCHES] = {do_reset_watches},
	[XS_DIRECTORY_PART] = {do_directory_part, .tx = true},
	[WIRE_GET_FEATURE] = {request_feature, .privileged = true},
	[WIRE_SET_FEATURE] = {request_feature, .privileged = true},
	[WIRE_GET_QUOTA] = {request_quota, .privileged = true},
	[WIRE_SET_QUOTA] = {request_quota, .privileged = true},
};

static int run(struct request *rq, uint32_t tx_id)
{
	if (rq->type >= WIRE_TYPE_COUNT || !handlers[rq->type].fn) {
		return -ENOSYS;
	}
	if (handlers[rq->type].privileged && !store_client_privileged(rq->client)) {
		return -EACCES;
	}
	if (tx_id && rq->type == XS_TRANSACTION_START) {
		return -EBUSY;
	}
	if (tx_id && handlers[rq->type].tx) {
		rq->tx = tx_by_id(rq->client, tx_id);
		if (!rq->tx) {
			return -ENOENT;
		}
	}
	return handlers[rq->type].fn(rq);
}

void store_request(struct store_client *c, uint32_t type, uint32_t tx_id, const char *payload,
		   size_t len, struct store_reply *reply)
{
	struct request rq = {
		.client = c,
		.type = type,
		.payload = payload,
		.len = len,
		.reply = reply,
	};
	const char *name;
	int rc;

	reply->type = type;
	reply->len = 0;
	c->account->requests++;
	c->store->asking = c;
	c->store->work = 1;
	if (type < WIRE_TYPE_COUNT) {
		c->store->requests[type]++;
	}
	rc = run(&rq, tx_id);
	c->store->asking = NULL;
	if (rc == -EINPROGRESS) {
		reply->type = STORE_REPLY_LATER;
	} else if (rc) {
		c->account->errors++;
		name = wire_error_name(rc);
		reply->type = XS_ERROR;
		request_reply(&rq, name, strlen(name) + 1);
	}
}
