/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What a guest has in the store. See guest.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <tests/bench/xenstore/guest.h>

/*
 * $n: its number; $u: a UUID; $m: a MAC address; $p: a port; $r: a grant reference;
 * $f, $b, $c: the folders of the front-ends, and of their back-ends for card and disk.
 */
static const struct {
	const char *path, *value;
} nodes[] = {
	{"/vm/$u/name", "guest-$n"},
	{"/vm/$u/uuid", "$u"},
	{"/vm/$u/start_time", "17000$p.62"},
	{"/vm/$u/image/ostype", "linux"},
	{"/vm/$u/image/kernel", "/var/lib/guests/$n/vmlinuz"},
	{"/vm/$u/image/ramdisk", "/var/lib/guests/$n/initrd.img"},
	{"$f/vm", "/vm/$u"},
	{"$f/name", "guest-$n"},
	{"$f/domid", "$n"},
	{"$f/cpu/0/availability", "online"},
	{"$f/cpu/1/availability", "online"},
	{"$f/memory/static-max", "1048576"},
	{"$f/memory/target", "1048577"},
	{"$f/memory/videoram", "-1"},
	{"$f/control/shutdown", ""},
	{"$f/control/feature-poweroff", "1"},
	{"$f/control/feature-reboot", "1"},
	{"$f/control/feature-suspend", ""},
	{"$f/control/sysrq", ""},
	{"$f/control/platform-feature-multiprocessor-suspend", "1"},
	{"$f/control/platform-feature-xs_reset_watches", "1"},
	{"$f/data", ""},
	{"$f/drivers", ""},
	{"$f/feature", ""},
	{"$f/attr", ""},
	{"$f/error", ""},
	{"$f/store/port", "1"},
	{"$f/store/ring-ref", "$r"},
	{"$f/console/backend", "/local/domain/0/backend/console/$n/0"},
	{"$f/console/backend-id", "0"},
	{"$f/console/limit", "1048576"},
	{"$f/console/type", "xenconsoled"},
	{"$f/console/output", "pty"},
	{"$f/console/tty", "/dev/pts/$n"},
	{"$f/console/port", "2"},
	{"$f/console/ring-ref", "$r"},
	{"$f/device/vif/0/backend", "$b"},
	{"$f/device/vif/0/backend-id", "0"},
	{"$f/device/vif/0/state", "4"},
	{"$f/device/vif/0/handle", "0"},
	{"$f/device/vif/0/mac", "$m"},
	{"$f/device/vif/0/mtu", "1500"},
	{"$f/device/vif/0/xdp-headroom", "0"},
	{"$f/device/vif/0/multi-queue-num-queues", "1"},
	{"$f/device/vif/0/tx-ring-ref", "$r"},
	{"$f/device/vif/0/rx-ring-ref", "$r"},
	{"$f/device/vif/0/event-channel-tx", "$p"},
	{"$f/device/vif/0/event-channel-rx", "$p"},
	{"$f/device/vif/0/request-rx-copy", "1"},
	{"$f/device/vif/0/feature-rx-notify", "1"},
	{"$f/device/vif/0/feature-sg", "1"},
	{"$f/device/vif/0/feature-gso-tcpv4", "1"},
	{"$f/device/vif/0/feature-gso-tcpv6", "1"},
	{"$f/device/vif/0/feature-ipv6-csum-offload", "1"},
	{"$f/device/vbd/51712/backend", "$c"},
	{"$f/device/vbd/51712/backend-id", "0"},
	{"$f/device/vbd/51712/state", "4"},
	{"$f/device/vbd/51712/virtual-device", "51712"},
	{"$f/device/vbd/51712/device-type", "disk"},
	{"$f/device/vbd/51712/protocol", "x86_64-abi"},
	{"$f/device/vbd/51712/ring-ref", "$r"},
	{"$f/device/vbd/51712/event-channel", "$p"},
	{"$f/device/vbd/51712/feature-persistent", "1"},
	{"$b/frontend", "$f/device/vif/0"},
	{"$b/frontend-id", "$n"},
	{"$b/online", "1"},
	{"$b/state", "4"},
	{"$b/script", "/etc/xen/scripts/vif-bridge"},
	{"$b/mac", "$m"},
	{"$b/bridge", "xenbr0"},
	{"$b/handle", "0"},
	{"$b/type", "vif"},
	{"$b/vifname", "vif$n.0"},
	{"$b/hotplug-status", "connected"},
	{"$b/feature-sg", "1"},
	{"$b/feature-gso-tcpv4", "1"},
	{"$b/feature-gso-tcpv6", "1"},
	{"$b/feature-ipv6-csum-offload", "1"},
	{"$b/feature-rx-copy", "1"},
	{"$b/feature-rx-flip", "0"},
	{"$b/feature-multicast-control", "1"},
	{"$b/feature-split-event-channels", "1"},
	{"$b/multi-queue-max-queues", "2"},
	{"$b/feature-ctrl-ring", "1"},
	{"$c/frontend", "$f/device/vbd/51712"},
	{"$c/frontend-id", "$n"},
	{"$c/online", "1"},
	{"$c/removable", "0"},
	{"$c/bootable", "1"},
	{"$c/state", "4"},
	{"$c/dev", "xvda"},
	{"$c/type", "phy"},
	{"$c/mode", "w"},
	{"$c/device-type", "disk"},
	{"$c/discard-enable", "1"},
	{"$c/params", "/dev/vg0/guest-$n-disk"},
	{"$c/physical-device-path", "/dev/vg0/guest-$n-disk"},
	{"$c/physical-device", "fd:$n"},
	{"$c/hotplug-status", "connected"},
	{"$c/feature-flush-cache", "1"},
	{"$c/feature-discard", "0"},
	{"$c/feature-barrier", "1"},
	{"$c/feature-persistent", "1"},
	{"$c/feature-max-indirect-segments", "256"},
	{"$c/multi-queue-max-queues", "2"},
	{"$c/max-ring-page-order", "4"},
	{"$c/sectors", "419$p"},
	{"$c/info", "0"},
	{"$c/sector-size", "512"},
	{"$c/physical-sector-size", "4096"},
};

