#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Runs test guests one by one in a control domain, and prints TAP.
# usage: run-in-dom0.sh DIR [NAME...]
#
# DIR holds the kernels test-NAME, each with test-NAME.cfg: lines that are added
# to its configuration. Needs a shell, busybox and xl; nothing else. What a
# guest printed is shown as comments if it did not succeed, or if VERBOSE is set.

dir=$1
shift
[ $# -gt 0 ] || set -- $(cd "$dir" && ls | sed -n 's/^test-\([a-z0-9-]*\)$/\1/p')
limit=${TEST_SECONDS:-40}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Starts test $1 and waits until it is gone; its console is in $out/console.
run_guest()
{
	{
		echo "name = \"test-$1\""
		echo "kernel = \"$dir/test-$1\""
		echo "memory = 32"
		echo 'on_poweroff = "destroy"'
		echo 'on_reboot = "destroy"'
		echo 'on_crash = "destroy"'
		cat "$dir/test-$1.cfg"
	} >"$out/cfg"
	: >"$out/console"
	xl create -p "$out/cfg" >"$out/xl" 2>&1 || return 1
	xl console "test-$1" </dev/null >"$out/console" 2>&1 &
	console=$!
	sleep 0.3
	xl unpause "test-$1" >>"$out/xl" 2>&1 || return 1
	ticks=0
	while xl domid "test-$1" >/dev/null 2>&1; do
		ticks=$((ticks + 1))
		if [ $ticks -gt $((limit * 5)) ]; then
			echo "still running after $limit seconds" >>"$out/xl"
			xl destroy "test-$1"
			break
		fi
		sleep 0.2
	done
	wait $console
	return 0
}

# The result line that test $1 left, or what its lack means.
result_of()
{
	if ! run_guest "$1"; then
		echo "ERROR could not be started"
		return
	fi
	line=$(tr -d '\r' <"$out/console" | sed -n 's/^Test result: //p' | tail -n 1)
	echo "${line:-CRASH}"
}

echo "1..$#"
n=0
failed=0
for name; do
	n=$((n + 1))
	result=$(result_of "$name")
	case $result in
	SUCCESS) echo "ok $n - $name" ;;
	SKIP*) echo "ok $n - $name # $result" ;;
	*)
		echo "not ok $n - $name: $result"
		failed=$((failed + 1))
		;;
	esac
	case $result$VERBOSE in
	SUCCESS | SKIP*) ;;
	*) cat "$out/xl" "$out/console" | tr -d '\r' | sed 's/^/# /' ;;
	esac
done
echo "# $((n - failed)) of $n passed"
[ $failed -eq 0 ]
