#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Makes the disk of the guest "debian": a Debian 12 with systemd and network,
# by debootstrap, on an ext4 file system that fills the disk.
#
#   rootfs.sh KERNELDIR OUT
#
# Needs root for debootstrap, and asks sudo for it. root may log in on the
# console without a password: it is for a machine that nobody else reaches.
# shellcheck source=dom0-tools/image/lib.sh
. "${0%/*}/lib.sh"

kernel=$1
out=$2
root=$out.d
size=${ROOTFS_SIZE:-1G}

if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "neither root nor sudo: debootstrap needs one of them"
	exec sudo "$0" "$@"
fi

need_space "${out%/*}" 1200 "a Debian on a disk"
# shellcheck disable=SC2016 # the text in brackets is for apt-get
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' |
	sed -n 1p)
rm -rf "$root"
debootstrap --variant=minbase \
	--include=systemd-sysv,udev,dbus,kmod,iproute2,iputils-ping,systemd-resolved \
	bookworm "$root" ${mirror:+"$mirror"} >"$out.log" 2>&1 || {
	tail -n 20 "$out.log" >&2
	die "debootstrap failed, see $out.log"
}
with_modules "$root" "$kernel" xen-blkfront xen-netfront ext4 autofs4 xen-kbdfront
# Its kmod reads the binary index, which busybox's has no use for.
depmod -b "$root" "$(kernel_release "$kernel")"
printf 'xen-netfront\n' >"$root/etc/modules-load.d/pavise.conf"
echo debian >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 debian\n' >"$root/etc/hosts"
printf '/dev/xvda / ext4 errors=remount-ro 0 1\n' >"$root/etc/fstab"
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/lan.network"
chroot "$root" systemctl -q enable systemd-networkd serial-getty@hvc0
chroot "$root" systemctl -q mask systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer
chroot "$root" passwd -q -d root
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
rm -f "$out.tmp"
truncate -s "$size" "$out.tmp"
mkfs.ext4 -q -L debian -d "$root" "$out.tmp"
rm -rf "$root"
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-}" "$out.tmp" "$out.log"
mv "$out.tmp" "$out"
