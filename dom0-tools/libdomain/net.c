/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Virtual network interfaces served by the kernel's netback. Its interface
 * here, vifN.ID, exists when the back-end is in state InitWait; then we put it
 * into a bridge, and hotplug-status tells netback that it may connect.
 *
 * Owns nothing beyond a call; no locks.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/libdomain/device.h"
#include "dom0-tools/libdomain/internal.h"

#define CLASS          "vif"
#define VIF_SCRIPT     "/etc/xen/scripts/vif-bridge"
#define DEFAULT_BRIDGE "xenbr0"
#define DEVID_LIMIT    256u
#define DEFAULT_MTU    1500u

static bool own_script(const char *script)
{
	const char *slash = script ? strrchr(script, '/') : NULL;

	return !script || !strcmp(slash ? slash + 1 : script, "vif-bridge");
}

static const char *bridge_of(const struct domain_vif *vif)
{
	return vif->bridge ? vif->bridge : DEFAULT_BRIDGE;
}

int dom_vif_check(struct dom_ctx *ctx, const struct domain_vif *vif)
{
	if (!own_script(vif->script)) {
		return dom_err(ctx, -EOPNOTSUPP,
			       "vif: script '%s' isn't available (leave script= out: interfaces "
			       "are put into a bridge)",
			       vif->script);
	}
	if (vif->backend_domain) {
		return 0;
	}
	if (!if_nametoindex(bridge_of(vif))) {
		return dom_err(ctx, -ENODEV,
			       "vif: there is no bridge '%s' (make it: ip link add %s type bridge; "
			       "ip link set %s up)",
			       bridge_of(vif), bridge_of(vif), bridge_of(vif));
	}
	if (vif->vifname && strlen(vif->vifname) >= IFNAMSIZ) {
		return dom_err(ctx, -EINVAL, "vif: '%s' is too long for an interface's name",
			       vif->vifname);
	}
	return 0;
}

/* ---- the bridge ------------------------------------------------------------------ */

