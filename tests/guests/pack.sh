#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Packs the test guests and their runner as an initramfs that a control domain's
# own can be followed by: all ends up in its folder /guests.
# usage: pack.sh GUESTS OUT [FILE...]
#
# GUESTS holds the kernels test-NAME, each with test-NAME.cfg; a FILE goes into
# the root of the image (as an init of another kind does).
set -euo pipefail
guests=$1 out=$(readlink -f "$2")
shift 2
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/guests"
for cfg in "$guests"/test-*.cfg; do
	cp "$cfg" "$work/guests/"
	strip -o "$work/guests/$(basename "${cfg%.cfg}")" "${cfg%.cfg}"
done
cp "$here/run-in-dom0.sh" "$work/guests/"
[ $# -eq 0 ] || cp -p "$@" "$work/"
(cd "$work" && find . | sort | cpio --quiet -R 0:0 -o -H newc | gzip -1) >"$out"
