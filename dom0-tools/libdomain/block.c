/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Virtual disks served by the kernel's blkback: block devices as they are,
 * files through loop devices that we set up.
 *
 * A loop device must live from its creation until blkback has opened it, and
 * go away with blkback; so it clears itself with its last user, and we are a
 * user until blkback is.
 *
 * Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/device.h"
#include "dom0-tools/libdomain/internal.h"
#include "dom0-tools/libdomain/loop.h"

#define CLASS         "vbd"
#define BLOCK_SCRIPT  "/etc/xen/scripts/block"
#define OPENED_WAIT   10 /* ms between two looks */
#define SYSFS_BACKEND "/sys/bus/xen-backend/devices"

/* A target that is open and known to be usable. */
struct target {
	int fd; /* keeps it alive; -1: another domain serves it */
	dev_t dev; /* what blkback is to open */
	char node[32]; /* the loop device's name, or "" */
	struct stat st;
};

/* ---- is it fit? -------------------------------------------------------------- */

/* A script's name that stands for what this file does itself. */
static bool own_script(const char *script)
{
	const char *slash = script ? strrchr(script, '/') : NULL;

	return !script || !strcmp(slash ? slash + 1 : script, "block");
}

static int check_kind(struct dom_ctx *ctx, const struct domain_disk *disk)
{
	if (disk->format != DOMAIN_DISK_RAW) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "disk %s: format %s can't be served by the kernel (convert it: "
			       "qemu-img convert -O raw)",
			       disk->vdev, domain_disk_format_name(disk->format));
	}
	if (disk->backend == DOMAIN_DISK_BACKEND_QDISK) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "disk %s: backendtype=qdisk isn't available (leave it out: the "
			       "kernel serves raw files and block devices)",
			       disk->vdev);
	}
	if (!own_script(disk->script)) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "disk %s: script '%s' isn't available (leave script= out)",
			       disk->vdev, disk->script);
	}
	return 0;
}

int dom_disk_check(struct dom_ctx *ctx, const struct domain_disk *disk)
{
	uint32_t number;
	struct stat st;
	int rc;

	if (dom_vdev_parse(disk->vdev, &number)) {
		return dom_err(ctx, -EINVAL,
			       "'%s' is no disk that a guest can have (try xvda, sda1, hdc, d0p1)",
			       disk->vdev);
	}
	rc = check_kind(ctx, disk);
	if (rc || disk->backend_domain) {
		return rc; /* another domain's targets can't be looked at */
	}
	if (!disk->target) {
		return dom_err(ctx, -EINVAL, "disk %s: no target", disk->vdev);
	}
	if (stat(disk->target, &st)) {
		rc = -errno;
		return dom_err(ctx, rc, "disk %s: '%s': %s", disk->vdev, disk->target,
			       strerror(-rc));
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		return dom_err(ctx, -EINVAL, "disk %s: '%s' is neither a file nor a block device",
			       disk->vdev, disk->target);
	}
	if (S_ISREG(st.st_mode) && st.st_size < 512) {
		return dom_err(ctx, -EINVAL, "disk %s: '%s' is smaller than one sector", disk->vdev,
			       disk->target);
	}
	return 0;
}

/* Whether two targets are the same thing underneath. */
static bool same_target(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode)) {
		return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	}
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A disk that one domain writes may not be another's, or the same one's again. */
static int check_one_user(struct dom_ctx *ctx, const struct domain_disk *disk,
			  const struct stat *st, uint32_t domid, uint32_t devid)
{
	char params[1024], mode[8];
	struct stat other;

	if (dom_store_get(ctx, params, sizeof(params),
			  DOM_PATH_LOCAL "/0/backend/" CLASS "/%u/%u/params", domid, devid) <= 0 ||
	    stat(params, &other) || !same_target(st, &other)) {
		return 0;
	}
	dom_store_get(ctx, mode, sizeof(mode), DOM_PATH_LOCAL "/0/backend/" CLASS "/%u/%u/mode",
		      domid, devid);
	if (!disk->readwrite && mode[0] != 'w') {
		return 0;
	}
	return dom_err(ctx, -EBUSY,
		       "disk %s: '%s' is in use by domain %u already, and one of them writes (give "
		       "each its own, or make all read-only)",
		       disk->vdev, disk->target, domid);
}