static int nl_errno(int err)
{
	switch (-err) {
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	case NLE_PERM:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/* Name, bridge and MTU first, and only then up: that is the order that works. */
static int change_link(struct nl_sock *nl, struct rtnl_link *link, int bridge,
		       const struct domain_vif *vif)
{
	struct rtnl_link *change = rtnl_link_alloc();
	int rc;

	if (!change) {
		return -NLE_NOMEM;
	}
	rtnl_link_set_ifindex(change, rtnl_link_get_ifindex(link));
	rtnl_link_set_master(change, bridge);
	if (vif->vifname) {
		rtnl_link_set_name(change, vif->vifname);
	}
	if (vif->mtu) {
		rtnl_link_set_mtu(change, vif->mtu);
	}
	rc = rtnl_link_change(nl, link, change, 0);
	rtnl_link_put(change);
	if (rc < 0) {
		return rc;
	}
	change = rtnl_link_alloc();
	if (!change) {
		return -NLE_NOMEM;
	}
	rtnl_link_set_ifindex(change, rtnl_link_get_ifindex(link));
	rtnl_link_set_flags(change, IFF_UP);
	rc = rtnl_link_change(nl, link, change, 0);
	rtnl_link_put(change);
	return rc;
}

/* Throws waiting notices away: only that there were some matters. */
static void drain(struct nl_sock *nl)
{
	char buf[8192];

	while (recv(nl_socket_get_fd(nl), buf, sizeof(buf), MSG_DONTWAIT) > 0) {
	}
}

/*
 * netback says InitWait in the store before it makes its interface, so the
 * interface may still be on its way: wait for the kernel's notice.
 */
static int wait_link(struct nl_sock *nl, struct nl_sock *notices, const char *ifname,
		     struct rtnl_link **ret_link)
{
	uint64_t deadline = dom_now_ms() + DOM_DEVICE_TIMEOUT;
	struct pollfd fd = {.fd = nl_socket_get_fd(notices), .events = POLLIN};
	int rc;

	for (;;) {
		rc = rtnl_link_get_kernel(nl, 0, ifname, ret_link);
		if (rc != -NLE_OBJ_NOTFOUND && rc != -NLE_NODEV) {
			return rc;
		}
		if (poll(&fd, 1, dom_ms_left(deadline)) <= 0) {
			return rc;
		}
		drain(notices);
	}
}

static int connect_both(struct nl_sock *nl, struct nl_sock *notices)
{
	int rc;

	if (!nl || !notices) {
		return -NLE_NOMEM;
	}
	rc = nl_connect(notices, NETLINK_ROUTE);
	if (rc >= 0) {
		rc = nl_socket_add_memberships(notices, RTNLGRP_LINK, 0);
	}
	return rc < 0 ? rc : nl_connect(nl, NETLINK_ROUTE);
}

static int join_bridge(struct dom_ctx *ctx, const char *ifname, const struct domain_vif *vif)
{
	unsigned int bridge = if_nametoindex(bridge_of(vif));
	struct nl_sock *nl = nl_socket_alloc(), *notices = nl_socket_alloc();
	struct rtnl_link *link = NULL;
	int rc = bridge ? connect_both(nl, notices) : -NLE_NODEV;

	if (rc >= 0) {
		rc = wait_link(nl, notices, ifname, &link);
	}
	if (rc >= 0) {
		rc = change_link(nl, link, (int)bridge, vif);
		rtnl_link_put(link);
	}
	nl_socket_free(nl);
	nl_socket_free(notices);
	if (rc < 0) {
		return dom_err(ctx, nl_errno(rc),
			       "vif: putting %s into bridge %s: %s (is %s a "
			       "bridge?)",
			       ifname, bridge_of(vif), nl_geterror(rc), bridge_of(vif));
	}
	return 0;
}

/* ---- the device --------------------------------------------------------------------- */

static void fill_nodes(struct device *dev, const struct domain_vif *vif)
{
	struct device_nodes *b = &dev->back, *f = &dev->front;
	struct xsc_path p;
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", vif->mac[0], vif->mac[1],
		 vif->mac[2], vif->mac[3], vif->mac[4], vif->mac[5]);
	device_node(b, "frontend", "%s", device_front_path(dev, &p));
	device_node(b, "frontend-id", "%u", dev->domid);
	device_node(b, "online", "1");
	device_node(b, "state", "%d", XENBUS_INITIALISING);
	device_node(b, "script", "%s", vif->script ? vif->script : VIF_SCRIPT);
	if (vif->vifname) {
		device_node(b, "vifname", "%s", vif->vifname);
	}
	device_node(b, "mac", "%s", mac);
	if (vif->ip) {
		device_node(b, "ip", "%s", vif->ip);
	}
	if (vif->gatewaydev) {
		device_node(b, "gatewaydev", "%s", vif->gatewaydev);
	}
	if (vif->rate_bytes) {
		device_node(b, "rate", "%llu,%u", (unsigned long long)vif->rate_bytes,
			    vif->rate_usecs);
	}
	device_node(b, "bridge", "%s", bridge_of(vif));
	device_node(b, "handle", "%u", dev->devid);
	device_node(b, "type", "vif");
	if (vif->mtu) {
		device_node(b, "mtu", "%u", vif->mtu);
	}
	device_node(b, "hotplug-status", "%s", "");
	dev->nr_mirrored = b->nr;
	device_node(f, "backend", "%s", device_back_path(dev, &p));
	device_node(f, "backend-id", "%u", dev->backend_id);
	device_node(f, "state", "%d", XENBUS_INITIALISING);
	device_node(f, "handle", "%u", dev->devid);
	device_node(f, "mac", "%s", mac);
	device_node(f, "mtu", "%u", vif->mtu ? vif->mtu : DEFAULT_MTU);
	device_node(f, "trusted", "%d", vif->trusted);
}

static int start(struct dom_ctx *ctx, const struct device *dev, const struct domain_vif *vif)
{
	char ifname[IFNAMSIZ];
	struct xsc_path back, p;
	int rc = device_write(ctx, dev);

	if (rc) {
		return rc;
	}
	rc = device_wait_ready(ctx, dev);
	if (!rc && !dev->backend_id) {
		snprintf(ifname, sizeof(ifname), "vif%u.%u", dev->domid, dev->devid);
		rc = join_bridge(ctx, ifname, vif);
	}
	if (!rc && !dev->backend_id) {
		device_back_path(dev, &back);
		rc = xsc_write_str(ctx->xs, XSC_NO_TX, xsc_pathf(&p, "%s/hotplug-status", back.s),
				   "connected");
		if (rc) {
			dom_err_sys(ctx, rc, "telling the back-end of vif %u", dev->devid);
		}
	}
	if (rc) {
		ctx->undoing++;
		device_remove(ctx, dev, DEVICE_FORCE);
		ctx->undoing--;
	}
	return rc;
}

/* The lowest number that is free. */
static int free_devid(struct dom_ctx *ctx, uint32_t domid, uint32_t *ret_devid)
{
	struct device dev;

	for (uint32_t id = 0; id < DEVID_LIMIT; id++) {
		if (device_find(ctx, domid, CLASS, id, &dev) == -ENOENT) {
			*ret_devid = id;
			return 0;
		}
	}
	return dom_err(ctx, -ENOSPC, "domain %u has %u network interfaces already", domid,
		       DEVID_LIMIT);
}

int dom_vif_add(struct dom_ctx *ctx, uint32_t domid, const struct domain_vif *vif)
{
	struct device dev = {.class = CLASS, .domid = domid};
	int rc;

	rc = dom_vif_check(ctx, vif);
	if (!rc) {
		rc = device_backend_domain(ctx, vif->backend_domain, &dev.backend_id);
	}
	if (!rc && vif->devid == DOMAIN_VIF_DEVID_AUTO) {
		rc = free_devid(ctx, domid, &dev.devid);
	} else {
		dev.devid = (uint32_t)vif->devid;
	}
	if (rc) {
		return rc;
	}
	fill_nodes(&dev, vif);
	rc = start(ctx, &dev, vif);
	device_fini(&dev);
	return rc;
}

/* ---- of a domain that runs -------------------------------------------------------------- */

int dom_network_attach(struct dom_ctx *ctx, uint32_t domid, const struct domain_vif *vif)
{
	struct xen_domctl_getdomaininfo info;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo_live(ctx, domid, &info);
	}
	if (!rc && !vif->has_mac) {
		rc = dom_err(ctx, -EINVAL, "vif: no MAC address");
	}
	return rc ? rc : dom_vif_add(ctx, domid, vif);
}

