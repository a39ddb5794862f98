#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Unpacks Debian packages, without installing them, into a directory.
#
#   fetch.sh DIR PACKAGE...       those packages
#   fetch.sh DIR kernel:6.12      the newest kernel package of that series
#
# The packages are downloaded by apt-get once and kept in DIR.debs.
# shellcheck source=dom0-tools/image/lib.sh
. "${0%/*}/lib.sh"

newest_kernel() {
	local k
	k=$(apt-cache search -n "^linux-image-$1[.0-9]*[-+]" | cut -d' ' -f1 |
		grep -E "^linux-image-${1//./\\.}\.[0-9]+(-[0-9]+|\+deb[0-9]+)-amd64\$" | sort -V | tail -n 1)
	if [ -z "$k" ]; then
		die "apt knows no kernel of series $1 (is 'apt-get update' due?)"
	fi
	echo "$k"
}

dir=$1
shift
packages=()
for p in "$@"; do
	case $p in
	kernel:*) p=$(newest_kernel "${p#kernel:}") ;;
	esac
	packages+=("$p")
done

rm -rf "$dir" "$dir.new"
mkdir -p "$dir.new" "$dir.debs"
for p in "${packages[@]}"; do
	echo "  FETCH   $p"
	if ! compgen -G "$dir.debs/${p}_*.deb" >/dev/null; then
		need_space "$dir.debs" 100 "downloading $p"
		(cd "$dir.debs" && apt-get -q=2 -o APT::Sandbox::User=root download "$p") ||
			die "apt-get could not download $p (is there a network? is 'apt-get update' due?)"
	fi
	size=$(dpkg-deb -f "$dir.debs/${p}"_*.deb Installed-Size)
	need_space "$dir.new" $((size / 1024 + 1)) "unpacking $p"
	dpkg -x "$dir.debs/${p}"_*.deb "$dir.new"
done
mv "$dir.new" "$dir"
