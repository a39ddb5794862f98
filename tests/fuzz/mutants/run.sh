#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# run.sh NAME OUT 'COMPILER FLAGS' OBJECTS PREFIX [PROGRAM]: puts each fault of
# tests/fuzz/mutants back in that the fuzzer or unit test NAME has to find, links that
# with it, and runs it for at most the patch's budget of seconds. OBJECTS are those of
# the sound one, PREFIX/PATH.o for PATH.c, and libraries; PROGRAM is the sound fuzzer: it
# must find nothing in what all begin with, random inputs and those in the folder SEEDS.
# Fails if a mutant survives. MUTANTS names some, instead of all. A patch's line "In: FILE"
# names what includes the file that it changes.
set -euo pipefail
name=$1 out=$2/$1 cc=$3 objects=$4 prefix=$5 sound=${6:-}
here=${0%/*}
seeds=("$out/seeds")
[ -z "${SEEDS:-}" ] || seeds+=("$SEEDS")
survivors=0 tried=0

header() { # NAME PATCH
	sed -n "s/^$1: *//p" "$2" | head -n 1
}

build() { # PATCH DIR
	local files f objs=$objects
	rm -rf "$2"
	mkdir -p "$2"
	files="$(sed -n 's,^+++ b/,,p' "$1") $(header In "$1")"
	for f in $files; do
		mkdir -p "$2/${f%/*}"
		cp "$f" "$2/$f"
	done
	patch -s -p1 -d "$2" <"$1"
	for f in $files; do
		[[ " $objs " == *" $prefix/${f%.c}.o "* ]] || continue
		# Its own folder is where it includes from.
		# shellcheck disable=SC2086
		$cc -I"${f%/*}" -c -o "$2/${f%.c}.o" "$2/$f"
		objs=${objs/"$prefix/${f%.c}.o"/"$2/${f%.c}.o"}
	done
	# shellcheck disable=SC2086
	$cc -o "$2/program" $objs
}

# Does it find nothing?
survives() { # PATCH DIR
	if [ -z "$sound" ]; then
		timeout "$(header Budget "$1")" "$2/program" >"$2/log" 2>&1
	else
		"$2/program" -seed=1 -max_len="${LENGTH:-2048}" -len_control=10 -timeout=20 \
			-max_total_time="$(header Budget "$1")" -artifact_prefix="$2/" \
			"$2/corpus" "${seeds[@]}" >"$2/log" 2>&1
	fi
}

# Long random inputs to begin with, always the same.
mkdir -p "$out/seeds"
[ -z "$sound" ] || perl -e 'srand(1); for my $i (1 .. 60) {
	open(my $f, ">:raw", "$ARGV[0]/$i") or die;
	print $f pack("C*", map { int(rand(256)) } 1 .. ($ENV{LENGTH} // 2048) * (0.1 + $i / 70));
	close($f);
}' "$out/seeds"

[ -z "$sound" ] || "$sound" -runs=0 "${seeds[@]}" >"$out/log" 2>&1 || {
	tail -n 40 "$out/log"
	exit 1
}

for patch in "$here"/*.patch; do
	mutant=${patch##*/}
	mutant=${mutant%.patch}
	[ "$(header '\(Fuzzer\|Test\)' "$patch")" = "$name" ] || continue
	[ -z "${MUTANTS:-}" ] || [[ " $MUTANTS " == *" $mutant "* ]] || continue
	dir=$out/$mutant
	tried=$((tried + 1))
	build "$patch" "$dir"
	mkdir "$dir/corpus"
	start=$EPOCHREALTIME
	if survives "$patch" "$dir"; then
		echo "  SURVIVES $mutant: see $dir/log"
		survivors=$((survivors + 1))
	else
		awk -v n="$mutant" -v s="$start" -v e="$EPOCHREALTIME" \
			'BEGIN { printf "  KILLED  %-28s %5.1f s\n", n, e - s }'
	fi
done
echo "$((tried - survivors)) $tried" >"$out/summary"
exit $((survivors > 0))
