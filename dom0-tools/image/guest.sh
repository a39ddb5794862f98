#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Makes the initramfs of a guest: busybox to a shell on hvc0, or, when the
# kernel's command line has root=, on to that root file system.
#
#   guest.sh KERNELDIR OUT
# shellcheck source=dom0-tools/image/lib.sh
. "${0%/*}/lib.sh"

kernel=$1
out=$2
files=${0%/*}/files
root=$out.d

tree "$root"
with_modules "$root" "$kernel" xen-blkfront xen-netfront ext4
install -m 755 "$files/guest-init" "$root/init"
install -m 755 "$files/guest-rc" "$root/etc/rc"
install -m 644 "$files/guest-inittab" "$root/etc/inittab"
install -m 755 "$files/udhcpc" "$root/etc/udhcpc"
printf 'root::0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
PACK=${PACK:-gzip -1n} pack "$root" "$out"