static int check_users(struct dom_ctx *ctx, const struct domain_disk *disk, const struct stat *st)
{
	struct xsc_path p;
	char **doms;
	size_t nr;
	int rc;

	rc = xsc_directory(ctx->xs, XSC_NO_TX, DOM_PATH_LOCAL "/0/backend/" CLASS, &doms, &nr);
	if (rc) {
		return rc == -ENOENT ? 0 : dom_err_sys(ctx, rc, "looking at other disks");
	}
	for (size_t i = 0; !rc && i < nr; i++) {
		char **devs;
		size_t nr_devs;

		xsc_pathf(&p, DOM_PATH_LOCAL "/0/backend/" CLASS "/%s", doms[i]);
		if (xsc_directory(ctx->xs, XSC_NO_TX, p.s, &devs, &nr_devs)) {
			continue; /* it went away */
		}
		for (size_t j = 0; !rc && j < nr_devs; j++) {
			rc = check_one_user(ctx, disk, st, (uint32_t)strtoul(doms[i], NULL, 10),
					    (uint32_t)strtoul(devs[j], NULL, 10));
		}
		free(devs);
	}
	free(doms);
	return rc;
}

/* ---- opening --------------------------------------------------------------------- */

static int open_err(struct dom_ctx *ctx, const struct domain_disk *disk, int rc)
{
	if (rc == -EBUSY) {
		return dom_err(ctx, rc,
			       "disk %s: '%s' is in use in the control domain (is it mounted? "
			       "unmount it first)",
			       disk->vdev, disk->target);
	}
	return dom_err_sys(ctx, rc, "disk %s: cannot open '%s'", disk->vdev, disk->target);
}

static int open_loop(struct dom_ctx *ctx, const struct domain_disk *disk, struct target *t)
{
	int file = t->fd;

	t->fd = loop_setup(file, disk->target, !disk->readwrite, &t->dev, t->node);
	close(file);
	if (t->fd >= 0) {
		return 0;
	}
	if (t->fd == -ENOENT) {
		return dom_err(
			ctx, -ENOENT,
			"disk %s: no /dev/loop-control (load the loop module: modprobe loop)",
			disk->vdev);
	}
	return dom_err_sys(ctx, t->fd, "disk %s: making a loop device of '%s'", disk->vdev,
			   disk->target);
}

