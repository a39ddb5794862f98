/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xsclient: the client side of the store's protocol.
 *
 * One handle is one connection: to the daemon's Unix socket, or where there is
 * none, to the kernel's /dev/xen/xenbus (inside a guest). Requests are
 * synchronous; watch events that arrive meanwhile are kept in the handle and
 * handed out by xsc_event().
 *
 * Conventions for every function unless its comment says otherwise:
 *  - 0 on success, a negative errno on failure; an error that the daemon
 *    reports by name comes back as that number (-ENOENT, -EACCES, -EAGAIN ...);
 *  - -ENAMETOOLONG: a path or a whole request exceeds the protocol's limit and
 *    was not sent; -EPIPE: the connection is gone, every later call says so too;
 *  - memory that a function hands out is the caller's, to free();
 *  - on failure the outputs are untouched;
 *  - handles are not locked: one thread at a time per handle; different
 *    handles may be used from different threads. A handle is of no use in the
 *    child after fork() except to xsc_close();
 *  - @tx is a transaction of the same handle or XSC_NO_TX.
 *
 * Sources: docs "xenstore.txt" and "xenstore-paths" of Xen, public/io/xs_wire.h.
 */
#ifndef PAVISE_XSCLIENT_H
#define PAVISE_XSCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XSC_NO_TX    0u
#define XSC_PATH_MAX 3072 /* longest absolute path, without the NUL */
#define XSC_SOCKET   "/run/xenstored/socket"

struct xsc;

/* ---- connection ---------------------------------------------------------- */

#define XSC_SOCKET_ONLY 1u /* never fall back to /dev/xen/xenbus */

/*
 * Connects. The socket is $XENSTORED_PATH, else $XENSTORED_RUNDIR/socket, else
 * XSC_SOCKET. -ENOENT or -ECONNREFUSED: no daemon and no kernel device.
 */
int xsc_open(unsigned int flags, struct xsc **ret_c);

/* The same at a given socket and nowhere else. */
int xsc_open_path(const char *path, struct xsc **ret_c);

/* Ends the connection and with it its watches and transactions. Takes NULL. */
void xsc_close(struct xsc *c);

/*
 * Readable while a watch event may be waiting: poll() it, then call
 * xsc_event() with timeout 0 until it says -EAGAIN. Do not read from it.
 */
int xsc_fd(const struct xsc *c);

/* ---- values -------------------------------------------------------------- */

/*
 * The value of @path. A NUL is appended that @ret_len (may be NULL) doesn't
 * count; a value may hold NULs itself.
 */
int xsc_read(struct xsc *c, uint32_t tx, const char *path, char **ret_value, size_t *ret_len);

/*
 * The same for a value that is a number in C notation ("12", "0x1f", "-3").
 * -EINVAL: it is something else; -ERANGE: it doesn't fit.
 */
int xsc_read_int(struct xsc *c, uint32_t tx, const char *path, long long *ret_value);

/* Creates @path and its parents where missing. */
int xsc_write(struct xsc *c, uint32_t tx, const char *path, const void *value, size_t len);

