/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Lists of a domain's disks and network interfaces. Owns nothing; no locks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/libdomain/device.h"
#include "dom0-tools/libdomain/internal.h"

/* A number in the front-end's directory; -1 while it isn't there. */
static int64_t front_number(struct dom_ctx *ctx, const char *front, const char *key)
{
	struct xsc_path p;
	long long v;

	return xsc_read_int(ctx->xs, XSC_NO_TX, xsc_pathf(&p, "%s/%s", front, key), &v) ? -1 : v;
}

/* A string of the tools' note; NULL where there is none. */
static char *note(struct dom_ctx *ctx, const struct dom_device *d, uint32_t domid, const char *key)
{
	struct xsc_path p;
	char *value;

	xsc_pathf(&p, DOM_PATH_TOOLS "/%u/device/%s/%u/%s", domid, d->class, d->devid, key);
	return xsc_read(ctx->xs, XSC_NO_TX, p.s, &value, NULL) ? NULL : value;
}

static int fill_block(struct dom_ctx *ctx, uint32_t domid, struct dom_device *d)
{
	char name[16];

	d->ring_ref = front_number(ctx, d->frontend_path, "ring-ref");
	if (d->ring_ref < 0) { /* a ring of several pages */
		d->ring_ref = front_number(ctx, d->frontend_path, "ring-ref0");
	}
	d->target = note(ctx, d, domid, "params");
	dom_vdev_format(d->devid, name);
	d->vdev = strdup(name);
	return d->vdev ? 0 : -ENOMEM;
}

static int fill_net(struct dom_ctx *ctx, uint32_t domid, struct dom_device *d)
{
	d->ring_ref = front_number(ctx, d->frontend_path, "tx-ring-ref");
	d->rx_ring_ref = front_number(ctx, d->frontend_path, "rx-ring-ref");
	if (d->evtchn < 0) {
		d->evtchn = front_number(ctx, d->frontend_path, "event-channel-tx");
	}
	d->mac = note(ctx, d, domid, "mac");
	d->bridge = note(ctx, d, domid, "bridge");
	return 0;
}

static int fill(struct dom_ctx *ctx, uint32_t domid, const char *class, uint32_t devid,
		struct dom_device *d)
{
	struct device dev;
	struct xsc_path p;
	int rc;

	snprintf(d->class, sizeof(d->class), "%s", class);
	d->devid = devid;
	rc = device_find(ctx, domid, class, devid, &dev);
	if (rc) {
		return rc;
	}
	d->backend_id = dev.backend_id;
	d->backend_path = strdup(device_back_path(&dev, &p));
	d->frontend_path = strdup(device_front_path(&dev, &p));
	if (!d->backend_path || !d->frontend_path) {
		return -ENOMEM;
	}
	d->state = (int)front_number(ctx, d->frontend_path, "state");
	d->evtchn = front_number(ctx, d->frontend_path, "event-channel");
	d->rx_ring_ref = -1;
	return strcmp(class, "vif") ? fill_block(ctx, domid, d) : fill_net(ctx, domid, d);
}

static int list(struct dom_ctx *ctx, uint32_t domid, const char *class,
		struct dom_device **ret_devs, size_t *ret_nr)
{
	struct xen_domctl_getdomaininfo info;
	struct dom_device *devs;
	size_t nr, kept = 0;
	uint32_t *ids;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (!rc) {
		rc = device_ids(ctx, domid, class, &ids, &nr);
	}
	if (rc) {
		return rc;
	}
	devs = calloc(nr + 1, sizeof(*devs));
	rc = devs ? 0 : -ENOMEM;
	for (size_t i = 0; !rc && i < nr; i++) {
		rc = fill(ctx, domid, class, ids[i], &devs[kept]);
		kept++;
		if (rc == -ENOENT) { /* it went away meanwhile */
			kept--;
			rc = 0;
		}
	}
	free(ids);
	if (rc) {
		dom_devices_free(devs, kept);
		return dom_err_sys(ctx, rc, "listing the %s devices of domain %u", class, domid);
	}
	*ret_devs = devs;
	*ret_nr = kept;
	return 0;
}

int dom_block_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		   size_t *ret_nr)
{
	return list(ctx, domid, "vbd", ret_devs, ret_nr);
}

int dom_network_list(struct dom_ctx *ctx, uint32_t domid, struct dom_device **ret_devs,
		     size_t *ret_nr)
{
	return list(ctx, domid, "vif", ret_devs, ret_nr);
}

void dom_devices_free(struct dom_device *devs, size_t nr)
{
	for (size_t i = 0; devs && i < nr; i++) {
		free(devs[i].backend_path);
		free(devs[i].frontend_path);
		free(devs[i].mac);
		free(devs[i].bridge);
		free(devs[i].vdev);
		free(devs[i].target);
	}
	free(devs);
}
