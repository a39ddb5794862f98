#!/bin/bash
# SPDX-License-Identifier: MIT
# Compares our xenstored with Debian's oxenstored over the socket, everything
# pinned to one CPU, each row measured in turns. Also prints an echo's rate.
# usage: run.sh BUILDDIR [SECONDS]
# OXENSTORED: the peer's binary (default: where the package xen-utils-4.17 has it).
set -eu
build=$(cd "${1:?usage: run.sh BUILDDIR [SECONDS]}" && pwd)
secs=${2:-1}
bench=$build/tests/bench/xenstore
ox=${OXENSTORED:-/usr/lib/xen-4.17/bin/oxenstored}
dir=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # by the trap
cleanup() {
	kill "${pids[@]}" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

wait_for() {
	for ((i = 0; i < 100; i++)); do
		[ -S "$1" ] && return 0
		sleep 0.05
	done
	echo "no daemon at $1" >&2
	exit 1
}

XENSTORED_RUNDIR=$dir taskset -c 0 "$build/xenstored" -N -D 2>"$dir/ours.log" &
pids+=($!)
wait_for "$dir/socket"
theirs=
if [ -x "$ox" ]; then
	if [ -S /run/xenstored/socket ] && xenstore-exists / 2>/dev/null; then
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
		wait_for $theirs
	fi
fi
echo_rate=$(taskset -c 0 "$bench/bench" --echo "$secs" | awk '{ print $2 }')
taskset -c 0 "$bench/bench" "$dir/socket" "$secs" >"$dir/ours"
if [ -n "$theirs" ]; then
	taskset -c 0 "$bench/bench" $theirs "$secs" >"$dir/theirs"
else
	sed 's/[0-9]*$/0/' "$dir/ours" >"$dir/theirs"
fi
printf '%-28s %10s %10s %7s\n' "operations per second" ours oxenstored ratio
paste "$dir/ours" "$dir/theirs" |
	awk '{ printf "%-28s %10d %10d %7s\n", $1, $2, $4, $4 ? sprintf("%.2f", $2 / $4) : "-" }'
printf '%-28s %10d\n' "echo" "$echo_rate"
