#!/bin/bash
# SPDX-License-Identifier: MIT
# Compares our xenstored, with its journal, with Debian's oxenstored over the
# socket, everything pinned to one CPU: each row with one and then the other,
# several times, the best of each. Then memory, start-up and live update with
# 100,000 nodes. Each line ends in PASS or FAIL; the exit code says the same.
# usage: run.sh BUILDDIR [SECONDS [TIMES]]
# OXENSTORED: the peer's binary (default: where the package xen-utils-4.17 has
# it). Without one the rows are printed without a verdict.
set -eu
build=$(cd "${1:?usage: run.sh BUILDDIR [SECONDS [TIMES]]}" && pwd)
secs=${2:-0.3}
times=${3:-8}
bench=$build/tests/bench/xenstore/bench
ox=${OXENSTORED:-/usr/lib/xen-4.17/bin/oxenstored}
nodes=100000
# In memory, as /run is.
dir=$(mktemp -d -p /dev/shm)
pids=()
failed=0
# shellcheck disable=SC2317 # by the trap
cleanup() {
	[ ! -f "$dir/pid" ] || kill "$(cat "$dir/pid")" 2>/dev/null || true
	kill "${pids[@]}" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

ours() {
	XENSTORED_RUNDIR=$dir taskset -c 0 "$build/xenstored" -D -F "$dir/pid" 2>>"$dir/ours.log"
}
one() { taskset -c 0 "$bench" "$@"; }
# NAME TEXT CONDITION-IN-AWK
verdict() {
	local word=PASS
	awk "BEGIN { exit !($3) }" || { word=FAIL failed=1; }
	printf '%-28s %s  %s\n' "$1" "$2" $word
}
memory() { awk '/RssAnon/ { print $2 * 1024 }' "/proc/$1/status"; }

ours
theirs=
if [ -x "$ox" ]; then
	if [ -S /run/xenstored/socket ] && timeout 2 "$bench" --first /run/xenstored/socket 2>/dev/null; then
		echo "a store daemon is running on this machine: not measuring oxenstored" >&2
	else
		rm -f /run/xenstored/socket
		mkdir -p /run/xenstored /var/log/xen
		mkfifo "$dir/evt"
		printf 'pid-file = %s/ox.pid\n' "$dir" >"$dir/ox.conf"
		FAKEXEN_DIR=$dir LD_PRELOAD=$build/tests/interop/xenstore/fakexen.so taskset -c 0 "$ox" --no-fork \
			--no-domain-init --config-file "$dir/ox.conf" >"$dir/theirs.log" 2>&1 &
		pids+=($!)
		theirs=/run/xenstored/socket
		timeout 10 "$bench" --first $theirs
	fi
fi

best() { # SOCKET ROW BEST-SO-FAR
	one "$1" "$secs" "$2" | awk -v best="$3" '{ print ($2 > best ? $2 : best) }'
}
printf '%-28s %10s %10s %7s\n' "operations per second" ours oxenstored ratio
echo_rate=0
for row in read overwrite create list-250 10-write-tx 8-clients-10-op-tx write-under-1000-watches; do
	a=0 b=0
	for ((i = 0; i < times; i++)); do
		if [ $row = read ]; then
			echo_rate=$(one --echo "$secs" | awk -v best="$echo_rate" '{ print ($2 > best ? $2 : best) }')
		fi
		a=$(best "$dir/socket" $row "$a")
		[ -z "$theirs" ] || b=$(best $theirs $row "$b")
	done
	[ $row != read ] || read_rate=$a
	if [ "$b" = 0 ]; then
		printf '%-28s %10d\n' $row "$a"
	else
		verdict $row "$(awk "BEGIN { printf \"%10d %10d %7.2f\", $a, $b, $a / $b }")" "$a >= 1.8 * $b"
	fi
done
printf '%-28s %10d\n' echo "$echo_rate"
verdict "reads, of the echo's rate" "$(awk "BEGIN { printf \"%26.0f %%\", 100 * $read_rate / $echo_rate }")" \
	"$read_rate >= 0.7 * $echo_rate"

# Memory: what a fresh daemon grows by.
kill "$(cat "$dir/pid")"
while [ -S "$dir/socket" ]; do sleep 0.01; done
rm -f "$dir"/journal*
ours
before=$(memory "$(cat "$dir/pid")")
one --fill $nodes "$dir/socket"
ours_mem=$(awk "BEGIN { print ($(memory "$(cat "$dir/pid")") - $before) / $nodes }")
if [ -n "$theirs" ]; then
	# Its heap has what the rows have left; a fresh one tells the truth.
	kill "${pids[0]}"
	wait "${pids[0]}" 2>/dev/null || true
	rm -f $theirs
	FAKEXEN_DIR=$dir LD_PRELOAD=$build/tests/interop/xenstore/fakexen.so taskset -c 0 "$ox" --no-fork \
		--no-domain-init --config-file "$dir/ox.conf" >"$dir/theirs.log" 2>&1 &
	pids=($!)
	timeout 10 "$bench" --first $theirs
	before=$(memory "${pids[0]}")
	one --fill $nodes $theirs
	theirs_mem=$(awk "BEGIN { print ($(memory "${pids[0]}") - $before) / $nodes }")
	verdict "bytes of memory a node" "$(awk "BEGIN { printf \"%10d %10d %7.2f\", $ours_mem, $theirs_mem, $ours_mem / $theirs_mem }")" \
		"$ours_mem <= 0.5 * $theirs_mem"
else
	printf '%-28s %10d\n' "bytes of memory a node" "$ours_mem"
fi
printf '%-28s %10d\n' "bytes of journal a node" "$(($(stat -c %s "$dir/journal") / nodes))"

# Killed, started, answered.
kill -9 "$(cat "$dir/pid")"
sleep 0.2
start=$(date +%s%N)
ours
one --first "$dir/socket"
ms=$((($(date +%s%N) - start) / 1000000))
verdict "start with the journal" "$(printf '%25d ms' $ms)" "$ms < 500"

# The longest request of a client while the daemon is replaced. What else runs on
# the machine can only add to it, so: the shortest of several times; beside it
# the same without an update.
update() {
	local old load
	one --longest 1 "$dir/socket" >"$dir/longest" &
	load=$!
	sleep 0.3
	old=$(cat "$dir/pid")
	XENSTORED_RUNDIR=$dir "$build/xenstore-control" live-update -s >"$dir/control" ||
		{ cat "$dir/control" "$dir/ours.log" >&2; failed=1; }
	wait $load
	[ "$(cat "$dir/pid")" != "$old" ] || { echo "not updated" >&2; failed=1; }
}
least() { awk -v best="$1" '{ print ($1 < best ? $1 : best) }'; }
with=10000 without=10000
for ((i = 0; i < 5; i++)); do
	update
	with=$(least "$with" <"$dir/longest")
	without=$(one --longest 1 "$dir/socket" | least "$without")
done
verdict "longest pause in an update" "$(printf '%11.1f ms, without %3.1f ms' "$with" "$without")" "$with < 20"
exit $failed