/* The same with a string, and with a formatted string. */
int xsc_write_str(struct xsc *c, uint32_t tx, const char *path, const char *value);
int xsc_printf(struct xsc *c, uint32_t tx, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Leaves an existing node as it is. */
int xsc_mkdir(struct xsc *c, uint32_t tx, const char *path);

/*
 * Removes @path with everything below. No error if there was none, but -ENOENT
 * if there isn't even its parent.
 */
int xsc_rm(struct xsc *c, uint32_t tx, const char *path);

/*
 * Removes @path, then each parent that has become empty of value and children,
 * up to the first that hasn't. Best called inside a transaction.
 */
int xsc_rm_tidy(struct xsc *c, uint32_t tx, const char *path);

/* 1: it exists and may be read, 0: it doesn't exist, or a negative errno. */
int xsc_exists(struct xsc *c, uint32_t tx, const char *path);

/*
 * The names of the children of @path, in the daemon's order, NULL-terminated;
 * @ret_nr may be NULL. The array and its strings are one allocation. A
 * directory of any size is read, in several requests if need be.
 */
int xsc_directory(struct xsc *c, uint32_t tx, const char *path, char ***ret_names, size_t *ret_nr);

/* ---- paths --------------------------------------------------------------- */

struct xsc_path {
	char s[XSC_PATH_MAX + 1];
};

/*
 * Formats a path into @p and returns p->s, so that it can stand where a path
 * is wanted. Too long a path becomes "", which every request refuses with
 * -EINVAL.
 *
 *	struct xsc_path p;
 *	xsc_read(c, tx, xsc_pathf(&p, "/local/domain/%u/name", id), &name, NULL);
 */
const char *xsc_pathf(struct xsc_path *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether @path is @parent or lies below it. */
bool xsc_path_below(const char *parent, const char *path);

/* ---- permissions --------------------------------------------------------- */

#define XSC_PERM_NONE  0u
#define XSC_PERM_READ  1u
#define XSC_PERM_WRITE 2u
#define XSC_PERM_BOTH  (XSC_PERM_READ | XSC_PERM_WRITE)

/*
 * One entry of a node's list. The first names the owner, and what everybody
 * who isn't listed may do; the owner itself may do everything.
 */
struct xsc_perm {
	uint16_t domid;
	uint8_t access; /* XSC_PERM_* */
};

int xsc_get_perms(struct xsc *c, uint32_t tx, const char *path, struct xsc_perm **ret_perms,
		  size_t *ret_nr);
int xsc_set_perms(struct xsc *c, uint32_t tx, const char *path, const struct xsc_perm *perms,
		  size_t nr);

/* "n0", "r5" ...: the text form. Parsing gives -EINVAL for anything else. */
#define XSC_PERM_STRLEN 8
void xsc_perm_format(const struct xsc_perm *perm, char buf[XSC_PERM_STRLEN]);
int xsc_perm_parse(const char *text, struct xsc_perm *ret_perm);

/* ---- transactions -------------------------------------------------------- */

int xsc_tx_start(struct xsc *c, uint32_t *ret_tx);

/*
 * @commit false: forgets it. -EAGAIN: somebody else changed what the
 * transaction has used; nothing of it was done; start over. Whatever the
 * result, @tx is gone.
 */
int xsc_tx_end(struct xsc *c, uint32_t tx, bool commit);

/*
 * Runs @fn in a transaction and commits if it returns >= 0, otherwise forgets
 * the transaction. Repeats the whole on a conflict, so @fn must cope with
 * being called again. Returns what @fn returned, or the error of start or end;
 * -EAGAIN only after XSC_TX_TRIES conflicts in a row.
 */
#define XSC_TX_TRIES 1000
int xsc_tx_run(struct xsc *c, int (*fn)(struct xsc *c, uint32_t tx, void *arg), void *arg);

/*
 * The loop form, for code that would rather not have a callback:
 *
 *	uint32_t tx;
 *	int rc;
 *	do {
 *		rc = xsc_tx_start(c, &tx);
 *		if (rc)
 *			break;
 *		rc = work(c, tx);
 *	} while (xsc_tx_retry(c, tx, &rc));
 *
 * Ends @tx (committing if *rc >= 0), puts the error into *rc, and returns true
 * when the work has to be done again.
 */
bool xsc_tx_retry(struct xsc *c, uint32_t tx, int *rc);

/* ---- watches ------------------------------------------------------------- */

/*
 * An event is delivered at once, and then for each change of @path or of
 * something below it. -EEXIST: this handle has the same path and token already.
 * "@introduceDomain" and "@releaseDomain" tell of domains' coming and going.
 */
int xsc_watch(struct xsc *c, const char *path, const char *token);

/* Events of that watch that are waiting in the handle are thrown away. */
int xsc_unwatch(struct xsc *c, const char *path, const char *token);

struct xsc_event {
	char *path; /* what changed; relative if the watch's path was */
	char *token;
};

/*
 * The next event. @timeout_ms: 0 doesn't wait (-EAGAIN), negative waits for
 * ever, else -ETIMEDOUT; -EINTR: a signal came first. Path and token are one
 * allocation: free it by xsc_event_free().
 */
int xsc_event(struct xsc *c, int timeout_ms, struct xsc_event *ret_ev);
void xsc_event_free(struct xsc_event *ev);

/* Drops all watches, waiting events and transactions of this connection. */
int xsc_reset(struct xsc *c);

/*
 * Waits until @done says true, calling it at once and after each change at or
 * below @path. @done returns > 0 for true, 0 for not yet, < 0 to give up with
 * that error. -ETIMEDOUT after @timeout_ms (negative: never). Needs no other
 * watch on the handle; events of others are kept. If the daemon dies and is
 * started again meanwhile, and the handle has no other watch, the wait goes on
 * over a new connection (transactions are gone); otherwise it is -EPIPE.
 */
int xsc_wait(struct xsc *c, const char *path, int timeout_ms, int (*done)(struct xsc *c, void *arg),
	     void *arg);

/* ---- domains (privileged connections only) ------------------------------- */

/*
 * Tells the daemon to serve @domid: ring page @gfn, unbound port @port. For a
 * domain it serves already it is a fresh start of the ring. -EINVAL: no such
 * domain, or page or port aren't what they should be.
 */
int xsc_introduce(struct xsc *c, unsigned int domid, uint64_t gfn, unsigned int port);
int xsc_release(struct xsc *c, unsigned int domid);

/* After a resume in place: the domain's next shutdown is announced again. */
int xsc_resume(struct xsc *c, unsigned int domid);

/* @domid (a device model) gets all that @target may do. */
int xsc_set_target(struct xsc *c, unsigned int domid, unsigned int target);

/* 1 or 0, or a negative errno. */
int xsc_is_introduced(struct xsc *c, unsigned int domid);

/* "/local/domain/@domid". Open to everybody. */
int xsc_get_domain_path(struct xsc *c, unsigned int domid, char **ret_path);

/* One control command; @args is a NULL-terminated list or NULL. */
int xsc_control(struct xsc *c, const char *cmd, const char *const *args, char **ret_text);

#ifdef __cplusplus
}
#endif

#endif
