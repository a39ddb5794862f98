/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the files of libdomain share: the context, how an error becomes one
 * line, and small helpers over libhv and the store.
 *
 * No locks: a context belongs to one thread at a time.
 */
#ifndef PAVISE_LIBDOMAIN_INTERNAL_H
#define PAVISE_LIBDOMAIN_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-tools/libdomain/libdomain.h"
#include "dom0-tools/libhv/libhv.h"
#include "xenstore/client/xsclient.h"

#define DOM_PAGE_SHIFT   12
#define DOM_PAGE_SIZE    4096UL
#define DOM_KB_PER_PAGE  4u
#define DOM_ERRMSG_MAX   512
#define DOM_ROUND_UP(n)  (((n) + DOM_PAGE_SIZE - 1) & ~(DOM_PAGE_SIZE - 1))
#define DOM_MIB          (1024UL * 1024UL)
#define DOM_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Time limits, in milliseconds. */
#define DOM_DEVICE_TIMEOUT   10000 /* a back-end's next state */
#define DOM_SHUTDOWN_TIMEOUT 60000 /* a guest that should take a request */

/* What the hypervisor's limit is above the target, as Xen's tools have it. */
#define DOM_MEM_SLACK_KB 1024u

struct dom_ctx {
	struct hv_handle *hv;
	struct xsc *xs;
	struct dom_hooks hooks;
	/*
	 * > 0 while work is undone after a failure: what fails then is logged
	 * and doesn't replace the message of the failure itself.
	 */
	unsigned int undoing;
	uint64_t progress_total;
	unsigned int progress_permille;
	char errmsg[DOM_ERRMSG_MAX];
};

/* Set the one line of the context; use the macros below. */
void dom_set_error(struct dom_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dom_set_error_sys(struct dom_ctx *ctx, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * dom_err() sets the one line of the context and returns @rc; dom_err_sys()
 * does the same with strerror(-rc) and for the usual suspects a next step
 * behind it. Macros, so that compilers and checkers see that @rc comes back.
 */
#define dom_err(ctx, rc, ...)                      \
	({                                         \
		int dom_err_rc = (rc);             \
		dom_set_error((ctx), __VA_ARGS__); \
		dom_err_rc;                        \
	})
#define dom_err_sys(ctx, rc, ...)                                  \
	({                                                         \
		int dom_err_rc = (rc);                             \
		dom_set_error_sys((ctx), dom_err_rc, __VA_ARGS__); \
		dom_err_rc;                                        \
	})

void dom_log(struct dom_ctx *ctx, enum dom_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells the progress hook, at most about a thousand times per phase. */
void dom_progress(struct dom_ctx *ctx, const char *phase, uint64_t done, uint64_t total);

/* -EACCES if the context was opened without the store. */
int dom_need_store(struct dom_ctx *ctx);

/* A domctl on @domid with the command's name in the message if it fails. */
int dom_domctl(struct dom_ctx *ctx, struct xen_domctl *op, uint32_t domid, const char *what);
int dom_sysctl(struct dom_ctx *ctx, struct xen_sysctl *op, const char *what);

/* The raw record of exactly @domid. -ESRCH with a message: there's none. */
int dom_getinfo(struct dom_ctx *ctx, uint32_t domid, struct xen_domctl_getdomaininfo *ret);

/* The same, and -ESRCH for one that is dying: for calls that change a domain. */
int dom_getinfo_live(struct dom_ctx *ctx, uint32_t domid, struct xen_domctl_getdomaininfo *ret);

/* "/libxl/N", "/vm/UUID", "/local/domain/N". */
#define DOM_PATH_LOCAL "/local/domain"
#define DOM_PATH_TOOLS "/libxl"

/* Reads a node into @buf, "" where it doesn't exist. Returns its length or an errno. */
int dom_store_get(struct dom_ctx *ctx, char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Milliseconds of a clock that only goes forward. */
uint64_t dom_now_ms(void);

/* Time left until @deadline (0: never), fit for a timeout argument. */
int dom_ms_left(uint64_t deadline);

/* ---- parts that create and destroy are made of ---------------------------- */

/* The domain's nodes; store_tree.c. */
struct dom_tree {
	uint32_t domid;
	const struct domain_config *cfg;
	char uuid[DOM_UUID_STRLEN];
	uint32_t store_domid, console_domid; /* who serves the rings */
};
int dom_tree_create(struct dom_ctx *ctx, const struct dom_tree *tree);

/* What the builder found out goes in, and the store daemon is told. */
struct dom_rings {
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port;
};
int dom_tree_rings(struct dom_ctx *ctx, const struct dom_tree *tree, const struct dom_rings *rings);

/* Removes all that dom_tree_create() and devices have made. @uuid: NULL: unknown. */
int dom_tree_remove(struct dom_ctx *ctx, uint32_t domid, const char *uuid);

/* A name that somebody else has, isn't allowed: -EEXIST, -EINVAL with a message. */
int dom_name_check(struct dom_ctx *ctx, const char *name, uint32_t except);

/* Devices; device.c, block.c, net.c. */
int dom_disk_check(struct dom_ctx *ctx, const struct domain_disk *disk);
int dom_disk_add(struct dom_ctx *ctx, uint32_t domid, const struct domain_disk *disk);
int dom_vif_check(struct dom_ctx *ctx, const struct domain_vif *vif);
int dom_vif_add(struct dom_ctx *ctx, uint32_t domid, const struct domain_vif *vif);
/* Closes and removes every device of the domain, forcibly. */
int dom_devices_remove_all(struct dom_ctx *ctx, uint32_t domid);

/* User data files of a domain that goes away; userdata.c. */
void dom_userdata_remove(struct dom_ctx *ctx, uint32_t domid, const char *uuid);

#endif
