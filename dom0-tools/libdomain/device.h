/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Devices of any class, as pairs of directories in the store:
 *
 *   /local/domain/N/device/CLASS/ID             the front-end's, the guest's own
 *   /local/domain/B/backend/CLASS/N/ID          the back-end's
 *   /libxl/N/device/CLASS/ID                    the tools' note of both
 *
 * State nodes say how far each side is. What goes into the directories is the
 * class's business: block.c, net.c.
 */
#ifndef PAVISE_LIBDOMAIN_DEVICE_H
#define PAVISE_LIBDOMAIN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstore/client/xsclient.h"

struct dom_ctx;

/* Numbers of public/io/xenbus.h. */
enum xenbus_state {
	XENBUS_UNKNOWN = 0,
	XENBUS_INITIALISING = 1,
	XENBUS_INIT_WAIT = 2,
	XENBUS_INITIALISED = 3,
	XENBUS_CONNECTED = 4,
	XENBUS_CLOSING = 5,
	XENBUS_CLOSED = 6,
};

#define DEVICE_NODES_MAX 24

/* What is written into one directory. */
struct device_nodes {
	unsigned int nr;
	bool failed; /* out of memory or room: writing reports it */
	struct {
		const char *key;
		char *value;
	} node[DEVICE_NODES_MAX];
};

struct device {
	const char *class; /* "vbd", "vif" */
	uint32_t domid, devid, backend_id;
	struct device_nodes front, back;
	unsigned int nr_mirrored; /* so many of back's nodes are copied into the tools' note */
};

void device_node(struct device_nodes *nodes, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void device_fini(struct device *dev);

/* "/local/domain/B/backend/vbd/N/ID" and its front. */
const char *device_back_path(const struct device *dev, struct xsc_path *p);
const char *device_front_path(const struct device *dev, struct xsc_path *p);

/* Domain number of a back-end's domain, by name or number; NULL: 0. */
int device_backend_domain(struct dom_ctx *ctx, const char *domain, uint32_t *ret_domid);

/* Writes all directories at once. -EEXIST: there is such a device. */
int device_write(struct dom_ctx *ctx, const struct device *dev);

/*
 * Waits until the back-end waits for the front-end (or is further). A back-end
 * that gave up: -EIO with its own words.
 */
int device_wait_ready(struct dom_ctx *ctx, const struct device *dev);

/* What the back-end complained about, "" if nothing. */
void device_error_text(struct dom_ctx *ctx, const struct device *dev, char *buf, size_t size);

enum device_end {
	DEVICE_ASK, /* the guest has to let go, else the device stays */
	DEVICE_INSIST, /* the guest gets some time to let go */
	DEVICE_FORCE, /* it gets none */
};

/*
 * Ends a device: asks the back-end to close, waits for it, removes all nodes. A
 * guest that has no driver for the device, or is down, isn't waited for. One
 * that has gets DOM_DEVICE_TIMEOUT; then DEVICE_ASK fails with -ETIMEDOUT or
 * -EBUSY and the device stays, and DEVICE_INSIST does as DEVICE_FORCE does at
 * once: it removes the front-end's directory, which no back-end survives.
 */
int device_remove(struct dom_ctx *ctx, const struct device *dev, enum device_end how);

/* Only the nodes, of a device that didn't come up. */
void device_forget(struct dom_ctx *ctx, const struct device *dev);

/* The ids of a class's devices, malloc()ed; none: 0 and *ret_nr 0. */
int device_ids(struct dom_ctx *ctx, uint32_t domid, const char *class, uint32_t **ret_ids,
	       size_t *ret_nr);

/* Which domain a device's back-end is in. -ENOENT: no such device. */
int device_find(struct dom_ctx *ctx, uint32_t domid, const char *class, uint32_t devid,
		struct device *ret_dev);

#endif
