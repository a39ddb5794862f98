/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The journal's file. See journal.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <xenstore/daemon/block.h>
#include <xenstore/daemon/daemon.h>
#include <xenstore/store/util.h>

#define MAP_BYTES  (1ull << 30) /* of addresses; the file is as long as it has to be */
#define GROW_BYTES (128u << 10) /* each page of it is cleared at once */
#define STEP_BYTES (128u << 10) /* copied, or given back, in one step */
/*
 * What may have come since the snapshot. While there is a lot to do: so much that
 * writing the next one is a small part of the work. Else: little beside it.
 */
#define BUSY_BYTES (8u << 20)
#define BUSY_TIMES 8u
#define REST_BYTES (64u << 10)
#define REST_PART  8u
#define REST_RATE  (64u << 10) /* in a second: not much to do */
#define FRAME_HEAD JOURNAL_FRAME_HEAD
#define STEP_NODES 256

struct file {
	int fd;
	char *map;
	size_t size; /* of the file */
	size_t end; /* of the frames */
	size_t mapped;
};

struct journal {
	char path[512];
	struct file file;
	size_t first; /* how much of it is a snapshot */
	size_t timed; /* its length a second ago */
	bool timing;
	bool pinned, broken, complained;
	struct store_snap *snap; /* being written to next */
	struct rec packing; /* items of it that don't make a block yet */
	struct file next;
	size_t snap_end; /* how much of next is a snapshot */
	size_t since; /* what is behind this in file isn't in the snapshot, nor copied yet */
	size_t seen; /* how long file was at the last step */
	bool tree_done; /* the snapshot has all nodes: the rest of file follows */
	struct file old; /* the one before: given back bit by bit */
	struct journal_stats stats;
};

/* ---- files --------------------------------------------------------------- */

/* 1: no blocks. Read, and continued until there is a snapshot. */
#define VERSION '2'
#define OLDEST  '1'

/*
 * The header: a journal of another boot tells of domains that are no more. In
 * a container there may be no boot id; the file is in memory then as well.
 */
static void make_header(char *head, char version)
{
	static const char magic[15] = "pavise store ?\n";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(head, 0, JOURNAL_HEADER);
	memcpy(head, magic, sizeof(magic));
	head[sizeof(magic) - 2] = version;
	if (fd >= 0) {
		if (read(fd, head + 16, 36) != 36) {
			memset(head + 16, 0, 36);
		}
		close(fd);
	}
}

static void file_close(struct file *f)
{
	if (f->map) {
		munmap(f->map, f->mapped);
	}
	if (f->fd >= 0) {
		close(f->fd);
	}
	*f = (struct file){-1};
}

/* Gives some of a file back that has no name any more. False: that was all. */
static bool file_shrink(struct file *f)
{
	size_t size = f->size > STEP_BYTES ? (f->size - STEP_BYTES) & ~(size_t)4095 : 0;

	if (f->fd < 0) {
		return false;
	}
	munmap(f->map + size, f->mapped - size);
	f->mapped = size;
	if (!size) {
		f->map = NULL;
	}
	if (!size || ftruncate(f->fd, (off_t)size)) {
		file_close(f);
		return false;
	}
	f->size = size;
	return true;
}

static int file_open(struct file *f, const char *path, int flags)
{
	struct stat st;

	*f = (struct file){open(path, O_RDWR | O_CLOEXEC | flags, 0600)};
	if (f->fd < 0 || fstat(f->fd, &st)) {
		return -errno;
	}
	f->size = (size_t)st.st_size;
	f->map =
		mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, f->fd, 0);
	f->mapped = MAP_BYTES;
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return -errno;
	}
	return f->size > MAP_BYTES ? -EFBIG : 0;
}

/* Makes room, so that a store into the mapping cannot fail. */
static int file_room(struct file *f, size_t len)
{
	size_t want = f->end + len, size = f->size;
	int rc;

	if (want <= size) {
		return 0;
	}
	while (size < want) {
		size += GROW_BYTES;
	}
	if (size > MAP_BYTES) {
		return -EFBIG;
	}
	rc = posix_fallocate(f->fd, (off_t)f->size, (off_t)(size - f->size));
	if (rc) {
		return -rc;
	}
	f->size = size;
	return 0;
}

