#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Runs test guests one by one in a control domain, and prints TAP.
# usage: run-in-dom0.sh DIR [NAME...]
#
# DIR holds the kernels test-NAME, each with test-NAME.cfg: lines that are added
# to its configuration, of which "# expect: RESULT..." names the results that are
# right (SUCCESS if it is not there), and "# peers: N" has N more of the same kernel run
# beside it (with "peer=1" and so on on their command lines), until it has ended; each
# finds the ids of all, its own kind first, in its store node data/peers. Needs a shell,
# busybox, xl and xenstore-write; nothing else.
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
limit=${TEST_SECONDS:-80}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Creates a domain $1 of the kernel of test $2, paused, with "peer=$3" if it is one;
# its console goes to $out/$1.
create()
{
	{
		echo "name = \"$1\""
		echo "kernel = \"$dir/test-$2\""
		echo "memory = 32"
		[ -z "$3" ] || echo "extra = \"peer=$3\""
		echo 'on_poweroff = "destroy"'
		echo 'on_reboot = "destroy"'
		echo 'on_crash = "destroy"'
		cat "$dir/test-$2.cfg"
	} >"$out/cfg"
	: >"$out/$1"
	xl create -p "$out/cfg" >>"$out/xl" 2>&1 || return 1
	timeout "$limit" xl console "$1" </dev/null >"$out/$1" 2>&1 &
	consoles="${consoles:+$consoles }$!"
	all="$all $1"
}

# Lets all that were created run, each with the ids of all.
unpause()
{
	ids=
	for i in $all; do
		ids="$ids $(xl domid "$i")"
	done
	sleep 0.3
	for i in $all; do
		[ "$all" = " $i" ] || xenstore-write "/local/domain/$(xl domid "$i")/data/peers" "${ids# }"
		xl unpause "$i" >>"$out/xl" 2>&1 || return 1
	done
}

# Runs test $1 until it is gone, and then takes its peers away; their consoles are in
# $out.
run_guest()
{
	all='' consoles=''
	rm -f "$out"/test-*
	: >"$out/xl"
	create "test-$1" "$1" || return 1
	n_peers=$(sed -n 's/^# peers: *//p' "$dir/test-$1.cfg")
	for p in $(seq 1 "${n_peers:-0}"); do
		create "test-$1-$p" "$1" "$p" || return 1
	done
	unpause || return 1
	# Its console's client ends when it is gone. No commands meanwhile: they would be
	# in its way.
	wait "${consoles%% *}"
	if [ $? -gt 123 ]; then
		echo "still running after $limit seconds" >>"$out/xl"
		xl destroy "test-$1"
	fi
	for i in ${all#" test-$1"}; do
		xl destroy "$i" >>"$out/xl" 2>&1 || echo "Failure: $i has ended" >>"$out/$i"
	done
	# shellcheck disable=SC2086
	wait $consoles
	return 0
}

# The result line that test $1 left, or what its lack means.
result_of()
{
	if ! run_guest "$1"; then
		echo "ERROR could not be started"
		return
	fi
	line=$(tr -d '\r' <"$out/test-$1" | sed -n 's/^Test result: //p' | tail -n 1)
	! grep -q '^Failure\|^Error' "$out/test-$1"-* 2>/dev/null || line='FAILURE of a peer'
	echo "${line:-CRASH}"
}

# Domains, and free memory in MiB; quickly, if there is hvstat.
count()
{
	if command -v hvstat >/dev/null; then
		hvstat | awk '/^domain[0-9]/ { d++ } /^free / { f = int($2 / 256) }
			END { print d " domains, " f " MiB free" }'
		return
	fi
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
	cat "$out/xl" "$out"/test-* | tr -d '\r' | sed 's/^/# /'
done
echo "# $((n - failed)) of $n passed"
[ $failed -eq 0 ]
