/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Devices of any class; see device.h. Owns nothing; no locks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/device.h"
#include "dom0-tools/libdomain/internal.h"

/* ---- what is in a device's directories -------------------------------------- */

void device_node(struct device_nodes *nodes, const char *key, const char *fmt, ...)
{
	va_list ap;

	if (nodes->nr == DEVICE_NODES_MAX) {
		nodes->failed = true;
		return;
	}
	nodes->node[nodes->nr].key = key;
	va_start(ap, fmt);
	if (vasprintf(&nodes->node[nodes->nr].value, fmt, ap) < 0) {
		nodes->failed = true;
	} else {
		nodes->nr++;
	}
	va_end(ap);
}

static void nodes_fini(struct device_nodes *nodes)
{
	for (unsigned int i = 0; i < nodes->nr; i++) {
		free(nodes->node[i].value);
	}
	nodes->nr = 0;
}

void device_fini(struct device *dev)
{
	nodes_fini(&dev->front);
	nodes_fini(&dev->back);
}

const char *device_back_path(const struct device *dev, struct xsc_path *p)
{
	return xsc_pathf(p, DOM_PATH_LOCAL "/%u/backend/%s/%u/%u", dev->backend_id, dev->class,
			 dev->domid, dev->devid);
}

const char *device_front_path(const struct device *dev, struct xsc_path *p)
{
	return xsc_pathf(p, DOM_PATH_LOCAL "/%u/device/%s/%u", dev->domid, dev->class, dev->devid);
}

static const char *tools_path(const struct device *dev, struct xsc_path *p)
{
	return xsc_pathf(p, DOM_PATH_TOOLS "/%u/device/%s/%u", dev->domid, dev->class, dev->devid);
}

int device_backend_domain(struct dom_ctx *ctx, const char *domain, uint32_t *ret_domid)
{
	if (!domain) {
		*ret_domid = 0;
		return 0;
	}
	return dom_find(ctx, domain, ret_domid);
}

/* ---- writing --------------------------------------------------------------------- */

static int write_dir(struct dom_ctx *ctx, uint32_t tx, const char *dir,
		     const struct device_nodes *nodes, unsigned int nr, uint32_t owner,
		     uint32_t reader)
{
	const struct xsc_perm perms[2] = {{(uint16_t)owner, XSC_PERM_NONE},
					  {(uint16_t)reader, XSC_PERM_READ}};
	int rc = xsc_mkdir(ctx->xs, tx, dir);

	if (!rc) {
		rc = xsc_set_perms(ctx->xs, tx, dir, perms, owner == reader ? 1 : 2);
	}
	for (unsigned int i = 0; !rc && i < nr; i++) {
		struct xsc_path p;

		rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/%s", dir, nodes->node[i].key),
				   nodes->node[i].value);
	}
	return rc;
}

static int write_all(struct dom_ctx *ctx, uint32_t tx, const struct device *dev)
{
	struct xsc_path front, back, tools, p;
	int rc;

	rc = xsc_exists(ctx->xs, tx, device_front_path(dev, &front));
	if (rc) {
		return rc < 0 ? rc : -EEXIST;
	}
	device_back_path(dev, &back);
	tools_path(dev, &tools);
	/* What a former domain of this number left behind is nobody's. */
	rc = xsc_rm(ctx->xs, tx, back.s);
	if (rc && rc != -ENOENT) {
		return rc;
	}
	rc = write_dir(ctx, tx, front.s, &dev->front, dev->front.nr, dev->domid, dev->backend_id);
	if (!rc) {
		rc = write_dir(ctx, tx, back.s, &dev->back, dev->back.nr, dev->backend_id,
			       dev->domid);
	}
	if (!rc) {
		rc = write_dir(ctx, tx, tools.s, &dev->back, dev->nr_mirrored, 0, 0);
	}
	if (!rc) {
		rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/frontend", tools.s), front.s);
	}
	if (!rc) {
		rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/backend", tools.s), back.s);
	}
	return rc;
}