static int file_append(struct file *f, const void *items, size_t len)
{
	size_t whole = FRAME_HEAD + ((len + 7u) & ~7u);
	int rc = file_room(f, whole);

	if (rc) {
		return rc;
	}
	memcpy(f->map + f->end + FRAME_HEAD, items, len);
	journal_seal(f->map + f->end, len);
	f->end += whole;
	return 0;
}

/* An empty journal in a file that has no name yet that anybody looks for. */
static int file_create(struct file *f, const char *path)
{
	int rc = file_open(f, path, O_CREAT | O_TRUNC);

	rc = rc ? rc : file_room(f, JOURNAL_HEADER);
	if (!rc && !f->map) {
		rc = -EIO; /* it was cut, and still has something in it */
	}
	if (rc) {
		file_close(f);
		return rc;
	}
	make_header(f->map, VERSION);
	f->end = JOURNAL_HEADER;
	return 0;
}

static const char *next_path(const struct journal *j)
{
	static char path[sizeof(j->path) + 8];

	snprintf(path, sizeof(path), "%s.new", j->path);
	return path;
}

/* ---- opening ------------------------------------------------------------- */

static bool ours(const struct file *f)
{
	char head[JOURNAL_HEADER];
	bool same = false;

	for (char version = OLDEST; f->map && f->size >= sizeof(head) && version <= VERSION;
	     version++) {
		make_header(head, version);
		same = same || memcmp(f->map, head, sizeof(head)) == 0;
	}
	return same;
}

int journal_open(struct xsd *d, const char *path, bool fresh, bool follow)
{
	struct journal *j = store_zalloc(sizeof(*j));
	int rc = 0;

	j->file.fd = j->next.fd = j->old.fd = -1;
	snprintf(j->path, sizeof(j->path), "%s", path);
	if (fresh || file_open(&j->file, path, 0) || !ours(&j->file)) {
		if (!fresh && j->file.size) {
			log_line(d, "%s: not a journal of this boot that can be read", path);
		}
		file_close(&j->file);
		rc = follow ? -ENOENT : file_create(&j->file, next_path(j));
		if (!rc && rename(next_path(j), path)) {
			rc = -errno;
		}
	}
	if (rc) {
		file_close(&j->file);
		free(j);
		return rc;
	}
	j->file.end = j->first = JOURNAL_HEADER;
	d->journal = j;
	return 0;
}

void journal_close(struct xsd *d)
{
	struct journal *j = d->journal;

	if (!j) {
		return;
	}
	if (d->journal_src.fd >= 0) {
		close(d->journal_src.fd);
		d->journal_src.fd = -1;
	}
	store_snap_end(j->snap);
	rec_fini(&j->packing);
	file_close(&j->old);
	file_close(&j->next);
	file_close(&j->file);
	free(j);
	d->journal = NULL;
}

int journal_chown(struct xsd *d, unsigned int uid, unsigned int gid)
{
	return d->journal && fchown(d->journal->file.fd, uid, gid) ? -errno : 0;
}

static void apply(struct xsd *d, struct rec_in *items, struct rec *unpacked);

/* @unpacked: where a block goes; NULL: this is in one. */
static int apply_item(struct xsd *d, int type, struct rec_in *item, struct rec *unpacked)
{
	struct rec_in items;
	int rc;

	if (type == BLOCK_TYPE) {
		if (!unpacked || !block_unpack(item, unpacked, &items)) {
			return -EINVAL;
		}
		apply(d, &items, NULL);
		return 0;
	}
	rc = store_apply(d->store, type, item);
	return rc == 1 ? domain_apply(d, type, item) : rc;
}

static void apply(struct xsd *d, struct rec_in *items, struct rec *unpacked)
{
	struct rec_in item;
	int type, rc;

	while ((type = rec_next(items, &item)) > 0) {
		rc = apply_item(d, type, &item, unpacked);
		if (rc) {
			log_line(d, "journal: a record of type '%c' is not applied: %s", type,
				 strerror(rc < 0 ? -rc : ENOSYS));
		}
	}
}

