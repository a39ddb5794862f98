#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the same commands with our tools and with Debian's xenstore-utils, each
# against a fresh daemon of ours, and compares output and exit codes. TAP.
# usage: tools.sh BUILDDIR     needs: xenstore-utils
set -u
build=$(cd "${1:?usage: tools.sh BUILDDIR}" && pwd)
theirs=/usr/bin
if [ ! -x $theirs/xenstore-ls ]; then
	echo "1..0 # SKIP xenstore-utils is not installed"
	exit 0
fi
dir=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # by the trap
cleanup() {
	kill "${pids[@]}" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT

for who in ours theirs; do
	mkdir "$dir/$who"
	XENSTORED_RUNDIR=$dir/$who "$build/xenstored" -N -D 2>"$dir/$who.log" &
	pids+=($!)
done
for who in ours theirs; do
	for ((i = 0; i < 100; i++)); do
		[ -S "$dir/$who/socket" ] && break
		sleep 0.05
	done
done

long=$(printf 'v%.0s' $(seq 100))
n=0 failed=0
# One command line, with the tools in PATH under the same names.
t() {
	local who bin
	for who in ours theirs; do
		bin=$theirs
		[ $who = ours ] && bin=$build
		(
			export XENSTORED_RUNDIR=$dir/$who PATH=$bin:$PATH
			eval "$1"
		) >"$dir/$who.out" 2>/dev/null
		echo "rc $?" >>"$dir/$who.out"
	done
	n=$((n + 1))
	if cmp -s "$dir/ours.out" "$dir/theirs.out"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		diff "$dir/theirs.out" "$dir/ours.out" | sed 's/^/# /'
		failed=1
	fi
}

t 'xenstore-write /a/b hello /a/c "x\"y" /a/empty "" /a/b/deep val'
t 'xenstore-write /a/d "a\x01b\nc\td\x00e\\\\f\xff\101\x7" /a/long '"$long"
t 'xenstore-write /a/e "\x1g\z\8\1234"; xenstore-read /a/e'
t 'xenstore-write /a/x; xenstore-write; xenstore-write "/a b" v'
t 'xenstore-write -R /a/raw "a\x01"; xenstore-read -R /a/raw'
t 'xenstore-chmod /a/b n0 r5 b7 w9'
for o in "" -f -p "-f -p" -s; do
	t "xenstore-ls $o"
	t "xenstore-ls $o /a"
	t "xenstore-ls $o /a/b"
	t "xenstore-ls $o /"
done
t 'xenstore-ls /nope'
t 'xenstore-ls /a /nope /a/b'
t "script -qec 'stty cols 60; xenstore-ls -p' /dev/null"
t "script -qec 'stty cols 100; xenstore-ls -f' /dev/null"
t 'xenstore-read /a/b /a/d /a/c'
t 'xenstore-read -p /a/b /a/d'
t 'xenstore-read /a/b /nope /a/c'
t 'xenstore-read'
t 'xenstore-list /a; xenstore-list -p /a /a/b; xenstore-list /nope; xenstore-list /a/empty'
t 'xenstore-list -s / /a'
t 'xenstore-exists /a'
t 'xenstore-exists /a /nope'
t 'xenstore-exists -p /nope'
t 'xenstore-rm /nope'
t 'xenstore-rm /nope/x'
t 'xenstore-rm /'
t 'xenstore-write /t/1/2/3 "" && xenstore-rm -t /t/1/2/3; xenstore-exists /t'
t 'xenstore-write /t/1/2/3 "" /t/k v && xenstore-rm -t /t/1/2/3; xenstore-ls /t'
t 'xenstore-chmod /a n1; xenstore-ls -p'
t 'xenstore-chmod /nope n0; xenstore-chmod /a x1; xenstore-chmod /a'
t 'xenstore-chmod -r /a n2 r3; xenstore-ls -fp'
t 'xenstore-chmod -u /a/b/deep n4; xenstore-ls -fp'
t 'timeout 5 xenstore-watch -n 2 /a /t'
t '(sleep 0.3; xenstore-write /a/b new; xenstore-rm /a/c) & timeout 5 xenstore-watch -n 3 /a'
t 'xenstore-watch -n 1 "x y"'
t 'xenstore read /a/b; xenstore list /a; xenstore bogus'
t 'XENSTORED_RUNDIR=/nonexistent xenstore-read /a'
echo "1..$n"
exit $failed
