#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# soak.sh: everything that looks for faults by chance, for SOAK_SECONDS (3600), with new
# seeds in each round, from SOAK_SEED (the time) on. Stops at the first failure and says
# how to have it again.
set -euo pipefail
seconds=${SOAK_SECONDS:-3600}
first=${SOAK_SEED:-$EPOCHSECONDS}
end=$((EPOCHSECONDS + seconds))
make=${MAKE:-make}
part=$((seconds / 8 < 600 ? seconds / 8 : 600))
[ "$part" -ge 10 ] || part=10

run() { # ARGUMENTS of make
	echo "soak: make $*"
	"$make" --no-print-directory "$@" || {
		echo "soak: FAILED in round $round: make $*"
		exit 1
	}
}

for ((round = 1; EPOCHSECONDS < end; round++)); do
	seed=$((first + 1000 * round))
	echo "soak: round $round, seed $seed, $((end - EPOCHSECONDS)) seconds left"
	run test-fuzzers FUZZ_SEED=$seed FUZZ_TEST_SECONDS=$((part / 8 + 5)) FUZZ_RUNS_MIN=0
	run test-system SYSTEM_TESTS=tests/system/fuzz.t FUZZ_SEED=$((seed * 2)) FUZZ_RUNS=3 \
		FUZZ_SECONDS=$((part / 6 + 5)) FUZZ_HYPERCALLS=0
	[ "$EPOCHSECONDS" -lt "$end" ] || break
	run test-system SYSTEM_TESTS='tests/system/guests.t tests/system/stress.t'
	run test-fuzz-mutants
	run test-unit-hypervisor
done
echo "soak: no failure in $((seconds + EPOCHSECONDS - end)) seconds, seeds $first to ${seed:-$first}"