#define NR_NODES (sizeof(nodes) / sizeof(nodes[0]))

/* The same for the same @seed, and otherwise anything. */
static uint64_t scramble(uint64_t seed)
{
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
	return seed ^ seed >> 31;
}

static void expand(const char *text, unsigned long guest, unsigned long i, char *to)
{
	uint64_t own = scramble(guest), other = scramble(own), one = scramble(i);
	char *end = to + GUEST_TEXT, part[GUEST_TEXT];

	for (; *text; text++) {
		if (*text != '$') {
			to += snprintf(to, (size_t)(end - to), "%c", *text);
			continue;
		}
		switch (*++text) {
		case 'n':
			snprintf(part, sizeof(part), "%lu", guest);
			break;
		case 'u':
			snprintf(part, sizeof(part), "%08x-%04x-4%03x-a%03x-%012llx",
				 (unsigned int)own, (unsigned int)(own >> 32 & 0xffff),
				 (unsigned int)(own >> 48 & 0xfff), (unsigned int)(other & 0xfff),
				 (unsigned long long)(other >> 16));
			break;
		case 'm':
			snprintf(part, sizeof(part), "00:16:3e:%02x:%02x:%02x",
				 (unsigned int)(own >> 8 & 0x7f), (unsigned int)(own >> 16 & 0xff),
				 (unsigned int)(own >> 24 & 0xff));
			break;
		case 'p':
			snprintf(part, sizeof(part), "%u", (unsigned int)(one % 4000 + 3));
			break;
		case 'r':
			snprintf(part, sizeof(part), "%u", (unsigned int)(one % 15000 + 8));
			break;
		case 'f':
			snprintf(part, sizeof(part), "/local/domain/%lu", guest);
			break;
		case 'b':
			snprintf(part, sizeof(part), "/local/domain/0/backend/vif/%lu/0", guest);
			break;
		default:
			snprintf(part, sizeof(part), "/local/domain/0/backend/vbd/%lu/51712",
				 guest);
		}
		to += snprintf(to, (size_t)(end - to), "%s", part);
	}
	*to = '\0';
}

void guest_node(unsigned long i, char *path, char *value)
{
	unsigned long guest = i / NR_NODES + 1;

	expand(nodes[i % NR_NODES].path, guest, i, path);
	expand(nodes[i % NR_NODES].value, guest, i, value);
}