void journal_catch_up(struct xsd *d)
{
	struct journal *j = d->journal;
	struct file *f = &j->file;
	struct rec unpacked = {NULL};
	struct rec_in items;
	struct stat st;

	if (fstat(f->fd, &st) == 0) {
		f->size = (size_t)st.st_size;
	}
	while (journal_frame(f->map, f->size, &f->end, &items)) {
		d->last.there = false;
		if (items.left >= RECORD_HEAD && items.p[4] == BLOCK_TYPE) {
			d->journal->first = f->end;
		}
		apply(d, &items, &unpacked);
	}
	rec_fini(&unpacked);
}

/* ---- writing ------------------------------------------------------------- */

static void broken(struct xsd *d, int rc)
{
	struct journal *j = d->journal;

	if (!j->broken) {
		log_line(d, "journal: %s: a crash would lose what is written from now on",
			 strerror(-rc));
		j->broken = true;
	}
}

/* What has been collected of the snapshot goes into its file: whole blocks, or @all. */
static int snapshot_pack(struct journal *j, bool all)
{
	struct rec_in items = {j->packing.data, j->packing.len};
	struct rec block = {NULL};
	int rc = 0;

	while (!rc && block_pack(&block, &items, all)) {
		rc = file_append(&j->next, block.data, block.len);
		block.len = 0;
	}
	rec_fini(&block);
	if (items.left) {
		memmove(j->packing.data, items.p, items.left);
	}
	j->packing.len = items.left;
	return rc;
}

static void snapshot_drop(struct journal *j)
{
	store_snap_end(j->snap);
	j->snap = NULL;
	rec_fini(&j->packing);
	file_close(&j->next);
	unlink(next_path(j));
}

/* The journal that there is goes on, or isn't whole and stays so. */
static void snapshot_failed(struct xsd *d, int rc)
{
	struct journal *j = d->journal;

	if (!j->complained) {
		log_line(d, "journal: %s: it can't be rewritten, and grows", strerror(-rc));
		j->complained = true;
	}
	snapshot_drop(j);
	j->first = j->file.end; /* not again at once */
}

static void snapshot_begin(struct xsd *d)
{
	struct journal *j = d->journal;
	int rc = file_create(&j->next, next_path(j));

	if (rc) {
		snapshot_failed(d, rc);
		return;
	}
	domain_record_all(d, &j->packing);
	j->snap = store_snap_begin(d->store, &j->packing);
	j->since = j->file.end;
	j->tree_done = false;
}

/* Copies some of what came since. 1: that was all; or an error. */
static int snapshot_copy(struct journal *j)
{
	size_t left = j->file.end - j->since;
	/* Faster than it grows. */
	size_t len = STEP_BYTES + 2 * (j->file.end - j->seen);
	int rc;

	j->seen = j->file.end;
	len = len < left ? len : left;
	rc = file_room(&j->next, len);
	if (rc) {
		return rc;
	}
	memcpy(j->next.map + j->next.end, j->file.map + j->since, len);
	j->next.end += len;
	j->since += len;
	return len == left;
}

/* The snapshot is whole, with all that came since: it takes the place of the old one. */
static int snapshot_done(struct xsd *d)
{
	struct journal *j = d->journal;

	if (rename(next_path(j), j->path)) {
		return -errno;
	}
	store_snap_end(j->snap);
	j->snap = NULL;
	rec_fini(&j->packing);
	file_close(&j->old);
	j->old = j->file;
	j->file = j->next;
	j->next = (struct file){-1};
	j->first = j->snap_end;
	j->broken = j->complained = false;
	j->stats.snapshots++;
	return 0;
}

static int snapshot_step(struct xsd *d)
{
	struct journal *j = d->journal;
	int rc;

	if (j->tree_done) {
		rc = snapshot_copy(j);
		return rc > 0 ? snapshot_done(d) : rc;
	}
	j->tree_done = !store_snap_step(j->snap, STEP_NODES, &j->packing);
	j->seen = j->file.end;
	rc = snapshot_pack(j, j->tree_done);
	j->snap_end = j->next.end;
	return rc;
}