int device_write(struct dom_ctx *ctx, const struct device *dev)
{
	uint32_t tx;
	int rc;

	if (dev->front.failed || dev->back.failed) {
		return dom_err_sys(ctx, -ENOMEM, "preparing %s %u", dev->class, dev->devid);
	}
	do {
		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		rc = write_all(ctx, tx, dev);
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
	if (rc == -EEXIST) {
		return dom_err(ctx, rc, "domain %u has a %s %u already", dev->domid, dev->class,
			       dev->devid);
	}
	return rc ? dom_err_sys(ctx, rc, "writing the store nodes of %s %u", dev->class, dev->devid)
		  : 0;
}

/* ---- states ------------------------------------------------------------------------ */

/* A state node: what it says, or XENBUS_UNKNOWN if it isn't there. */
static int read_state(struct xsc *c, const char *dir)
{
	struct xsc_path p;
	long long state;
	int rc = xsc_read_int(c, XSC_NO_TX, xsc_pathf(&p, "%s/state", dir), &state);

	if (rc == -ENOENT) {
		return XENBUS_UNKNOWN;
	}
	return rc ? rc : (int)state;
}

void device_error_text(struct dom_ctx *ctx, const struct device *dev, char *buf, size_t size)
{
	dom_store_get(ctx, buf, size, DOM_PATH_LOCAL "/%u/error/backend/%s/%u/%u/error",
		      dev->backend_id, dev->class, dev->domid, dev->devid);
}

static int backend_ready(struct xsc *c, void *arg)
{
	int state = read_state(c, arg);

	if (state < 0) {
		return state;
	}
	if (state == XENBUS_CLOSING || state == XENBUS_CLOSED) {
		return -EIO;
	}
	return state >= XENBUS_INIT_WAIT;
}

int device_wait_ready(struct dom_ctx *ctx, const struct device *dev)
{
	struct xsc_path back;
	char text[256];
	int rc;

	device_back_path(dev, &back);
	rc = xsc_wait(ctx->xs, back.s, DOM_DEVICE_TIMEOUT, backend_ready, back.s);
	if (rc >= 0) {
		return 0;
	}
	device_error_text(ctx, dev, text, sizeof(text));
	if (text[0]) {
		return dom_err(ctx, -EIO, "the back-end of %s %u refused it: %s", dev->class,
			       dev->devid, text);
	}
	if (rc == -ETIMEDOUT) {
		return dom_err(ctx, rc,
			       "no back-end came for %s %u within %d s (is the %s module loaded?)",
			       dev->class, dev->devid, DOM_DEVICE_TIMEOUT / 1000,
			       strcmp(dev->class, "vif") ? "xen-blkback" : "xen-netback");
	}
	return dom_err_sys(ctx, rc, "the back-end of %s %u gave up", dev->class, dev->devid);
}

/* ---- ending -------------------------------------------------------------------------- */

static int backend_closed(struct xsc *c, void *arg)
{
	int state = read_state(c, arg);

	if (state < 0) {
		return state;
	}
	return state == XENBUS_CLOSED || state == XENBUS_UNKNOWN;
}

/* Tells the back-end that the device is going away. Returns its state before. */
static int ask_to_close(struct dom_ctx *ctx, const char *back)
{
	int state = XENBUS_UNKNOWN, rc;
	struct xsc_path p;
	uint32_t tx;

	do {
		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		rc = xsc_exists(ctx->xs, tx, xsc_pathf(&p, "%s/state", back));
		if (rc > 0) {
			state = read_state(ctx->xs, back);
			rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/online", back), "0");
		}
		if (!rc && state > XENBUS_INITIALISING && state < XENBUS_CLOSING) {
			rc = xsc_write_str(ctx->xs, tx, xsc_pathf(&p, "%s/state", back), "5");
		}
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
	return rc < 0 ? rc : state;
}

static int remove_nodes(struct dom_ctx *ctx, const struct device *dev)
{
	struct xsc_path p;
	uint32_t tx;
	int rc;

	do {
		rc = xsc_tx_start(ctx->xs, &tx);
		if (rc) {
			break;
		}
		rc = xsc_rm_tidy(ctx->xs, tx, device_back_path(dev, &p));
		if (!rc || rc == -ENOENT) {
			rc = xsc_rm(ctx->xs, tx, device_front_path(dev, &p));
		}
		if (!rc || rc == -ENOENT) {
			rc = xsc_rm(ctx->xs, tx, tools_path(dev, &p));
		}
		if (rc == -ENOENT) {
			rc = 0;
		}
	} while (xsc_tx_retry(ctx->xs, tx, &rc));
	/* Complaints of a back-end that is no more. */
	xsc_rm_tidy(ctx->xs, XSC_NO_TX,
		    xsc_pathf(&p, DOM_PATH_LOCAL "/%u/error/backend/%s/%u/%u", dev->backend_id,
			      dev->class, dev->domid, dev->devid));
	return rc;
}

void device_forget(struct dom_ctx *ctx, const struct device *dev)
{
	int rc = remove_nodes(ctx, dev);

	if (rc) {
		dom_log(ctx, DOM_LOG_WARN, "removing the store nodes of %s %u: %s", dev->class,
			dev->devid, strerror(-rc));
	}
}

/*
 * Whether the guest has anything to let go of. A front-end that never left its
 * first state has no driver, and a domain that is down runs none.
 */
static bool guest_uses(struct dom_ctx *ctx, const struct device *dev, const char *front)
{
	struct xen_domctl_getdomaininfo info;

	if (dom_getinfo(ctx, dev->domid, &info) ||
	    (info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown))) {
		return false;
	}
	return read_state(ctx->xs, front) > XENBUS_INITIALISING;
}

/* Waits for the back-end; with @gone the guest's side goes first. */
static int wait_closed(struct dom_ctx *ctx, char *front, char *back, bool gone)
{
	int rc = gone ? xsc_rm(ctx->xs, XSC_NO_TX, front) : 0;

	return rc && rc != -ENOENT
		       ? rc
		       : xsc_wait(ctx->xs, back, DOM_DEVICE_TIMEOUT, backend_closed, back);
}

int device_remove(struct dom_ctx *ctx, const struct device *dev, enum device_end how)
{
	struct xsc_path front, back, p;
	int state, rc = 0;
	bool gone;

	device_front_path(dev, &front);
	device_back_path(dev, &back);
	gone = how == DEVICE_FORCE || !guest_uses(ctx, dev, front.s);
	state = ask_to_close(ctx, back.s);
	if (state < 0) {
		return dom_err_sys(ctx, state, "closing %s %u", dev->class, dev->devid);
	}
	/* A back-end that never came to life has nothing to close. */
	if (state > XENBUS_INITIALISING && state != XENBUS_CLOSED) {
		rc = wait_closed(ctx, front.s, back.s, gone);
		if (rc == -ETIMEDOUT && !gone && how == DEVICE_INSIST) {
			gone = true;
			rc = wait_closed(ctx, front.s, back.s, gone);
		}
	}
	if (rc < 0 && !gone) {
		/* It goes on as before. */
		xsc_write_str(ctx->xs, XSC_NO_TX, xsc_pathf(&p, "%s/online", back.s), "1");
		return dom_err(ctx, rc,
			       "the guest in domain %u doesn't let go of %s %u (unmount or unplug "
			       "it there first, or use --force)",
			       dev->domid, dev->class, dev->devid);
	}
	if (rc == -ETIMEDOUT) {
		dom_log(ctx, DOM_LOG_WARN, "the back-end of %s %u did not close in time",
			dev->class, dev->devid);
	}
	rc = remove_nodes(ctx, dev);
	return rc ? dom_err_sys(ctx, rc, "removing the store nodes of %s %u", dev->class,
				dev->devid)
		  : 0;
}

/* ---- looking --------------------------------------------------------------------------- */

int device_ids(struct dom_ctx *ctx, uint32_t domid, const char *class, uint32_t **ret_ids,
	       size_t *ret_nr)
{
	struct xsc_path p;
	char **names;
	uint32_t *ids;
	size_t nr;
	int rc;

	rc = xsc_directory(ctx->xs, XSC_NO_TX,
			   xsc_pathf(&p, DOM_PATH_TOOLS "/%u/device/%s", domid, class), &names,
			   &nr);
	if (rc == -ENOENT) {
		*ret_ids = NULL;
		*ret_nr = 0;
		return 0;
	}
	if (rc) {
		return dom_err_sys(ctx, rc, "listing the %s devices of domain %u", class, domid);
	}
	ids = calloc(nr + 1, sizeof(*ids));
	if (!ids) {
		free(names);
		return dom_err_sys(ctx, -ENOMEM, "listing devices");
	}
	for (size_t i = 0; i < nr; i++) {
		ids[i] = (uint32_t)strtoul(names[i], NULL, 10);
	}
	free(names);
	*ret_ids = ids;
	*ret_nr = nr;
	return 0;
}

int device_find(struct dom_ctx *ctx, uint32_t domid, const char *class, uint32_t devid,
		struct device *ret_dev)
{
	struct device dev = {.class = class, .domid = domid, .devid = devid};
	char back[256];
	int rc;

	rc = dom_store_get(ctx, back, sizeof(back), DOM_PATH_TOOLS "/%u/device/%s/%u/backend",
			   domid, class, devid);
	if (rc < 0) {
		return rc;
	}
	if (sscanf(back, DOM_PATH_LOCAL "/%u/", &dev.backend_id) != 1) {
		return -EINVAL;
	}
	*ret_dev = dev;
	return 0;
}

/* All classes of devices that a domain has, except its console, which is a daemon's. */
int dom_devices_remove_all(struct dom_ctx *ctx, uint32_t domid)
{
	struct xsc_path p;
	char **classes;
	int first = 0, rc;
	size_t nr;

	rc = xsc_directory(ctx->xs, XSC_NO_TX, xsc_pathf(&p, DOM_PATH_TOOLS "/%u/device", domid),
			   &classes, &nr);
	if (rc) {
		return rc == -ENOENT ? 0 : dom_err_sys(ctx, rc, "listing devices");
	}
	for (size_t i = 0; i < nr; i++) {
		uint32_t *ids = NULL;
		size_t nr_ids = 0;

		if (!strcmp(classes[i], "console") ||
		    device_ids(ctx, domid, classes[i], &ids, &nr_ids)) {
			continue;
		}
		for (size_t j = 0; j < nr_ids; j++) {
			struct device dev;

			rc = device_find(ctx, domid, classes[i], ids[j], &dev);
			if (!rc) {
				rc = device_remove(ctx, &dev, DEVICE_FORCE);
			}
			first = first ? first : rc;
		}
		free(ids);
	}
	free(classes);
	return first;
}
