#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Runs test guests one by one in a control domain, and prints TAP.
# usage: run-in-dom0.sh DIR [NAME...]
#
# DIR holds the kernels test-NAME, each with test-NAME.cfg: lines that are added
# to its configuration, of which "# expect: RESULT..." names the results that are
# right (SUCCESS if it is not there). Needs a shell, busybox and xl; nothing else.
#
# After each guest the control domain must have as many domains, and the
# hypervisor as much free memory, as before. What a guest printed is shown as
# comments if its result is wrong, or if VERBOSE is set.

dir=$1
shift
if [ $# -eq 0 ]; then
	for cfg in "$dir"/test-*.cfg; do
		name=${cfg##*/test-}
		set -- "$@" "${name%.cfg}"
	done
fi
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

# Domains, and free memory in MiB
count()
{
	echo "$(xl list | sed 1d | wc -l) domains, $(xl info | sed -n 's/^free_memory *: *//p') MiB free"
}

# Whether everything is back after a test; the last pieces may take a moment.
nothing_leaked()
{
	tries=0
	while after=$(count) && [ "$after" != "$before" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 50 ]; then
			break
		fi
		sleep 0.2
	done
	echo "before: $before; after: $after" >>"$out/xl"
	[ "$after" = "$before" ]
}

# Whether result $2 is right for test $1
right()
{
	expected=$(sed -n 's/^# expect: *//p' "$dir/test-$1.cfg")
	for word in ${expected:-SUCCESS} SKIP; do
		[ "${2%% *}" = "$word" ] && return 0
	done
	return 1
}

echo "1..$#"
n=0
failed=0
for name; do
	n=$((n + 1))
	before=$(count)
	result=$(result_of "$name")
	nothing_leaked || result="LEAK after $result"
	if right "$name" "$result"; then
		case $result in
		SKIP*) echo "ok $n - $name # $result" ;;
		*) echo "ok $n - $name" ;;
		esac
		[ -n "$VERBOSE" ] || continue
	else
		echo "not ok $n - $name: $result"
		failed=$((failed + 1))
	fi
	cat "$out/xl" "$out/console" | tr -d '\r' | sed 's/^/# /'
done
echo "# $((n - failed)) of $n passed"
[ $failed -eq 0 ]