bool journal_work(struct xsd *d)
{
	struct journal *j = d->journal;
	int rc;

	if (!j) {
		return false;
	}
	if (!j->snap) {
		return file_shrink(&j->old);
	}
	rc = snapshot_step(d);
	if (rc) {
		snapshot_failed(d, rc);
		return false;
	}
	return true;
}

/* ---- rest ---------------------------------------------------------------- */

/* More than that since the snapshot is too much. */
static size_t most_at_rest(const struct journal *j)
{
	size_t part = j->first / REST_PART;

	return j->first + (part > REST_BYTES ? part : REST_BYTES);
}

/* Nothing stands against a new snapshot. The last one's file takes its time to go. */
static bool can_begin(const struct journal *j)
{
	return !j->snap && !j->pinned && !j->broken && j->old.fd < 0;
}

static void rest_later(struct xsd *d)
{
	const struct itimerspec when = {.it_value.tv_sec = 1};
	struct journal *j = d->journal;

	if (!j->timing) {
		j->timing = timerfd_settime(d->journal_src.fd, 0, &when, NULL) == 0;
	}
}

/* No frame after one that is missing: a new journal, at once, or none. */
static void heal(struct xsd *d)
{
	struct journal *j = d->journal;

	if (j->snap) {
		snapshot_drop(j);
	}
	if (!j->pinned) {
		snapshot_begin(d);
	}
	while (j->snap && journal_work(d)) {
	}
}

/* A second has gone since there was too much, or no room: was there little to do in it? */
static void rest_ready(struct source *src, uint32_t events)
{
	struct xsd *d = (struct xsd *)((char *)src - offsetof(struct xsd, journal_src));
	struct journal *j = d->journal;
	uint64_t nr;
	bool quiet;

	j->timing = read(src->fd, &nr, sizeof(nr)) < 0;
	if (j->broken) {
		heal(d);
	}
	if (j->broken) {
		rest_later(d);
		return;
	}
	if (j->file.end <= most_at_rest(j)) {
		return;
	}
	quiet = j->file.end - j->timed < REST_RATE;
	j->timed = j->file.end;
	if (quiet && can_begin(j)) {
		snapshot_begin(d);
	} else {
		rest_later(d);
	}
}

static void rest_init(struct xsd *d)
{
	d->journal_src = (struct source){
		rest_ready, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
	if (d->journal_src.fd >= 0 && loop_add(d, &d->journal_src, EPOLLIN)) {
		close(d->journal_src.fd);
		d->journal_src.fd = -1;
	}
	rest_later(d);
}

void journal_start(struct xsd *d)
{
	struct file *f = &d->journal->file;

	/* What a dead daemon had begun to write must not be taken for a frame. */
	if (ftruncate(f->fd, (off_t)f->end)) {
		log_line(d, "journal: %s", strerror(errno));
	} else {
		f->size = f->end;
	}
	rest_init(d);
	store_record_on(d->store, true);
}

/* ---- changes ------------------------------------------------------------- */

void journal_commit_batch(struct xsd *d)
{
	struct journal *j = d->journal;
	struct rec *r = store_batch(d->store);
	int rc = j->broken ? 0 : file_append(&j->file, r->data, r->len);

	r->len = 0;
	j->stats.frames++;
	if (rc) {
		broken(d, rc);
		heal(d);
	}
	if (j->broken) {
		rest_later(d); /* there may be room again */
		return;
	}
	if (j->file.end > most_at_rest(j)) {
		rest_later(d);
		if (j->file.end > BUSY_TIMES * j->first + BUSY_BYTES && can_begin(j)) {
			snapshot_begin(d);
		}
	}
}

void journal_pin(struct xsd *d, bool pinned)
{
	struct journal *j = d->journal;

	if (pinned && j->snap) {
		snapshot_drop(j);
	}
	j->pinned = pinned;
}

void journal_stats(struct xsd *d, struct journal_stats *ret_st)
{
	*ret_st = d->journal ? d->journal->stats : (struct journal_stats){0};
	ret_st->bytes = d->journal ? d->journal->file.end : 0;
}