static int find_by_mac(struct dom_ctx *ctx, uint32_t domid, const char *mac, uint32_t *ret_devid)
{
	uint32_t *ids;
	size_t nr;
	int rc = device_ids(ctx, domid, CLASS, &ids, &nr);

	if (rc) {
		return rc;
	}
	rc = -ENOENT;
	for (size_t i = 0; i < nr && rc; i++) {
		char have[32];

		dom_store_get(ctx, have, sizeof(have), DOM_PATH_TOOLS "/%u/device/" CLASS "/%u/mac",
			      domid, ids[i]);
		if (!strcasecmp(have, mac)) {
			*ret_devid = ids[i];
			rc = 0;
		}
	}
	free(ids);
	return rc;
}

int dom_network_detach(struct dom_ctx *ctx, uint32_t domid, const char *which, bool force)
{
	struct xen_domctl_getdomaininfo info;
	struct device dev;
	uint32_t devid;
	char *end;
	int rc = dom_need_store(ctx);

	if (!rc) {
		rc = dom_getinfo(ctx, domid, &info);
	}
	if (rc) {
		return rc;
	}
	if (strchr(which, ':')) {
		rc = find_by_mac(ctx, domid, which, &devid);
	} else {
		devid = (uint32_t)strtoul(which, &end, 10);
		rc = *end || end == which ? -ENOENT : 0;
	}
	if (rc || device_find(ctx, domid, CLASS, devid, &dev)) {
		return dom_err(ctx, -ENODEV,
			       "domain %u has no network interface '%s' (see xl network-list)",
			       domid, which);
	}
	return device_remove(ctx, &dev, force ? DEVICE_FORCE : DEVICE_INSIST);
}
