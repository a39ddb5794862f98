# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# What the scripts that make images share. Sourced, not run.
#
# An image is an initramfs: a directory tree with busybox in it, shared
# libraries found by ldd, and just the modules that are needed.
# shellcheck disable=SC2034

set -euo pipefail
PATH=$PATH:/sbin:/usr/sbin

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# need_space DIR MIB WHAT: or else there is no point in beginning.
need_space() {
	local free

	free=$(df --output=avail -BM "$1" | tail -n 1)
	free=${free//[!0-9]/}
	[ "$free" -ge "$2" ] || die "$1: $3 takes $2 MiB, and $free MiB are free there"
}

# tree DIR: an empty root file system with busybox.
tree() {
	local d=$1 busybox=/bin/busybox a

	[ -x $busybox ] || die "$busybox is missing: install busybox-static"
	rm -rf "$d"
	mkdir -p "$d"/{bin,dev,etc,lib,lib64,mnt,proc,root,run,sys,tmp,usr/bin,usr/lib,var/lib,var/log}
	ln -s bin "$d/sbin"
	ln -s ../run "$d/var/run"
	cp $busybox "$d/bin/"
	for a in $($busybox --list); do
		[ "$a" = busybox ] || ln -sf busybox "$d/bin/$a"
	done
}

# with_libs DIR FILE...: the shared libraries that these files need, looked for
# in $LIB_PATH first.
with_libs() {
	local d=$1 out missing l
	shift
	out=$(for f in "$@"; do LD_LIBRARY_PATH=${LIB_PATH:-} ldd "$f" 2>/dev/null || :; done | sort -u)
	missing=$(awk '/not found/ { print $1 }' <<<"$out" | sort -u)
	[ -z "$missing" ] || die "shared libraries are missing: ${missing//$'\n'/ }"
	awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' <<<"$out" | sort -u | while read -r l; do
		# All go to one place, where the loader looks anyhow.
		install -D -m 644 "$(realpath "$l")" "$d/usr/lib/x86_64-linux-gnu/${l##*/}"
	done
	[ ! -e "$d/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" ] ||
		install -m 755 /lib64/ld-linux-x86-64.so.2 "$d/lib64/"
}

# kernel_release DIR: the release of the kernel unpacked there.
kernel_release() {
	local k=("$1"/lib/modules/*)

	[ -d "${k[0]}" ] || die "$1: no kernel here"
	echo "${k[0]##*/}"
}

# module_files DIR MODULE...: the files of these modules and of all they need,
# in the order in which they can be loaded.
module_files() {
	local d=$1 k m
	shift
	k=$(kernel_release "$d")
	[ -e "$d/lib/modules/$k/modules.dep.bin" ] || depmod -b "$d" "$k"
	for m in "$@"; do
		modprobe -d "$d" -S "$k" --show-depends "$m" 2>/dev/null ||
			grep -q "/${m//_/[-_]}.ko" "$d/lib/modules/$k/modules.builtin" ||
			die "kernel $k has no module $m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# with_modules ROOT DIR MODULE...: modules of the kernel in DIR, loadable by
# modprobe, unpacked, and stripped of what only debuggers read.
with_modules() {
	local root=$1 d=$2 k f rel
	shift 2
	k=$(kernel_release "$d")
	module_files "$d" "$@" | while read -r f; do
		rel=lib/modules/$k/${f#*"/lib/modules/$k/"}
		mkdir -p "$root/${rel%/*}"
		case $rel in
		*.xz)
			rel=${rel%.xz}
			xz -dc "$f" >"$root/$rel"
			strip --strip-debug "$root/$rel"
			;;
		*) strip --strip-debug -o "$root/$rel" "$f" ;;
		esac
	done
	cp "$d/lib/modules/$k"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$k/"
	sed -i 's/\.xz$//' "$root/lib/modules/$k/modules.order"
	depmod -b "$root" "$k"
	rm -f "$root/lib/modules/$k"/modules.{*.bin,symbols,devname,softdep}
}

# early_list ROOT DIR MODULE...: the paths of these modules inside the image,
# for an init that loads them by insmod without looking anything up.
early_list() {
	local root=$1 d=$2 k
	shift 2
	k=$(kernel_release "$d")
	module_files "$d" "$@" | sed "s,.*/lib/modules/$k/,/lib/modules/$k/,; s/\.xz\$//" >"$root/etc/modules.early"
}

# pack ROOT FILE: makes the initramfs.
pack() {
	local tmp=$2.tmp
	(cd "$1" && find . -print0 | LC_ALL=C sort -z |
		cpio --null -o -H newc -R 0:0 --quiet --reproducible) | ${PACK:-cat} >"$tmp"
	mv "$tmp" "$2"
}