static int open_target(struct dom_ctx *ctx, const struct domain_disk *disk, struct target *t)
{
	/* For a block device O_EXCL without O_CREAT means: nobody has it mounted. */
	int flags = (disk->readwrite ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	int rc;

	if (stat(disk->target, &t->st)) {
		return open_err(ctx, disk, -errno);
	}
	rc = check_users(ctx, disk, &t->st);
	if (rc) {
		return rc;
	}
	if (S_ISBLK(t->st.st_mode) && disk->readwrite) {
		flags |= O_EXCL;
	}
	t->fd = open(disk->target, flags);
	if (t->fd < 0) {
		return open_err(ctx, disk, -errno);
	}
	if (!S_ISBLK(t->st.st_mode)) {
		return open_loop(ctx, disk, t);
	}
	t->dev = t->st.st_rdev;
	if (flags & O_EXCL) {
		/* Ours must not stand in the way of somebody else's. */
		close(t->fd);
		t->fd = open(disk->target, flags & ~O_EXCL);
	}
	return t->fd < 0 ? open_err(ctx, disk, -errno) : 0;
}

/* ---- the device -------------------------------------------------------------------- */

static void fill_nodes(struct device *dev, const struct domain_disk *disk, const struct target *t)
{
	const char *type = disk->cdrom ? "cdrom" : "disk";
	struct device_nodes *b = &dev->back, *f = &dev->front;
	struct xsc_path p;

	device_node(b, "frontend", "%s", device_front_path(dev, &p));
	device_node(b, "frontend-id", "%u", dev->domid);
	device_node(b, "params", "%s", disk->target);
	device_node(b, "script", "%s", disk->script ? disk->script : BLOCK_SCRIPT);
	device_node(b, "online", "1");
	device_node(b, "removable", "%d", disk->removable || disk->cdrom);
	device_node(b, "bootable", "1");
	device_node(b, "state", "%d", XENBUS_INITIALISING);
	device_node(b, "dev", "%s", disk->vdev);
	device_node(b, "type", "phy");
	device_node(b, "mode", "%s", disk->readwrite ? "w" : "r");
	device_node(b, "device-type", "%s", type);
	device_node(b, "discard-enable", "%d", disk->discard && disk->readwrite);
	device_node(b, "specification", "xen");
	dev->nr_mirrored = b->nr;
	if (t->fd >= 0) {
		device_node(b, "physical-device", "%x:%x", major(t->dev), minor(t->dev));
		device_node(b, "physical-device-path", "%s", t->node[0] ? t->node : disk->target);
		if (t->node[0]) {
			device_node(b, "node", "%s", t->node);
		}
		device_node(b, "hotplug-status", "connected");
	}
	device_node(f, "backend", "%s", device_back_path(dev, &p));
	device_node(f, "backend-id", "%u", dev->backend_id);
	device_node(f, "state", "%d", XENBUS_INITIALISING);
	device_node(f, "virtual-device", "%u", dev->devid);
	device_node(f, "device-type", "%s", type);
	device_node(f, "trusted", "%d", disk->trusted);
	device_node(f, "protocol", "x86_64-abi");
}

/*
 * blkback opens the disk when it sees physical-device, and tells nobody in the
 * store that it has; but then its sysfs directory has the attribute of that
 * name. It is a matter of milliseconds.
 */
static int wait_opened(struct dom_ctx *ctx, const struct device *dev)
{
	uint64_t deadline = dom_now_ms() + DOM_DEVICE_TIMEOUT;
	char attr[128], text[256];

	if (access(SYSFS_BACKEND, F_OK)) {
		return -ENOENT; /* no way to tell */
	}
	snprintf(attr, sizeof(attr), SYSFS_BACKEND "/" CLASS "-%u-%u/physical_device", dev->domid,
		 dev->devid);
	while (access(attr, F_OK)) {
		device_error_text(ctx, dev, text, sizeof(text));
		if (text[0]) {
			return dom_err(ctx, -EIO, "blkback refused disk %u: %s", dev->devid, text);
		}
		if (dom_now_ms() > deadline) {
			return dom_err(ctx, -ETIMEDOUT,
				       "blkback has not opened disk %u within %d s", dev->devid,
				       DOM_DEVICE_TIMEOUT / 1000);
		}
		poll(NULL, 0, OPENED_WAIT);
	}
	return 0;
}

static int start(struct dom_ctx *ctx, struct device *dev, struct target *t)
{
	int rc = device_write(ctx, dev);

	if (rc) {
		return rc;
	}
	rc = device_wait_ready(ctx, dev);
	if (!rc && t->fd >= 0) {
		rc = wait_opened(ctx, dev);
		if (rc == -ENOENT) {
			/* Our descriptor keeps the device alive as long as we are. */
			t->fd = -1;
			rc = 0;
		}
	}
	if (rc) {
		ctx->undoing++;
		device_remove(ctx, dev, DEVICE_FORCE);
		ctx->undoing--;
	}
	return rc;
}

int dom_disk_add(struct dom_ctx *ctx, uint32_t domid, const struct domain_disk *disk)
{
	struct device dev = {.class = CLASS, .domid = domid};
	struct target t = {.fd = -1};
	int rc;

	rc = dom_disk_check(ctx, disk);
	if (!rc) {
		rc = device_backend_domain(ctx, disk->backend_domain, &dev.backend_id);
	}
	if (rc) {
		return rc;
	}
	dom_vdev_parse(disk->vdev, &dev.devid);
	if (!dev.backend_id) {
		rc = open_target(ctx, disk, &t);
	}
	if (!rc) {
		fill_nodes(&dev, disk, &t);
		rc = start(ctx, &dev, &t);
	}
	if (t.fd >= 0) {
		close(t.fd);
	}
	device_fini(&dev);
	return rc;
}

/* ---- of a domain that runs ------------------------------------------------------------- */

int dom_block_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_disk *disk)
{
	struct xen_domctl_getdomaininfo info;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	return rc ? rc : dom_disk_add(ctx, domid, disk);
}

int dom_block_detach(struct dom_ctx *ctx, uint32_t domid, const char *vdev, bool force)
{
	struct xen_domctl_getdomaininfo info;
	struct device dev;
	uint32_t number;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	if (dom_vdev_parse(vdev, &number) || device_find(ctx, domid, CLASS, number, &dev)) {
		return dom_err(ctx, -ENODEV, "domain %u has no disk '%s' (see xl block-list)",
			       domid, vdev);
	}
	return device_remove(ctx, &dev, force ? DEVICE_FORCE : DEVICE_ASK);
}
