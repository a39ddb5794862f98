#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# test_decompress.sh PROGRAM FILE FOLDER: packs FILE in each format that a
# kernel's payload may have, and lets PROGRAM (see test_decompress.c) unpack it
# whole and damaged. Packages: xz-utils zstd lz4 gzip.
set -eu
program=$1 file=$2 dir=$3
mkdir -p "$dir"

# As the kernel's build does it.
xz --check=crc32 --x86 --lzma2=dict=32MiB -c "$file" >"$dir/crc32.xz"
zstd -q -f --ultra -22 --long=27 "$file" -o "$dir/f.zst"
gzip -n -9 -c "$file" >"$dir/f.gz"
lz4 -l -9 -q -c "$file" >"$dir/f.lz4"
"$program" xz "$dir/crc32.xz" "$file" 300
"$program" zstd "$dir/f.zst" "$file" 2000
"$program" gzip "$dir/f.gz" "$file" 600
"$program" lz4 "$dir/f.lz4" "$file" 2000

# The other checks of xz; CRC64 needs a constructor to have run.
for check in crc64 sha256 none; do
	xz -1 --check=$check -c "$file" >"$dir/$check.xz"
	"$program" xz "$dir/$check.xz" "$file"
done
# A dictionary beyond what the scratch area can hold is an error, not a crash.
xz --lzma2=dict=64MiB -c "$file" >"$dir/large.xz"
if "$program" xz "$dir/large.xz" "$file" >"$dir/log"; then
	echo "FAILURE: a dictionary that is too large was accepted"
	exit 1
fi
grep -q "not enough memory" "$dir/log"
