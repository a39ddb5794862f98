#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# run.sh OUT FUZZER...: runs fuzzers, as many at a time as there are processors, each
# FUZZ_TEST_SECONDS long (10) from the seed FUZZ_SEED (1), and all of them again with
# the next seed, as long as it takes by what they did so far, until they have executed
# FUZZ_RUNS_MIN inputs together (10 million).
# A FUZZER is NAME:PROGRAM:MAX_LEN:SEEDS. Prints what each did, leaves it in
# OUT/summary, and stops at the first failure with its input and seed.
set -euo pipefail
out=$1
shift
seconds=${FUZZ_TEST_SECONDS:-10} seed=${FUZZ_SEED:-1} enough=${FUZZ_RUNS_MIN:-10000000}
jobs=${FUZZ_JOBS:-$(nproc)}
mkdir -p "$out"
rm -f "$out"/*.log "$out"/*.ran "$out"/*.failed

# What it did: NAME RUNS SECONDS
one() { # SEED NAME:PROGRAM:MAX_LEN:SEEDS
	local name program max_len seeds log start
	IFS=: read -r name program max_len seeds <<<"$2"
	log=$out/$name.$1.log
	start=$EPOCHREALTIME
	# What it finds goes to the first folder; seeds are only read.
	rm -rf "$out/found-$name"
	mkdir "$out/found-$name"
	# shellcheck disable=SC2086
	if ! "$program" -seed="$1" -max_len="$max_len" -len_control=10 -timeout=30 -rss_limit_mb=2048 \
		-max_total_time="$seconds" -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$out/$name-" "$out/found-$name" $seeds >"$log" 2>&1; then
		echo "$name" >"$out/$name.failed"
		return 1
	fi
	awk -v n="$name" -v s="$start" -v e="$EPOCHREALTIME" \
		'/number_of_executed_units/ { runs = $2 } END { print n, runs, e - s }' "$log" >"${log%.log}.ran"
}

total() {
	cat "$out"/*.ran | awk '{ n += $2 } END { print n + 0 }'
}

while :; do
	for f in "$@"; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
			wait -n || break 2
		done
		one "$seed" "$f" &
	done
	wait
	if ls "$out"/*.failed >/dev/null 2>&1; then
		for f in "$out"/*.failed; do
			name=$(cat "$f")
			echo "  FAILED  $name, seed $seed: the input is $out/$name-*"
			tail -n 40 "$out/$name.$seed.log"
		done
		exit 1
	fi
	ran=$(total) spent=$((${spent:-0} + seconds))
	[ "$ran" -lt "$enough" ] || break
	more=$(((enough - ran) * spent / (ran + 1) + 1))
	seconds=$((more < seconds ? more : seconds)) seed=$((seed + 1))
done

cat "$out"/*.ran | awk '{ if (!($1 in n)) order[++k] = $1; n[$1] += $2; t[$1] += $3 }
	END {
		for (i = 1; i <= k; i++) {
			printf "%-12s %10d executions %9d per second\n", order[i], n[order[i]], n[order[i]] / t[order[i]]
			runs += n[order[i]]; time += t[order[i]]
		}
		printf "%-12s %10d executions %9d per second and processor\n", "all", runs, runs / time
	}' >"$out/summary"
sed 's/^/  FUZZ    /' "$out/summary"
